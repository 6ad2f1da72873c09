// How long a first-level descriptor of the Stream table may be used after it has changed in memory
// (IHI 0070, 4.3, 5.1.1 and 16.2).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::stale_descriptor_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_CFGI_CD_ALL;
using v3::CMD_CFGI_STE;
using v3::CMD_CFGI_STE_RANGE;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::EventType;
using v3::L1STD;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;

constexpr unsigned kSplit = 6;
constexpr std::uint32_t kInSpan = 1U << kSplit;  // streams that one descriptor leads to
constexpr StreamId kSeen(kInSpan + 3);           // its STE has been read
constexpr StreamId kNew(kInSpan + 4);            // of the same span; its STE has not
constexpr StreamId kElsewhere(5 * kInSpan + 3);  // of another span
constexpr Iova kAddress(0x4000'1238);

// Two tables of a span: the streams of one bypass, those of the other abort in silence.  Which one
// a descriptor leads to thus shows.
class StaleDescriptors : public ::testing::Test {
 protected:
  StaleDescriptors() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = emulator::CachePolicy::kAdversarial;
    board_.emplace(Board::Options{.config = config});
  }
  void SetUp() override {
    board_->bring_up();
    bypassing_ = table_of(bypass());
    aborting_ = table_of(abort_all());
    descriptors_ = board_->allocate(4096);
    lead_to(kSeen, bypassing_);
    lead_to(kElsewhere, bypassing_);

    auto& smmu = board_->smmu();
    const auto enabled = smmu.read<SMMU_CR0>();
    smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
    smmu.write(SMMU_CR2().set(SMMU_CR2::RECINVSID, true));
    smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, descriptors_.value));
    smmu.write(SMMU_STRTAB_BASE_CFG()
                   .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, kSplit + 4)
                   .set(SMMU_STRTAB_BASE_CFG::SPLIT, kSplit)
                   .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
    smmu.write(enabled);
  }
  Pa table_of(const v3::STE& ste) {
    const Pa table = board_->allocate(64 * kInSpan, 64 * kInSpan);
    for (std::uint32_t i = 0; i != kInSpan; ++i) {
      store(board_->memory(), Pa(table.value + 64 * std::uint64_t{i}), ste);
    }
    return table;
  }
  void write_descriptor(StreamId stream, const L1STD& descriptor) {
    const std::uint64_t index = stream.value >> kSplit;
    store(board_->memory(), Pa(descriptors_.value + 8 * index), descriptor);
  }
  void lead_to(StreamId stream, Pa table) {
    write_descriptor(stream, L1STD().set(L1STD::Span, kSplit + 1).set(L1STD::L2Ptr, table.value));
  }
  bool passes(StreamId stream) {
    return std::holds_alternative<emulator::Translation>(
        board_->device(stream).translate(kAddress));
  }
  // Reads both STEs through the old descriptors, and changes these.
  void make_stale() {
    EXPECT_TRUE(passes(kSeen));
    EXPECT_TRUE(passes(kElsewhere));
    lead_to(kSeen, aborting_);
    lead_to(kElsewhere, aborting_);
  }
  static CMD_CFGI_STE forget(StreamId stream, bool leaf) {
    return command<CMD_CFGI_STE>()
        .set(CMD_CFGI_STE::StreamID, stream.value)
        .set(CMD_CFGI_STE::Leaf, leaf);
  }
  static CMD_CFGI_STE_RANGE forget_range(StreamId stream, unsigned range) {
    return command<CMD_CFGI_STE_RANGE>()
        .set(CMD_CFGI_STE_RANGE::StreamID, stream.value)
        .set(CMD_CFGI_STE_RANGE::Range, range);
  }

  std::optional<Board> board_;
  Pa bypassing_;
  Pa aborting_;
  Pa descriptors_;
};

TEST_F(StaleDescriptors, ServeStreamsThatWereNeverSeenBefore) {  // 16.2: L1STDs are cached, too
  make_stale();
  EXPECT_TRUE(passes(kSeen));
  EXPECT_TRUE(passes(kNew));
}

TEST_F(StaleDescriptors, OutliveAnInvalidationOfTheLeaf) {  // 4.3.1, Leaf 1
  make_stale();
  // The STE of this stream goes, and is read again from where the old descriptor leads.
  store(board_->memory(), Pa(bypassing_.value + 64 * (kSeen.value % kInSpan)), abort_all());
  EXPECT_TRUE(passes(kSeen));
  board_->submit_and_sync(forget(kSeen, true));
  EXPECT_FALSE(passes(kSeen));
  EXPECT_TRUE(passes(kNew));
}

