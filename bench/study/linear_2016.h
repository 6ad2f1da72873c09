// How Linux looked for a free range up to 4.14: the algorithm that the measurements of EiovaR
// (FAST'15) and the first patches for it speak of.
#ifndef BENCH_STUDY_LINEAR_2016_H_
#define BENCH_STUDY_LINEAR_2016_H_

#include <cstdint>
#include <optional>

#include "bench/study/live_ranges.h"

namespace smmu::study {

// Walks down from range to range until the gap between two is large enough.  Requests whose limit
// is the end of the first 4 GiB begin below the last of their kind, or at what was freed above
// that; all others begin at the highest range there is, whatever their limit.
//
// Not complete: a request below 4 GiB never looks above the place where it begins, where there may
// be gaps that alignment has left.  One thing is not as it was there: the page at the start of the
// space is given out like any other.
class Linear2016 {
 public:
  explicit Linear2016(Pfn start) : start_(start) {}

  std::optional<Pfn> allocate(const Request& request);
  void free(Pfn first, std::uint64_t pages);
  std::uint64_t visits() const { return visits_; }
  std::uint64_t bytes() const { return sizeof(*this) + ranges_.bytes(); }

 private:
  const Pfn start_;
  LiveRanges ranges_;
  LiveRanges::Iterator cached_low_ = ranges_.end();  // end(): none
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_LINEAR_2016_H_
