// Memory of the reserved IOVA domain: refused wherever it is asked for, and given back.
#include <gtest/gtest.h>

#include <array>

#include "lib/iommu/reserved_iova.h"
#include "test/heap/heap.h"
#include "test/iommu/window_tables.h"

namespace smmu::iommu::reserved_iova_memory_test {
namespace {

constexpr std::uint64_t kPage = 4096;

// Tables that ask for no memory themselves.
class ThreeMappings final : public WindowMapping {
 public:
  Result<Done, std::errc> map(Iova iova, Pa, std::uint64_t, Prot) override {
    for (Iova& slot : mapped_) {
      if (slot != Iova(0)) continue;
      slot = iova;
      return Done{};
    }
    return std::errc::no_space_on_device;
  }
  void unmap(Iova iova, std::uint64_t) override {
    for (Iova& slot : mapped_) {
      if (slot == iova) slot = Iova(0);
    }
  }
  int mapped() const {
    int count = 0;
    for (const Iova slot : mapped_) count += slot != Iova(0);
    return count;
  }

 private:
  std::array<Iova, 3> mapped_{};
};

TEST(ReservedIovaMemory, AWindowThatGetsNoMemoryIsNotThere) {
  ThreeMappings tables;
  ReservedIova reserved(tables);
  const std::uint64_t held = heap_counts().held;
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = alloc(reserved, 16);
    if (made) {
      EXPECT_EQ(refusal.refused(), 0u);
      break;
    }
    ASSERT_EQ(made.error(), std::errc::not_enough_memory);
    ASSERT_EQ(heap_counts().held, held);
    ASSERT_FALSE(reserved.window());
    ASSERT_FALSE(reserved.touches(kWindow, kWindow));
  }
  EXPECT_GE(granted, 2u) << "there was something to refuse";
  reserved.free();
  EXPECT_EQ(heap_counts().held, held);
}

TEST(ReservedIovaMemory, AGetWithoutMemoryBindsNothing) {
  ThreeMappings tables;
  ReservedIova reserved(tables);
  ASSERT_TRUE(alloc(reserved, 16));
  const std::uint64_t empty = heap_counts().held;
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto iova = reserved.get(Pa(0x1000), 4, kDoorbell);
    if (iova) {
      EXPECT_EQ(*iova, Iova(kWindow.value + 15 * kPage)) << "no address was lost";
      EXPECT_EQ(refusal.refused(), 0u);
      break;
    }
    ASSERT_EQ(iova.error(), std::errc::not_enough_memory);
    ASSERT_EQ(tables.mapped(), 0);
  }
  EXPECT_GE(granted, 1u) << "there was something to refuse";

  const HeapRefusal refusal;
  EXPECT_TRUE(reserved.get(Pa(0x1004), 4, kDoorbell)) << "to share a binding takes no memory";
  reserved.put(Iova(kWindow.value + 15 * kPage));
  reserved.put(Iova(kWindow.value + 15 * kPage));
  EXPECT_EQ(tables.mapped(), 0) << "nor does it take any to put it back";
  EXPECT_LE(heap_counts().held, empty + 1) << "memory for ranges may stay for the next";
}

TEST(ReservedIovaMemory, WhatCannotBeMappedCostsNeitherMemoryNorAddresses) {
  ThreeMappings tables;
  ReservedIova reserved(tables);
  ASSERT_TRUE(alloc(reserved, 4));
  for (const std::uint64_t pa : {0x1000u, 0x2000u, 0x3000u}) {
    ASSERT_TRUE(reserved.get(Pa(pa), 4, kDoorbell));
  }
  const std::uint64_t held = heap_counts().held;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(reserved.get(Pa(0x9000), 4, kDoorbell).error(), std::errc::no_space_on_device);
  }
  EXPECT_EQ(heap_counts().held, held);
  reserved.put(Iova(kWindow.value + 3 * kPage));
  EXPECT_TRUE(reserved.get(Pa(0x9000), 4, kDoorbell));
}

TEST(ReservedIovaMemory, WhatIsBoundGoesWithItsWindow) {
  ThreeMappings tables;
  const std::uint64_t held = heap_counts().held;
  {
    ReservedIova reserved(tables);
    ASSERT_TRUE(alloc(reserved, 16));
    ASSERT_TRUE(reserved.get(Pa(0x1000), 4, kDoorbell));
    ASSERT_TRUE(reserved.get(Pa(0x2000), 4, kDoorbell));
    ASSERT_TRUE(reserved.get(Pa(0x2000), 4, kDoorbell));
  }
  EXPECT_EQ(tables.mapped(), 0);
  EXPECT_EQ(heap_counts().held, held);
}

}  // namespace
}  // namespace smmu::iommu::reserved_iova_memory_test
