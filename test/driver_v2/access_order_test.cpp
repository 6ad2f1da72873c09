// The order of register accesses, which other hardware may depend on, and their values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "test/driver_v2/scripted_rig.h"

namespace smmu::testing::access_order_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace iommu;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kBlock = std::uint64_t{2} << 20;

// The words of SMMU_sCR0 that the driver leaves: faults abort and interrupt, no match is one.
constexpr const char* kControl = "write SMMU_sCR0 0x1c36";

TEST(AccessOrder, TheSmmuIsProbedResetAndSwitchedOnLast) {
  ScriptedRig rig;
  rig.registers.set(v2::SMMU_sGFSR(2));
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x402));
  ASSERT_EQ(rig.start(), "");
  EXPECT_THAT(
      rig.registers.take(),
      ElementsAre("read SMMU_IDR0", "read SMMU_IDR1", "read SMMU_IDR2",
                  // Reset.
                  "read SMMU_sGFSR", "write SMMU_sGFSR 0x2",  //
                  "write SMMU_S2CR0 0x20000", "write SMMU_SMR0 0x0", "write SMMU_S2CR1 0x20000",
                  "write SMMU_SMR1 0x0", "write SMMU_S2CR2 0x20000", "write SMMU_SMR2 0x0",
                  "write SMMU_S2CR3 0x20000", "write SMMU_SMR3 0x0",  //
                  "read SMMU_CB0_FSR", "write SMMU_CB0_SCTLR 0x0",    //
                  "read SMMU_CB1_FSR", "write SMMU_CB1_FSR 0x402", "write SMMU_CB1_SCTLR 0x0",
                  "read SMMU_CB2_FSR", "write SMMU_CB2_SCTLR 0x0",  //
                  "read SMMU_CB3_FSR", "write SMMU_CB3_SCTLR 0x0",  //
                  "write SMMU_TLBIALLH 0x0", "write SMMU_TLBIALLNSNH 0x0", "read SMMU_sCR0",
                  "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS", kControl,
                  // Which bits of StreamIDs and masks there are.
                  "write SMMU_SMR0 0x7fff", "read SMMU_SMR0", "write SMMU_SMR0 0x7fff0000",
                  "read SMMU_SMR0"));
}

TEST(AccessOrder, UnknownStreamsBypassIfTheyShall) {
  ScriptedRig rig;
  rig.config.unknown = SmmuV2DriverConfig::Unknown::kBypass;
  ASSERT_EQ(rig.start(), "");
  const auto writes = rig.registers.take_writes();
  EXPECT_THAT(writes, ::testing::Contains("write SMMU_S2CR3 0x100ff"));
  EXPECT_THAT(writes, ::testing::Contains("write SMMU_sCR0 0x1836"));  // no USFCFG
}

TEST(AccessOrder, ADeviceIsLedNowhereBeforeItIsMatched) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.registers.take();
  rig.add(StreamId(0x18), 0x3);
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_S2CR0 0x20000", "write SMMU_SMR0 0x80030018",
                          // Its group's default domain.
                          "write SMMU_S2CR0 0x100ff"));
}

TEST(AccessOrder, WithStreamIdsOf16BitsTheOtherRegisterSaysWhetherAGroupIsValid) {
  ScriptedRig rig;
  auto idr0 = rig.registers.get<v2::SMMU_IDR0>();
  rig.registers.set(idr0.set(v2::SMMU_IDR0::EXIDS, true));
  ASSERT_EQ(rig.start(), "");
  EXPECT_THAT(rig.registers.take_writes(), ::testing::Contains("write SMMU_sCR0 0x1c3e"));
  rig.add(StreamId(0x8018));
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_S2CR0 0x20400", "write SMMU_SMR0 0x8018",
                          "write SMMU_S2CR0 0x104ff"));
}

