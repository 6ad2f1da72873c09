// The ranges that a workload has, of which it takes any.
#ifndef BENCH_STUDY_LIVE_SET_H_
#define BENCH_STUDY_LIVE_SET_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "bench/study/player.h"
#include "bench/study/random.h"

namespace smmu::study {

class LiveSet {
 public:
  explicit LiveSet(std::uint64_t seed) : random_(seed) {}

  std::uint64_t size() const { return ranges_.size(); }
  bool empty() const { return ranges_.empty(); }
  Random& random() { return random_; }
  std::vector<Range>& ranges() { return ranges_; }

  void add(const Range& range) { ranges_.push_back(range); }
  Range& any() { return ranges_[random_.below(ranges_.size())]; }
  Range take_any() {
    std::swap(any(), ranges_.back());
    const Range range = ranges_.back();
    ranges_.pop_back();
    return range;
  }

 private:
  Random random_;
  std::vector<Range> ranges_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_LIVE_SET_H_
