// Whose a device is where a table says so, and what that does to it.
#include "test/system_v2/bank.h"

namespace smmu::testing {
namespace {

using emulator::SmmuV2Config;
using emulator::Transaction;
using namespace v2;

constexpr Iova kAddress(0x1234'5000);

// Streams of Non-secure software bypass, those of Secure software fault.
struct Determined {
  explicit Determined(SecurityTable table, unsigned index_bits = 15, bool large = false)
      : rig(with(table, index_bits, large)), words(large ? 0x4'0000U : 0x4000U) {
    rig.registers().global0().write(SMMU_sCR0());
    rig.secure_registers().global0().write(all_faults_abort());
  }
  static SmmuV2Config with(SecurityTable table, unsigned index_bits, bool large) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr1.set(SMMU_IDR1::SSDTP, table)
        .set(SMMU_IDR1::NUMSSDNDXB, index_bits)
        .set(SMMU_IDR1::PAGESIZE, large);
    return config;
  }

  void write(std::uint32_t word, std::uint32_t value) {
    rig.smmu().secure().write32(words + 4 * word, value);
  }
  // As an interconnect says it that knows better.
  bool is_secure(std::uint16_t index, SecurityState said = SecurityState::kNonSecure) {
    const auto outcome = port.translate(
        {.stream = StreamId(7), .address = kAddress, .security = said, .ssd_index = index});
    return !std::holds_alternative<emulator::Translation>(outcome);
  }

  V2Rig rig;
  std::uint32_t words;  // where the table begins
  emulator::Port& port = rig.smmu().add_port();
};

TEST(SecurityStateTable, HasABitForEachDevice) {
  for (const bool large : {false, true}) {
    Determined determined(SecurityTable::k16Bits, 15, large);
    determined.write(0, 0xffff'fffe);
    determined.write(1, 0x7fff'ffff);
    determined.write(0x7ff, 0x0000'ffff);
    EXPECT_TRUE(determined.is_secure(0));
    EXPECT_FALSE(determined.is_secure(1));
    EXPECT_FALSE(determined.is_secure(62));
    EXPECT_TRUE(determined.is_secure(63));
    EXPECT_FALSE(determined.is_secure(64));
    EXPECT_FALSE(determined.is_secure(0xffef));
    EXPECT_TRUE(determined.is_secure(0xfff0));
    EXPECT_TRUE(determined.is_secure(0xffff));
  }
}

// What the transaction says of itself is not asked.
TEST(SecurityStateTable, DecidesAlone) {
  Determined determined(SecurityTable::k16Bits);
  EXPECT_FALSE(determined.is_secure(5, SecurityState::kSecure));
  determined.write(0, 0);
  EXPECT_TRUE(determined.is_secure(5, SecurityState::kSecure));
  EXPECT_TRUE(determined.is_secure(5, SecurityState::kNonSecure));
}

TEST(SecurityStateTable, IsNotThereWithoutSsdtp) {
  Determined determined(SecurityTable::kNone);
  determined.write(0, 0);
  EXPECT_FALSE(determined.is_secure(5));
  EXPECT_TRUE(determined.is_secure(5, SecurityState::kSecure));
}

TEST(SecurityStateTable, TellsSecureSoftwareOfTheIndex) {
  Determined determined(SecurityTable::k16Bits);
  determined.write(0x12, 0);
  EXPECT_TRUE(determined.is_secure(0x244));
  const RegisterPage secure = determined.rig.secure_registers().global0();
  EXPECT_EQ(secure.read<SMMU_sGFSYNR1>(),
            SMMU_sGFSYNR1().set(SMMU_sGFSYNR1::StreamID, 7).set(SMMU_sGFSYNR1::SSD_Index, 0x244));
}

TEST(SecurityStateTable, IsAllNonSecureAfterAReset) {
  Determined determined(SecurityTable::kIndexed, 6);
  for (std::uint16_t index = 0; index != 64; ++index) EXPECT_FALSE(determined.is_secure(index));
  determined.write(1, 0);
  EXPECT_TRUE(determined.is_secure(33));
  EXPECT_FALSE(determined.is_secure(1));
  EXPECT_EQ(determined.rig.smmu().secure().read32(determined.words + 8), 0U) << "64 devices";
}

// GASRAE: the global spaces are Secure software's, the banks are not.
TEST(SecurityStateTable, IsNotNeededToKeepTheGlobalSpaces) {
  V2Rig rig;
  const RegisterPage secure = rig.secure_registers().global0();
  rig.registers().global0().write(SMMU_sGFAR(0x1234));
  const std::uint32_t bank = 0x8'0000;
  secure.write(secure.read<SMMU_SCR1>().set(SMMU_SCR1::GASRAE, true));
  for (const std::uint32_t offset : {0x020U, 0x040U, 0x1000U, 0x3e00U}) {
    EXPECT_EQ(rig.smmu().read32(offset), 0U) << std::hex << offset;
  }
  rig.smmu().write32(0x040, 0x77);
  EXPECT_EQ(rig.secure_registers().non_secure_aliases().read<SMMU_sGFAR>().raw(), 0x1234U);
  rig.smmu().write32(bank + SMMU_CBn_FAR::kOffset, 0x4321);
  EXPECT_EQ(rig.smmu().read32(bank + SMMU_CBn_FAR::kOffset), 0x4321U);
}

}  // namespace
}  // namespace smmu::testing
