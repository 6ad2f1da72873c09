#include "bench/study/stopwatch.h"

#include <algorithm>
#include <array>
#include <limits>

namespace smmu::study {

namespace {

std::uint64_t nanoseconds(Stopwatch::Clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

std::uint32_t measure_own_time() {
  std::array<std::uint64_t, 1001> times{};
  for (std::uint64_t& time : times) {
    const auto begin = Stopwatch::Clock::now();
    time = nanoseconds(Stopwatch::Clock::now() - begin);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return static_cast<std::uint32_t>(times[times.size() / 2]);
}

}  // namespace

std::uint32_t Stopwatch::own_time() {
  static const std::uint32_t time = measure_own_time();
  return time;
}

std::uint32_t Stopwatch::between(Clock::time_point begin, Clock::time_point end) {
  const std::uint64_t time = nanoseconds(end - begin);
  const std::uint64_t own = own_time();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(
      time > own ? time - own : 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace smmu::study
