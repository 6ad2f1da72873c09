// Walks of Long descriptors of VMSAv8-32: ranges, levels, blocks, addresses and rights (DDI 0487,
// G5.5 and G5.6).  Descriptors are typed in from the manual, bit by bit.
#include "smmu/arch/vmsa/aarch32_long.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>

#include "emulator/walk/permissions.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "test/walk/table_memory.h"

namespace smmu::emulator::aarch32_long_test {
namespace {

constexpr std::uint64_t kTtbr0 = 0x10'0000;
constexpr std::uint64_t kTtbr1 = 0x20'0000;
constexpr std::uint64_t kLevel2 = 0x30'0000;
constexpr std::uint64_t kLevel3 = 0x30'1000;

// Valid, with AF and AP[2:1] 0b01: read and write for everybody.
constexpr std::uint64_t kBlock = 0x441;
constexpr std::uint64_t kPage = 0x443;
constexpr std::uint64_t kTable = 0x3;

class LongWalks : public ::testing::Test {
 protected:
  LongWalks() { set_up(0, 0); }

  void set_up(unsigned t0sz, unsigned t1sz, unsigned memory_bits = 40, bool big_endian = false) {
    regime_.simple = false;
    Stage1& stage1 = regime_.stage1;
    stage1.range = InputRange::kAArch32;
    // G5.5.6: of 1 GiB or less from level 2 on.
    stage1.half[0].tables =
        aarch32_long_tables(32 - t0sz, t0sz < 2 ? 1 : 2, kTtbr0, memory_bits, big_endian);
    stage1.half[1].tables =
        aarch32_long_tables(32 - t1sz, t1sz < 2 ? 1 : 2, kTtbr1, memory_bits, big_endian);
    stage1.permissions = stage1_permissions({.levels = Levels::kTwoAArch32});
  }
  // Of the lower range of 4 GiB.
  void put_level1(std::uint64_t address, std::uint64_t descriptor) {
    memory_.put64(kTtbr0 + (address >> 30) * 8, descriptor);
  }
  void put_level2(std::uint64_t address, std::uint64_t descriptor, std::uint64_t table = kTable) {
    put_level1(address, kLevel2 | table);
    memory_.put64(kLevel2 + (address >> 21 & 0x1ff) * 8, descriptor);
  }
  void put_level3(std::uint64_t address, std::uint64_t descriptor, std::uint64_t table1 = kTable,
                  std::uint64_t table2 = kTable) {
    put_level2(address, kLevel3 | table2, table1);
    memory_.put64(kLevel3 + (address >> 12 & 0x1ff) * 8, descriptor);
  }

  Result<Leaf, WalkFault> walk(std::uint64_t address) {
    memory_.loads.clear();
    const auto canonical = Walker::canonical(regime_, Iova(address));
    EXPECT_TRUE(canonical) << std::hex << address;
    Leaf leaf;
    const auto fault =
        Walker(memory_).walk(regime_, canonical.value_or(CanonicalAddress{}), {}, leaf);
    if (fault) return *fault;
    return leaf;
  }
  void expect_leaf(std::uint64_t address, std::uint64_t output, unsigned size_bits, int level) {
    const auto leaf = walk(address);
    ASSERT_TRUE(leaf) << static_cast<int>(leaf.error().type);
    EXPECT_EQ(leaf->output.value, output);
    EXPECT_EQ(leaf->size_bits, size_bits);
    EXPECT_EQ(leaf->level, level);
  }
  void expect_fault(std::uint64_t address, FaultType type, int level) {
    const auto result = walk(address);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().type, type);
    EXPECT_EQ(result.error().level, level);
    EXPECT_EQ(result.error().stage, Stage::k1);
  }

