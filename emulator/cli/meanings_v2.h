// What the fields of an SMMUv2's registers mean, where the number alone does not say it.
#ifndef EMULATOR_CLI_MEANINGS_V2_H_
#define EMULATOR_CLI_MEANINGS_V2_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smmu::cli {

// Empty if there is nothing to add; none if the layout is not of SMMUv2, or if SMMUv3 has the field
// with the same codes.
std::optional<std::string> meaning_of_v2(std::string_view layout, std::string_view field,
                                         std::uint64_t value);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MEANINGS_V2_H_
