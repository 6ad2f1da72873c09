// An address space as a sorted vector: what an IovaDomain has to answer, found by looking at every
// range.  Written from the public header and from what Linux 6.12's allocator does, not from
// lib/iova.
#ifndef SMMU_TEST_IOVA_NAIVE_SPACE_H_
#define SMMU_TEST_IOVA_NAIVE_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "smmu/iommu/iova.h"
#include "smmu/result.h"

namespace smmu::iommu {

struct NaiveRange {
  Pfn first;
  Pfn last;
  bool reserved;

  friend bool operator==(const NaiveRange&, const NaiveRange&) = default;
};

struct NaiveRemains {
  std::optional<NaiveRange> below;
  std::optional<NaiveRange> above;
};

// Functions that IovaDomain has too answer as its own do.
class NaiveSpace {
 public:
  // Pages below `end`, given out from `start` on; `boundary` is the first page above 4 GiB.
  NaiveSpace(Pfn start, Pfn end, Pfn boundary, const IovaConfig& config);

  Result<NaiveRange, std::errc> allocate(std::uint64_t pages, Pfn limit, Alignment alignment);
  // The range that holds `page`, given back.
  Result<NaiveRange, std::errc> free(Pfn page);
  std::optional<NaiveRange> find(Pfn page) const;
  std::optional<NaiveRange> find_from(Pfn page) const;
  Result<NaiveRange, std::errc> reserve(Pfn first, Pfn last);
  Result<std::uint64_t, std::errc> reserve_from(const NaiveSpace& other);
  // REQUIRES: a range holds `whole`.
  Result<NaiveRemains, std::errc> split_and_remove(Pfn whole, Pfn first, Pfn last);
  void reset();

  const std::vector<NaiveRange>& ranges() const { return ranges_; }
  // Which is the first range with a page at `page` or above; ranges().size(): none.
  std::size_t index_from(Pfn page) const;
  bool empty(Pfn first, Pfn last) const;

 private:
  // Where Linux's search begins when it has no range to begin below.  No range begins there.
  static constexpr Pfn kAnchor = ~Pfn{0};

  std::optional<Pfn> highest_place(Pfn low, Pfn end, std::uint64_t pages, Pfn mask) const;
  std::optional<Pfn> linux_place(Pfn limit, std::uint64_t pages, Pfn mask);
  void insert(const NaiveRange& range);
  void extend_down(NaiveRange& range, Pfn first);
  void on_freed(Pfn first, Pfn last, Pfn next);
  Result<NaiveRange, std::errc> reserve_as_linux(Pfn first, Pfn last);

  const Pfn start_;
  const Pfn end_;
  const Pfn boundary_;
  const bool linux_;
  const bool memo_;
  std::vector<NaiveRange> ranges_;

  // First pages of the ranges below which Linux searches next.
  Pfn cached_ = kAnchor;
  Pfn cached32_ = kAnchor;
  std::uint64_t refused_ = 0;  // requests below the boundary of so many pages and more
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_NAIVE_SPACE_H_
