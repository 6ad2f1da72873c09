// Slips of public models of the SMMUv3, one test each, named after what was wrong there.  What the
// manual says is written here in bare numbers, so that no layout of this repository can hide one.
#include "smmu/arch/v3/context_table.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::known_slip_test {
namespace {

using emulator::Direction;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CD;
using v3::STE;

constexpr StreamId kStream(5);
constexpr Iova kAddress(0x8000'0000);
constexpr std::uint64_t kOne = 1;

using Words = std::array<std::uint64_t, 4>;

class KnownSlips : public ::testing::Test {
 protected:
  explicit KnownSlips(Board::Options options = adversarial()) : board_(options) {
    board_.bring_up();
    page_ = board_.allocate(4096);
    other_page_ = board_.allocate(4096);
  }
  // The policy under which no invalidation covers for another.
  static Board::Options adversarial() {
    Board::Options options;
    options.config.caching.policy = emulator::CachePolicy::kAdversarial;
    return options;
  }
  emulator::SmmuV3& smmu() { return board_.smmu(); }
  DmaDevice device() { return board_.device(kStream); }

  // A command of two words, and a CMD_SYNC.
  void run(std::uint64_t low, std::uint64_t high) {
    board_.submit_and_sync(v3::CommandHeader({low, high}));
  }
  bool stops(std::uint64_t low) {
    board_.submit(v3::CommandHeader({low, 0}));
    const bool stopped = (smmu().read32(0x60) & 1) != 0;
    if (stopped) {
      EXPECT_EQ(smmu().read32(0x9c) >> 24 & 0x7f, 1U);  // CERROR_ILL
    }
    return stopped;
  }
  Words single_record() {
    const auto events = board_.events();
    EXPECT_THAT(events, SizeIs(1));
    return events.size() == 1 ? events[0].words : Words{};
  }
  Pa attach(
      PageTable& table, const std::function<void(CD&)>& change = [](CD&) {}) {
    CD cd = context(table);
    change(cd);
    const Pa at = board_.allocate(64, 64);
    store(board_.memory(), at, cd);
    board_.attach(kStream, translate(at));
    return at;
  }

  Board board_;
  Pa page_;
  Pa other_page_;
};

// OpenVMM

TEST_F(KnownSlips, SsvOfARecordIsBit11) {  // 7.3; not 10
  board_.attach(kStream, bypass());
  EXPECT_THAT(board_.device(StreamId(6)).substream(SubstreamId(0x12345)).translate(kAddress),
              Aborts());
  EXPECT_EQ(single_record()[0], 0x04 | kOne << 11 | 0x12345ULL << 12 | 6ULL << 32);
}

TEST_F(KnownSlips, FlagsOfARecordBeginAtBit97) {  // 7.3.13; not 64
  PageTable table = board_.page_table();
  attach(table);
  EXPECT_THAT(device().privileged().fetching_instructions().translate(kAddress), Aborts());
  // PnU, InD, RnW; CLASS IN at 105:104.
  EXPECT_EQ(single_record()[1], (0b111ULL << 1 | 0b10ULL << 8) << 32);
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());
  EXPECT_EQ(single_record()[1], 0b10ULL << 40);
}

TEST_F(KnownSlips, AbortOfGbpaIsBit20) {  // 6.3.14
  smmu().write32(0x20, 0xc);
  smmu().write32(0x44, 0x8000'0000 | 0xf);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  smmu().write32(0x44, 0x8000'0000 | 1U << 20);
  EXPECT_THAT(device().translate(kAddress), Aborts());
}

TEST_F(KnownSlips, RecinvsidOfCr2IsBit1) {  // 6.3.12: E2H is bit 0, PTM bit 2
  for (const std::uint32_t cr2 : {0b01U, 0b10U}) {
    smmu().write32(0x20, 0xc);
    smmu().write32(0x2c, cr2);
    smmu().write32(0x20, 0xd);
    EXPECT_THAT(board_.device(StreamId(1000)).translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), SizeIs(cr2 == 0b10 ? 1 : 0));
  }
}

TEST_F(KnownSlips, SizesOfIdr1AreThree) {  // 6.3.2: PRIQS below EVENTQS below CMDQS
  Board board({.config = emulator::SmmuV3Config::mmu600()});
  const std::uint32_t idr1 = board.smmu().read32(0x04);
  EXPECT_EQ(idr1 >> 11 & 31, 19U);
  EXPECT_EQ(idr1 >> 16 & 31, 19U);
  EXPECT_EQ(idr1 >> 21 & 31, 19U);
  EXPECT_EQ(idr1 >> 6 & 31, 20U);
}

