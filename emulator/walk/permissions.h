// Which accesses a leaf allows (DDI 0487, D8.4; IHI 0070, 13.4.1).
#ifndef SMMU_EMULATOR_WALK_PERMISSIONS_H_
#define SMMU_EMULATOR_WALK_PERMISSIONS_H_

#include "emulator/walk/regime.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// How many privilege levels a stage 1 regime knows, and whose rules apply.
enum class Levels : std::uint8_t {
  kTwo,         // VMSAv8-64, EL1 and EL2 with E2H
  kOne,         // VMSAv8-64, EL2 and EL3: whoever accesses is privileged
  kTwoAArch32,  // VMSAv8-32, PL1
};

// The fields of a CD that bear on what a stage 1 leaf allows.
struct Stage1Controls {
  Levels levels = Levels::kTwo;
  bool write_implies_execute_never = false;               // WXN
  bool unprivileged_write_implies_execute_never = false;  // UWXN
  bool privileged_access_never = false;                   // PAN
  bool enhanced_pan = false;                              // EPAN, if implemented
};

// One entry for each value of stage1_rights(), and above them of those with
// kWritableClean.
Stage1Permissions stage1_permissions(const Stage1Controls& controls);

// The same of Short descriptors, for each value of short_rights().
// `access_flag`: AP[0] is one, and says nothing here.
Stage1Permissions short_permissions(const Stage1Controls& controls, bool access_flag);

// What a leaf of Short descriptors says of rights: AP[2:0], and above it XN and
// PXN.
constexpr unsigned short_rights(unsigned ap, bool xn, bool pxn) {
  return ap | (xn ? 0b01000U : 0) | (pxn ? 0b10000U : 0);
}

// What a leaf says of rights: AP, and above it PXN and UXN.
constexpr unsigned stage1_rights(vmsa::Leaf_Stage1 leaf) {
  using vmsa::Leaf_Stage1;
  constexpr BitsOf<Leaf_Stage1, 54, 53> kExecuteNever{"UXN and PXN"};
  return leaf[Leaf_Stage1::AP] | leaf[kExecuteNever] << 2;
}
// AP[2]: no writes.
inline constexpr unsigned kWritesDenied = 0b0010;
// Read-only for now: a write makes it writable (DDI 0487, D8.5.2).  What must
// not be executed because it can be written must not be already.
inline constexpr unsigned kWritableClean = 0b10000;

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

// One entry for each value of stage2_rights().  `by_privilege`: XN has two bits
// (FEAT_XNX).  `execute_needs_read`: VMSAv8-32.
Stage2Permissions stage2_permissions(bool by_privilege, bool execute_needs_read);

// What a leaf says of rights: S2AP, and above it XN.
constexpr unsigned stage2_rights(vmsa::Leaf_Stage2 leaf) {
  using vmsa::Leaf_Stage2;
  return leaf[Leaf_Stage2::S2AP] | leaf[Leaf_Stage2::XN] << 2;
}
// S2AP[1]: writes.
inline constexpr unsigned kWritable2 = 0b10;

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_PERMISSIONS_H_
