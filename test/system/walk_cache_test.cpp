// Copies of tables on the way to a leaf, and of the parts of a block, in the policy that keeps all
// (IHI 0070, 4.4; DDI 0487, D8.17).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::walk_cache_test {
namespace {

using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;

constexpr StreamId kStream(5);
constexpr Iova kVisited(0x8000'0000);
constexpr Iova kOther(0x8000'1000);
constexpr std::uint64_t kBlock = std::uint64_t{1} << 21;

Board::Options options_with(emulator::CachePolicy policy) {
  Board::Options options;
  options.config.caching.policy = policy;
  return options;
}
Board::Options adversarial() { return options_with(emulator::CachePolicy::kAdversarial); }

// A table of the last level is visited by a walk to one page; then the
// descriptor that names it is made to name another.
class WalkCache : public ::testing::Test {
 protected:
  explicit WalkCache(emulator::CachePolicy policy = emulator::CachePolicy::kAdversarial)
      : board_(options_with(policy)) {
    board_.bring_up();
    old_.map(kVisited, page(0), 4096);
    old_.map(kOther, page(0), 4096);
    new_.map(kVisited, page(1), 4096);
    new_.map(kOther, page(1), 4096);
    board_.attach(kStream, old_, Asid(3));
    EXPECT_THAT(translate(kVisited), TranslatesTo(page(0)));
    store(board_.memory(), level2(old_), load(board_.memory(), level2(new_)));
  }
  Pa page(unsigned which) const { return Pa(pages_.value + which * 4096); }
  emulator::Outcome translate(Iova address) { return device_.translate(address); }
  void invalidate(Iova address, bool leaf, std::uint16_t asid = 3) {
    board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                               .set(CMD_TLBI_NH_VA::ASID, asid)
                               .set(CMD_TLBI_NH_VA::Leaf, leaf)
                               .set(CMD_TLBI_NH_VA::Address, address.value));
  }
  // The descriptor of level 2 on the way to the pages.
  Pa level2(const PageTable& table) {
    Pa at = table.root();
    for (unsigned shift = 39; shift != 21; shift -= 9) {
      const Pa slot(at.value + 8 * (kVisited.value >> shift & 511));
      at = Pa(load(board_.memory(), slot) & 0xffff'ffff'f000);
    }
    return Pa(at.value + 8 * (kVisited.value >> 21 & 511));
  }

  Board board_;
  DmaDevice device_ = board_.device(kStream);
  PageTable old_ = board_.page_table();
  PageTable new_ = board_.page_table();
  Pa pages_ = board_.allocate(8192);
};

TEST_F(WalkCache, ATableServesPagesThatWereNeverVisited) {
  EXPECT_THAT(translate(kOther), TranslatesTo(page(0)));
}

TEST_F(WalkCache, AnInvalidationOfTheLeafAloneLeavesTheTable) {  // 4.4.2, Leaf 1
  invalidate(kOther, true);
  invalidate(kVisited, true);
  EXPECT_THAT(translate(kOther), TranslatesTo(page(0)));
  EXPECT_THAT(translate(kVisited), TranslatesTo(page(0)));
}

TEST_F(WalkCache, AnInvalidationOfAnyPageBelowTakesTheTable) {  // 4.4.2, Leaf 0
  invalidate(kOther, false, 4);
  invalidate(Iova(kOther.value + kBlock), false);
  EXPECT_THAT(translate(kOther), TranslatesTo(page(0)));
  invalidate(Iova(kOther.value + 4096), false);
  invalidate(kOther, true);
  EXPECT_THAT(translate(kOther), TranslatesTo(page(1)));
  EXPECT_THAT(translate(kVisited), TranslatesTo(page(0)));  // the leaf is kept
}

TEST_F(WalkCache, AnInvalidationOfTheAsidTakesTheTable) {
  board_.submit_and_sync(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, 4));
  EXPECT_THAT(translate(kOther), TranslatesTo(page(0)));
  board_.submit_and_sync(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, 3));
  EXPECT_THAT(translate(kOther), TranslatesTo(page(1)));
}

// What a port remembers of its last walks is a copy of tables as well.
class RecentTables : public WalkCache {
 protected:
  RecentTables() : WalkCache(emulator::CachePolicy::kRealistic) {}
};

TEST_F(RecentTables, OutliveTheInvalidationOfALeaf) {  // 4.4.2, Leaf 1
  invalidate(kVisited, true);
  EXPECT_THAT(translate(kVisited), TranslatesTo(page(0)));
  EXPECT_THAT(translate(kOther), TranslatesTo(page(0)));
  invalidate(kVisited, false);
  EXPECT_THAT(translate(kVisited), TranslatesTo(page(1)));
}

TEST_F(RecentTables, GoWithTheAsid) {
  board_.submit_and_sync(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, 3));
  EXPECT_THAT(translate(kVisited), TranslatesTo(page(1)));
}

