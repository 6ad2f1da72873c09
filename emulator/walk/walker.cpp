#include "emulator/walk/walker.h"

#include "emulator/walk/permissions.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {
namespace {

using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

// The address in a descriptor: of the next table or of the output, whose low
// bits the caller drops.  With the 64 KiB granule bits [15:12] are address
// bits [51:48].  Where addresses end at bit 47 those bits are reserved; one
// that is set makes an address that is out of range, and so a fault.
std::uint64_t descriptor_address(std::uint64_t descriptor, Granule granule) {
  if (granule != Granule::k64K) return Leaf_Stage1({descriptor})[Leaf_Stage1::OA];
  using vmsa::Address_64K;
  const Address_64K address({descriptor});
  return address[Address_64K::OA_47_16] | std::uint64_t{address[Address_64K::OA_51_48]} << 48;
}

MemoryAttributes stage1_attributes(const Regime& regime, Leaf_Stage1 leaf) {
  MemoryAttributes attributes;
  attributes.type = regime.memory_type[leaf[Leaf_Stage1::AttrIndx]];
  attributes.shareability = leaf[Leaf_Stage1::SH];
  // 13.1.6: Device and Non-cacheable Normal memory is Outer Shareable.
  if (attributes.is_device() || attributes.type == MemoryAttributes::kNonCacheable) {
    attributes.shareability = Shareability::kOuter;
  } else if (attributes.shareability != Shareability::kOuter &&
             attributes.shareability != Shareability::kInner) {
    attributes.shareability = Shareability::kNonShareable;  // 0b01 is reserved
  }
  return attributes;
}

}  // namespace

Result<Leaf, WalkFault> Walker::walk_stage1(const Regime& regime, CanonicalAddress address) const {
  const Stage1Half& half = regime.half[address.half];
  const Granule granule = half.granule;
  const unsigned stride = stride_bits(granule);
  // What is left to resolve; the bits above it have been found to be copies
  // of bit 55.
  std::uint64_t offset = address.value & mask(half.input_bits - 1U, 0);

  Pa table = half.table;
  TableLimits limits;
  unsigned shift = leaf_bits(granule, half.first_level);
  for (std::int8_t level = half.first_level;; ++level, shift -= stride) {
    const Pa where(table.value + 8 * (offset >> shift));
    offset &= mask(shift - 1, 0);
    const auto fault = [&](FaultType type) { return WalkFault{type, Stage::k1, level, where}; };

    const auto loaded = memory_.load64(where);
    if (observer_ != nullptr) [[unlikely]] {
      observer_->on_table_access({.stage = 1,
                                  .level = level,
                                  .address = where,
                                  .descriptor = loaded ? std::optional(*loaded) : std::nullopt});
    }
    if (!loaded) return fault(FaultType::kExternalAbort);
    const std::uint64_t descriptor = regime.big_endian ? __builtin_bswap64(*loaded) : *loaded;

    const Table_Stage1 as_table({descriptor});
    if (!as_table[Table_Stage1::Valid]) return fault(FaultType::kTranslation);
    const bool is_table = as_table[Table_Stage1::Type] && level != 3;
    if (!is_table && !as_table[Table_Stage1::Type] &&
        (level == 3 || level < half.first_block_level)) {
      return fault(FaultType::kTranslation);
    }

    const std::uint64_t target = descriptor_address(descriptor, granule);
    if ((target >> regime.output_bits) != 0) return fault(FaultType::kAddressSize);

    if (is_table) {
      // A table fills a granule: address bits below that are not looked at.
      table = Pa(target & ~mask(granule_bits(granule) - 1, 0));
      if (!half.hierarchy_disabled) {
        const auto ap = as_table[Table_Stage1::APTable];
        limits.no_unprivileged |= (ap & 0b01) != 0;
        limits.read_only |= (ap & 0b10) != 0;
        limits.uxn |= as_table[Table_Stage1::UXNTable];
        limits.pxn |= as_table[Table_Stage1::PXNTable];
      }
      continue;
    }

    const Leaf_Stage1 leaf({descriptor});
    if (!leaf[Leaf_Stage1::AF] && !regime.access_flag_ignored) {
      return fault(FaultType::kAccessFlag);
    }
    return Leaf{.output = Pa(target & ~mask(shift - 1, 0)),
                .size_bits = static_cast<std::uint8_t>(shift),
                .level = level,
                .granule = granule,
                .global = !leaf[Leaf_Stage1::nG],
                .permissions = stage1_permissions(regime, limits, leaf),
                .attributes = stage1_attributes(regime, leaf)};
  }
}

}  // namespace smmu::emulator
