#include "bench/study/bump.h"

#include <algorithm>
#include <iterator>

namespace smmu::study {

std::optional<Pfn> Bump::allocate(const Request& request) {
  const Wanted wanted(request);
  if (wanted.hopeless()) return std::nullopt;
  const Pfn top = std::min(wanted.top, next_);
  auto first = take(wanted, top, start_);
  // Round: places that end above `top` have not been looked at.
  if (!first && top < wanted.top) {
    first = take(wanted, wanted.top,
                 std::max(start_, top >= wanted.pages ? top - wanted.pages + 1 : 0));
  }
  if (first) next_ = *first;
  return first;
}

std::optional<Pfn> Bump::take(const Wanted& wanted, Pfn top, Pfn floor) {
  auto above = ranges_.at_or_above(top, visits_);
  for (;;) {
    const auto first = wanted.highest_in(floor, top);
    if (!first) return std::nullopt;  // and further down even less
    if (above == ranges_.begin()) {
      ranges_.insert(above, *first, *first + wanted.pages);
      return first;
    }
    const auto below = std::prev(above);
    ++visits_;
    if (*first >= below->end) {
      ranges_.insert(above, *first, *first + wanted.pages);
      return first;
    }
    top = std::min(top, below->first);
    above = below;
  }
}

}  // namespace smmu::study
