// Stage 1 above stage 2 (IHI 0070, 3.3.2, 3.13 and 7.3).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::nested_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::CMD_TLBI_NH_ALL;
using v3::CMD_TLBI_S2_IPA;
using v3::EventClass;
using v3::EventType;
using v3::F_PERMISSION;
using v3::F_WALK_EABT;
using v3::STE;

constexpr StreamId kStream(5);
constexpr Vmid kVmid(7);
constexpr Iova kAddress(0x8000'0000);
constexpr Ipa kPage(0x1'2345'6000);
// Where the guest's memory is for the guest, and where it is.
constexpr std::uint64_t kGuest = 0x10'0000'0000;

// The guest's tables lie in the board's RAM, at addresses that only stage 2
// makes real ones.
class Nested : public ::testing::Test {
 protected:
  explicit Nested(CachePolicy policy = CachePolicy::kRealistic) : board_(with(policy)) {
    board_.bring_up();
    page_ = board_.allocate(4096);
    guest_.map(kAddress, Pa(kPage.value), 4096);
    host_.map(Iova(kPage.value), page_, 4096);
    cd_ = guest_allocate(64);
    store(memory_, Pa(cd_.value), context(guest_));
    attach(ste());
  }
  static Board::Options with(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }
  STE ste() const { return above_stage2(translate(Pa(cd_.value)), host_, kVmid); }
  void attach(const STE& ste) { board_.attach(kStream, ste); }
  DmaDevice device() { return board_.device(kStream); }
  // A page of the guest, at an IPA.
  Pa guest_allocate(std::uint64_t) {
    const Pa pa = board_.allocate(4096);
    host_.map(Iova(kGuest + pa.value), pa, 4096, guest_pages_);
    return Pa(kGuest + pa.value);
  }
  F_PERMISSION single_record(EventType type) {
    const auto events = board_.events();
    EXPECT_THAT(events, ElementsAre(IsEvent(type, kStream)));
    return events.size() == 1 ? events[0].as<F_PERMISSION>() : F_PERMISSION();
  }

  // The guest's view of its memory.
  class GuestMemory final : public PhysicalMemory {
   public:
    explicit GuestMemory(Board& board) : board_(board) {}
    BusResponse read(Pa pa, std::span<std::byte> bytes) override {
      return board_.memory().read(Pa(pa.value - kGuest), bytes);
    }
    BusResponse write(Pa pa, std::span<const std::byte> bytes) override {
      return board_.memory().write(Pa(pa.value - kGuest), bytes);
    }
    const DirectRegion* direct_region(Pa) override { return nullptr; }

   private:
    Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
      return board_.memory().load64(Pa(pa.value - kGuest));
    }
    BusResponse store64_indirect(Pa pa, std::uint64_t word) override {
      return board_.memory().store64(Pa(pa.value - kGuest), word);
    }
    Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(
        Pa pa, std::uint64_t expected, std::uint64_t desired) override {
      return board_.memory().compare_exchange64(Pa(pa.value - kGuest), expected, desired);
    }
    Board& board_;
  };

  Board board_;
  GuestMemory memory_{board_};
  PageAttributes guest_pages_;
  PageTable host_ = board_.page_table({.stage = 2});
  PageTable guest_{
      memory_, [this](std::uint64_t bytes, std::uint64_t) { return guest_allocate(bytes); }, {}};
  Pa page_;
  Pa cd_;
};

TEST_F(Nested, GoesThroughBothStages) {
  EXPECT_THAT(device().translate(Iova(kAddress.value + 0x18)),
              TranslatesTo(Pa(page_.value + 0x18)));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Nested, AFaultOfStage1IsStage1s) {  // 7.3.13: S2 0, IN
  EXPECT_THAT(device().translate(Iova(kAddress.value + 4096)), Aborts());
  const auto record = single_record(EventType::F_TRANSLATION);
  EXPECT_FALSE(record[F_PERMISSION::S2]);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kIn);
}

TEST_F(Nested, TheOutputOfStage1IsAnInputOfStage2) {  // S2 1, IN
  guest_.map(Iova(kAddress.value + 4096), Pa(0x7777'7000), 4096);
  EXPECT_THAT(device().translate(Iova(kAddress.value + 4096)), Aborts());
  const auto record = single_record(EventType::F_TRANSLATION);
  EXPECT_TRUE(record[F_PERMISSION::S2]);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kIn);
  EXPECT_EQ(record[F_PERMISSION::IPA], 0x7777'7000U);
  EXPECT_EQ(record[F_PERMISSION::InputAddr], kAddress.value + 4096);
}

TEST_F(Nested, ATableThatStage2DoesNotMapIsOfClassTt) {
  const Pa descriptor = guest_.descriptor(kAddress);
  host_.unmap(Iova(descriptor.value));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto record = single_record(EventType::F_TRANSLATION);
  EXPECT_TRUE(record[F_PERMISSION::S2]);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kTt);
  EXPECT_EQ(record[F_PERMISSION::IPA], descriptor.value & ~std::uint64_t{0xfff});
}

TEST_F(Nested, ACdThatStage2DoesNotMapIsOfClassCd) {
  host_.unmap(Iova(cd_.value));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  auto record = single_record(EventType::F_TRANSLATION);
  EXPECT_TRUE(record[F_PERMISSION::S2]);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kCd);
  EXPECT_EQ(record[F_PERMISSION::IPA], cd_.value);
  // Nothing was kept: the hypervisor may map it now.
  host_.map(Iova(cd_.value), Pa(cd_.value - kGuest), 4096);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  attach(ste().set(STE::S2R, false));
  host_.unmap(Iova(cd_.value));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Nested, BothStagesMustPermitAndStage1IsAskedFirst) {  // DDI 0487, D8.15.5
  host_.map(Iova(kPage.value), page_, 4096, {.writable = false});
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());
  EXPECT_TRUE(single_record(EventType::F_PERMISSION)[F_PERMISSION::S2]);
  guest_.map(kAddress, Pa(kPage.value), 4096, {.writable = false});
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());
  EXPECT_FALSE(single_record(EventType::F_PERMISSION)[F_PERMISSION::S2]);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());  // a hit says the same
  EXPECT_FALSE(single_record(EventType::F_PERMISSION)[F_PERMISSION::S2]);
}