  TableMemory memory_;
  Regime regime_;
};

TEST_F(LongWalks, TheSizesSayWhichTableTranslatesAnAddress) {  // Table G5-2
  constexpr std::uint64_t kAll = std::uint64_t{1} << 32;
  for (unsigned m = 0; m != 8; ++m) {
    for (unsigned n = 0; n != 8; ++n) {
      SCOPED_TRACE(fmt::format("T0SZ {} T1SZ {}", m, n));
      set_up(m, n);
      // The first address beyond the lower range, and the first of the upper one.
      std::uint64_t lower_end = kAll >> m;
      std::uint64_t upper = kAll - (kAll >> n);
      if (m == 0) lower_end = n == 0 ? kAll : upper;
      if (n == 0) upper = lower_end;
      const auto half = [&](std::uint64_t address) -> std::optional<unsigned> {
        const auto found = Walker::canonical(regime_, Iova(address));
        if (!found) return std::nullopt;
        EXPECT_EQ(found->value, address);
        return found->half;
      };
      EXPECT_EQ(half(0), 0U);
      EXPECT_EQ(half(lower_end - 1), 0U);
      if (upper != kAll) {
        EXPECT_EQ(half(upper), 1U);
        EXPECT_EQ(half(kAll - 1), 1U);
      }
      if (upper != lower_end) {
        EXPECT_EQ(half(lower_end), std::nullopt);
        EXPECT_EQ(half(upper - 1), std::nullopt);
      }
      EXPECT_EQ(half(kAll), std::nullopt);
      EXPECT_EQ(half(~std::uint64_t{0}), std::nullopt);
    }
  }
}

TEST_F(LongWalks, AWalkBeginsWithTheIndexThatTheSizeLeaves) {  // G5.5.6, K8.2.2
  for (unsigned size = 1; size != 8; ++size) {
    SCOPED_TRACE(size);
    set_up(size, size);
    const std::uint64_t last = (std::uint64_t{1} << (32 - size)) - 1;
    const unsigned shift = size < 2 ? 30 : 21;
    const int level = size < 2 ? 1 : 2;
    expect_fault(last, FaultType::kTranslation, level);
    EXPECT_EQ(memory_.loads.front(), kTtbr0 + (last >> shift) * 8);
    // Above, the topmost bits are ones and no part of an index.
    expect_fault(0xffff'ffff, FaultType::kTranslation, level);
    EXPECT_EQ(memory_.loads.front(), kTtbr1 + (last >> shift) * 8);
    expect_fault(0xffff'ffff - last, FaultType::kTranslation, level);
    EXPECT_EQ(memory_.loads.front(), kTtbr1);
  }
}

TEST_F(LongWalks, TheUpperRangeThatTheLowerOneLeavesIsIndexedFromZero) {  // Table G5-2
  set_up(3, 0);
  // VA[31:30] of 0x2000'0000 is 0.
  expect_fault(0x2000'0000, FaultType::kTranslation, 1);
  EXPECT_EQ(memory_.loads.front(), kTtbr1);
  expect_fault(0xffff'ffff, FaultType::kTranslation, 1);
  EXPECT_EQ(memory_.loads.front(), kTtbr1 + 24);
}

TEST_F(LongWalks, BlocksHave1GibibyteAnd2MebibytesPages4Kibibytes) {  // Table G5-3
  put_level1(0x9234'5678, 0x12'8000'0000 | kBlock);
  expect_leaf(0x9234'5678, 0x12'8000'0000, 30, 1);
  put_level2(0x9234'5678, 0x12'8760'0000 | kBlock);
  expect_leaf(0x9234'5678, 0x12'8760'0000, 21, 2);
  put_level3(0x9234'5678, 0x12'8765'4000 | kPage);
  expect_leaf(0x9234'5678, 0x12'8765'4000, 12, 3);
  EXPECT_EQ(memory_.loads.size(), 3U);
}

TEST_F(LongWalks, WhatLiesBelowABlockIsNoAddress) {  // G5.5.2.1
  put_level1(0, 0x12'bfff'f000 | kBlock);
  expect_leaf(0, 0x12'8000'0000, 30, 1);
  put_level2(0, 0x12'801f'f000 | kBlock);
  expect_leaf(0, 0x12'8000'0000, 21, 2);
}

TEST_F(LongWalks, AnInvalidDescriptorFaultsAtItsLevel) {  // G5.5.2
  constexpr std::uint64_t kInvalid = ~std::uint64_t{1};
  put_level1(0, kInvalid);
  expect_fault(0, FaultType::kTranslation, 1);
  put_level2(0, kInvalid);
  expect_fault(0, FaultType::kTranslation, 2);
  put_level3(0, kInvalid);
  expect_fault(0, FaultType::kTranslation, 3);
  put_level3(0, kBlock);  // reserved there
  expect_fault(0, FaultType::kTranslation, 3);
}

TEST_F(LongWalks, AddressesHave40Bits) {  // G5.11.1.3
  put_level3(0, 0xff'ffff'f000 | kPage);
  expect_leaf(0, 0xff'ffff'f000, 12, 3);
  for (unsigned n = 40; n != 48; ++n) {
    const std::uint64_t beyond = std::uint64_t{1} << n;
    put_level1(0, beyond | kBlock);
    expect_fault(0, FaultType::kAddressSize, 1);
    put_level1(0, beyond | kTable);
    expect_fault(0, FaultType::kAddressSize, 1);
    put_level2(0, beyond | kBlock);
    expect_fault(0, FaultType::kAddressSize, 2);
    put_level3(0, beyond | kPage);
    expect_fault(0, FaultType::kAddressSize, 3);
  }
  put_level3(0, 0x000f'0000'0000'0000 | kPage);  // RES0
  expect_leaf(0, 0, 12, 3);
}

TEST_F(LongWalks, MemoryThatIsSmallerCutsThem) {  // IHI 0070, 3.4: VMSAv8-32 LPAE
  set_up(0, 0, 36);
  put_level3(0, 0xff'ffff'f000 | kPage);
  expect_leaf(0, 0x0f'ffff'f000, 12, 3);
  put_level3(0, 0x100'0000'0000 | kPage);
  expect_fault(0, FaultType::kAddressSize, 3);
}

TEST_F(LongWalks, TheAccessFlagIsNeededUnlessIgnored) {  // G5.6.5
  put_level1(0, kBlock & ~std::uint64_t{0x400});
  expect_fault(0, FaultType::kAccessFlag, 1);
  put_level1(0, 0x100'0000'0001);  // G5.11.6: the address before the flag
  expect_fault(0, FaultType::kAddressSize, 1);
  put_level3(0, kPage & ~std::uint64_t{0x400});
  expect_fault(0, FaultType::kAccessFlag, 3);
  regime_.stage1.access_flag_ignored = true;
  EXPECT_TRUE(walk(0));
}

TEST_F(LongWalks, TablesMayBeBigEndian) {  // SCTLR.EE
  set_up(0, 0, 40, true);
  put_level1(0, __builtin_bswap64(0x12'8000'0000 | kBlock));
  expect_leaf(0x1234, 0x12'8000'0000, 30, 1);
}

TEST_F(LongWalks, ALeafIsGlobalUnlessItSaysNot) {  // G5.5.3.2: nG
  put_level1(0, kBlock);
  EXPECT_TRUE(walk(0)->global);
  put_level1(0, kBlock | 0x800);
  EXPECT_FALSE(walk(0)->global);
}

// What a leaf and the tables above it leave, as letters: PL1, then unprivileged.
TEST_F(LongWalks, LeavesAndTablesTakeRights) {  // Tables G5-7 and G5-8, G5.6.3.1
  constexpr std::uint64_t kXn = std::uint64_t{1} << 54;
  constexpr std::uint64_t kPxn = std::uint64_t{1} << 53;
  constexpr std::uint64_t kPxnTable = std::uint64_t{1} << 59;
  constexpr std::uint64_t kXnTable = std::uint64_t{1} << 60;
  constexpr std::uint64_t kNoUser = std::uint64_t{1} << 61;   // APTable[0]
  constexpr std::uint64_t kNoWrite = std::uint64_t{1} << 62;  // APTable[1]
  constexpr std::uint64_t kPl1Only = 0x403, kWritesDenied = 0x4c3, kPl1ReadOnly = 0x483;
  const struct {
    std::uint64_t leaf, table1, table2;
    std::string rights;
  } kCases[] = {
      {kPage, 0, 0, "rwx rwx"},
      {kPl1Only, 0, 0, "rwx ---"},
      {kWritesDenied, 0, 0, "r-x r-x"},
      {kPl1ReadOnly, 0, 0, "r-x ---"},
      {kPage | kXn, 0, 0, "rw- rw-"},
      {kPage | kPxn, 0, 0, "rw- rwx"},
      {kPage, kXnTable, 0, "rw- rw-"},
      {kPage, 0, kXnTable, "rw- rw-"},
      {kPage, kPxnTable, 0, "rw- rwx"},
      {kPage, 0, kPxnTable, "rw- rwx"},
      {kPage, kNoUser, 0, "rwx ---"},
      {kPage, 0, kNoUser, "rwx ---"},
      {kPage, kNoWrite, 0, "r-x r-x"},
      {kPage, 0, kNoWrite, "r-x r-x"},
      {kPage, kNoUser, kNoWrite, "r-x ---"},
  };
  for (const auto& [leaf, table1, table2, rights] : kCases) {
    put_level3(0, leaf, kTable | table1, kTable | table2);
    const auto found = walk(0);
    ASSERT_TRUE(found);
    const auto letters = [&](Privilege privilege) {
      using enum Direction;
      using enum Content;
      const Permissions& permissions = found->permissions;
      return fmt::format("{}{}{}", permissions.allow(privilege, kRead, kData) ? 'r' : '-',
                         permissions.allow(privilege, kWrite, kData) ? 'w' : '-',
                         permissions.allow(privilege, kRead, kInstruction) ? 'x' : '-');
    };
    EXPECT_EQ(letters(Privilege::kPrivileged) + " " + letters(Privilege::kUnprivileged), rights);
  }
}

// The walker reads both formats with the layouts of VMSAv8-64.
template <class Long, class Other>
constexpr bool kSamePlace = Long::kMask == Other::kMask;

TEST(LongDescriptors, HaveTheirFieldsWhereThoseOfVmsav8_64HaveThem) {
  using namespace vmsa;
  using LongLeaf = Leaf_Stage1_Long;
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::Valid), decltype(Leaf_Stage1::Valid)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::Type), decltype(Leaf_Stage1::Type)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::AttrIndx), decltype(Leaf_Stage1::AttrIndx)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::AP), decltype(Leaf_Stage1::AP)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::SH), decltype(Leaf_Stage1::SH)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::AF), decltype(Leaf_Stage1::AF)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::nG), decltype(Leaf_Stage1::nG)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::PXN), decltype(Leaf_Stage1::PXN)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf::XN), decltype(Leaf_Stage1::UXN)>));
  using LongTable = Table_Stage1_Long;
  EXPECT_TRUE((kSamePlace<decltype(LongTable::PXNTable), decltype(Table_Stage1::PXNTable)>));
  EXPECT_TRUE((kSamePlace<decltype(LongTable::XNTable), decltype(Table_Stage1::UXNTable)>));
  EXPECT_TRUE((kSamePlace<decltype(LongTable::APTable), decltype(Table_Stage1::APTable)>));
  using LongLeaf2 = Leaf_Stage2_Long;
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf2::MemAttr), decltype(Leaf_Stage2::MemAttr)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf2::S2AP), decltype(Leaf_Stage2::S2AP)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf2::SH), decltype(Leaf_Stage2::SH)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf2::AF), decltype(Leaf_Stage2::AF)>));
  EXPECT_TRUE((kSamePlace<decltype(LongLeaf2::XN), decltype(Leaf_Stage2::XN)>));
}

}  // namespace
}  // namespace smmu::emulator::aarch32_long_test
