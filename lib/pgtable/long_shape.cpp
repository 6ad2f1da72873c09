// Which tables a configuration asks for, and whether there are such.
#include <algorithm>
#include <bit>

#include "lib/pgtable/long_descriptor.h"

namespace smmu::iommu {
namespace {

constexpr unsigned kLeastRoot = 6;         // tables are aligned to 64 bytes at least
constexpr unsigned kMostConcatenated = 4;  // 16 tables (DDI 0487, D8.2.2)

// log2 of the granule: the preferred one, else the largest that is smaller, else the smallest.
unsigned granule_of(const PgtableConfig& config) {
  constexpr std::uint64_t kGranules = 1U << 12 | 1U << 14 | 1U << 16;
  const std::uint64_t there = config.page_sizes & kGranules;
  if (there == 0) return 0;
  const std::uint64_t preferred = config.preferred_granule;
  const std::uint64_t smaller = preferred != 0 ? there & (preferred | (preferred - 1)) : 0;
  if (smaller == 0) return static_cast<unsigned>(std::countr_zero(there));
  return static_cast<unsigned>(std::bit_width(smaller)) - 1;
}

// What there is of a granule in the largest of tables, one bit each.
std::uint64_t sizes_of(unsigned granule, unsigned output_bits) {
  switch (granule) {
    case 12:
      return std::uint64_t{1} << 12 | std::uint64_t{1} << 21 | std::uint64_t{1} << 30;
    case 14:
      return std::uint64_t{1} << 14 | std::uint64_t{1} << 25;
    default:
      return std::uint64_t{1} << 16 | std::uint64_t{1} << 29 |
             (output_bits > 48 ? std::uint64_t{1} << 42 : 0);
  }
}

// Whether stage 2 may begin at the level: not where that is for more than there is of memory
// (DDI 0487, J1.1.4, AArch64.S2InvalidSL: the highest level needs a PA size of 44 bits, with 16K
// level 1 of 42; D8.2.2: level 0 of 16K is not there without FEAT_LPA2).
bool may_start(unsigned granule, unsigned level, unsigned output_bits) {
  if (granule == 12) return level != 0 || output_bits > 42;
  if (granule == 14) return level > 1 || (level == 1 && output_bits > 40);
  return level > 1 || output_bits > 42;
}

bool is_output_size(unsigned bits) {
  constexpr unsigned kSizes[] = {32, 36, 40, 42, 44, 48, 52};
  return std::find(std::begin(kSizes), std::end(kSizes), bits) != std::end(kSizes);
}

bool quirks_fit(const PgtableConfig& config) {
  const PgtableQuirks& quirks = config.quirks;
  const bool coherent = config.coherency == WalkCoherency::kCoherent;
  switch (config.format) {
    case PgtableFormat::kAArch64Stage1:
      return !quirks.s2fwb && !quirks.xnx && !(quirks.outer_write_back && coherent);
    case PgtableFormat::kAArch64Stage2:
      return !quirks.non_secure && !quirks.ttbr1 && !quirks.outer_write_back && !quirks.dirty;
    case PgtableFormat::kAArch32LongStage1:
      return !quirks.ttbr1 && !quirks.outer_write_back && !quirks.dirty && !quirks.s2fwb &&
             !quirks.xnx && !quirks.contiguous && !quirks.split_blocks;
    default:
      return !quirks.non_secure && !quirks.ttbr1 && !quirks.outer_write_back && !quirks.dirty &&
             !quirks.s2fwb && !quirks.xnx && !quirks.contiguous && !quirks.split_blocks;
  }
}

}  // namespace

Result<LongShape, std::errc> shape_of(PgtableConfig& config) {
  const bool stage2 = is_stage2(config.format);
  if (!is_output_size(config.output_bits) || !quirks_fit(config) || config.break_before_make > 2) {
    return std::errc::invalid_argument;
  }
  if (config.format == PgtableFormat::kAArch32LongStage1 ||
      config.format == PgtableFormat::kAArch32LongStage2) {
    // G5.5: inputs of 32 bits, of stage 2 of 40; one granule.
    if (config.input_bits > (stage2 ? 40 : 32) || config.output_bits > 40) {
      return std::errc::invalid_argument;
    }
    config.page_sizes &= sizes_of(12, 0);
  }
  const unsigned granule = granule_of(config);
  if (granule == 0) return std::errc::invalid_argument;
  const unsigned most = granule == 16 ? 52 : 48;
  config.input_bits = std::min(config.input_bits, most);
  config.output_bits = std::min(config.output_bits, most);
  // T0SZ ends at 39 (D8.2.8 to D8.2.10), of VMSAv8-32 at 7.
  if (config.input_bits < 25) return std::errc::invalid_argument;

  const unsigned bits = granule - 3;
  const unsigned levels = (config.input_bits - granule + bits - 1) / bits;
  LongShape shape{.granule_shift = granule, .start_level = 4 - levels, .root_log2 = 0};
  unsigned root_bits = config.input_bits - granule - (levels - 1) * bits;
  while (stage2 && !may_start(granule, shape.start_level, config.output_bits)) {
    // As many tables of the next level, side by side, stand for this one.
    root_bits += bits;
    ++shape.start_level;
    if (root_bits > bits + kMostConcatenated) return std::errc::invalid_argument;
  }
  shape.root_log2 = std::max(root_bits + 3, kLeastRoot);

  config.page_sizes &= sizes_of(granule, config.output_bits);
  // No block is larger than an entry of the first table.
  const unsigned root_shift = granule + (3 - shape.start_level) * bits;
  config.page_sizes &= (std::uint64_t{2} << root_shift) - 1;
  return shape;
}

}  // namespace smmu::iommu
