// The registers of an SMMUv2, taken apart by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "emulator/cli/decode.h"
#include "emulator/cli/register_layouts_v2.h"
#include "emulator/cli/registers_v2.h"
#include "smmu/emulator/config_v2.h"
#include "test/cli/run_tool.h"

namespace smmu::cli::decode_v2_test {
namespace {

using emulator::FeaturesV2;
using emulator::SmmuV2Config;

std::string layout_name(std::string_view kind, std::uint64_t word = 0) {
  const auto layout = find_layout(kind, std::array{word});
  return layout ? layout->name : "none";
}

std::string meaning(std::string_view kind, std::uint64_t word, std::string_view name) {
  const auto layout = find_layout(kind, std::array{word});
  if (!layout) return "no such register";
  for (const DecodedField& field : decode_fields(*layout, std::array{word})) {
    if (field.name == name) return field.meaning;
  }
  return "no such field";
}

TEST(DecodeV2, EveryRegisterIsFoundByItsNameWithAndWithoutArmsPrefix) {
  std::size_t count = 0;
  for (const emulator::RegisterSpace space : kNamedSpaces) {
    for (const auto& registers : {registers_of(space), other_layouts_of(space)}) {
      for (const RegisterInfo& info : registers) {
        const std::string name = info.layout.name;
        EXPECT_EQ(layout_name("v2:" + name, ~std::uint64_t{0} >> (64 - info.layout.bits))
                      .substr(0, name.size()),
                  name);
        const auto bare = find_register_v2(name.substr(5));
        ASSERT_TRUE(bare) << name;
        EXPECT_EQ(bare->info.layout.name, name);
        ++count;
      }
    }
  }
  EXPECT_GT(count, 150U);
}

TEST(DecodeV2, ANameThatSmmuV3HasTooIsSmmuV3s) {
  EXPECT_EQ(meaning("SMMU_IDR0", 0x08000000, "SMS"), "no such field");
  EXPECT_EQ(meaning("v2:SMMU_IDR0", 0x08000000, "SMS"), "");
  EXPECT_EQ(meaning("v2:IDR0", 0x01000000, "PTFS"), "AArch32 long");
  EXPECT_EQ(layout_name("v2:STRTAB_BASE"), "none");
  EXPECT_EQ(layout_name("v2:v2:sCR0"), "none");
  EXPECT_EQ(layout_name("v2:"), "none");
}

TEST(DecodeV2, TheWordChoosesTheLayoutWhereTheNameDoesNot) {
  EXPECT_EQ(layout_name("S2CRn", 0x00000), "SMMU_S2CRn_Translation");
  EXPECT_EQ(layout_name("S2CRn", 0x10000), "SMMU_S2CRn_Bypass");
  EXPECT_EQ(layout_name("S2CRn", 0x20000), "SMMU_S2CRn");
  EXPECT_EQ(layout_name("S2CRn", 0x30000), "SMMU_S2CRn");
  EXPECT_EQ(layout_name("S2CRn_Bypass", 0), "SMMU_S2CRn_Bypass");
  EXPECT_EQ(layout_name("CBARn", 0x00000), "SMMU_CBARn_Stage2");
  EXPECT_EQ(layout_name("CBARn", 0x10000), "SMMU_CBARn_Stage1Stage2Bypass");
  EXPECT_EQ(layout_name("CBARn", 0x20000), "SMMU_CBARn");
  EXPECT_EQ(layout_name("SMMU_CBAR7", 0x30000), "SMMU_CBARn_Nested");
  EXPECT_EQ(layout_name("CBn_PAR", 0), "SMMU_CBn_PAR");
  EXPECT_EQ(layout_name("CB5.PAR", 1), "SMMU_CBn_PAR_Fault");
  EXPECT_EQ(layout_name("sGPAR", 1), "SMMU_sGPAR_Fault");
  EXPECT_EQ(layout_name("CBn_TCR_Long"), "SMMU_CBn_TCR_Long");
}

TEST(DecodeV2, NumbersMayStandInTheirPlaces) {
  EXPECT_EQ(layout_name("CB3.FSR"), "SMMU_CBn_FSR");
  EXPECT_EQ(layout_name("SMMU_CB127_FSYNR0"), "SMMU_CBn_FSYNR0");
  EXPECT_EQ(layout_name("SMR12"), "SMMU_SMRn");
  EXPECT_EQ(layout_name("CBA2R3"), "SMMU_CBA2Rn");
  EXPECT_EQ(layout_name("CB2.PMEVCNTR1"), "SMMU_CBn_PMEVCNTRm");
  EXPECT_EQ(layout_name("CB2.TTBR0_Short"), "SMMU_CBn_TTBR0_Short");
  for (const char* name : {"CB", "CB3", "CB3.", "CB.FSR", "CB3.SMR0", "CB99999999999.FSR", "SMR",
                           "SMR-1", "sGFSR7", "n", "", "CB3.FSRn", "12"}) {
    EXPECT_EQ(layout_name(name), "none") << name;
  }
}

TEST(DecodeV2, ValuesThatHaveANameAreTold) {
  EXPECT_EQ(meaning("S2CRn", 0x10000, "TYPE"), "bypass");
  EXPECT_EQ(meaning("CBARn", 0x30000, "TYPE"), "stage 1, then stage 2");
  EXPECT_EQ(meaning("sCR0", 0x00c00000, "SHCFG"), "NSH");
  EXPECT_EQ(meaning("S2CRn", 0x00300000, "RACFG"), "no allocate");
  EXPECT_EQ(meaning("CBn_TCR2", 0x00028000, "SEP"), "bit 47");
  EXPECT_EQ(meaning("CBn_TCR2", 0x5, "PASize"), "48 bits");
  EXPECT_EQ(meaning("CBn_TCR", 0x80000000, "TG1"), "4K");
  EXPECT_EQ(meaning("CBn_TCR", 0x00004000, "TG0"), "64K");
  EXPECT_EQ(meaning("CBn_TCR", 0x19, "T0SZ"), "39-bit input");
  EXPECT_EQ(meaning("CBn_TCR_Long", 0x2, "T0SZ"), "30-bit input");
  EXPECT_EQ(meaning("CBn_TCR_Stage2_AArch32", 0x18, "T0SZ"), "40-bit input");
  EXPECT_EQ(meaning("v2:IDR2", 0x00000555, "UBS"), "49 bits");
  EXPECT_EQ(meaning("v2:IDR2", 0x00000555, "IAS"), "48 bits");
  EXPECT_EQ(meaning("CBn_FSR", 0x00000402, "FORMAT"), "AArch64");
  EXPECT_EQ(meaning("CBn_MAIR0", 0x0000ff04, "Attr1"), "Normal write-back");
  EXPECT_EQ(meaning("CBn_NMRR", 0x3, "IR0"), "WB");
  // SMMUv3's codes of a field of the same name are others.
  EXPECT_EQ(meaning("GBPA", 0x1000, "SHCFG"), "");
}

TEST(DecodeV2, AddressesStayInPlace) {
  const auto value = [](std::string_view kind, std::uint64_t word, std::string_view name) {
    const auto layout = find_layout(kind, std::array{word});
    for (const DecodedField& field : decode_fields(*layout, std::array{word})) {
      if (field.name == name) return field.value;
    }
    return ~std::uint64_t{0};
  };
  EXPECT_EQ(value("CBn_TTBR0", 0x1000040001000, "BaseAddress"), 0x40001000);
  EXPECT_EQ(value("CBn_TTBR0_Short", 0x4000004a, "BaseAddress"), 0x40000000);
  EXPECT_EQ(value("CBn_PAR_Short", 0x40001000, "PA"), 0x40001000);
  EXPECT_EQ(value("CBn_TLBIVA_AArch32", 0x40001005, "VA"), 0x40001000);
  EXPECT_EQ(value("TLBIVAH", 0x40001000, "Address"), 0x40001000);
}

TEST(DecodeV2, TheToolPrintsTheFieldsThatAreSet) {
  EXPECT_EQ(run_tool("decode S2CR0 0x00000003").out,
            "SMMU_S2CRn_Translation 0x3\n"
            "      [7:0]  CBNDX         3\n");
  EXPECT_EQ(run_tool("decode SMMU_CBn_FSR 80000402").out,
            "SMMU_CBn_FSR 0x80000402\n"
            "        [1]  TF      1  translation\n"
            "     [10:9]  FORMAT  2  AArch64\n"
            "       [31]  MULTI   1  another met it\n");
  const ToolRun wide = run_tool("decode CBn_FSR 100000000");
  EXPECT_EQ(wide.status, 2);
  EXPECT_EQ(wide.err, "smmu: WORDS: expected one word of 32 bits for SMMU_CBn_FSR.\n");
  EXPECT_EQ(run_tool("decode v2:CR0 1").status, 2);
}

TEST(RegistersV2, AreWhereTheirPagesAre) {
  const FeaturesV2 small(SmmuV2Config::mmu500_zynqmp());
  const FeaturesV2 large(SmmuV2Config::pages_64k());
  const auto offset = [](const FeaturesV2& features, std::string_view name) {
    const auto place = find_place(features, name);
    return place ? place->offset : ~0U;
  };
  EXPECT_EQ(offset(small, "sGFSR"), 0x48);
  EXPECT_EQ(offset(small, "CBAR3"), 0x100c);
  EXPECT_EQ(offset(small, "CBFRSYNRA3"), 0x140c);
  EXPECT_EQ(offset(small, "CB3.FSR"), 0x13058);
  EXPECT_EQ(offset(large, "CBAR3"), 0x1000c);
  EXPECT_EQ(offset(large, "CB3.FSR"), 0x830058);
  EXPECT_EQ(find_place(small, "CB3.FAR")->bytes, 8);
  EXPECT_EQ(find_place(small, "0x48")->named->name(), "SMMU_sGFSR");
  EXPECT_EQ(find_place(small, "0x13060")->named->name(), "SMMU_CB3_FAR");
  EXPECT_EQ(find_place(small, "0x13064")->bytes, 4);
  EXPECT_EQ(find_place(small, "secure:sCR0")->security, SecurityState::kSecure);
  EXPECT_EQ(find_place(small, "SCR1")->security, SecurityState::kSecure);
  EXPECT_EQ(find_place(small, "NSCR0")->offset, 0x400);
  // 16 banks and 48 groups; and what is no place.
  EXPECT_TRUE(find_place(small, "CB15.FSR"));
  EXPECT_TRUE(find_place(small, "SMR47"));
  for (const char* text : {"CB16.FSR", "SMR48", "CBAR16", "SMRn", "CBn_FSR", "SSDR0", "0x20000",
                           "0x49", "secure:", "secure:secure:sCR0", "-1"}) {
    EXPECT_FALSE(find_place(small, text)) << text;
  }
}

}  // namespace
}  // namespace smmu::cli::decode_v2_test
