// Doorbells of interrupts in a space for DMA.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::doorbell_test {
namespace {

constexpr Prot kBell = Prot::kWrite | Prot::kNoExec | Prot::kMmio;

TEST(Doorbells, APageIsMappedOnceAsLongAsSomebodyWantsIt) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaSystem dma(without_magazines(), type);
    const std::uint64_t before = dma.ranges();
    DoorbellSpace& bells = *dma.domain->doorbell_space();
    const auto a = bells.bind_doorbell(Pa(0x800'0040), 4, kBell);
    const auto b = bells.bind_doorbell(Pa(0x800'0040), 4, kBell);
    const auto c = bells.bind_doorbell(Pa(0x800'0ffc), 4, kBell);
    ASSERT_TRUE(a && b && c);
    EXPECT_EQ(*a, *b);
    EXPECT_EQ(c->value - a->value, 0xfbcu);
    EXPECT_EQ(a->value % kPage, 0x40u);
    EXPECT_EQ(dma.leaves(), (MapTables::Leaves{{a->value - 0x40, {Pa(0x800'0000), kPage, kBell}}}));
    fake(*dma.domain).take_synced();
    bells.unbind_doorbell(*a);
    bells.unbind_doorbell(*c);
    EXPECT_EQ(dma.leaves().size(), 1u);
    bells.unbind_doorbell(*b);
    EXPECT_TRUE(dma.leaves().empty());
    // Even where unmaps are lazy it is out of reach.
    EXPECT_EQ(fake(*dma.domain).take_synced().size(), 1u);
    EXPECT_EQ(dma.ranges(), before);
    bells.unbind_doorbell(*b);
  }
}

TEST(Doorbells, OtherPagesAndOtherRightsAreOtherBindings) {
  DmaSystem dma;
  const auto a = dma.space->bind_doorbell(Pa(0x800'0000), 4, kBell);
  const auto b = dma.space->bind_doorbell(Pa(0x800'1000), 4, kBell);
  const auto c = dma.space->bind_doorbell(Pa(0x800'0000), 4, kReadWrite);
  const auto across = dma.space->bind_doorbell(Pa(0x800'0ffe), 4, kBell);
  ASSERT_TRUE(a && b && c && across);
  EXPECT_EQ(dma.leaves().size(), 5u);
  EXPECT_TRUE(dma.finds(*across, Pa(0x800'0ffe), 4));
  // Both pages of that one are a binding for who wants only the second.
  const auto second = dma.space->bind_doorbell(Pa(0x800'1008), 4, kBell);
  ASSERT_TRUE(second);
  EXPECT_EQ(dma.leaves().size(), 5u);
  for (const Iova iova : {*a, *b, *c, *across, *second}) dma.space->unbind_doorbell(iova);
  EXPECT_TRUE(dma.leaves().empty());
}

TEST(Doorbells, DevicesOf32BitsReachThemAsLongAsThereIsRoom) {
  DmaSystem dma;
  const auto a = dma.space->bind_doorbell(Pa(0x800'0000), 4, kBell);
  ASSERT_TRUE(a);
  EXPECT_LE(a->value, 0xffff'ffffu);
  dma.space->unbind_doorbell(*a);
  const std::vector<ReservedRegion> low = {{Iova(0), std::uint64_t{1} << 32}};
  ASSERT_TRUE(dma.space->reserve(low));
  const auto b = dma.space->bind_doorbell(Pa(0x800'0000), 4, kBell);
  ASSERT_TRUE(b);
  EXPECT_GT(b->value, 0xffff'ffffu);
  dma.space->unbind_doorbell(*b);
}

TEST(Doorbells, WhatCannotBeBoundTakesNoAddresses) {
  DmaSystem dma(without_magazines());
  const std::uint64_t before = dma.ranges();
  EXPECT_FALSE(dma.space->bind_doorbell(Pa(0x1000), 0, kBell));
  EXPECT_FALSE(dma.space->bind_doorbell(Pa(UINT64_MAX), 2, kBell));
  EXPECT_FALSE(dma.space->bind_doorbell(Pa(0), UINT64_MAX, kBell));
  const auto silent = dma.space->bind_doorbell(Pa(0x1000), 4, Prot::kMmio);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error(), std::errc::invalid_argument);
  fake(*dma.domain).leaves().fail_map(0, std::errc::not_enough_memory);
  const auto refused = dma.space->bind_doorbell(Pa(0x1000), 4, kBell);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::not_enough_memory);
  EXPECT_EQ(dma.ranges(), before);
  EXPECT_TRUE(dma.leaves().empty());
}

// As a handler of a fault would that the driver finds while it invalidates.
TEST(Doorbells, AreBoundAndPutBackFromInsideTheDriversCalls) {
  DmaSystem dma(without_magazines());
  const std::uint64_t before = dma.ranges();
  const auto a = dma.space->bind_doorbell(Pa(0x800'0000), 4, kBell);
  ASSERT_TRUE(a);
  std::optional<Iova> same, other;
  fake(*dma.domain).on_sync = [&](const UnmapBatch&) {
    if (same) return;
    // What is on its way out is nobody's any more.
    same = *dma.space->bind_doorbell(Pa(0x800'0000), 4, kBell);
    EXPECT_NE(*same, *a);
    other = *dma.space->bind_doorbell(Pa(0x800'1000), 4, kBell);
    dma.space->unbind_doorbell(*other);
  };
  dma.space->unbind_doorbell(*a);
  ASSERT_TRUE(same);
  EXPECT_EQ(dma.leaves(), (MapTables::Leaves{{same->value, {Pa(0x800'0000), kPage, kBell}}}));
  dma.space->unbind_doorbell(*same);
  EXPECT_TRUE(dma.leaves().empty());
  EXPECT_EQ(dma.ranges(), before);
}

TEST(Doorbells, ThreadsFindTheirsMappedAsLongAsTheyWantThem) {
  DmaSystem dma;
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t != 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i != 500; ++i) {
        const Pa pa(0x800'0000 + (i + t) % 3 * kPage + 0x40);
        const auto iova = dma.space->bind_doorbell(pa, 4, kBell);
        if (!iova || dma.domain->iova_to_phys(*iova) != pa) ++wrong;
        if (iova) dma.space->unbind_doorbell(*iova);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(dma.leaves().empty());
}

}  // namespace
}  // namespace smmu::iommu::doorbell_test
