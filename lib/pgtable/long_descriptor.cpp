#include "lib/pgtable/long_descriptor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::iommu {
namespace {

using vmsa::Address_64K;
using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

// Type, in [1:0]: the same at both stages (D8.3.1).  At level 3 a page has what is a table's above.
constexpr std::uint64_t kValid = 0b01;
constexpr std::uint64_t kBlock = 0b01;
constexpr std::uint64_t kType = 0b10;
constexpr std::uint64_t kTableOrPage = 0b11;

// Of an entry above level 3 that these tables have; there is none with Type and without Valid.
constexpr bool is_table(std::uint64_t descriptor) { return (descriptor & kType) != 0; }

// The same bits at both stages.
constexpr std::uint64_t kContiguous = Leaf_Stage1().set(Leaf_Stage1::Contiguous, true).word(0);
constexpr std::uint64_t kDirtyModifier = Leaf_Stage1().set(Leaf_Stage1::DBM, true).word(0);
constexpr std::uint64_t kReadOnly = Leaf_Stage1().set(Leaf_Stage1::AP, 0b10).word(0);

// The SMMU takes AP[2] away at the first write (D8.5.2).
constexpr bool is_dirty(std::uint64_t leaf) {
  return (leaf & (kDirtyModifier | kReadOnly)) == kDirtyModifier;
}

// Entries that one Contiguous translation has (D8.7.1, table D8-104); 0: there is none, as of
// blocks of level 1 with granules of 64K.
template <unsigned kGranule>
constexpr std::uint64_t contiguous_run(unsigned shift) {
  if (kGranule == 14) return shift == kGranule ? 128 : 32;
  if (kGranule == 12) return 16;
  return shift > 2 * kGranule ? 0 : 32;
}

}  // namespace

template <unsigned kGranule>
Result<std::unique_ptr<IoPgtable>, std::errc> LongDescriptor<kGranule>::create(
    const PgtableConfig& config, const LongShape& shape, PagePool& pool,
    PgtableInvalidation& invalidation, CacheMaintenance* caches) {
  std::unique_ptr<LongDescriptor> tables(
      new (std::nothrow) LongDescriptor(config, shape, pool, invalidation, caches));
  if (!tables) return std::errc::not_enough_memory;
  const auto root = tables->memory_.allocate(shape.root_log2);
  if (!root) return root.error();
  tables->root_ = tables->memory_.entries(*root);
  return std::unique_ptr<IoPgtable>(std::move(tables));
}

template <unsigned kGranule>
LongDescriptor<kGranule>::LongDescriptor(const PgtableConfig& config, const LongShape& shape,
                                         PagePool& pool, PgtableInvalidation& invalidation,
                                         CacheMaintenance* caches)
    : config_(config),
      invalidation_(invalidation),
      memory_(pool, caches),
      attributes_(is_stage2(config.format) ? stage2_attributes(config.quirks)
                                           : stage1_attributes(config.quirks)),
      root_shift_(shift_of(shape.start_level)),
      root_log2_(shape.root_log2),
      first_(config.quirks.ttbr1 ? ~std::uint64_t{0} << config.input_bits : 0),
      last_(mask(config.input_bits - 1, 0)),
      last_pa_(mask(config.output_bits - 1, 0)),
      table_to_host_(pool.host_offset() - table(Pa(0))),
      locks_(config.quirks.contiguous || config.quirks.split_blocks),
      plain_(!locks_ && caches == nullptr) {}

template <unsigned kGranule>
LongDescriptor<kGranule>::~LongDescriptor() {
  if (root_ == nullptr) return;
  if (root_shift_ != kGranule) {
    const std::uint64_t entries = std::uint64_t{1} << (config_.input_bits - root_shift_);
    for (std::uint64_t i = 0; i != entries; ++i) {
      const std::uint64_t descriptor = load(root_ + i);
      if (is_table(descriptor)) free_below(table_of(descriptor), root_shift_ - kBits);
    }
  }
  memory_.free(memory_.pa_of(root_), root_log2_);
}

template <unsigned kGranule>
unsigned LongDescriptor<kGranule>::shift_of_size(std::uint64_t page_size) const {
  if ((config_.page_sizes & page_size) == 0) return 0;
  if (page_size == std::uint64_t{1} << shift_of(3)) return shift_of(3);
  if (page_size == std::uint64_t{1} << shift_of(2)) return shift_of(2);
  if (page_size == std::uint64_t{1} << shift_of(1)) return shift_of(1);
  return 0;  // more than one bit
}

