// Which TLB entries the driver's commands are about, by the rules of ranges and levels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <random>

#include "smmu/arch/v3/registers.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::tlb_invalidation_test {
namespace {

using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::kReadWrite;
using ::testing::ElementsAre;
using ::testing::Not;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_S2_IPA;
using v3::CommandHeader;
using v3::Opcode;
using v3::SMMU_IDR5;

constexpr StreamId kStream = StreamId(7);
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;

// 4.4.1.1: a level, and addresses that its blocks do not begin at, make a range UNPREDICTABLE.
TEST(TlbInvalidation, BlocksThatAreUnmappedWithPagesBehindThemAreForgotten) {
  DrivenBoard board;
  const DmaDevice nic = board.device(kStream);
  iommu::Device& device = board.add(kStream);
  const auto domain = board.domain();
  ASSERT_TRUE(device.group().attach(*domain));
  ASSERT_TRUE(domain->map(Iova(0), Pa(0x8000'0000), 4 * kMiB, kReadWrite));
  ASSERT_TRUE(domain->map(Iova(4 * kMiB), Pa(0x9000'1000), 0x3000, kReadWrite));
  for (const Iova known : {Iova(0x1000), Iova(2 * kMiB), Iova(4 * kMiB + 0x2000)}) {
    ASSERT_THAT(nic.translate(known), Not(Aborts()));
  }
  EXPECT_EQ(domain->unmap(Iova(0), 8 * kMiB), 4 * kMiB + 0x3000);
  for (const Iova gone : {Iova(0x1000), Iova(2 * kMiB), Iova(4 * kMiB + 0x2000)}) {
    EXPECT_THAT(nic.translate(gone), Aborts()) << std::hex << gone.value;
  }
  ASSERT_TRUE(device.group().detach());
}

struct Case {
  unsigned log2_granule;
  bool small_pages_of_52_bits;  // SMMU_IDR5.DS
  bool stage2;
  bool ranges;
};

SmmuV3Config config_of(const Case& which) {
  SmmuV3Config config = SmmuV3Config::everything();
  config.idr3.set(v3::SMMU_IDR3::RIL, which.ranges);
  config.idr5.set(SMMU_IDR5::GRAN4K, which.log2_granule == 12)
      .set(SMMU_IDR5::GRAN16K, which.log2_granule == 14)
      .set(SMMU_IDR5::GRAN64K, which.log2_granule == 16)
      .set(SMMU_IDR5::DS, which.small_pages_of_52_bits);
  return config;
}

// An SMMU that remembers every page and block that was ever mapped, and forgets no more than each
// command asks for.
class Memory {
 public:
  explicit Memory(const Case& which)
      : which_(which), bits_of_level_(which.log2_granule - 3), page_(1ULL << which.log2_granule) {}

  struct Leaf {
    std::uint64_t size;
    unsigned level;
  };
  using Leaves = std::map<std::uint64_t, Leaf>;

  // In the largest pieces that both addresses allow.
  void map(std::uint64_t iova, std::uint64_t pa, std::uint64_t size, std::uint64_t sizes) {
    while (size != 0) {
      std::uint64_t piece = std::bit_floor(sizes);
      while ((sizes & piece) == 0 || piece > size || ((iova | pa) & (piece - 1)) != 0) piece >>= 1;
      const unsigned above =
          (static_cast<unsigned>(std::countr_zero(piece)) - which_.log2_granule) / bits_of_level_;
      mapped_[iova] = {piece, 3 - above};
      iova += piece;
      pa += piece;
      size -= piece;
    }
    known_ = mapped_;
  }
  void unmap(std::uint64_t first, std::uint64_t size) {
    mapped_.erase(mapped_.lower_bound(first), mapped_.lower_bound(first + size));
  }
  bool is_free(std::uint64_t first, std::uint64_t size) const {
    const auto behind = mapped_.lower_bound(first + size);
    if (behind == mapped_.begin()) return true;
    const auto last = std::prev(behind);
    return last->first + last->second.size <= first;
  }
  // What is known and not mapped any more.
  std::size_t stale() const {
    std::size_t count = 0;
    for (const auto& [iova, leaf] : known_) count += 1 - mapped_.count(iova);
    return count;
  }

  void obey(const CommandWords& words) {
    switch (CommandHeader(words)[CommandHeader::Opcode]) {
      case Opcode::CMD_TLBI_NH_VA:
        EXPECT_FALSE(which_.stage2);
        return forget(CMD_TLBI_NH_VA(words));
      case Opcode::CMD_TLBI_S2_IPA:
        EXPECT_TRUE(which_.stage2);
        return forget(CMD_TLBI_S2_IPA(words));
      case Opcode::CMD_TLBI_NH_ASID:
      case Opcode::CMD_TLBI_S12_VMALL:
        return known_.clear();
      default:
        ADD_FAILURE() << command_name(words);
    }
  }

 private:
  template <class C>
  void forget(const C& command) {
    const std::uint64_t address = command[C::Address];
    const unsigned level = command[C::TTL];
    EXPECT_FALSE(command[C::TTL128]);
    if (command[C::TG] == CommandTG::kAny) {
      EXPECT_EQ(command[C::NUM] + command[C::SCALE] + level, 0U) << "RES0";
      return forget(address, address, 0);
    }
    EXPECT_TRUE(which_.ranges) << "RES0";
    EXPECT_EQ(command[C::TG], which_.log2_granule == 12   ? CommandTG::k4K
                              : which_.log2_granule == 14 ? CommandTG::k16K
                                                          : CommandTG::k64K);
    EXPECT_LE(command[C::SCALE], which_.small_pages_of_52_bits ? 39U : 31U);
    EXPECT_FALSE(command[C::NUM] == 0 && command[C::SCALE] == 0 && level == 0) << "CERROR_ILL";
    EXPECT_FALSE(level == 1 && which_.log2_granule == 14 && !which_.small_pages_of_52_bits);
    const unsigned above_last = level == 0 ? 0 : 3 - level;
    const std::uint64_t unit = page_ << (above_last * bits_of_level_);
    EXPECT_EQ(address & (unit - 1), 0U) << "UNPREDICTABLE at level " << level;
    const std::uint64_t granules = std::uint64_t{command[C::NUM] + 1} << command[C::SCALE];
    forget(address, address + (granules << which_.log2_granule) - 1, level);
  }
  // `level` 0: any.
  void forget(std::uint64_t first, std::uint64_t last, unsigned level) {
    auto leaf = known_.upper_bound(last);
    while (leaf != known_.begin()) {
      --leaf;
      if (leaf->first + (leaf->second.size - 1) < first) break;
      if (level == 0 || level == leaf->second.level) leaf = known_.erase(leaf);
    }
  }

  const Case which_;
  const unsigned bits_of_level_;
  const std::uint64_t page_;
  Leaves mapped_;
  Leaves known_;
};

class OfGranule : public ::testing::TestWithParam<Case> {};

TEST_P(OfGranule, WhatIsUnmappedIsForgottenByCommandsThatMayBe) {
  const Case& which = GetParam();
  ScriptedBoard board(config_of(which));
  ASSERT_EQ(board.start(), "");
  iommu::Device& device = board.add({.streams = {{kStream}}});
  const auto domain = board.domain(DomainType::kUnmanaged, {.nest_parent = which.stage2});
  ASSERT_TRUE(device.group().attach(*domain));
  board.smmu.commands();

  const std::uint64_t sizes = domain->driver_domain().tables()->page_sizes();
  const std::uint64_t page = std::uint64_t{1} << which.log2_granule;
  ASSERT_EQ(sizes & (~sizes + 1), page);
  const std::uint64_t block = page << (which.log2_granule - 3);
  const std::uint64_t large = (sizes & kGiB) != 0 ? kGiB : 4 * block;
  const std::uint64_t base = kTiB - 2 * large;

  Memory memory(which);
  std::mt19937_64 random(which.log2_granule);
  const auto below = [&random](std::uint64_t n) { return random() % n; };
  for (unsigned round = 0; round != 1200; ++round) {
    // Near the beginning of a block, so that few pages lead to it.
    std::uint64_t iova = base + below(4) * large + below(8) * block;
    if (below(2) == 0) iova -= below(4) * page;
    std::uint64_t size = below(4) * page + below(4) * block;
    if (below(4) == 0) size += below(3) * large;
    if (size == 0) size = page;
    if (below(3) == 0) {
      // Blocks to begin with, and more pages than follow them.
      if (below(2) == 0) iova &= ~(block - 1);
      if (below(2) == 0) size = 3 * block;
      const std::uint64_t bytes = domain->unmap(Iova(iova), size);
      memory.unmap(iova, bytes);
      for (const CommandWords& words : board.smmu.commands()) memory.obey(words);
      ASSERT_EQ(memory.stale(), 0U) << "round " << round << ": " << std::hex << iova << " " << size;
      continue;
    }
    if (!memory.is_free(iova, size)) continue;
    std::uint64_t pa = iova - base + 8 * large;
    if (below(4) == 0 && size < 2 * block) pa += page;
    const auto mapped = domain->map(Iova(iova), Pa(pa), size, kReadWrite);
    for (const CommandWords& words : board.smmu.commands()) memory.obey(words);
    ASSERT_TRUE(mapped.has_value()) << std::hex << iova << " " << size;
    memory.map(iova, pa, size, sizes);
  }
}

INSTANTIATE_TEST_SUITE_P(TlbInvalidation, OfGranule,
                         ::testing::Values(Case{12, false, false, true}, Case{12, true, true, true},
                                           Case{12, false, true, false},
                                           Case{14, false, false, true},
                                           Case{14, true, false, true}, Case{14, true, true, true},
                                           Case{16, false, false, true},
                                           Case{16, false, true, true},
                                           Case{16, false, false, false}));

// SCALE has five bits, or six with SMMU_IDR5.DS.
TEST(TlbInvalidation, ARangeBeyondWhatAScaleCanSayIsEverythingOfTheTag) {
  for (const bool long_scale : {false, true}) {
    ScriptedBoard board(config_of({12, long_scale, false, true}));
    ASSERT_EQ(board.start(), "");
    iommu::Device& device = board.add({.streams = {{kStream}}});
    const auto domain = board.domain();
    ASSERT_TRUE(device.group().attach(*domain));
    ASSERT_TRUE(domain->map(Iova(0), Pa(0), 16 * kTiB, kReadWrite));
    board.smmu.commands();
    EXPECT_EQ(domain->unmap(Iova(0), 16 * kTiB), 16 * kTiB);
    // 2^32 pages of 4K at level 1.
    const CommandWords range{0x0001'0000'0200'0012, 0x501};
    const CommandWords everything{0x0001'0000'0000'0011, 0};
    EXPECT_THAT(board.smmu.commands(), ElementsAre(long_scale ? range : everything));
  }
}

}  // namespace
}  // namespace smmu::testing::tlb_invalidation_test
