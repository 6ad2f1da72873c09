// Drives a machine's SMMU as an operating system does: through its registers and queues alone.
#ifndef EMULATOR_CLI_DRIVER_H_
#define EMULATOR_CLI_DRIVER_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/machine.h"
#include "emulator/cli/queues.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

// What a device got, and which records software found afterwards.
struct Answer {
  emulator::Outcome outcome;
  std::vector<EventWords> records;
};

class Driver {
 public:
  explicit Driver(Machine& machine);

  // Sets the SMMU up as `registers` says it was, in the order of IHI 0070, 3.11.  Both queues begin
  // empty, at the positions where they were.
  void bring_up(const RegisterValues& registers);

  // Commands and a CMD_SYNC after them.
  void submit(std::initializer_list<CommandWords> commands);
  // No copy of any table or configuration is left.
  void invalidate_all();

  // Makes one access and takes its records out of the Event queue.
  Answer ask(const emulator::Transaction& transaction);

  // Empty as long as the SMMU did all that the driver asked of it, else what it did not do.
  const std::string& complaint() const { return complaint_; }

 private:
  void switch_on(std::uint32_t cr0);

  Machine& machine_;
  EventReader events_;
  std::string complaint_;
};

// RAM for everything a bring_up() with `registers` makes the SMMU use: `memory` and the queues.
MemoryMap memory_map(const RegisterValues& registers, const MemoryImage& memory);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_DRIVER_H_