TEST_F(Nested, TablesInDeviceMemoryAreRefusedWithS2PTW) {  // 5.2, S2PTW
  const Pa descriptor = guest_.descriptor(kAddress);
  const Pa leaf = host_.descriptor(Iova(descriptor.value));
  store(board_.memory(), leaf,
        load(board_.memory(), leaf) & ~std::uint64_t{0x3c});  // Device-nGnRnE
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  attach(ste().set(STE::S2PTW, true));
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto record = single_record(EventType::F_PERMISSION);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kTt);
  EXPECT_TRUE(record[F_PERMISSION::TTRnW]);
}

TEST_F(Nested, UpdatingAStage1DescriptorIsAWriteToStage2) {  // 3.13.5, 7.3.16: TTRnW
  guest_.map(kAddress, Pa(kPage.value), 4096, {.access_flag = false});
  store(memory_, cd_, context(guest_).set(CD::HA, true).set(CD::HD, true));
  const Pa descriptor = guest_.descriptor(kAddress);
  const Iova table(descriptor.value & ~std::uint64_t{0xfff});
  host_.map(table, Pa(table.value - kGuest), 4096, {.writable = false});
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto record = single_record(EventType::F_PERMISSION);
  EXPECT_TRUE(record[F_PERMISSION::S2]);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kTt);
  EXPECT_FALSE(record[F_PERMISSION::TTRnW]);
  EXPECT_TRUE(record[F_PERMISSION::RnW]);
  host_.map(table, Pa(table.value - kGuest), 4096);
  board_.submit_and_sync(command<CMD_TLBI_S2_IPA>()
                             .set(CMD_TLBI_S2_IPA::VMID, kVmid.value)
                             .set(CMD_TLBI_S2_IPA::Address, table.value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_NE(load(memory_, descriptor) & 0x400, 0U);
}

TEST_F(Nested, AnAbortedReadOfAStage1DescriptorNamesItsPhysicalAddress) {  // 7.3.12
  const Pa descriptor = guest_.descriptor(kAddress);
  host_.map(Iova(descriptor.value & ~std::uint64_t{0xfff}), Pa(0x8000), 4096);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream)));
  const auto record = events[0].as<F_WALK_EABT>();
  EXPECT_FALSE(record[F_WALK_EABT::S2]);
  EXPECT_EQ(record[F_WALK_EABT::CLASS], EventClass::kTt);
  EXPECT_EQ(record[F_WALK_EABT::FetchAddr], 0x8000 + (descriptor.value & 0xfff));
}

TEST_F(Nested, TheResultIsWhatBothStagesGuarantee) {
  const Iova block(0x4000'0000);
  guest_.map(block, Pa(0x8000'0000), std::uint64_t{1} << 21);
  const Pa target = board_.allocate(std::uint64_t{1} << 21, std::uint64_t{1} << 21);
  for (std::uint64_t at = 0; at != std::uint64_t{1} << 21; at += 4096) {
    host_.map(Iova(0x8000'0000 + at), Pa(target.value + at), 4096);
  }
  const auto outcome = device().translate(Iova(block.value + 0x5678));
  ASSERT_THAT(outcome, TranslatesTo(Pa(target.value + 0x5678)));
  EXPECT_EQ(std::get<emulator::Translation>(outcome).size, 4096U);
}

TEST_F(Nested, AStreamWithoutSubstreamMayPassStage1) {  // 5.2, S1DSS
  attach(ste().set(STE::S1CDMax, 1).set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  EXPECT_THAT(device().translate(Iova(kPage.value)), TranslatesTo(page_));
}

TEST_F(Nested, Vmsa64DoesNotGoAboveVmsa32) {  // 5.4.2
  // The host's table is no table of VMSAv8-32; let it map one page for the CD.
  const Pa root = board_.allocate(16384, 16384);
  store(board_.memory(), Pa(root.value + 8 * (cd_.value >> 30)),
        ((cd_.value - kGuest) >> 30 << 30) | 0x4fd);
  attach(ste()
             .set(STE::S2AA64, false)
             .set(STE::S2T0SZ, 8)
             .set(STE::S2SL0, 1)
             .set(STE::S2TTB, root.value));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
}

class NestedKept : public Nested {
 protected:
  NestedKept() : Nested(CachePolicy::kAdversarial) {}
};

TEST_F(NestedKept, BothStagesTogetherGoWithStage1) {  // 3.17, 4.4.3
  const Pa other = board_.allocate(4096);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  host_.map(Iova(kPage.value), other, 4096);
  board_.submit_and_sync(command<CMD_TLBI_S2_IPA>()
                             .set(CMD_TLBI_S2_IPA::VMID, kVmid.value)
                             .set(CMD_TLBI_S2_IPA::Address, kPage.value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value + 1));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(other));
}

}  // namespace
}  // namespace smmu::testing::nested_test
