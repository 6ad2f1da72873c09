// An SMMU whose walks do not look into caches (IHI 0062, SMMU_IDR0.CTTW): what they find was
// cleaned to memory.  Such an SMMU writes nothing there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/testing/driven_board_v2.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "test/caches/cached_memory.h"

namespace smmu::testing::not_coherent_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace iommu;

constexpr StreamId kStream(7);
constexpr Pa kTarget = Pa(0x4400'0000);

TEST(DriverV2NotCoherent, ADeviceReachesWhatIsMappedAndFaultsElsewhere) {
  using Formats = SmmuV2DriverConfig::Formats;
  using Stage = SmmuV2DriverConfig::Stage;
  for (const Formats formats : {Formats::kWidest, Formats::kAArch32Long, Formats::kAArch32Short}) {
    for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
      if (formats == Formats::kAArch32Short && stage == Stage::kStage2) continue;
      SCOPED_TRACE(::testing::Message()
                   << static_cast<int>(formats) << ' ' << static_cast<int>(stage));
      CachedMemory memory;
      DrivenBoardV2::Options options;
      options.config.idr0.set(v2::SMMU_IDR0::CTTW, false);
      options.smmu_memory = &memory.memory;
      options.driver.pool = memory.pool.get();
      options.driver.caches = &memory;
      options.driver.formats = formats;
      options.driver.stage = stage;
      options.driver.stalls = SmmuV2DriverConfig::Stalls::kWhereDevicesCan;
      options.iommu.default_domain = DomainType::kBlocked;
      DrivenBoardV2 board(options);
      const auto domain = board.domain();
      RecordingHandler handler([](Domain& where, const Fault& fault) {
        if (!fault.stalled) return FaultAction::kTerminate;
        EXPECT_TRUE(where.map(fault.iova, kTarget, 4096, kReadWrite));
        return FaultAction::kRetry;
      });
      ASSERT_TRUE(domain->set_fault_handler(&handler));
      const auto stalling = board.domain();
      ASSERT_TRUE(stalling->set_fault_handler(&handler));
      ASSERT_TRUE(board.add(kStream).group().attach(*domain));
      const DmaDevice device = board.device(kStream);
      for (std::uint64_t n = 0; n != 20; ++n) {
        const Iova iova(0x1000 + n * 0x20'0000);  // each a table of its own
        ASSERT_TRUE(domain->map(iova, kTarget, 4096, kReadWrite));
        EXPECT_THAT(device.translate(iova), TranslatesTo(kTarget));
      }
      EXPECT_EQ(domain->unmap(Iova(0x1000), 4096), 4096U);
      EXPECT_THAT(device.translate(Iova(0x1000)), Aborts());
      ASSERT_THAT(handler.faults, SizeIs(1));
      EXPECT_EQ(handler.faults[0].reason, FaultReason::kTranslation);
      EXPECT_EQ(handler.faults[0].iova, Iova(0x1000));

      // The page that the handler maps is found by what waits.
      iommu::Device& patient = board.add({.streams = {{StreamId(8)}}, .can_stall = true});
      ASSERT_TRUE(patient.group().attach(*stalling));
      Resumptions client;
      const auto outcome = board.device(StreamId(8), client).translate(Iova(0x5000));
      ASSERT_THAT(outcome, Stalls());
      const auto end = client.take(outcome);
      ASSERT_TRUE(end);
      EXPECT_THAT(*end, TranslatesTo(kTarget));
      EXPECT_THAT(board.log.sentences(), IsEmpty());
      EXPECT_EQ(memory.invalidations, 0U);
    }
  }
}

}  // namespace
}  // namespace smmu::testing::not_coherent_test
