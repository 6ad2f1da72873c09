// The table that says whose a device is, by its SSD_Index.
#include "test/system_v2/software.h"

namespace smmu::testing::security_state_table_test {
namespace {

using emulator::SmmuV2Config;
using emulator::Transaction;
using enum SecurityState;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kPage(0x12'3456'7000);

enum class Pages { k4K, k64K };

SmmuV2Config with_table(SecurityTable kind, std::uint32_t index_bits = 15,
                        Pages pages = Pages::k4K) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::SSDTP, kind)
      .set(SMMU_IDR1::NUMSSDNDXB, index_bits)
      .set(SMMU_IDR1::PAGESIZE, pages == Pages::k64K);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  return config;
}

class Table {
 public:
  explicit Table(const SmmuV2Config& config)
      : rig(config), start_(config.idr1[SMMU_IDR1::PAGESIZE] ? 4U << 16 : 4U << 12) {
    software.enable();
    secure.enable();
  }

  RegisterPage table(SecurityState finder = kSecure) {
    return {finder == kSecure ? static_cast<Mmio&>(rig.smmu().secure()) : rig.smmu(), start_};
  }
  void write(std::uint32_t n, std::uint32_t word) { table().write(n, SMMU_SSDRn(word)); }
  std::uint32_t read(std::uint32_t n) { return table().read<SMMU_SSDRn>(n).raw(); }

  // Who hears of a stream that nobody knows: the state that the device is of.  `said`: what the
  // device, or the interconnect, says of it.
  SecurityState state_of(std::uint16_t index, SecurityState said = kSecure) {
    Transaction transaction{.stream = kStream, .address = kPage};
    transaction.ssd_index = index;
    transaction.security = said;
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
    return is_secure ? kSecure : kNonSecure;
  }

  V2Rig rig;
  Software software{rig};
  Software secure{rig, kSecure, 64};
  emulator::Port& port = rig.smmu().add_port();

 private:
  std::uint32_t start_;
};

TEST(SecurityStateTable, HasABitForEachDevice) {
  for (const Pages pages : {Pages::k4K, Pages::k64K}) {
    Table t(with_table(SecurityTable::k16Bits, 15, pages));
    t.write(0, 0xffff'fffe);
    t.write(1, 0x7fff'ffff);
    t.write(0x12, ~std::uint32_t{1 << 4});
    t.write(0x7ff, 0x0000'ffff);
    EXPECT_EQ(t.state_of(0), kSecure);
    EXPECT_EQ(t.state_of(1), kNonSecure);
    EXPECT_EQ(t.state_of(62), kNonSecure);
    EXPECT_EQ(t.state_of(63), kSecure);
    EXPECT_EQ(t.state_of(64), kNonSecure);
    EXPECT_EQ(t.state_of(0x244), kSecure);
    EXPECT_EQ(t.state_of(0xffef), kNonSecure);
    EXPECT_EQ(t.state_of(0xfff0), kSecure);
    EXPECT_EQ(t.state_of(0xffff), kSecure);
  }
}

TEST(SecurityStateTable, SaysWhoseADeviceIs) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  for (const std::uint16_t index : std::initializer_list<std::uint16_t>{0, 31, 32, 33, 255}) {
    EXPECT_EQ(t.state_of(index), kNonSecure) << "until software says otherwise";
  }
  // Device 33 is the second one of the second word.
  t.write(1, ~2U);
  EXPECT_EQ(t.state_of(32), kNonSecure);
  EXPECT_EQ(t.state_of(33), kSecure);
  EXPECT_EQ(t.state_of(1), kNonSecure);
  EXPECT_EQ(t.read(1), ~2U);
}

// What the transaction says of itself is not asked.
TEST(SecurityStateTable, DecidesAlone) {
  Table t(with_table(SecurityTable::k16Bits));
  EXPECT_EQ(t.state_of(5, kSecure), kNonSecure);
  EXPECT_EQ(t.state_of(5, kNonSecure), kNonSecure);
  t.write(0, 0);
  EXPECT_EQ(t.state_of(5, kSecure), kSecure);
  EXPECT_EQ(t.state_of(5, kNonSecure), kSecure);
}

TEST(SecurityStateTable, IsSecureSoftwares) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  EXPECT_EQ(t.table(kNonSecure).read<SMMU_SSDRn>(0).raw(), 0U);
  t.table(kNonSecure).write(0, SMMU_SSDRn());
  EXPECT_EQ(t.read(0), ~0U);
  EXPECT_EQ(t.state_of(0), kNonSecure);
}

TEST(SecurityStateTable, HasAsManyBitsAsTheIndex) {
  Table t(with_table(SecurityTable::kIndexed, 6));
  for (std::uint16_t index = 0; index != 64; ++index) EXPECT_EQ(t.state_of(index), kNonSecure);
  t.write(1, 0);
  EXPECT_EQ(t.read(1), 0U);
  // There is no third word.
  EXPECT_EQ(t.read(2), 0U);
  t.write(2, 0x1234);
  EXPECT_EQ(t.read(2), 0U);
  EXPECT_EQ(t.state_of(1), kNonSecure);
  EXPECT_EQ(t.state_of(33), kSecure);
  EXPECT_EQ(t.state_of(63), kSecure);
}

// Of fewer devices than a word has bits, too; and the syndrome names the device that was found.
TEST(SecurityStateTable, LooksAtTheBitsOfAnIndexThatThereAre) {
  Table t(with_table(SecurityTable::kIndexed, 3));
  t.write(0, ~std::uint32_t{1 << 1});
  Transaction transaction{.stream = kStream, .address = kPage};
  for (const std::uint16_t index : std::initializer_list<std::uint16_t>{1, 9, 0xfff9}) {
    transaction.ssd_index = index;
    EXPECT_THAT(t.port.translate(transaction), Aborts());
    EXPECT_EQ(t.secure.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::SSD_Index], 1U) << index;
    t.secure.gr0.write(SMMU_sGFSR(~0U));
  }
  EXPECT_EQ(t.state_of(7), kNonSecure);
}

