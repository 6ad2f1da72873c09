// Stalled transactions (IHI 0070, 3.12.2): each is recorded, and waits until
// software answers.
#ifndef SMMU_EMULATOR_V3_STALLS_H_
#define SMMU_EMULATOR_V3_STALLS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "emulator/tbu/stall_keeper.h"
#include "emulator/tbu/tbu.h"
#include "emulator/v3/commands.h"
#include "emulator/v3/event_queue.h"
#include "emulator/v3/features.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// What stalls ask of the SMMU around them.
class StallSupervisor : public TransactionSupervisor {
 public:
  // Stalls::step() has something to do; some of it may be done when this
  // returns.
  virtual void on_stall_work() = 0;
};

// A stalled transaction waits for its record to be written (for room in the
// Event queue, and for fewer than SMMU_IDR5.STALL_MAX unanswered records), then
// for the answer.  A record is written of a fault only as long as nothing has
// been invalidated since, and the queue took it at once; else the transaction
// is translated again first (3.12.2, 7.2.1).
class Stalls final : public StallKeeper, private TransactionSupervisor {
 public:
  Stalls(const Features& features, std::uint32_t most_stalled, Tcu& tcu,
         const PhysicalSpaces& spaces, EventQueue& events, StallSupervisor& smmu,
         Observer* observer);

  // For ports, from any thread.

  void end_or_hold(StallClient& client, const Transaction& incoming, const Transaction& transaction,
                   const Fault& fault, Tcu::Generation generation, Outcome& outcome) override;
  void settle(StreamId stream, Outcome& outcome) override;

  // For whoever performs pending effects: one thread at a time, no lock held.

  // Does one thing that can be done now; false if there was none.
  bool step();
  // SMMUEN (6.3.9.6): from closing on nothing can stall, and what is stalled
  // aborts.
  void open();
  void close();
  // A CMD_RESUME or CMD_STALL_TERM.
  void answer(const CommandWords& words);

  // With nobody else there.  In stalls_snapshot.cpp.

  // Whether no access is on its way to being held, told or ended.
  bool quiet();
  // Whether step() has something to do.
  bool work_left() { return !in(State::kFresh).empty() || !in(State::kAnswered).empty(); }
  // `clients`: of the ports that can wait, in their order.
  template <class Snapshot>
  void archive(Snapshot& snapshot, const std::vector<StallClient*>& clients);
  // Tells the devices what waits.
  void announce() const;

 private:
  enum class State : std::uint8_t {
    kFresh,     // not recorded yet
    kWaiting,   // could not be recorded: is translated again when it can be
    kRecorded,  // waits for software
    kAnswered,  // has an answer, to be obeyed
    kObeying,   // at most one: step() is about it
    kEnded,     // before the device knew that it stalled
  };
  static constexpr std::size_t kStates = 6;

  struct Stall {
    Transaction incoming;     // to be retried
    Transaction transaction;  // to be recorded
    TranslationFault fault;
    Tcu::Generation generation;
    StallClient* client;
    Stalled stalled;
    State state = State::kFresh;
    bool known = false;                  // the device knows
    std::optional<Terminated> answer{};  // kAnswered; none: retry
    Outcome outcome{};                   // kEnded
  };
  using List = std::list<Stall>;
  using Key = std::pair<std::uint32_t, std::uint16_t>;  // StreamID and STAG

  // Of a transaction that is translated again.
  void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) override;
  void on_access_done() override {}
  // Nothing of ATS is translated again: it never stalls.
  AtsRules ats_rules() const override { return {}; }
  void refuse(const TranslationRequest&, const Transaction&, const Fault&) override {}
  void on_page_request(const PageRequest&) override {}

  // Stalled, or Terminated if it cannot wait.
  void hold(StallClient& client, const Transaction& incoming, const Transaction& transaction,
            const TranslationFault& fault, Tcu::Generation generation, Outcome& outcome);
  List& in(State state) { return lists_[static_cast<std::size_t>(state)]; }
  void move(List::iterator stall, State to);
  void mark(List::iterator stall, std::optional<Terminated> answer);
  void resume(const v3::CMD_RESUME& command);
  void terminate(const v3::CMD_STALL_TERM& command);
  bool recordable();
  void record(Stall& stall);
  // Whether it stalls again; else it has ended.
  bool retry(Stall& stall);
  void finish(Stall& stall, const Outcome& outcome);
  void report(StreamId stream, Stalled stalled, StallChange change) const;
  std::optional<std::uint16_t> take_tag();
  static Key key_of(const Stall& stall) {
    return {stall.transaction.stream.value, stall.stalled.tag};
  }

  const Features& features_;
  const std::uint32_t most_stalled_;
  Tcu& tcu_;
  EventQueue& events_;
  StallSupervisor& smmu_;
  Observer* const observer_;
  const Awaited never_awaited_;
  Tbu port_;  // for what is translated again

  std::mutex mutex_;  // guards what follows
  bool open_ = false;
  std::array<List, kStates> lists_;
  std::map<Key, List::iterator> index_;  // of all whose device is not being told
  std::uint32_t tags_ = 0;               // ever in use: those below
  std::deque<std::uint16_t> free_tags_;  // of these, the longest unused first
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_STALLS_H_
