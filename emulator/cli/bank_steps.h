// A context bank of an SMMUv2 as steps of a story: what it is for, and where its tables are.
#ifndef EMULATOR_CLI_BANK_STEPS_H_
#define EMULATOR_CLI_BANK_STEPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/cli/regime_field.h"
#include "emulator/cli/step.h"
#include "emulator/cli/walk_v2_story.h"
#include "emulator/v2/registers.h"
#include "smmu/arch/bits.h"

namespace smmu::cli {

Step register_step(std::string title, const LayoutInfo& layout, std::uint64_t value);

// The format of a bank's tables.
DescriptorFormat descriptor_format(const emulator::RegistersV2& registers, std::uint32_t bank);

// SMMU_CBARn, SMMU_CBA2Rn, and those of its page that say how it translates.
void tell_bank(const StreamMeaning& meaning, std::uint32_t index, std::vector<Step>& steps);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_BANK_STEPS_H_
