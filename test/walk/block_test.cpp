// Which bits of a block's descriptor are an address (DDI 0487, D8.3).
#include <gtest/gtest.h>

#include "emulator/walk/walker.h"

namespace smmu::emulator {
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

}  // namespace
}  // namespace smmu::emulator
