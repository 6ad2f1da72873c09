// What is kept by address: translations, and what leads to them.
#ifndef SMMU_EMULATOR_TLB_TRANSLATION_CACHE_H_
#define SMMU_EMULATOR_TLB_TRANSLATION_CACHE_H_

#include <bit>
#include <cstdint>

#include "emulator/tlb/address_space.h"
#include "emulator/tlb/invalidation.h"
#include "emulator/tlb/set_associative.h"
#include "smmu/arch/bits.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"

namespace smmu::emulator {

// The two address spaces whose entries a transaction can hit.
struct TlbSpaces {
  AddressSpaces::Space* asid = nullptr;
  AddressSpaces::Space* global = nullptr;

  // Not: there were too many address spaces, or nothing is cached at all.
  bool cached() const { return asid != nullptr; }
};

// Entries are filed by address space, size and address.  `Entry` has
//
//   stamp         when it was read
//   size_bits     it is about 2^size_bits bytes
//   block_bits()  what it is about is a part of 2^n bytes that one descriptor
//                 describes
//   granule, level
//
// and for snapshots archive(), and sound(): whether there can be such an entry.
//
// Called with the TCU's lock held.
template <class Entry>
class TranslationCache {
  class Key {
   public:
    Key() = default;
    Key(AddressSpaces::Tag tag, std::uint64_t address, unsigned size_bits)
        : page_(address >> size_bits), kind_(std::uint64_t{tag} << 32 | size_bits) {}

    bool vacant() const { return kind_ == 0; }  // no entry is of one byte
    AddressSpaces::Tag tag() const { return static_cast<AddressSpaces::Tag>(kind_ >> 32); }
    unsigned size_bits() const { return static_cast<unsigned>(kind_ & 0xff); }
    std::uint64_t page() const { return page_; }
    std::uint64_t address() const { return page_ << size_bits(); }
    // An odd constant without a pattern: the product's high bits depend on all
    // bits of the factor.
    std::uint64_t hash() const { return (page_ ^ kind_) * 0x9e3779b97f4a7c15; }
    friend bool operator==(const Key&, const Key&) = default;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(page_, kind_);
      const unsigned bits = size_bits();
      snapshot.require((kind_ & 0xffff'ffff) == bits && bits >= 1 && bits < 64 &&
                           page_ <= ~std::uint64_t{0} >> bits,
                       "an address that cannot be");
    }

   private:
    std::uint64_t page_ = 0;  // address / size
    std::uint64_t kind_ = 0;  // tag and size
  };

 public:
  // Where an entry was looked for that was not there.
  struct Searched {
    const AddressSpaces::Space* space;  // null: nowhere
    Key key;
    typename SetAssociative<Key, Entry>::Place place;
  };

  TranslationCache(CachePolicy policy, CacheGeometry geometry, std::uint32_t cap)
      : keeps_everything_(policy == CachePolicy::kAdversarial),
        entries_(geometry, keeps_everything_ ? cap : 0) {}

  std::size_t size() const { return entries_.size(); }

  // Of a stage 1, or of both stages.
  TlbSpaces spaces_of(const Owner& owner) {
    AddressSpace name{.world = owner.world, .vmid = owner.vmid};
    if (is_one_level(owner.world)) {
      AddressSpaces::Space* space = spaces_.intern(name);
      return {.asid = space, .global = space};
    }
    name.asid = owner.asid;
    AddressSpaces::Space* own = spaces_.intern(name);
    name.asid.reset();
    name.set = owner.set;
    AddressSpaces::Space* global = spaces_.intern(name);
    if (own == nullptr || global == nullptr) return {};
    return {.asid = own, .global = global};
  }
  // Of its stage 2 alone.
  TlbSpaces intermediate_space_of(Vmid vmid) {
    AddressSpaces::Space* space = spaces_.intern({.vmid = vmid, .input = Input::kIntermediate});
    return {.asid = space, .global = space};
  }

  // The entry about `address`, or null; the smallest if there are several.
  // REQUIRES: spaces.cached().
  [[gnu::always_inline]] const Entry* find(const TlbSpaces& spaces, std::uint64_t address,
                                           Searched& searched) {
    if (const Entry* entry = find(*spaces.asid, address, searched)) return entry;
    if (spaces.global->sizes == 0) [[likely]]
      return nullptr;
    return find(*spaces.global, address, searched);
  }
  const Entry* find(const TlbSpaces& spaces, std::uint64_t address) {
    Searched searched;
    return find(spaces, address, searched);
  }
  // Whether there are several.
  bool conflict(const TlbSpaces& spaces, std::uint64_t address) {
    unsigned found = count(*spaces.asid, address);
    if (spaces.global != spaces.asid) found += count(*spaces.global, address);
    return found > 1;
  }