TEST(AccessOrder, AFirstAttachWritesTheBankAndThenTheStream) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.add(StreamId(7));
  const auto domain = rig.domain();
  rig.registers.take();
  ASSERT_TRUE(rig.iommu->groups().front()->attach(*domain));
  const IoPgtable* const tables = domain->driver_domain().tables();
  ASSERT_NE(tables, nullptr);
  const std::uint64_t root = tables->registers().root.value;
  EXPECT_THAT(
      rig.registers.take(),
      ElementsAre("write SMMU_CBA2R1 0x1",
                  "write SMMU_CBAR1 0x1f300",     // stage 1, write-back, not shareable
                  "write SMMU_CB1_TCR2 0x38015",  // SEP upstream, AS, 48 bits
                  "write SMMU_CB1_TCR 0x803510",  // EPD1, inner shareable, write-back, T0SZ 16
                  fmt::format("write SMMU_CB1_TTBR0 {:#x}", root | std::uint64_t{1} << 48),
                  "write SMMU_CB1_TTBR1 0x1000000000000", "write SMMU_CB1_MAIR0 0xf404ff44",
                  "write SMMU_CB1_MAIR1 0xffffffff", "read SMMU_CB1_FSR",
                  "write SMMU_CB1_SCTLR 0x1067",  // M TRE AFE CFRE CFIE ASIDPNE
                  "write SMMU_S2CR0 0x1",
                  // It bypassed before.
                  "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS"));
}

TEST(AccessOrder, ASecondAttachWritesTheStreamAlone) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  Device* const other = rig.add(StreamId(8));
  rig.registers.take();
  ASSERT_TRUE(other->group().attach(*domain));
  EXPECT_THAT(rig.registers.take_writes(),
              ElementsAre("write SMMU_S2CR1 0x1", "write SMMU_sTLBGSYNC 0x0"));
}

TEST(AccessOrder, AMapTouchesNoRegister) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.take();
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, 16 * kPage, kReadWrite));
  EXPECT_FALSE(rig.registers.touched());
}

TEST(AccessOrder, AnUnmapNamesThePageAndWaits) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, kPage, kReadWrite));
  rig.registers.take();
  EXPECT_EQ(domain->unmap(rig.kIova, kPage), kPage);
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_CB1_TLBIVAL 0x1000001234567", "write SMMU_CB1_TLBSYNC 0x0",
                          "read SMMU_CB1_TLBSTATUS"));
  EXPECT_THAT(rig.registers.take_wide_writes(), ::testing::Contains("SMMU_CB1_TLBIVAL"));
}

TEST(AccessOrder, AnUnmapOfManyPagesWaitsOnce) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, 3 * kPage, kReadWrite));
  rig.registers.take();
  EXPECT_EQ(domain->unmap(rig.kIova, 3 * kPage), 3 * kPage);
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_CB1_TLBIVAL 0x1000001234567",
                          "write SMMU_CB1_TLBIVAL 0x1000001234568",
                          "write SMMU_CB1_TLBIVAL 0x1000001234569", "write SMMU_CB1_TLBSYNC 0x0",
                          "read SMMU_CB1_TLBSTATUS"));
}

TEST(AccessOrder, AnUnmapOfMoreThanATableNamesTheAsid) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  // No blocks: the physical addresses are not aligned to any.
  const Pa pa(rig.kPa.value + kPage);
  ASSERT_TRUE(domain->map(rig.kIova, pa, 600 * kPage, kReadWrite));
  rig.registers.take();
  EXPECT_EQ(domain->unmap(rig.kIova, 600 * kPage), 600 * kPage);
  EXPECT_THAT(rig.registers.take_writes(), ::testing::IsSupersetOf({"write SMMU_CB1_TLBIASID 0x1",
                                                                    "write SMMU_CB1_TLBSYNC 0x0"}));
}

// The table is forgotten, too, before it is freed.
TEST(AccessOrder, ABlockThatTakesTheTableOfItsPagesForgetsAllLevels) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  const Iova iova(0x4000'0000);
  // Pages: the physical addresses are not aligned to a block.
  ASSERT_TRUE(domain->map(iova, Pa(rig.kPa.value + kPage), kBlock, kReadWrite));
  rig.registers.take();
  EXPECT_EQ(domain->unmap(iova, kBlock), kBlock);
  const auto writes = rig.registers.take_writes();
  ASSERT_FALSE(writes.empty());
  EXPECT_EQ(writes.front(), "write SMMU_CB1_TLBIVA 0x1000000040000");
  EXPECT_EQ(writes.back(), "write SMMU_CB1_TLBSYNC 0x0");
}

