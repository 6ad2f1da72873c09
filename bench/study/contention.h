// Threads that allocate, and threads that free what these have allocated, all in one space.
#ifndef BENCH_STUDY_CONTENTION_H_
#define BENCH_STUDY_CONTENTION_H_

#include <cstdint>

#include "bench/study/cell_run.h"
#include "bench/study/measurement.h"
#include "bench/study/shared_allocator.h"

namespace smmu::study {

// The workloads of many threads: behind one mutex, and with the lock the allocator has.
inline constexpr char kContended[] = "contended";
inline constexpr char kContendedOwnLock[] = "contended_own_lock";

// Pairs of threads.  One of each pair allocates ranges of mixed sizes, the other frees any of the
// `n` that are live, divided by pairs, when it is given the next.  Each thread asks the same in
// every run, but when, and so at which addresses, is the scheduler's choice.
//
// REQUIRES: `pairs` is not 0.
Measurement run_contended(SharedAllocator& allocator, std::uint64_t n, std::uint64_t seed,
                          unsigned pairs, const Effort& effort);

}  // namespace smmu::study

#endif  // BENCH_STUDY_CONTENTION_H_