TEST(SecurityStateTable, BeginsAsConfigured) {
  SmmuV2Config config = with_table(SecurityTable::kIndexed, 8);
  config.ssdr_reset = 0x5555'5555;
  Table t(config);
  EXPECT_EQ(t.state_of(0), kNonSecure);
  EXPECT_EQ(t.state_of(1), kSecure);
  EXPECT_EQ(t.state_of(34), kNonSecure);
}

TEST(SecurityStateTable, IsNotThereWithoutSsdtp) {
  Table t(with_table(SecurityTable::kNone));
  t.write(0, 0);
  EXPECT_EQ(t.read(0), 0U);
  EXPECT_EQ(t.state_of(5, kNonSecure), kNonSecure) << "as the transaction says";
  EXPECT_EQ(t.state_of(5, kSecure), kSecure);
}

// A context fault names the device to Secure software alone.
TEST(SecurityStateTable, IsNamedByContextFaultsOfSecureBanks) {
  Table t(with_table(SecurityTable::kIndexed, 8));
  PageTable table = t.rig.page_table(stage1_tables());
  constexpr std::uint32_t kBank = 70;
  t.secure.stage1(kBank, table);
  t.secure.lead(kStream, kBank);
  t.write(0, ~std::uint32_t{1 << 9});
  Transaction transaction{.stream = kStream, .address = kPage};
  transaction.ssd_index = 9;
  EXPECT_THAT(t.port.translate(transaction), Aborts());
  EXPECT_TRUE(t.secure.bank(kBank).read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::TF]);
  EXPECT_EQ(t.secure.gr1.read<SMMU_CBFRSYNRAn>(kBank),
            SMMU_CBFRSYNRAn()
                .set(SMMU_CBFRSYNRAn::StreamID, kStream.value)
                .set(SMMU_CBFRSYNRAn::SSD_Index, 9));
}

// With streams of Non-secure software that bypass: the table takes a device's bypass away.
TEST(SecurityStateTable, DecidesWhetherAStreamBypasses) {
  Table t(with_table(SecurityTable::k16Bits));
  t.software.enable(SMMU_sCR0());
  Transaction transaction{.stream = kStream, .address = kPage};
  transaction.ssd_index = 7;
  EXPECT_THAT(t.port.translate(transaction), TranslatesTo(Pa(kPage.value)));
  t.write(0, ~std::uint32_t{1 << 7});
  EXPECT_THAT(t.port.translate(transaction), Aborts());
}

}  // namespace
}  // namespace smmu::testing::security_state_table_test