// IHI 0062, "Address translation operations": the address is written, the result read when the
// operation is not active any more, and not before.
TEST(AccessOrder, AnAddressIsAskedForWaitedForAndReadThen) {
  using v2::SMMU_CBn_PAR_Fault;
  using v2::SMMU_CBn_PAR_Long;
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  const Iova iova(rig.kIova.value + 0x123);
  rig.registers.busy_reads = 2;
  rig.registers.set(1, SMMU_CBn_PAR_Long().set(SMMU_CBn_PAR_Long::PA, 0x9876'5000));
  rig.registers.take();
  EXPECT_EQ(domain->iova_to_phys(iova), Pa(0x9876'5123));
  const auto kAsked = ElementsAre("write SMMU_CB1_ATS1PR 0x1234567000", "read SMMU_CB1_ATSR",
                                  "read SMMU_CB1_ATSR", "read SMMU_CB1_ATSR", "read SMMU_CB1_PAR");
  EXPECT_THAT(rig.registers.take(), kAsked);
  EXPECT_THAT(rig.registers.take_wide_writes(), ::testing::Contains("SMMU_CB1_ATS1PR"));

  // What the SMMU does not translate is not mapped, whatever the tables say.
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, kPage, kReadWrite));
  rig.registers.set(1, SMMU_CBn_PAR_Fault().set(SMMU_CBn_PAR_Fault::F, true));
  rig.registers.take();
  EXPECT_EQ(domain->iova_to_phys(iova), std::nullopt);
  EXPECT_THAT(rig.registers.take(), kAsked);

  // One that does not end is given up, its result not read, and none begun while it goes on.
  rig.registers.busy_reads = UINT64_MAX;
  rig.log.sentences();
  EXPECT_EQ(domain->iova_to_phys(iova), Pa(rig.kPa.value + 0x123)) << "by the tables";
  auto accesses = rig.registers.take();
  EXPECT_EQ(accesses.front(), "write SMMU_CB1_ATS1PR 0x1234567000");
  EXPECT_THAT(accesses, ::testing::Not(::testing::Contains("read SMMU_CB1_PAR")));
  EXPECT_LE(accesses.size(), 200U);
  EXPECT_THAT(rig.log.sentences(), ElementsAre(::testing::HasSubstr("SMMU_CB1_ATSR.ACTIVE")));
  EXPECT_EQ(domain->iova_to_phys(iova), Pa(rig.kPa.value + 0x123));
  EXPECT_THAT(rig.registers.take(), ElementsAre("read SMMU_CB1_ATSR"));
}

TEST(AccessOrder, AnAddressOf32BitsIsAskedForByHalfARegister) {
  ScriptedRig rig;
  rig.config.formats = SmmuV2DriverConfig::Formats::kAArch32Short;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  using v2::SMMU_CBn_PAR_Short;
  rig.registers.set(1, SMMU_CBn_PAR_Short().set(SMMU_CBn_PAR_Short::PA, 0x8765'4000));
  rig.registers.take();
  rig.registers.take_wide_writes();
  EXPECT_EQ(domain->iova_to_phys(Iova(0x1234'5678)), Pa(0x8765'4678));
  EXPECT_THAT(rig.registers.take(), ElementsAre("write SMMU_CB1_ATS1PR 0x12345000",
                                                "read SMMU_CB1_ATSR", "read SMMU_CB1_PAR"));
  EXPECT_THAT(rig.registers.take_wide_writes(), IsEmpty());
  // Of a supersection the address within it is the input's.
  rig.registers.set(1, SMMU_CBn_PAR_Short()
                           .set(SMMU_CBn_PAR_Short::SS, true)
                           .set(SMMU_CBn_PAR_Short::PA, 0x8700'0000));
  EXPECT_EQ(domain->iova_to_phys(Iova(0x1234'5678)), Pa(0x8734'5678));
}

TEST(AccessOrder, Stage2IsAskedOfItsTables) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  iommu::Device* const device = rig.add(StreamId(7));
  const auto domain = rig.domain();
  ASSERT_TRUE(domain->set_nesting(true));
  ASSERT_TRUE(device->group().attach(*domain));
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, kPage, kReadWrite));
  rig.registers.take();
  EXPECT_EQ(domain->iova_to_phys(rig.kIova), rig.kPa);
  EXPECT_FALSE(rig.registers.touched());
  EXPECT_TRUE(device->group().detach());
}

TEST(AccessOrder, EverythingIsForgottenByAsidOrByVmid) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.take();
  domain->flush_all();
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_CB1_TLBIASID 0x1", "write SMMU_CB1_TLBSYNC 0x0",
                          "read SMMU_CB1_TLBSTATUS"));

  const auto second = rig.domain();
  ASSERT_TRUE(second->set_nesting(true));
  ASSERT_TRUE(rig.add(StreamId(9))->group().attach(*second));
  rig.registers.take();
  second->flush_all();
  EXPECT_THAT(
      rig.registers.take(),
      ElementsAre("write SMMU_TLBIVMID 0x1", "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS"));
}

TEST(AccessOrder, Stage2HasABankOfItsOwnAndIsNamedByIpa) {
  ScriptedRig rig;
  rig.config.stage = SmmuV2DriverConfig::Stage::kStage2;
  ASSERT_EQ(rig.start(), "");
  Device* const device = rig.add(StreamId(7));
  const auto domain = rig.domain();
  rig.registers.take();
  ASSERT_TRUE(device->group().attach(*domain));
  const std::uint64_t root = domain->driver_domain().tables()->registers().root.value;
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_CBA2R0 0x1", "write SMMU_CBAR0 0x1",  // VMID 1
                          "write SMMU_CB0_TCR 0x80053590",  // 48 bits, from level 0, T0SZ 16
                          fmt::format("write SMMU_CB0_TTBR0 {:#x}", root), "read SMMU_CB0_FSR",
                          "write SMMU_CB0_SCTLR 0x67", "write SMMU_S2CR0 0x0",
                          "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS"));
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, kPage, kReadWrite));
  EXPECT_EQ(domain->unmap(rig.kIova, kPage), kPage);
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("write SMMU_CB0_TLBIIPAS2L 0x1234567", "write SMMU_CB0_TLBSYNC 0x0",
                          "read SMMU_CB0_TLBSTATUS"));
}

