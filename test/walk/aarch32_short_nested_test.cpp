// Short descriptors above stage 2: every descriptor and what they lead to go through it (DDI 0487,
// G5.4.5 and G5.11.3.1).
#include <gtest/gtest.h>

#include <map>

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/walker.h"
#include "test/walk/table_memory.h"

namespace smmu::emulator::aarch32_short_nested_test {
namespace {

constexpr std::uint64_t kStage2Root = 0x1'0000'0000;
// Stage 2 maps gigabytes: an IPA of the first one to this, and so on.
constexpr std::uint64_t kPhysical = 0x40'0000'0000;

constexpr std::uint32_t kTtbr0 = 0x0010'0000;   // IPAs
constexpr std::uint32_t kLevel2 = 0x4000'0400;  // in the second gigabyte

constexpr std::uint32_t kSection = 0x8000'0c02;       // to the third, everything allowed
constexpr std::uint32_t kSupersection = 0x0024'0c02;  // to 0x2'0000'0000
constexpr std::uint32_t kSmallPage = 0xc000'0032;     // to the fourth

// Valid, of a Block: S2AP read and write, Normal Write-Back, AF.
constexpr std::uint64_t kBlock = 0x4fd;

class ShortNested : public ::testing::Test {
 protected:
  ShortNested() {
    regime_.simple = false;
    regime_.has_stage2 = true;
    Stage1& stage1 = regime_.stage1;
    stage1.range = InputRange::kAArch32Short;
    stage1.half[0].tables = aarch32_short_tables(0, kTtbr0, 40, false);
    stage1.permissions = short_permissions({}, false);
    stage1.short_descriptors.attributes = short_attributes();
    regime_.stage2.tables = tables({.granule = Granule::k4K,
                                    .input_bits = 36,
                                    .first_level = 1,
                                    .output_bits = 40,
                                    .root = kStage2Root});
    regime_.stage2.permissions = stage2_permissions(false, false);
    for (std::uint64_t gigabyte = 0; gigabyte != 16; ++gigabyte) put_stage2(gigabyte, kBlock);
  }
  void put_stage2(std::uint64_t gigabyte, std::uint64_t attributes) {
    const std::uint64_t output = (kPhysical + (gigabyte << 30)) & 0xff'c000'0000;
    memory_.put64(kStage2Root + gigabyte * 8, attributes == 0 ? 0 : output | attributes);
  }
  // At an IPA.
  void put(std::uint32_t where, std::uint32_t descriptor) {
    memory_.put32(kPhysical + where, descriptor);
  }

