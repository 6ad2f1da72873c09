// Records that stand for several events (IHI 0070, 3.5.5 and 7.3.1; 5.2, MEV).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::event_merging_test {
namespace {

using emulator::Direction;
using emulator::EventFate;
using emulator::EventMerging;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using v3::CD;
using v3::EventType;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);

class Fates : public emulator::Observer {
 public:
  void on_event(const emulator::EventReported& event) override { fates.push_back(event.fate); }
  std::vector<EventFate> fates;
};

class Merging : public ::testing::Test {
 protected:
  explicit Merging(EventMerging merging = EventMerging::kPermitted, unsigned log2_events = 8)
      : board_(with(merging, log2_events)) {
    board_.bring_up();
    attach(true);
  }
  Board::Options with(EventMerging merging, unsigned log2_events) {
    Board::Options options;
    options.config.merging = merging;
    options.observer = &observer_;
    options.log2_events = log2_events;
    return options;
  }
  void attach(bool mev) {
    const Pa cd = board_.allocate(64, 64);
    store(board_.memory(), cd, context(table_));
    board_.attach(kStream, translate(cd).set(STE::MEV, mev));
  }
  void fault(std::uint64_t offset = 0, Direction direction = Direction::kRead) {
    EXPECT_THAT(device_.translate(Iova(kAddress.value + offset), direction), Aborts());
  }

  Fates observer_;
  Board board_;
  PageTable table_ = board_.page_table();
  DmaDevice device_ = board_.device(kStream);
};

TEST_F(Merging, MakesOneRecordOfLikeEvents) {  // InputAddr[11:0] may differ
  fault(0x123);
  fault(0x456);
  fault(0x123);
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream,
                                                   Iova(kAddress.value + 0x123))));
  EXPECT_THAT(observer_.fates,
              ElementsAre(EventFate::kWritten, EventFate::kMerged, EventFate::kMerged));
  EXPECT_EQ(board_.event_line.count(), 1U);
}

TEST_F(Merging, IsOfRecordsThatSoftwareHasNotConsumed) {  // "not ... a significant amount of time"
  fault();
  EXPECT_THAT(board_.events(), SizeIs(1));
  fault();
  EXPECT_THAT(board_.events(), SizeIs(1));
  EXPECT_EQ(board_.event_line.count(), 2U);
}

TEST_F(Merging, NeedsAllElseToBeTheSame) {
  fault();
  fault(4096);
  fault(4096, Direction::kWrite);
  EXPECT_THAT(device_.privileged().translate(Iova(kAddress.value + 4096), Direction::kWrite),
              Aborts());
  fault();
  EXPECT_THAT(board_.events(), SizeIs(5));
}

TEST_F(Merging, IsSoftwaresChoice) {  // 5.2, MEV
  attach(false);
  fault();
  fault();
  EXPECT_THAT(board_.events(), SizeIs(2));
}

TEST_F(Merging, IsNotOfStalls) {  // 7.3.1: Stall 1
  Resumptions resumptions;
  const Pa cd = board_.allocate(64, 64);
  store(board_.memory(), cd, context(table_).set(CD::S, true));
  board_.attach(kStream, translate(cd).set(STE::MEV, true));
  const DmaDevice waiting = board_.device(kStream, resumptions);
  EXPECT_THAT(waiting.translate(kAddress), Stalls());
  EXPECT_THAT(waiting.translate(kAddress), Stalls());
  EXPECT_THAT(board_.events(), SizeIs(2));
  // Nor of what comes after one, with a device that cannot wait.
  EXPECT_THAT(waiting.translate(kAddress), Stalls());
  fault();
  fault();
  EXPECT_THAT(board_.events(), SizeIs(2));
}

TEST_F(Merging, NeedsNoSteForSomeEvents) {  // 7.3.1: the four that may come before one
  const DmaDevice invalid = board_.device(StreamId(10));
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(invalid.translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, StreamId(10))));
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(invalid.refuse(kAddress, 7), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_UUT, StreamId(10), kAddress)));

  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_CR2().set(SMMU_CR2::RECINVSID, true));
  smmu.write(enabled);
  const DmaDevice far = board_.device(StreamId(1000));
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(far.translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(1000))));
}

TEST_F(Merging, IsByPageOnlyWhereTheAddressIsSaidToBe) {  // 7.3.2: all of F_UUT's InputAddr counts
  EXPECT_THAT(device_.refuse(kAddress, 7), Aborts());
  EXPECT_THAT(device_.refuse(Iova(kAddress.value + 8), 7), Aborts());
  EXPECT_THAT(device_.refuse(Iova(kAddress.value + 8), 6), Aborts());
  EXPECT_THAT(board_.events(), SizeIs(3));
}

TEST_F(Merging, FollowsTheSteForOtherConfigurationEvents) {
  for (const bool mev : {false, true}) {
    board_.attach(kStream, translate(Pa(0x1000)).set(STE::MEV, mev));  // no CD is there
    fault();
    fault();
    EXPECT_THAT(board_.events(), SizeIs(mev ? 1 : 2));
    board_.attach(kStream, bypass().set(STE::MEV, mev));
    for (unsigned i = 0; i != 2; ++i) {
      EXPECT_THAT(device_.substream(SubstreamId(1)).translate(kAddress), Aborts());
    }
    EXPECT_THAT(board_.events(), SizeIs(mev ? 1 : 2));
  }
}

TEST_F(Merging, IsWithTheLastRecordAlone) {
  const DmaDevice other = board_.device(StreamId(10));
  fault();
  EXPECT_THAT(other.translate(kAddress), Aborts());
  fault();
  EXPECT_THAT(board_.events(), SizeIs(3));
}

TEST_F(Merging, EndsWithTheQueue) {
  auto& smmu = board_.smmu();
  fault();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::EVENTQEN, false));
  fault();  // lost
  smmu.write(enabled);
  fault();
  EXPECT_THAT(observer_.fates,
              ElementsAre(EventFate::kWritten, EventFate::kQueueDisabled, EventFate::kWritten));
}

class MergingIntoSmallQueues : public Merging {
 protected:
  MergingIntoSmallQueues() : Merging(EventMerging::kPermitted, 1) {}
};

TEST_F(MergingIntoSmallQueues, SavesAFullQueueFromOverflow) {  // 7.4
  fault();
  fault(4096);
  fault(4096);
  EXPECT_FALSE(board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG]);
  fault();
  EXPECT_TRUE(board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG]);
}

class NoMerging : public Merging {
 protected:
  NoMerging() : Merging(EventMerging::kNever) {}
};

TEST_F(NoMerging, IsWhatAnSmmuDoesUnlessToldOtherwise) {
  EXPECT_EQ(emulator::SmmuV3Config().merging, EventMerging::kNever);
  fault();
  fault();
  EXPECT_THAT(board_.device(StreamId(10)).translate(kAddress), Aborts());
  EXPECT_THAT(board_.device(StreamId(10)).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), SizeIs(4));
}

}  // namespace
}  // namespace smmu::testing::event_merging_test
