// Faults of a context bank: which bit says so, what is recorded of the first, what the device sees,
// and how software gets rid of them.
#include <functional>

#include "test/system_v2/software.h"

namespace smmu::testing::context_fault_test {
namespace {

using emulator::Direction;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kAddress(0x12'3456'7abc);
constexpr Iova kPage(0x12'3456'7000);
constexpr Pa kNoMemory(0x10'0000'0000);
constexpr std::uint32_t kBank = 3;

// A bank of stage 1 that maps kPage, and a device whose accesses it translates.
class ContextFault : public ::testing::Test {
 protected:
  ContextFault() {
    table.map(kPage, target, 4096);
    software.stage1(kBank, table, {.asid = 5});
    software.lead(kStream, kBank);
    software.enable();
  }

  SMMU_CBn_FSR fsr() const { return bank.read<SMMU_CBn_FSR>(); }
  void clear() const { bank.write(all_faults()); }

  V2Rig rig;
  Software software{rig};
  RegisterPage bank = software.bank(kBank);
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(4096);
  DmaDevice device = rig.device(kStream);
};

struct Cause {
  const char* name;
  std::function<void(V2Rig&, const RegisterPage& bank, PageTable&, Pa target)> prepare;
  std::uint32_t status;
  unsigned level;
  bool in_walk = false;
};

std::uint32_t bit(std::uint32_t n) { return 1U << n; }

const Cause kCauses[] = {
    {"nothing at level 3",
     [](V2Rig&, const RegisterPage&, PageTable& table, Pa) { table.unmap(kPage); }, bit(1), 3},
    {"nothing at level 1",
     [](V2Rig& rig, const RegisterPage& bank, PageTable&, Pa) {
       bank.write(SMMU_CBn_TTBR0_AArch64(rig.allocate(4096).value));
     },
     bit(1), 1},
    {"walks that are disabled",
     [](V2Rig&, const RegisterPage& bank, PageTable&, Pa) {
       using Tcr = SMMU_CBn_TCR_AArch64;
       bank.write(bank.read<Tcr>().set(Tcr::EPD0, true));
     },
     bit(1), 0},
    {"an access flag that is clear",
     [](V2Rig&, const RegisterPage&, PageTable& table, Pa target) {
       table.map(kPage, target, 4096, {.access_flag = false});
     },
     bit(2), 3},
    {"a page that is read-only",
     [](V2Rig&, const RegisterPage&, PageTable& table, Pa target) {
       table.map(kPage, target, 4096, {.writable = false});
     },
     bit(3), 3},
    {"a page that is for privileged accesses",
     [](V2Rig&, const RegisterPage&, PageTable& table, Pa target) {
       table.map(kPage, target, 4096, {.unprivileged = false});
     },
     bit(3), 3},
    {"tables where no memory is",
     [](V2Rig&, const RegisterPage& bank, PageTable&, Pa) {
       bank.write(SMMU_CBn_TTBR0_AArch64(kNoMemory.value));
     },
     bit(4), 1, true},
    {"tables beyond the size of addresses",
     [](V2Rig&, const RegisterPage& bank, PageTable&, Pa) {
       bank.write(bank.read<SMMU_CBn_TCR2>().set(SMMU_CBn_TCR2::PASize, OutputSize::k32Bits));
       bank.write(SMMU_CBn_TTBR0_AArch64(kNoMemory.value));
     },
     bit(7), 0},
    {"a page beyond the size of addresses",
     [](V2Rig&, const RegisterPage& bank, PageTable& table, Pa) {
       bank.write(bank.read<SMMU_CBn_TCR2>().set(SMMU_CBn_TCR2::PASize, OutputSize::k32Bits));
       table.map(kPage, kNoMemory, 4096);
     },
     bit(7), 3},
};

TEST_F(ContextFault, HasABitOfItsOwnAndTellsOfTheAccess) {
  for (const Cause& cause : kCauses) {
    SCOPED_TRACE(cause.name);
    V2Rig fresh;
    Software driver(fresh);
    PageTable tables = fresh.page_table(stage1_tables());
    tables.map(kPage, target, 4096);
    driver.stage1(kBank, tables);
    driver.lead(kStream, kBank);
    driver.enable();
    const RegisterPage page = driver.bank(kBank);
    cause.prepare(fresh, page, tables, target);
    EXPECT_THAT(fresh.device(kStream).translate(kAddress, Direction::kWrite), Aborts());
    EXPECT_EQ(page.read<SMMU_CBn_FSR>(),
              SMMU_CBn_FSR(cause.status).set(SMMU_CBn_FSR::FORMAT, TranslationFormat::kAArch64));
    EXPECT_EQ(page.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kAddress.value);
    EXPECT_EQ(page.read<SMMU_CBn_FSYNR0>(), SMMU_CBn_FSYNR0()
                                                .set(SMMU_CBn_FSYNR0::PLVL, cause.level)
                                                .set(SMMU_CBn_FSYNR0::WNR, true)
                                                .set(SMMU_CBn_FSYNR0::PTWF, cause.in_walk));
    EXPECT_EQ(driver.gr1.read<SMMU_CBFRSYNRAn>(kBank),
              SMMU_CBFRSYNRAn().set(SMMU_CBFRSYNRAn::StreamID, kStream.value));
    EXPECT_TRUE(fresh.context_fault(kBank).up());
    EXPECT_TRUE(fresh.combined.up());
    EXPECT_EQ(driver.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
  }
}

TEST_F(ContextFault, TellsOfThePrivilegeAndTheKindOfTheAccess) {
  table.unmap(kPage);
  device.privileged().translate(kAddress);
  EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>(),
            SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::PLVL, 3).set(SMMU_CBn_FSYNR0::PNU, true));
  clear();
  device.fetching_instructions().translate(kAddress);
  EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>(),
            SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::PLVL, 3).set(SMMU_CBn_FSYNR0::IND, true));
  clear();
  // A write is data, whatever the device says.
  device.fetching_instructions().translate(kAddress, Direction::kWrite);
  EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>(),
            SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::PLVL, 3).set(SMMU_CBn_FSYNR0::WNR, true));
}

