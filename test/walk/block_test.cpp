// How large a block is, and which bits of its descriptor are an address (DDI 0487, D8.3 and G5.5).
#include <gtest/gtest.h>

#include "emulator/walk/walker.h"

namespace smmu::emulator::block_test {
namespace {

// One word at the start of the table; every other address aborts.
class OneWord final : public PhysicalMemory {
 public:
  OneWord(std::uint64_t address, std::uint64_t word) : address_(address), word_(word) {}

  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    if (pa.value != address_) return ExternalAbort{};
    return word_;
  }
  BusResponse store64_indirect(Pa, std::uint64_t) override { return BusResponse::kAbort; }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa, std::uint64_t,
                                                                   std::uint64_t) override {
    return ExternalAbort{};
  }

  const std::uint64_t address_;
  const std::uint64_t word_;
};

constexpr std::uint64_t kTable = 0x8000'0000;

Result<Leaf, WalkFault> walk(const Regime& regime, std::uint64_t address, std::uint64_t where,
                             std::uint64_t descriptor) {
  OneWord memory(where, descriptor);
  const auto canonical = Walker::canonical(regime, Iova(address));
  EXPECT_TRUE(canonical);
  Leaf leaf;
  if (const auto fault = Walker(memory).walk(regime, *canonical, {}, leaf)) return *fault;
  return leaf;
}

// Bits [41:17] of a level 1 block of 64 KiB granule are RES0 (Table D8-52): they are above an
// output size of 32 bits and make no address that is out of range.
TEST(Blocks, WhatLiesBelowABlocksSizeIsNoAddress) {
  Regime regime;
  regime.stage1.half[0].enabled = true;
  regime.stage1.half[0].tables = tables({.granule = Granule::k64K,
                                         .input_bits = 48,
                                         .first_level = 1,
                                         .output_bits = 32,
                                         .root = kTable,
                                         .wide = true});
  const auto leaf = walk(regime, 0x123'4567'89ab, kTable, 0x0000'0321'ffff'0401);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, 0U);
  EXPECT_EQ(leaf->size_bits, 42U);

  for (const std::uint64_t beyond : {std::uint64_t{1} << 42, std::uint64_t{1} << 12}) {
    const auto fault = walk(regime, 0x123'4567'89ab, kTable, 0x401 | beyond);
    ASSERT_FALSE(fault);
    EXPECT_EQ(fault.error().type, FaultType::kAddressSize);
  }
}

Regime aarch32(unsigned t0sz, unsigned t1sz) {
  Regime regime;
  regime.simple = false;
  regime.stage1.range = InputRange::kAArch32;
  for (const unsigned i : {0U, 1U}) {
    const unsigned tnsz = i == 0 ? t0sz : t1sz;
    regime.stage1.half[i].enabled = true;
    regime.stage1.half[i].tables =
        aarch32_long_tables(32 - tnsz, tnsz < 2 ? 1 : 2, kTable, 48, false);
  }
  return regime;
}

// G5.5.5.1: a block of the half whose size is what the other one leaves may reach into that one.
// The part that maps is a block of its own, as large as may be.
TEST(Blocks, ABlockThatReachesIntoTheOtherHalfIsCutToItsOwn) {
  const struct {
    unsigned t0sz, t1sz;
    std::uint64_t address;
    unsigned size_bits;
  } kCases[] = {
      {4, 0, 0x1000'0000, 28},  // the lower half ends at 2^28
      {4, 0, 0x2000'0000, 29}, {4, 0, 0x3fff'ffff, 29}, {4, 0, 0x4000'0000, 30},
      {7, 0, 0x0200'0000, 25}, {7, 0, 0x0400'0000, 26}, {7, 0, 0x0800'0000, 27},
      {0, 4, 0xc000'0000, 29},  // the upper half begins at 2^32 - 2^28
      {0, 4, 0xefff'ffff, 28}, {0, 4, 0xbfff'ffff, 30}, {0, 7, 0xfdff'ffff, 25},
      {0, 0, 0xffff'ffff, 30},
  };
  for (const auto& [t0sz, t1sz, address, size_bits] : kCases) {
    SCOPED_TRACE(address);
    const auto leaf = walk(aarch32(t0sz, t1sz), address, kTable + 8 * (address >> 30), 0x401);
    ASSERT_TRUE(leaf);
    EXPECT_EQ(leaf->size_bits, size_bits);
    EXPECT_EQ(leaf->output.value, (address & 0x3fff'ffff) >> size_bits << size_bits);
  }
}

}  // namespace
}  // namespace smmu::emulator::block_test
