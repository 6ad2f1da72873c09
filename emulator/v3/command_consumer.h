// How the commands of any Command queue are consumed (IHI 0070, 3.5.6, 4.1, 4.7.3
// and 7.1).
#ifndef SMMU_EMULATOR_V3_COMMAND_CONSUMER_H_
#define SMMU_EMULATOR_V3_COMMAND_CONSUMER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "emulator/tbu/in_flight.h"
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

// A queue that can wait: for accesses in flight and for devices, or until
// another queue has waited for its own.
class SyncParticipant {
 protected:
  template <class Snapshot>
  void archive_wait(Snapshot& snapshot) {
    snapshot(passed_over_);
  }

 private:
  friend class CommandConsumer;
  std::atomic<std::uint32_t> passed_over_{0};  // which of the waits was another's
};

// A queue `Q` is a SyncParticipant that has:
//
//   bool runs() const                    enabled, and no error is active
//   std::uint32_t write() const, read() const
//   Queue queue() const                  as it was when it was enabled
//   void set_read(std::uint32_t)
//   void set_error(std::uint32_t read, v3::CommandError)
//   static v3::SMMU_GERROR global_error()
//   std::uint32_t number() const         0: the Command queue
//
// Used by whoever performs pending effects: one thread at a time, no lock held;
// but for ready(), which any thread may call.
class CommandConsumer {
 public:
  using Ports = std::vector<std::unique_ptr<Tbu>>;

  // `awaited` says so while a CMD_SYNC waits for accesses of `ports`, or for
  // devices that `messages` have gone to.
  // `effects` is not 0 while something else than what is consumed is pending;
  // `sync_ended` is added to it when a CMD_SYNC waits no longer.
  // `stalls`: null if nothing can stall.
  CommandConsumer(const Features& features, const RegisterFile& registers, Interrupts& interrupts,
                  Tcu& tcu, PhysicalMemory& memory, const Ports& ports, Stalls* stalls,
                  AtsMessages& messages, Awaited& awaited, std::atomic<std::uint32_t>& effects,
                  std::uint32_t sync_ended, Observer* observer);

  // Before anything else, for the Secure queue: what its commands about the
  // other Security state act on, and what its CMD_SYNCs wait for, too.
  // `operations`: translation operations about Non-secure streams.
  void reach(const CommandConsumer& non_secure, InFlight& operations) {
    non_secure_.emplace(OtherState{.scope = non_secure.scope(),
                                   .ports = non_secure.ports_,
                                   .operations = operations,
                                   .awaited = non_secure.awaited_});
    quick_syncs_ = quick_ = false;
  }

  // Whether there is a command that consume() would get on with.
  template <class Q>
  bool ready(const Q& queue) const;
  // Consumes commands, at most so many; returns how many.  Ends early where
  // there is no other, one stops the queue or waits, or other effects are
  // pending.
  template <class Q>
  std::uint32_t consume(Q& queue, std::uint32_t most);

  void reset() {
    awaiting_.store(nullptr, std::memory_order_relaxed);
    end_wait();
  }
  // A CMD_SYNC of the queue that waits starts anew when it is consumed again.
  void abandon_sync(const SyncParticipant& queue) {
    if (waits(std::memory_order_relaxed)) end_sync(queue);
  }

  // `queue_of(number)`: the queue of that number(); null if there is none.
  // REQUIRES: no access is in flight.
  template <class Snapshot, class QueueOf>
  void archive(Snapshot& snapshot, QueueOf&& queue_of) {
    constexpr std::uint32_t kNone = ~std::uint32_t{0};
    const SyncParticipant* awaiting = awaiting_.load(std::memory_order_relaxed);
    std::uint32_t number = kNone;
    if (awaiting != nullptr) {
      for (number = 0; queue_of(number) != awaiting;) ++number;
    }
    std::uint64_t allowed = unanswered_allowed_.load(std::memory_order_relaxed);
    snapshot(number, waits_, allowed, quick_syncs_);
    awaiting = number == kNone ? nullptr : queue_of(number);
    snapshot.require((number == kNone) == (awaiting == nullptr), "a CMD_SYNC of no queue");
    if constexpr (Snapshot::kReads) {
      if (awaiting == nullptr) {
        end_wait();
      } else {
        await_accesses();
      }
      awaiting_.store(awaiting, std::memory_order_relaxed);
      awaiting_number_.store(number, std::memory_order_relaxed);
      unanswered_allowed_.store(static_cast<std::size_t>(allowed), std::memory_order_relaxed);
      quick_syncs_ = quick_syncs_ && quick_;
    }
  }

