// The lists of registers against the register maps that public sources show, and the layouts
// against values that an MMU-500 is known to reset to.
#include "smmu/arch/v2/registers.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace smmu::v2 {
namespace {

// A row of a map: a register numbered with n or m stands at the offset of number 0.
struct Row {
  std::uint32_t offset;  // from the start of its space
  unsigned bits;
  std::string_view name;
};

constexpr Row kGlobalSpace0Map[] = {
    {0x000, 32, "SMMU_sCR0"},
    {0x004, 32, "SMMU_SCR1"},
    {0x008, 32, "SMMU_sCR2"},
    {0x010, 32, "SMMU_sACR"},
    {0x020, 32, "SMMU_IDR0"},
    {0x024, 32, "SMMU_IDR1"},
    {0x028, 32, "SMMU_IDR2"},
    {0x02c, 32, "SMMU_IDR3"},
    {0x030, 32, "SMMU_IDR4"},
    {0x034, 32, "SMMU_IDR5"},
    {0x038, 32, "SMMU_IDR6"},
    {0x03c, 32, "SMMU_IDR7"},
    {0x040, 64, "SMMU_sGFAR"},
    {0x048, 32, "SMMU_sGFSR"},
    {0x04c, 32, "SMMU_sGFSRRESTORE"},
    {0x050, 32, "SMMU_sGFSYNR0"},
    {0x054, 32, "SMMU_sGFSYNR1"},
    {0x058, 32, "SMMU_sGFSYNR2"},
    {0x060, 32, "SMMU_STLBIALL"},
    {0x064, 32, "SMMU_TLBIVMID"},
    {0x068, 32, "SMMU_TLBIALLNSNH"},
    {0x06c, 32, "SMMU_TLBIALLH"},
    {0x070, 32, "SMMU_sTLBGSYNC"},
    {0x074, 32, "SMMU_sTLBGSTATUS"},
    {0x078, 32, "SMMU_TLBIVAH"},
    {0x0a0, 64, "SMMU_STLBIVALM"},
    {0x0a8, 64, "SMMU_STLBIVAM"},
    {0x0b0, 64, "SMMU_TLBIVALH64"},
    {0x0b8, 32, "SMMU_TLBIVMIDS1"},
    {0x0bc, 32, "SMMU_STLBIALLM"},
    {0x0c0, 64, "SMMU_TLBIVAH64"},
    {0x100, 64, "SMMU_sGATS1UR"},
    {0x108, 64, "SMMU_sGATS1UW"},
    {0x110, 64, "SMMU_sGATS1PR"},
    {0x118, 64, "SMMU_sGATS1PW"},
    {0x120, 64, "SMMU_sGATS12UR"},
    {0x128, 64, "SMMU_sGATS12UW"},
    {0x130, 64, "SMMU_sGATS12PR"},
    {0x138, 64, "SMMU_sGATS12PW"},
    {0x180, 64, "SMMU_sGPAR"},
    {0x188, 32, "SMMU_sGATSR"},
    {0x400, 32, "SMMU_NSCR0"},
    {0x408, 32, "SMMU_NSCR2"},
    {0x410, 32, "SMMU_NSACR"},
    {0x440, 64, "SMMU_NSGFAR"},
    {0x448, 32, "SMMU_NSGFSR"},
    {0x44c, 32, "SMMU_NSGFSRRESTORE"},
    {0x450, 32, "SMMU_NSGFSYNR0"},
    {0x454, 32, "SMMU_NSGFSYNR1"},
    {0x458, 32, "SMMU_NSGFSYNR2"},
    {0x470, 32, "SMMU_NSTLBGSYNC"},
    {0x474, 32, "SMMU_NSTLBGSTATUS"},
    {0x500, 64, "SMMU_NSGATS1UR"},
    {0x508, 64, "SMMU_NSGATS1UW"},
    {0x510, 64, "SMMU_NSGATS1PR"},
    {0x518, 64, "SMMU_NSGATS1PW"},
    {0x520, 64, "SMMU_NSGATS12UR"},
    {0x528, 64, "SMMU_NSGATS12UW"},
    {0x530, 64, "SMMU_NSGATS12PR"},
    {0x538, 64, "SMMU_NSGATS12PW"},
    {0x580, 64, "SMMU_NSGPAR"},
    {0x588, 32, "SMMU_NSGATSR"},
    {0x800, 32, "SMMU_SMRn"},
    {0xc00, 32, "SMMU_S2CRn"},
    {0xfd0, 32, "SMMU_PIDR4"},
    {0xfd4, 32, "SMMU_PIDR5"},
    {0xfd8, 32, "SMMU_PIDR6"},
    {0xfdc, 32, "SMMU_PIDR7"},
    {0xfe0, 32, "SMMU_PIDR0"},
    {0xfe4, 32, "SMMU_PIDR1"},
    {0xfe8, 32, "SMMU_PIDR2"},
    {0xfec, 32, "SMMU_PIDR3"},
    {0xff0, 32, "SMMU_CIDR0"},
    {0xff4, 32, "SMMU_CIDR1"},
    {0xff8, 32, "SMMU_CIDR2"},
    {0xffc, 32, "SMMU_CIDR3"},
};

constexpr Row kGlobalSpace1Map[] = {
    {0x000, 32, "SMMU_CBARn"},
    {0x400, 32, "SMMU_CBFRSYNRAn"},
    {0x800, 32, "SMMU_CBA2Rn"},
};

constexpr Row kPerformanceMonitorsMap[] = {
    {0x000, 32, "SMMU_PMEVCNTRn"},
    {0x400, 32, "SMMU_PMEVTYPERn"},
    {0x800, 32, "SMMU_PMCGCRn"},
    {0xa00, 32, "SMMU_PMCGSMRn"},
    {0xc00, 32, "SMMU_PMCNTENSETn"},
    {0xc20, 32, "SMMU_PMCNTENCLRn"},
    {0xc40, 32, "SMMU_PMINTENSETn"},
    {0xc60, 32, "SMMU_PMINTENCLRn"},
    {0xc80, 32, "SMMU_PMOVSCLRn"},
    {0xcc0, 32, "SMMU_PMOVSSETn"},
    {0xe00, 32, "SMMU_PMCFGR"},
    {0xe04, 32, "SMMU_PMCR"},
    {0xe20, 32, "SMMU_PMCEID0"},
    {0xe24, 32, "SMMU_PMCEID1"},
    {0xfb8, 32, "SMMU_PMAUTHSTATUS"},
    {0xfcc, 32, "SMMU_PMDEVTYPE"},
};

constexpr Row kContextBankMap[] = {
    {0x000, 32, "SMMU_CBn_SCTLR"},
    {0x004, 32, "SMMU_CBn_ACTLR"},
    {0x008, 32, "SMMU_CBn_RESUME"},
    {0x010, 32, "SMMU_CBn_TCR2"},
    {0x020, 64, "SMMU_CBn_TTBR0"},
    {0x028, 64, "SMMU_CBn_TTBR1"},
    {0x030, 32, "SMMU_CBn_TCR"},
    {0x034, 32, "SMMU_CBn_CONTEXTIDR"},
    {0x038, 32, "SMMU_CBn_MAIR0"},
    {0x03c, 32, "SMMU_CBn_MAIR1"},
    {0x050, 64, "SMMU_CBn_PAR"},
    {0x058, 32, "SMMU_CBn_FSR"},
    {0x05c, 32, "SMMU_CBn_FSRRESTORE"},
    {0x060, 64, "SMMU_CBn_FAR"},
    {0x068, 32, "SMMU_CBn_FSYNR0"},
    {0x06c, 32, "SMMU_CBn_FSYNR1"},
    {0x070, 64, "SMMU_CBn_IPAFAR"},
    {0x600, 64, "SMMU_CBn_TLBIVA"},
    {0x608, 64, "SMMU_CBn_TLBIVAA"},
    {0x610, 32, "SMMU_CBn_TLBIASID"},
    {0x618, 32, "SMMU_CBn_TLBIALL"},
    {0x620, 64, "SMMU_CBn_TLBIVAL"},
    {0x628, 64, "SMMU_CBn_TLBIVAAL"},
    {0x630, 64, "SMMU_CBn_TLBIIPAS2"},
    {0x638, 64, "SMMU_CBn_TLBIIPAS2L"},
    {0x7f0, 32, "SMMU_CBn_TLBSYNC"},
    {0x7f4, 32, "SMMU_CBn_TLBSTATUS"},
    {0x800, 64, "SMMU_CBn_ATS1PR"},
    {0x808, 64, "SMMU_CBn_ATS1PW"},
    {0x810, 64, "SMMU_CBn_ATS1UR"},
    {0x818, 64, "SMMU_CBn_ATS1UW"},
    {0x8f0, 32, "SMMU_CBn_ATSR"},
    {0xe00, 32, "SMMU_CBn_PMEVCNTRm"},
    {0xe80, 32, "SMMU_CBn_PMEVTYPERm"},
    {0xf00, 32, "SMMU_CBn_PMCFGR"},
    {0xf04, 32, "SMMU_CBn_PMCR"},
    {0xf20, 32, "SMMU_CBn_PMCEID0"},
    {0xf24, 32, "SMMU_CBn_PMCEID1"},
    {0xf40, 32, "SMMU_CBn_PMCNTENSET"},
    {0xf44, 32, "SMMU_CBn_PMCNTENCLR"},
    {0xf48, 32, "SMMU_CBn_PMINTENSET"},
    {0xf4c, 32, "SMMU_CBn_PMINTENCLR"},
    {0xf50, 32, "SMMU_CBn_PMOVSCLR"},
    {0xf58, 32, "SMMU_CBn_PMOVSSET"},
    {0xfb8, 32, "SMMU_CBn_PMAUTHSTATUS"},
};

void expect_the_registers_of(std::span<const Row> map, std::span<const RegisterInfo> registers) {
  ASSERT_EQ(registers.size(), map.size());
  for (std::size_t i = 0; i < map.size(); ++i) {
    EXPECT_EQ(registers[i].layout.name, map[i].name);
    EXPECT_EQ(registers[i].layout.bits, map[i].bits) << map[i].name;
    EXPECT_EQ(registers[i].offset, map[i].offset) << map[i].name;
  }
}

TEST(V2RegistersGolden, ListsTheRegistersOfGlobalSpace0AndNoOthers) {
  expect_the_registers_of(kGlobalSpace0Map, kGlobalSpace0);
}

TEST(V2RegistersGolden, ListsTheRegistersOfGlobalSpace1AndNoOthers) {
  expect_the_registers_of(kGlobalSpace1Map, kGlobalSpace1);
}

TEST(V2RegistersGolden, ListsTheRegistersOfThePerformanceMonitorsAndNoOthers) {
  expect_the_registers_of(kPerformanceMonitorsMap, kPerformanceMonitors);
}

TEST(V2RegistersGolden, ListsTheRegistersOfAContextBankAndNoOthers) {
  expect_the_registers_of(kContextBankMap, kContextBank);
}

// The MMU-500 of a Zynq UltraScale+, as Secure software sees it: 48 groups and 16 banks for both
// stages, 48-bit addresses, granules of 4 and 64 KiB, all AArch32 formats, walks that are not
// coherent, and no address translation operations.
TEST(V2RegistersGolden, ReadsTheIdentificationOfAnMmu500) {
  constexpr SMMU_IDR0 idr0(0xfc01'3e30);
  EXPECT_TRUE(idr0[SMMU_IDR0::SES]);
  EXPECT_TRUE(idr0[SMMU_IDR0::S1TS]);
  EXPECT_TRUE(idr0[SMMU_IDR0::S2TS]);
  EXPECT_TRUE(idr0[SMMU_IDR0::NTS]);
  EXPECT_TRUE(idr0[SMMU_IDR0::SMS]);
  EXPECT_TRUE(idr0[SMMU_IDR0::ATOSNS]);
  EXPECT_EQ(idr0[SMMU_IDR0::PTFS], AArch32Formats::kShortAndLong);
  EXPECT_EQ(idr0[SMMU_IDR0::NUMIRPT], 1);
  EXPECT_FALSE(idr0[SMMU_IDR0::CTTW]);
  EXPECT_TRUE(idr0[SMMU_IDR0::BTM]);
  EXPECT_EQ(idr0[SMMU_IDR0::NUMSIDB], 15);
  EXPECT_EQ(idr0[SMMU_IDR0::NUMSMRG], 48);

  constexpr SMMU_IDR1 idr1(0x3000'0f10);
  EXPECT_FALSE(idr1[SMMU_IDR1::PAGESIZE]);
  EXPECT_EQ(idr1[SMMU_IDR1::NUMPAGENDXB], 3);
  EXPECT_EQ(idr1[SMMU_IDR1::NUMS2CB], 0);
  EXPECT_FALSE(idr1[SMMU_IDR1::SMCD]);
  EXPECT_EQ(idr1[SMMU_IDR1::SSDTP], SecurityTable::kNone);
  EXPECT_EQ(idr1[SMMU_IDR1::NUMSSDNDXB], 15);
  EXPECT_EQ(idr1[SMMU_IDR1::NUMCB], 16);

  constexpr SMMU_IDR2 idr2(0x0000'5555);
  EXPECT_TRUE(idr2[SMMU_IDR2::PTFSv8_64kB]);
  EXPECT_FALSE(idr2[SMMU_IDR2::PTFSv8_16kB]);
  EXPECT_TRUE(idr2[SMMU_IDR2::PTFSv8_4kB]);
  EXPECT_EQ(idr2[SMMU_IDR2::UBS], UpstreamSize::k49Bits);
  EXPECT_EQ(idr2[SMMU_IDR2::OAS], OutputSize::k48Bits);
  EXPECT_EQ(idr2[SMMU_IDR2::IAS], OutputSize::k48Bits);

  constexpr SMMU_PIDR2 pidr2(0x1b);
  EXPECT_EQ(pidr2[SMMU_PIDR2::REVISION], ArchitectureRevision::kSMMUv2);
  EXPECT_TRUE(pidr2[SMMU_PIDR2::JEDEC]);
}

TEST(V2RegistersGolden, ReadsTheResetValuesOfAnMmu500) {
  constexpr SMMU_sCR0 cr0(0x0020'0001);
  EXPECT_TRUE(cr0[SMMU_sCR0::CLIENTPD]);
  EXPECT_TRUE(cr0[SMMU_sCR0::SMCFCFG]);

  constexpr SMMU_SCR1 scr1(0x0201'3010);  // all of the 48 groups and 16 banks are Non-secure
  EXPECT_TRUE(scr1[SMMU_SCR1::GEFRO]);
  EXPECT_EQ(scr1[SMMU_SCR1::NSNUMIRPTO], 1);
  EXPECT_EQ(scr1[SMMU_SCR1::NSNUMSMRGO], 48);
  EXPECT_EQ(scr1[SMMU_SCR1::NSNUMCBO], 16);

  constexpr SMMU_CBARn cbar(0x0002'0000);
  EXPECT_EQ(cbar[SMMU_CBARn::TYPE], ContextType::kStage1Stage2Fault);

  constexpr SMMU_CBn_SCTLR sctlr(0x0000'0100);
  EXPECT_TRUE(sctlr[SMMU_CBn_SCTLR::HUPCF]);
  EXPECT_FALSE(sctlr[SMMU_CBn_SCTLR::M]);

  constexpr SMMU_PMCFGR pmcfgr(0x0501'1f17);  // 6 groups, 24 counters of 32 bits
  EXPECT_EQ(pmcfgr[SMMU_PMCFGR::NCG], 5);
  EXPECT_EQ(pmcfgr[SMMU_PMCFGR::SIZE], 31);
  EXPECT_EQ(pmcfgr[SMMU_PMCFGR::N], 23);
  EXPECT_TRUE(pmcfgr[SMMU_PMCFGR::EX]);
}

}  // namespace
}  // namespace smmu::v2
