// expect: nodiscard|ignoring return
// So must an abort.
#include "smmu/platform/memory.h"

void store(smmu::PhysicalMemory& memory) {
#ifdef BROKEN
  memory.store64(smmu::Pa(0), 0);
#else
  (void)memory.store64(smmu::Pa(0), 0);
#endif
}
