#include "bench/study/two_trees.h"

#include <algorithm>
#include <iterator>

#include "bench/study/placing.h"

namespace smmu::study {

std::optional<Pfn> TwoTrees::allocate(const Request& request) {
  const Wanted wanted(request);
  if (wanted.hopeless()) return std::nullopt;
  auto range = by_size_.lower_bound(Size{wanted.pages, 0}, [this](const Size& a, const Size& b) {
    ++visits_;
    return a < b;
  });
  for (; range != by_size_.end(); ++range) {
    ++visits_;
    const auto first = wanted.highest_in(range->first, std::min(range->end, wanted.top));
    if (!first) continue;
    const Pfn begin = range->first;
    const Pfn end = range->end;
    remove(*range);
    if (begin != *first) add(begin, *first);
    if (*first + wanted.pages != end) add(*first + wanted.pages, end);
    return first;
  }
  return std::nullopt;
}

void TwoTrees::free(Pfn first, std::uint64_t pages) {
  Pfn begin = first;
  Pfn end = first + pages;
  const auto above = by_address_.lower_bound(first);
  if (above != by_address_.begin()) {
    Range& below = *std::prev(above);
    if (below.end == begin) {
      begin = below.first;
      remove(below);
    }
  }
  if (above != by_address_.end() && above->first == end) {
    end = above->end;
    remove(*above);
  }
  add(begin, end);
}

void TwoTrees::add(Pfn first, Pfn end) {
  Range& range = *pool_.take(first, end);
  by_address_.insert(range);
  by_size_.insert(range);
}

void TwoTrees::remove(Range& range) {
  by_address_.erase(by_address_.iterator_to(range));
  by_size_.erase(by_size_.iterator_to(range));
  pool_.give_back(&range);
}

}  // namespace smmu::study
