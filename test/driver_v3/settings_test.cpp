// What a domain's tables are to be is chosen before anybody uses them, and done as it was chosen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::settings_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::kReadWrite;

constexpr StreamId kNic = StreamId(7);
constexpr auto kTooLate = std::errc::operation_not_permitted;

DrivenBoard::Options uncached() {
  DrivenBoard::Options options;
  options.config.caching.policy = CachePolicy::kAdversarial;
  return options;
}

TEST(Settings, AreRefusedOnceSomethingWasMapped) {
  DrivenBoard board;
  for (const std::uint64_t size : {std::uint64_t{4096}, std::uint64_t{1} << 30}) {
    const auto domain = board.domain();
    ASSERT_TRUE(domain->set_nesting(true));
    ASSERT_TRUE(domain->set_nesting(false));
    ASSERT_TRUE(domain->set_quirks({.contiguous = true}));
    const Iova iova(std::uint64_t{1} << 30);
    ASSERT_TRUE(domain->map(iova, Pa(std::uint64_t{1} << 30), size, kReadWrite));
    EXPECT_EQ(domain->set_quirks({}).error(), kTooLate);
    EXPECT_EQ(domain->set_nesting(true).error(), kTooLate);
    EXPECT_EQ(domain->unmap(iova, size), size);
    EXPECT_EQ(domain->set_quirks({}).error(), kTooLate) << "it was mapped once";
    EXPECT_EQ(domain->set_nesting(true).error(), kTooLate);
  }
}

// A table whose root has blocks has no tables below it.
TEST(Settings, AreRefusedWhereTheRootAloneMaps) {
  DrivenBoard::Options options;
  options.config.idr5.set(v3::SMMU_IDR5::OAS, OutputSize::k36Bits);
  DrivenBoard board(options);
  const auto domain = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  constexpr std::uint64_t kBlock = std::uint64_t{1} << 30;
  ASSERT_TRUE(domain->map(Iova(kBlock), Pa(kBlock), kBlock, kReadWrite));
  ASSERT_EQ(domain->driver_domain().tables()->live_tables(), 0U);
  EXPECT_EQ(domain->set_nesting(false).error(), kTooLate);
  EXPECT_EQ(domain->iova_to_phys(Iova(kBlock + 5)), Pa(kBlock + 5));
}

