// expect: field belongs to another layout
// Nor is it written through a field of another register.
#include "smmu/arch/v3/control_registers.h"

#ifdef BROKEN
using Owner = smmu::v3::SMMU_CR0ACK;
#else
using Owner = smmu::v3::SMMU_CR0;
#endif

smmu::v3::SMMU_CR0 enabled() { return smmu::v3::SMMU_CR0().set(Owner::SMMUEN, true); }
