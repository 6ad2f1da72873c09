// A step of a story about a translation: a thing that was looked at, and what it said.
#ifndef EMULATOR_CLI_STEP_H_
#define EMULATOR_CLI_STEP_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/cli/decode.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

struct Step {
  std::string title;                     // "Level 2 table"
  std::optional<std::uint64_t> address;  // none for a register
  std::vector<std::uint64_t> words;      // empty: the read aborted
  std::string detail;                    // "entry 0x1ff, from iova[29:21]"
  std::vector<DecodedField> fields;      // those that matter
};

// The fields that are worth their place: what is not 0, and some that are.
std::vector<DecodedField> fields_that_matter(const LayoutInfo& layout,
                                             std::span<const std::uint64_t> words);

// `label`: its number, or what stands for it.
void print_step(const std::string& label, const Step& step, const Paint& paint);
nlohmann::ordered_json to_json(const Step& step);
nlohmann::ordered_json to_json(const std::vector<Step>& steps);

// Where the text of a step begins, and of what is printed below steps.
inline constexpr std::size_t kStepIndent = 6;

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_STEP_H_
