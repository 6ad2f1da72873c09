// One entry of VMSAv8-64's tables, and of long descriptors: what it is and which address it has
// (DDI 0487, D8.3.1).  The bits asked for here are the same at both stages.
#ifndef SMMU_LIB_PGTABLE_LONG_ENTRY_H_
#define SMMU_LIB_PGTABLE_LONG_ENTRY_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Above level 3; there is no entry here that is not valid and has Type.
constexpr bool is_table(std::uint64_t entry) {
  return vmsa::Table_Stage1({entry})[vmsa::Table_Stage1::Type];
}
constexpr bool is_valid(std::uint64_t entry) {
  return vmsa::Leaf_Stage1({entry})[vmsa::Leaf_Stage1::Valid];
}
constexpr bool is_contiguous(std::uint64_t entry) {
  return vmsa::Leaf_Stage1({entry})[vmsa::Leaf_Stage1::Contiguous];
}

// Valid and Type: at level 3 a page has what a table has above.
inline constexpr std::uint64_t kBlock =
    vmsa::Leaf_Stage1().set(vmsa::Leaf_Stage1::Valid, true).word(0);
inline constexpr std::uint64_t kTableOrPage =
    kBlock | vmsa::Leaf_Stage1().set(vmsa::Leaf_Stage1::Type, true).word(0);
inline constexpr std::uint64_t kContiguous =
    vmsa::Leaf_Stage1().set(vmsa::Leaf_Stage1::Contiguous, true).word(0);
// What stands for a leaf while the SMMU forgets it: not valid, and nobody maps there meanwhile.
inline constexpr std::uint64_t kInPieces = std::uint64_t{1} << 55;

// AP[2], that the SMMU takes away from what has DBM at the first write (D8.5.2).
inline constexpr std::uint64_t kReadOnly =
    vmsa::Leaf_Stage1().set(vmsa::Leaf_Stage1::AP, 0b10).word(0);
constexpr bool is_dirty(std::uint64_t leaf) {
  return vmsa::Leaf_Stage1({leaf})[vmsa::Leaf_Stage1::DBM] && (leaf & kReadOnly) == 0;
}
// Of a page that was written to, as a note said that is cleared, and of which nobody has been told:
// a bit that hardware leaves to software.
inline constexpr std::uint64_t kUntold = std::uint64_t{1} << 56;

// NLTA stands where OA does.
template <unsigned kGranule>
Pa address_of(std::uint64_t entry) {
  if constexpr (kGranule == 16) {
    using Address = vmsa::Address_64K;
    const Address address({entry});
    return Pa(address[Address::OA_47_16] | std::uint64_t{address[Address::OA_51_48]} << 48);
  } else {
    return Pa(vmsa::Leaf_Stage1({entry})[vmsa::Leaf_Stage1::OA]);
  }
}

template <unsigned kGranule>
std::uint64_t with_address(Pa pa) {
  if constexpr (kGranule == 16) {
    using Address = vmsa::Address_64K;
    constexpr std::uint64_t kLow = mask(47, 16);
    return Address()
        .set(Address::OA_51_48, static_cast<std::uint32_t>(pa.value >> 48))
        .set(Address::OA_47_16, pa.value & kLow)
        .word(0);
  } else {
    constexpr std::uint64_t kAll = mask(47, kGranule);
    return pa.value & kAll;
  }
}

// A page, or a block of 2^shift bytes.
template <unsigned kGranule>
std::uint64_t leaf_entry(Pa pa, std::uint64_t attributes, unsigned shift) {
  const std::uint64_t size = std::uint64_t{1} << shift;
  return with_address<kGranule>(Pa(pa.value & ~(size - 1))) | attributes |
         (shift == kGranule ? kTableOrPage : kBlock);
}

// Entries that one Contiguous translation has (D8.7.1, table D8-104); 0: there is none, as of
// blocks of level 1 with granules of 64K.
template <unsigned kGranule>
constexpr std::uint64_t contiguous_run(unsigned shift) {
  if (kGranule == 14) return shift == kGranule ? 128 : 32;
  if (kGranule == 12) return 16;
  return shift > 2 * kGranule ? 0 : 32;
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_LONG_ENTRY_H_
