// The tables of one IoPgtable: where they come from, how their entries are reached, and how many
// there are.
#ifndef SMMU_LIB_PGTABLE_TABLE_MEMORY_H_
#define SMMU_LIB_PGTABLE_TABLE_MEMORY_H_

#include <atomic>
#include <bit>
#include <cstdint>
#include <system_error>
#include <type_traits>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"

namespace smmu::iommu {

// What is in memory for an entry, of 64 bits or of 32.
constexpr std::uint64_t as_stored(std::uint64_t entry) { return little_endian(entry); }
constexpr std::uint32_t as_stored(std::uint32_t entry) {
  if constexpr (std::endian::native == std::endian::little) return entry;
  return __builtin_bswap32(entry);
}

// An entry as hardware sees it: read and written whole.
template <class Entry>
Entry load(Entry* entry) {
  return as_stored(std::atomic_ref(*entry).load(std::memory_order_acquire));
}
template <class Entry>
void store(Entry* entry, std::type_identity_t<Entry> descriptor) {
  std::atomic_ref(*entry).store(as_stored(descriptor), std::memory_order_release);
}
// What was there.
inline std::uint64_t exchange(std::uint64_t* entry, std::uint64_t descriptor) {
  return as_stored(std::atomic_ref(*entry).exchange(as_stored(descriptor)));
}

// What was there; the new one is stored if that was `expected`.
template <class Entry>
Entry exchange_if(Entry* entry, std::type_identity_t<Entry> expected,
                  std::type_identity_t<Entry> descriptor) {
  Entry found = as_stored(expected);
  std::atomic_ref(*entry).compare_exchange_strong(found, as_stored(descriptor));
  return as_stored(found);
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

  template <class Entry = std::uint64_t>
  Entry* entries(Pa table) const {
    return reinterpret_cast<Entry*>(table.value + offset_);
  }
  Pa pa_of(const void* entry) const {
    return Pa(reinterpret_cast<std::uintptr_t>(entry) - offset_);
  }

  // Makes walks see entries that were written, where these do not look into caches.
  template <class Entry>
  void clean(Entry* entry, std::uint64_t count) const {
    if (caches_ != nullptr) [[unlikely]]
      caches_->clean(pa_of(entry), count * sizeof(Entry));
  }

 private:
  PagePool& pool_;
  CacheMaintenance* const caches_;
  const std::uintptr_t offset_;
  std::atomic<std::uint64_t> live_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_TABLE_MEMORY_H_
