// Which counter groups are refused, and that the sentence says why.
#include <gmock/gmock.h>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator::counter_group_objection_test {
namespace {

using ::testing::HasSubstr;
using v3::SMMU_PMCG_AIDR;
using v3::SMMU_PMCG_CFGR;

// Empty: it was accepted.
std::string objection_to(const CounterGroupConfig& group) {
  Ram ram;
  SmmuV3Config config = SmmuV3Config::everything();
  // The first one is faultless.
  config.counter_groups = {CounterGroupConfig::everything(), group};
  const auto made = SmmuV3::create(config, {.memory = &ram});
  return made ? std::string() : made.error();
}

CounterGroupConfig with(SMMU_PMCG_CFGR cfgr) {
  CounterGroupConfig group = CounterGroupConfig::everything();
  group.cfgr = cfgr;
  return group;
}

const SMMU_PMCG_CFGR kCfgr = CounterGroupConfig::everything().cfgr;

TEST(CounterGroups, OfEverySizeAreAccepted) {  // 10.5.2.13
  for (std::uint8_t size = 0; size != 64; ++size) {
    auto cfgr = kCfgr;
    cfgr.set(SMMU_PMCG_CFGR::SIZE, static_cast<SMMU_PMCG_CFGR::CounterSize>(size));
    const bool allowed =
        size == 31 || size == 35 || size == 39 || size == 43 || size == 47 || size == 63;
    if (allowed) {
      EXPECT_EQ(objection_to(with(cfgr)), "") << unsigned{size};
    } else {
      EXPECT_THAT(objection_to(with(cfgr)), HasSubstr("SMMU_PMCG_CFGR.SIZE")) << unsigned{size};
    }
  }
}

TEST(CounterGroups, HaveNothingOfMpam) {
  auto cfgr = kCfgr;
  EXPECT_THAT(objection_to(with(cfgr.set(SMMU_PMCG_CFGR::MPAM, true))),
              HasSubstr("SMMU_PMCG_CFGR.MPAM"));
  cfgr = kCfgr;
  EXPECT_THAT(objection_to(with(cfgr.set(SMMU_PMCG_CFGR::FILTER_PARTID_PMG, true))),
              HasSubstr("SMMU_PMCG_CFGR.FILTER_PARTID_PMG"));
}

TEST(CounterGroups, HaveNoBitsThatMeanNothing) {
  EXPECT_THAT(objection_to(with(SMMU_PMCG_CFGR(kCfgr.raw() | 1U << 26))),
              HasSubstr("SMMU_PMCG_CFGR has"));
  EXPECT_THAT(objection_to(with(SMMU_PMCG_CFGR(kCfgr.raw() | 1U << 6))),
              HasSubstr("SMMU_PMCG_CFGR has"));
  auto group = CounterGroupConfig::everything();
  group.aidr = SMMU_PMCG_AIDR(0x104);
  EXPECT_THAT(objection_to(group), HasSubstr("SMMU_PMCG_AIDR has"));
}

TEST(CounterGroups, EndAtSmmuV34) {
  auto group = CounterGroupConfig::everything();
  for (const std::uint32_t revision : {0U, 1U, 2U, 3U, 4U}) {
    group.aidr = SMMU_PMCG_AIDR(revision);
    EXPECT_EQ(objection_to(group), "");
  }
  for (const std::uint32_t revision : {5U, 0x10U}) {
    group.aidr = SMMU_PMCG_AIDR(revision);
    EXPECT_THAT(objection_to(group), HasSubstr("SMMU_PMCG_AIDR is above"));
  }
}

TEST(CounterGroups, AreOfANaturallyAlignedBlockOfStreams) {  // 10.4.1
  auto group = CounterGroupConfig::everything();
  group.stream_bits = 33;
  EXPECT_THAT(objection_to(group), HasSubstr("stream_bits is above"));
  group.stream_bits = 32;
  group.first_stream = StreamId(1);
  EXPECT_THAT(objection_to(group), HasSubstr("first_stream"));
  group.stream_bits = 4;
  group.first_stream = StreamId(0x18);
  EXPECT_THAT(objection_to(group), HasSubstr("first_stream"));
  group.first_stream = StreamId(0xffff'fff0);
  EXPECT_EQ(objection_to(group), "");
  group.stream_bits = 0;
  group.first_stream = StreamId(7);
  EXPECT_EQ(objection_to(group), "");
}

}  // namespace
}  // namespace smmu::emulator::counter_group_objection_test