TEST(Settings, AreRefusedOnceItWasAttachedOrHasAGuestOrAWindow) {
  DrivenBoard board;
  iommu::Device& device = board.add(kNic);
  const auto attached = board.domain();
  ASSERT_TRUE(device.group().attach(*attached));
  EXPECT_TRUE(device.group().detach());
  EXPECT_EQ(attached->set_quirks({}).error(), kTooLate);
  EXPECT_EQ(attached->set_nesting(true).error(), kTooLate);
  const auto parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  const auto guest = board.domain(DomainType::kNested, {.parent = parent.get()});
  EXPECT_EQ(parent->set_nesting(false).error(), kTooLate);
  const auto with_window = board.domain();
  ASSERT_TRUE(with_window->alloc_reserved_iova_domain(Iova(0x800'0000), 0x1'0000, 12));
  EXPECT_EQ(with_window->set_quirks({.ttbr1 = true}).error(), kTooLate);
  EXPECT_EQ(with_window->set_nesting(true).error(), kTooLate);
  with_window->free_reserved_iova_domain();
  EXPECT_TRUE(with_window->set_quirks({.ttbr1 = true}));
}

TEST(Settings, AMapThatWasRefusedDoesNotCount) {
  DrivenBoard board;
  const auto domain = board.domain();
  EXPECT_FALSE(domain->map(Iova(0x1001), Pa(0x1000), 4096, kReadWrite));
  EXPECT_TRUE(domain->set_quirks({.ttbr1 = true}));
  EXPECT_FALSE(domain->map(Iova(0x1000), Pa(0x1000), 4096, kReadWrite)) << "the other half";
  const Iova high = domain->geometry().first;
  EXPECT_TRUE(domain->map(high, Pa(0x1000), 4096, kReadWrite));
}

// The upper half, through TTB1.
TEST(Settings, DevicesReachTheUpperHalf) {
  for (const auto& config : {SmmuV3Config::everything(), SmmuV3Config::mmu600()}) {
    DrivenBoard::Options options = uncached();
    options.config = config;
    DrivenBoard board(options);
    const DmaDevice nic = board.device(kNic);
    const auto domain = board.domain();
    ASSERT_TRUE(domain->set_quirks({.ttbr1 = true}));
    const iommu::Geometry geometry = domain->geometry();
    EXPECT_EQ(geometry.last, Iova(UINT64_MAX));
    const Pa page = board.allocate(2 * 4096);
    const Iova last(UINT64_MAX - 4095);
    ASSERT_TRUE(domain->map(geometry.first, page, 4096, kReadWrite));
    ASSERT_TRUE(domain->map(last, Pa(page.value + 4096), 4096, kReadWrite));
    ASSERT_TRUE(board.add(kNic).group().attach(*domain));
    EXPECT_THAT(nic.translate(Iova(geometry.first.value + 8)), TranslatesTo(Pa(page.value + 8)));
    EXPECT_THAT(nic.translate(Iova(UINT64_MAX)), TranslatesTo(Pa(page.value + 8191)));
    EXPECT_THAT(nic.translate(Iova(8)), Aborts()) << "the lower half is off";
    EXPECT_THAT(nic.translate(Iova(geometry.first.value + 4096)), Aborts());
    EXPECT_EQ(domain->unmap(last, 4096), 4096U);
    EXPECT_THAT(nic.translate(last), Aborts());
    EXPECT_THAT(nic.translate(geometry.first), TranslatesTo(page));
  }
}

// A run of pages of which the SMMU may make one TLB entry.
TEST(Settings, DevicesReachContiguousPages) {
  DrivenBoard board(uncached());
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_quirks({.contiguous = true}));
  constexpr std::uint64_t kRun = 64 << 10;
  const Pa run = board.allocate(2 * kRun, kRun);
  ASSERT_TRUE(domain->map(Iova(kRun), run, 2 * kRun, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  for (std::uint64_t at = 0; at != 2 * kRun; at += 4096) {
    EXPECT_THAT(nic.translate(Iova(kRun + at + 4)), TranslatesTo(Pa(run.value + at + 4)));
  }
  EXPECT_EQ(domain->unmap(Iova(kRun), kRun), kRun);
  for (std::uint64_t at = 0; at != kRun; at += 4096) {
    EXPECT_THAT(nic.translate(Iova(kRun + at)), Aborts());
    EXPECT_THAT(nic.translate(Iova(2 * kRun + at)), TranslatesTo(Pa(run.value + kRun + at)));
  }
}

const iommu::PgtableQuirks& quirks_of(const iommu::Domain& domain) {
  return domain.driver_domain().tables()->config().quirks;
}

TEST(Settings, QuirksStayWhereTheStageChangesIfTheOtherHasThem) {
  DrivenBoard board;
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_quirks({.ttbr1 = true, .contiguous = true, .split_blocks = true}));
  ASSERT_TRUE(domain->set_nesting(true));
  EXPECT_TRUE(quirks_of(*domain).contiguous);
  EXPECT_TRUE(quirks_of(*domain).split_blocks);
  EXPECT_FALSE(quirks_of(*domain).ttbr1) << "stage 2 has no upper half";
  EXPECT_EQ(domain->geometry().first, Iova(0));
  ASSERT_TRUE(domain->set_quirks({.xnx = true, .split_blocks = true}));
  ASSERT_TRUE(domain->set_nesting(false));
  EXPECT_FALSE(quirks_of(*domain).xnx) << "nor stage 1 another execute-never";
  EXPECT_FALSE(quirks_of(*domain).contiguous);
  EXPECT_TRUE(quirks_of(*domain).split_blocks);

  // It takes part of a block away.
  constexpr std::uint64_t kBlock = std::uint64_t{2} << 20;
  ASSERT_TRUE(domain->map(Iova(kBlock), Pa(kBlock), kBlock, kReadWrite));
  EXPECT_EQ(domain->unmap(Iova(kBlock), 4096), 4096U);
  EXPECT_EQ(domain->iova_to_phys(Iova(kBlock + 4096)), Pa(kBlock + 4096));
}

TEST(Settings, WhatTheDriverChoosesNobodyHasToRepeat) {
  DrivenBoard board;
  const auto tracked = board.domain(DomainType::kUnmanaged, {.dirty_tracking = true});
  ASSERT_TRUE(tracked->set_quirks({.split_blocks = true}));
  EXPECT_TRUE(quirks_of(*tracked).dirty);
  EXPECT_TRUE(quirks_of(*tracked).split_blocks);
  const auto parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  ASSERT_TRUE(quirks_of(*parent).s2fwb) << "this SMMU has it";
  ASSERT_TRUE(parent->set_quirks({.contiguous = true}));
  EXPECT_TRUE(quirks_of(*parent).s2fwb);
  const auto plain = board.domain();
  ASSERT_TRUE(plain->set_quirks({.dirty = true, .s2fwb = true}));
  EXPECT_FALSE(quirks_of(*plain).dirty);
  EXPECT_FALSE(quirks_of(*plain).s2fwb);
}

}  // namespace
}  // namespace smmu::testing::settings_test
