// expect: non-constant condition|not an integral constant expression
// A constant that does not fit its field is found when the program is compiled.
#include "smmu/arch/v3/control_registers.h"

#ifdef BROKEN
constexpr unsigned kBits = 64;
#else
constexpr unsigned kBits = 63;
#endif

using CFG = smmu::v3::SMMU_STRTAB_BASE_CFG;
static_assert(CFG().set(CFG::LOG2SIZE, kBits)[CFG::LOG2SIZE] == kBits);