TEST(AccessOrder, AContextFaultIsReadReportedClearedAndOnlyThenResumed) {
  ScriptedRig rig;
  rig.config.stalls = SmmuV2DriverConfig::Stalls::kWhereDevicesCan;
  ASSERT_EQ(rig.start(), "");
  auto device =
      rig.iommu->add_device({.name = "gpu", .streams = {{StreamId(7)}}, .can_stall = true});
  ASSERT_TRUE(device);
  const auto domain = rig.domain();
  ASSERT_TRUE((*device)->group().attach(*domain));
  EXPECT_THAT(rig.registers.take_writes(), ::testing::Contains("write SMMU_CB1_SCTLR 0x10e7"));

  // A write at level 3 that waits.
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  rig.registers.set(1, v2::SMMU_CBn_FAR(0x1'2345'6789));
  rig.registers.set(1, v2::SMMU_CBn_FSYNR0(0x13));
  rig.registers.set_nth(1, 1, v2::SMMU_CBFRSYNRAn(7));
  struct Handler final : FaultHandler {
    FaultAction on_fault(Domain&, Device* who, const Fault& what) override {
      reported = what;
      by = who;
      before = registers->take();
      return FaultAction::kRetry;
    }
    ScriptedRegisters* registers = nullptr;
    Fault reported;
    Device* by = nullptr;
    std::vector<std::string> before;
  } handler;
  handler.registers = &rig.registers;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  rig.driver->context_fault_line(1).set(true);
  EXPECT_THAT(handler.before, ElementsAre("read SMMU_CB1_FSR", "read SMMU_CB1_FAR",
                                          "read SMMU_CB1_FSYNR0", "read SMMU_CBFRSYNRA1"));
  EXPECT_THAT(rig.registers.take(), ElementsAre("write SMMU_CB1_FSR 0x40000402",
                                                "write SMMU_CB1_RESUME 0x0", "read SMMU_CB1_FSR"));
  EXPECT_EQ(handler.by, *device);
  EXPECT_EQ(handler.reported.reason, FaultReason::kTranslation);
  EXPECT_EQ(handler.reported.stream, StreamId(7));
  EXPECT_EQ(handler.reported.iova, Iova(0x1'2345'6789));
  EXPECT_EQ(handler.reported.direction, FaultDirection::kWrite);
  EXPECT_TRUE(handler.reported.stalled);
  EXPECT_EQ(handler.reported.record,
            "context bank 1: SMMU_CBn_FSR 0x40000402 (TF, FORMAT 2, SS), SMMU_CBn_FAR 0x123456789, "
            "SMMU_CBn_FSYNR0 0x13 (PLVL 3, WNR), SMMU_CBFRSYNRAn 0x7 (StreamID 7)");
  EXPECT_TRUE(rig.log.sentences().empty());
}

