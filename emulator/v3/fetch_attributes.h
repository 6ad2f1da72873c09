// What memory configuration structures are fetched as (IHI 0070, 13.8).
#ifndef SMMU_EMULATOR_V3_FETCH_ATTRIBUTES_H_
#define SMMU_EMULATOR_V3_FETCH_ATTRIBUTES_H_

#include "emulator/v3/register_file.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::emulator {

// STEs and what leads to them: 6.3.11, TABLE_*; 6.3.24, RA.
MemoryAttributes attributes_of_stream_table(const RegisterFile& registers);

// CDs and what leads to them, where no stage 2 has a say: 5.2, S1CIR.
MemoryAttributes attributes_of_contexts(const v3::STE& ste);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_FETCH_ATTRIBUTES_H_
