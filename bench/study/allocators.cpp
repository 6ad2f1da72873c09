#include "bench/study/allocator.h"
#include "bench/study/bitmap.h"
#include "bench/study/bump.h"
#include "bench/study/domain_allocator.h"
#include "bench/study/linear_2016.h"
#include "bench/study/linear_cached.h"
#include "bench/study/two_trees.h"

namespace smmu::study {

namespace {

template <Allocator A>
NamedAllocator named(std::string name, std::string what) {
  return {std::move(name), std::move(what), [](Pfn start) -> std::unique_ptr<AnyAllocator> {
            return std::make_unique<Erased<A>>(start);
          }};
}

// One that knows granules.
template <Allocator A>
NamedAllocator named_of_granule(std::string name, std::string what) {
  NamedAllocator allocator = named<A>(std::move(name), std::move(what));
  allocator.make_of_granule = [](std::uint64_t granule,
                                 Pfn start) -> std::unique_ptr<AnyAllocator> {
    return std::make_unique<Erased<A>>(start, granule);
  };
  return allocator;
}

}  // namespace

std::vector<NamedAllocator> allocators() {
  return {
      named_of_granule<HighestGap>("highest_gap",
                                   "IovaDomain: the highest gap that fits, by a tree of gaps"),
      named_of_granule<LinuxExact>("linux_exact",
                                   "IovaDomain: Linux's addresses and refusals, by that tree"),
      named_of_granule<LinuxExactWithoutMemo>(
          "linux_exact_without_memo", "the same, without Linux's memory of its last refusal"),
      named<Linear2016>("linear_2016", "Linux up to 4.14: walks down, mostly from the top"),
      named<LinearCached>("linear_cached", "Linux since 4.15: walks down from the last range"),
      named<TwoTrees>("two_trees", "free ranges by address and by size: best fit"),
      named<Bitmap>("bitmap", "a bit a page below 64 GiB, with three levels of summaries"),
      named<Bump>("bump", "next fit: below the last range, round at the bottom"),
  };
}

}  // namespace smmu::study
