// Memory, and the caches of a CPU over it, which no device looks into.
#ifndef SMMU_TEST_CACHES_CACHED_MEMORY_H_
#define SMMU_TEST_CACHES_CACHED_MEMORY_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"

namespace smmu::testing {

// The caches hold all of it at any time: what software stores gets to memory when it is cleaned,
// and not before, and what a device stores gets to software when the line is invalidated.  What
// never was cleaned is garbage to a device.
//
// One thread at a time.
class CachedMemory final : public iommu::CacheMaintenance {
 public:
  static constexpr Pa kBase = Pa(0x4000'0000);
  static constexpr std::uint64_t kBytes = std::uint64_t{2} << 20;
  static constexpr std::uint64_t kLine = 64;

  CachedMemory() {
    EXPECT_TRUE(caches.add(kBase, kBytes));
    EXPECT_TRUE(memory.add(kBase, kBytes));
    for (std::uint64_t at = kBase.value; at != kBase.value + kBytes; at += 8) {
      EXPECT_EQ(memory.store64(Pa(at), 0xa5a5'a5a4'a5a5'a5a4), BusResponse::kOkay);
    }
    auto made = iommu::PagePool::create(caches, kBase, kBytes);
    EXPECT_TRUE(made);
    if (made) pool = *std::move(made);
  }

  void clean(Pa pa, std::uint64_t bytes) override { copy(caches, memory, pa, bytes, 8); }
  void invalidate(Pa pa, std::uint64_t bytes) override {
    ++invalidations;
    copy(memory, caches, pa, bytes, kLine);
  }

  emulator::Ram caches;  // what software sees
  emulator::Ram memory;  // what devices see
  std::unique_ptr<iommu::PagePool> pool;
  std::uint64_t invalidations = 0;

 private:
  static void copy(emulator::Ram& from, emulator::Ram& to, Pa pa, std::uint64_t bytes,
                   std::uint64_t unit) {
    const std::uint64_t end = (pa.value + bytes + unit - 1) / unit * unit;
    for (std::uint64_t at = pa.value / unit * unit; at != end; at += 8) {
      EXPECT_EQ(to.store64(Pa(at), *from.load64(Pa(at))), BusResponse::kOkay);
    }
  }
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_CACHES_CACHED_MEMORY_H_
