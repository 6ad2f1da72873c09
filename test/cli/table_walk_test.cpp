// The tool's own walk, over tables made by hand: descriptors are written out in hexadecimal.
#include "emulator/cli/table_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/arch/v3/registers.h"
#include "test/cli/temporary_folder.h"

namespace smmu::cli::table_walk_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v3::CD;

class TableWalkTest : public ::testing::Test {
 protected:
  TableWalkTest() { registers_.add(v3::SMMU_IDR5::kOffset, 0x74); }  // 44 bits, all granules

  void word(std::uint64_t address, std::uint64_t value) {
    memory_.add_page(address & ~(kPageBytes - 1));
    memory_.set(address, value);
  }
  TableWalk walk(const CD& cd) {
    Budget budget("memory.txt");
    const Stream stream{.id = 8, .ste_address = 0, .ste = {}, .cd_address = 0, .cd = cd};
    return walk_tables(stream, registers_, memory_, budget);
  }
  // One table at `address`, entered at its level by T0SZ.
  static CD cd(TG0 granule, unsigned t0sz, std::uint64_t address) {
    return CD()
        .set(CD::V, true)
        .set(CD::AA64, true)
        .set(CD::EPD1, true)
        .set(CD::IPS, OutputSize::k44Bits)
        .set(CD::TG0, granule)
        .set(CD::T0SZ, t0sz)
        .set(CD::TTB0, address)
        .set(CD::MAIR0, 0xff);
  }

  RegisterValues registers_;
  MemoryImage memory_;
};

struct Place {
  std::uint64_t iova, pa, size, level;
  friend bool operator==(const Place&, const Place&) = default;
};
std::vector<Place> places(const TableWalk& walk) {
  std::vector<Place> result;
  for (const Leaf& leaf : walk.leaves) {
    result.push_back({leaf.mapping.iova, leaf.mapping.pa, leaf.mapping.size, leaf.mapping.level});
  }
  return result;
}

TEST_F(TableWalkTest, FourKibiPagesAndBlocksAreFoundAtTheirLevels) {
  word(0x1000, 0x2003);      // level 0 -> level 1
  word(0x2008, 0x80000705);  // level 1 block: 1 GiB
  word(0x2018, 0x3003);      // level 1 -> level 2
  word(0x3010, 0x40200705);  // level 2 block: 2 MiB
  word(0x3ff8, 0x4003);      // level 2 -> level 3
  word(0x4ff8, 0x12345707);  // level 3 page
  word(0x4ff0, 0x12345705);  // level 3 with Type 0: invalid
  word(0x1008, 0x80000705);  // level 0 with Type 0: no block there
  EXPECT_THAT(places(walk(cd(TG0::k4K, 16, 0x1000))),
              ElementsAre(Place{0x40000000, 0x80000000, 0x40000000, 1},
                          Place{0xc0400000, 0x40200000, 0x200000, 2},
                          Place{0xfffff000, 0x12345000, 0x1000, 3}));
}

TEST_F(TableWalkTest, TheInputSizeChoosesTheFirstLevel) {
  word(0x3008, 0x40200705);
  // 30 bits begin at level 2 with a whole table, 25 with one of 16 entries.
  EXPECT_THAT(places(walk(cd(TG0::k4K, 34, 0x3000))),
              ElementsAre(Place{0x200000, 0x40200000, 0x200000, 2}));
  EXPECT_THAT(places(walk(cd(TG0::k4K, 39, 0x3000))),
              ElementsAre(Place{0x200000, 0x40200000, 0x200000, 2}));
  word(0x3080, 0x40400705);
  EXPECT_THAT(places(walk(cd(TG0::k4K, 34, 0x3000))).size(), 2);
  EXPECT_THAT(places(walk(cd(TG0::k4K, 39, 0x3000))).size(), 1);
}

