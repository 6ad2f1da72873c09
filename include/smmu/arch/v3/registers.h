// Every Non-secure register of page 0 and page 1, and a list of them for programs that know an
// address and want a name (IHI 0070, 6.2).
#ifndef SMMU_ARCH_V3_REGISTERS_H_
#define SMMU_ARCH_V3_REGISTERS_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/identification_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"

namespace smmu::v3 {

// Ordered by offset.  A register numbered with n stands at the offset of n == 0, a register with
// two layouts under the plain one.
inline constexpr RegisterInfo kRegisters[] = {
    register_info<SMMU_IDR0>("SMMU_IDR0"),
    register_info<SMMU_IDR1>("SMMU_IDR1"),
    register_info<SMMU_IDR2>("SMMU_IDR2"),
    register_info<SMMU_IDR3>("SMMU_IDR3"),
    register_info<SMMU_IDR4>("SMMU_IDR4"),
    register_info<SMMU_IDR5>("SMMU_IDR5"),
    register_info<SMMU_IIDR>("SMMU_IIDR"),
    register_info<SMMU_AIDR>("SMMU_AIDR"),
    register_info<SMMU_CR0>("SMMU_CR0"),
    register_info<SMMU_CR0ACK>("SMMU_CR0ACK"),
    register_info<SMMU_CR1>("SMMU_CR1"),
    register_info<SMMU_CR2>("SMMU_CR2"),
    register_info<SMMU_S2PII>("SMMU_S2PII"),
    register_info<SMMU_STATUSR>("SMMU_STATUSR"),
    register_info<SMMU_GBPA>("SMMU_GBPA"),
    register_info<SMMU_AGBPA>("SMMU_AGBPA"),
    register_info<SMMU_IRQ_CTRL>("SMMU_IRQ_CTRL"),
    register_info<SMMU_IRQ_CTRLACK>("SMMU_IRQ_CTRLACK"),
    register_info<SMMU_GERROR>("SMMU_GERROR"),
    register_info<SMMU_GERRORN>("SMMU_GERRORN"),
    register_info<SMMU_GERROR_IRQ_CFG0>("SMMU_GERROR_IRQ_CFG0"),
    register_info<SMMU_GERROR_IRQ_CFG1>("SMMU_GERROR_IRQ_CFG1"),
    register_info<SMMU_GERROR_IRQ_CFG2>("SMMU_GERROR_IRQ_CFG2"),
    register_info<SMMU_STRTAB_BASE>("SMMU_STRTAB_BASE"),
    register_info<SMMU_STRTAB_BASE_CFG>("SMMU_STRTAB_BASE_CFG"),
    register_info<SMMU_CMDQ_BASE>("SMMU_CMDQ_BASE"),
    register_info<SMMU_CMDQ_PROD>("SMMU_CMDQ_PROD"),
    register_info<SMMU_CMDQ_CONS>("SMMU_CMDQ_CONS"),
    register_info<SMMU_EVENTQ_BASE>("SMMU_EVENTQ_BASE"),
    register_info<SMMU_EVENTQ_IRQ_CFG0>("SMMU_EVENTQ_IRQ_CFG0"),
    register_info<SMMU_EVENTQ_IRQ_CFG1>("SMMU_EVENTQ_IRQ_CFG1"),
    register_info<SMMU_EVENTQ_IRQ_CFG2>("SMMU_EVENTQ_IRQ_CFG2"),
    register_info<SMMU_PRIQ_BASE>("SMMU_PRIQ_BASE"),
    register_info<SMMU_PRIQ_IRQ_CFG0>("SMMU_PRIQ_IRQ_CFG0"),
    register_info<SMMU_PRIQ_IRQ_CFG1>("SMMU_PRIQ_IRQ_CFG1"),
    register_info<SMMU_PRIQ_IRQ_CFG2>("SMMU_PRIQ_IRQ_CFG2"),
    register_info<SMMU_GATOS_CTRL>("SMMU_GATOS_CTRL"),
    register_info<SMMU_GATOS_SID>("SMMU_GATOS_SID"),
    register_info<SMMU_GATOS_ADDR>("SMMU_GATOS_ADDR"),
    register_info<SMMU_GATOS_PAR>("SMMU_GATOS_PAR"),
    register_info<SMMU_MPAMIDR>("SMMU_MPAMIDR"),
    register_info<SMMU_GMPAM>("SMMU_GMPAM"),
    register_info<SMMU_GBPMPAM>("SMMU_GBPMPAM"),
    register_info<SMMU_VATOS_SEL>("SMMU_VATOS_SEL"),
    register_info<SMMU_IDR6>("SMMU_IDR6"),
    register_info<SMMU_DPT_BASE>("SMMU_DPT_BASE"),
    register_info<SMMU_DPT_BASE_CFG>("SMMU_DPT_BASE_CFG"),
    register_info<SMMU_DPT_CFG_FAR>("SMMU_DPT_CFG_FAR"),
    register_info<SMMU_PIDR4>("SMMU_PIDR4"),
    register_info<SMMU_PIDR5>("SMMU_PIDR5"),
    register_info<SMMU_PIDR6>("SMMU_PIDR6"),
    register_info<SMMU_PIDR7>("SMMU_PIDR7"),
    register_info<SMMU_PIDR0>("SMMU_PIDR0"),
    register_info<SMMU_PIDR1>("SMMU_PIDR1"),
    register_info<SMMU_PIDR2>("SMMU_PIDR2"),
    register_info<SMMU_PIDR3>("SMMU_PIDR3"),
    register_info<SMMU_CIDR0>("SMMU_CIDR0"),
    register_info<SMMU_CIDR1>("SMMU_CIDR1"),
    register_info<SMMU_CIDR2>("SMMU_CIDR2"),
    register_info<SMMU_CIDR3>("SMMU_CIDR3"),
    register_info<SMMU_CMDQ_CONTROL_PAGE_BASEn>("SMMU_CMDQ_CONTROL_PAGE_BASEn"),
    register_info<SMMU_CMDQ_CONTROL_PAGE_CFGn>("SMMU_CMDQ_CONTROL_PAGE_CFGn"),
    register_info<SMMU_CMDQ_CONTROL_PAGE_STATUSn>("SMMU_CMDQ_CONTROL_PAGE_STATUSn"),
    register_info<SMMU_EVENTQ_PROD>("SMMU_EVENTQ_PROD"),
    register_info<SMMU_EVENTQ_CONS>("SMMU_EVENTQ_CONS"),
    register_info<SMMU_PRIQ_PROD>("SMMU_PRIQ_PROD"),
    register_info<SMMU_PRIQ_CONS>("SMMU_PRIQ_CONS"),
};

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_REGISTERS_H_
