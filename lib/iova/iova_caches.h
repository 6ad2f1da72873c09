// The caches of one domain, and the depot between them.
#ifndef SMMU_LIB_IOVA_IOVA_CACHES_H_
#define SMMU_LIB_IOVA_IOVA_CACHES_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/iova/guarded_space.h"
#include "lib/iova/magazine.h"
#include "lib/iova/thread_caches.h"
#include "smmu/iommu/iova.h"
#include "smmu/iommu/iova_cache.h"
#include "smmu/result.h"

namespace smmu::iommu {

// What a cache has too many of goes to the depot in full magazines, and comes from there when one
// has none.  Everything here but the fast paths is under one lock; the lock of the ranges is taken
// below it, and never held for more than a magazine of ranges.
class IovaCaches {
 public:
  // `domain`: its number.  REQUIRES: config.sizes is not above kMostSizes.
  IovaCaches(std::uint64_t domain, GuardedSpace& space, const IovaCacheConfig& config);
  ~IovaCaches();
  IovaCaches(const IovaCaches&) = delete;
  IovaCaches& operator=(const IovaCaches&) = delete;

  // As IovaDomain's, where the calling thread has nothing at hand, or the owner of a cache.
  Result<Pfn, std::errc> allocate(std::uint64_t pages, Pfn limit, FlushOnFailure flush);
  std::optional<FreeFault> free(Pfn first, std::uint64_t pages);
  Result<Pfn, std::errc> allocate(IovaCache* cache, std::uint64_t pages, Pfn limit,
                                  FlushOnFailure flush);
  std::optional<FreeFault> free(IovaCache* cache, Pfn first, std::uint64_t pages);

  // A new cache, or null; and its end, when its owner will not come any more.
  IovaCache* add();
  void remove(IovaCache* cache);

  std::uint64_t trim(std::uint64_t magazines);
  void flush();
  // Forgets all that is kept.  REQUIRES: nobody else is here, and the ranges are gone, too.
  void forget();
  std::uint64_t bytes();

 private:
  bool keeps(std::uint64_t pages) const { return pages - 1 < largest_; }
  // The cache's, and then the depot's.  REQUIRES: the lock is held, and the owner waits.
  bool take(IovaCache& cache, unsigned size, Pfn limit, Pfn& first);
  bool keep(IovaCache& cache, unsigned size, Pfn first);
  // Frees what is in one, which is empty then.
  std::uint64_t empty(Magazine& magazine, unsigned size);
  void empty(IovaCache& cache);
  std::uint64_t empty_depot(unsigned size, std::uint64_t but);
  // A magazine that is empty, or null; and one that is not needed.
  Magazine* take_spare();
  void keep_spare(Magazine* magazine);
  void destroy_spares();
  void destroy(IovaCache* cache);

  GuardedSpace& space_;
  const IovaCacheConfig config_;
  const std::uint64_t largest_;  // that is kept, in pages; 0: none is
  const bool open_;              // owners come in without a lock
  ThreadCaches threads_;

  std::mutex mutex_;
  IovaCache* caches_ = nullptr;
  struct Depot {
    Magazine* magazines = nullptr;  // full ones
    std::uint64_t count = 0;
  };
  Depot depots_[IovaCache::kMostSizes];
  Magazine* spares_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_IOVA_CACHES_H_
