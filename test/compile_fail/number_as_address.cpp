// expect: could not convert|no viable conversion|no matching
// Nor is a number, unless somebody says so.
#include "smmu/types.h"

void access(smmu::Pa);

void caller() {
#ifdef BROKEN
  access(0x1000);
#else
  access(smmu::Pa(0x1000));
#endif
}
