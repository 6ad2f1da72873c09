// Next fit: every range goes below the last one, and at the bottom it begins again.
#ifndef BENCH_STUDY_BUMP_H_
#define BENCH_STUDY_BUMP_H_

#include <cstdint>
#include <optional>

#include "bench/study/live_ranges.h"
#include "bench/study/placing.h"

namespace smmu::study {

// A pointer that moves down by what was asked for, over ranges that are in its way, and from the
// limit again when it has come to the start.  What is freed is not looked for: the pointer comes
// by. In a space that is large it hardly ever meets anything, and page tables grow instead.
class Bump {
 public:
  explicit Bump(Pfn start) : start_(start) {}

  std::optional<Pfn> allocate(const Request& request);
  void free(Pfn first, std::uint64_t) { ranges_.erase(ranges_.find(first)); }
  std::uint64_t visits() const { return visits_; }
  std::uint64_t bytes() const { return sizeof(*this) + ranges_.bytes(); }

 private:
  // Takes the highest place below `top` that begins at `floor` or higher.
  std::optional<Pfn> take(const Wanted& wanted, Pfn top, Pfn floor);

  const Pfn start_;
  LiveRanges ranges_;
  Pfn next_ = kEnd;  // the page above the next range
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_BUMP_H_
