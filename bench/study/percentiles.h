// How a number of times are spread.
#ifndef BENCH_STUDY_PERCENTILES_H_
#define BENCH_STUDY_PERCENTILES_H_

#include <cstdint>
#include <vector>

namespace smmu::study {

// Of nothing, all are 0.
struct Percentiles {
  std::uint64_t samples = 0;
  std::uint32_t p50 = 0;
  std::uint32_t p99 = 0;
  std::uint32_t p999 = 0;
  std::uint32_t max = 0;

  static Percentiles of(std::vector<std::uint32_t> samples);
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_PERCENTILES_H_
