// Counts what a cell makes a simulated processor do, with no clock involved: the numbers repeat.
#ifndef BENCH_STUDY_CACHEGRIND_H_
#define BENCH_STUDY_CACHEGRIND_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include "bench/study/matrix.h"
#include "bench/study/measurement.h"

namespace smmu::study {

// What a cell may take here, where everything is fifty times as slow.
inline constexpr Budget kCountedBudget{.enough = 1'000'000, .too_many = 60'000'000};

// Runs this program again under valgrind's cachegrind, `smmu-study run-cell ...`: for the steps
// that a cell comes to and for twice as many, and takes the difference, which is those steps
// without the set-up; and takes off the same of an allocator that does nothing.
//
// The caches are always the same: 32 KiB of 8 ways for data and as much for instructions, 8 MiB of
// 16 ways below, lines of 64 bytes.
class Cachegrind {
 public:
  // Throws a sentence if there is no valgrind.
  Cachegrind();
  ~Cachegrind();
  Cachegrind(const Cachegrind&) = delete;
  Cachegrind& operator=(const Cachegrind&) = delete;

  Measurement count(const Cell& cell, const Selection& selection);

 private:
  // Of so many steps, all together.
  Counts difference(const Cell& cell, std::uint64_t seed, std::uint64_t steps);
  Counts read(const std::filesystem::path& file) const;

  std::filesystem::path folder_;
  // Of the workload alone, which many cells share.
  std::map<std::tuple<std::string, std::uint64_t, std::uint64_t>, Counts> nothing_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_CACHEGRIND_H_
