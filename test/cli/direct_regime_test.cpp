// Which regimes make sense, and what is said of those that do not.  What they mean to a walk is in
// regime_walk_test.cpp.
#include "emulator/cli/direct_regime.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::direct_regime_test {
namespace {

using ::testing::HasSubstr;

DirectRegime regime(const std::string& text) { return DirectRegime(RegimeFields::parse({text})); }
std::string complaint(const std::string& text) {
  static const TemporaryFolder folder;
  return complaint_of(folder, [&] { (void)regime(text); });
}

TEST(DirectRegime, WhatIsMissingIsNamed) {
  const struct {
    const char* text;
    const char* sentence;
  } kCases[] = {
      {"WXN", "--regime: expected TTB0 or TTB1 with the fields of stage 1."},
      {"aarch32-short,DACR=1", "--regime: expected TTBR0 or TTBR1 with the fields of stage 1."},
      {"TTB0=0x1000", "--regime: expected T0SZ with TTB0, found TTB0 0x1000."},
      {"TTB1=0x1000,T0SZ=16", "--regime: expected T1SZ with TTB1, found TTB1 0x1000."},
      {"TTB0=0,T0SZ=16,EPD1=0", "--regime: expected TTB1 with EPD1=0, found EPD1 0x0."},
      {"S2TTB=0", "--regime: expected S2T0SZ with the fields of stage 2."},
      {"S2PTW", "--regime: expected S2TTB with the fields of stage 2."},
      {"S2TTB=0,S2T0SZ=24", "--regime: expected S2SL0 with the fields of stage 2."},
      {"aarch32-short,TTBR0=0,TRE", "--regime: expected PRRR with TRE, found TRE 0x1."},
  };
  for (const auto& test : kCases) EXPECT_EQ(complaint(test.text), test.sentence);
}

TEST(DirectRegime, ContradictionsAreNamedWithWhatWouldDo) {
  const struct {
    const char* text;
    const char* sentence;
  } kCases[] = {
      {"TTB0=0,T0SZ=60", "--regime: expected T0SZ from 16 to 48, found T0SZ 0x3c."},
      {"TTB0=0,T0SZ=15", "--regime: expected T0SZ from 16 to 48, found T0SZ 0xf."},
      {"TTB0=0,T0SZ=48,TG0=64K", "--regime: expected T0SZ from 12 to 47, found T0SZ 0x30."},
      {"TTB0=0,T0SZ=11,DS", "--regime: expected T0SZ from 12 to 48, found T0SZ 0xb."},
      {"TTB0=0,T0SZ=16,TTB1=0,T1SZ=2", "--regime: expected T1SZ from 16 to 48, found T1SZ 0x2."},
      {"TTB0=0x1000000000000,T0SZ=16",
       "--regime: expected TTB0 below 2^48, found TTB0 0x1000000000000."},
      {"TTB1=0x100000000,T1SZ=16,IPS=32",
       "--regime: expected TTB1 below 2^32, found TTB1 0x100000000."},
      {"TTB0=0x1000000000000,T0SZ=16,TG0=64K,IPS=48",
       "--regime: expected TTB0 below 2^48, found TTB0 0x1000000000000."},
      {"aarch32-long,TTB0=0,T0SZ=8",
       "--regime: expected T0SZ from 0 to 7 with aarch32-long, found T0SZ 0x8."},
      {"aarch32-long,TTB0=0x10000000000",
       "--regime: expected TTB0 below 2^40, found TTB0 0x10000000000."},
      {"TTB0=0,T0SZ=16,SH0=ISH",
       "--regime: expected DS=1 for SH0 to mean anything, found SH0 0x3."},
      {"TTB0=0,T0SZ=16,HD", "--regime: expected HA=1 for HD to mean anything, found HD 0x1."},
      {"TTB0=0,T0SZ=16,MAIR=1,MAIR1=2",
       "--regime: expected MAIR or MAIR1, not both, found MAIR1 0x2."},
      {"aarch32-short,TTBR0=0,NMRR=1",
       "--regime: expected TRE=1 for NMRR to mean anything, found NMRR 0x1."},
      {"S2TTB=0,S2T0SZ=32,S2SL0=2",
       "--regime: expected S2SL0 from 0 to 1 with S2T0SZ 32, found S2SL0 0x2."},
      {"S2TTB=0,S2T0SZ=40,S2SL0=1",
       "--regime: expected S2SL0 0 or 3 with S2T0SZ 40, found S2SL0 0x1."},
      {"S2TTB=0,S2T0SZ=16,S2SL0=0", "--regime: expected S2SL0 2 with S2T0SZ 16, found S2SL0 0x0."},
      {"S2TTB=0,S2T0SZ=2,S2SL0=0", "--regime: expected S2T0SZ from 16 to 48, found S2T0SZ 0x2."},
      {"S2TTB=0x100000000,S2T0SZ=24,S2SL0=1,S2PS=32",
       "--regime: expected S2TTB below 2^32, found S2TTB 0x100000000."},
      {"S2TTB=0,S2T0SZ=24,S2SL0=1,S2SL0_2=1",
       "--regime: expected S2DS=1 for S2SL0_2 to mean anything, found S2SL0_2 0x1."},
      {"S2TTB=0,S2AA64=0,S2T0SZ=16,S2SL0=1",
       "--regime: expected S2T0SZ from 0 to 15 with S2AA64=0, found S2T0SZ 0x10."},
      {"TTB0=0,T0SZ=16,STRW=1", "--regime: expected STRW to be EL1 or EL2, found \"1\"."},
      {"TTB0=0,T0SZ=16,E2H",
       "--regime: expected STRW=EL2 for E2H to mean anything, found E2H 0x1."},
      {"TTB0=0,T0SZ=16,STRW=EL2,S2TTB=0,S2T0SZ=24,S2SL0=1",
       "--regime: expected STRW=EL1 above stage 2, found STRW 0x2."},
      {"TTB0=0,T0SZ=16,TTB1=0,T1SZ=16,STRW=EL2",
       "--regime: expected E2H=1 with TTB1 and STRW=EL2, found TTB1 0x0."},
      {"TTB0=0,T0SZ=16,S2TTB=0,S2AA64=0,S2T0SZ=0,S2SL0=1",
       "--regime: expected S2AA64=1 below a stage 1 of aarch64, found S2AA64 0x0."},
  };
  for (const auto& test : kCases) EXPECT_EQ(complaint(test.text), test.sentence);
}

TEST(DirectRegime, WhatIsNotGivenIsTakenAsItMostlyIs) {
  const DirectRegime lower = regime("TTB0=0x1000,T0SZ=16");
  EXPECT_TRUE(lower.regime.stage1.half[0].enabled);
  EXPECT_FALSE(lower.regime.stage1.half[1].enabled);
  EXPECT_TRUE(lower.regime.simple);
  EXPECT_FALSE(lower.has_mair());
  EXPECT_EQ(lower.physical_bits, 52U);
  EXPECT_EQ(lower.cd[v3::CD::IPS], OutputSize::k52Bits);
  const DirectRegime small =
      regime("OAS=40,TTB1=0x1000,T1SZ=16,MAIR=0xff,S2TTB=0,S2T0SZ=24,S2SL0=1");
  EXPECT_FALSE(small.regime.stage1.half[0].enabled);
  EXPECT_TRUE(small.regime.stage1.half[1].enabled);
  EXPECT_EQ(small.regime.stage1.half[1].tables.granule, emulator::Granule::k4K);
  EXPECT_TRUE(small.has_mair());
  EXPECT_EQ(small.physical_bits, 40U);
  EXPECT_EQ(small.cd[v3::CD::IPS], OutputSize::k40Bits);
  EXPECT_EQ(small.ste[v3::STE::S2PS], OutputSize::k40Bits);
}

// Of EL2 one level of privilege is left, and one table; E2H has both again.
TEST(DirectRegime, IsOfTheWorldThatStrwSays) {  // IHI 0070, 5.2, STRW
  const auto unprivileged_may = [](const DirectRegime& one, unsigned ap) {
    return one.regime.stage1.permissions[ap].allow(
        emulator::Privilege::kUnprivileged, emulator::Direction::kRead, emulator::Content::kData);
  };
  EXPECT_FALSE(unprivileged_may(regime("TTB0=0x1000,T0SZ=16"), 0));
  EXPECT_TRUE(unprivileged_may(regime("TTB0=0x1000,T0SZ=16,STRW=EL2"), 0));
  const DirectRegime two = regime("TTB0=0x1000,T0SZ=16,TTB1=0x2000,T1SZ=16,STRW=EL2,E2H");
  EXPECT_FALSE(unprivileged_may(two, 0));
  EXPECT_TRUE(two.regime.stage1.half[1].enabled);
  EXPECT_FALSE(two.regime.global);
  EXPECT_TRUE(regime("TTB0=0x1000,T0SZ=16,STRW=EL2").regime.global);
}

// Whatever numbers are in the fields, they are a regime or there is a sentence about one of them.
TEST(DirectRegime, AnyFieldsAreDecodedOrRefusedByName) {
  std::mt19937 random(1);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  unsigned decoded = 0;
  for (int i = 0; i < 3000; ++i) {
    static constexpr const char* kGranules[] = {"4K", "16K", "64K"};
    const std::string text = fmt::format(
        "TTB0={:#x},T0SZ={},TG0={},TTB1={:#x},T1SZ={},TG1={},DS={},IPS={},HA={},S2TTB={:#x},"
        "S2T0SZ={},S2SL0={},S2TG={},S2DS={},S2PS={},OAS={}",
        (std::uint64_t{1} << below(52)) & ~std::uint64_t{0xf}, 8 + below(44), kGranules[below(3)],
        std::uint64_t{below(1U << 20)} << 4, 8 + below(44), kGranules[below(3)], below(2), below(7),
        below(2), std::uint64_t{1} << (4 + below(48)), 8 + below(44), below(4), kGranules[below(3)],
        below(2), below(7), below(7));
    const std::string sentence = complaint(text);
    if (sentence.empty()) {
      ++decoded;
    } else {
      EXPECT_THAT(sentence, HasSubstr(", found ")) << text;
    }
  }
  EXPECT_GT(decoded, 10U);
}

}  // namespace
}  // namespace smmu::cli::direct_regime_test
