// Faults of stage 2, alone and below a stage 1: which bank has them, and what it says of the other.
#include "test/system_v2/software.h"

namespace smmu::testing::nested_fault_test {
namespace {

using emulator::Direction;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kAddress(0x12'3456'7abc);
constexpr Iova kPage(0x12'3456'7000);
constexpr Ipa kIpa(0x5'4321'0000);
constexpr std::uint32_t kStage1 = 3;
constexpr std::uint32_t kStage2 = 7;

// Stage 1 in a bank, stage 2 in another one.  Stage 2 maps where the tables of stage 1 are to
// itself.
class NestedFault : public ::testing::Test {
 protected:
  NestedFault() {
    stage1.map(kPage, Pa(kIpa.value), 4096);
    stage2.map(Iova(stage1.root().value & ~0xf'ffffULL), Pa(stage1.root().value & ~0xf'ffffULL),
               1 << 20);
    stage2.map(Iova(kIpa.value), target, 4096);
    software.nested(kStage1, stage1, kStage2, {.vmid = 9, .asid = 5});
    software.stage2(kStage2, stage2, {.vmid = 9});
    software.lead(kStream, kStage1);
    software.enable();
  }

  SMMU_CBn_FSR fsr(std::uint32_t n) const { return software.bank(n).read<SMMU_CBn_FSR>(); }
  SMMU_CBn_FSYNR0 syndrome() const { return software.bank(kStage2).read<SMMU_CBn_FSYNR0>(); }
  Iova far() const {
    return Iova(software.bank(kStage2).read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR]);
  }
  Ipa ipafar() const {
    return Ipa(software.bank(kStage2).read<SMMU_CBn_IPAFAR>()[SMMU_CBn_IPAFAR::FADDR]);
  }
  static SMMU_CBn_FSR aarch64(std::uint32_t status) {
    return SMMU_CBn_FSR(status).set(SMMU_CBn_FSR::FORMAT, TranslationFormat::kAArch64);
  }

  V2Rig rig;
  Software software{rig};
  PageTable stage1 = rig.page_table(stage1_tables());
  PageTable stage2 = rig.page_table(stage2_tables());
  Pa target = rig.allocate(4096);
  DmaDevice device = rig.device(kStream);
};

constexpr std::uint32_t kTF = 1U << 1;
constexpr std::uint32_t kAFF = 1U << 2;
constexpr std::uint32_t kPF = 1U << 3;
constexpr std::uint32_t kEF = 1U << 4;

TEST_F(NestedFault, OfStage1IsTheBanksOfStage1) {
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(target.value + 0xabc)));
  stage1.unmap(kPage);
  software.gr0.write(SMMU_TLBIALLNSNH());
  software.synchronize();
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(fsr(kStage1), aarch64(kTF));
  EXPECT_EQ(fsr(kStage2), SMMU_CBn_FSR());
  EXPECT_TRUE(rig.context_fault(kStage1).up());
  EXPECT_FALSE(rig.context_fault(kStage2).up());
  const auto syndrome = software.bank(kStage1).read<SMMU_CBn_FSYNR0>();
  EXPECT_EQ(syndrome, SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::PLVL, 3));
}

struct Cause {
  const char* name;
  void (*prepare)(V2Rig&, PageTable& stage2, Pa target);
  std::uint32_t status;
};
const Cause kCauses[] = {
    {"nothing there", [](V2Rig&, PageTable& table, Pa) { table.unmap(Iova(kIpa.value)); }, kTF},
    {"an access flag that is clear",
     [](V2Rig&, PageTable& table, Pa target) {
       table.map(Iova(kIpa.value), target, 4096, {.access_flag = false});
     },
     kAFF},
    {"a page that is read-only",
     [](V2Rig&, PageTable& table, Pa target) {
       table.map(Iova(kIpa.value), target, 4096, {.writable = false});
     },
     kPF},
};

TEST_F(NestedFault, OfWhatStage1LeadsToIsTheBanksOfStage2) {
  for (const Cause& cause : kCauses) {
    SCOPED_TRACE(cause.name);
    software.bank(kStage2).write(all_faults());
    cause.prepare(rig, stage2, target);
    software.gr0.write(SMMU_TLBIALLNSNH());
    software.synchronize();
    EXPECT_THAT(device.translate(kAddress, Direction::kWrite), Aborts());
    EXPECT_EQ(fsr(kStage2), aarch64(cause.status));
    EXPECT_EQ(fsr(kStage1), SMMU_CBn_FSR());
    EXPECT_EQ(syndrome(), SMMU_CBn_FSYNR0()
                              .set(SMMU_CBn_FSYNR0::PLVL, 3)
                              .set(SMMU_CBn_FSYNR0::NESTED, true)
                              .set(SMMU_CBn_FSYNR0::WNR, true)
                              .set(SMMU_CBn_FSYNR0::S1CBNDX, kStage1));
    EXPECT_EQ(far(), kAddress);
    EXPECT_EQ(ipafar().value & ~0xfffULL, kIpa.value);
    EXPECT_EQ(software.gr1.read<SMMU_CBFRSYNRAn>(kStage2)[SMMU_CBFRSYNRAn::StreamID],
              kStream.value);
    EXPECT_TRUE(rig.context_fault(kStage2).up());
    EXPECT_FALSE(rig.context_fault(kStage1).up());
  }
}

