#include "lib/pgtable/short_descriptor.h"

#include <algorithm>
#include <new>

#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/vmsa/aarch32_short.h"

namespace smmu::iommu {
namespace {

using vmsa::LargePage_Short;
using vmsa::Level1_Short;
using vmsa::Level1Type;
using vmsa::Level2_Short;
using vmsa::Level2Type;
using vmsa::Section_Short;
using vmsa::SmallPage_Short;
using vmsa::Supersection_Short;
using vmsa::Table_Short;

constexpr unsigned kAddressBits = 32;
constexpr unsigned kSectionShift = 20;
constexpr unsigned kPageShift = 12;
constexpr unsigned kRootLog2 = 14;   // 4096 entries
constexpr unsigned kTableLog2 = 10;  // 256
constexpr std::uint64_t kRootEntries = (std::uint64_t{1} << kRootLog2) / sizeof(std::uint32_t);
constexpr std::uint64_t kTableEntries = (std::uint64_t{1} << kTableLog2) / sizeof(std::uint32_t);
constexpr std::uint64_t kSection = std::uint64_t{1} << kSectionShift;
constexpr std::uint64_t kPage = std::uint64_t{1} << kPageShift;
constexpr unsigned kRepeated = 16;  // entries of a Supersection and of a Large page (G5.4.2)

constexpr bool is_table(std::uint32_t level1) {
  return Level1_Short({level1})[Level1_Short::Type] == Level1Type::kTable;
}
constexpr bool is_supersection(std::uint32_t level1) {
  return !is_table(level1) && Level1_Short({level1})[Level1_Short::Supersection];
}
constexpr bool is_large_page(std::uint32_t level2) {
  return Level2_Short({level2})[Level2_Short::Type] == Level2Type::kLargePage;
}

// AP[2:1] as with SCTLR.AFE 1, where AP[0] is the access flag; with AFE 0 all of AP means the same
// (G5.6.1).
constexpr std::uint32_t kAccessFlag = 0b01;
constexpr std::uint32_t kUnprivileged = 0b10;

// Normal memory is told from Device by TEX[0]; C and B say how it is cached.  These bits are an
// index into PRRR and NMRR.
constexpr std::uint32_t kNormal = 0b001;

template <class Leaf>
Leaf attributes(Prot prot) {
  const bool device = has(prot, Prot::kMmio);
  const bool cached = has(prot, Prot::kCache);
  return Leaf()
      .set(Leaf::AP_1_0, kAccessFlag | (has(prot, Prot::kPriv) ? 0 : kUnprivileged))
      .set(Leaf::AP_2, !has(prot, Prot::kWrite))
      .set(Leaf::XN, has(prot, Prot::kNoExec))
      .set(Leaf::TEX, device ? 0 : kNormal)
      .set(Leaf::C, !device && cached)
      .set(Leaf::B, device || cached)
      .set(Leaf::S, true)
      .set(Leaf::nG, true);
}

std::uint32_t small_page(std::uint64_t pa, Prot prot, bool) {
  return attributes<SmallPage_Short>(prot).set(SmallPage_Short::Base, pa).word(0) |
         Level2_Short().set(Level2_Short::Type, Level2Type::kSmallPage).word(0);
}
std::uint32_t large_page(std::uint64_t pa, Prot prot, bool) {
  return attributes<LargePage_Short>(prot).set(LargePage_Short::Base, pa).word(0) |
         Level2_Short().set(Level2_Short::Type, Level2Type::kLargePage).word(0);
}
std::uint32_t section(std::uint64_t pa, Prot prot, bool non_secure) {
  return attributes<Section_Short>(prot)
             .set(Section_Short::NS, non_secure)
             .set(Section_Short::Base, pa)
             .word(0) |
         Level1_Short().set(Level1_Short::Type, Level1Type::kSection).word(0);
}
std::uint32_t supersection(std::uint64_t pa, Prot prot, bool non_secure) {
  return attributes<Supersection_Short>(prot)
             .set(Supersection_Short::NS, non_secure)
             .set(Supersection_Short::Supersection, true)
             .set(Supersection_Short::Base_31_24, pa)
             .word(0) |
         Level1_Short().set(Level1_Short::Type, Level1Type::kSection).word(0);
}

std::uint64_t leaf_of_level1(std::uint32_t descriptor) {
  return is_supersection(descriptor)
             ? Supersection_Short({descriptor})[Supersection_Short::Base_31_24]
             : Section_Short({descriptor})[Section_Short::Base];
}
std::uint64_t leaf_of_level2(std::uint32_t descriptor) {
  return is_large_page(descriptor) ? LargePage_Short({descriptor})[LargePage_Short::Base]
                                   : SmallPage_Short({descriptor})[SmallPage_Short::Base];
}

// PRRR and NMRR for the attributes that the pages here have: Device, Normal non-cacheable and
// Normal write-back (G5.7.3).  TRn 0b01 is Device, 0b10 Normal; IRn and ORn 0b01 write-back,
// write-allocate.  Indices are TEX[0], C and B; others are Strongly-ordered.  What has S set is
// shareable, what is cached Inner Shareable.
constexpr std::uint32_t kDevice = 0b01, kNormalMemory = 0b10, kWriteBack = 0b01;
constexpr auto kPrrr = v2::SMMU_CBn_PRRR()
                           .set(v2::SMMU_CBn_PRRR::TR1, kDevice)
                           .set(v2::SMMU_CBn_PRRR::TR4, kNormalMemory)
                           .set(v2::SMMU_CBn_PRRR::TR7, kNormalMemory)
                           .set(v2::SMMU_CBn_PRRR::DS0, true)
                           .set(v2::SMMU_CBn_PRRR::DS1, true)
                           .set(v2::SMMU_CBn_PRRR::NS1, true)
                           .set(v2::SMMU_CBn_PRRR::NOS7, true);
constexpr auto kNmrr = v2::SMMU_CBn_NMRR()
                           .set(v2::SMMU_CBn_NMRR::IR7, kWriteBack)
                           .set(v2::SMMU_CBn_NMRR::OR7, kWriteBack);

// Quirks that there are: non_secure.
bool quirks_fit(const PgtableQuirks& quirks) {
  return !quirks.ttbr1 && !quirks.outer_write_back && !quirks.dirty && !quirks.s2fwb &&
         !quirks.xnx && !quirks.contiguous && !quirks.split_blocks;
}

}  // namespace

// A size of page or block: so many entries of a level, all alike.
struct ShortDescriptor::Size {
  std::uint64_t bytes;
  unsigned level;
  unsigned entries;
  std::uint32_t (*descriptor)(std::uint64_t pa, Prot prot, bool non_secure);
};

Result<PgtableConfig, std::errc> ShortDescriptor::config_for(const PgtableConfig& config) {
  constexpr std::uint64_t kSizes =
      kPage | kRepeated * kPage | kSection | std::uint64_t{kRepeated} * kSection;
  constexpr unsigned kLeastBits = 25;
  PgtableConfig real = config;
  real.page_sizes &= kSizes;
  if ((real.page_sizes & kPage) == 0 || config.input_bits < kLeastBits ||
      config.input_bits > kAddressBits || config.output_bits != kAddressBits ||
      config.break_before_make > 2 || !quirks_fit(config.quirks)) {
    return std::errc::invalid_argument;
  }
  return real;
}

Result<std::unique_ptr<IoPgtable>, std::errc> ShortDescriptor::create(
    const PgtableConfig& config, PagePool& pool, PgtableInvalidation& invalidation,
    CacheMaintenance* caches) {
  std::unique_ptr<ShortDescriptor> tables(new (std::nothrow)
                                              ShortDescriptor(config, pool, invalidation, caches));
  if (!tables) return std::errc::not_enough_memory;
  const auto root = tables->memory_.allocate(kRootLog2);
  if (!root) return root.error();
  tables->root_ = tables->memory_.entries<std::uint32_t>(*root);
  return std::unique_ptr<IoPgtable>(std::move(tables));
}

ShortDescriptor::ShortDescriptor(const PgtableConfig& config, PagePool& pool,
                                 PgtableInvalidation& invalidation, CacheMaintenance* caches)
    : config_(config), invalidation_(invalidation), memory_(pool, caches) {}

ShortDescriptor::~ShortDescriptor() {
  if (root_ == nullptr) return;
  for (std::uint64_t i = 0; i != kRootEntries; ++i) {
    const std::uint32_t descriptor = load(root_ + i);
    if (is_table(descriptor)) memory_.free(memory_.pa_of(table_of(descriptor)), kTableLog2);
  }
  memory_.free(memory_.pa_of(root_), kRootLog2);
}

const ShortDescriptor::Size* ShortDescriptor::size_of(std::uint64_t page_size) const {
  static constexpr Size kSizes[] = {{kPage, 2, 1, small_page},
                                    {kRepeated * kPage, 2, kRepeated, large_page},
                                    {kSection, 1, 1, section},
                                    {kRepeated * kSection, 1, kRepeated, supersection}};
  if ((config_.page_sizes & page_size) == 0) return nullptr;
  const auto* const found = std::find_if(std::begin(kSizes), std::end(kSizes),
                                         [&](const Size& size) { return size.bytes == page_size; });
  return found != std::end(kSizes) ? found : nullptr;
}

std::uint32_t* ShortDescriptor::first_of(std::uint32_t* table, Iova iova, const Size& size) const {
  const std::uint64_t index = size.level == 1 ? iova.value >> kSectionShift
                                              : iova.value >> kPageShift & (kTableEntries - 1);
  return table + (index & ~std::uint64_t{size.entries - 1});
}

std::uint64_t ShortDescriptor::room(Iova iova, const Size& size) const {
  const std::uint64_t all =
      size.level == 1 ? std::uint64_t{1} << config_.input_bits : kTableEntries * kPage;
  return (all - (iova.value & (all - 1)) + size.bytes - 1) / size.bytes;
}

std::uint32_t* ShortDescriptor::table_of(std::uint32_t descriptor) const {
  return memory_.entries<std::uint32_t>(Pa(Table_Short({descriptor})[Table_Short::Base]));
}

// Puts a new table where nothing is, or finds one that another thread has put there.  Returns its
// descriptor, or 0 and why.
std::uint32_t ShortDescriptor::install(std::uint32_t* entry, std::errc& error) {
  std::uint32_t found = load(entry);
  if (found == 0) {
    const auto made = memory_.allocate(kTableLog2);
    if (!made) {
      error = made.error();
      return 0;
    }
    const std::uint32_t descriptor = Table_Short()
                                         .set(Table_Short::Type, Level1Type::kTable)
                                         .set(Table_Short::NS, config_.quirks.non_secure)
                                         .set(Table_Short::Base, made->value)
                                         .word(0);
    found = exchange_if(entry, 0, descriptor);
    if (found == 0) return descriptor;
    memory_.free(*made, kTableLog2);
  }
  if (is_table(found)) return found;
  error = std::errc::file_exists;
  return 0;
}

// `table`: the descriptor of one.
bool ShortDescriptor::maps_anything(std::uint32_t table) const {
  std::uint32_t* const entries = table_of(table);
  std::uint32_t any = 0;
  for (std::uint64_t i = 0; i != kTableEntries; ++i) any |= load(entries + i);
  return any != 0;
}

// How many of a table's entries there are before the first hole.
std::uint64_t ShortDescriptor::entries_in_use(std::uint32_t table) const {
  std::uint32_t* const entries = table_of(table);
  std::uint64_t count = 0;
  while (count != kTableEntries && load(entries + count) != 0) ++count;
  return count;
}

// Takes the table away that an entry of level 1 leads to.
void ShortDescriptor::remove_table(std::uint32_t* entry, Iova iova, std::uint32_t found) {
  store(entry, 0);
  memory_.clean(entry, 1);
  invalidation_.flush_walk(iova, kSection, kPage);
  memory_.free(memory_.pa_of(table_of(found)), kTableLog2);
}

// Entries of one table, from `entry` on, which maps `iova`.
Mapped ShortDescriptor::write(std::uint32_t* entry, Iova iova, Pa pa, const Size& size,
                              std::uint64_t count, Prot prot) {
  const std::uint64_t first = pa.value & ~(size.bytes - 1);
  const std::uint64_t entries = count * size.entries;
  for (std::uint64_t i = 0; i != entries; ++i) {
    const std::uint32_t found = load(entry + i);
    if (found == 0) continue;
    if (size.level == 2 || !is_table(found) || maps_anything(found)) {
      return {0, std::errc::file_exists};
    }
  }
  bool removed = false;
  for (std::uint64_t i = 0; i != entries && size.level == 1; ++i) {
    const std::uint32_t found = load(entry + i);
    if (found == 0) continue;
    if (!is_table(found) || maps_anything(found)) return {0, std::errc::file_exists};
    remove_table(entry + i, Iova(iova.value + i * kSection), found);
    removed = true;
  }
  // A fault handler may have mapped something meanwhile.
  for (std::uint64_t i = 0; i != entries && removed; ++i) {
    if (load(entry + i) != 0) return {0, std::errc::file_exists};
  }
  for (std::uint64_t i = 0; i != entries; ++i) {
    const std::uint64_t to = first + i / size.entries * size.bytes;
    store(entry + i, size.descriptor(to, prot, config_.quirks.non_secure));
  }
  memory_.clean(entry, entries);
  return {count * size.bytes, std::errc()};
}

Mapped ShortDescriptor::map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count,
                            Prot prot) {
  const Size* const size = size_of(page_size);
  if (size == nullptr || !can_be_mapped(prot)) {
    return {0, std::errc::invalid_argument};
  }
  if (!in_range(iova) || pa.value >> kAddressBits != 0) return {0, std::errc::result_out_of_range};
  if (count == 0) return {0, std::errc()};
  count = std::min(count, room(iova, *size));
  // Before there is a table more.
  if (((pa.value & ~(size->bytes - 1)) + (count * size->bytes - 1)) >> kAddressBits != 0) {
    return {0, std::errc::result_out_of_range};
  }

  std::uint32_t* table = root_;
  if (size->level == 2) {
    std::uint32_t* const entry = root_ + (iova.value >> kSectionShift);
    std::errc error{};
    const std::uint32_t descriptor = install(entry, error);
    if (descriptor == 0) return {0, error};
    // Another thread's table, too, has to be seen before what is mapped in it here.
    memory_.clean(entry, 1);
    table = table_of(descriptor);
  }
  return write(first_of(table, iova, *size), Iova(iova.value & ~(size->bytes - 1)), pa, *size,
               count, prot);
}

