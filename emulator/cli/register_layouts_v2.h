// Which registers each space of an SMMUv2 has, and which layouts a word chooses between.
#ifndef EMULATOR_CLI_REGISTER_LAYOUTS_V2_H_
#define EMULATOR_CLI_REGISTER_LAYOUTS_V2_H_

#include <cstdint>
#include <span>

#include "emulator/v2/address_map.h"
#include "smmu/arch/bits.h"

namespace smmu::cli {

// By offset, each once, under the name without a condition.
std::span<const RegisterInfo> registers_of(emulator::RegisterSpace space);
// Those layouts of the same registers whose names have a condition, or that share an offset.
std::span<const RegisterInfo> other_layouts_of(emulator::RegisterSpace space);

// The spaces that have registers with names.
inline constexpr emulator::RegisterSpace kNamedSpaces[] = {
    emulator::RegisterSpace::kGlobal0, emulator::RegisterSpace::kGlobal1,
    emulator::RegisterSpace::kMonitors, emulator::RegisterSpace::kSecurityTable,
    emulator::RegisterSpace::kBank};

// SMMU_S2CRn and SMMU_CBARn by TYPE, SMMU_CBn_PAR and SMMU_sGPAR by F: the layout that is right for
// the word.  All others: `layout`.
LayoutInfo layout_chosen_by(const LayoutInfo& layout, std::uint64_t word);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGISTER_LAYOUTS_V2_H_
