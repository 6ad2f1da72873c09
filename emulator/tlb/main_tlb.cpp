#include "emulator/tlb/main_tlb.h"

#include <bit>

#include "smmu/arch/bits.h"

namespace smmu::emulator {

MainTlb::MainTlb(const Caching& caching)
    : keeps_everything_(caching.policy == CachePolicy::kAdversarial),
      entries_(caching.main_tlb, keeps_everything_ ? caching.cap : 0) {}

TlbSpaces MainTlb::spaces_of(Vmid vmid, Asid asid) {
  const auto own = spaces_.intern({.vmid = vmid, .asid = asid});
  const auto global = spaces_.intern({.vmid = vmid, .asid = std::nullopt});
  if (!own || !global) return {};
  return {.asid = *own, .global = *global, .cached = true};
}

MainTlb::Found MainTlb::find(const TlbSpaces& spaces, std::uint64_t address) {
  if (!spaces.cached) return {nullptr, 0};
  for (const AddressSpaces::Index index : {spaces.asid, spaces.global}) {
    const AddressSpaces::Space& space = spaces_[index];
    for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
      const auto size_bits = static_cast<std::uint32_t>(std::countr_zero(sizes));
      const TlbEntry* entry =
          entries_.find({.page = address >> size_bits, .tag = space.tag, .size_bits = size_bits});
      if (entry != nullptr) return {entry, index};
    }
  }
  return {nullptr, 0};
}

std::optional<MainTlb::Displaced> MainTlb::insert(AddressSpaces::Index space, std::uint64_t address,
                                                  const TlbEntry& entry) {
  AddressSpaces::Space& into = spaces_[space];
  into.sizes |= std::uint64_t{1} << entry.size_bits;
  const Key key{.page = address >> entry.size_bits, .tag = into.tag, .size_bits = entry.size_bits};
  return entries_.insert(key, entry,
                         [this](const Key& other) { return !spaces_.alive(other.tag); });
}

void MainTlb::invalidate(const TlbInvalidation& what, Stamp before) {
  const auto one = [&](AddressSpaces::Index space) {
    if (what.range) {
      invalidate_range(space, *what.range, before);
    } else {
      invalidate_space(space, before);
    }
  };
  if (!what.vmid) {
    for (AddressSpaces::Index space = 0; space != spaces_.size(); ++space) one(space);
    return;
  }
  if (!what.asid) {
    for (const AddressSpaces::Index space : spaces_.of(*what.vmid)) one(space);
    return;
  }
  if (const auto space = spaces_.find({.vmid = *what.vmid, .asid = what.asid})) one(*space);
  if (what.range) {
    if (const auto space = spaces_.find({.vmid = *what.vmid, .asid = std::nullopt})) one(*space);
  }
}

void MainTlb::invalidate_space(AddressSpaces::Index space, Stamp before) {
  const AddressSpaces::Tag tag = spaces_[space].tag;
  if (keeps_everything_) {
    // What was read after the invalidation was accepted may stay, and does.
    entries_.erase_if([&](const Key& key, const TlbEntry& entry) {
      return key.tag == tag && entry.stamp < before;
    });
    return;
  }
  if (spaces_[space].sizes == 0) return;
  if (spaces_.retire(space)) {
    entries_.erase_if(
        [&](const Key& key, const TlbEntry&) { return AddressSpaces::index_of(key.tag) == space; });
  }
}

void MainTlb::invalidate_range(AddressSpaces::Index index, const TlbInvalidation::Range& range,
                               Stamp before) {
  const AddressSpaces::Space& space = spaces_[index];
  const auto covered = [&](const TlbEntry& entry) {
    return entry.stamp < before &&
           (range.granule_bits == 0 || range.granule_bits == entry.granule_bits) &&
           (range.level == 0 || range.level == entry.level);
  };
  for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
    const auto size_bits = static_cast<std::uint32_t>(std::countr_zero(sizes));
    const std::uint64_t first = range.first >> size_bits;
    const std::uint64_t last = range.last >> size_bits;
    if (last - first < entries_.size()) {
      for (std::uint64_t page = first; page <= last; ++page) {
        entries_.erase({.page = page, .tag = space.tag, .size_bits = size_bits}, covered);
      }
    } else {
      // More pages than there are entries: look at the entries instead.
      entries_.erase_if([&](const Key& key, const TlbEntry& entry) {
        return key.tag == space.tag && key.size_bits == size_bits && key.page >= first &&
               key.page <= last && covered(entry);
      });
    }
  }
}

void MainTlb::clear() {
  entries_.clear();
  spaces_.clear();
}

TlbEntryInfo MainTlb::describe(AddressSpaces::Index space, std::uint64_t address,
                               const TlbEntry& entry) const {
  const AddressSpace& name = spaces_[space].name;
  return {.vmid = name.vmid,
          .asid = name.asid,
          .address = Iova(address & ~mask(entry.size_bits - 1U, 0)),
          .size = std::uint64_t{1} << entry.size_bits,
          .pa = entry.output};
}

TlbEntryInfo MainTlb::describe(const Displaced& displaced) const {
  return describe(AddressSpaces::index_of(displaced.key.tag),
                  displaced.key.page << displaced.key.size_bits, displaced.value);
}

}  // namespace smmu::emulator
