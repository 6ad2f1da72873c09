#include "emulator/cli/walk_command.h"

#include <fmt/format.h>

#include "emulator/cli/explain.h"
#include "emulator/cli/explain_regime.h"
#include "emulator/cli/input.h"
#include "emulator/cli/presets.h"
#include "emulator/cli/regime_field.h"

namespace smmu::cli {

WalkCommand::WalkCommand(CLI::App& app)
    : command_(app.add_subcommand("walk", "Explain one translation step by step")) {
  command_->add_option("DIR", folder_, "folder of a capture");
  command_->add_option("--sid", sid_, "StreamID, whose structures are in the capture");
  command_->add_option("--iova,--address", iova_, "address that is translated")->required();
  command_
      ->add_option("--regime", regime_,
                   "fields of a translation regime, or @FILE of such; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command_
      ->add_option("--memory", memory_,
                   "FILE@ADDRESS: raw memory for the regime's tables; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command_->add_flag("--write", write_, "a write, not a read");
  command_->add_flag("--privileged", privileged_, "privileged, not unprivileged");
  command_->add_flag("--instruction", instruction_, "instruction, not data");
  command_->add_flag("--secure", secure_, "by a Secure device, to a Secure address; SMMUv2 only");
  command_->add_flag("--line", line_, "print one line of JSON, without the steps");
  command_->footer(
      "DIR has registers.txt and memory.txt.  For an SMMUv2 the first line of registers.txt is\n"
      "\"preset NAME\", with one of " +
      preset_names_v2() +
      ",\n"
      "and each other one \"REGISTER value\", by name (sCR0, SMR0, S2CR0, CBAR3, CB3.TTBR0) or by\n"
      "offset (0x13020), after \"secure:\" as a Secure access finds it.  Identification registers "
      "have\n"
      "to be those of the preset.  What tells of faults, operations and counters is not written.\n"
      "\n"
      "Without an SMMU's structures, for tables in a file of memory:\n"
      "  smmu walk --memory ram.bin@0x80000000 --regime TTB0=0x80001000,T0SZ=16,TG0=4K,IPS=48 \\\n"
      "            --address 0x12345678 --write\n"
      "The fields have the manual's names: those of a CD for stage 1, those of an STE for stage "
      "2;\n"
      "there are the stages that have fields.  One without a value is 1.  A first word says which\n"
      "tables stage 1 has: aarch64 (which is also what it is without), aarch32-long, "
      "aarch32-short.\n"
      "@FILE has fields in lines, and comments after #.  What is not given is 0, but sizes, which\n"
      "are as large as OAS, granules, which are 4K, and S2AA64, which is 1.  Memory may also be "
      "that\n"
      "of a capture, DIR.  No file is written to: updates of AF and of dirty state are only "
      "told.\n" +
      regime_help() +
      "\nExit status: 0, whether or not there is a fault; 2 on bad usage or input.");
}

emulator::Transaction WalkCommand::transaction() const {
  return {.stream = StreamId(
              sid_.empty() ? 0 : static_cast<std::uint32_t>(parse_option("--sid", sid_, kMax32))),
          .address = Iova(parse_option("--iova", iova_, kMax64)),
          .direction = write_ ? emulator::Direction::kWrite : emulator::Direction::kRead,
          .privilege =
              privileged_ ? emulator::Privilege::kPrivileged : emulator::Privilege::kUnprivileged,
          .content = instruction_ ? emulator::Content::kInstruction : emulator::Content::kData,
          .security = secure_ ? SecurityState::kSecure : SecurityState::kNonSecure,
          .space = secure_ ? SecurityState::kSecure : SecurityState::kNonSecure};
}

bool WalkCommand::run(Output output) const {
  output.line = line_;
  output.json = output.json || line_;
  if (regime_.empty()) {
    if (!memory_.empty()) throw BadInput("--memory: expected --regime with it.");
    if (folder_.empty() || sid_.empty()) {
      throw BadInput("walk: expected DIR and --sid, or --regime and --memory.");
    }
    return explain_walk({.folder = folder_, .transaction = transaction(), .output = output});
  }
  if (!sid_.empty()) throw BadInput("--sid: expected a stream or --regime, not both.");
  if (secure_) throw BadInput("--secure: expected a stream of an SMMUv2, found --regime.");
  if (write_ && instruction_) throw BadInput("--write: expected data, found --instruction too.");
  if (folder_.empty() && memory_.empty()) {
    throw BadInput("--regime: expected --memory FILE@ADDRESS or DIR with it.");
  }
  explain_regime({.regime = regime_,
                  .memory = memory_,
                  .folder = folder_,
                  .transaction = transaction(),
                  .output = output});
  return true;
}

}  // namespace smmu::cli
