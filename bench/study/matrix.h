// Every workload with every allocator and every number of live ranges, or what was selected of
// that.
#ifndef BENCH_STUDY_MATRIX_H_
#define BENCH_STUDY_MATRIX_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/study/cell_run.h"
#include "bench/study/measurement.h"

namespace smmu::study {

// Above this a cell would want gigabytes.
inline constexpr std::uint64_t kMostLive = 4'000'000;

struct Selection {
  // Names in the order of the lists they are from.
  std::vector<std::string> workloads;
  std::vector<std::string> allocators;
  std::vector<std::uint64_t> n;
  std::uint64_t seed = 1;
  std::uint64_t operations = 0;  // of a cell, at most
  unsigned repetitions = 1;
  unsigned pairs = 1;  // of threads
  bool count = false;  // instructions and misses instead of time

  friend bool operator==(const Selection&, const Selection&) = default;
};

// One part of so many, counted from 1.
struct Shard {
  std::uint64_t index = 1;
  std::uint64_t of = 1;
};

struct Result {
  Cell cell;
  Measurement measurement;
};

// With those of many threads.
std::vector<std::string> workload_names();
std::vector<std::string> allocator_names();

// The selection's cells, or those of one shard of it: every so manieth.  Contended, only what has a
// lock of its own; counted, only what one thread does.
std::vector<Cell> cells_of(const Selection& selection, const Shard& shard = {});

// Times a cell.  Where threads contend no repetition is like another, and the one counts in which
// the scheduler was in the way least: with the shortest 99.9 % of times that the lock was held, or,
// of a lock that cannot be looked into, of requests.
Measurement measure(const Cell& cell, const Selection& selection);

}  // namespace smmu::study

#endif  // BENCH_STUDY_MATRIX_H_
