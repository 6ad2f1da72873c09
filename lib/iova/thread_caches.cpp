#include "lib/iova/thread_caches.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "lib/iova/iova_caches.h"

namespace smmu::iommu {
namespace {

// Over the lists of all threads.  Below it come the locks of domains.
constinit std::mutex lists;
constinit std::atomic<std::uint64_t> last_domain{0};

}  // namespace

constinit thread_local IovaCache* ThreadCaches::list_ = nullptr;
constinit thread_local bool ThreadCaches::ended_ = false;

// The end of a thread.
struct ThreadCaches::End {
  ~End() {
    // Other ends of the same thread may still free something.
    ended_ = true;
    std::ranges::fill(IovaCache::domains_, 0);
    const std::lock_guard lock(lists);
    while (list_) {
      IovaCache* const cache = list_;
      unlink(cache);
      cache->home_.remove(cache);
    }
  }
};

std::uint64_t ThreadCaches::new_domain() {
  return last_domain.fetch_add(1, std::memory_order_relaxed) + 1;
}

void ThreadCaches::unlink(IovaCache* cache) {
  *cache->link_ = cache->next_of_thread_;
  if (cache->next_of_thread_) cache->next_of_thread_->link_ = cache->link_;
  cache->link_ = nullptr;
}

void ThreadCaches::forget(IovaCache* const& caches) {
  const std::lock_guard lock(lists);
  for (IovaCache* cache = caches; cache; cache = cache->next_) {
    if (cache->link_) unlink(cache);
  }
}

IovaCache* ThreadCaches::mine() {
  if (IovaCache* const cache = IovaCache::of_thread(domain_)) return cache;
  if (ended_) return nullptr;
  [[maybe_unused]] static thread_local End end;
  const std::lock_guard lock(lists);
  IovaCache* cache = only_;
  if (!cache) {
    for (cache = list_; cache && &cache->home_ != &home_;) cache = cache->next_of_thread_;
  }
  if (!cache) {
    cache = home_.add();
    if (!cache) return nullptr;
    if (threads_ == Threads::kOne) {
      only_ = cache;
    } else {
      cache->next_of_thread_ = list_;
      cache->link_ = &list_;
      if (list_) list_->link_ = &cache->next_of_thread_;
      list_ = cache;
    }
  }
  IovaCache::domains_[domain_ % IovaCache::kSlots] = domain_;
  IovaCache::caches_[domain_ % IovaCache::kSlots] = cache;
  return cache;
}

}  // namespace smmu::iommu