Unmapped ShortDescriptor::unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) {
  const Size* const size = size_of(page_size);
  if (size == nullptr || !in_range(iova)) return {0, false};
  std::uint32_t* table = root_;
  if (size->level == 2) {
    const std::uint32_t descriptor = load(root_ + (iova.value >> kSectionShift));
    if (!is_table(descriptor)) return {0, false};
    table = table_of(descriptor);
  }
  std::uint32_t* const entry = first_of(table, iova, *size);
  const std::uint64_t begin = iova.value & ~(size->bytes - 1);
  const std::uint64_t entries = std::min(count, room(iova, *size)) * size->entries;
  Unmapped unmapped{0, false};
  bool smaller = false;  // than the size
  std::uint64_t done = 0;
  while (done != entries) {
    const std::uint32_t found = load(entry + done);
    if (found == 0) break;
    if (size->level == 1 && is_table(found)) {
      const Iova at(begin + done * kSection);
      const std::uint64_t some = entries_in_use(found);
      if (some != kTableEntries) {
        clear_some(found, some, at);
        unmapped.bytes = some * kPage;
        break;
      }
      remove_table(entry + done, at, found);
      ++done;
      continue;
    }
    const bool repeated = size->level == 1 ? is_supersection(found) : is_large_page(found);
    const unsigned span = repeated ? kRepeated : 1;
    if (span > size->entries) break;
    for (unsigned i = 0; i != span; ++i) store(entry + done + i, 0);
    unmapped.leaves = true;
    smaller = smaller || span != size->entries;
    done += span;
  }
  memory_.clean(entry, done);
  const std::uint64_t bytes = done * (size->level == 1 ? kSection : kPage);
  if (smaller) {
    // Nobody else knows that they are smaller than what is being unmapped.
    invalidation_.flush_walk(Iova(begin), bytes, kPage);
    unmapped.leaves = false;
  }
  unmapped.bytes += bytes;
  return unmapped;
}