template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::room(std::uint64_t address, unsigned shift) const {
  const std::uint64_t entries =
      shift == root_shift_ ? std::uint64_t{1} << (config_.input_bits - root_shift_) : kEntries;
  return entries - (address >> shift & (entries - 1));
}

template <unsigned kGranule>
Pa LongDescriptor<kGranule>::leaf_of(std::uint64_t descriptor) {
  if constexpr (kGranule == 16) {
    const Address_64K address({descriptor});
    return Pa(address[Address_64K::OA_47_16] | std::uint64_t{address[Address_64K::OA_51_48]} << 48);
  } else {
    const Leaf_Stage1 leaf({descriptor});
    return Pa(leaf[Leaf_Stage1::OA]);
  }
}

template <unsigned kGranule>
Pa LongDescriptor<kGranule>::table_of(std::uint64_t descriptor) {
  return leaf_of(descriptor);  // NLTA stands where OA does
}

template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::encode(Pa pa) {
  if constexpr (kGranule == 16) {
    constexpr std::uint64_t kLow = mask(47, 16);
    return Address_64K()
        .set(Address_64K::OA_51_48, static_cast<std::uint32_t>(pa.value >> 48))
        .set(Address_64K::OA_47_16, pa.value & kLow)
        .word(0);
  } else {
    constexpr std::uint64_t kAll = mask(47, kGranule);
    return pa.value & kAll;
  }
}

template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::leaf(Pa pa, std::uint64_t attributes,
                                             unsigned shift) const {
  const std::uint64_t size = std::uint64_t{1} << shift;
  return encode(Pa(pa.value & ~(size - 1))) | attributes |
         (shift == kGranule ? kTableOrPage : kBlock);
}

template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::table(Pa pa) const {
  return encode(pa) | kTableOrPage |
         Table_Stage1().set(Table_Stage1::NSTable, config_.quirks.non_secure).word(0);
}

// Puts a new table where nothing is, or finds one that another thread has put there.  Returns its
// descriptor, or kNoTable and why.
template <unsigned kGranule>
[[gnu::noinline]] std::uint64_t LongDescriptor<kGranule>::install(std::uint64_t* entry,
                                                                  std::errc& error) {
  std::uint64_t found = load(entry);
  if (found == 0) {
    const auto made = memory_.allocate(kGranule);
    if (!made) {
      error = made.error();
      return kNoTable;
    }
    const std::uint64_t descriptor = table(*made);
    std::uint64_t expected = 0;
    if (std::atomic_ref(*entry).compare_exchange_strong(expected, little_endian(descriptor))) {
      return descriptor;
    }
    memory_.free(*made, kGranule);
    found = little_endian(expected);
  }
  if (is_table(found)) return found;
  error = std::errc::file_exists;
  return kNoTable;
}

// Takes the table away that an entry leads to, with all below.
template <unsigned kGranule>
void LongDescriptor<kGranule>::replace_table(std::uint64_t* entry, std::uint64_t address,
                                             unsigned shift, std::uint64_t found) {
  store(entry, 0);
  memory_.clean(entry, 1);
  const std::uint64_t size = std::uint64_t{1} << shift;
  invalidation_.flush_walk(Iova(first_ + (address & ~(size - 1))), size,
                           std::uint64_t{1} << kGranule);
  free_below(table_of(found), shift - kBits);
}

// `shift`: that of the table's own entries.
template <unsigned kGranule>
void LongDescriptor<kGranule>::free_below(Pa table, unsigned shift) {
  if (shift != kGranule) {
    std::uint64_t* const entries = memory_.entries(table);
    for (std::uint64_t i = 0; i != kEntries; ++i) {
      const std::uint64_t descriptor = load(entries + i);
      if (is_table(descriptor)) free_below(table_of(descriptor), shift - kBits);
    }
  }
  memory_.free(table, kGranule);
}

