// Which pages the SMMU has noted a write to (DDI 0487, D8.5.2).
#include <algorithm>

#include "lib/pgtable/long_descriptor.h"

namespace smmu::iommu {

// Looks at a contiguous run, of which [begin, end) are asked for.  What is cleared there may have
// the note of the others, so these get one of their own.
template <unsigned kGranule>
void LongDescriptor<kGranule>::look_at_run(std::uint64_t* first, std::uint64_t run,
                                           std::uint64_t begin, std::uint64_t end, DirtyBits bits,
                                           DirtyRun& seen) {
  seen.dirty = false;
  bool cleared = false;
  for (std::uint64_t i = 0; i != run; ++i) {
    seen.entries[i] = load(first + i);
    const bool dirty = is_dirty(seen.entries[i]);
    seen.dirty = seen.dirty || dirty;
    cleared = cleared || (dirty && i >= begin && i < end);
  }
  if (bits != DirtyBits::kClear || !cleared) return;
  for (std::uint64_t i = 0; i != run; ++i) {
    if (i >= begin && i < end) continue;
    exchange_if(first + i, seen.entries[i], seen.entries[i] | kUntold);
  }
  memory_.clean(first, run);
}

template <unsigned kGranule>
Result<Done, std::errc> LongDescriptor<kGranule>::read_and_clear_dirty(Iova iova,
                                                                       std::uint64_t size,
                                                                       DirtyBits bits,
                                                                       DirtySink& sink) {
  if (!config_.quirks.dirty) return std::errc::operation_not_supported;
  std::uint64_t address = 0;
  std::uint64_t last = 0;
  if (size == 0 || !in_range(iova, address) || !in_range(Iova(iova.value + (size - 1)), last) ||
      last < address) {
    return std::errc::invalid_argument;
  }
  // Where blocks are split and runs taken apart, none is to be met in pieces.
  std::unique_lock lock(mutex_, std::defer_lock);
  if (locks_) lock.lock();
  std::uint64_t in_run = 0;  // the address where a contiguous run ends
  DirtyRun seen;
  for (;;) {
    unsigned shift = root_shift_;
    std::uint64_t* entry = root_entry(address);
    std::uint64_t descriptor = load(entry);
    while (is_table(descriptor) && shift != kGranule) {
      shift -= kBits;
      entry = entry_below(descriptor, address, shift);
      descriptor = load(entry);
    }
    if (!is_valid(descriptor)) return std::errc::invalid_argument;
    const std::uint64_t leaf_size = std::uint64_t{1} << shift;
    const std::uint64_t begin = address & ~(leaf_size - 1);
    const bool contiguous = is_contiguous(descriptor);
    const std::uint64_t run = contiguous ? contiguous_run<kGranule>(shift) : 1;
    const std::uint64_t before = memory_.pa_of(entry).value / sizeof(std::uint64_t) % run;
    if (contiguous && begin >= in_run) {
      in_run = begin + (run - before) * leaf_size;
      const std::uint64_t end = before + std::min((last - begin) / leaf_size + 1, run - before);
      look_at_run(entry - before, run, before, end, bits, seen);
    }
    if (contiguous) descriptor = seen.entries[before];
    const bool noted = is_dirty(descriptor) || (descriptor & kUntold) != 0;
    if (noted || (contiguous && seen.dirty)) {
      if (bits == DirtyBits::kClear && noted) {
        exchange_if(entry, descriptor, (descriptor | kReadOnly) & ~kUntold);
        memory_.clean(entry, 1);
      }
      sink.dirty(Iova(first_ + begin), leaf_size);
    }
    if (last - begin < leaf_size) return Done{};
    address = begin + leaf_size;
  }
}

template Result<Done, std::errc> LongDescriptor<12>::read_and_clear_dirty(Iova, std::uint64_t,
                                                                          DirtyBits, DirtySink&);
template Result<Done, std::errc> LongDescriptor<14>::read_and_clear_dirty(Iova, std::uint64_t,
                                                                          DirtyBits, DirtySink&);
template Result<Done, std::errc> LongDescriptor<16>::read_and_clear_dirty(Iova, std::uint64_t,
                                                                          DirtyBits, DirtySink&);

}  // namespace smmu::iommu
