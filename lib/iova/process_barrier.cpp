#include "lib/iova/process_barrier.h"

#include <atomic>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace smmu::iommu {
namespace {

constinit std::atomic<bool> refused{false};

#ifdef __linux__
bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }
#endif

}  // namespace

bool has_process_barrier() {
#ifdef __linux__
  static const bool has = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  return has && !refused.load(std::memory_order_relaxed);
#else
  return false;
#endif
}

bool process_barrier() {
#ifdef __linux__
  return !refused.load(std::memory_order_relaxed) && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
#else
  return false;
#endif
}

void use_process_barrier(ProcessBarrier barrier) {
  refused.store(barrier == ProcessBarrier::kRefuse, std::memory_order_relaxed);
}

}  // namespace smmu::iommu
