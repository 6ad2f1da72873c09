#include "bench/study/linear_2016.h"

#include <algorithm>
#include <iterator>

#include "bench/study/placing.h"

namespace smmu::study {

std::optional<Pfn> Linear2016::allocate(const Request& request) {
  const Wanted wanted(request);
  if (wanted.hopeless()) return std::nullopt;
  const bool low = wanted.top == k4GiB;
  LiveRanges::Iterator above = ranges_.end();
  Pfn top = wanted.top;
  if (low && cached_low_ != ranges_.end()) {
    above = cached_low_;
    top = above->first;
    ++visits_;
  }
  for (;;) {
    const bool lowest = above == ranges_.begin();
    const LiveRanges::Iterator below = lowest ? above : std::prev(above);
    if (!lowest) ++visits_;
    const auto first = wanted.highest_in(lowest ? start_ : below->end, top);
    if (first) {
      const LiveRanges::Iterator taken = ranges_.insert(above, *first, *first + wanted.pages);
      if (low) cached_low_ = taken;
      return first;
    }
    if (lowest) return std::nullopt;
    top = std::min(top, below->first);
    above = below;
  }
}

void Linear2016::free(Pfn first, std::uint64_t) {
  const LiveRanges::Iterator range = ranges_.find(first);
  const bool moves = cached_low_ != ranges_.end() && first >= cached_low_->first;
  const LiveRanges::Iterator above = ranges_.erase(range);
  if (moves) {
    cached_low_ = above != ranges_.end() && above->first < k4GiB ? above : ranges_.end();
  }
}

}  // namespace smmu::study
