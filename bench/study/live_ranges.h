// The ranges that are taken, in a red-black tree by address which knows nothing of gaps: what Linux
// has, and whoever walks from range to range.
#ifndef BENCH_STUDY_LIVE_RANGES_H_
#define BENCH_STUDY_LIVE_RANGES_H_

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "bench/study/allocator.h"
#include "bench/study/pool.h"

namespace smmu::study {

namespace intrusive = boost::intrusive;

class LiveRanges {
 public:
  // [first, end)
  struct Range : intrusive::set_base_hook<intrusive::link_mode<intrusive::normal_link>,
                                          intrusive::optimize_size<true>> {
    Range(Pfn first_page, Pfn end_page) : first(first_page), end(end_page) {}
    Pfn first;
    Pfn end;
  };
  struct FirstOf {
    using type = Pfn;
    const Pfn& operator()(const Range& range) const { return range.first; }
  };
  using Set = intrusive::set<Range, intrusive::key_of_value<FirstOf>>;
  using Iterator = Set::iterator;

  Iterator begin() { return set_.begin(); }
  Iterator end() { return set_.end(); }
  // The lowest that begins at `page` or above.  Adds what it looks at to `visits`.
  Iterator at_or_above(Pfn page, std::uint64_t& visits) {
    return set_.lower_bound(page, [&visits](Pfn a, Pfn b) {
      ++visits;
      return a < b;
    });
  }
  Iterator find(Pfn first) { return set_.find(first); }

  // REQUIRES: the pages are free, `above` is the next range above them.
  Iterator insert(Iterator above, Pfn first, Pfn end) {
    return set_.insert_before(above, *pool_.take(first, end));
  }
  // The next one above.
  Iterator erase(Iterator range) {
    Range* const node = &*range;
    const Iterator above = set_.erase(range);
    pool_.give_back(node);
    return above;
  }

  std::uint64_t bytes() const { return pool_.bytes(); }

 private:
  Pool<Range> pool_;
  Set set_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_LIVE_RANGES_H_
