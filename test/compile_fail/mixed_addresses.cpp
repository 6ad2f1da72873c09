// expect: could not convert|no viable conversion|no matching
// What a device puts on the bus is no physical address.
#include "smmu/types.h"

void access(smmu::Pa);

void caller(smmu::Iova iova) {
#ifdef BROKEN
  access(iova);
#else
  access(smmu::Pa(iova.value));
#endif
}