// Entries where something is: blocks stay, and false is the answer; tables give way to blocks.
template <unsigned kGranule>
[[gnu::noinline]] bool LongDescriptor<kGranule>::take_tables_away(std::uint64_t* entry,
                                                                  std::uint64_t count,
                                                                  std::uint64_t address,
                                                                  unsigned shift) {
  if (shift == kGranule) return false;
  for (std::uint64_t i = 0; i != count; ++i) {
    const std::uint64_t found = load(entry + i);
    if (found != 0 && !is_table(found)) return false;
  }
  for (std::uint64_t i = 0; i != count; ++i) {
    const std::uint64_t found = load(entry + i);
    if (found != 0) replace_table(entry + i, address + (i << shift), shift, found);
  }
  return true;
}

// Entries of one table, from `entry` on.
template <unsigned kGranule>
Mapped LongDescriptor<kGranule>::write(std::uint64_t* entry, std::uint64_t address, Pa pa,
                                       unsigned shift, std::uint64_t count,
                                       std::uint64_t attributes) {
  const std::uint64_t size = std::uint64_t{1} << shift;
  pa = Pa(pa.value & ~(size - 1));
  if (pa.value + (count * size - 1) > last_pa_) return {0, std::errc::result_out_of_range};
  std::uint64_t any = 0;
#pragma GCC unroll 4
  for (std::uint64_t i = 0; i != count; ++i) any |= load(entry + i);
  if (any != 0 && !take_tables_away(entry, count, address, shift)) [[unlikely]]
    return {0, std::errc::file_exists};

  if (config_.quirks.contiguous || (kGranule == 16 && config_.output_bits > 48)) {
    const Run runs = whole_runs(entry, count, pa, shift);
    for (std::uint64_t i = 0; i != count; ++i) {
      const std::uint64_t hint = i - runs.first < runs.count ? kContiguous : 0;
      store(entry + i, leaf(Pa(pa.value + i * size), attributes | hint, shift));
    }
  } else {
    std::uint64_t descriptor = leaf(pa, attributes, shift);
#pragma GCC unroll 4
    for (std::uint64_t i = 0; i != count; ++i) {
      store(entry + i, descriptor);
      descriptor += size;
    }
  }
  return {count * size, std::errc()};
}

template <unsigned kGranule>
[[gnu::always_inline]] inline std::uint64_t* LongDescriptor<kGranule>::page_entry(
    std::uint64_t address) const {
  std::uint64_t* entry = root_entry(address);
  const auto down = [&](unsigned level) {
    const std::uint64_t descriptor = load(entry);
    if (!is_table(descriptor)) return false;
    entry = entry_below(descriptor, address, shift_of(level + 1));
    return true;
  };
  switch (root_shift_) {
    case shift_of(0):
      if (!down(0)) return nullptr;
      [[fallthrough]];
    case shift_of(1):
      if (!down(1)) return nullptr;
      [[fallthrough]];
    case shift_of(2):
      if (!down(2)) return nullptr;
      [[fallthrough]];
    default:
      return entry;
  }
}

// One page, where a table is for it already, goes the short way.
template <unsigned kGranule>
Mapped LongDescriptor<kGranule>::map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count,
                                     Prot prot) {
  std::uint64_t address = 0;
  if (count == 1 && page_size == std::uint64_t{1} << kGranule && plain_ && can_be_mapped(prot) &&
      in_range(iova, address) && pa.value <= last_pa_) [[likely]] {
    std::uint64_t* const entry = page_entry(address);
    if (entry != nullptr && load(entry) == 0) [[likely]] {
      store(entry, leaf(pa, attributes_[static_cast<std::size_t>(prot)], kGranule));
      return {page_size, std::errc()};
    }
  }
  return map_any(iova, pa, page_size, count, prot);
}

