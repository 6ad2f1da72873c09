#include "lib/iova/process_barrier.h"

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace smmu::iommu {
namespace {

#ifdef __linux__
bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }
#endif

}  // namespace

bool has_process_barrier() {
#ifdef __linux__
  static const bool has = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  return has;
#else
  return false;
#endif
}

void process_barrier() {
#ifdef __linux__
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
#endif
}

}  // namespace smmu::iommu
