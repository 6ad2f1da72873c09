// Regimes as they are typed: which fields there are, which values, and what is said of the others.
#include "emulator/cli/regime_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::regime_fields_test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Fields = std::array<std::uint64_t, 8>;

RegimeFields parse(const std::vector<std::string>& arguments) {
  return RegimeFields::parse(arguments);
}
std::string complaint(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  return complaint_of(folder, [&] { (void)RegimeFields::parse(arguments); });
}

TEST(RegimeFields, AreListedWithCommasOrSpacesOrAsSeveralArguments) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"TTB0=0x1000,T0SZ=16,WXN=1"},
        {"TTB0=0x1000 T0SZ=16\tWXN"},
        {" TTB0=0x1000,", "T0SZ=0b10000", "wxn"}}) {
    const RegimeFields fields = parse(arguments);
    EXPECT_EQ(fields.get("TTB0"), 0x1000U);
    EXPECT_EQ(fields.get("T0SZ"), 16U);
    EXPECT_EQ(fields.get("WXN"), 1U);
    EXPECT_FALSE(fields.find("PAN").has_value());
    EXPECT_EQ(fields.format(), DescriptorFormat::kAArch64);
    EXPECT_TRUE(fields.has_stage1());
    EXPECT_FALSE(fields.has_stage2());
  }
}

TEST(RegimeFields, TheFormatMayStandAnywhere) {
  EXPECT_EQ(parse({"aarch32-short,TTBR0=0"}).format(), DescriptorFormat::kAArch32Short);
  EXPECT_EQ(parse({"TTB0=0", "AARCH32-LONG"}).format(), DescriptorFormat::kAArch32Long);
  EXPECT_EQ(parse({"TTBR0=0,N=1,aarch32-short"}).get("N"), 1U);
}

TEST(RegimeFields, StagesAreThoseOfTheirFields) {
  EXPECT_FALSE(parse({"S2TTB=0"}).has_stage1());
  EXPECT_TRUE(parse({"S2TTB=0"}).has_stage2());
  EXPECT_TRUE(parse({"S2TTB=0,TTB1=0"}).has_stage1());
  EXPECT_THAT(complaint({"OAS=48"}), HasSubstr("expected the fields of a stage"));
  EXPECT_THAT(complaint({""}), HasSubstr("expected the fields of a stage"));
  EXPECT_THAT(complaint({}), HasSubstr("expected the fields of a stage"));
}

// IHI 0070, 5.4 and 5.2: the codes of the manual.
TEST(RegimeFields, ValuesHaveTheManualsNamesOrItsCodes) {
  const auto value = [](const std::string& name, const std::string& text) {
    return parse({"TTB0=0", name + "=" + text}).get(name);
  };
  EXPECT_EQ(value("TG0", "4K"), 0U);
  EXPECT_EQ(value("TG0", "16k"), 2U);
  EXPECT_EQ(value("TG0", "0b01"), 1U);
  EXPECT_EQ(value("TG1", "4K"), 2U);
  EXPECT_EQ(value("TG1", "64K"), 3U);
  EXPECT_EQ(value("S2TG", "64K"), 1U);
  EXPECT_EQ(value("IPS", "48"), 5U);
  EXPECT_EQ(value("IPS", "5"), 5U);
  EXPECT_EQ(value("S2PS", "52"), 6U);
  EXPECT_EQ(value("SH0", "ISH"), 3U);
  EXPECT_EQ(value("S2SH0", "osh"), 2U);
  EXPECT_EQ(value("ENDI", "big"), 1U);
}

