// Whoever plays a workload to an allocator: counts what it looks at, times it, and stops it.
#ifndef BENCH_STUDY_PLAYER_H_
#define BENCH_STUDY_PLAYER_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "bench/study/allocator.h"
#include "bench/study/stopwatch.h"

namespace smmu::study {

struct Range {
  Pfn first = 0;
  std::uint64_t pages = 0;
};

// How much an allocator may look at, which unlike time is the same in every run.
struct Budget {
  std::uint64_t enough;    // visits after which nothing new is begun
  std::uint64_t too_many;  // and after which what was begun is given up
};

// Thrown where a request is refused that a workload cannot do without.
struct OutOfRoom {};
// Thrown by a request that was too many.
struct OverBudget {};

class Player {
 public:
  enum class Watch {
    kNothing,  // for whoever counts instructions
    kVisits,
    kTime,  // and visits
  };

  explicit Player(AnyAllocator& allocator) : allocator_(allocator) {}

  // From here on watches this, and a new budget counts; forgets what it has seen.
  void begin(Watch watch, const Budget& budget);

  std::optional<Range> try_allocate(const Request& request);
  Range allocate(const Request& request) {
    const std::optional<Range> range = try_allocate(request);
    if (!range) throw OutOfRoom();
    return *range;
  }
  void free(const Range& range);

  // No new step should begin.
  bool spent() const { return watch_ != Watch::kNothing && visits() >= budget_.enough; }

  // What was seen.
  std::uint64_t requests() const { return requests_; }
  std::uint64_t refusals() const { return refusals_; }
  std::uint64_t visits() const { return allocator_.visits() - visits_at_begin_; }
  std::uint64_t worst_visits() const { return worst_visits_; }
  // Nanoseconds of each call.
  const std::vector<std::uint32_t>& allocations() const { return allocations_; }
  const std::vector<std::uint32_t>& frees() const { return frees_; }

 private:
  AnyAllocator& allocator_;
  Watch watch_ = Watch::kNothing;
  Budget budget_{};
  std::uint64_t visits_at_begin_ = 0;
  std::uint64_t worst_visits_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t refusals_ = 0;
  std::vector<std::uint32_t> allocations_;
  std::vector<std::uint32_t> frees_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_PLAYER_H_
