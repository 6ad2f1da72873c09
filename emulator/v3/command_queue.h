// The Command queue (IHI 0070, 4.1 and 7.1).
#ifndef SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
#define SMMU_EMULATOR_V3_COMMAND_QUEUE_H_

#include <atomic>
#include <memory>
#include <vector>

#include "emulator/tbu/tbu.h"
#include "emulator/tcu/tcu.h"
#include "emulator/v3/commands.h"
#include "emulator/v3/features.h"
#include "emulator/v3/interrupts.h"
#include "emulator/v3/register_file.h"
#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held; but for ready(), which any thread may call.
class CommandQueue {
 public:
  using Ports = std::vector<std::unique_ptr<Tbu>>;

  // `awaited` is set while a CMD_SYNC waits for accesses of `ports`.
  CommandQueue(const Features& features, RegisterFile& registers, Interrupts& interrupts, Tcu& tcu,
               PhysicalMemory& memory, const Ports& ports, std::atomic<bool>& awaited,
               Observer* observer);

  // Whether there is a command that consume() would get on with.
  bool ready() const;
  // Consumes one command, or begins a CMD_SYNC, or stops at an error.
  void consume();

  // A CMD_SYNC that waits starts anew when it is consumed again.
  void abandon_sync() {
    if (awaited_.load(std::memory_order_relaxed)) awaited_.store(false, std::memory_order_seq_cst);
  }

 private:
  struct Position {
    std::uint32_t read;   // CONS.RD
    std::uint32_t write;  // PROD.WR
  };

  void stop(std::uint32_t read, v3::CommandError error);
  void advance(const Position& at);
  void begin_sync();
  // Whether an access may still use what was invalidated before the CMD_SYNC.
  bool accesses_in_flight() const;
  void report(std::uint32_t index, const CommandWords& words, v3::CommandError error);

  const Features& features_;
  RegisterFile& registers_;
  Interrupts& interrupts_;
  Tcu& tcu_;
  PhysicalMemory& memory_;
  const Ports& ports_;
  std::atomic<bool>& awaited_;
  Observer* const observer_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