TEST(RegimeFields, FieldsAreStoredWhereTheManualHasThem) {
  const RegimeFields fields =
      parse({"TTB0=0x80001000,T0SZ=16,TG1=64K,TTB1=0x90000000,HA,PAN,EPAN,MAIR1=0x44",
             "S2TTB=0xa0000000,S2T0SZ=24,S2SL0=1,S2PTW,S2FWB"});
  Fields cd{};
  fields.store(FieldOwner::kCD, cd);
  EXPECT_EQ(cd, (Fields{0x0000'0900'00c0'0010, 0x0800'0000'8000'1000, 0x9000'0000, 0x44'0000'0000,
                        0, 0, 0, 0}));
  Fields ste{};
  fields.store(FieldOwner::kSTE, ste);
  EXPECT_EQ(ste,
            (Fields{0, 1U << 25, 24ULL << 32 | 1ULL << 38 | 1ULL << 54, 0xa000'0000, 0, 0, 0, 0}));
}

TEST(RegimeFields, TheNamesOfAPesRegistersWillDo) {
  const RegimeFields a64 = parse({"TTBR0=0x1000,TTBR1=0x2000,HPD1,EE,PD0=0"});
  EXPECT_EQ(a64.get("TTB0"), 0x1000U);
  EXPECT_EQ(a64.get("TTB1"), 0x2000U);
  EXPECT_EQ(a64.get("HAD1"), 1U);
  EXPECT_EQ(a64.get("ENDI"), 1U);
  EXPECT_TRUE(a64.find("EPD0").has_value());
  // Of Short descriptors the whole register, with what it says of the walk.
  const RegimeFields short_ones = parse({"aarch32-short,TTB0=0x8000404a,TTBCR.N=2"});
  EXPECT_EQ(short_ones.get("TTBR0"), 0x8000'404aU);
  EXPECT_EQ(short_ones.get("N"), 2U);
}

TEST(RegimeFields, AFileHasThemInLines) {
  const TemporaryFolder folder;
  const std::string file = folder
                               .write("linux.regime",
                                      "# of the running kernel\n"
                                      "aarch64\n"
                                      "\n"
                                      "TTB0=0x1000 T0SZ=16  # the lower half\r\n"
                                      "TG0=64K")
                               .string();
  const RegimeFields fields = parse({"@" + file, "WXN"});
  EXPECT_EQ(fields.get("TTB0"), 0x1000U);
  EXPECT_EQ(fields.get("T0SZ"), 16U);
  EXPECT_EQ(fields.get("TG0"), 1U);
  EXPECT_EQ(fields.get("WXN"), 1U);
  EXPECT_EQ(fields.source("TG0"), file + ":5");
  EXPECT_EQ(fields.source("WXN"), "--regime");
}

TEST(RegimeFields, WhatIsWrongInAFileIsNamedWithItsLine) {
  const TemporaryFolder folder;
  const auto complaint_about = [&](std::string_view text) {
    const std::string file = folder.write("r", text).string();
    return complaint_of(folder, [&] { (void)RegimeFields::parse({"@" + file}); });
  };
  EXPECT_EQ(complaint_about("TTB0=0\n\nT0SZ=64\n"),
            "r:3: expected T0SZ to be a number up to 63, found \"64\".");
  EXPECT_EQ(complaint_about("@r\n"),
            "r:1: expected a field of a regime (see walk --help), found \"@r\".");
  EXPECT_THAT(complaint_about("TTB0=0\nTTB0=0\n"),
              AllOf(StartsWith("r:2: expected TTB0 once, found \"TTB0=0\" after that of "),
                    EndsWith("r:1.")));
  EXPECT_THAT(complaint({"@/does/not/exist"}), HasSubstr("expected a file that can be read"));
  EXPECT_THAT(complaint({"@/"}), HasSubstr("expected a file, found a folder"));
}

TEST(RegimeFields, WhatIsNoFieldOrNoValueIsNamed) {
  const struct {
    const char* text;
    const char* sentence;
  } kCases[] = {
      {"FOO=1", "--regime: expected a field of a regime (see walk --help), found \"FOO=1\"."},
      {"=1", "--regime: expected a field of a regime (see walk --help), found \"=1\"."},
      {"TTB0", "--regime: expected TTB0=VALUE, found \"TTB0\"."},
      {"TTB0=", "--regime: expected TTB0 to be an address of bits [51:4], found \"\"."},
      {"TTB0=0x1008", "--regime: expected TTB0 to be an address of bits [51:4], found \"0x1008\"."},
      {"TTB0=0x10000000000000",
       "--regime: expected TTB0 to be an address of bits [51:4], found \"0x10000000000000\"."},
      {"TTB0=0x10000000000000000",
       "--regime: expected TTB0 to be an address of bits [51:4], found \"0x10000000000000000\"."},
      {"T0SZ=-1", "--regime: expected T0SZ to be a number up to 63, found \"-1\"."},
      {"T0SZ=0b2", "--regime: expected T0SZ to be a number up to 63, found \"0b2\"."},
      {"T0SZ=1=2", "--regime: expected T0SZ to be a number up to 63, found \"1=2\"."},
      {"TG0=8K", "--regime: expected TG0 to be 4K, 16K or 64K, found \"8K\"."},
      {"TG0=3", "--regime: expected TG0 to be 4K, 16K or 64K, found \"3\"."},
      {"IPS=56", "--regime: expected IPS to be 32, 36, 40, 42, 44, 48 or 52, found \"56\"."},
      {"SH0=1", "--regime: expected SH0 to be NSH, OSH or ISH, found \"1\"."},
      {"WXN=2", "--regime: expected WXN to be 0 or 1, found \"2\"."},
      {"MAIR0=0x100000000",
       "--regime: expected MAIR0 to be a number up to 0xffffffff, found \"0x100000000\"."},
      {"aarch64,aarch32-long",
       "--regime: expected one format, found \"aarch64\" and \"aarch32-long\"."},
      {"aarch64,aarch64", "--regime: expected one format, found \"aarch64\" and \"aarch64\"."},
      {"TTB0=0,DACR=1", "--regime: expected a field that aarch64 tables have, found \"DACR=1\"."},
      {"UWXN", "--regime: expected a field that aarch64 tables have, found \"UWXN\"."},
      {"aarch32-long,HA",
       "--regime: expected a field that aarch32-long tables have, found \"HA\"."},
      {"aarch32-long,TTB0=0,TG0=4K",
       "--regime: expected a field that aarch32-long tables have, found \"TG0=4K\"."},
      {"aarch32-short,MAIR=0",
       "--regime: expected a field that aarch32-short tables have, found \"MAIR=0\"."},
      {"aarch32-short,TTBR0=0x100000000",
       "--regime: expected TTBR0 to be a number up to 0xffffffff, found \"0x100000000\"."},
      {"S2AA64=0,S2TG=4K",
       "--regime: expected a field that tables with S2AA64=0 have, found \"S2TG\"."},
      {"S2HD=1,S2AA64=0",
       "--regime: expected a field that tables with S2AA64=0 have, found \"S2HD\"."},
      {"TTB0=0,ttbr0=0", "--regime: expected TTB0 once, found \"ttbr0=0\" after that of --regime."},
      {"T0SZ=\x1b[31m", "--regime: expected T0SZ to be a number up to 63, found \"?[31m\"."},
  };
  for (const auto& test : kCases) EXPECT_EQ(complaint({test.text}), test.sentence);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "TTB0=0,";
  EXPECT_THAT(complaint({many}), HasSubstr("once"));
}

TEST(RegimeFields, TheHelpNamesEachOfThem) {
  const std::string help = regime_help();
  for (const char* name : {"TTB0", "TG1=4K|16K|64K", "E0PD1", "UWXN", "DACR", "PRRR", "S2SL0_2",
                           "S2PTW", "ENDI=little|big"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
}

}  // namespace
}  // namespace smmu::cli::regime_fields_test
