#include "smmu/iommu/iova_cache.h"

#include <algorithm>
#include <thread>

#include "lib/iova/magazine.h"

namespace smmu::iommu {

constinit thread_local std::uint64_t IovaCache::domains_[kSlots] = {};
constinit thread_local IovaCache* IovaCache::caches_[kSlots] = {};

void IovaCache::load(unsigned size, Magazine* magazine, std::size_t capacity) {
  Pfn* const begin = magazine->pages();
  bins_[size] = {begin + magazine->count(), begin, begin + capacity};
}

Magazine* IovaCache::unload(unsigned size) {
  const Bin& bin = bins_[size];
  Magazine* const magazine = Magazine::of(bin.begin);
  magazine->set_count(static_cast<std::size_t>(bin.top - bin.begin));
  return magazine;
}

void IovaCache::turn(unsigned size) {
  const auto capacity = static_cast<std::size_t>(bins_[size].end - bins_[size].begin);
  Magazine* const other = other_[size];
  other_[size] = unload(size);
  load(size, other, capacity);
}

bool IovaCache::take_any(unsigned size, Pfn limit, Pfn& first) {
  Bin& bin = bins_[size];
  if (bin.top == bin.begin) turn(size);
  for (Pfn* place = bin.top; place != bin.begin;) {
    --place;
    if (*place + ((Pfn{1} << size) - 1) > limit) continue;
    first = *place;
    *place = *--bin.top;
    return true;
  }
  return false;
}

bool IovaCache::keep_anywhere(unsigned size, Pfn first) {
  Bin& bin = bins_[size];
  if (bin.top == bin.end) turn(size);
  if (bin.top == bin.end) return false;
  *bin.top++ = first;
  return true;
}

void IovaCache::await() const {
  while (in_.load(std::memory_order_acquire)) std::this_thread::yield();
}

}  // namespace smmu::iommu
