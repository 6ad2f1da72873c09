#include "emulator/tlb/main_tlb.h"

#include "smmu/arch/bits.h"

namespace smmu::emulator {

MainTlb::MainTlb(const Caching& caching)
    : keeps_everything_(caching.policy == CachePolicy::kAdversarial),
      entries_(caching.main_tlb, keeps_everything_ ? caching.cap : 0) {}

TlbSpaces MainTlb::spaces_of(Vmid vmid, Asid asid) {
  AddressSpaces::Space* own = spaces_.intern({.vmid = vmid, .asid = asid});
  AddressSpaces::Space* global = spaces_.intern({.vmid = vmid, .asid = std::nullopt});
  if (own == nullptr || global == nullptr) return {};
  return {.asid = own, .global = global};
}

TlbSpaces MainTlb::intermediate_space_of(Vmid vmid) {
  AddressSpaces::Space* space =
      spaces_.intern({.vmid = vmid, .asid = std::nullopt, .input = Input::kIntermediate});
  return {.asid = space, .global = space};
}

void MainTlb::invalidate(const TlbInvalidation& what, Stamp before) {
  if (entries_.size() == 0) return;
  const auto one = [&](AddressSpaces::Space* space) {
    if (space == nullptr || space->sizes == 0) return;
    if (what.input && space->name.input != *what.input) return;
    if (what.range) {
      invalidate_range(*space, *what.range, before);
    } else {
      invalidate_space(*space, before);
    }
  };
  if (!what.vmid) {
    for (const auto& space : spaces_.all()) one(space.get());
    return;
  }
  if (!what.asid) {
    for (AddressSpaces::Space* space : spaces_.of(*what.vmid)) one(space);
    return;
  }
  const AddressSpaces::Both both = spaces_.both(*what.vmid, *what.asid);
  one(both.own);
  if (what.range) one(both.global);
}

void MainTlb::invalidate_space(AddressSpaces::Space& space, Stamp before) {
  const AddressSpaces::Tag tag = space.tag;
  if (keeps_everything_) {
    // What was read after the invalidation was accepted may stay, and does.
    entries_.erase_if([&](const Key& key, const TlbEntry& entry) {
      return key.tag() == tag && entry.stamp < before;
    });
    return;
  }
  if (spaces_.retire(space)) {
    entries_.erase_if(
        [&](const Key& key, const TlbEntry&) { return &spaces_.owner(key.tag()) == &space; });
  }
}

void MainTlb::invalidate_range(const AddressSpaces::Space& space,
                               const TlbInvalidation::Range& range, Stamp before) {
  const auto covered = [&](const TlbEntry& entry) {
    return entry.stamp < before && (!range.granule || range.granule == entry.granule) &&
           (range.level == 0 || range.level == entry.level);
  };
  for (std::uint64_t sizes = space.sizes; sizes != 0; sizes &= sizes - 1) {
    const auto size_bits = static_cast<unsigned>(std::countr_zero(sizes));
    const std::uint64_t first = range.first >> size_bits;
    const std::uint64_t last = range.last >> size_bits;
    if (last - first < entries_.size()) {
      for (std::uint64_t page = first; page <= last; ++page) {
        entries_.erase(Key(space.tag, page << size_bits, size_bits), covered);
      }
    } else {
      // More pages than there are entries: look at the entries instead.
      entries_.erase_if([&](const Key& key, const TlbEntry& entry) {
        return key.tag() == space.tag && key.size_bits() == size_bits && key.page() >= first &&
               key.page() <= last && covered(entry);
      });
    }
  }
}

void MainTlb::clear() {
  entries_.clear();
  spaces_.clear();
}

TlbEntryInfo MainTlb::describe(const AddressSpaces::Space& space, std::uint64_t address,
                               const TlbEntry& entry) {
  return {.vmid = space.name.vmid,
          .asid = space.name.asid,
          .address = Iova(address & ~mask(entry.size_bits - 1U, 0)),
          .size = std::uint64_t{1} << entry.size_bits,
          .pa = entry.output};
}

}  // namespace smmu::emulator
