// Which accesses a stage 1 leaf allows (DDI 0487, D8.4; IHI 0070, 13.4.1).
#ifndef SMMU_EMULATOR_WALK_PERMISSIONS_H_
#define SMMU_EMULATOR_WALK_PERMISSIONS_H_

#include "emulator/walk/regime.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// What the table descriptors on the way to a leaf take away from it.
struct TableLimits {
  bool no_unprivileged = false;  // APTable[0]
  bool read_only = false;        // APTable[1]
  bool uxn = false;
  bool pxn = false;
};

Permissions stage1_permissions(const Regime& regime, const TableLimits& limits,
                               vmsa::Leaf_Stage1 leaf);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_PERMISSIONS_H_