TEST(AccessOrder, AnInterruptWithoutAFaultIsNobodys) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.registers.take();
  rig.driver->context_fault_line(2).set(true);
  rig.driver->global_fault_line().set(true);
  EXPECT_THAT(rig.registers.take(), ElementsAre("read SMMU_CB2_FSR", "read SMMU_sGFSR"));
  EXPECT_THAT(rig.log.sentences(), IsEmpty());
}

TEST(AccessOrder, AGlobalFaultIsReadSaidAndCleared) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.registers.take();
  rig.registers.set(v2::SMMU_sGFSR(2));
  rig.registers.set(v2::SMMU_sGFSYNR0(2));
  rig.registers.set(v2::SMMU_sGFSYNR1(0x99));
  rig.registers.set(v2::SMMU_sGFAR(0x2000));
  rig.driver->global_fault_line().set(true);
  EXPECT_THAT(rig.registers.take(),
              ElementsAre("read SMMU_sGFSR", "read SMMU_sGFSYNR0", "read SMMU_sGFSYNR1",
                          "read SMMU_sGFSYNR2", "read SMMU_sGFAR", "write SMMU_sGFSR 0x2",
                          "read SMMU_sGFSR"));
  EXPECT_THAT(rig.log.sentences(),
              ElementsAre("no device has the stream 0x99: SMMU_sGFSR 0x2 (USF), SMMU_sGFSYNR0 0x2 "
                          "(WNR), SMMU_sGFSYNR1 0x99 (StreamID 153), SMMU_sGFSYNR2 0x0, SMMU_sGFAR "
                          "0x2000"));
}

TEST(AccessOrder, ADetachedStreamIsWaitedFor) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.take();
  EXPECT_TRUE(rig.device->group().detach());
  EXPECT_THAT(
      rig.registers.take(),
      ElementsAre("write SMMU_S2CR0 0x100ff", "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS"));
}

TEST(AccessOrder, ADomainGoesWithItsBankOffAndItsTranslationsForgotten) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  auto domain = rig.attached();
  EXPECT_TRUE(rig.device->group().detach());
  rig.registers.take();
  domain.reset();
  EXPECT_THAT(
      rig.registers.take(),
      ElementsAre("write SMMU_CB1_SCTLR 0x1027",  // no CFIE
                  "read SMMU_CB1_FSR", "write SMMU_CB1_SCTLR 0x0", "write SMMU_CB1_TLBIASID 0x1",
                  "write SMMU_CB1_TLBSYNC 0x0", "read SMMU_CB1_TLBSTATUS"));
  EXPECT_EQ(rig.pool->live(), 0U);
}

