// Transactions that wait for software, bank by bank (IHI 0062: SMMU_CBn_SCTLR.CFCFG,
// SMMU_CBn_RESUME).
#ifndef SMMU_EMULATOR_V2_HELD_TRANSACTIONS_H_
#define SMMU_EMULATOR_V2_HELD_TRANSACTIONS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "emulator/tbu/stall_keeper.h"
#include "emulator/tbu/tbu.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// Why a transaction waits.
struct Hold {
  std::uint8_t bank;  // whose SMMU_CBn_RESUME ends it
  bool own_fault;     // else it waits because another one does
};

// Who says what becomes of a fault.
class FaultJudge {
 public:
  enum class Device : std::uint8_t { kCanWait, kCannotWait };

  struct Judgement {
    bool waits = false;     // else there is an outcome
    bool noted = false;     // in registers: interrupts may have changed
    bool contexts = false;  // what streams mean may have
    std::optional<FaultRecorded> recorded = std::nullopt;
  };
  // Where a transaction goes that waits.  Called with the registers' lock, so that
  // whoever sees that it is stalled can resume it.
  using Wait = std::function<void(Hold)>;

  virtual ~FaultJudge() = default;
  // Records the fault; has the transaction wait, or ends it.
  virtual Judgement judge(const Transaction& transaction, const Fault& fault, Device device,
                          Outcome& outcome, const Wait& wait) = 0;
  // Tells of what was recorded.
  virtual void tell(const Judgement& judgement) = 0;
  // HeldTransactions::step() has something to do; some of it may be done when this
  // returns.
  virtual void on_held_work() = 0;
};

// Of one Security state.
class HeldTransactions final : public StallKeeper, private TransactionSupervisor {
 public:
  HeldTransactions(std::uint32_t most, SecurityState security, Tcu& tcu,
                   const PhysicalSpaces& spaces, FaultJudge& judge, Observer* observer);

  // For ports, from any thread.
  void end_or_hold(StallClient& client, const Transaction& incoming, const Transaction& transaction,
                   const Fault& fault, Tcu::Generation generation, Outcome& outcome) override;
  void settle(StreamId stream, Outcome& outcome) override;

  // SMMU_CBn_RESUME.  `response`: what those with a fault of their own end in; none:
  // they are translated again, as all others are.
  void resume(std::uint8_t bank, SmmuV2Config::Resume which, std::optional<Response> response);
  // What waits for a fault of the bank, or of any, that is not its own does so no
  // longer.
  void release(std::optional<std::uint32_t> bank);
  // All end in an abort.
  void abort_all();
  bool waits(std::uint8_t bank);

  // For whoever performs pending effects: one thread at a time, no lock held.
  // Does one thing that can be done now; false if there was none.
  bool step();
  // False: there is none.
  bool may_step() const { return answers_.load(std::memory_order_acquire); }

  // With nobody else there.  In held_transactions_snapshot.cpp.
  bool quiet();
  bool work_left() { return !in(State::kAnswered).empty(); }
  // `clients`: of the ports that can wait, in their order.
  template <class Snapshot>
  void archive(Snapshot& snapshot, const std::vector<StallClient*>& clients,
               std::uint32_t num_banks);
  void announce() const;

 private:
  enum class State : std::uint8_t {
    kWaiting,   // for software
    kAnswered,  // has an answer, to be obeyed
    kObeying,   // at most one: step() is about it
    kEnded,     // before the device knew that it stalled
  };
  static constexpr std::size_t kStates = 4;

  struct Held {
    Transaction incoming;  // to be translated again
    StallClient* client;
    std::uint16_t tag;
    Hold hold;
    State state = State::kWaiting;
    bool known = false;                // the device knows
    std::optional<Response> answer{};  // kAnswered; none: it is translated again
    Outcome outcome{};                 // kEnded
  };
  using List = std::list<Held>;

  // Of a transaction that is translated again.
  void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) override;
  void on_access_done() override {}
  AtsRules ats_rules() const override { return {}; }
  void refuse(const TranslationRequest&, const Transaction&, const Fault&) override {}
  void on_page_request(const PageRequest&) override {}

  List& in(State state) { return lists_[static_cast<std::size_t>(state)]; }
  void move(List::iterator held, State to);
  void finish(Held& held, const Outcome& outcome);
  void report(const Held& held, StallChange change) const;
  std::optional<std::uint16_t> take_tag();

  const std::uint32_t most_;
  const SecurityState security_;
  FaultJudge& judge_;
  Observer* const observer_;
  const Awaited never_awaited_;
  Tbu port_;  // for what is translated again

  std::mutex mutex_;  // guards what follows
  std::array<List, kStates> lists_;
  // Unless false something may be kAnswered.  Whoever makes it so has work noted after that.
  std::atomic<bool> answers_{false};
  std::vector<List::iterator> by_tag_;   // of those in use
  std::uint32_t tags_ = 0;               // ever in use: those below
  std::deque<std::uint16_t> free_tags_;  // of these, the longest unused first
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_HELD_TRANSACTIONS_H_
