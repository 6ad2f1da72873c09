// The table that says whose a device is, by its SSD_Index.
#include "test/system_v2/software.h"

namespace smmu::testing {
namespace {

using emulator::Outcome;
using emulator::SmmuV2Config;
using emulator::Transaction;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kPage(0x12'3456'7000);
constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint32_t kTable = 4 * kPageBytes;

SmmuV2Config with_table(SecurityTable kind, std::uint32_t index_bits) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::SSDTP, kind).set(SMMU_IDR1::NUMSSDNDXB, index_bits);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  return config;
}

class Table {
 public:
  explicit Table(const SmmuV2Config& config) : rig(config) {
    software.enable();
    secure.enable();
  }

  RegisterPage table(bool as_secure = true) {
    return {as_secure ? static_cast<Mmio&>(rig.smmu().secure()) : rig.smmu(), kTable};
  }
  // Who hears of a stream that nobody knows: the state that the device is of.
  SecurityState state_of(std::uint16_t index) {
    Transaction transaction{.stream = kStream, .address = kPage};
    transaction.ssd_index = index;
    // What the device says itself counts for nothing.
    transaction.security = SecurityState::kSecure;
    EXPECT_THAT(port.translate(transaction), Aborts());
    const bool is_secure = secure.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::USF];
    EXPECT_NE(is_secure, software.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::USF]);
    if (is_secure) {
      EXPECT_EQ(secure.gr0.read<SMMU_sGFSYNR1>(), SMMU_sGFSYNR1()
                                                      .set(SMMU_sGFSYNR1::StreamID, kStream.value)
                                                      .set(SMMU_sGFSYNR1::SSD_Index, index));
    } else {
      EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR1>(),
                SMMU_sGFSYNR1().set(SMMU_sGFSYNR1::StreamID, kStream.value))
          << "Non-secure software does not hear the index";
    }
    secure.gr0.write(SMMU_sGFSR(~0U));
    software.gr0.write(SMMU_sGFSR(~0U));
    return is_secure ? SecurityState::kSecure : SecurityState::kNonSecure;
  }

  V2Rig rig;
  Software software{rig};
  Software secure{rig, SecurityState::kSecure, 64};
  emulator::Port& port = rig.smmu().add_port();
};

TEST(SecurityTableOfDevices, SaysWhoseADeviceIs) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  for (const std::uint16_t index : std::initializer_list<std::uint16_t>{0, 31, 32, 33, 255}) {
    EXPECT_EQ(t.state_of(index), SecurityState::kNonSecure) << "until software says otherwise";
  }
  // Device 33 is the second one of the second word.
  t.table().write(1, SMMU_SSDRn(~0U).set(SMMU_SSDRn::SSD, ~2U));
  EXPECT_EQ(t.state_of(32), SecurityState::kNonSecure);
  EXPECT_EQ(t.state_of(33), SecurityState::kSecure);
  EXPECT_EQ(t.state_of(1), SecurityState::kNonSecure);
  EXPECT_EQ(t.table().read<SMMU_SSDRn>(1)[SMMU_SSDRn::SSD], ~2U);
}

TEST(SecurityTableOfDevices, IsSecureSoftwares) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  EXPECT_EQ(t.table(false).read<SMMU_SSDRn>(0).raw(), 0U);
  t.table(false).write(0, SMMU_SSDRn());
  EXPECT_EQ(t.table().read<SMMU_SSDRn>(0).raw(), ~0U);
  EXPECT_EQ(t.state_of(0), SecurityState::kNonSecure);
}

TEST(SecurityTableOfDevices, HasAsManyBitsAsTheIndex) {
  Table t(with_table(SecurityTable::kIndexed, 6));
  t.table().write(1, SMMU_SSDRn());
  EXPECT_EQ(t.table().read<SMMU_SSDRn>(1).raw(), 0U);
  // There is no third word.
  t.table().write(2, SMMU_SSDRn(0x1234));
  EXPECT_EQ(t.table().read<SMMU_SSDRn>(2).raw(), 0U);
  EXPECT_EQ(t.state_of(63), SecurityState::kSecure);
}

TEST(SecurityTableOfDevices, BeginsAsConfigured) {
  SmmuV2Config config = with_table(SecurityTable::kIndexed, 8);
  config.ssdr_reset = 0x5555'5555;
  Table t(config);
  EXPECT_EQ(t.state_of(0), SecurityState::kNonSecure);
  EXPECT_EQ(t.state_of(1), SecurityState::kSecure);
  EXPECT_EQ(t.state_of(34), SecurityState::kNonSecure);
}

TEST(SecurityTableOfDevices, IsNotThereWithoutOne) {
  Table t(with_table(SecurityTable::kNone, 15));
  t.table().write(0, SMMU_SSDRn());
  EXPECT_EQ(t.table().read<SMMU_SSDRn>(0).raw(), 0U);
  EXPECT_EQ(t.state_of(0), SecurityState::kSecure) << "as the transaction says";
}

// A context fault names the device to Secure software alone.
TEST(SecurityTableOfDevices, IsNamedByContextFaultsOfSecureBanks) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  PageTable table = t.rig.page_table(stage1_tables());
  constexpr std::uint32_t kBank = 70;
  t.secure.stage1(kBank, table);
  t.secure.lead(kStream, kBank);
  t.table().write(0, SMMU_SSDRn(~std::uint32_t{1 << 9}));
  Transaction transaction{.stream = kStream, .address = kPage};
  transaction.ssd_index = 9;
  EXPECT_THAT(t.port.translate(transaction), Aborts());
  EXPECT_TRUE(t.secure.bank(kBank).read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::TF]);
  EXPECT_EQ(t.secure.gr1.read<SMMU_CBFRSYNRAn>(kBank),
            SMMU_CBFRSYNRAn()
                .set(SMMU_CBFRSYNRAn::StreamID, kStream.value)
                .set(SMMU_CBFRSYNRAn::SSD_Index, 9));
}

}  // namespace
}  // namespace smmu::testing