TEST_F(ContextFault, FormatIsThatOfTheTables) {
  for (const bool is_long : {false, true}) {
    SCOPED_TRACE(is_long);
    clear();
    software.gr1.write(kBank, SMMU_CBA2Rn());
    bank.write(SMMU_CBn_TTBR0_AArch64(rig.allocate(1 << 14, 1 << 14).value));
    bank.write(SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, is_long));
    EXPECT_THAT(device.translate(Iova(0x8000'1234)), Aborts());
    EXPECT_EQ(fsr(), SMMU_CBn_FSR()
                         .set(SMMU_CBn_FSR::TF, true)
                         .set(SMMU_CBn_FSR::FORMAT, is_long ? TranslationFormat::kAArch32Long
                                                            : TranslationFormat::kAArch32Short));
    EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::PLVL], 1U);
    EXPECT_EQ(bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], 0x8000'1234U);
  }
}

TEST_F(ContextFault, OfTheAccessFlagNeverComesWithoutThem) {
  table.map(kPage, target, 4096, {.access_flag = false});
  bank.write(translating().set(SMMU_CBn_SCTLR::AFFD, true));
  EXPECT_THAT(device.translate(kPage), TranslatesTo(target));
  EXPECT_EQ(fsr(), SMMU_CBn_FSR());
}

TEST_F(ContextFault, WithoutReportEnablesIsRazWiAndQuiet) {
  table.unmap(kPage);
  bank.write(translating().set(SMMU_CBn_SCTLR::CFRE, false).set(SMMU_CBn_SCTLR::CFIE, false));
  EXPECT_THAT(device.translate(kAddress), IsRazWi());
  EXPECT_EQ(device.read64(kPage), 0U);
  EXPECT_EQ(device.write64(kPage, 1).bytes, 8U);
  EXPECT_TRUE(fsr()[SMMU_CBn_FSR::TF]);
  EXPECT_TRUE(rig.quiet());
  bank.write(translating());
  EXPECT_TRUE(rig.context_fault(kBank).up()) << "the fault is still there";
}