TEST_F(KnownSlips, AddressesOfTlbiCommandsAreNotShifted) {  // 4.4.2: [127:76] are [63:12]
  PageTable table = board_.page_table();
  // What a shift by four either way would make of the address.
  const Iova shifted[] = {Iova(kAddress.value >> 4), Iova(kAddress.value << 4)};
  for (const Iova iova : {kAddress, shifted[0], shifted[1]}) table.map(iova, page_, 4096);
  attach(table);
  for (const Iova iova : {kAddress, shifted[0], shifted[1]}) {
    EXPECT_THAT(device().translate(iova), TranslatesTo(page_));
    table.map(iova, other_page_, 4096);
  }
  run(0x12 | kOne << 48, kAddress.value | 1);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(other_page_));
  for (const Iova iova : shifted) EXPECT_THAT(device().translate(iova), TranslatesTo(page_));
}

TEST_F(KnownSlips, SsecOfACommandIsBit10) {  // 4.1.6; not 8
  EXPECT_FALSE(stops(0x03 | kOne << 8));
  EXPECT_TRUE(stops(0x03 | kOne << 10));
}

TEST(KnownSlipsOfConflicts, ATlbConflictIs20) {  // 7.3.17; not 0x14
  auto config = emulator::SmmuV3Config::everything().of_version(1);
  config.idr3.set(v3::SMMU_IDR3::BBML, 0);
  config.caching.policy = emulator::CachePolicy::kAdversarial;
  Board board({.config = config});
  board.bring_up();
  constexpr std::uint64_t kBlock = 1 << 21;
  const Pa target = board.allocate(kBlock, kBlock);
  PageTable table = board.page_table();
  table.map(kAddress, target, 4096);
  table.map(Iova(kAddress.value + 4096), Pa(target.value + 4096), 4096);
  board.attach(kStream, table);
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(target));
  // A block takes the place of the table; of its pages only the other is invalidated.
  PageTable block = board.page_table();
  block.map(kAddress, target, kBlock);
  Pa at = table.root();
  for (unsigned shift = 39; shift != 21; shift -= 9) {
    at = Pa(load(board.memory(), Pa(at.value + 8 * (kAddress.value >> shift & 511))) &
            0xffff'ffff'f000);
  }
  store(board.memory(), Pa(at.value + 8 * (kAddress.value >> 21 & 511)),
        load(board.memory(), block.descriptor(kAddress)));
  board.submit_and_sync(v3::CommandHeader({0x12 | kOne << 48, kAddress.value + 4096}));
  EXPECT_THAT(device.translate(Iova(kAddress.value + 4096)), TranslatesTo(Pa(target.value + 4096)));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  const auto events = board.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].words[0] & 0xff, 0x20U);
}

