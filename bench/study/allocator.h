// What is compared: ways to find out which pages of an address space are free.
#ifndef BENCH_STUDY_ALLOCATOR_H_
#define BENCH_STUDY_ALLOCATOR_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smmu/iommu/iova.h"

namespace smmu::study {

using iommu::Alignment;
using iommu::Pfn;

// Pages are of 4 KiB, and this is the first that is none: 2^64 bytes.
inline constexpr Pfn kEnd = Pfn{1} << 52;

struct Request {
  std::uint64_t pages = 1;
  Pfn limit = 0;  // the last page that may be part of the range
  Alignment alignment = Alignment::kNatural;
};

// An algorithm, for one thread at a time.  All of them give ranges that do not overlap, none below
// the start it was made with or above the limit of the request, and refuse a request of no pages;
// they differ in which, in what that costs, and in when they give up.
//
// REQUIRES: the start is below kEnd.
template <class A>
concept Allocator = std::constructible_from<A, Pfn> &&
    requires(A allocator, const A& looked_at, const Request& request, Pfn first,
             std::uint64_t pages) {
  // The first page of a range, or nothing.
  { allocator.allocate(request) } -> std::same_as<std::optional<Pfn>>;
  // Gives a range back, whole; it is one that was given out and is live.
  allocator.free(first, pages);
  // Nodes, list elements or words of a bitmap that requests have looked at since it was made.  The
  // way to what is freed is not counted: it is one way down a tree in all that have one.
  { looked_at.visits() } -> std::same_as<std::uint64_t>;
  // Memory it holds now.
  { looked_at.bytes() } -> std::same_as<std::uint64_t>;
};

// The same behind a virtual call, for whoever chooses at run time.
class AnyAllocator {
 public:
  virtual ~AnyAllocator() = default;
  virtual std::optional<Pfn> allocate(const Request& request) = 0;
  virtual void free(Pfn first, std::uint64_t pages) = 0;
  virtual std::uint64_t visits() const = 0;
  virtual std::uint64_t bytes() const = 0;
};

template <Allocator A>
class Erased final : public AnyAllocator {
 public:
  explicit Erased(Pfn start) : allocator_(start) {}
  Erased(Pfn start, std::uint64_t granule) : allocator_(start, granule) {}
  std::optional<Pfn> allocate(const Request& request) override {
    return allocator_.allocate(request);
  }
  void free(Pfn first, std::uint64_t pages) override { allocator_.free(first, pages); }
  std::uint64_t visits() const override { return allocator_.visits(); }
  std::uint64_t bytes() const override { return allocator_.bytes(); }

 private:
  A allocator_;
};

struct NamedAllocator {
  std::string name;
  std::string what;                                              // it is, in a few words
  std::function<std::unique_ptr<AnyAllocator>(Pfn start)> make;  // for pages of 4096 bytes
  // The same for pages of other sizes, of an algorithm that has rules of its own for addresses
  // below 4 GiB.  Empty: a page is a page to it.
  std::function<std::unique_ptr<AnyAllocator>(std::uint64_t granule, Pfn start)> make_of_granule =
      nullptr;
};

// All of them.
std::vector<NamedAllocator> allocators();

}  // namespace smmu::study

#endif  // BENCH_STUDY_ALLOCATOR_H_
