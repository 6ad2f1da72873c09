// expect: field belongs to another layout
// A field of one structure does not read another, even where the bit is the same.
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

#ifdef BROKEN
using Owner = smmu::v3::CD;
#else
using Owner = smmu::v3::STE;
#endif

bool valid(const smmu::v3::STE& ste) { return ste[Owner::V]; }
