// OpenBSD on an SMMUv2.
#include "test/system_v2/openbsd_driver.h"

namespace smmu::testing::driver_openbsd_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x5a7);
constexpr Iova kAddress(0x7bc'def0'1000);
constexpr Iova kMissing(kAddress.value + 4096);

using Model = OpenBsd::Model;

SmmuV2Config without_stage1(SmmuV2Config config) {
  kNoStage1.change(config);
  return config;
}

// The kernel after its start, with a stream that has a page.
struct Created {
  explicit Created(const SmmuV2Config& config, Model model = Model::kMmu500,
                   StreamId stream = kStream)
      : rig(config), openbsd(rig, model) {
    EXPECT_TRUE(openbsd.probe());
    openbsd.reset();
    table.emplace(rig.page_table({.t0sz = 64 - openbsd.input_bits(), .stage = openbsd.stage()}));
    table->map(kAddress, page, 4096);
    bank = openbsd.create(stream, table->root());
  }

  V2Rig rig;
  OpenBsd openbsd;
  std::optional<PageTable> table;
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

// Each way in which it uses an SMMU.
struct Use {
  const char* name;
  SmmuV2Config config;
  Model model = Model::kMmu500;
  friend void PrintTo(const Use& use, std::ostream* out) { *out << use.name; }
};

class OpenBsdDriver : public ::testing::TestWithParam<Use> {};

TEST_P(OpenBsdDriver, TranslatesWhatItMaps) {
  Created created(GetParam().config, GetParam().model);
  expect_reaches(created.rig, created.rig.device(kStream), kAddress, created.page);
  EXPECT_TRUE(created.rig.quiet());
}

TEST_P(OpenBsdDriver, SeesANewPageOnceItHasInvalidatedTheOld) {
  Created created(GetParam().config, GetParam().model);
  expect_stale_until(created.rig, created.rig.device(kStream), *created.table, kAddress,
                     created.page,
                     [&] { EXPECT_TRUE(created.openbsd.invalidate(created.bank, kAddress)); });
}

TEST_P(OpenBsdDriver, WaitsForABusyTlbAndNotForEver) {
  for (const std::uint32_t busy : {3U, OpenBsd::kMostPolls - 1, OpenBsd::kMostPolls}) {
    SmmuV2Config config = GetParam().config;
    config.busy_reads = busy;
    Created created(config, GetParam().model);
    EXPECT_EQ(created.openbsd.invalidate(created.bank, kAddress), busy < OpenBsd::kMostPolls)
        << busy;
  }
}

TEST_P(OpenBsdDriver, PrintsAContextFaultAndGoesOn) {
  Created created(GetParam().config, GetParam().model);
  const DmaDevice device = created.rig.device(kStream);
  EXPECT_FALSE(created.openbsd.handle_context_fault(created.bank));
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
  EXPECT_TRUE(created.rig.context_fault(created.bank).up());
  const auto fault = created.openbsd.handle_context_fault(created.bank);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->status[SMMU_CBn_FSR::TF]);
  EXPECT_EQ(fault->status[SMMU_CBn_FSR::FORMAT], TranslationFormat::kAArch64);
  EXPECT_TRUE(fault->syndrome[SMMU_CBn_FSYNR0::WNR]);
  EXPECT_EQ(fault->syndrome[SMMU_CBn_FSYNR0::PLVL], 3U);
  EXPECT_EQ(fault->address, kMissing);
  EXPECT_EQ(fault->stream, kStream);
  EXPECT_TRUE(created.rig.quiet());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(created.page));
}

INSTANTIATE_TEST_SUITE_P(
    Uses, OpenBsdDriver,
    ::testing::Values(Use{"everything", SmmuV2Config::generic()},
                      Use{"pages of 64 KiB", SmmuV2Config::pages_64k()},
                      Use{"no stage 1", without_stage1(SmmuV2Config::generic())},
                      Use{"MMU-500", SmmuV2Config::mmu500_stratix10()},
                      Use{"MMU-500 without stage 1",
                          without_stage1(SmmuV2Config::mmu500_stratix10())},
                      Use{"AP806", SmmuV2Config::mmu500_zynqmp(), Model::kAp806}));

TEST(OpenBsdDriverAlone, PrintsStreamsItDoesNotKnow) {
  Created created(SmmuV2Config::mmu500_zynqmp());
  const StreamId other(kStream.value + 1);
  EXPECT_THAT(created.rig.device(other).translate(kAddress), Aborts());
  EXPECT_TRUE(created.rig.global_fault.up());
  const auto fault = created.openbsd.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->first, SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(fault->second, other);
  EXPECT_TRUE(created.rig.quiet());
}

TEST(OpenBsdDriverAlone, TellsStreamsApartByTheir16thBit) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::EXIDS, true);
  const StreamId high(0x8000 | kStream.value);
  Created created(config, Model::kMmu500, high);
  EXPECT_THAT(created.rig.device(high).translate(kAddress), TranslatesTo(created.page));
  EXPECT_THAT(created.rig.device(kStream).translate(kAddress), Aborts());
  const auto fault = created.openbsd.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->second, kStream);
}

TEST(OpenBsdDriverAlone, RefusesAnSmmuItCannotUse) {
  expect_refused<OpenBsd>(SmmuV2Config::mmu500_zynqmp(), {kNoGroup});
}

TEST(OpenBsdDriverAlone, WantsStage2OfAnAp806) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  kNoStage2.change(config);
  V2Rig rig(config);
  EXPECT_TRUE(OpenBsd(rig).probe());
  EXPECT_FALSE(OpenBsd(rig, Model::kAp806).probe());
}

}  // namespace
}  // namespace smmu::testing::driver_openbsd_test