  Result<Leaf, WalkFault> walk(const Access& access = {}, WalkCopies* copies = nullptr) {
    memory_.loads.clear();
    Leaf leaf;
    const auto fault = Walker(memory_).walk(regime_, {0x1234'5678, 0}, access, leaf, copies);
    if (fault) return *fault;
    return leaf;
  }
  void expect_fault(FaultType type, Stage stage, int level, Purpose purpose, std::uint64_t ipa) {
    const auto result = walk();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().type, type);
    EXPECT_EQ(result.error().stage, stage);
    EXPECT_EQ(result.error().level, level);
    EXPECT_EQ(result.error().purpose, purpose);
    EXPECT_EQ(result.error().ipa.value, ipa);
    EXPECT_FALSE(result.error().table_write);
  }

  TableMemory memory_;
  Regime regime_;
};

constexpr std::uint32_t kLevel1At = kTtbr0 + 0x123 * 4;
constexpr std::uint32_t kLevel2At = kLevel2 + 0x45 * 4;

TEST_F(ShortNested, EveryDescriptorAndTheResultGoThroughStage2) {  // G5.4.5
  put(kLevel1At, kLevel2 | 1);
  put(kLevel2At, kSmallPage);
  const auto leaf = walk();
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, kPhysical + 0xc000'0000);
  EXPECT_EQ(leaf->ipa.value, 0xc000'0000U);
  EXPECT_EQ(leaf->size_bits, 12);
  EXPECT_EQ(leaf->stage1_bits, 12);
  EXPECT_EQ(leaf->level, 2);
  // Level 1 at 0x10'048c: the upper half of its word.  Level 2 at 0x4000'0514.
  const std::vector<std::uint64_t> expected = {kStage2Root, kPhysical + 0x10'0488, kStage2Root + 8,
                                               kPhysical + 0x4000'0510, kStage2Root + 24};
  EXPECT_EQ(memory_.loads, expected);
}

TEST_F(ShortNested, ASupersectionsAddressGoesThroughStage2Whole) {
  put(kLevel1At, kSupersection);
  const auto leaf = walk();
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, kPhysical + 0x2'0000'0000);
  EXPECT_EQ(leaf->size_bits, 24);
}

TEST_F(ShortNested, TheSmallerOfBothBlocksMaps) {
  // 4 KiB pages of stage 2, of which the access hits 0x8004'5000.
  constexpr std::uint64_t kTables = 0x1'0001'0000;
  memory_.put64(kStage2Root + 16, kTables | 3);
  memory_.put64(kTables, (kTables + 0x1000) | 3);
  memory_.put64(kTables + 0x1000 + 0x45 * 8, 0x77'7777'7000 | kBlock | 2);
  put(kLevel1At, kSection);
  const auto leaf = walk();
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, 0x77'7777'7000U);
  EXPECT_EQ(leaf->size_bits, 12);
  EXPECT_EQ(leaf->stage1_bits, 20);
  EXPECT_EQ(leaf->ipa.value, 0x8004'5000U);
}

TEST_F(ShortNested, Stage2FaultsOfDescriptorsAreOfTheTable) {  // G5.11.3.1
  put(kLevel1At, kLevel2 | 1);
  put(kLevel2At, kSmallPage);
  put_stage2(3, 0);
  expect_fault(FaultType::kTranslation, Stage::k2, 1, Purpose::kInput, 0xc000'0678);
  put_stage2(1, 0);
  expect_fault(FaultType::kTranslation, Stage::k2, 1, Purpose::kTable, kLevel2At);
  put_stage2(0, 0);
  expect_fault(FaultType::kTranslation, Stage::k2, 1, Purpose::kTable, kLevel1At);
  // Write-only does not do for a table.
  put_stage2(0, kBlock & ~std::uint64_t{0x40});
  expect_fault(FaultType::kPermission, Stage::k2, 1, Purpose::kTable, kLevel1At);
}

TEST_F(ShortNested, AStage1PermissionFaultComesBeforeStage2sFault) {  // G5.11.6, 22 and 23
  put_stage2(2, 0);
  put(kLevel1At, kSection & ~0x800U);  // AP[2:0] 0b001: PL1 alone
  expect_fault(FaultType::kPermission, Stage::k1, 1, Purpose::kInput, 0);
  put_stage2(2, kBlock);
  EXPECT_TRUE(walk({.privilege = Privilege::kPrivileged}));
  EXPECT_TRUE(walk({.speculative = true}));
}

TEST_F(ShortNested, AManagerIsStillUnderStage2) {  // G5.6.4
  regime_.stage1.short_descriptors.domains = 0b11;
  put(kLevel1At, 0x8000'0002);                   // AP[2:0] 0b000
  put_stage2(2, kBlock & ~std::uint64_t{0x80});  // read-only
  ASSERT_TRUE(walk());
  EXPECT_EQ(walk()->stage1_permissions, Permissions::all());
  const auto result = walk({.direction = Direction::kWrite});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().type, FaultType::kPermission);
  EXPECT_EQ(result.error().stage, Stage::k2);
}

TEST_F(ShortNested, AttributesOfBothStagesAreCombined) {  // G5.7.5
  put(kLevel1At, kSection | 0x1'100c);  // TEX 0b001, C, B, S: Write-Back, shareable
  ASSERT_TRUE(walk());
  EXPECT_EQ(walk()->attributes,
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kOuter}));
  put_stage2(2, (kBlock & ~std::uint64_t{0x3c}) | 0x14);  // MemAttr 0b0101: Non-cacheable
  EXPECT_EQ(walk()->attributes,
            (MemoryAttributes{.type = 0x44, .shareability = Shareability::kOuter}));
  put(kLevel1At, kSection | 0x4);  // Device-nGnRE
  EXPECT_EQ(walk()->attributes.type, 0x04);
}

// Whoever keeps copies of stage 2 for a walk has it read less; tables are not kept.
TEST_F(ShortNested, CopiesOfStage2Save) {
  class Copies final : public WalkCopies {
   public:
    bool find_stage2(Ipa ipa, Stage2Leaf& leaf) override {
      const auto found = leaves_.find(ipa.value);
      if (found == leaves_.end()) return false;
      leaf = found->second;
      return true;
    }
    void keep_stage2(Ipa ipa, const Stage2Leaf& leaf) override { leaves_[ipa.value] = leaf; }
    bool find_table(std::uint64_t, StartingTable&) override { return false; }
    void keep_table(std::uint64_t, const StartingTable&) override { ADD_FAILURE(); }

   private:
    std::map<std::uint64_t, Stage2Leaf> leaves_;
  };
  Copies copies;
  put(kLevel1At, kLevel2 | 1);
  put(kLevel2At, kSmallPage);
  ASSERT_TRUE(walk({}, &copies));
  EXPECT_EQ(memory_.loads.size(), 5U);
  const auto leaf = walk({}, &copies);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, kPhysical + 0xc000'0000);
  EXPECT_EQ(memory_.loads.size(), 2U);
}

}  // namespace
}  // namespace smmu::emulator::aarch32_short_nested_test
