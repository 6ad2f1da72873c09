// The tables of one IoPgtable: where they come from, how their entries are reached, and how many
// there are.
#ifndef LIB_PGTABLE_TABLE_MEMORY_H_
#define LIB_PGTABLE_TABLE_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <system_error>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"

namespace smmu::iommu {

// An entry as hardware sees it: read and written whole, little-endian.
inline std::uint64_t load(std::uint64_t* entry) {
  return little_endian(std::atomic_ref(*entry).load(std::memory_order_acquire));
}
inline void store(std::uint64_t* entry, std::uint64_t descriptor) {
  std::atomic_ref(*entry).store(little_endian(descriptor), std::memory_order_release);
}
// What was there.
inline std::uint64_t exchange(std::uint64_t* entry, std::uint64_t descriptor) {
  return little_endian(std::atomic_ref(*entry).exchange(little_endian(descriptor)));
}

class TableMemory {
 public:
  TableMemory(PagePool& pool, CacheMaintenance* caches)
      : pool_(pool), caches_(caches), offset_(pool.host_offset()) {}

  // All zero, and so as memory has it.
  Result<Pa, std::errc> allocate(unsigned log2_size) {
    const auto table = pool_.allocate(log2_size);
    if (!table) return table;
    if (caches_ != nullptr) caches_->clean(*table, std::uint64_t{1} << log2_size);
    live_.fetch_add(1, std::memory_order_relaxed);
    return table;
  }
  void free(Pa table, unsigned log2_size) {
    pool_.free(table, log2_size);
    live_.fetch_sub(1, std::memory_order_relaxed);
  }
  std::uint64_t live() const { return live_.load(std::memory_order_relaxed); }

  std::uint64_t* entries(Pa table) const {
    return reinterpret_cast<std::uint64_t*>(table.value + offset_);
  }
  Pa pa_of(const std::uint64_t* entry) const {
    return Pa(reinterpret_cast<std::uintptr_t>(entry) - offset_);
  }

  // Makes walks see entries that were written, where these do not look into caches.
  void clean(std::uint64_t* entry, std::uint64_t count) const {
    if (caches_ != nullptr) [[unlikely]]
      caches_->clean(pa_of(entry), count * sizeof(std::uint64_t));
  }

 private:
  PagePool& pool_;
  CacheMaintenance* const caches_;
  const std::uintptr_t offset_;
  std::atomic<std::uint64_t> live_{0};
};

}  // namespace smmu::iommu

#endif  // LIB_PGTABLE_TABLE_MEMORY_H_