  // Adds an entry that was not found.
  // REQUIRES: nobody wants to hear which entry has to go for it.
  [[gnu::always_inline]] void fill(AddressSpaces::Space& space, std::uint64_t address,
                                   const Entry& entry, const Searched& searched) {
    if (searched.space == &space && searched.key.size_bits() == entry.size_bits &&
        spaces_.all_alive() && entry.block_bits() == entry.size_bits) [[likely]] {
      if (entries_.replace(searched.place, searched.key, entry)) [[likely]]
        return;
      return fill_vacant(space, address, entry, searched);
    }
    insert_anywhere(space, address, entry);
  }
  // If a live entry has to go, `evict(space, address, entry, reason)` hears of
  // it before.
  template <class Evict>
  void insert(AddressSpaces::Space& space, std::uint64_t address, const Entry& entry,
              Evict&& evict) {
    space.sizes |= std::uint64_t{1} << entry.size_bits;
    if (entry.block_bits() != entry.size_bits) {
      space.splintered |= std::uint64_t{1} << entry.block_bits();
    }
    entries_.insert(
        Key(space.tag, address, entry.size_bits), entry,
        [this](const Key& key) { return !spaces_.alive(key.tag()); },
        [&](const Key& key, const Entry& victim, EvictionReason reason) {
          evict(spaces_.owner(key.tag()), key.address(), victim, reason);
        });
  }

  // Removes what `what` covers and was read before `before`.
  void invalidate(const TlbInvalidation& what, Stamp before) {
    if (entries_.size() == 0) return;
    const auto one = [&](AddressSpaces::Space* space) {
      if (space->sizes == 0) return;
      if (what.input && space->name.input != *what.input) return;
      if (what.range) {
        invalidate_range(*space, *what.range, before);
      } else {
        invalidate_space(*space, before);
      }
    };
    if (!what.vmid) {
      for (const auto& space : spaces_.all()) {
        if (space->name.world == what.world) one(space.get());
      }
      return;
    }
    const std::uint32_t others = (1U << what.vmid_bits_ignored) - 1;
    for (std::uint32_t low = 0; low <= others; ++low) {
      const Vmid vmid(static_cast<std::uint16_t>((what.vmid->value & ~others) | low));
      if (!what.asid) {
        for (AddressSpaces::Space* space : spaces_.of(what.world, vmid)) one(space);
        continue;
      }
      // 3.17: whatever the ASET.
      const AddressSpaces::Related related = spaces_.related(what.world, vmid, *what.asid);
      one(related.own);
      if (what.range) {
        one(related.global);
        one(related.non_shared_global);
      }
    }
  }

  // Removes whatever is about one address of one ASID of EL1, global or not.
  [[gnu::noinline]] void invalidate_address(Vmid vmid, Asid asid, std::uint64_t address) {
    const AddressSpaces::Related* related = spaces_.last_related(StreamWorld::kNsEl1, vmid, asid);
    if (related == nullptr || !erase_plain(*related->own, address) ||
        !erase_plain(*related->global, address) ||
        !erase_plain(*related->non_shared_global, address)) [[unlikely]]
      erase_address(vmid, asid, address);
  }

  void clear() {
    entries_.clear();
    spaces_.clear();
  }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(spaces_);
    entries_.archive(snapshot, [this](const Key& key, const Entry& entry) {
      return spaces_.owned(key.tag()) && entry.size_bits == key.size_bits() && entry.sound();
    });
  }

 private:
  [[gnu::noinline]] void fill_vacant(AddressSpaces::Space& space, std::uint64_t address,
                                     const Entry& entry, Searched searched) {
    if (!entries_.occupy(searched.place, searched.key, entry)) {
      insert_anywhere(space, address, entry);
    }
  }

  [[gnu::noinline]] void insert_anywhere(AddressSpaces::Space& space, std::uint64_t address,
                                         const Entry& entry) {
    insert(space, address, entry, [](auto&&...) {});
  }