 private:
  template <class Q>
  bool runs(const Q& queue) const;
  bool passes(v3::CMD_SYNC sync) const;
  // False: it waits, and the queue does not go on.
  template <class Q>
  [[gnu::noinline]] bool finish_sync(Q& queue, CommandWords words, Queue place, std::uint32_t read);
  template <class Q>
  [[gnu::noinline]] void stop(Q& queue, std::uint32_t read, const CommandWords& words,
                              v3::CommandError error);
  // Publishes how far it has come.
  template <class Q>
  void advance(Q& queue, Queue place, std::uint32_t read);
  // Sends what a command says.  False: it waits, and the queue does not go on.
  template <class Q>
  [[gnu::noinline]] bool send(Q& queue, const CommandWords& words, Queue place, std::uint32_t read);
  // Waits until all accesses in flight have been made, and no more Invalidate
  // Requests than that are unanswered; or, with 0, none of this queue, which has
  // that number.  False: another queue waits.
  bool begin_wait(SyncParticipant& queue, std::uint32_t number, std::size_t unanswered_allowed);
  // Whether devices have to answer before the queue that waits goes on.
  bool devices_awaited() const;
  void end_sync(const SyncParticipant& queue);
  // Accesses that are in flight tell when they end; and need not.
  void await_accesses();
  void end_wait();
  // Whether a queue of this Security state waits.
  bool waits(std::memory_order order = std::memory_order_seq_cst) const {
    return awaited_.by(Waiter::kOwn, order);
  }
  // Whether no access is in flight at all.
  static bool idle(const Ports& ports);
  bool ports_idle() const;
  // Whether an access may still use what was invalidated before the CMD_SYNC.
  bool accesses_in_flight() const;
  CommandScope scope() const { return {features_, registers_, tcu_, stalls_}; }
  [[gnu::noinline]] CommandOutcome perform_secure(const CommandWords& words) const;
  [[gnu::noinline]] void answer(const CommandWords& words) const;
  template <class Q>
  void report(const Q& queue, std::uint32_t index, const CommandWords& words,
              v3::CommandError error);

  const Features& features_;
  const RegisterFile& registers_;
  Interrupts& interrupts_;
  Tcu& tcu_;
  PhysicalMemory& memory_;
  const Ports& ports_;
  Stalls* const stalls_;
  AtsMessages& messages_;
  Awaited& awaited_;
  std::atomic<const SyncParticipant*> awaiting_{nullptr};  // whose CMD_SYNC it is
  std::atomic<std::uint32_t> awaiting_number_{0};          // of that queue
  std::atomic<std::uint32_t> waits_{0};                    // begun until now
  std::atomic<std::uint32_t>& effects_;
  const std::uint32_t sync_ended_;
  Observer* const observer_;
  struct OtherState {
    CommandScope scope;
    const Ports& ports;
    InFlight& operations;
    Awaited& awaited;
  };
  std::optional<OtherState> non_secure_;            // of the Secure queue
  std::atomic<std::size_t> unanswered_allowed_{0};  // while there is a wait
  // Of the Non-secure queue, while nobody observes: nothing has to be looked at for
  // a CMD_SYNC but accesses of `ports_`, and what devices have been sent.
  bool quick_;
  bool quick_syncs_;  // and they have not been sent anything since the last one
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COMMAND_CONSUMER_H_