TEST_F(KnownSlips, CommandQueuesHaveNoInterruptRegisters) {  // 6.2.2: CMD_SYNC has the message
  for (std::uint32_t offset = 0; offset != 0x1'0000; offset += 4) {
    if (offset == 0xa8 || offset == 0xac || offset == 0xc8 || offset == 0xcc) continue;
    smmu().write32(0x1'0000 + offset, ~0U);
    ASSERT_EQ(smmu().read32(0x1'0000 + offset), 0U) << offset;
  }
}

TEST_F(KnownSlips, AnSteThatCannotBeReadIsNoBadSte) {  // 7.3.4; not 7.3.5
  smmu().write32(0x20, 0xc);
  smmu().write64(0x80, 0x1'0000'0000);  // nothing is there
  smmu().write32(0x20, 0xd);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const Words record = single_record();
  EXPECT_EQ(record[0] & 0xff, 0x03U);
  EXPECT_EQ(record[3], 0x1'0000'0000U + 64 * kStream.value);
}

TEST_F(KnownSlips, RecordOfACdIsBit45) {  // 5.4, R; no shareability
  PageTable table = board_.page_table();
  for (const bool recorded : {false, true}) {
    attach(table, [&](CD& cd) {
      auto words = cd.words();
      words[0] = (words[0] & ~(kOne << 45)) | std::uint64_t{recorded} << 45;
      cd = CD(words);
    });
    EXPECT_THAT(device().translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), SizeIs(recorded ? 1 : 0));
  }
}

// gem5

TEST_F(KnownSlips, BasesReachBit55) {  // 6.3.24: from bit 6; 6.3.26, 6.3.29: from bit 5
  smmu().write32(0x20, 0);
  for (const std::uint32_t base : {0x80U, 0x90U, 0xa0U}) {
    smmu().write64(base, ~std::uint64_t{0});
    const std::uint64_t low = base == 0x80 ? 0xc0 : 0xff;
    EXPECT_EQ(smmu().read64(base), 0x40ff'ffff'ffff'ff00 | low) << base;
  }
}

TEST_F(KnownSlips, StallsHaveTagsOf16BitsAndAreAnswered) {  // 7.3.13, STAG; 4.7.1
  Resumptions resumptions;
  const DmaDevice waiting = board_.device(kStream, resumptions);
  PageTable table = board_.page_table();
  attach(table, [](CD& cd) { cd.set(CD::S, true); });
  const auto outcome = waiting.translate(kAddress);
  EXPECT_THAT(outcome, Stalls());
  const std::uint64_t word = single_record()[1];
  EXPECT_EQ(word & 0x7fff'0000, 0U);
  EXPECT_EQ(word >> 31 & 1, 1U);
  // Ac 0, Ab 1; the tag in the second word.
  run(0x44 | kOne << 13 | std::uint64_t{kStream.value} << 32, word & 0xffff);
  const auto end = resumptions.take(outcome);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
}

TEST_F(KnownSlips, TheUpperHalfHasTables) {  // 5.4, TTB1; not TTB0 alone
  PageTable lower = board_.page_table();
  PageTable upper = board_.page_table();
  upper.map(kAddress, page_, 4096);
  attach(lower, [&](CD& cd) {
    cd.set(CD::EPD1, false)
        .set(CD::T1SZ, 16)
        .set(CD::TG1, TG1::k4K)
        .set(CD::TTB1, upper.root().value);
  });
  EXPECT_THAT(device().translate(Iova(0xffff'0000'0000'0000 | kAddress.value)),
              TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress), Aborts());
}

TEST_F(KnownSlips, CommandsOfEl2AreNotIllegal) {  // 4.4.2.7 to 4.4.2.10, with Hyp
  for (const std::uint64_t opcode : {0x20U, 0x21U, 0x22U, 0x23U}) EXPECT_FALSE(stops(opcode));
}

// Renode

TEST_F(KnownSlips, SubstreamsHave20Bits) {  // 7.3.9
  board_.attach(kStream, bypass());
  EXPECT_THAT(device().substream(SubstreamId(0xf'ffff)).translate(kAddress), Aborts());
  EXPECT_EQ(single_record()[0], 0x08 | 0xf'ffffULL << 12 | 5ULL << 32);
}

TEST_F(KnownSlips, NhVaHasTheAsidAndNhVaaHasNone) {  // 4.4.2.3: opcode 0x12; 4.4.2.4: 0x13
  PageTable table = board_.page_table();
  const auto remap = [&](Pa page) { table.map(kAddress, page, 4096); };
  remap(page_);
  attach(table, [](CD& cd) { cd.set(CD::ASID, 0x1234); });
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  remap(other_page_);
  run(0x12 | 0x4321ULL << 48, kAddress.value | 1);  // another ASID
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  run(0x13 | 0x4321ULL << 48, kAddress.value | 1);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(other_page_));
  remap(page_);
  run(0x12 | 0x1234ULL << 48, kAddress.value | 1);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
}

TEST_F(KnownSlips, ARangeOfStreamsIsNotTwiceAsLarge) {  // 4.3.2: 2^(Range+1)
  for (std::uint32_t stream = 8; stream != 16; ++stream) {
    board_.attach(StreamId(stream), bypass());
    EXPECT_THAT(board_.device(StreamId(stream)).translate(kAddress),
                TranslatesTo(Pa(kAddress.value)));
    board_.streams().set(StreamId(stream), abort_all());
  }
  run(0x04 | 9ULL << 32, 1);  // 8 to 11
  for (std::uint32_t stream = 8; stream != 16; ++stream) {
    const bool aborts = !std::holds_alternative<emulator::Translation>(
        board_.device(StreamId(stream)).translate(kAddress));
    EXPECT_EQ(aborts, stream < 12) << stream;
  }
}

TEST_F(KnownSlips, TheMajorRevisionIs0) {  // 6.3.8: SMMUv3 is not 3
  EXPECT_EQ(smmu().read32(0x1c) & 0xf0, 0U);
}

TEST_F(KnownSlips, Cidr1IsF0) {  // a CoreLink component; not 0x90
  Board board({.config = emulator::SmmuV3Config::mmu600()});
  EXPECT_EQ(board.smmu().read32(0xff4), 0xf0U);
}

TEST_F(KnownSlips, VmwIsAcknowledged) {  // 6.3.10
  smmu().write32(0x20, 0xd | 3U << 6);
  EXPECT_EQ(smmu().read32(0x24), 0xd | 3U << 6);
}

// QEMU

TEST_F(KnownSlips, PointersOfAnSteHave52Bits) {  // 5.2, S1ContextPtr, S2TTB; not 48
  constexpr std::uint64_t kFar = kOne << 51;
  board_.attach(kStream, translate(Pa(kFar | 0x40)));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  Words record = single_record();
  EXPECT_EQ(record[0] & 0xff, 0x09U);  // F_CD_FETCH
  EXPECT_EQ(record[3], kFar | 0x40);

  PageTable table = board_.page_table({.granule_bits = 16, .output_bits = 52, .stage = 2});
  STE ste = translate_stage2(table);
  auto words = ste.words();
  words[3] |= kFar;
  board_.attach(kStream, STE(words));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  record = single_record();
  EXPECT_EQ(record[0] & 0xff, 0x0bU);  // F_WALK_EABT
  EXPECT_EQ(record[3] & kFar, kFar);
}

TEST(KnownSlipsOfWords, IidrIsAt18) {  // 6.3.7; 0x1c is AIDR
  auto config = emulator::SmmuV3Config::everything();
  config.iidr = v3::SMMU_IIDR(0x1234'543b);
  Board board({.config = config});
  EXPECT_EQ(board.smmu().read32(0x18), 0x1234'543bU);
  EXPECT_EQ(board.smmu().read32(0x1c), config.aidr.raw());
}

TEST_F(KnownSlips, S2sl0Of3IsALevel) {  // 5.2, S2SL0: with 4 KiB and STT level 3
  PageTable table = board_.page_table({.t0sz = 48, .stage = 2});
  const STE ste = translate_stage2(table);
  EXPECT_EQ(ste.words()[2] >> 38 & 3, 3U);
  table.map(Iova(0x3000), page_, 4096);
  board_.attach(kStream, ste);
  EXPECT_THAT(device().translate(Iova(0x3000)), TranslatesTo(page_));
}

TEST_F(KnownSlips, S2t0szIsBoundedFromBelowAsWell) {  // 5.2.2: 34 bits do not begin at level 0
  PageTable table = board_.page_table({.stage = 2});
  auto words = translate_stage2(table).words();
  words[2] = (words[2] & ~(0xffULL << 32)) | (30ULL | 2ULL << 6) << 32;
  board_.attach(kStream, STE(words));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_EQ(single_record()[0] & 0xff, 0x04U);
}

TEST_F(KnownSlips, TheOutputSizeComesBeforeTheAccessFlag) {  // 7.3.22, of stage 2
  PageTable table = board_.page_table({.stage = 2});
  table.map(kAddress, page_, 4096);
  const Pa at = table.descriptor(kAddress);
  // Beyond 40 bits, without AF and without any right.
  store(board_.memory(), at, 0b11 | kOne << 41);
  auto words = translate_stage2(table).words();
  words[2] = (words[2] & ~(7ULL << 48)) | 2ULL << 48;  // S2PS: 40 bits
  board_.attach(kStream, STE(words));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_EQ(single_record()[0] & 0xff, 0x11U);  // F_ADDR_SIZE
}

TEST_F(KnownSlips, AnInterruptIsNotForEachRecord) {  // 3.18
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_EQ(smmu().read32(0x1'00a8), 3U);
  EXPECT_EQ(board_.event_line.count(), 1U);
}

class KnownSlipsOfSmallQueues : public KnownSlips {
 protected:
  KnownSlipsOfSmallQueues() : KnownSlips({.log2_events = 1}) {}
};

TEST_F(KnownSlipsOfSmallQueues, AFullEventQueueOverflows) {  // 7.4; it is no abort
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_EQ(smmu().read32(0x1'00a8), 1U << 31 | 0b10);
  EXPECT_EQ(smmu().read32(0x60), 0U);
}

}  // namespace
}  // namespace smmu::testing::known_slip_test
