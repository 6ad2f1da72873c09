// Workloads and allocators by name.
#ifndef BENCH_STUDY_NAMED_H_
#define BENCH_STUDY_NAMED_H_

#include <memory>
#include <string>

#include "bench/study/allocator.h"
#include "bench/study/measurement.h"
#include "bench/study/workload.h"

namespace smmu::study {

// The allocator that takes no time and remembers nothing: what a workload costs by itself.
inline constexpr char kNothing[] = "nothing";

// REQUIRES: there is one of this name; or, an allocator, it is kNothing.
std::unique_ptr<AnyAllocator> allocator_named(const std::string& name);
NamedWorkload workload_named(const std::string& name);
bool is_workload_of_one_thread(const std::string& name);

}  // namespace smmu::study

#endif  // BENCH_STUDY_NAMED_H_
