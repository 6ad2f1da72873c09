// The Command queue (IHI 0070, 4.1 and 7.1).
#ifndef SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
#define SMMU_EMULATOR_V3_COMMAND_QUEUE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "emulator/tbu/tbu.h"
#include "emulator/tcu/tcu.h"
#include "emulator/v3/ats_messages.h"
#include "emulator/v3/commands.h"
#include "emulator/v3/features.h"
#include "emulator/v3/interrupts.h"
#include "emulator/v3/queue.h"
#include "emulator/v3/register_file.h"
#include "emulator/v3/secure_commands.h"
#include "emulator/v3/stalls.h"
#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held; but for ready(), which any thread may call.
class CommandQueue {
 public:
  using Ports = std::vector<std::unique_ptr<Tbu>>;

  // `awaited` is set while a CMD_SYNC waits for accesses of `ports`, or for
  // devices that `messages` have gone to.
  // `other_effects` is not 0 while something else than commands is pending.
  // `stalls`: null if nothing can stall.
  CommandQueue(const Features& features, RegisterFile& registers, Interrupts& interrupts, Tcu& tcu,
               PhysicalMemory& memory, const Ports& ports, Stalls* stalls, AtsMessages& messages,
               std::atomic<bool>& awaited, const std::atomic<std::uint32_t>& other_effects,
               Observer* observer);

  // Before anything else, for the Secure queue: what its commands about the
  // other Security state act on.
  void reach(const CommandScope& non_secure) { non_secure_.emplace(non_secure); }
  CommandScope scope() const { return {features_, registers_, tcu_, stalls_}; }

  // The queue is enabled: base and size are fixed from now on.
  void enable();

  // Whether there may be a command that consume() would get on with; and
  // whether there is.
  bool waiting() const {
    return registers_.get<v3::SMMU_CMDQ_PROD>()[v3::SMMU_CMDQ_PROD::WR] !=
           registers_.get<v3::SMMU_CMDQ_CONS>()[v3::SMMU_CMDQ_CONS::RD];
  }
  bool ready() const {
    const std::uint32_t write = registers_.get<v3::SMMU_CMDQ_PROD>()[v3::SMMU_CMDQ_PROD::WR];
    const std::uint32_t read = registers_.get<v3::SMMU_CMDQ_CONS>()[v3::SMMU_CMDQ_CONS::RD];
    return write != read && ready(write, read);
  }
  // Consumes commands, at most so many; returns how many.  Ends early where
  // there is no other, one stops the queue or waits, or other effects are
  // pending.
  std::uint32_t consume(std::uint32_t most);

  // A CMD_SYNC that waits starts anew when it is consumed again.
  void abandon_sync() {
    if (awaited_.load(std::memory_order_relaxed)) awaited_.store(false, std::memory_order_seq_cst);
  }

 private:
  bool runs() const;
  bool ready(std::uint32_t write, std::uint32_t read) const;
  Queue queue() const { return Queue(queue_.load(std::memory_order_acquire), kLog2EntryBytes); }
  bool passes(v3::CMD_SYNC sync) const;
  // Whether devices have to answer before the queue goes on.
  bool devices_awaited() const { return messages_.unanswered() > unanswered_allowed_; }
  // Sends what a command says.  False: it waits, as below.
  bool send(const CommandWords& words, Queue queue, std::uint32_t read);
  // False: it waits, and the queue does not go on.
  bool finish_sync(CommandWords words, Queue queue, std::uint32_t read);
  void stop(std::uint32_t read, const CommandWords& words, v3::CommandError error);
  // Publishes how far it has come.
  void advance(Queue queue, std::uint32_t read);
  // Waits until all accesses in flight have been made, and no more Invalidate
  // Requests than that are unanswered.
  void begin_wait(std::size_t unanswered_allowed);
  // Whether no access is in flight at all.
  bool ports_idle() const;
  // Whether an access may still use what was invalidated before the CMD_SYNC.
  bool accesses_in_flight() const;
  void report(std::uint32_t index, const CommandWords& words, v3::CommandError error);
  [[gnu::noinline]] CommandOutcome perform_secure(const CommandWords& words) const;
  [[gnu::noinline]] void answer(const CommandWords& words) const;

  static constexpr unsigned kLog2EntryBytes = 4;

  const Features& features_;
  RegisterFile& registers_;
  Interrupts& interrupts_;
  Tcu& tcu_;
  PhysicalMemory& memory_;
  const Ports& ports_;
  Stalls* const stalls_;
  AtsMessages& messages_;
  std::atomic<bool>& awaited_;
  const std::atomic<std::uint32_t>& other_effects_;
  Observer* const observer_;
  std::optional<CommandScope> non_secure_;          // of the Secure queue
  std::atomic<std::uint64_t> queue_{0};             // a Queue, as a word
  std::atomic<std::size_t> unanswered_allowed_{0};  // while there is a wait
  // Nothing has to be looked at for a CMD_SYNC but accesses: nobody observes,
  // and devices have not been sent anything since the last one.
  bool quick_syncs_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
