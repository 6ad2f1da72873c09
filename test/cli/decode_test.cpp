#include "emulator/cli/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulator/cli/meanings.h"
#include "test/cli/temporary_folder.h"

namespace smmu::cli::decode_test {
namespace {

using ::testing::StartsWith;

DecodedField field(std::string_view kind, std::vector<std::uint64_t> words, std::string_view name) {
  const auto layout = find_layout(kind, words);
  EXPECT_TRUE(layout.has_value()) << kind;
  for (DecodedField& found : decode_fields(*layout, words)) {
    if (found.name == name) return found;
  }
  ADD_FAILURE() << "no field " << name;
  return {};
}

TEST(Decode, NumbersAreShiftedAndAddressesStayInPlace) {
  EXPECT_EQ(field("ste", {0x430ce00b}, "Config").value, 5);
  EXPECT_EQ(field("ste", {0x430ce00b}, "S1ContextPtr").value, 0x430ce000);
  EXPECT_EQ(field("cd", {0x8e204c0003510}, "ASID").value, 8);
  EXPECT_EQ(field("cd", {0, 0x104d75000}, "TTB0").value, 0x104d75000);
  EXPECT_EQ(field("l1std", {0xfc180009}, "L2Ptr").value, 0xfc180000);
  EXPECT_EQ(field("pt-leaf", {0x10414efc7}, "OA").value, 0x10414e000);
  EXPECT_EQ(field("pt-table", {0x104d77003}, "NLTA").value, 0x104d77000);
  EXPECT_EQ(field("event", {0x4000000013, 0, 0x400040}, "StreamID").value, 0x40);
  EXPECT_EQ(field("event", {0x4000000013, 0, 0x400040}, "InputAddr").value, 0x400040);
}

TEST(Decode, CommandsAndEventsAreNamedByTheirFirstWord) {
  EXPECT_STREQ(find_layout("command", std::array{std::uint64_t{0x12}})->name, "CMD_TLBI_NH_VA");
  EXPECT_STREQ(find_layout("event", std::array{std::uint64_t{0x13}})->name, "F_PERMISSION");
  // One that the manual does not have is decoded as far as all of them agree.
  EXPECT_STREQ(find_layout("command", std::array{std::uint64_t{0xff}})->name, "command");
  EXPECT_EQ(field("event", {0x40000000ff}, "StreamID").value, 0x40);
}

TEST(Decode, RegistersAreFoundWithAndWithoutArmsPrefix) {
  EXPECT_STREQ(find_layout("CR0", {})->name, "SMMU_CR0");
  EXPECT_STREQ(find_layout("SMMU_CR0", {})->name, "SMMU_CR0");
  EXPECT_FALSE(find_layout("CR7", {}).has_value());
}

TEST(Decode, WordsThatDoNotFitAreRefused) {
  const TemporaryFolder folder;
  const auto complaint = [&](std::string kind, std::vector<std::string> words) {
    return complaint_of(folder, [&] { decode({std::move(kind), std::move(words), {}}); });
  };
  EXPECT_THAT(complaint("tlb", {"1"}), StartsWith("KIND: expected ste, cd, "));
  EXPECT_EQ(complaint("ste", {"0xg"}), "WORDS: expected hexadecimal words, found \"g\".");
  EXPECT_EQ(complaint("CR0", {"100000000"}), "WORDS: expected one word of 32 bits for SMMU_CR0.");
  EXPECT_EQ(complaint("command", {"1,2,3"}),
            "WORDS: expected at most 2 words of 64 bits for "
            "CMD_PREFETCH_CONFIG.");
}

TEST(Meanings, MemoryTypesAreToldInWords) {
  EXPECT_EQ(memory_type(0xff), "Normal write-back");
  EXPECT_EQ(memory_type(0x44), "Normal non-cacheable");
  EXPECT_EQ(memory_type(0xf4), "Normal, outer write-back, inner non-cacheable");
  EXPECT_EQ(memory_type(0xbb), "Normal write-through");
  EXPECT_EQ(memory_type(0x04), "Device-nGnRE");
}

TEST(Meanings, SizesAreToldInTheLargestUnitThatFits) {
  EXPECT_EQ(byte_size(0x1000), "4 KiB");
  EXPECT_EQ(byte_size(0x40000000), "1 GiB");
  EXPECT_EQ(byte_size(0x101000), "1028 KiB");
  EXPECT_EQ(byte_size(1000), "1000 bytes");
}

}  // namespace
}  // namespace smmu::cli::decode_test
