#include "lib/pgtable/long_descriptor.h"

#include <algorithm>
#include <new>

#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::iommu {
namespace {

// Entries of pages, up to the first that maps none.  Returns how many there were.
std::uint64_t clear_pages(std::uint64_t* const first, std::uint64_t count) {
  std::uint64_t* entry = first;
  for (std::uint64_t fours = count / 4; fours != 0; --fours) {
    if (load(entry) == 0 || load(entry + 1) == 0 || load(entry + 2) == 0 || load(entry + 3) == 0)
      break;
#pragma GCC unroll 4
    for (unsigned i = 0; i != 4; ++i) store(entry++, 0);
  }
  const std::uint64_t* const end = first + count;
  while (entry != end && load(entry) != 0) store(entry++, 0);
  return static_cast<std::uint64_t>(entry - first);
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
      if (is_table(descriptor)) free_below(address_of<kGranule>(descriptor), root_shift_ - kBits);
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
std::uint64_t LongDescriptor<kGranule>::table(Pa pa) const {
  return with_address<kGranule>(pa) | kTableOrPage |
         vmsa::Table_Stage1().set(vmsa::Table_Stage1::NSTable, config_.quirks.non_secure).word(0);
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
  free_below(address_of<kGranule>(found), shift - kBits);
}

// `shift`: that of the table's own entries.
template <unsigned kGranule>
void LongDescriptor<kGranule>::free_below(Pa table, unsigned shift) {
  if (shift != kGranule) {
    std::uint64_t* const entries = memory_.entries(table);
    for (std::uint64_t i = 0; i != kEntries; ++i) {
      const std::uint64_t descriptor = load(entries + i);
      if (is_table(descriptor)) free_below(address_of<kGranule>(descriptor), shift - kBits);
    }
  }
  memory_.free(table, kGranule);
}

// Whether a table, whose own entries have this shift, leads to a page or block.
template <unsigned kGranule>
bool LongDescriptor<kGranule>::maps_anything(std::uint64_t table, unsigned shift) const {
  std::uint64_t* const entries = memory_.entries(address_of<kGranule>(table));
  for (std::uint64_t i = 0; i != kEntries; ++i) {
    const std::uint64_t found = load(entries + i);
    if (found == 0) continue;
    if (shift == kGranule || !is_table(found) || maps_anything(found, shift - kBits)) return true;
  }
  return false;
}

// The bytes from its first address on that such a table maps without a hole.
template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::mapped_by(std::uint64_t table, unsigned shift) const {
  std::uint64_t* const entries = memory_.entries(address_of<kGranule>(table));
  const std::uint64_t size = std::uint64_t{1} << shift;
  for (std::uint64_t i = 0; i != kEntries; ++i) {
    const std::uint64_t found = load(entries + i);
    if (found == 0) return i * size;
    if (shift == kGranule || !is_table(found)) continue;
    const std::uint64_t below = mapped_by(found, shift - kBits);
    if (below != size) return i * size + below;
  }
  return kEntries * size;
}

// Entries where something is: tables that map nothing give way to blocks.  With anything else
// nothing is changed, and false is the answer; as it is where a fault handler has mapped something
// meanwhile.
template <unsigned kGranule>
[[gnu::noinline]] bool LongDescriptor<kGranule>::take_tables_away(std::uint64_t* entry,
                                                                  std::uint64_t count,
                                                                  std::uint64_t address,
                                                                  unsigned shift) {
  if (shift == kGranule || in_pieces_ != 0) return false;
  const auto is_in_the_way = [&](std::uint64_t found) {
    return found != 0 && (!is_table(found) || maps_anything(found, shift - kBits));
  };
  for (std::uint64_t i = 0; i != count; ++i) {
    if (is_in_the_way(load(entry + i))) return false;
  }
  for (std::uint64_t i = 0; i != count; ++i) {
    const std::uint64_t found = load(entry + i);
    if (is_in_the_way(found)) return false;
    if (found != 0) replace_table(entry + i, address + (i << shift), shift, found);
  }
  return std::all_of(entry, entry + count, [](std::uint64_t& free) { return load(&free) == 0; });
}

// Entries of one table, from `entry` on.
template <unsigned kGranule>
Mapped LongDescriptor<kGranule>::write(std::uint64_t* entry, std::uint64_t address, Pa pa,
                                       unsigned shift, std::uint64_t count,
                                       std::uint64_t attributes) {
  const std::uint64_t size = std::uint64_t{1} << shift;
  pa = Pa(pa.value & ~(size - 1));
  std::uint64_t any = 0;
#pragma GCC unroll 4
  for (std::uint64_t i = 0; i != count; ++i) any |= load(entry + i);
  if (any != 0 && !take_tables_away(entry, count, address, shift)) [[unlikely]]
    return {0, std::errc::file_exists};

  if (config_.quirks.contiguous || (kGranule == 16 && config_.output_bits > 48)) {
    const Run runs = whole_runs(entry, count, pa, shift);
    for (std::uint64_t i = 0; i != count; ++i) {
      const std::uint64_t hint = i - runs.first < runs.count ? kContiguous : 0;
      store(entry + i, leaf_entry<kGranule>(Pa(pa.value + i * size), attributes | hint, shift));
    }
  } else {
    std::uint64_t descriptor = leaf_entry<kGranule>(pa, attributes, shift);
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
  if (count == 1 && page_size == std::uint64_t{1} << kGranule && plain_ &&
      in_range(iova, address) && pa.value <= last_pa_) [[likely]] {
    std::uint64_t* const entry = page_entry(address);
    const std::uint64_t attributes = attributes_[static_cast<std::size_t>(prot)];
    if (entry != nullptr && attributes != 0 && load(entry) == 0) [[likely]] {
      store(entry, leaf_entry<kGranule>(pa, attributes, kGranule));
      return {page_size, std::errc()};
    }
  }
  return map_any(iova, pa, page_size, count, prot);
}

template <unsigned kGranule>
Mapped LongDescriptor<kGranule>::map_any(Iova iova, Pa pa, std::uint64_t page_size,
                                         std::uint64_t count, Prot prot) {
  const unsigned leaf_shift = shift_of_size(page_size);
  const std::uint64_t attributes = attributes_[static_cast<std::size_t>(prot)];
  if (leaf_shift == 0 || attributes == 0) [[unlikely]]
    return {0, std::errc::invalid_argument};
  std::uint64_t address = 0;
  if (!in_range(iova, address) || pa.value > last_pa_) [[unlikely]]
    return {0, std::errc::result_out_of_range};
  if (count == 0) [[unlikely]]
    return {0, std::errc()};
  if (count != 1) {
    count = std::min(count, room(address, leaf_shift));
    // Before there is a table more.
    if (count * page_size - 1 > last_pa_ - (pa.value & ~(page_size - 1))) [[unlikely]]
      return {0, std::errc::result_out_of_range};
  }
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
    if (count == 1 && load(entry) == 0) [[likely]] {
      store(entry, leaf_entry<kGranule>(pa, attributes, shift));
      mapped.bytes = page_size;
    } else {
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
      if (is_valid(descriptor) && config_.quirks.split_blocks) {
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
  if (shift == leaf_shift) [[likely]]
    unmapped = clear(entry, address, shift, std::min(count, room(address, shift)));
  if (locks_) [[unlikely]]
    mutex_.unlock();
  return unmapped;
}

// Entries of one table, from `entry` on.
template <unsigned kGranule>
Unmapped LongDescriptor<kGranule>::clear(std::uint64_t* entry, std::uint64_t address,
                                         unsigned shift, std::uint64_t count) {
  if (config_.quirks.contiguous) [[unlikely]] {
    std::uint64_t there = 0;
    while (there != count && load(entry + there) != 0) ++there;
    if (there != 0) take_hints(entry, there, address, shift);
  }
  Unmapped unmapped{0, false};
  std::uint64_t done = 0;
  if (shift == kGranule) {
    done = clear_pages(entry, count);
    unmapped.leaves = done != 0;
  } else {
    for (; done != count; ++done) {
      const std::uint64_t found = load(entry + done);
      if (found == 0) break;
      if (!is_table(found)) {
        store(entry + done, 0);
        unmapped.leaves = true;
        continue;
      }
      const std::uint64_t size = std::uint64_t{1} << shift;
      const std::uint64_t begin = (address & ~(size - 1)) + done * size;
      if (in_pieces_ != 0 || mapped_by(found, shift - kBits) != size) {
        unmapped.bytes = clear_some_below(found, begin, shift - kBits);
        break;
      }
      replace_table(entry + done, begin, shift, found);
    }
  }
  unmapped.bytes += done << shift;
  memory_.clean(entry, done);
  return unmapped;
}

// What a table maps up to its first hole, and has the SMMU forget it: nobody else knows that these
// are smaller than what is being unmapped.  Returns the bytes.
template <unsigned kGranule>
std::uint64_t LongDescriptor<kGranule>::clear_some_below(std::uint64_t table, std::uint64_t begin,
                                                         unsigned shift) {
  const Unmapped some = clear(entry_below(table, begin, shift), begin, shift, kEntries);
  if (some.leaves) {
    invalidation_.flush_walk(Iova(first_ + begin), some.bytes, std::uint64_t{1} << kGranule);
  }
  return some.bytes;
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
    if (!is_valid(descriptor)) [[unlikely]]
      return std::nullopt;
    return Pa(address_of<kGranule>(descriptor).value |
              (address & ((std::uint64_t{1} << shift) - 1)));
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
        trim_below(memory_.entries(address_of<kGranule>(descriptor)), kEntries, begin,
                   shift - kBits)) {
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
