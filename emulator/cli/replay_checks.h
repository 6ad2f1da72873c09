// The checks that `smmu replay` makes of a capture, each under one caching policy.
//
// They all ask an SMMU that was set up through its registers, by way of a port.
#ifndef EMULATOR_CLI_REPLAY_CHECKS_H_
#define EMULATOR_CLI_REPLAY_CHECKS_H_

#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/check.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

// translations.tsv: the address, and that what the mapping allows is allowed and nothing else.
// excluded.tsv: that the dump does not give these any more.
Check check_translations(const Capture& capture, const emulator::Caching& caching);

// streams.tsv and mappings.tsv against the tool's own walk of the tables, which does not need an
// SMMU; then a port against that walk, at both ends of every leaf.
std::vector<Check> check_mappings(const Capture& capture, const emulator::Caching& caching);

// faults.tsv: that each access ends as it says, and has its record in events.tsv.
Check check_faults(const Capture& capture, const emulator::Caching& caching);

// events.tsv: each record against the one that its access gives now, whether or not faults.tsv has
// a line for it; and all of them against the queue in the dump.
Check check_events(const Capture& capture, const emulator::Caching& caching);

// bypass.tsv.
Check check_bypass(const Capture& capture, const emulator::Caching& caching);

// walks.tsv: each in memory that holds nothing but its descriptors.
Check check_walks(const Capture& capture, const emulator::Caching& caching);

// mmio.log and commands.tsv in order from power-on, and registers.txt at the end.
std::vector<Check> check_bring_up(const Capture& capture, const emulator::Caching& caching);

// That the SMMU keeps what its caching policy says it keeps.
Check check_caching(const Capture& capture, const emulator::Caching& caching);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REPLAY_CHECKS_H_
