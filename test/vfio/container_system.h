// A container, memory to map and SMMUs to map it in.
#ifndef SMMU_TEST_VFIO_CONTAINER_SYSTEM_H_
#define SMMU_TEST_VFIO_CONTAINER_SYSTEM_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "smmu/iommu/container.h"
#include "test/vfio/fake_memory.h"
#include "test/vfio/fake_smmu.h"

namespace smmu::iommu {

inline constexpr std::uint64_t kPage = FakeMemory::kPage;
inline constexpr MapFlags kBoth = MapFlags::kRead | MapFlags::kWrite;

struct ContainerSystem {
  explicit ContainerSystem(ContainerConfig config = {.unsafe_interrupts = UnsafeInterrupts::kAllow},
                           std::uint64_t run_pages = 4)
      : memory(run_pages) {
    memory.watched = {first.smmu, second.smmu};
    auto made = Container::create(memory, config);
    if (!made) std::abort();
    container = std::move(*made);
  }

  // A page of the program's memory, by number.
  static UserAddress user(std::uint64_t page) {
    return UserAddress(FakeMemory::kBase + page * kPage);
  }
  // `count` pages, from the page `from` of the program's memory on, at page `iova`.
  Result<Done, std::errc> map(std::uint64_t iova, std::uint64_t from, std::uint64_t count,
                              MapFlags flags = kBoth) {
    return container->map_dma({flags, user(from), Iova(iova * kPage), count * kPage});
  }
  Result<std::uint64_t, std::errc> unmap(std::uint64_t iova, std::uint64_t count,
                                         UnmapFlags flags = UnmapFlags::kNone) {
    return container->unmap_dma({flags, Iova(iova * kPage), count * kPage, {}});
  }
  // A window for doorbells.
  Result<Done, std::errc> open_window(std::uint64_t iova, std::uint64_t count) {
    return map(iova, 0, count, MapFlags::kMsiWindow);
  }
  // Whether the group's devices find `count` pages from the page `from` on, and all of them, at
  // page `iova`.
  ::testing::AssertionResult finds(const Group& group, std::uint64_t iova, std::uint64_t from,
                                   std::uint64_t count) const {
    for (std::uint64_t page = 0; page != count; ++page) {
      const std::optional<Pa> pa = group.domain()->iova_to_phys(Iova((iova + page) * kPage + 8));
      const Pa expected(memory.pa_of(user(from + page)).value + 8);
      if (pa != expected) return ::testing::AssertionFailure() << "at page " << iova + page;
    }
    return ::testing::AssertionSuccess();
  }

  FakeSystem first;
  FakeSystem second;
  FakeMemory memory;
  std::unique_ptr<Container> container;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_VFIO_CONTAINER_SYSTEM_H_