template <unsigned kGranule>
Mapped LongDescriptor<kGranule>::map_any(Iova iova, Pa pa, std::uint64_t page_size,
                                         std::uint64_t count, Prot prot) {
  const unsigned leaf_shift = shift_of_size(page_size);
  if (leaf_shift == 0 || !can_be_mapped(prot)) [[unlikely]]
    return {0, std::errc::invalid_argument};
  std::uint64_t address = 0;
  if (!in_range(iova, address) || pa.value > last_pa_) [[unlikely]]
    return {0, std::errc::result_out_of_range};
  if (count == 0) [[unlikely]]
    return {0, std::errc()};
  if (locks_) [[unlikely]]
    mutex_.lock();

  Mapped mapped{0, std::errc()};
  std::uint64_t* entry = root_entry(address);
  unsigned shift = root_shift_;
  while (shift != leaf_shift) {
    std::uint64_t descriptor = load(entry);
    if (!is_table(descriptor)) [[unlikely]] {
      descriptor = install(entry, mapped.error);
      if (descriptor == kNoTable) break;
    }
    // Another thread's table, too, has to be seen before what is mapped in it here.
    memory_.clean(entry, 1);
    shift -= kBits;
    entry = entry_below(descriptor, address, shift);
  }
  if (shift == leaf_shift) [[likely]] {
    const std::uint64_t attributes = attributes_[static_cast<std::size_t>(prot)];
    if (count == 1 && load(entry) == 0) [[likely]] {
      store(entry, leaf(pa, attributes, shift));
      mapped.bytes = page_size;
    } else {
      count = std::min(count, room(address, shift));
      mapped = write(entry, address, pa, shift, count, attributes);
    }
    memory_.clean(entry, mapped.bytes >> shift);
  }
  if (locks_) [[unlikely]]
    mutex_.unlock();
  return mapped;
}

template <unsigned kGranule>
Unmapped LongDescriptor<kGranule>::unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) {
  std::uint64_t address = 0;
  if (count == 1 && page_size == std::uint64_t{1} << kGranule && plain_ && in_range(iova, address))
      [[likely]] {
    std::uint64_t* const entry = page_entry(address);
    if (entry != nullptr && load(entry) != 0) [[likely]] {
      store(entry, 0);
      return {page_size, true};
    }
  }
  return unmap_any(iova, page_size, count);
}

template <unsigned kGranule>
Unmapped LongDescriptor<kGranule>::unmap_any(Iova iova, std::uint64_t page_size,
                                             std::uint64_t count) {
  const unsigned leaf_shift = shift_of_size(page_size);
  std::uint64_t address = 0;
  if (leaf_shift == 0 || !in_range(iova, address)) [[unlikely]]
    return {0, false};
  if (locks_) [[unlikely]]
    mutex_.lock();

  std::uint64_t* entry = root_entry(address);
  unsigned shift = root_shift_;
  while (shift != leaf_shift) {
    std::uint64_t descriptor = load(entry);
    if (!is_table(descriptor)) [[unlikely]] {
      if (descriptor != 0 && config_.quirks.split_blocks) {
        descriptor = split(entry, descriptor, address, shift);
      } else {
        descriptor = kNoTable;
      }
      if (descriptor == kNoTable) break;
    }
    shift -= kBits;
    entry = entry_below(descriptor, address, shift);
  }

  Unmapped unmapped{0, false};
  if (shift == leaf_shift) [[likely]] {
    count = std::min(count, room(address, shift));
    if (config_.quirks.contiguous) [[unlikely]] {
      std::uint64_t there = 0;
      while (there != count && load(entry + there) != 0) ++there;
      if (there != 0) take_hints(entry, there, address, shift);
    }
    std::uint64_t done = 0;
    if (shift == kGranule) {
      while (count - done >= 4 && load(entry + done) != 0 && load(entry + done + 1) != 0 &&
             load(entry + done + 2) != 0 && load(entry + done + 3) != 0) {
#pragma GCC unroll 4
        for (unsigned i = 0; i != 4; ++i) store(entry + done + i, 0);
        done += 4;
      }
      while (done != count && load(entry + done) != 0) store(entry + done++, 0);
      unmapped.leaves = done != 0;
    } else {
      for (; done != count; ++done) {
        const std::uint64_t found = load(entry + done);
        if (found == 0) break;
        if (is_table(found)) {
          replace_table(entry + done, address + (done << shift), shift, found);
        } else {
          store(entry + done, 0);
          unmapped.leaves = true;
        }
      }
    }
    unmapped.bytes = done << shift;
    memory_.clean(entry, done);
  }
  if (locks_) [[unlikely]]
    mutex_.unlock();
  return unmapped;
}

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
    if ((load(entry + edge) & (kContiguous | kValid)) != (kContiguous | kValid)) continue;
    const std::uint64_t before = memory_.pa_of(entry + edge).value / sizeof(std::uint64_t) % run;
    std::uint64_t* const first = entry + edge - before;
    if (first >= entry && first + run <= entry + count) continue;

    // Until they are gone the SMMU may note writes in them, and a write to any page in any of them
    // (D8.5.5): what is dirty of one is of all.
    std::array<std::uint64_t, 128> saved{};
    for (std::uint64_t i = 0; i != run; ++i) saved[i] = load(first + i);
    if (config_.break_before_make != 2 || config_.quirks.dirty) {
      bool dirty = false;
      for (std::uint64_t i = 0; i != run; ++i) {
        saved[i] = exchange(first + i, 0);
        dirty = dirty || is_dirty(saved[i]);
      }
      for (std::uint64_t i = 0; i != run && dirty; ++i) saved[i] &= ~kReadOnly;
      memory_.clean(first, run);
      const std::uint64_t begin = (address & ~(size - 1)) + (edge - before) * size;
      invalidation_.flush_walk(Iova(first_ + begin), run * size, std::uint64_t{1} << kGranule);
    }
    for (std::uint64_t i = 0; i != run; ++i) store(first + i, saved[i] & ~kContiguous);
    memory_.clean(first, run);
  }
}

