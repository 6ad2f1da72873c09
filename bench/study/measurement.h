// What came of one cell of the matrix.
#ifndef BENCH_STUDY_MEASUREMENT_H_
#define BENCH_STUDY_MEASUREMENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "bench/study/percentiles.h"

namespace smmu::study {

// Of a cell: a workload, an allocator and a number of live ranges, 0 where the workload fills the
// space.
struct Cell {
  std::string workload;
  std::string allocator;
  std::uint64_t n = 0;

  friend bool operator==(const Cell&, const Cell&) = default;
};

// Events of a simulated processor, for one operation.
struct Counts {
  double instructions = 0;
  double data_misses = 0;         // in the first cache
  double instruction_misses = 0;  // in the first cache
  double last_level_misses = 0;   // of data and instructions
};

// Times are nanoseconds, of a call unless they say otherwise.
struct Measurement {
  std::string not_measured;  // why; empty if it was

  std::uint64_t operations = 0;  // an allocation and a range freed
  std::uint64_t live = 0;        // ranges when measuring began
  std::uint64_t refusals = 0;
  std::optional<std::uint64_t> live_before_refusal;  // where a space is filled
  double bytes_per_range = 0;                        // that is live

  double visits = 0;  // of a request, on average
  std::uint64_t worst_visits = 0;

  double operation = 0;  // the median of means over 64 operations
  Percentiles allocate;
  Percentiles free;
  std::uint32_t longest = 0;  // for which a lock would be held

  // Where threads contend: the time that a lock was held and that it was waited for.  Where the
  // allocator has a lock of its own, `allocate` and `free` hold both together.
  std::optional<Percentiles> held;
  std::optional<Percentiles> waited;
  double operations_per_second = 0;

  std::optional<Counts> counts;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_MEASUREMENT_H_