  [[gnu::always_inline]] const Entry* find(const AddressSpaces::Space& space, std::uint64_t address,
                                           Searched& searched) {
    std::uint64_t sizes = space.sizes;
    if (sizes == 0) [[unlikely]] {
      searched = {};
      return nullptr;
    }
    do {
      const auto size_bits = static_cast<unsigned>(std::countr_zero(sizes));
      const Key key(space.tag, address, size_bits);
      const std::size_t first = entries_.set_of(key);
      if (const Entry* entry = entries_.find(key, first)) return entry;
      searched = {&space, key, {first, entries_.changes()}};
      sizes &= sizes - 1;
    } while (sizes != 0);
    return nullptr;
  }

  unsigned count(const AddressSpaces::Space& space, std::uint64_t address) {
    unsigned found = 0;
    for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
      const auto size_bits = static_cast<unsigned>(std::countr_zero(sizes));
      if (entries_.find(Key(space.tag, address, size_bits)) != nullptr) ++found;
    }
    return found;
  }

  void invalidate_space(AddressSpaces::Space& space, Stamp before) {
    const AddressSpaces::Tag tag = space.tag;
    if (keeps_everything_) {
      // What was read after the invalidation was accepted may stay, and does.
      entries_.erase_if([&](const Key& key, const Entry& entry) {
        return key.tag() == tag && entry.stamp < before;
      });
      return;
    }
    if (spaces_.retire(space)) {
      entries_.erase_if(
          [&](const Key& key, const Entry&) { return &spaces_.owner(key.tag()) == &space; });
    }
  }

  [[gnu::noinline]] void erase_address(Vmid vmid, Asid asid, std::uint64_t address) {
    const AddressSpaces::Related related = spaces_.related(StreamWorld::kNsEl1, vmid, asid);
    constexpr Stamp kEver = ~Stamp{0};
    const TlbInvalidation::Range range{
        .first = address, .last = address, .granule = std::nullopt, .level = 0};
    for (const AddressSpaces::Space* space :
         {related.own, related.global, related.non_shared_global}) {
      if (space->splintered != 0) {
        invalidate_range(*space, range, kEver);
        continue;
      }
      for (std::uint64_t sizes = space->sizes; sizes != 0; sizes &= sizes - 1) {
        entries_.erase(Key(space->tag, address, static_cast<unsigned>(std::countr_zero(sizes))));
      }
    }
  }

  // The same in the plain case.  False: it is not that.
  [[gnu::always_inline]] bool erase_plain(const AddressSpaces::Space& space,
                                          std::uint64_t address) {
    if (space.sizes == 0) return true;
    if (((space.sizes & (space.sizes - 1)) | space.splintered) != 0) [[unlikely]]
      return false;
    const auto size_bits = static_cast<unsigned>(std::countr_zero(space.sizes));
    entries_.erase(Key(space.tag, address, size_bits));
    return true;
  }

  [[gnu::noinline]] void invalidate_range(const AddressSpaces::Space& space,
                                          const TlbInvalidation::Range& range, Stamp before) {
    const auto covered = [&](const Entry& entry) {
      return entry.stamp < before && (!range.granule || range.granule == entry.granule) &&
             (range.level == 0 || range.level == entry.level);
    };
    erase(space, range.first, range.last, covered);
    // DDI 0487, D8.17: the parts of a block go with any address in it.
    for (std::uint64_t blocks = space.splintered; blocks != 0; blocks &= blocks - 1) {
      const auto block_bits = static_cast<unsigned>(std::countr_zero(blocks));
      const std::uint64_t within = mask(block_bits - 1, 0);
      erase(space, range.first & ~within, range.last | within,
            [&](const Entry& entry) { return entry.block_bits() == block_bits && covered(entry); });
    }
  }

  template <class Condition>
  void erase(const AddressSpaces::Space& space, std::uint64_t from, std::uint64_t to,
             Condition&& condition) {
    for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
      const auto size_bits = static_cast<unsigned>(std::countr_zero(sizes));
      const std::uint64_t first = from >> size_bits;
      const std::uint64_t last = to >> size_bits;
      if (last - first < entries_.size()) {
        for (std::uint64_t page = first; page <= last; ++page) {
          entries_.erase(Key(space.tag, page << size_bits, size_bits), condition);
        }
      } else {
        // More pages than there are entries: look at the entries instead.
        entries_.erase_if([&](const Key& key, const Entry& entry) {
          return key.tag() == space.tag && key.size_bits() == size_bits && key.page() >= first &&
                 key.page() <= last && condition(entry);
        });
      }
    }
  }

  const bool keeps_everything_;
  AddressSpaces spaces_;
  SetAssociative<Key, Entry> entries_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_TRANSLATION_CACHE_H_