TEST_F(TableWalkTest, SixteenKibiTablesSpanFourPagesOfTheDump) {
  for (std::uint64_t page = 0x4000; page < 0x8000; page += 0x1000) memory_.add_page(page);
  for (std::uint64_t page = 0x8000; page < 0xc000; page += 0x1000) memory_.add_page(page);
  memory_.set(0x4008, 0x8003);      // level 2 -> level 3
  memory_.set(0x7ff8, 0x46000705);  // level 2 block: 32 MiB, the last entry
  memory_.set(0xbff8, 0x12344707);  // level 3 page: 16 KiB, the last entry
  EXPECT_THAT(places(walk(cd(TG0::k16K, 28, 0x4000))),
              ElementsAre(Place{0x3ffc000, 0x12344000, 0x4000, 3},
                          Place{0xffe000000, 0x46000000, 0x2000000, 2}));
}

TEST_F(TableWalkTest, SixtyFourKibiBlocksExistAtLevelTwoAlone) {
  word(0x10000, 0x20003);        // level 1 -> level 2
  word(0x10008, 0x40000000705);  // level 1 with Type 0: a block only with 52 address bits
  word(0x20008, 0x60000705);     // level 2 block: 512 MiB
  word(0x20000, 0x30003);        // level 2 -> level 3
  word(0x30000, 0x7654f707);     // level 3 page; bits 15:12 are not address
  const TableWalk found = walk(cd(TG0::k64K, 16, 0x10000));
  EXPECT_THAT(places(found), ElementsAre(Place{0, 0x76540000, 0x10000, 3},
                                         Place{0x20000000, 0x60000000, 0x20000000, 2}));
  // The other pages of these tables are not in the dump.
  EXPECT_FALSE(found.missing_tables.empty());
}

TEST_F(TableWalkTest, TheUpperHalfHasItsOwnTableAndGranule) {
  word(0x5ff8, 0x40200705);
  const CD both = CD(cd(TG0::k4K, 34, 0x9000))
                      .set(CD::EPD1, false)
                      .set(CD::TG1, TG1::k4K)
                      .set(CD::T1SZ, 34)
                      .set(CD::TTB1, 0x5000);
  EXPECT_THAT(places(walk(both)), ElementsAre(Place{0xffffffffffe00000, 0x40200000, 0x200000, 2}));
  EXPECT_THAT(places(walk(CD(both).set(CD::EPD1, true))), IsEmpty());
}

TEST_F(TableWalkTest, TablesAboveTakePermissionsAway) {
  word(0x3000, 0x4003);              // no limit
  word(0x3008, 0x2000000000005003);  // APTable 0b01: not unprivileged
  word(0x3010, 0x4000000000006003);  // APTable 0b10: no writes
  for (const std::uint64_t table : {0x4000U, 0x5000U, 0x6000U})
    word(table, 0x12345747);  // AP 0b01: rw
  word(0x4008, 0x123457c7);   // AP 0b11: r
  word(0x4010, 0x12345707);   // AP 0b00: privileged
  const auto allowed = [](const TableWalk& found) {
    std::vector<std::pair<bool, bool>> result;
    for (const Leaf& leaf : found.leaves)
      result.emplace_back(leaf.unprivileged.read, leaf.unprivileged.write);
    return result;
  };
  using Pair = std::pair<bool, bool>;
  const CD limited = cd(TG0::k4K, 34, 0x3000);
  EXPECT_THAT(allowed(walk(limited)),
              ElementsAre(Pair(true, true), Pair(true, false), Pair(false, false),
                          Pair(false, false), Pair(true, false)));
  EXPECT_THAT(allowed(walk(CD(limited).set(CD::HAD0, true))),
              ElementsAre(Pair(true, true), Pair(true, false), Pair(false, false), Pair(true, true),
                          Pair(true, true)));
}

