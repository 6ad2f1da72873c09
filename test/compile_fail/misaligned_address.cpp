// expect: non-constant condition|not an integral constant expression
// So is an address with bits that its field does not have.
#include "smmu/arch/v3/stream_table.h"

#ifdef BROKEN
constexpr std::uint64_t kAddress = 0x1020;
#else
constexpr std::uint64_t kAddress = 0x1040;
#endif

using smmu::v3::STE;
static_assert(STE().set(STE::S1ContextPtr, kAddress)[STE::S1ContextPtr] == kAddress);
