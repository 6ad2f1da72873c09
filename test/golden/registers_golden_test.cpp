// The list of registers against the register maps of the manual (IHI 0070 G.b, 6.2).
#include "smmu/arch/v3/registers.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace smmu::v3 {
namespace {

// A row of the map: the Non-secure registers of pages 0 and 1, those numbered
// with n at the offset of n == 0.
struct Row {
  std::uint32_t offset;  // from the start of page 0
  unsigned bits;
  std::string_view name;
};

constexpr Row kMap[] = {
    // 6.2.1
    {0x00000, 32, "SMMU_IDR0"},
    {0x00004, 32, "SMMU_IDR1"},
    {0x00008, 32, "SMMU_IDR2"},
    {0x0000c, 32, "SMMU_IDR3"},
    {0x00010, 32, "SMMU_IDR4"},
    {0x00014, 32, "SMMU_IDR5"},
    {0x00018, 32, "SMMU_IIDR"},
    {0x0001c, 32, "SMMU_AIDR"},
    {0x00020, 32, "SMMU_CR0"},
    {0x00024, 32, "SMMU_CR0ACK"},
    {0x00028, 32, "SMMU_CR1"},
    {0x0002c, 32, "SMMU_CR2"},
    {0x00030, 64, "SMMU_S2PII"},
    {0x00040, 32, "SMMU_STATUSR"},
    {0x00044, 32, "SMMU_GBPA"},
    {0x00048, 32, "SMMU_AGBPA"},
    {0x00050, 32, "SMMU_IRQ_CTRL"},
    {0x00054, 32, "SMMU_IRQ_CTRLACK"},
    {0x00060, 32, "SMMU_GERROR"},
    {0x00064, 32, "SMMU_GERRORN"},
    {0x00068, 64, "SMMU_GERROR_IRQ_CFG0"},
    {0x00070, 32, "SMMU_GERROR_IRQ_CFG1"},
    {0x00074, 32, "SMMU_GERROR_IRQ_CFG2"},
    {0x00080, 64, "SMMU_STRTAB_BASE"},
    {0x00088, 32, "SMMU_STRTAB_BASE_CFG"},
    {0x00090, 64, "SMMU_CMDQ_BASE"},
    {0x00098, 32, "SMMU_CMDQ_PROD"},
    {0x0009c, 32, "SMMU_CMDQ_CONS"},
    {0x000a0, 64, "SMMU_EVENTQ_BASE"},
    {0x000b0, 64, "SMMU_EVENTQ_IRQ_CFG0"},
    {0x000b8, 32, "SMMU_EVENTQ_IRQ_CFG1"},
    {0x000bc, 32, "SMMU_EVENTQ_IRQ_CFG2"},
    {0x000c0, 64, "SMMU_PRIQ_BASE"},
    {0x000d0, 64, "SMMU_PRIQ_IRQ_CFG0"},
    {0x000d8, 32, "SMMU_PRIQ_IRQ_CFG1"},
    {0x000dc, 32, "SMMU_PRIQ_IRQ_CFG2"},
    {0x00100, 32, "SMMU_GATOS_CTRL"},
    {0x00108, 64, "SMMU_GATOS_SID"},
    {0x00110, 64, "SMMU_GATOS_ADDR"},
    {0x00118, 64, "SMMU_GATOS_PAR"},
    {0x00130, 32, "SMMU_MPAMIDR"},
    {0x00138, 32, "SMMU_GMPAM"},
    {0x0013c, 32, "SMMU_GBPMPAM"},
    {0x00180, 32, "SMMU_VATOS_SEL"},
    {0x00190, 32, "SMMU_IDR6"},
    {0x00200, 64, "SMMU_DPT_BASE"},
    {0x00208, 32, "SMMU_DPT_BASE_CFG"},
    {0x00210, 64, "SMMU_DPT_CFG_FAR"},
    // 6.3.170
    {0x00fd0, 32, "SMMU_PIDR4"},
    {0x00fd4, 32, "SMMU_PIDR5"},
    {0x00fd8, 32, "SMMU_PIDR6"},
    {0x00fdc, 32, "SMMU_PIDR7"},
    {0x00fe0, 32, "SMMU_PIDR0"},
    {0x00fe4, 32, "SMMU_PIDR1"},
    {0x00fe8, 32, "SMMU_PIDR2"},
    {0x00fec, 32, "SMMU_PIDR3"},
    {0x00ff0, 32, "SMMU_CIDR0"},
    {0x00ff4, 32, "SMMU_CIDR1"},
    {0x00ff8, 32, "SMMU_CIDR2"},
    {0x00ffc, 32, "SMMU_CIDR3"},
    // 6.2.1
    {0x04000, 64, "SMMU_CMDQ_CONTROL_PAGE_BASEn"},
    {0x04008, 32, "SMMU_CMDQ_CONTROL_PAGE_CFGn"},
    {0x0400c, 32, "SMMU_CMDQ_CONTROL_PAGE_STATUSn"},
    // 6.2.2, page 1
    {0x100a8, 32, "SMMU_EVENTQ_PROD"},
    {0x100ac, 32, "SMMU_EVENTQ_CONS"},
    {0x100c8, 32, "SMMU_PRIQ_PROD"},
    {0x100cc, 32, "SMMU_PRIQ_CONS"},
};

TEST(RegistersGolden, ListsTheRegistersOfTheMapAndNoOthers) {
  ASSERT_EQ(std::size(kRegisters), std::size(kMap));
  for (std::size_t i = 0; i < std::size(kMap); ++i) {
    EXPECT_EQ(kRegisters[i].layout.name, kMap[i].name);
    EXPECT_EQ(kRegisters[i].layout.bits, kMap[i].bits) << kMap[i].name;
    EXPECT_EQ(kRegisters[i].offset, kMap[i].offset) << kMap[i].name;
  }
}

}  // namespace
}  // namespace smmu::v3
