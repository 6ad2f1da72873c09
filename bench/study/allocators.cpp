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

}  // namespace

std::vector<NamedAllocator> allocators() {
  return {
      named<HighestGap>("highest_gap", "IovaDomain: the highest gap that fits, by a tree of gaps"),
      named<LinuxExact>("linux_exact", "IovaDomain: Linux's addresses and refusals, by that tree"),
      named<LinuxExactWithoutMemo>("linux_exact_without_memo",
                                   "the same, without Linux's memory of its last refusal"),
      named<Linear2016>("linear_2016", "Linux up to 4.14: walks down, mostly from the top"),
      named<LinearCached>("linear_cached", "Linux since 4.15: walks down from the last range"),
      named<TwoTrees>("two_trees", "free ranges by address and by size: best fit"),
      named<Bitmap>("bitmap", "a bit a page below 64 GiB, with three levels of summaries"),
      named<Bump>("bump", "next fit: below the last range, round at the bottom"),
  };
}

}  // namespace smmu::study
