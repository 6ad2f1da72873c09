// The time that a call takes.
#ifndef BENCH_STUDY_STOPWATCH_H_
#define BENCH_STUDY_STOPWATCH_H_

#include <chrono>
#include <cstdint>

namespace smmu::study {

// Nanoseconds, less what it takes to look at the clock.
class Stopwatch {
 public:
  using Clock = std::chrono::steady_clock;

  Stopwatch() : begin_(Clock::now()) {}
  std::uint32_t elapsed() const { return between(begin_, Clock::now()); }

  static std::uint32_t between(Clock::time_point begin, Clock::time_point end);
  // What two looks at the clock are apart with nothing between them: the median.
  static std::uint32_t own_time();

 private:
  Clock::time_point begin_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_STOPWATCH_H_