TEST_F(NestedFault, OfATableOfStage1SaysSo) {
  const Pa descriptor = stage1.descriptor(kPage);
  // Its page alone, for the block that held it becomes a table.
  const Iova page(descriptor.value & ~0xfffULL);
  stage2.unmap(page);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(fsr(kStage2), aarch64(kTF));
  EXPECT_EQ(fsr(kStage1), SMMU_CBn_FSR());
  EXPECT_TRUE(syndrome()[SMMU_CBn_FSYNR0::NESTED]);
  EXPECT_TRUE(syndrome()[SMMU_CBn_FSYNR0::S1PTWF]);
  EXPECT_EQ(syndrome()[SMMU_CBn_FSYNR0::S1CBNDX], kStage1);
  EXPECT_EQ(far(), kAddress);
  EXPECT_EQ(ipafar().value & ~0xfffULL, page.value);
}

TEST_F(NestedFault, OfATableOfStage2IsExternal) {
  software.bank(kStage2).write(SMMU_CBn_TTBR0_Stage2(0x10'0000'0000));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(fsr(kStage2), aarch64(kEF));
  EXPECT_TRUE(syndrome()[SMMU_CBn_FSYNR0::PTWF]);
  EXPECT_TRUE(syndrome()[SMMU_CBn_FSYNR0::NESTED]);
}

// What the device sees is up to the bank that has the fault.
TEST_F(NestedFault, EndsAsTheBankThatHasItSays) {
  stage2.unmap(Iova(kIpa.value));
  software.bank(kStage2).write(
      translating().set(SMMU_CBn_SCTLR::CFRE, false).set(SMMU_CBn_SCTLR::CFIE, false));
  EXPECT_THAT(device.translate(kAddress), IsRazWi());
  EXPECT_TRUE(rig.quiet());
  software.bank(kStage2).write(all_faults());
  software.bank(kStage1).write(
      translating().set(SMMU_CBn_SCTLR::CFRE, false).set(SMMU_CBn_SCTLR::CFIE, false));
  software.bank(kStage2).write(translating());
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_TRUE(rig.context_fault(kStage2).up());
}

TEST_F(NestedFault, StallsAsTheBankThatHasItSays) {
  Resumptions ends;
  const DmaDevice waiting = rig.device(kStream, ends);
  stage2.unmap(Iova(kIpa.value));
  software.bank(kStage2).write(stalling());
  const auto stalled = waiting.translate(kAddress);
  EXPECT_THAT(stalled, Stalls());
  EXPECT_EQ(fsr(kStage2), aarch64(kTF).set(SMMU_CBn_FSR::SS, true));
  EXPECT_EQ(fsr(kStage1), SMMU_CBn_FSR());
  stage2.map(Iova(kIpa.value), target, 4096);
  software.bank(kStage2).write(all_faults());
  software.bank(kStage1).write(SMMU_CBn_RESUME());
  EXPECT_EQ(ends.size(), 0U) << "it is the other bank's";
  software.bank(kStage2).write(SMMU_CBn_RESUME());
  const auto end = ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(Pa(target.value + 0xabc)));
  EXPECT_EQ(fsr(kStage2), SMMU_CBn_FSR());
}

// A bank of stage 2 alone: the address is an IPA, and no bank is above it.
TEST_F(NestedFault, WithoutAStage1IsNotNested) {
  constexpr StreamId kOther(0x77);
  software.lead(kOther, kStage2);
  const DmaDevice other = rig.device(kOther);
  EXPECT_THAT(other.translate(Iova(kIpa.value)), TranslatesTo(target));
  const Iova missing(kIpa.value + 0x1040);
  EXPECT_THAT(other.privileged().translate(missing), Aborts());
  EXPECT_EQ(fsr(kStage2), aarch64(kTF));
  EXPECT_EQ(syndrome(),
            SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::PLVL, 3).set(SMMU_CBn_FSYNR0::PNU, true));
  EXPECT_EQ(far(), missing);
  EXPECT_EQ(ipafar().value & ~0xfffULL, missing.value & ~0xfffULL);
}

// Stage 2 never comes: what stage 1 refuses is its own, the rest has no context.
TEST_F(NestedFault, OfAStage2ThatFaultsIsGlobal) {
  software.gr1.write(kStage1, SMMU_CBARn().set(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Fault));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::ICF, true));
  EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
  EXPECT_EQ(fsr(kStage1), SMMU_CBn_FSR());
}

}  // namespace
}  // namespace smmu::testing::nested_fault_test
