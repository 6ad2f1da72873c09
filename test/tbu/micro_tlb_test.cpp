// The translations a port has just used.
#include "emulator/tbu/micro_tlb.h"

#include <gtest/gtest.h>

namespace smmu::emulator::micro_tlb_test {
namespace {

constexpr Iova kAddress(0xffff'0000'1234'5678);

TlbEntry entry(std::uint64_t output, unsigned size_bits) {
  TlbEntry entry;
  entry.output = Pa(output);
  entry.size_bits = static_cast<std::uint8_t>(size_bits);
  entry.permissions = Permissions::all();
  return entry;
}

TEST(MicroTlb, FindsAPageByItsSourceAndAddress) {
  MicroTlb tlb;
  EXPECT_EQ(tlb.find(1, kAddress), nullptr);
  tlb.insert(1, kAddress, Pa(0x9000'0678), entry(0x9000'0000, 12));
  const MicroTlb::Entry* found = tlb.find(1, Iova(kAddress.value & ~std::uint64_t{0xfff}));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->output, 0x9000'0000U);
  EXPECT_EQ(tlb.find(2, kAddress), nullptr);
  EXPECT_EQ(tlb.find(1, Iova(kAddress.value + 0x1000)), nullptr);
  EXPECT_EQ(tlb.find(1, Iova(kAddress.value & 0xffff'ffff)), nullptr);
}

TEST(MicroTlb, APageOfABlockIsWhereItIsInTheBlock) {
  MicroTlb tlb;
  tlb.insert(1, kAddress, Pa(0x8014'5678), entry(0x8000'0000, 21));
  const MicroTlb::Entry* found = tlb.find(1, kAddress);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->output, 0x8014'5000U);
  EXPECT_EQ(found->size_bits, 21);
}

TEST(MicroTlb, NothingSurvivesClearHoweverOften) {
  MicroTlb tlb;
  for (unsigned i = 0; i != 10'000; ++i) {
    tlb.insert(1, kAddress, Pa(0x9000'0678), entry(0x9000'0000, 12));
    ASSERT_NE(tlb.find(1, kAddress), nullptr);
    tlb.clear();
    ASSERT_EQ(tlb.find(1, kAddress), nullptr) << i;
  }
}

TEST(MicroTlb, AnEntryOfOldDoesNotComeBackWhenEpochsBeginAgain) {
  MicroTlb tlb;
  tlb.insert(1, kAddress, Pa(0x9000'0678), entry(0x9000'0000, 12));
  for (unsigned i = 0; i != 10'000; ++i) {
    tlb.clear();
    ASSERT_EQ(tlb.find(1, kAddress), nullptr) << i;
  }
}

TEST(MicroTlb, ASubstreamIsAnotherSource) {
  Transaction transaction{.stream = StreamId(7), .address = kAddress};
  const Source without = source_of(transaction);
  transaction.substream = SubstreamId(0);
  const Source zero = source_of(transaction);
  transaction.substream = SubstreamId(0xf'ffff);
  EXPECT_NE(without, zero);
  EXPECT_NE(zero, source_of(transaction));
}

// Whatever a device says.
TEST(MicroTlb, ASubstreamThatIsTooLargeIsNobodyElse) {
  const auto source = [](std::uint32_t stream, std::uint32_t substream) {
    return source_of(
        {.stream = StreamId(stream), .address = kAddress, .substream = SubstreamId(substream)});
  };
  for (const std::uint32_t stream : {0U, 7U, ~0U}) {
    EXPECT_NE(source(stream, 0x8000'0001), source(stream, 1));
    for (const std::uint32_t substream : {0U, 0x4000'0000U, 0x7fff'ffffU, 0x8000'0000U, ~0U}) {
      EXPECT_NE(source(stream, substream), kNobody);
    }
    EXPECT_NE(source_of({.stream = StreamId(stream), .address = kAddress}), kNobody);
  }
}

}  // namespace
}  // namespace smmu::emulator::micro_tlb_test