// IHI 0062, SMMU_CBn_RESUME: nobody else ends what waits, and the next owner of the bank would be
// told of the fault.  An MMU-500 wants SMMU_CBn_FSR cleared first.
TEST(AccessOrder, ADomainThatGoesEndsWhatWaitsInItsBank) {
  ScriptedRig rig;
  rig.config.stalls = SmmuV2DriverConfig::Stalls::kWhereDevicesCan;
  ASSERT_EQ(rig.start(), "");
  const auto device = rig.iommu->add_device({.streams = {{StreamId(7)}}, .can_stall = true});
  ASSERT_TRUE(device);
  auto domain = rig.domain();
  ASSERT_TRUE((*device)->group().attach(*domain));
  EXPECT_TRUE((*device)->group().detach());
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  rig.registers.take();
  domain.reset();
  EXPECT_THAT(rig.registers.take_writes(),
              ElementsAre("write SMMU_CB1_SCTLR 0x1027",  // no CFCFG either: nothing waits anew
                          "write SMMU_CB1_FSR 0x40000402", "write SMMU_CB1_RESUME 0x1",
                          "write SMMU_CB1_SCTLR 0x0", "write SMMU_CB1_TLBIASID 0x1",
                          "write SMMU_CB1_TLBSYNC 0x0"));
  EXPECT_TRUE(rig.log.sentences().empty());
}

TEST(AccessOrder, ABankIsGivenToADomainWithoutAFault) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.add(StreamId(7));
  const auto domain = rig.domain();
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x402));
  rig.registers.take();
  ASSERT_TRUE(rig.iommu->groups().front()->attach(*domain));
  const auto writes = rig.registers.take_writes();
  const auto cleared = std::ranges::find(writes, "write SMMU_CB1_FSR 0x402");
  ASSERT_NE(cleared, writes.end());
  EXPECT_EQ(cleared[1], "write SMMU_CB1_SCTLR 0x1067");
}

// Whatever the handler says of a fault whose domain it has destroyed, the bank may be another's.
TEST(AccessOrder, AHandlerThatDestroysItsDomainAnswersNothing) {
  struct Destroying final : FaultSink {
    FaultAction on_fault(Device*, const Fault&) override {
      domain.reset();
      after();
      return FaultAction::kRetry;
    }
    std::unique_ptr<DriverDomain> domain;
    std::function<void()> after;
  } sink;
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  Device& device = *rig.add(StreamId(7));
  const auto made = [&](FaultSink* faults) {
    auto domain =
        rig.driver->create_domain({.type = DomainType::kUnmanaged, .faults = faults}, nullptr);
    EXPECT_TRUE(domain);
    EXPECT_TRUE(rig.driver->attach(device, {AttachKind::kDomain, domain->get()}));
    return *std::move(domain);
  };
  sink.domain = made(&sink);
  EXPECT_TRUE(rig.driver->attach(device, {AttachKind::kBlocked}));
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  std::unique_ptr<DriverDomain> next;
  sink.after = [&] {
    next = made(nullptr);
    rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0408));  // of the new one
    rig.driver->context_fault_line(1).set(false);
    rig.registers.take();
  };
  rig.driver->context_fault_line(1).set(true);
  const auto accesses = rig.registers.take();
  EXPECT_EQ(accesses.front(), "read SMMU_CB1_FSR") << "of the next fault";
  EXPECT_EQ(rig.log.sentences().size(), 1U) << "nobody handles it";
  EXPECT_TRUE(rig.driver->attach(device, {AttachKind::kBlocked}));
}

TEST(AccessOrder, ADeviceThatGoesLeavesItsGroupAsItWas) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  Device* const device = rig.add(StreamId(7));
  rig.registers.take();
  rig.iommu->remove_device(*device);
  const auto writes = rig.registers.take_writes();
  ASSERT_GE(writes.size(), 2U);
  EXPECT_EQ(writes[writes.size() - 2], "write SMMU_S2CR0 0x20000");
  EXPECT_EQ(writes.back(), "write SMMU_SMR0 0x0");
}

