// The translation cache that all ports share.
#ifndef SMMU_EMULATOR_TLB_MAIN_TLB_H_
#define SMMU_EMULATOR_TLB_MAIN_TLB_H_

#include <bit>
#include <cstdint>
#include <optional>

#include "emulator/tlb/address_space.h"
#include "emulator/tlb/set_associative.h"
#include "emulator/walk/leaf.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// A point in the sequence of invalidations: how many had been accepted.  What
// was read from memory before one must not outlive it.
using Stamp = std::uint64_t;

// What a walk found, to be found again.
struct TlbEntry : Leaf {
  Stamp stamp = 0;  // when the walk began
};

// What a TLB invalidation covers.  An absent member does not restrict it.
struct TlbInvalidation {
  struct Range {
    std::uint64_t first;
    std::uint64_t last;              // the last byte
    std::optional<Granule> granule;  // only entries of that granule
    std::int8_t level = 0;           // only leaves of that level; 0: of any
  };

  std::optional<Vmid> vmid;
  std::optional<Asid> asid;  // global entries too if there is a range, else not
  std::optional<Range> range;
  std::optional<Input> input = Input::kVirtual;  // none: both
};

// The two address spaces whose entries a transaction can hit.
struct TlbSpaces {
  AddressSpaces::Space* asid = nullptr;
  AddressSpaces::Space* global = nullptr;

  // Not: there were too many address spaces, or nothing is cached at all.
  bool cached() const { return asid != nullptr; }
};

// Called with the TCU's lock held.
class MainTlb {
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

   private:
    std::uint64_t page_ = 0;  // address / size
    std::uint64_t kind_ = 0;  // tag and size
  };

 public:
  // Where an entry was looked for that was not there.
  struct Searched {
    const AddressSpaces::Space* space;  // null: nowhere
    unsigned size_bits;
    SetAssociative<Key, TlbEntry>::Place place;
  };

  explicit MainTlb(const Caching& caching);

  TlbSpaces spaces_of(Vmid vmid, Asid asid);
  // Of a VMID's stage 2 alone.
  TlbSpaces intermediate_space_of(Vmid vmid);

  // The entry that translates `address`, or null.
  // REQUIRES: spaces.cached().
  const TlbEntry* find(const TlbSpaces& spaces, std::uint64_t address, Searched& searched) {
    searched.space = nullptr;
    if (const TlbEntry* entry = find(*spaces.asid, address, searched)) return entry;
    if (spaces.global->sizes == 0) [[likely]]
      return nullptr;
    return find(*spaces.global, address, searched);
  }

  // Adds an entry that was not found.
  // REQUIRES: nobody wants to hear which entry has to go for it.
  void insert(AddressSpaces::Space& space, std::uint64_t address, const TlbEntry& entry,
              const Searched& searched) {
    if (searched.space == &space && searched.size_bits == entry.size_bits && spaces_.all_alive()) {
      const Key key(space.tag, address, entry.size_bits);
      if (entries_.replace(searched.place, key, entry)) return;
    }
    insert(space, address, entry, [](auto&&...) {});
  }
  // If a live entry has to go, `evict(space, address, entry, reason)` hears of
  // it before.
  template <class Evict>
  void insert(AddressSpaces::Space& space, std::uint64_t address, const TlbEntry& entry,
              Evict&& evict) {
    space.sizes |= std::uint64_t{1} << entry.size_bits;
    entries_.insert(
        Key(space.tag, address, entry.size_bits), entry,
        [this](const Key& key) { return !spaces_.alive(key.tag()); },
        [&](const Key& key, const TlbEntry& victim, EvictionReason reason) {
          evict(spaces_.owner(key.tag()), key.address(), victim, reason);
        });
  }

  // Removes what `what` covers and was read before `before`.
  void invalidate(const TlbInvalidation& what, Stamp before);

  void clear();

  static TlbEntryInfo describe(const AddressSpaces::Space& space, std::uint64_t address,
                               const TlbEntry& entry);

 private:
  const TlbEntry* find(const AddressSpaces::Space& space, std::uint64_t address,
                       Searched& searched) {
    for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
      const auto size_bits = static_cast<unsigned>(std::countr_zero(sizes));
      const Key key(space.tag, address, size_bits);
      const std::size_t first = entries_.set_of(key);
      if (const TlbEntry* entry = entries_.find(key, first)) return entry;
      searched = {&space, size_bits, {first, entries_.changes()}};
    }
    return nullptr;
  }
  void invalidate_space(AddressSpaces::Space& space, Stamp before);
  void invalidate_range(const AddressSpaces::Space& space, const TlbInvalidation::Range& range,
                        Stamp before);

  const bool keeps_everything_;
  AddressSpaces spaces_;
  SetAssociative<Key, TlbEntry> entries_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_MAIN_TLB_H_
