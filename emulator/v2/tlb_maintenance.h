// Which entries a TLB maintenance register is about (IHI 0062).
#ifndef SMMU_EMULATOR_V2_TLB_MAINTENANCE_H_
#define SMMU_EMULATOR_V2_TLB_MAINTENANCE_H_

#include <cstdint>

#include "emulator/v2/register_effects.h"
#include "emulator/v2/registers.h"
#include "smmu/emulator/smmu_v2.h"

namespace smmu::emulator {

// Of the register at `offset` of a bank's page.  That of a stage that the bank has
// not is about nothing.
TlbMaintenance bank_maintenance(const RegistersV2& registers, std::uint32_t bank,
                                std::uint32_t offset, std::uint64_t operand);

// Of the register at `offset` of global space 0, written by software of that
// Security state.  Nothing: there is no such register, or not for it.
std::optional<TlbMaintenance> global_maintenance(const RegistersV2& registers,
                                                 SecurityState security, std::uint32_t offset,
                                                 std::uint64_t operand);

// What a broadcast is about here: SMMU_sCR0.PTM and VMIDPNE, SMMU_CBn_SCTLR.ASIDPNE.
TlbInvalidations broadcast_maintenance(const RegistersV2& registers,
                                       const BroadcastInvalidation& what);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_TLB_MAINTENANCE_H_