TEST_F(ContextFault, TheFirstOneWins) {
  const Iova read_only(kPage.value + 4096);
  table.map(read_only, target, 4096, {.writable = false});
  table.unmap(kPage);
  constexpr StreamId kOther(0x77);
  software.lead(kOther, kBank);
  device.translate(kAddress);
  EXPECT_THAT(rig.device(kOther).translate(read_only, Direction::kWrite), Aborts());
  EXPECT_EQ(fsr(), SMMU_CBn_FSR()
                       .set(SMMU_CBn_FSR::TF, true)
                       .set(SMMU_CBn_FSR::FORMAT, TranslationFormat::kAArch64)
                       .set(SMMU_CBn_FSR::MULTI, true));
  EXPECT_EQ(bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kAddress.value);
  EXPECT_FALSE(bank.read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::WNR]);
  EXPECT_EQ(software.gr1.read<SMMU_CBFRSYNRAn>(kBank)[SMMU_CBFRSYNRAn::StreamID], kStream.value);
  EXPECT_EQ(rig.context_fault(kBank).rises(), 1U);
  clear();
  rig.device(kOther).translate(read_only, Direction::kWrite);
  EXPECT_TRUE(fsr()[SMMU_CBn_FSR::PF]);
  EXPECT_FALSE(fsr()[SMMU_CBn_FSR::MULTI]);
  EXPECT_EQ(bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], read_only.value);
  EXPECT_EQ(software.gr1.read<SMMU_CBFRSYNRAn>(kBank)[SMMU_CBFRSYNRAn::StreamID], kOther.value);
}

TEST_F(ContextFault, EveryBitIsClearedByItselfAndRestored) {
  constexpr std::uint32_t kAll = 0x8000'01fe;
  bank.write(SMMU_CBn_FSRRESTORE(~0U));
  EXPECT_EQ(fsr().raw(), kAll);
  EXPECT_EQ(bank.read<SMMU_CBn_FSRRESTORE>().raw(), 0U) << "write-only";
  std::uint32_t left = kAll;
  for (unsigned n = 0; n != 32; ++n) {
    SCOPED_TRACE(n);
    bank.write(SMMU_CBn_FSR(1U << n));
    left &= ~(1U << n);
    EXPECT_EQ(fsr().raw(), left);
    EXPECT_EQ(rig.context_fault(kBank).up(), left != 0);
  }
  EXPECT_EQ(rig.context_fault(kBank).rises(), 1U);
  EXPECT_TRUE(rig.quiet());
}

// What Qualcomm's driver tries when it starts.
TEST_F(ContextFault, RestoredRaisesItsLine) {
  bank.write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::CFIE, true).set(SMMU_CBn_SCTLR::CFRE, true));
  bank.write(SMMU_CBn_FSRRESTORE().set(SMMU_CBn_FSRRESTORE::TF, true));
  EXPECT_TRUE(rig.context_fault(kBank).up());
  EXPECT_TRUE(fsr()[SMMU_CBn_FSR::TF]);
  bank.write(fsr());
  EXPECT_FALSE(rig.context_fault(kBank).up());
}

TEST_F(ContextFault, SyndromesAreWhatSoftwareWrites) {
  bank.write(SMMU_CBn_FAR(0x1234'5678'9abc'def0));
  bank.write(SMMU_CBn_IPAFAR(0x0fed'cba9'8765'4000));
  bank.write(SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::WNR, true));
  software.gr1.write(kBank, SMMU_CBFRSYNRAn().set(SMMU_CBFRSYNRAn::StreamID, 0x55));
  EXPECT_EQ(bank.read_high_then_low<SMMU_CBn_FAR>().raw(), 0x1234'5678'9abc'def0U);
  EXPECT_EQ(bank.read<SMMU_CBn_IPAFAR>().raw(), 0x0fed'cba9'8765'4000U);
  EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>(), SMMU_CBn_FSYNR0().set(SMMU_CBn_FSYNR0::WNR, true));
  EXPECT_EQ(software.gr1.read<SMMU_CBFRSYNRAn>(kBank)[SMMU_CBFRSYNRAn::StreamID], 0x55U);
}

// The page across which an access runs is the one that is recorded.
TEST_F(ContextFault, OfAnAccessAcrossPagesIsAtTheAddressWhereItStops) {
  std::array<std::byte, 64> bytes{};
  const Iova start(kPage.value + 4096 - 16);
  const auto transfer = device.write(start, bytes);
  EXPECT_EQ(transfer.bytes, 16U);
  EXPECT_THAT(transfer, Aborts());
  EXPECT_EQ(bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kPage.value + 4096);
}

}  // namespace
}  // namespace smmu::testing::context_fault_test
