// Plays a workload to an allocator and measures that.
#ifndef BENCH_STUDY_CELL_RUN_H_
#define BENCH_STUDY_CELL_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bench/study/measurement.h"
#include "bench/study/player.h"
#include "bench/study/workload.h"

namespace smmu::study {

// What a cell may take.  A linear search in a million ranges takes milliseconds, so a cell ends
// after so many operations or so many visits, whichever comes first; what takes too many visits to
// set up, or for one step, is not measured.
struct Effort {
  std::uint64_t operations = 20'000;
  unsigned repetitions = 3;
  Budget budget{.enough = 100'000'000, .too_many = 500'000'000};
};

// With one thread, so many times over.  That is the same calls every time, and a call's time is the
// least of them: what a call itself takes is in all, what else the machine did meanwhile is not.
//
// REQUIRES: what is made is new and the same each time.
Measurement run_cell(const std::function<std::unique_ptr<Workload>()>& make_workload,
                     const std::function<std::unique_ptr<AnyAllocator>()>& make_allocator,
                     const Effort& effort);

// Sets up and does exactly so many steps, watching nothing: for whoever counts instructions.
void run_steps(Workload& workload, AnyAllocator& allocator, const Budget& budget,
               std::uint64_t steps);

// How many steps a cell takes within an effort, and how many operations these are.  No steps: it is
// not measured, for that reason.
struct Steps {
  std::uint64_t steps = 0;
  std::uint64_t operations = 0;
  std::string none_because;
};
Steps steps_within(Workload& workload, AnyAllocator& allocator, const Effort& effort);

}  // namespace smmu::study

#endif  // BENCH_STUDY_CELL_RUN_H_
