// Ranges of one size that are kept for the next request.
#ifndef SMMU_LIB_IOVA_MAGAZINE_H_
#define SMMU_LIB_IOVA_MAGAZINE_H_

#include <cstddef>
#include <new>

#include "smmu/iommu/pfn.h"

namespace smmu::iommu {

// A stack of their first pages, which lie behind it.  How many fit is known to whoever has it, and
// is the same for all of a domain.  While a cache has it at hand, the cache knows how many there
// are.
class Magazine {
 public:
  // Null: there is no memory.
  static Magazine* make(std::size_t capacity) {
    void* const memory = ::operator new(bytes(capacity), std::nothrow);
    return memory ? new (memory) Magazine : nullptr;
  }
  static void destroy(Magazine* magazine) { ::operator delete(magazine); }
  static std::size_t bytes(std::size_t capacity) {
    return sizeof(Magazine) + capacity * sizeof(Pfn);
  }

  Pfn* pages() { return reinterpret_cast<Pfn*>(this + 1); }
  static Magazine* of(Pfn* pages) { return reinterpret_cast<Magazine*>(pages) - 1; }

  std::size_t count() const { return count_; }
  void set_count(std::size_t count) { count_ = count; }
  // In a list, which forgets the count.
  Magazine* next() const { return next_; }
  void put_before(Magazine* next) { next_ = next; }

 private:
  Magazine() : count_(0) {}

  union {
    std::size_t count_;
    Magazine* next_;
  };
};
static_assert(sizeof(Magazine) == sizeof(Pfn));

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_MAGAZINE_H_