// D8.17: what a block was splintered into goes with any of its addresses.
TEST(Splinters, OfABlockGoTogether) {
  Board board(adversarial());
  board.bring_up();
  constexpr Vmid kVmid(7);
  const Pa memory = board.allocate(2 * kBlock, kBlock);
  PageTable host = board.page_table({.stage = 2});
  // The tables of stage 1 where they are, the block in pages.
  host.map(Iova(0x4000'0000), Pa(0x4000'0000), std::uint64_t{1} << 30);
  constexpr Iova kIpa(0x1'0000'0000);
  for (std::uint64_t at = 0; at != 2 * kBlock; at += 4096) {
    host.map(Iova(kIpa.value + at), Pa(memory.value + at), 4096);
  }
  PageTable guest = board.page_table();
  guest.map(kVisited, Pa(kIpa.value), kBlock);
  const Pa cd = board.allocate(4096);
  store(board.memory(), cd, context(guest, Asid(3)));
  board.attach(kStream, above_stage2(translate(cd), host, kVmid));
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(kVisited), TranslatesTo(memory));
  EXPECT_THAT(device.translate(kOther), TranslatesTo(Pa(memory.value + 4096)));
  guest.map(kVisited, Pa(kIpa.value + kBlock), kBlock);
  EXPECT_THAT(device.translate(kOther), TranslatesTo(Pa(memory.value + 4096)));
  board.submit_and_sync(command<CMD_TLBI_NH_VA>()
                            .set(CMD_TLBI_NH_VA::VMID, kVmid.value)
                            .set(CMD_TLBI_NH_VA::ASID, 3)
                            .set(CMD_TLBI_NH_VA::Leaf, true)
                            .set(CMD_TLBI_NH_VA::Address, kVisited.value));
  EXPECT_THAT(device.translate(kVisited), TranslatesTo(Pa(memory.value + kBlock)));
  EXPECT_THAT(device.translate(kOther), TranslatesTo(Pa(memory.value + kBlock + 4096)));
}

// 3.21.1: a block and a table changed for one another without a break.  BBML
// says what may come of it.
class Breaks : public ::testing::TestWithParam<unsigned> {
 protected:
  static Board::Options options() {
    auto options = adversarial();
    // From SMMUv3.2 on it is not 0.
    if (GetParam() == 0) options.config = options.config.of_version(1);
    options.config.idr3.set(v3::SMMU_IDR3::BBML, GetParam());
    return options;
  }
  // A page is visited; then its table is replaced by a block, and another of
  // its pages is.
  std::vector<Event> replace_table_by_block(std::uint64_t more_bits) {
    board_.bring_up();
    PageTable table = board_.page_table();
    const Pa target = board_.allocate(kBlock, kBlock);
    for (std::uint64_t at = 0; at != 2 * 4096; at += 4096) {
      table.map(Iova(kVisited.value + at), Pa(target.value + at), 4096);
    }
    board_.attach(kStream, table);
    const DmaDevice device = board_.device(kStream);
    EXPECT_THAT(device.translate(kVisited), TranslatesTo(target));
    PageTable other = board_.page_table();
    other.map(kVisited, target, kBlock);
    const std::uint64_t block = load(board_.memory(), other.descriptor(kVisited)) | more_bits;
    store(board_.memory(), Pa(parent(table)), block);
    board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                               .set(CMD_TLBI_NH_VA::ASID, 1)
                               .set(CMD_TLBI_NH_VA::Address, kOther.value));
    EXPECT_THAT(device.translate(kOther), TranslatesTo(Pa(target.value + 4096)));
    device.translate(kVisited);
    return board_.events();
  }
  std::uint64_t parent(const PageTable& table) {
    Pa at = table.root();
    for (unsigned shift = 39; shift != 21; shift -= 9) {
      at = Pa(load(board_.memory(), Pa(at.value + 8 * (kVisited.value >> shift & 511))) &
              0xffff'ffff'f000);
    }
    return at.value + 8 * (kVisited.value >> 21 & 511);
  }
  static constexpr std::uint64_t kNt = 1U << 16;

  Board board_{options()};
};

TEST_P(Breaks, MayMakeEntriesConflict) {
  const auto events = replace_table_by_block(0);
  if (GetParam() == 2) {
    EXPECT_TRUE(events.empty());
  } else {
    EXPECT_THAT(events,
                ::testing::ElementsAre(IsEvent(v3::EventType::F_TLB_CONFLICT, kStream, kVisited)));
  }
}

TEST_P(Breaks, AreSafeWithNtFromLevel1On) {
  EXPECT_EQ(replace_table_by_block(kNt).empty(), GetParam() != 0);
}

INSTANTIATE_TEST_SUITE_P(Bbml, Breaks, ::testing::Values(0U, 1U, 2U));

}  // namespace
}  // namespace smmu::testing::walk_cache_test
