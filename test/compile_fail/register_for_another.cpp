// expect: could not convert|no viable conversion|cannot convert
// A register's value is not another register's, though both are 32 bits.
#include "smmu/arch/v3/control_registers.h"

#ifdef BROKEN
smmu::v3::SMMU_CR0 acknowledged(smmu::v3::SMMU_CR0ACK ack) { return ack; }
#else
smmu::v3::SMMU_CR0 acknowledged(smmu::v3::SMMU_CR0ACK ack) { return smmu::v3::SMMU_CR0(ack.raw()); }
#endif
