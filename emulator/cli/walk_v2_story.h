// One translation of an SMMUv2 as a list of steps: the registers that decide what becomes of it,
// and every descriptor that was read.
#ifndef EMULATOR_CLI_WALK_V2_STORY_H_
#define EMULATOR_CLI_WALK_V2_STORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emulator/cli/recorder.h"
#include "emulator/cli/step.h"
#include "emulator/tcu/configuration_source.h"
#include "emulator/v2/registers.h"
#include "emulator/v2/stream_mapping.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

// What the registers say of a transaction, before it is made.
struct StreamMeaning {
  // `registers` must outlive the object.
  StreamMeaning(const emulator::RegistersV2& registers, const emulator::SmmuV2Config& config,
                const emulator::Transaction& transaction);

  emulator::BankRegisters const& bank(std::uint32_t index) const { return registers.banks[index]; }
  const v2::SMMU_sCR0& cr0() const { return registers.global(transaction.security).cr0; }

  const emulator::RegistersV2& registers;
  emulator::Transaction transaction;
  bool passes;  // SMMU_sCR0.CLIENTPD
  emulator::StreamMatch match;
  std::vector<std::uint32_t> groups;    // that match
  std::optional<std::uint32_t> group;   // that is obeyed
  std::optional<std::uint32_t> stage1;  // the bank that stage 1 is of
  std::optional<std::uint32_t> stage2;  // and stage 2
  emulator::Context context;
};

std::vector<Step> tell_walk(const StreamMeaning& meaning, const Recorder& recorder);

// Why an access passes unchanged, if it does.
std::string why_bypass(const StreamMeaning& meaning);

// "SMMU_CB3_": what the registers of a bank begin with.
std::string bank_name(std::uint32_t bank);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_V2_STORY_H_
