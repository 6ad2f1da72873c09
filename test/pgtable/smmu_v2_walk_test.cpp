// An SMMUv2 finds what short descriptors map.
#include <optional>

#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/arch/v2/tlb_maintenance.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/testing/board_v2.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/software_v2.h"
#include "test/pgtable/rig.h"

namespace smmu::iommu::smmu_v2_walk_test {
namespace {

using emulator::Direction;
using emulator::Translation;
using testing::Aborts;
using testing::BoardV2;
using testing::DmaDevice;
using testing::SoftwareV2;
using testing::TranslatesTo;

constexpr StreamId kStream(5);

class SmmuV2Walk : public ::testing::Test {
 protected:
  SmmuV2Walk() : software_(board_), device_(board_.device(kStream)) {
    constexpr std::uint64_t kPool = 4 << 20;
    pool_ = *PagePool::create(board_.memory(), board_.allocate(kPool, kPool), kPool);
    tables_ = *IoPgtable::create(short_config(), *pool_, invalidation_);
    use();
  }

  // A bank of stage 1 with short descriptors: SCTLR has TRE and AFE, as Linux has them.
  void use() {
    using Cbar = v2::SMMU_CBARn_Stage1Stage2Bypass;
    using Sctlr = v2::SMMU_CBn_SCTLR;
    const PgtableRegisters registers = tables_->registers();
    software_.gr1.write(0, v2::SMMU_CBA2Rn());
    software_.gr1.write(0, Cbar()
                               .set(Cbar::TYPE, v2::ContextType::kStage1Stage2Bypass)
                               .set(Cbar::BPSHCFG, v2::ShareabilityConfig::kNonShareable)
                               .set(Cbar::MemAttr, 0xf));
    const auto bank = software_.bank(0);
    bank.write(v2::SMMU_CBn_TCR_Short().set(v2::SMMU_CBn_TCR_Short::T0SZ, registers.tsz));
    bank.write_low(v2::SMMU_CBn_TTBR0_AArch64(registers.root.value));
    bank.write(v2::SMMU_CBn_PRRR(registers.primary_region_remap));
    bank.write(v2::SMMU_CBn_NMRR(registers.normal_memory_remap));
    bank.write(testing::translating().set(Sctlr::TRE, true).set(Sctlr::AFE, true));
    software_.lead(kStream, 0);
    software_.enable();
  }
  void forget() {
    software_.bank(0).write(v2::SMMU_CBn_TLBIALL());
    software_.synchronize(0);
  }
  emulator::Outcome translate(std::uint64_t iova) { return device_.translate(Iova(iova)); }

  BoardV2 board_;
  SoftwareV2 software_;
  DmaDevice device_;
  std::unique_ptr<PagePool> pool_;
  RecordingInvalidation invalidation_;
  std::unique_ptr<IoPgtable> tables_;
};

TEST_F(SmmuV2Walk, FindsEverySizeOfShortDescriptors) {
  const struct {
    std::uint64_t iova, pa, size, count;
  } kRows[] = {{0, 0xffff'e000, k4K, 2},           {0xffff'f000, 0x1000, k4K, 1},
               {3 * k64K, 5 * k64K, k64K, 3},      {5 * k1M, 0xfff0'0000, k1M, 1},
               {0x7ff0'0000, 0x1230'0000, k1M, 1}, {4 * k16M, 0xfe00'0000, k16M, 2}};
  for (const auto& row : kRows) {
    EXPECT_EQ(tables_->map(Iova(row.iova), Pa(row.pa), row.size, row.count, kReadWrite),
              mapped(row.count * row.size));
  }
  forget();
  for (const auto& row : kRows) {
    for (std::uint64_t i = 0; i != row.count * row.size; i += k4K) {
      ASSERT_THAT(translate(row.iova + i), TranslatesTo(Pa(row.pa + i))) << std::hex << row.iova;
    }
  }
  for (const std::uint64_t beside : {2 * k4K, 2 * k64K, 6 * k64K, 6 * k1M, 6 * k16M}) {
    EXPECT_THAT(translate(beside), Aborts());
    // What has faulted is cleared.
    software_.bank(0).write(testing::all_faults());
  }
  EXPECT_EQ(tables_->unmap(Iova(4 * k64K), k64K, 1), (Unmapped{k64K, true}));
  forget();
  EXPECT_THAT(translate(4 * k64K), Aborts());
  software_.bank(0).write(testing::all_faults());
  EXPECT_THAT(translate(5 * k64K), TranslatesTo(Pa(7 * k64K)));
}

TEST_F(SmmuV2Walk, FindsTheMemoryTypesOfShortDescriptors) {
  const struct {
    Prot prot;
    std::uint8_t type;
    Shareability shareability;
  } kRows[] = {{kReadWrite | Prot::kCache, 0xff, Shareability::kInner},
               {kReadWrite, 0x44, Shareability::kOuter},
               {kReadWrite | Prot::kMmio, 0x04, Shareability::kOuter}};
  std::uint64_t iova = 0;
  for (const auto& row : kRows) {
    for (const std::uint64_t size : {k4K, k64K, k1M, k16M}) {
      iova = (iova + size) & ~(size - 1);
      EXPECT_EQ(tables_->map(Iova(iova), Pa(0), size, 1, row.prot), mapped(size));
      forget();
      const auto outcome = translate(iova);
      const auto* translation = std::get_if<Translation>(&outcome);
      ASSERT_NE(translation, nullptr);
      EXPECT_EQ(translation->attributes,
                (MemoryAttributes{.type = row.type, .shareability = row.shareability}))
          << size;
      iova += size;
    }
  }
}

TEST_F(SmmuV2Walk, FindsTheRightsOfShortDescriptors) {
  const struct {
    Prot prot;
    bool read, write, privileged_read, privileged_write, fetch;
  } kRows[] = {
      {Prot::kRead, true, false, true, false, true},
      {Prot::kWrite, true, true, true, true, true},
      {kReadWrite | Prot::kNoExec, true, true, true, true, false},
      {kReadWrite | Prot::kPriv, false, false, true, true, false},
      {Prot::kRead | Prot::kPriv, false, false, true, false, false},
  };
  std::uint64_t iova = 0;
  for (const auto& row : kRows) {
    for (const std::uint64_t size : {k4K, k64K, k1M, k16M}) {
      iova = (iova + size) & ~(size - 1);
      EXPECT_EQ(tables_->map(Iova(iova), Pa(0), size, 1, row.prot), mapped(size));
      forget();
      const auto may = [&](const DmaDevice& device, Direction direction) {
        const auto outcome = device.translate(Iova(iova), direction);
        if (std::holds_alternative<Translation>(outcome)) return true;
        software_.bank(0).write(testing::all_faults());
        return false;
      };
      EXPECT_EQ(may(device_, Direction::kRead), row.read) << size;
      EXPECT_EQ(may(device_, Direction::kWrite), row.write) << size;
      EXPECT_EQ(may(device_.privileged(), Direction::kRead), row.privileged_read) << size;
      EXPECT_EQ(may(device_.privileged(), Direction::kWrite), row.privileged_write) << size;
      EXPECT_EQ(may(device_.fetching_instructions(), Direction::kRead), row.fetch) << size;
      iova += size;
    }
  }
}

}  // namespace
}  // namespace smmu::iommu::smmu_v2_walk_test
