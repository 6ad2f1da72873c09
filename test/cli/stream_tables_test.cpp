#include "emulator/cli/stream_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/arch/v3/registers.h"

namespace smmu::cli::stream_tables_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kS1 = 0xb;      // V, Config 0b101
constexpr std::uint64_t kBypass = 0x9;  // V, Config 0b100
constexpr std::uint64_t kAbort = 0x1;   // V, Config 0b000

class StreamTablesTest : public ::testing::Test {
 protected:
  void word(std::uint64_t address, std::uint64_t value) {
    memory_.add_page(address & ~(kPageBytes - 1));
    memory_.set(address, value);
  }
  void registers(std::uint64_t base, std::uint64_t cfg, std::uint64_t idr1 = 0x10) {
    registers_ = {};
    registers_.add(v3::SMMU_IDR0::kOffset, 0x0d40101a);
    registers_.add(v3::SMMU_IDR1::kOffset, idr1);
    registers_.add(v3::SMMU_STRTAB_BASE::kOffset, base);
    registers_.add(v3::SMMU_STRTAB_BASE_CFG::kOffset, cfg);
  }
  std::vector<std::uint32_t> ids() {
    Budget budget("memory.txt");
    std::vector<std::uint32_t> result;
    for (const Stream& stream : find_streams(registers_, memory_, budget))
      result.push_back(stream.id);
    return result;
  }

  RegisterValues registers_;
  MemoryImage memory_;
};

TEST_F(StreamTablesTest, ALinearTableHasAnSteForEachStream) {
  registers(0x40001000, 0x8);  // 2^8 STEs: aligned to 16 KiB, so the table begins at 0x40000000
  word(0x40000000 + 0x08 * 64, kS1 | 0x50000000);
  word(0x40000000 + 0x10 * 64, kBypass);
  word(0x40000000 + 0x18 * 64, kAbort);
  word(0x40000000 + 0xff * 64, kS1);
  word(0x40000000 + 0x100 * 64, kS1);  // beyond the table
  EXPECT_THAT(ids(), ElementsAre(0x08, 0x10, 0xff));

  word(0x50000000, 0x80000000);  // CD.V
  const auto stream = find_stream(registers_, memory_, 8);
  ASSERT_TRUE(stream && stream->cd);
  EXPECT_EQ(stream->ste_address, 0x40000200);
  EXPECT_EQ(stream->cd_address, 0x50000000);
  EXPECT_TRUE((*stream->cd)[v3::CD::V]);
  EXPECT_TRUE(find_stream(registers_, memory_, 0x18).has_value());
  EXPECT_FALSE(find_stream(registers_, memory_, 0x100).has_value());
}

TEST_F(StreamTablesTest, ATwoLevelTableHasArraysOfTheLengthThatSpanSays) {
  registers(0x40000000, 0x10210);             // LOG2SIZE 16, SPLIT 8, 2-level
  word(0x40000000, 0x41000000 | 9);           // Span 9: 256 STEs
  word(0x40000000 + 8 * 2, 0x42000000 | 5);   // Span 5: 16 STEs, for 0x200 to 0x20f
  word(0x40000000 + 8 * 3, 0x43000000 | 10);  // more than SPLIT can number
  word(0x40000000 + 8 * 4, 0x44000000 | 12);  // reserved
  word(0x41000000 + 64 * 0xfe, kS1);
  word(0x42000000 + 64 * 0x0f, kBypass);
  word(0x42000000 + 64 * 0x10, kBypass);  // beyond the array
  word(0x43000000, kS1);
  word(0x44000000, kS1);
  EXPECT_THAT(ids(), ElementsAre(0xfe, 0x20f));
  EXPECT_EQ(find_stream(registers_, memory_, 0x20f)->ste_address, 0x420003c0);
  EXPECT_FALSE(find_stream(registers_, memory_, 0x210).has_value());
  EXPECT_FALSE(find_stream(registers_, memory_, 0x300).has_value());
  EXPECT_FALSE(find_stream(registers_, memory_, 0x900).has_value());
  // An STE in memory that is not known is not one that is missing.
  EXPECT_TRUE(lacks_stream(registers_, memory_, 0x210));
  EXPECT_TRUE(lacks_stream(registers_, memory_, 0x10000));
  EXPECT_FALSE(lacks_stream(registers_, memory_, 0x20f));
  word(0x40000000 + 8 * 5, 0x48000000 | 5);
  EXPECT_FALSE(lacks_stream(registers_, memory_, 0x500));
  EXPECT_TRUE(lacks_stream(registers_, memory_, 0xffff));  // Span 0
}

TEST_F(StreamTablesTest, AReservedSplitActsAsSix) {
  registers(0x40000000, 0x10010 | 7 << 6);
  word(0x40000000 + 8, 0x41000000 | 7);  // 64 STEs, for 0x40 to 0x7f
  word(0x41000000 + 64, kS1);
  EXPECT_THAT(ids(), ElementsAre(0x41));
}

TEST_F(StreamTablesTest, StreamIdsBeyondTheRegistersAreOutOfRange) {
  registers(0x40000000, 0x20, 0x4);  // LOG2SIZE 32, but SIDSIZE 4
  word(0x0 + 64 * 0xf, kS1);         // aligned to 2^38
  word(0x0 + 64 * 0x10, kS1);
  EXPECT_THAT(ids(), ElementsAre(0xf));
}

TEST_F(StreamTablesTest, TheCdOfATwoLevelCdTableIsBehindItsL1Cd) {
  registers(0x40000000, 0x4, 0x10 | 8 << 6);  // SSIDSIZE 8
  word(0x40000000, kS1 | 1 << 4 | 0x50000000 | std::uint64_t{8} << 59);
  EXPECT_FALSE(find_stream(registers_, memory_, 0)->cd_address.has_value());
  word(0x50000000, 0x60000001);
  EXPECT_EQ(find_stream(registers_, memory_, 0)->cd_address, 0x60000000);
}

TEST_F(StreamTablesTest, NonsenseInTheRegistersFindsNothing) {
  word(0x40000000, kS1);
  registers(~std::uint64_t{0}, 0xffffffff, 0xffffffff);
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_FALSE(find_stream(registers_, memory_, 0xffffffff).has_value());
}

}  // namespace
}  // namespace smmu::cli::stream_tables_test
