// How Linux looks for a free range since 4.15.
#ifndef BENCH_STUDY_LINEAR_CACHED_H_
#define BENCH_STUDY_LINEAR_CACHED_H_

#include <cstdint>
#include <optional>

#include "bench/study/live_ranges.h"
#include "bench/study/placing.h"

namespace smmu::study {

// Walks down from range to range until the gap between two is large enough, from below the range
// that was allocated last, and, if there is nothing, once more from the limit down to that range.
// Of such ranges it remembers two, one for limits below 4 GiB.  A range that is freed above one
// takes it up there.
//
// Gives the addresses that IovaOrder::kLinuxExact does, in as many steps as there are ranges in its
// way.  It does not remember refusals.
class LinearCached {
 public:
  explicit LinearCached(Pfn start) : start_(start) {}

  std::optional<Pfn> allocate(const Request& request);
  void free(Pfn first, std::uint64_t pages);
  std::uint64_t visits() const { return visits_; }
  std::uint64_t bytes() const { return sizeof(*this) + ranges_.bytes(); }

 private:
  using Iterator = LiveRanges::Iterator;

  // Takes the highest place below `above` that begins at `floor` or higher.
  std::optional<Pfn> take(const Wanted& wanted, Iterator above, Pfn floor);

  const Pfn start_;
  LiveRanges ranges_;
  Iterator cached_ = ranges_.end();
  Iterator cached_low_ = ranges_.end();
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_LINEAR_CACHED_H_
