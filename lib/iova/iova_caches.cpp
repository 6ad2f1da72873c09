#include "lib/iova/iova_caches.h"

#include <new>

#include "lib/iova/process_barrier.h"

namespace smmu::iommu {

IovaCaches::IovaCaches(std::uint64_t domain, GuardedSpace& space, const IovaCacheConfig& config)
    : space_(space),
      config_(config),
      largest_(config.sizes == 0 ? 0 : std::uint64_t{1} << (config.sizes - 1)),
      open_(!config.checked && (space.threads() == Threads::kOne || has_process_barrier())),
      threads_(domain, *this, space.threads()) {}

IovaCaches::~IovaCaches() {
  threads_.forget(caches_);
  forget();
  while (caches_) {
    IovaCache* const cache = caches_;
    caches_ = cache->next_;
    destroy(cache);
  }
  destroy_spares();
}

IovaCache* IovaCaches::add() {
  const std::lock_guard lock(mutex_);
  const auto entry = open_ ? IovaCache::Entry::kOpen : IovaCache::Entry::kByLock;
  auto* const cache = new (std::nothrow) IovaCache(*this, entry);
  if (!cache) return nullptr;
  bytes_ += sizeof(IovaCache);
  for (unsigned size = 0; size != config_.sizes; ++size) {
    Magazine* const at_hand = take_spare();
    if (at_hand) cache->load(size, at_hand, config_.magazine);
    cache->other_[size] = at_hand ? take_spare() : nullptr;
    if (!cache->other_[size]) {
      destroy(cache);
      return nullptr;
    }
  }
  cache->next_ = caches_;
  caches_ = cache;
  return cache;
}

void IovaCaches::remove(IovaCache* cache) {
  const std::lock_guard lock(mutex_);
  empty(*cache);
  IovaCache** link = &caches_;
  while (*link != cache) link = &(*link)->next_;
  *link = cache->next_;
  destroy(cache);
}

void IovaCaches::destroy(IovaCache* cache) {
  for (unsigned size = 0; size != config_.sizes; ++size) {
    if (cache->bins_[size].begin) keep_spare(cache->unload(size));
    if (cache->other_[size]) keep_spare(cache->other_[size]);
  }
  bytes_ -= sizeof(IovaCache);
  delete cache;
}

Magazine* IovaCaches::take_spare() {
  if (Magazine* const spare = spares_) {
    spares_ = spare->next();
    spare->set_count(0);
    return spare;
  }
  Magazine* const magazine = Magazine::make(config_.magazine);
  if (magazine) bytes_ += Magazine::bytes(config_.magazine);
  return magazine;
}

void IovaCaches::keep_spare(Magazine* magazine) {
  magazine->put_before(spares_);
  spares_ = magazine;
}

void IovaCaches::destroy_spares() {
  while (spares_) {
    Magazine* const spare = spares_;
    spares_ = spare->next();
    Magazine::destroy(spare);
    bytes_ -= Magazine::bytes(config_.magazine);
  }
}

Result<Pfn, std::errc> IovaCaches::allocate(std::uint64_t pages, Pfn limit, FlushOnFailure flush) {
  return allocate(keeps(pages) ? threads_.mine() : nullptr, pages, limit, flush);
}

std::optional<FreeFault> IovaCaches::free(Pfn first, std::uint64_t pages) {
  return free(keeps(pages) ? threads_.mine() : nullptr, first, pages);
}

Result<Pfn, std::errc> IovaCaches::allocate(IovaCache* cache, std::uint64_t pages, Pfn limit,
                                            FlushOnFailure flush_on_failure) {
  if (pages == 0) return std::errc::invalid_argument;
  if (keeps(pages)) {
    const unsigned size = IovaCache::size_of(pages);
    pages = std::uint64_t{1} << size;
    Pfn first = 0;
    const std::lock_guard lock(mutex_);
    if (cache && take(*cache, size, limit, first)) {
      if (config_.checked) space_.with([=](IovaSpace& space) { space.unpark(first); });
      return first;
    }
  }
  const auto allocate = [=](IovaSpace& space) {
    return space.allocate(pages, limit, Alignment::kNatural);
  };
  auto range = space_.with(allocate);
  if (!range && flush_on_failure == FlushOnFailure::kYes) {
    flush();
    range = space_.with(allocate);
  }
  if (!range) return range.error();
  return range->first();
}

std::optional<FreeFault> IovaCaches::free(IovaCache* cache, Pfn first, std::uint64_t pages) {
  if (keeps(pages)) {
    const unsigned size = IovaCache::size_of(pages);
    pages = std::uint64_t{1} << size;
    const std::lock_guard lock(mutex_);
    if (config_.checked) {
      const auto fault = space_.with([=](IovaSpace& space) { return space.park(first, pages); });
      if (fault) return fault;
    }
    if (cache && keep(*cache, size, first)) return std::nullopt;
  }
  return space_.with([=](IovaSpace& space) { return space.free(first, pages); });
}

bool IovaCaches::take(IovaCache& cache, unsigned size, Pfn limit, Pfn& first) {
  if (cache.take_any(size, limit, first)) return true;
  const IovaCache::Bin& bin = cache.bins_[size];
  if (bin.top != bin.begin) return false;
  Depot& depot = depots_[size];
  if (depot.count == 0) return false;
  Magazine* const magazine = depot.magazines;
  depot.magazines = magazine->next();
  --depot.count;
  magazine->set_count(config_.magazine);
  keep_spare(cache.unload(size));
  cache.load(size, magazine, config_.magazine);
  return cache.take_any(size, limit, first);
}

bool IovaCaches::keep(IovaCache& cache, unsigned size, Pfn first) {
  if (cache.keep_anywhere(size, first)) return true;
  Magazine* const spare = take_spare();
  if (!spare) return false;
  Magazine* const full = cache.unload(size);
  Depot& depot = depots_[size];
  full->put_before(depot.magazines);
  depot.magazines = full;
  ++depot.count;
  cache.load(size, spare, config_.magazine);
  return cache.keep_anywhere(size, first);
}

std::uint64_t IovaCaches::empty(Magazine& magazine, unsigned size) {
  return space_.with([&magazine, size](IovaSpace& space) {
    std::uint64_t freed = 0;
    for (std::size_t i = magazine.count(); i-- != 0;) {
      // Without checks anything may have been given back.
      if (!space.free(magazine.pages()[i], std::uint64_t{1} << size)) ++freed;
    }
    magazine.set_count(0);
    return freed;
  });
}

void IovaCaches::empty(IovaCache& cache) {
  for (unsigned size = 0; size != config_.sizes; ++size) {
    Magazine* const at_hand = cache.unload(size);
    empty(*at_hand, size);
    cache.load(size, at_hand, config_.magazine);
    empty(*cache.other_[size], size);
  }
}

std::uint64_t IovaCaches::empty_depot(unsigned size, std::uint64_t but) {
  Depot& depot = depots_[size];
  std::uint64_t freed = 0;
  for (; depot.count > but; --depot.count) {
    Magazine* const magazine = depot.magazines;
    depot.magazines = magazine->next();
    magazine->set_count(config_.magazine);
    freed += empty(*magazine, size);
    keep_spare(magazine);
  }
  return freed;
}

std::uint64_t IovaCaches::trim(std::uint64_t magazines) {
  const std::lock_guard lock(mutex_);
  std::uint64_t freed = 0;
  for (unsigned size = 0; size != config_.sizes; ++size) freed += empty_depot(size, magazines);
  destroy_spares();
  return freed;
}

void IovaCaches::flush() {
  const std::lock_guard lock(mutex_);
  if (open_) {
    for (IovaCache* cache = caches_; cache; cache = cache->next_) cache->shut();
  }
  // A system that has the barrier and refuses it once: nobody knows then who is in, and what owners
  // have at hand stays theirs.
  if (!open_ || space_.threads() == Threads::kOne || process_barrier()) {
    for (IovaCache* cache = caches_; cache; cache = cache->next_) {
      cache->await();
      empty(*cache);
    }
  }
  for (unsigned size = 0; size != config_.sizes; ++size) empty_depot(size, 0);
  destroy_spares();
  if (open_) {
    for (IovaCache* cache = caches_; cache; cache = cache->next_) cache->open();
  }
}

void IovaCaches::forget() {
  const std::lock_guard lock(mutex_);
  for (IovaCache* cache = caches_; cache; cache = cache->next_) {
    for (unsigned size = 0; size != config_.sizes; ++size) {
      cache->bins_[size].top = cache->bins_[size].begin;
      cache->other_[size]->set_count(0);
    }
  }
  for (Depot& depot : depots_) {
    for (; depot.count != 0; --depot.count) {
      Magazine* const magazine = depot.magazines;
      depot.magazines = magazine->next();
      keep_spare(magazine);
    }
  }
  destroy_spares();
}

std::uint64_t IovaCaches::bytes() {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace smmu::iommu
