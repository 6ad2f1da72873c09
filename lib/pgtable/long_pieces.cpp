// How what is larger comes apart: runs that are contiguous into their entries, blocks into tables.
#include <array>

#include "lib/pgtable/long_descriptor.h"

namespace smmu::iommu {

// Which of these entries are whole runs, that get the Contiguous bit: aligned, and so is what they
// map.
template <unsigned kGranule>
typename LongDescriptor<kGranule>::Run LongDescriptor<kGranule>::whole_runs(
    const std::uint64_t* entry, std::uint64_t count, Pa pa, unsigned shift) const {
  const std::uint64_t run = contiguous_run<kGranule>(shift);
  const std::uint64_t first = memory_.pa_of(entry).value / sizeof(std::uint64_t);
  if (!config_.quirks.contiguous || run == 0 || ((pa.value >> shift) - first) % run != 0) return {};
  const std::uint64_t before = (run - first % run) % run;
  if (count <= before) return {};
  return {before, (count - before) / run * run};
}

// Of runs that only in part are among these entries, all entries lose the Contiguous bit.
template <unsigned kGranule>
void LongDescriptor<kGranule>::take_hints(std::uint64_t* entry, std::uint64_t count,
                                          std::uint64_t address, unsigned shift) {
  const std::uint64_t run = contiguous_run<kGranule>(shift);
  const std::uint64_t size = std::uint64_t{1} << shift;
  for (const std::uint64_t edge : {std::uint64_t{0}, count - 1}) {
    if (!is_contiguous(load(entry + edge))) continue;
    const std::uint64_t before = memory_.pa_of(entry + edge).value / sizeof(std::uint64_t) % run;
    std::uint64_t* const first = entry + edge - before;
    if (first >= entry && first + run <= entry + count) continue;

    // Until they are gone the SMMU may note writes in them, and a write to any page in any of them
    // (D8.5.5): what is dirty of one is of all.
    std::array<std::uint64_t, 128> saved{};
    for (std::uint64_t i = 0; i != run; ++i) saved[i] = load(first + i);
    const bool breaks = config_.break_before_make != 2 || config_.quirks.dirty;
    if (breaks) {
      bool dirty = false;
      for (std::uint64_t i = 0; i != run; ++i) {
        saved[i] = exchange(first + i, kInPieces);
        dirty = dirty || is_dirty(saved[i]);
      }
      for (std::uint64_t i = 0; i != run && dirty; ++i) saved[i] &= ~kReadOnly;
      memory_.clean(first, run);
      const std::uint64_t begin = (address & ~(size - 1)) + (edge - before) * size;
      ++in_pieces_;
      invalidation_.flush_walk(Iova(first_ + begin), run * size, std::uint64_t{1} << kGranule);
      --in_pieces_;
    }
    for (std::uint64_t i = 0; i != run; ++i) {
      // But for those that a fault handler has unmapped.
      exchange_if(first + i, breaks ? kInPieces : saved[i], saved[i] & ~kContiguous);
    }
    memory_.clean(first, run);
  }
}

// Puts a table in the place of a block, which maps the same.  Returns its descriptor, or that of
// one that a fault handler has put there; kNoTable: there is no memory for it, or a handler has
// unmapped the block.
template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::split(std::uint64_t* entry, std::uint64_t block,
                                              std::uint64_t address, unsigned shift) {
  const auto made = memory_.allocate(kGranule);
  if (!made) return kNoTable;
  if (config_.quirks.contiguous) {
    take_hints(entry, 1, address, shift);
    block = load(entry);
    if (!is_valid(block) || is_table(block)) {
      memory_.free(*made, kGranule);
      return is_table(block) ? block : kNoTable;
    }
  }
  const bool breaks = config_.break_before_make != 2;
  if (breaks) {
    const std::uint64_t size = std::uint64_t{1} << shift;
    block = exchange(entry, kInPieces);
    memory_.clean(entry, 1);
    ++in_pieces_;
    invalidation_.flush_walk(Iova(first_ + (address & ~(size - 1))), size,
                             std::uint64_t{1} << kGranule);
    --in_pieces_;
  }
  const Pa pa = address_of<kGranule>(block);
  const std::uint64_t attributes =
      block & ~(with_address<kGranule>(Pa(mask(51, 0))) | kTableOrPage);
  const unsigned below = shift - kBits;
  std::uint64_t* const entries = memory_.entries(*made);
  for (std::uint64_t i = 0; i != kEntries; ++i) {
    store(entries + i, leaf_entry<kGranule>(Pa(pa.value + (i << below)), attributes, below));
  }
  memory_.clean(entries, kEntries);

  const std::uint64_t descriptor = table(*made);
  const std::uint64_t last =
      breaks ? exchange_if(entry, kInPieces, descriptor) : exchange(entry, descriptor);
  if (breaks && last != kInPieces) {
    memory_.free(*made, kGranule);
    return is_table(last) ? last : kNoTable;
  }
  memory_.clean(entry, 1);
  if (!breaks) {
    // Whoever unmaps one of the pages has that forgotten, and not the block.
    const std::uint64_t size = std::uint64_t{1} << shift;
    invalidation_.flush_walk(Iova(first_ + (address & ~(size - 1))), size,
                             std::uint64_t{1} << kGranule);
  }
  // The SMMU noted a write in the block while its pages were made.
  if (is_dirty(last) && !is_dirty(block)) {
    for (std::uint64_t i = 0; i != kEntries; ++i) {
      store(entries + i, load(entries + i) & ~kReadOnly);
    }
    memory_.clean(entries, kEntries);
  }
  return descriptor;
}

template LongDescriptor<12>::Run LongDescriptor<12>::whole_runs(const std::uint64_t*, std::uint64_t,
                                                                Pa, unsigned) const;
template void LongDescriptor<12>::take_hints(std::uint64_t*, std::uint64_t, std::uint64_t,
                                             unsigned);
template std::uint64_t LongDescriptor<12>::split(std::uint64_t*, std::uint64_t, std::uint64_t,
                                                 unsigned);
template LongDescriptor<14>::Run LongDescriptor<14>::whole_runs(const std::uint64_t*, std::uint64_t,
                                                                Pa, unsigned) const;
template void LongDescriptor<14>::take_hints(std::uint64_t*, std::uint64_t, std::uint64_t,
                                             unsigned);
template std::uint64_t LongDescriptor<14>::split(std::uint64_t*, std::uint64_t, std::uint64_t,
                                                 unsigned);
template LongDescriptor<16>::Run LongDescriptor<16>::whole_runs(const std::uint64_t*, std::uint64_t,
                                                                Pa, unsigned) const;
template void LongDescriptor<16>::take_hints(std::uint64_t*, std::uint64_t, std::uint64_t,
                                             unsigned);
template std::uint64_t LongDescriptor<16>::split(std::uint64_t*, std::uint64_t, std::uint64_t,
                                                 unsigned);

}  // namespace smmu::iommu
