// Words taken apart by the layouts of include/smmu/arch, with the manual's names.
#ifndef EMULATOR_CLI_DECODE_H_
#define EMULATOR_CLI_DECODE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/cli/report.h"
#include "smmu/arch/bits.h"

namespace smmu::cli {

struct DecodedField {
  std::string name;
  unsigned hi;  // bit numbers across the whole structure
  unsigned lo;
  std::uint64_t value;
  std::string meaning;  // may be empty

  // Small numbers as they are, others in hexadecimal.
  std::string value_text() const;
};

// The named fields, low bits first.  An address keeps its bits in place.  Words that are missing at
// the end are 0.
std::vector<DecodedField> decode_fields(const LayoutInfo& layout,
                                        std::span<const std::uint64_t> words);

// The layout that `kind` names: a structure, a register, or, for a command or an event, what the
// first word says, which also chooses between the layouts of some registers of an SMMUv2.  A name
// that SMMUv3 has too is SMMUv3's, unless it begins with "v2:".  None if there is no such kind.
std::optional<LayoutInfo> find_layout(std::string_view kind, std::span<const std::uint64_t> words);

struct DecodeOptions {
  std::string kind;
  std::vector<std::string> words;
  Output output;  // `all`: fields that are 0 too
};

// `smmu decode`.  BadInput if there is no such kind, or if the words do not fit it.
void decode(const DecodeOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_DECODE_H_
