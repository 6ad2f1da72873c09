// An SMMU whose accesses do not look into caches (IHI 0070, 3.21.2): what it reads was cleaned to
// memory, and what it writes is looked for there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "test/caches/cached_memory.h"
#include "test/driver_v3/program.h"

namespace smmu::testing::not_coherent_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace iommu;

constexpr StreamId kNic = StreamId(7);
constexpr Iova kPage = Iova(0x1000);
constexpr Pa kTarget = Pa(0x8000'0000);

DrivenBoard::Options options(CachedMemory& memory) {
  DrivenBoard::Options options;
  options.config.idr0.set(v3::SMMU_IDR0::COHACC, false);
  // Needs coherent accesses.
  options.config.idr1.set(v3::SMMU_IDR1::ECMDQ, false);
  options.config.s_idr0.set(v3::SMMU_S_IDR0::ECMDQ, false);
  options.config.idr6 = {};
  options.config.s_idr6 = {};
  options.smmu_memory = &memory.memory;
  options.driver.pool = memory.pool.get();
  options.driver.caches = &memory;
  options.driver.stream_bits = 8;
  // Few: their indices wrap.
  options.driver.log2_commands = 3;
  options.driver.log2_events = 2;
  options.driver.log2_page_requests = 1;
  options.iommu.default_domain = DomainType::kBlocked;
  return options;
}

class NotCoherent : public ::testing::Test {
 protected:
  CachedMemory memory;
  DrivenBoard board{options(memory)};
};

TEST_F(NotCoherent, ADeviceReachesWhatIsMappedAndNotWhatWas) {
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  for (std::uint64_t n = 0; n != 20; ++n) {
    const Iova iova(kPage.value + n * 0x20'0000);  // each a table of its own
    ASSERT_TRUE(domain->map(iova, kTarget, 4096, kReadWrite));
    EXPECT_THAT(nic.translate(iova), TranslatesTo(kTarget));
  }
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(nic.translate(kPage), Aborts());
  EXPECT_THAT(board.log.sentences(), SizeIs(1)) << "of the fault";
}

TEST_F(NotCoherent, EveryFaultIsToldAsTheSmmuWroteIt) {
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  RecordingHandler handler;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  iommu::Device& device = board.add(kNic);
  ASSERT_TRUE(device.group().attach(*domain));
  for (std::uint64_t n = 1; n != 20; ++n) {
    EXPECT_THAT(nic.translate(Iova(n * 0x1000)), Aborts());
    ASSERT_THAT(handler.faults, SizeIs(n));
    EXPECT_EQ(handler.faults.back().reason, FaultReason::kTranslation);
    EXPECT_EQ(handler.faults.back().iova, Iova(n * 0x1000));
    EXPECT_EQ(handler.faults.back().stream, kNic);
    EXPECT_EQ(handler.devices.back(), &device);
  }
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

// Several of them, so that the records go around the end of the queue.
TEST_F(NotCoherent, RecordsThatCameAtOnceAreReadAtOnce) {
  const DmaDevice nic(board.smmu().add_port(), kNic);  // its interrupts wait
  const auto domain = board.domain();
  RecordingHandler handler;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  std::vector<std::uint64_t> asked;
  for (std::uint64_t round = 0; round != 5; ++round) {
    for (std::uint64_t n = 1; n != 4; ++n) {
      asked.push_back((3 * round + n) * 0x1000);
      EXPECT_THAT(nic.translate(Iova(asked.back())), Aborts());
    }
    board.driver().event_queue_line().pulse();
  }
  std::vector<std::uint64_t> told;
  for (const Fault& fault : handler.faults) told.push_back(fault.iova.value);
  EXPECT_EQ(told, asked);
}

TEST_F(NotCoherent, AStalledAccessGoesOn) {
  Resumptions ends;
  const DmaDevice nic = board.device(kNic, ends);
  const auto domain = board.domain();
  RecordingHandler handler;
  handler.answer = [](Domain& where, const Fault& fault) {
    EXPECT_TRUE(fault.stalled);
    EXPECT_TRUE(where.map(fault.iova, kTarget, 4096, kReadWrite));
    return FaultAction::kRetry;
  };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  iommu::Device& device = board.add({.streams = {{kNic}}, .can_stall = true});
  ASSERT_TRUE(device.group().attach(*domain));
  for (std::uint64_t n = 1; n != 10; ++n) {
    const auto outcome = nic.translate(Iova(n * 0x1000));
    ASSERT_THAT(outcome, Stalls());
    const auto end = ends.take(outcome);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, TranslatesTo(kTarget));
  }
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

TEST_F(NotCoherent, PageRequestsAreAnswered) {
  AtsDevice nic = board.ats_device(kNic);
  iommu::Device& device =
      board.add({.streams = {{kNic}}, .pasid_bits = 4, .ats = true, .pri = true});
  Program program(board);
  program.answer = [&](const PageFault& fault) {
    EXPECT_TRUE(program.tables().map(fault.iova, kTarget, 4096, kReadWrite));
    return PageAnswer::kSuccess;
  };
  const auto domain = board.domain(DomainType::kSva, {.address_space = &program});
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  nic.use(emulator::Pasid{.substream = SubstreamId(3)});
  for (std::uint16_t n = 1; n != 10; ++n) {
    nic.ask_for_page(Iova(n * 0x1000U), n);
    ASSERT_THAT(program.faults, SizeIs(n));
    EXPECT_EQ(program.faults.back().iova, Iova(n * 0x1000U));
    const auto responses = nic.responses();
    ASSERT_THAT(responses, SizeIs(1));
    EXPECT_EQ(responses[0].code, emulator::PageResponseCode::kSuccess);
  }
  EXPECT_THAT(board.log.sentences(), IsEmpty());
  device.detach_pasid(SubstreamId(3));
}

// 6.3.1, COHACC: what the SMMU writes to say that a CMD_SYNC is complete would not be seen.
TEST_F(NotCoherent, NoMessageIsWaitedFor) {
  EXPECT_NE(board.driver().sync_signal(), SmmuV3DriverConfig::SyncSignal::kMessage);
}

TEST(Coherent, NothingIsInvalidated) {
  CachedMemory memory;
  DrivenBoard::Options coherent;
  coherent.driver.caches = &memory;
  DrivenBoard board(coherent);
  EXPECT_THAT(board.device(kNic).translate(kPage), Aborts());
  EXPECT_THAT(board.log.sentences(), SizeIs(1));
  EXPECT_EQ(memory.invalidations, 0U);
}

}  // namespace
}  // namespace smmu::testing::not_coherent_test
