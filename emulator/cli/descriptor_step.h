// A descriptor as a step: what it is, where its index is from, what its fields say.
#ifndef EMULATOR_CLI_DESCRIPTOR_STEP_H_
#define EMULATOR_CLI_DESCRIPTOR_STEP_H_

#include <cstdint>
#include <string>

#include "emulator/cli/regime_field.h"
#include "emulator/cli/step.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/observer.h"

namespace smmu::cli {

// The tree of tables that a descriptor is of.
struct TableTree {
  const emulator::Tables& tables;
  DescriptorFormat format;
};

// `input`: the address that is translated.  Of stage 2 that is an IPA which nobody tells: there the
// index is that of the descriptor's place.
Step descriptor_step(const emulator::TableAccess& access, const TableTree& tree,
                     std::uint64_t input);

// A descriptor in the byte order that its tables have, as it was read.
std::uint64_t in_table_order(const TableTree& tree, std::uint64_t descriptor);

// Whether a descriptor's step says that it is no table and no leaf.
bool is_invalid(const Step& step);
// What is wrong with the descriptor that a walk ended at, in a sentence.
std::string why_invalid(const Step& step);
std::string why_forbidden(const Step& step);
inline constexpr char kWhyAccessFlag[] = "The Access flag, AF, of the last descriptor is 0.";
inline constexpr char kWhyAborted[] = "The last descriptor could not be read.";

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_DESCRIPTOR_STEP_H_