TEST_F(StaleDescriptors, OutliveTheInvalidationOfCdsAndTlbs) {  // 4.3.4, 4.4
  make_stale();
  board_->submit_and_sync(command<CMD_CFGI_CD_ALL>().set(CMD_CFGI_CD_ALL::StreamID, kSeen.value),
                          command<CMD_TLBI_NSNH_ALL>());
  EXPECT_TRUE(passes(kSeen));
  EXPECT_TRUE(passes(kNew));
}

TEST_F(StaleDescriptors, GoWithAnInvalidationThatIsNotOfTheLeafOnly) {  // 4.3.1, Leaf 0
  make_stale();
  board_->submit_and_sync(forget(kSeen, false));
  EXPECT_FALSE(passes(kSeen));
  EXPECT_FALSE(passes(kNew));
}

TEST_F(StaleDescriptors, GoByWhicheverStreamTheyLeadTo) {  // 4.3.1: those walked to the stream
  make_stale();
  board_->submit_and_sync(forget(kNew, false));
  EXPECT_FALSE(passes(kNew));
  // The STE that was read by way of the descriptor is a copy of its own.
  EXPECT_TRUE(passes(kSeen));
  board_->submit_and_sync(forget(kSeen, true));
  EXPECT_FALSE(passes(kSeen));
}

TEST_F(StaleDescriptors, StayUntilTheSync) {  // 4.3.8
  make_stale();
  board_->submit(forget(kSeen, false));
  EXPECT_TRUE(board_->idle());
  EXPECT_TRUE(passes(kSeen));
  board_->submit(command<CMD_SYNC>());
  EXPECT_FALSE(passes(kSeen));
  EXPECT_FALSE(passes(kNew));
}

TEST_F(StaleDescriptors, GoWithARangeOfStreams) {  // 4.3.2
  // Two streams, a span, all spans below 2^10; whatever the low bits of the StreamID.
  for (const unsigned range : {0U, kSplit - 1, 9U}) {
    lead_to(kSeen, bypassing_);
    lead_to(kElsewhere, bypassing_);
    board_->submit_and_sync(forget_range(StreamId(0), 31));
    make_stale();
    board_->submit_and_sync(forget_range(kSeen, range));
    EXPECT_FALSE(passes(kSeen)) << range;
    EXPECT_FALSE(passes(kNew)) << range;
    // What the range covers must go; the STE elsewhere is outside of the shorter ones.
    EXPECT_EQ(passes(kElsewhere), range < 9) << range;
  }
}

TEST_F(StaleDescriptors, GoWithEverything) {  // 4.3.6: the StreamID is ignored
  make_stale();
  board_->submit_and_sync(forget_range(StreamId(0xffff'ffff), 31));
  EXPECT_FALSE(passes(kSeen));
  EXPECT_FALSE(passes(kNew));
  EXPECT_FALSE(passes(kElsewhere));
}

TEST_F(StaleDescriptors, ThatLedNowhereStillDo) {  // 5.1.1: from Span 0 to another
  write_descriptor(kSeen, L1STD());
  EXPECT_FALSE(passes(kSeen));
  lead_to(kSeen, bypassing_);
  EXPECT_FALSE(passes(kSeen));
  EXPECT_FALSE(passes(kNew));
  EXPECT_THAT(board_->events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, kSeen),
                                            IsEvent(EventType::C_BAD_STREAMID, kSeen),
                                            IsEvent(EventType::C_BAD_STREAMID, kNew)));
  board_->submit_and_sync(forget(kSeen, false));
  EXPECT_TRUE(passes(kSeen));
  EXPECT_TRUE(passes(kNew));
  EXPECT_THAT(board_->events(), IsEmpty());
}

TEST_F(StaleDescriptors, ThatCouldNotBeReadAreReadAgain) {  // 3.21.3: a failure is not cached
  auto& smmu = board_->smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  const auto base = smmu.read<SMMU_STRTAB_BASE>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, 0x1000));  // no memory there
  smmu.write(enabled);
  EXPECT_FALSE(passes(kSeen));
  EXPECT_THAT(board_->events(), ElementsAre(IsEvent(EventType::F_STE_FETCH, kSeen)));
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(base);
  smmu.write(enabled);
  EXPECT_TRUE(passes(kSeen));
  EXPECT_THAT(board_->events(), IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::stale_descriptor_test
