// The Command queue as its producer sees it (IHI 0070, 3.5 and chapter 4).
#ifndef SMMU_LIB_SMMU_V3_COMMAND_QUEUE_H_
#define SMMU_LIB_SMMU_V3_COMMAND_QUEUE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "lib/smmu_v3/patience.h"
#include "lib/smmu_v3/queue_lock.h"
#include "lib/smmu_v3/structure_memory.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"

namespace smmu::iommu {

using CommandWords = std::array<std::uint64_t, 2>;

template <class C>
C command_v3() {
  return C().set(C::Opcode, C::kOpcode);
}

// What the queue asks of the driver around it.
class CommandQueueOwner {
 public:
  // The queue may have stopped at an error.  Called with no lock held, by who waits for commands.
  virtual void look_for_errors() = 0;
  // Interrupts that came while this thread held the lock of the queue can be served now.
  virtual void after_commands() = 0;

  // Whether there are any.
  std::atomic<bool> deferred{false};

 protected:
  ~CommandQueueOwner() = default;
};

// Positions count commands since the beginning and never go back; the hardware's indices are their
// low bits.
//
// All functions may be called from any thread, and from inside of what a doorbell sets in motion.
class CommandQueue {
 public:
  struct Config {
    unsigned log2_size = 0;
    SmmuV3DriverConfig::SyncSignal sync = SmmuV3DriverConfig::SyncSignal::kPoll;  // not kBest
    std::chrono::nanoseconds timeout{};
  };
  // not_enough_memory.
  static Result<std::unique_ptr<CommandQueue>, std::errc> create(const Config& config,
                                                                 const StructureMemory& memory,
                                                                 Mmio& registers, Clock& clock,
                                                                 DriverLog& log,
                                                                 CommandQueueOwner& owner);

  // What the SMMU is told while the queue is off.  Both indices begin at 0 again.
  void program();
  // While it is off, submitting does nothing: who turns it on invalidates everything.
  void turn(bool on);
  // Off, and what was to be waited for will not take effect.
  void fail();
  bool is_on() const { return on_.load(); }

  // Gives the SMMU the commands, in this order, with none of another thread's among those that fit
  // at once.  timed_out: it took none for too long.
  Result<Done, std::errc> submit(std::span<const CommandWords> commands);
  // The same, and waits until they and all before them have taken effect, by a CMD_SYNC.  timed_out
  // as well: the queue has failed meanwhile.
  Result<Done, std::errc> submit_and_sync(std::span<const CommandWords> commands);
  Result<Done, std::errc> submit_and_sync(const CommandWords& command);

  // Puts a CMD_SYNC in the place of the command that the SMMU has stopped at.
  // REQUIRES: it has, with an error that was not acknowledged yet.
  void replace_command_at(std::uint32_t index);

  // Where the SMMU stands that says this index.
  std::uint64_t position_of(std::uint32_t index) const {
    const std::uint64_t known = consumed_.load();
    return known + distance(known, index);
  }

  // The wake-up event, or the interrupt of a CMD_SYNC.
  void wake() { wake_ups_.fetch_add(1, std::memory_order_relaxed); }

  bool held_here() const { return lock_.held_here(); }
  unsigned log2_size() const { return log2_size_; }

 private:
  CommandQueue(const Config& config, const StructureMemory& memory, Mmio& registers, Clock& clock,
               DriverLog& log, CommandQueueOwner& owner, TableBlock slots, TableBlock message);

  enum class Sync : std::uint8_t { kNo, kYes };
  Result<Done, std::errc> put(std::span<const CommandWords> commands, Sync sync);
  void put_one(const CommandWords& words);
  CommandWords common_sync() const;
  CommandWords sync_at(std::uint64_t end) const;
  bool done_at_once(std::uint64_t end) const {
    return signal_ == SmmuV3DriverConfig::SyncSignal::kMessage ? message_came(end) : reached(end);
  }
  void ring();
  void leave();
  std::uint64_t room() const {
    return size_ -
           (produced_.load(std::memory_order_relaxed) - consumed_.load(std::memory_order_relaxed));
  }
  void learn();
  bool reached(std::uint64_t end) const;
  Result<Done, std::errc> wait_for(std::uint64_t end);
  bool message_came(std::uint64_t end) const;

  std::uint32_t index_of(std::uint64_t position) const {
    return static_cast<std::uint32_t>(position & (2 * size_ - 1));
  }
  Pa pa_of(std::uint64_t position) const {
    return Pa(slots_.pa().value + sizeof(CommandWords) * (position & (size_ - 1)));
  }
  // How far an index is from a position that is not after it.
  std::uint64_t distance(std::uint64_t position, std::uint32_t index) const {
    return (index - position) & (2 * size_ - 1);
  }

  const StructureMemory& memory_;
  Mmio& registers_;
  Clock& clock_;
  DriverLog& log_;
  CommandQueueOwner& owner_;
  const unsigned log2_size_;
  const std::uint64_t size_;  // commands
  const SmmuV3DriverConfig::SyncSignal signal_;
  const std::chrono::nanoseconds timeout_;
  const TableBlock slots_;
  std::uint64_t* const words_;
  const TableBlock message_;  // of kMessage
  CommandWords sync_;         // what all CMD_SYNC here have in common

  QueueLock lock_;
  // Written by who holds the lock.
  std::atomic<std::uint64_t> produced_{0};
  std::atomic<std::uint64_t> consumed_{0};  // that many, at least
  std::atomic<bool> on_{false};
  std::atomic<bool> failed_{false};  // since it was on last
  std::atomic<std::uint32_t> wake_ups_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_COMMAND_QUEUE_H_
