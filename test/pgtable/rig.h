// RAM, a pool, and what tables ask of a driver, for tests of IoPgtable.
#ifndef SMMU_TEST_PGTABLE_RIG_H_
#define SMMU_TEST_PGTABLE_RIG_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <utility>
#include <vector>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/io_pgtable.h"
#include "test/pgtable/naive_walk.h"

namespace smmu::iommu {

inline constexpr std::uint64_t k4K = 1 << 12, k16K = 1 << 14, k64K = 1 << 16;
inline constexpr std::uint64_t k1M = 1 << 20, k2M = 1 << 21, k16M = 1 << 24, k32M = 1 << 25;
inline constexpr std::uint64_t k512M = 1 << 29, k1G = 1 << 30, k4T = std::uint64_t{1} << 42;
inline constexpr std::uint64_t kSizes4K = k4K | k2M | k1G, kSizes16K = k16K | k32M;
inline constexpr std::uint64_t kSizes64K = k64K | k512M | k4T;
inline constexpr std::uint64_t kSizesShort = k4K | k64K | k1M | k16M;

constexpr bool operator==(const Mapped& a, const Mapped& b) {
  return a.bytes == b.bytes && a.error == b.error;
}
constexpr bool operator==(const Unmapped& a, const Unmapped& b) {
  return a.bytes == b.bytes && a.leaves == b.leaves;
}
inline std::ostream& operator<<(std::ostream& out, const Mapped& mapped) {
  return out << mapped.bytes << " bytes, error " << static_cast<int>(mapped.error);
}
inline std::ostream& operator<<(std::ostream& out, const Unmapped& unmapped) {
  return out << unmapped.bytes << " bytes" << (unmapped.leaves ? ", leaves" : "");
}
constexpr Mapped mapped(std::uint64_t bytes) { return {bytes, std::errc()}; }
constexpr Mapped refused(std::errc error) { return {0, error}; }

struct Flush {
  std::uint64_t iova;
  std::uint64_t size;
  std::uint64_t granule;
  friend bool operator==(const Flush&, const Flush&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Flush& flush) {
    return out << "flush of 0x" << std::hex << flush.iova << ", 0x" << flush.size << ", granule 0x"
               << flush.granule << std::dec;
  }
};

class RecordingInvalidation final : public PgtableInvalidation {
 public:
  void flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) override {
    {
      const std::lock_guard lock(mutex_);
      flushes_.push_back({iova.value, size, granule});
    }
    if (on_flush) on_flush(iova, size);
  }
  // Those since the last call.
  std::vector<Flush> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(flushes_, {});
  }

  std::function<void(Iova, std::uint64_t)> on_flush;

 private:
  std::mutex mutex_;
  std::vector<Flush> flushes_;
};

inline PgtableConfig config_of(PgtableFormat format, std::uint64_t page_sizes,
                               unsigned input_bits = 48, unsigned output_bits = 48,
                               PgtableQuirks quirks = {}) {
  PgtableConfig config;
  config.format = format;
  config.page_sizes = page_sizes;
  config.input_bits = input_bits;
  config.output_bits = output_bits;
  config.quirks = quirks;
  return config;
}
inline PgtableConfig short_config(PgtableQuirks quirks = {}) {
  return config_of(PgtableFormat::kAArch32Short, kSizesShort, 32, 32, quirks);
}

class Pgtable : public ::testing::Test {
 protected:
  static constexpr Pa kBase{0x4000'0000};
  static constexpr std::uint64_t kPool = 64 << 20;

  Pgtable() {
    EXPECT_TRUE(ram_.add(kBase, kPool));
    auto made = PagePool::create(ram_, kBase, kPool);
    EXPECT_TRUE(made);
    pool_ = *std::move(made);
  }
  ~Pgtable() override { EXPECT_EQ(pool_->live(), 0U) << "tables were not freed"; }

  std::unique_ptr<IoPgtable> create(const PgtableConfig& config,
                                    CacheMaintenance* caches = nullptr) {
    auto made = IoPgtable::create(config, *pool_, invalidation_, caches);
    EXPECT_TRUE(made);
    return made ? *std::move(made) : nullptr;
  }
  // Why there are none.
  std::errc refusal(const PgtableConfig& config) {
    auto made = IoPgtable::create(config, *pool_, invalidation_);
    return made ? std::errc() : made.error();
  }

  NaiveTables all(const IoPgtable& tables) {
    NaiveTables found = NaiveWalk(ram_, tables).all();
    EXPECT_EQ(found.in_pieces, 0U);
    return found;
  }
  // What hardware finds; 0, if nothing.
  std::uint64_t descriptor(const IoPgtable& tables, std::uint64_t iova) {
    const auto leaf = NaiveWalk(ram_, tables).at(Iova(iova));
    return leaf ? leaf->descriptor : 0;
  }
  std::uint64_t load(Pa pa) {
    const auto word = ram_.load64(pa);
    return word ? *word : 0;
  }

  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  RecordingInvalidation invalidation_;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_PGTABLE_RIG_H_
