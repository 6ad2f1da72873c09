#include "bench/study/linear_cached.h"

#include <algorithm>
#include <iterator>

namespace smmu::study {

std::optional<Pfn> LinearCached::allocate(const Request& request) {
  const Wanted wanted(request);
  if (wanted.hopeless()) return std::nullopt;
  const Iterator begin = wanted.top <= k4GiB ? cached_low_ : cached_;
  const auto first = take(wanted, begin, start_);
  if (first || begin == ranges_.end() || begin->end > wanted.top) return first;
  return take(wanted, ranges_.at_or_above(wanted.top, visits_), begin->end);
}

std::optional<Pfn> LinearCached::take(const Wanted& wanted, Iterator above, Pfn floor) {
  Pfn top = wanted.top;
  for (;;) {
    ++visits_;
    if (above != ranges_.end()) top = std::min(top, above->first);
    const auto first = wanted.highest_in(floor, top);
    if (!first) return std::nullopt;  // and further down even less
    const bool lowest = above == ranges_.begin();
    const Iterator below = lowest ? above : std::prev(above);
    if (lowest || *first >= below->end) {
      const Pfn end = *first + wanted.pages;
      (end <= k4GiB ? cached_low_ : cached_) = ranges_.insert(above, *first, end);
      return first;
    }
    above = below;
  }
}

void LinearCached::free(Pfn first, std::uint64_t) {
  const Iterator range = ranges_.find(first);
  const auto is_at_or_above = [&](Iterator cached) {
    return cached != ranges_.end() && first >= cached->first;
  };
  const bool moves = is_at_or_above(cached_);
  const bool moves_low =
      range == cached_low_ || (range->end <= k4GiB && is_at_or_above(cached_low_));
  const Iterator above = ranges_.erase(range);
  if (moves) cached_ = above;
  if (moves_low) cached_low_ = above;
}

}  // namespace smmu::study
