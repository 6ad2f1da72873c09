// A memory barrier in all threads of the process at once.
#ifndef SMMU_LIB_IOVA_PROCESS_BARRIER_H_
#define SMMU_LIB_IOVA_PROCESS_BARRIER_H_

namespace smmu::iommu {

// Whether process_barrier() can be expected to work.  The first call asks the operating system.
bool has_process_barrier();

// Every thread's accesses to memory are ordered as if it had executed a full fence at some moment
// while this runs.  Who calls this pays for the others, which need none in their fast path.
// False: nothing is ordered, the system has refused.
[[nodiscard]] bool process_barrier();

// For tests: whether the two ask the system, or know that it refuses.
enum class ProcessBarrier { kAskSystem, kRefuse };
void use_process_barrier(ProcessBarrier barrier);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_PROCESS_BARRIER_H_
