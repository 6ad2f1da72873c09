// expect: no match for|invalid operands
// An ASID and a VMID do not compare, equal numbers or not.
#include "smmu/types.h"

bool same(smmu::Asid asid, smmu::Vmid vmid) {
#ifdef BROKEN
  return asid == vmid;
#else
  return asid.value == vmid.value;
#endif
}
