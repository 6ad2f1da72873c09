// A walk of a regime that is given, not found: by a TCU and a port as an SMMU has them, whose every
// stream has that regime.
#ifndef EMULATOR_CLI_REGIME_WALK_H_
#define EMULATOR_CLI_REGIME_WALK_H_

#include <optional>

#include "emulator/walk/fault.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"

namespace smmu::cli {

struct RegimeWalk {
  emulator::Outcome outcome;
  std::optional<emulator::WalkFault> fault;  // if it was terminated
};

// `physical_bits`: of an address of memory.  The observer sees each descriptor that is read.
RegimeWalk walk_regime(const emulator::Regime& regime, unsigned physical_bits,
                       PhysicalMemory& memory, emulator::Observer& observer,
                       const emulator::Transaction& transaction);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGIME_WALK_H_
