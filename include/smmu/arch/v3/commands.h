// Every command, and a list of them for programs that know an opcode and want a layout (IHI 0070,
// chapter 4).
#ifndef SMMU_ARCH_V3_COMMANDS_H_
#define SMMU_ARCH_V3_COMMANDS_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/v3/command_opcodes.h"
#include "smmu/arch/v3/commands_ats.h"
#include "smmu/arch/v3/commands_completion.h"
#include "smmu/arch/v3/commands_configuration.h"
#include "smmu/arch/v3/commands_tlb.h"

namespace smmu::v3 {

struct CommandLayout {
  Opcode opcode;
  LayoutInfo layout;
};

template <class C>
constexpr CommandLayout command_layout(const char* name) {
  return {C::kOpcode, layout_info<C>(name)};
}

// Ordered by opcode.
inline constexpr CommandLayout kCommands[] = {
    command_layout<CMD_PREFETCH_CONFIG>("CMD_PREFETCH_CONFIG"),
    command_layout<CMD_PREFETCH_ADDR>("CMD_PREFETCH_ADDR"),
    command_layout<CMD_CFGI_STE>("CMD_CFGI_STE"),
    command_layout<CMD_CFGI_STE_RANGE>("CMD_CFGI_STE_RANGE"),
    command_layout<CMD_CFGI_CD>("CMD_CFGI_CD"),
    command_layout<CMD_CFGI_CD_ALL>("CMD_CFGI_CD_ALL"),
    command_layout<CMD_CFGI_VMS_PIDM>("CMD_CFGI_VMS_PIDM"),
    command_layout<CMD_TLBI_NH_ALL>("CMD_TLBI_NH_ALL"),
    command_layout<CMD_TLBI_NH_ASID>("CMD_TLBI_NH_ASID"),
    command_layout<CMD_TLBI_NH_VA>("CMD_TLBI_NH_VA"),
    command_layout<CMD_TLBI_NH_VAA>("CMD_TLBI_NH_VAA"),
    command_layout<CMD_TLBI_EL3_ALL>("CMD_TLBI_EL3_ALL"),
    command_layout<CMD_TLBI_EL3_VA>("CMD_TLBI_EL3_VA"),
    command_layout<CMD_TLBI_EL2_ALL>("CMD_TLBI_EL2_ALL"),
    command_layout<CMD_TLBI_EL2_ASID>("CMD_TLBI_EL2_ASID"),
    command_layout<CMD_TLBI_EL2_VA>("CMD_TLBI_EL2_VA"),
    command_layout<CMD_TLBI_EL2_VAA>("CMD_TLBI_EL2_VAA"),
    command_layout<CMD_TLBI_S12_VMALL>("CMD_TLBI_S12_VMALL"),
    command_layout<CMD_TLBI_S2_IPA>("CMD_TLBI_S2_IPA"),
    command_layout<CMD_TLBI_NSNH_ALL>("CMD_TLBI_NSNH_ALL"),
    command_layout<CMD_ATC_INV>("CMD_ATC_INV"),
    command_layout<CMD_PRI_RESP>("CMD_PRI_RESP"),
    command_layout<CMD_RESUME>("CMD_RESUME"),
    command_layout<CMD_STALL_TERM>("CMD_STALL_TERM"),
    command_layout<CMD_SYNC>("CMD_SYNC"),
    command_layout<CMD_TLBI_S_EL2_ALL>("CMD_TLBI_S_EL2_ALL"),
    command_layout<CMD_TLBI_S_EL2_ASID>("CMD_TLBI_S_EL2_ASID"),
    command_layout<CMD_TLBI_S_EL2_VA>("CMD_TLBI_S_EL2_VA"),
    command_layout<CMD_TLBI_S_EL2_VAA>("CMD_TLBI_S_EL2_VAA"),
    command_layout<CMD_TLBI_S_S12_VMALL>("CMD_TLBI_S_S12_VMALL"),
    command_layout<CMD_TLBI_S_S2_IPA>("CMD_TLBI_S_S2_IPA"),
    command_layout<CMD_TLBI_SNH_ALL>("CMD_TLBI_SNH_ALL"),
    command_layout<CMD_DPTI_ALL>("CMD_DPTI_ALL"),
    command_layout<CMD_DPTI_PA>("CMD_DPTI_PA"),
};

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMANDS_H_