TEST(AccessOrder, TheEndIsOneWrite) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.registers.take();
  rig.driver->shut_down();
  EXPECT_THAT(rig.registers.take(), ElementsAre("write SMMU_sCR0 0x1"));
  rig.iommu.reset();
  EXPECT_FALSE(rig.registers.touched());
}

// SMMU_sACR is written between SMMU_sCR0 being read and the synchronization.
TEST(AccessOrder, AnMmu500DoesNotPrefetch) {
  ScriptedRig rig;
  rig.config.implementation = SmmuV2DriverConfig::Implementation::kMmu500;
  rig.registers.set(v2::SMMU_sACR(0x0400'001c));
  for (std::uint32_t n = 0; n != 4; ++n) rig.registers.set(n, v2::SMMU_CBn_ACTLR(3));
  ASSERT_EQ(rig.start(), "");
  const auto accesses = rig.registers.take();
  const auto first = std::ranges::find(accesses, "read SMMU_sCR0");
  ASSERT_LE(first + 19, accesses.end());
  EXPECT_THAT(
      std::vector<std::string>(first, first + 19),
      ElementsAre("read SMMU_sCR0", "read SMMU_IDR7", "read SMMU_sACR", "write SMMU_sACR 0x51c",
                  "read SMMU_CB0_ACTLR", "write SMMU_CB0_ACTLR 0x1", "read SMMU_CB0_ACTLR",
                  "read SMMU_CB1_ACTLR", "write SMMU_CB1_ACTLR 0x1", "read SMMU_CB1_ACTLR",
                  "read SMMU_CB2_ACTLR", "write SMMU_CB2_ACTLR 0x1", "read SMMU_CB2_ACTLR",
                  "read SMMU_CB3_ACTLR", "write SMMU_CB3_ACTLR 0x1", "read SMMU_CB3_ACTLR",
                  "write SMMU_sTLBGSYNC 0x0", "read SMMU_sTLBGSTATUS", kControl));
}

TEST(AccessOrder, StreamsOfFirmwareGoOnWhileTheSmmuIsReset) {
  ScriptedRig rig;
  rig.config.firmware_streams = {{StreamId(0x42)}};
  rig.registers.set(v2::SMMU_sCR0());
  ASSERT_EQ(rig.start(), "");
  const auto writes = rig.registers.take_writes();
  ASSERT_GE(writes.size(), 4U);
  EXPECT_EQ(writes[0], "write SMMU_sCR0 0x1");
  EXPECT_THAT(writes, ::testing::IsSupersetOf(
                          {"write SMMU_S2CR0 0x100ff", "write SMMU_SMR0 0x80000042", kControl}));
  // Its driver takes it over.
  Device* const device = rig.add(StreamId(0x42));
  EXPECT_THAT(rig.registers.take_writes(), IsEmpty());  // its default domain is kIdentity
  const auto domain = rig.domain();
  ASSERT_TRUE(device->group().attach(*domain));
  EXPECT_THAT(rig.registers.take_writes(), ::testing::Contains("write SMMU_S2CR0 0x1"));
}

TEST(AccessOrder, AResumeBringsEverythingBack) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, kPage, kReadWrite));
  const std::uint64_t root = domain->driver_domain().tables()->registers().root.value;
  ASSERT_TRUE(rig.driver->suspend());
  rig.registers.take();
  EXPECT_EQ(domain->unmap(rig.kIova, kPage), kPage);
  EXPECT_FALSE(rig.registers.touched()) << "there are no registers to be touched";
  ASSERT_TRUE(rig.driver->resume());
  const auto writes = rig.registers.take_writes();
  EXPECT_THAT(writes, ::testing::IsSupersetOf({"write SMMU_S2CR0 0x1", "write SMMU_SMR0 0x80000007",
                                               "write SMMU_CB1_SCTLR 0x1067"}));
  EXPECT_THAT(writes, ::testing::Contains(fmt::format("write SMMU_CB1_TTBR0 {:#x}",
                                                      root | std::uint64_t{1} << 48)));
  EXPECT_EQ(writes.back(), kControl);
}

}  // namespace
}  // namespace smmu::testing::access_order_test
