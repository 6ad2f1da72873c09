// The stage 1 walk of Short descriptors: tables, leaves and how it ends (DDI 0487, G5.4, G5.6 and
// G5.11).  Descriptors are typed in from the manual, bit by bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emulator/walk/permissions.h"
#include "emulator/walk/walker.h"
#include "test/walk/table_memory.h"

namespace smmu::emulator::aarch32_short_test {
namespace {

constexpr std::uint32_t kTtbr0 = 0x0010'0000;
constexpr std::uint32_t kTtbr1 = 0x0020'0000;
constexpr std::uint32_t kPageTable = 0x0030'0400;

// Types, and AP[2:0] 0b011: everybody may do everything.
constexpr std::uint32_t kTable = 0x1;
constexpr std::uint32_t kSection = 0xc02;
constexpr std::uint32_t kSupersection = 0x4'0c02;
constexpr std::uint32_t kLargePage = 0x31;
constexpr std::uint32_t kSmallPage = 0x32;

class ShortWalks : public ::testing::Test {
 protected:
  ShortWalks() { set_up(0); }

  void set_up(unsigned n, unsigned output_bits = 40, bool big_endian = false) {
    regime_.simple = false;
    Stage1& stage1 = regime_.stage1;
    stage1.range = InputRange::kAArch32Short;
    stage1.half[0].tables = aarch32_short_tables(n, kTtbr0, output_bits, big_endian);
    stage1.half[1].tables = aarch32_short_tables(0, kTtbr1, output_bits, big_endian);
    stage1.permissions = short_permissions({}, false);
  }
  // Level 1 with N 0, and a level 2 table below it.
  void put_level1(std::uint32_t address, std::uint32_t descriptor) {
    memory_.put32(kTtbr0 + (address >> 20) * 4, descriptor);
  }
  void put_level2(std::uint32_t address, std::uint32_t descriptor, std::uint32_t table = kTable) {
    put_level1(address, kPageTable | table);
    memory_.put32(kPageTable + (address >> 12 & 0xff) * 4, descriptor);
  }

  Result<Leaf, WalkFault> walk(std::uint64_t address, const Access& access = {}) {
    memory_.loads.clear();
    const auto canonical = Walker::canonical(regime_, Iova(address));
    EXPECT_TRUE(canonical) << std::hex << address;
    Leaf leaf;
    const auto fault =
        Walker(memory_).walk(regime_, canonical.value_or(CanonicalAddress{}), access, leaf);
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
    EXPECT_EQ(result.error().descriptor.value / 8 * 8, memory_.loads.back());
    EXPECT_EQ(result.error().descriptor.value % 4, 0U);
  }