// The first entries of a table, and has the SMMU forget them.
void ShortDescriptor::clear_some(std::uint32_t table, std::uint64_t count, Iova iova) {
  if (count == 0) return;
  std::uint32_t* const entries = table_of(table);
  for (std::uint64_t i = 0; i != count; ++i) store(entries + i, 0);
  memory_.clean(entries, count);
  invalidation_.flush_walk(iova, count * kPage, kPage);
}

std::optional<Pa> ShortDescriptor::iova_to_phys(Iova iova) const {
  if (!in_range(iova)) return std::nullopt;
  const std::uint32_t level1 = load(root_ + (iova.value >> kSectionShift));
  if (level1 == 0) return std::nullopt;
  if (!is_table(level1)) {
    const std::uint64_t size = is_supersection(level1) ? kRepeated * kSection : kSection;
    return Pa(leaf_of_level1(level1) | (iova.value & (size - 1)));
  }
  const std::uint32_t level2 =
      load(table_of(level1) + (iova.value >> kPageShift & (kTableEntries - 1)));
  if (level2 == 0) return std::nullopt;
  const std::uint64_t size = is_large_page(level2) ? kRepeated * kPage : kPage;
  return Pa(leaf_of_level2(level2) | (iova.value & (size - 1)));
}

Result<Done, std::errc> ShortDescriptor::read_and_clear_dirty(Iova, std::uint64_t, DirtyBits,
                                                              DirtySink&) {
  return std::errc::operation_not_supported;
}

PgtableRegisters ShortDescriptor::registers() const {
  const bool coherent = config_.coherency == WalkCoherency::kCoherent;
  const auto cached =
      coherent ? WalkCacheability::kWriteBackReadWriteAllocate : WalkCacheability::kNonCacheable;
  return {.root = memory_.pa_of(root_),
          .tsz = 0,
          .granule = TG0::k4K,
          .start_level = 1,
          .output_size = OutputSize::k32Bits,
          .inner = cached,
          .outer = cached,
          .shareability = coherent ? Shareability::kInner : Shareability::kOuter,
          .primary_region_remap = kPrrr.raw(),
          .normal_memory_remap = kNmrr.raw()};
}

void ShortDescriptor::trim() {
  for (std::uint64_t i = 0; i != kRootEntries; ++i) {
    const std::uint32_t descriptor = load(root_ + i);
    if (!is_table(descriptor)) continue;
    if (!maps_anything(descriptor)) remove_table(root_ + i, Iova(i * kSection), descriptor);
  }
}

}  // namespace smmu::iommu
