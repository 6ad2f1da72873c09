// Which accesses a leaf allows (DDI 0487, D8.4; IHI 0070, 13.4.1).
#ifndef SMMU_EMULATOR_WALK_PERMISSIONS_H_
#define SMMU_EMULATOR_WALK_PERMISSIONS_H_

#include "emulator/walk/regime.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// The fields of a CD that bear on what a stage 1 leaf allows.
struct Stage1Controls {
  bool write_implies_execute_never = false;  // WXN
  bool privileged_access_never = false;      // PAN
  bool enhanced_pan = false;                 // EPAN, if implemented
};

// One entry for each value of stage1_rights().
Stage1Permissions stage1_permissions(const Stage1Controls& controls);

// What a leaf says of rights: AP, and above it PXN and UXN.
constexpr unsigned stage1_rights(vmsa::Leaf_Stage1 leaf) {
  using vmsa::Leaf_Stage1;
  constexpr BitsOf<Leaf_Stage1, 54, 53> kExecuteNever{"UXN and PXN"};
  return leaf[Leaf_Stage1::AP] | leaf[kExecuteNever] << 2;
}

// The bits of table descriptors that limit the leaves below.
inline constexpr std::uint64_t kStage1Limits = decltype(vmsa::Table_Stage1::APTable)::kMask |
                                               decltype(vmsa::Table_Stage1::UXNTable)::kMask |
                                               decltype(vmsa::Table_Stage1::PXNTable)::kMask;

// What is left of `rights` under the table descriptors of which `hierarchy` is
// the bitwise or.
constexpr unsigned limited(unsigned rights, vmsa::Table_Stage1 hierarchy) {
  using vmsa::Table_Stage1;
  // APTable[0] takes what AP[1] gives: the access by the unprivileged.
  // APTable[1] forbids, as AP[2] does, to write.
  const unsigned limit = hierarchy[Table_Stage1::APTable];
  return (rights & ~(limit & 0b01)) | (limit & 0b10) |
         (hierarchy[Table_Stage1::PXNTable] ? 0b0100U : 0) |
         (hierarchy[Table_Stage1::UXNTable] ? 0b1000U : 0);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_PERMISSIONS_H_