  TableMemory memory_;
  Regime regime_;
};

TEST_F(ShortWalks, ASectionMapsAMebibyte) {  // G5.4.1.1
  put_level1(0x1230'0000, 0x8560'0000 | kSection);
  expect_leaf(0x1234'5678, 0x8560'0000, 20, 1);
  EXPECT_EQ(memory_.loads.size(), 1U);
}

TEST_F(ShortWalks, ASupersectionMaps16MebibytesAnywhereIn40Bits) {  // G5.4.1.1
  // [31:24], and [39:36] at [8:5], [35:32] at [23:20].
  put_level1(0x12f0'0000, 0x8500'0000 | 0x00a0'0000 | 0x0160 | kSupersection);
  expect_leaf(0x12f4'5678, 0xba'8500'0000, 24, 1);
  put_level1(0x12f0'0000, 0x8500'0000 | kSupersection);
  expect_leaf(0x12f4'5678, 0x00'8500'0000, 24, 1);
}

TEST_F(ShortWalks, ALargePageMaps64Kibibytes) {  // G5.4.1.2
  put_level2(0x1234'0000, 0x9876'0000 | kLargePage);
  expect_leaf(0x1234'0678, 0x9876'0000, 16, 2);
  EXPECT_EQ(memory_.loads.size(), 2U);
}

TEST_F(ShortWalks, ASmallPageMaps4Kibibytes) {  // G5.4.1.2
  put_level2(0x1234'5000, 0x9876'5000 | kSmallPage);
  expect_leaf(0x1234'5678, 0x9876'5000, 12, 2);
}

TEST_F(ShortWalks, BothValuesOfBit0AreASectionAndASmallPage) {  // G5.4.1: PXN and XN
  put_level1(0x1230'0000, 0x8560'0000 | kSection | 1);
  expect_leaf(0x1234'5678, 0x8560'0000, 20, 1);
  put_level2(0x4564'5000, 0x9876'5000 | kSmallPage | 1);
  expect_leaf(0x4564'5678, 0x9876'5000, 12, 2);
}

TEST_F(ShortWalks, AnInvalidDescriptorFaultsAtItsLevelWhateverElseItSays) {  // G5.4.1
  put_level1(0x1230'0000, 0xffff'fffc);
  expect_fault(0x1234'5678, FaultType::kTranslation, 1);
  put_level2(0x1234'5000, 0xffff'fffc);
  expect_fault(0x1234'5678, FaultType::kTranslation, 2);
}

TEST_F(ShortWalks, TheTopmostNBitsSelectATableAndItsSize) {  // Table G5-1
  for (unsigned n = 0; n <= 7; ++n) {
    SCOPED_TRACE(fmt::format("N {}", n));
    set_up(n);
    const std::uint64_t first = std::uint64_t{1} << (32 - n);  // translated with TTBR1
    expect_fault(0, FaultType::kTranslation, 1);
    EXPECT_EQ(memory_.loads.back(), kTtbr0);
    expect_fault(first - 1, FaultType::kTranslation, 1);
    EXPECT_EQ(memory_.loads.back(), kTtbr0 + 0x4000 / (1U << n) - 8);
    if (n == 0) {
      EXPECT_EQ(regime_.stage1.half[1].tables.input_bits, 32);
    } else {
      expect_fault(first, FaultType::kTranslation, 1);
      EXPECT_EQ(memory_.loads.back(), kTtbr1 + 0x4000 / (1U << n));
      expect_fault(0xffff'ffff, FaultType::kTranslation, 1);
      EXPECT_EQ(memory_.loads.back(), kTtbr1 + 0x3ff8);
    }
    EXPECT_FALSE(Walker::canonical(regime_, Iova(std::uint64_t{1} << 32)));
  }
}

TEST_F(ShortWalks, ATableThatIsDisabledFaultsAtLevel1) {  // G5.11.1.2: PD0 and PD1
  for (const Stage1Half& half : regime_.stage1.half) EXPECT_EQ(half.tables.no_level, 1);
}

TEST_F(ShortWalks, ATableIsAlignedToItsSize) {  // G5.4.5.1: TTBR0[31:14-N], TTBR1[31:14]
  for (unsigned n = 0; n <= 7; ++n) {
    const Tables tables = aarch32_short_tables(n, 0xffff'ffff, 40, false);
    EXPECT_EQ(tables.root, 0x1'0000'0000 - (0x4000U >> n)) << n;
  }
}

TEST_F(ShortWalks, DescriptorsAreHalvesOfWordsInEitherByteOrder) {  // SCTLR.EE
  for (const bool big_endian : {false, true}) {
    set_up(0, 40, big_endian);
    const auto ordered = [&](std::uint32_t descriptor) {
      return big_endian ? __builtin_bswap32(descriptor) : descriptor;
    };
    put_level1(0x0010'0000, ordered(0x1110'0000 | kSection));
    put_level1(0x0000'0000, ordered(0x2220'0000 | kSection));
    expect_leaf(0x0000'0000, 0x2220'0000, 20, 1);
    expect_leaf(0x0010'0000, 0x1110'0000, 20, 1);
    put_level2(0x0020'1000, ordered(0x3333'3000 | kSmallPage));
    put_level2(0x0020'0000, ordered(0x4444'4000 | kSmallPage));
    put_level1(0x0020'0000, ordered(kPageTable | kTable));
    expect_leaf(0x0020'1000, 0x3333'3000, 12, 2);
    expect_leaf(0x0020'0000, 0x4444'4000, 12, 2);
  }
}

TEST_F(ShortWalks, WhatIsNotAddressIsIgnored) {  // G5.4.3: NS; bit 9 is IMPLEMENTATION DEFINED
  put_level1(0x1230'0000, 0x8560'0000 | 0x0008'0200 | kSection);
  expect_leaf(0x1234'5678, 0x8560'0000, 20, 1);
  put_level2(0x1234'5000, 0x9876'5000 | kSmallPage, kTable | 0x0218);
  expect_leaf(0x1234'5678, 0x9876'5000, 12, 2);
}

TEST_F(ShortWalks, OnlyASupersectionCanBeBeyondTheOutputSize) {  // G5.11.1.3
  for (const unsigned output_bits : {32U, 36U, 40U}) {
    set_up(0, output_bits);
    put_level1(0, 0xff00'0000 | kSupersection);
    expect_leaf(0, 0xff00'0000, 24, 1);
    put_level1(0, 0x00f0'0000 | kSupersection);  // A[35:32]
    if (output_bits >= 36) {
      expect_leaf(0, 0x0f'0000'0000, 24, 1);
    } else {
      expect_fault(0, FaultType::kAddressSize, 1);
    }
    put_level1(0, 0x0020 | kSupersection);  // A[36]
    if (output_bits == 40) {
      expect_leaf(0, 0x10'0000'0000, 24, 1);
    } else {
      expect_fault(0, FaultType::kAddressSize, 1);
    }
  }
}

TEST_F(ShortWalks, AReadThatAbortsNamesItsDescriptor) {  // G5.11.5
  put_level2(0x1234'5000, 0x9876'5000 | kSmallPage);
  memory_.end = kPageTable;
  expect_fault(0x1234'5678, FaultType::kExternalAbort, 2);
  EXPECT_EQ(walk(0x1234'5678).error().descriptor.value, kPageTable + 0x45 * 4);
  memory_.end = 0;
  expect_fault(0x1234'5678, FaultType::kExternalAbort, 1);
  EXPECT_EQ(walk(0x1234'5678).error().descriptor.value, kTtbr0 + 0x123 * 4);
}

TEST_F(ShortWalks, ALeafIsGlobalUnlessItSaysNot) {  // G5.4.2: nG, at [17] and at [11]
  put_level1(0, kSection);
  EXPECT_TRUE(walk(0)->global);
  put_level1(0, kSection | 0x2'0000);
  EXPECT_FALSE(walk(0)->global);
  put_level1(0, kSupersection | 0x2'0000);
  EXPECT_FALSE(walk(0)->global);
  for (const std::uint32_t page : {kLargePage, kSmallPage}) {
    put_level2(0, page);
    EXPECT_TRUE(walk(0)->global);
    put_level2(0, page | 0x800);
    EXPECT_FALSE(walk(0)->global);
  }
}

TEST_F(ShortWalks, ExecuteNeverIsWhereItsShapeHasIt) {  // G5.4.2, G5.6.3
  const auto executes = [&](Privilege privilege) {
    return walk(0)->permissions.allow(privilege, Direction::kRead, Content::kInstruction);
  };
  const auto expect = [&](bool unprivileged, bool privileged) {
    EXPECT_EQ(executes(Privilege::kUnprivileged), unprivileged);
    EXPECT_EQ(executes(Privilege::kPrivileged), privileged);
  };
  for (const std::uint32_t leaf : {kSection, kSupersection}) {
    put_level1(0, leaf);
    expect(true, true);
    put_level1(0, leaf | 0x10);  // XN
    expect(false, false);
    put_level1(0, leaf | 0x01);  // PXN
    expect(true, false);
  }
  for (const auto& [page, xn] : {std::pair{kLargePage, 0x8000U}, {kSmallPage, 0x0001U}}) {
    put_level2(0, page);
    expect(true, true);
    put_level2(0, page | xn);
    expect(false, false);
    put_level2(0, page, kTable | 0x4);  // the table's PXN
    expect(true, false);
  }
}

TEST_F(ShortWalks, Ap0IsAnAccessFlagWithAfe) {  // G5.6.5
  // AP[2:0] 0b010.
  const auto put = [&](int level) {
    if (level == 1) put_level1(0, 0x802);
    if (level == 2) put_level2(0, 0x22);
  };
  for (const int level : {1, 2}) {
    regime_.stage1.short_descriptors.access_flag = false;
    regime_.stage1.access_flag_ignored = false;
    put(level);
    EXPECT_TRUE(walk(0));
    regime_.stage1.short_descriptors.access_flag = true;
    expect_fault(0, FaultType::kAccessFlag, level);
    regime_.stage1.access_flag_ignored = true;
    EXPECT_TRUE(walk(0));
  }
}

TEST_F(ShortWalks, EveryDomainIsAClientOfAnSmmu) {
  for (std::uint32_t domain = 0; domain != 16; ++domain) {
    put_level1(0, 0x402 | domain << 5);  // AP[2:0] 0b001
    const auto leaf = walk(0);
    ASSERT_TRUE(leaf);
    EXPECT_EQ(leaf->permissions, regime_.stage1.permissions[short_rights(0b001, false, false)]);
  }
}

TEST_F(ShortWalks, ADacrRefusesADomainOrTrustsIt) {  // G5.6.4, G5.11.1.5
  for (std::uint32_t domain = 0; domain != 16; ++domain) {
    SCOPED_TRACE(domain);
    const auto is = [&](std::uint32_t access) {
      // All others are what this one is not.
      const std::uint32_t others = access == 0b01 ? 0 : 0x5555'5555;
      regime_.stage1.short_descriptors.domains =
          (others & ~(0b11U << 2 * domain)) | access << 2 * domain;
    };
    for (const int level : {1, 2}) {
      // No access for anybody, by AP.
      if (level == 1) put_level1(0, 0x2 | domain << 5);
      if (level == 2) put_level2(0, 0x2, kTable | domain << 5);
      is(0b00);
      expect_fault(0, FaultType::kDomain, level);
      is(0b10);  // reserved
      expect_fault(0, FaultType::kDomain, level);
      is(0b01);
      ASSERT_TRUE(walk(0));
      EXPECT_EQ(walk(0)->permissions, Permissions());
      is(0b11);
      ASSERT_TRUE(walk(0));
      EXPECT_EQ(walk(0)->permissions, Permissions::all());
    }
  }
}

TEST_F(ShortWalks, ASupersectionIsInDomain0) {  // G5.4.2
  put_level1(0, kSupersection | 0x1e0);
  regime_.stage1.short_descriptors.domains = 0x0000'0001;
  EXPECT_TRUE(walk(0));
  regime_.stage1.short_descriptors.domains = 0x5555'5554;
  expect_fault(0, FaultType::kDomain, 1);
}

TEST_F(ShortWalks, FaultsComeInTheArchitecturesOrder) {  // G5.11.6
  set_up(0, 32);
  regime_.stage1.short_descriptors = {.access_flag = true, .domains = 0};
  // Beyond the output size, not accessed, in no domain.
  put_level1(0, 0x4'0022);
  expect_fault(0, FaultType::kAddressSize, 1);
  put_level1(0, 0x4'0002);
  expect_fault(0, FaultType::kAccessFlag, 1);
  put_level1(0, 0x4'0402);
  expect_fault(0, FaultType::kDomain, 1);
}

}  // namespace
}  // namespace smmu::emulator::aarch32_short_test