// Puts a table in the place of a block, which maps the same.  Returns its descriptor.
template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::split(std::uint64_t* entry, std::uint64_t block,
                                              std::uint64_t address, unsigned shift) {
  const auto made = memory_.allocate(kGranule);
  if (!made) return kNoTable;
  if (config_.quirks.contiguous) {
    take_hints(entry, 1, address, shift);
    block = load(entry);
  }
  if (config_.break_before_make != 2) {
    const std::uint64_t size = std::uint64_t{1} << shift;
    block = exchange(entry, 0);
    memory_.clean(entry, 1);
    invalidation_.flush_walk(Iova(first_ + (address & ~(size - 1))), size,
                             std::uint64_t{1} << kGranule);
  }
  const Pa pa = leaf_of(block);
  const std::uint64_t attributes = block & ~(encode(Pa(mask(51, 0))) | kTableOrPage);
  const unsigned below = shift - kBits;
  std::uint64_t* const entries = memory_.entries(*made);
  for (std::uint64_t i = 0; i != kEntries; ++i) {
    store(entries + i, leaf(Pa(pa.value + (i << below)), attributes, below));
  }
  memory_.clean(entries, kEntries);

  const std::uint64_t descriptor = table(*made);
  const std::uint64_t last = exchange(entry, descriptor);
  memory_.clean(entry, 1);
  if (config_.break_before_make == 2) {
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

template <unsigned kGranule>
std::optional<Pa> LongDescriptor<kGranule>::iova_to_phys(Iova iova) const {
  if (locks_) [[unlikely]]
    return look_up_in_pieces(iova);
  return look_up(iova);
}

template <unsigned kGranule>
[[gnu::noinline]] std::optional<Pa> LongDescriptor<kGranule>::look_up_in_pieces(Iova iova) const {
  const std::optional<Pa> pa = look_up(iova);
  if (pa) return pa;
  // It may be in pieces just now.
  const std::lock_guard lock(mutex_);
  return look_up(iova);
}

template <unsigned kGranule>
[[gnu::always_inline]] inline std::optional<Pa> LongDescriptor<kGranule>::look_up(Iova iova) const {
  std::uint64_t address = 0;
  if (!in_range(iova, address)) [[unlikely]]
    return std::nullopt;
  const unsigned root_shift = root_shift_;
  std::uint64_t descriptor = load(root_ + (address >> root_shift));
  const auto found = [&](unsigned shift) -> std::optional<Pa> {
    if ((descriptor & kValid) == 0) [[unlikely]]
      return std::nullopt;
    return Pa(leaf_of(descriptor).value | (address & ((std::uint64_t{1} << shift) - 1)));
  };
  // A level for each of the entry's shifts; `root`: whether the walk began there.
  const auto down = [&](unsigned shift) {
    descriptor = load(entry_below(descriptor, address, shift));
  };
  if (root_shift > shift_of(1)) {
    if (!is_table(descriptor)) return found(shift_of(0));
    down(shift_of(1));
  }
  if (root_shift > shift_of(2)) {
    if (!is_table(descriptor)) return found(shift_of(1));
    down(shift_of(2));
  }
  if (root_shift > shift_of(3)) {
    if (!is_table(descriptor)) return found(shift_of(2));
    down(shift_of(3));
  }
  return found(shift_of(3));
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
  bool run_dirty = false;
  for (;;) {
    unsigned shift = root_shift_;
    std::uint64_t* entry = root_entry(address);
    std::uint64_t descriptor = load(entry);
    while (is_table(descriptor) && shift != kGranule) {
      shift -= kBits;
      entry = entry_below(descriptor, address, shift);
      descriptor = load(entry);
    }
    if ((descriptor & kValid) == 0) return std::errc::invalid_argument;
    const std::uint64_t leaf_size = std::uint64_t{1} << shift;
    const std::uint64_t begin = address & ~(leaf_size - 1);
    const bool contiguous = (descriptor & kContiguous) != 0;
    if (contiguous && begin >= in_run) {
      const std::uint64_t run = contiguous_run<kGranule>(shift);
      const std::uint64_t before = memory_.pa_of(entry).value / sizeof(std::uint64_t) % run;
      run_dirty = false;
      for (std::uint64_t i = 0; i != run; ++i) {
        run_dirty = run_dirty || is_dirty(load(entry - before + i));
      }
      in_run = begin + (run - before) * leaf_size;
    }
    if (is_dirty(descriptor) || (contiguous && run_dirty)) {
      if (bits == DirtyBits::kClear && is_dirty(descriptor)) {
        exchange_if(entry, descriptor, descriptor | kReadOnly);
        memory_.clean(entry, 1);
      }
      sink.dirty(Iova(first_ + begin), leaf_size);
    }
    if (last - begin < leaf_size) return Done{};
    address = begin + leaf_size;
  }
}

template <unsigned kGranule>
PgtableRegisters LongDescriptor<kGranule>::registers() const {
  const bool coherent = config_.coherency == WalkCoherency::kCoherent;
  const bool short_addresses = config_.format == PgtableFormat::kAArch32LongStage1 ||
                               config_.format == PgtableFormat::kAArch32LongStage2;
  constexpr auto kWriteBack = WalkCacheability::kWriteBackReadWriteAllocate;
  constexpr auto kNone = WalkCacheability::kNonCacheable;
  PgtableRegisters registers;
  registers.root = memory_.pa_of(root_);
  registers.tsz = (short_addresses ? 32 : 64) - config_.input_bits;
  if (short_addresses) registers.tsz %= 16;
  registers.granule = kGranule == 12 ? TG0::k4K : kGranule == 14 ? TG0::k16K : TG0::k64K;
  registers.start_level = 3 - (root_shift_ - kGranule) / kBits;
  for (const OutputSize size :
       {OutputSize::k52Bits, OutputSize::k48Bits, OutputSize::k44Bits, OutputSize::k42Bits,
        OutputSize::k40Bits, OutputSize::k36Bits, OutputSize::k32Bits}) {
    if (address_bits(size) >= config_.output_bits) registers.output_size = size;
  }
  registers.inner = coherent ? kWriteBack : kNone;
  registers.outer = coherent || config_.quirks.outer_write_back ? kWriteBack : kNone;
  registers.shareability = coherent ? Shareability::kInner : Shareability::kOuter;
  registers.memory_attributes = is_stage2(config_.format) ? 0 : kMair;
  return registers;
}

template <unsigned kGranule>
void LongDescriptor<kGranule>::trim() {
  if (root_shift_ == kGranule) return;
  trim_below(root_, std::uint64_t{1} << (config_.input_bits - root_shift_), 0, root_shift_);
}

// Frees the tables below these entries that map nothing; true: nothing is left in the entries.
template <unsigned kGranule>
bool LongDescriptor<kGranule>::trim_below(std::uint64_t* entries, std::uint64_t count,
                                          std::uint64_t address, unsigned shift) {
  bool empty = true;
  for (std::uint64_t i = 0; i != count; ++i) {
    const std::uint64_t descriptor = load(entries + i);
    if (descriptor == 0) continue;
    const std::uint64_t begin = address + (i << shift);
    if (shift != kGranule && is_table(descriptor) &&
        trim_below(memory_.entries(table_of(descriptor)), kEntries, begin, shift - kBits)) {
      replace_table(entries + i, begin, shift, descriptor);
    } else {
      empty = false;
    }
  }
  return empty;
}

template class LongDescriptor<12>;
template class LongDescriptor<14>;
template class LongDescriptor<16>;

}  // namespace smmu::iommu
