// Which caches the threads of the process have at a domain.
#ifndef SMMU_LIB_IOVA_THREAD_CACHES_H_
#define SMMU_LIB_IOVA_THREAD_CACHES_H_

#include <cstdint>

#include "smmu/iommu/iova.h"
#include "smmu/iommu/iova_cache.h"

namespace smmu::iommu {

// A thread that asks for the first time gets a cache; when it ends, the domain gets that back, and
// when the domain ends, the thread forgets it.
class ThreadCaches {
 public:
  // A domain's number, which is used once.
  static std::uint64_t new_domain();

  // Threads::kOne: there is one cache, whoever calls.
  ThreadCaches(std::uint64_t domain, IovaCaches& home, Threads threads)
      : domain_(domain), home_(home), threads_(threads) {}
  ThreadCaches(const ThreadCaches&) = delete;
  ThreadCaches& operator=(const ThreadCaches&) = delete;

  // Of the calling thread.  Null: there is no memory for one, or the thread is about to end.
  IovaCache* mine();

  // Before the domain destroys its caches, of which this is the first: no thread has one any more.
  // REQUIRES: nobody asks any more.
  static void forget(IovaCache* const& caches);

 private:
  struct End;

  static void unlink(IovaCache* cache);

  static constinit thread_local IovaCache* list_;  // of the thread
  static constinit thread_local bool ended_;

  const std::uint64_t domain_;
  IovaCaches& home_;
  const Threads threads_;
  IovaCache* only_ = nullptr;  // Threads::kOne
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_THREAD_CACHES_H_
