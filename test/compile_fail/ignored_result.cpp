// expect: nodiscard|ignoring return
// An error must be looked at.
#include "smmu/result.h"

smmu::Result<int, char> attempt();

void caller() {
#ifdef BROKEN
  attempt();
#else
  (void)attempt();
#endif
}