TEST_F(TableWalkTest, ALeafIsUsableUnlessItsFlagOrItsAddressForbids) {
  word(0x3000, 0x40000305);      // AF 0
  word(0x3008, 0x100000000705);  // above 44 bits
  word(0x3010, 0x40000705);
  const auto usable = [](const TableWalk& found) {
    std::vector<bool> result;
    for (const Leaf& leaf : found.leaves) result.push_back(leaf.usable);
    return result;
  };
  const CD plain = cd(TG0::k4K, 34, 0x3000);
  EXPECT_THAT(usable(walk(plain)), ElementsAre(false, false, true));
  EXPECT_THAT(usable(walk(CD(plain).set(CD::AFFD, true))), ElementsAre(true, false, true));
}

TEST_F(TableWalkTest, EveryFieldOfTheLeafIsTakenFromItsPlace) {
  // AttrIndx 5, AP 0b10, SH 0b11, AF, nG, DBM, Contiguous, PXN, UXN.
  word(0x3000, 0x0078000040000f95);
  const TableWalk found =
      walk(CD(cd(TG0::k4K, 34, 0x3000)).set(CD::ASID, 9).set(CD::MAIR1, 0x4400));
  ASSERT_EQ(found.leaves.size(), 1);
  const Mapping& m = found.leaves[0].mapping;
  EXPECT_EQ(m.stream, 8);
  EXPECT_EQ(m.asid, 9);
  EXPECT_EQ(m.descriptor_address, 0x3000);
  EXPECT_EQ(m.attrindx, 5);
  EXPECT_EQ(m.mair_attr, 0x44);
  EXPECT_EQ(m.ap, 2);
  EXPECT_EQ(m.sh, 3);
  EXPECT_EQ(m.af, 1);
  EXPECT_EQ(m.ng, 1);
  EXPECT_EQ(m.dbm, 1);
  EXPECT_EQ(m.cont, 1);
  EXPECT_EQ(m.pxn, 1);
  EXPECT_EQ(m.xn, 1);
}

TEST_F(TableWalkTest, TablesThatPointAtThemselvesAreGivenUp) {
  memory_.add_page(0x1000);
  for (std::uint64_t i = 0; i < 512; ++i) memory_.set(0x1000 + 8 * i, 0x1003);
  const TemporaryFolder unused;
  EXPECT_EQ(complaint_of(unused, [&] { walk(cd(TG0::k4K, 16, 0x1000)); }),
            "memory.txt: expected tables with at most 1048576 leaves in all; do they point at "
            "themselves?");
  // The last level is empty, so there are no leaves to count.
  memory_.add_page(0x2000);
  memory_.add_page(0x3000);
  memory_.add_page(0x4000);
  for (std::uint64_t i = 0; i < 512; ++i) {
    memory_.set(0x1000 + 8 * i, 0x2003);
    memory_.set(0x2000 + 8 * i, 0x3003);
    memory_.set(0x3000 + 8 * i, 0x4003);
  }
  EXPECT_THAT(complaint_of(unused, [&] { walk(cd(TG0::k4K, 16, 0x1000)); }),
              HasSubstr("67108864 entries"));
}

TEST_F(TableWalkTest, ACdThatIsNotValidMapsNothing) {
  word(0x3000, 0x40000705);
  EXPECT_THAT(places(walk(CD(cd(TG0::k4K, 34, 0x3000)).set(CD::V, false))), IsEmpty());
  EXPECT_THAT(places(walk(CD(cd(TG0::k4K, 34, 0x3000)).set(CD::AA64, false))), IsEmpty());
  EXPECT_THAT(places(walk(cd(static_cast<TG0>(3), 34, 0x3000))), IsEmpty());
  EXPECT_THAT(places(walk(cd(TG0::k4K, 15, 0x3000))), IsEmpty());
  EXPECT_THAT(places(walk(cd(TG0::k4K, 40, 0x3000))), IsEmpty());
}

}  // namespace
}  // namespace smmu::cli::table_walk_test
