// Memory that the driver and the SMMU share: queues, Stream tables, CD tables.
#ifndef SMMU_LIB_SMMU_V3_STRUCTURE_MEMORY_H_
#define SMMU_LIB_SMMU_V3_STRUCTURE_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <system_error>
#include <utility>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class StructureMemory {
 public:
  // `caches`: null where the SMMU's accesses are coherent.
  StructureMemory(PagePool& pool, CacheMaintenance* caches) : pool_(pool), caches_(caches) {}

  PagePool& pool() const { return pool_; }

  // 2^log2_size bytes, zero as the SMMU sees them too.
  Result<Pa, std::errc> allocate(unsigned log2_size) const {
    const auto block = pool_.allocate(log2_size);
    if (block) clean(*block, std::uint64_t{1} << log2_size);
    return block;
  }
  void free(Pa block, unsigned log2_size) const { pool_.free(block, log2_size); }

  // Single-copy atomic; what was stored before is visible to whoever sees the word.
  std::uint64_t load(Pa pa) const { return load(pool_.words(pa)); }
  void store(Pa pa, std::uint64_t word) const { store(pool_.words(pa), word); }
  static std::uint64_t load(std::uint64_t* word) {
    return little_endian(std::atomic_ref(*word).load(std::memory_order_acquire));
  }
  static void store(std::uint64_t* word, std::uint64_t value) {
    std::atomic_ref(*word).store(little_endian(value), std::memory_order_release);
  }

  // Makes what was stored there visible to an SMMU that does not look into caches.
  void clean(Pa pa, std::uint64_t bytes) const {
    if (caches_ != nullptr) caches_->clean(pa, bytes);
  }
  // Makes what such an SMMU stored there visible to loads.
  void invalidate(Pa pa, std::uint64_t bytes) const {
    if (caches_ != nullptr) caches_->invalidate(pa, bytes);
  }

 private:
  PagePool& pool_;
  CacheMaintenance* const caches_;
};

// A block that is given back.
class TableBlock {
 public:
  TableBlock() = default;
  TableBlock(const StructureMemory& memory, Pa pa, unsigned log2_size)
      : memory_(&memory), pa_(pa), log2_size_(log2_size) {}
  TableBlock(TableBlock&& other) noexcept { *this = std::move(other); }
  TableBlock& operator=(TableBlock&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(pa_, other.pa_);
    std::swap(log2_size_, other.log2_size_);
    return *this;
  }
  ~TableBlock() {
    if (memory_ != nullptr) memory_->free(pa_, log2_size_);
  }

  static Result<TableBlock, std::errc> allocate(const StructureMemory& memory, unsigned log2_size) {
    const auto pa = memory.allocate(log2_size);
    if (!pa) return pa.error();
    return TableBlock(memory, *pa, log2_size);
  }

  explicit operator bool() const { return memory_ != nullptr; }
  Pa pa() const { return pa_; }
  std::uint64_t* words() const { return memory_->pool().words(pa_); }

 private:
  const StructureMemory* memory_ = nullptr;
  Pa pa_;
  unsigned log2_size_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_STRUCTURE_MEMORY_H_
