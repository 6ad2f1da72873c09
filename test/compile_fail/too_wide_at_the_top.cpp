// expect: non-constant condition|not an integral constant expression
// Not even where the bits that are too many would leave the word unnoticed.
#include "smmu/arch/v3/stream_table.h"

#ifdef BROKEN
constexpr unsigned kBits = 32;
#else
constexpr unsigned kBits = 31;
#endif

using smmu::v3::STE;
static_assert(STE().set(STE::S1CDMax, kBits)[STE::S1CDMax] == kBits);
