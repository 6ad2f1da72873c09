// What becomes of the transactions of one Security state's devices (IHI 0062).
#ifndef SMMU_EMULATOR_V2_CLIENTS_H_
#define SMMU_EMULATOR_V2_CLIENTS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "emulator/tbu/stalling_port.h"
#include "emulator/tbu/tbu.h"
#include "emulator/tcu/tcu.h"
#include "emulator/v2/fault_records.h"
#include "emulator/v2/held_transactions.h"
#include "emulator/v2/registers.h"
#include "emulator/walk/walker.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// The registers, and the lock that whoever looks at them holds; never while a
// callback runs.
struct SharedRegisters {
  SharedRegisters(const SmmuV2Config& with)
      : config(with), features(with), registers(features, with) {}

  const SmmuV2Config& config;
  const FeaturesV2 features;
  RegistersV2 registers;
  mutable std::mutex mutex;
};

// The SMMU around them.
class ClientSupervisor {
 public:
  virtual ~ClientSupervisor() = default;

  // A fault was recorded: interrupts may have changed, and what streams mean.
  // Called without the lock.
  virtual void on_fault_recorded(bool contexts) = 0;
  virtual void on_held_work() = 0;
  // A transaction that is counted was answered.
  virtual void on_counted(const Transaction& transaction, ContextBanks banks, bool refilled) = 0;
};

class Clients final : private ConfigurationSource,
                      private TransactionSupervisor,
                      private FaultJudge {
 public:
  // `spaces` must outlive it, and all others.
  Clients(SharedRegisters& shared, SecurityState security, const PhysicalSpaces& spaces,
          ClientSupervisor& supervisor, Observer* observer);

  // A port of a device that cannot wait if `client` is null.  `secure`: where its
  // Secure transactions go, or null.
  Port& add_port(StallClient* client, Port* secure);

  SecurityState security() const { return security_; }
  Tcu& tcu() { return tcu_; }
  HeldTransactions& held() { return held_; }
  // Of all ports, in their order.
  const std::vector<std::unique_ptr<Tbu>>& ports() const { return ports_; }

  // SMMU_sCR0 has changed, or was reset.  Called without the lock.
  void update_gate();

  bool quiet();
  // In clients_snapshot.cpp.
  // REQUIRES: quiet().
  template <class Snapshot>
  void archive(Snapshot& snapshot);
  void announce() const { held_.announce(); }

 private:
  // What was decided with the lock held, to be told without it.
  struct Verdict {
    std::optional<Hold> hold;
    bool over = false;  // and what it is to wait for, since its stream was looked at
    Response response = Response::kAbort;
    Judgement judgement;
  };

  Resolution resolve(StreamId stream, std::optional<SubstreamId> substream, Reading now) override;
  Resolution resolve_stream(StreamId stream, Reading now) override {
    return resolve(stream, std::nullopt, now);
  }
  // Its banks are there.
  bool sound(const Context& context) const override;
  // There are no copies.
  void invalidate(const ConfigurationInvalidation&, Stamp) override {}

  void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) override;
  void on_access_done() override {}
  AtsRules ats_rules() const override { return {}; }
  void refuse(const TranslationRequest&, const Transaction&, const Fault&) override {}
  void on_page_request(const PageRequest&) override {}
  void on_counted(const Transaction& transaction, ContextBanks banks, bool refilled) override {
    supervisor_.on_counted(transaction, banks, refilled);
  }

  Judgement judge(const Transaction& transaction, const Fault& fault, Device device,
                  Outcome& outcome, const Wait& wait) override;
  void tell(const Judgement& judgement) override;
  void on_held_work() override { supervisor_.on_held_work(); }

  // Called with the lock.
  Verdict secure_fetch_verdict(const Transaction& transaction);
  Verdict verdict_of(const Transaction& transaction, const Fault& fault, Device device);
  Verdict mapping_verdict(const Transaction& transaction, const ConfigurationFault& fault,
                          Device device);
  Verdict translation_verdict(const Transaction& transaction, const TranslationFault& fault,
                              Device device);
  Verdict unsupported_verdict(const Transaction& transaction);
  Verdict global_verdict(SecurityState into, const Transaction& transaction, GlobalFault fault);
  Verdict bank_verdict(std::uint8_t bank, bool first, std::uint32_t status,
                       const Transaction& transaction, Device device);
  bool may_stall(std::uint8_t bank, Device device) const;
  // Whether the fault is SMMU_SCR1.SIF's.  Called without it.
  bool is_secure_fetch(const Transaction& transaction, const Fault& fault);

  Culprit culprit_of(const Transaction& transaction) const;

  SharedRegisters& shared_;
  const SecurityState security_;
  const PhysicalSpaces& spaces_;
  ClientSupervisor& supervisor_;
  Observer* const observer_;
  Awaited awaited_;
  std::vector<std::unique_ptr<Tbu>> ports_;
  Tcu tcu_;
  const Walker walker_;
  HeldTransactions held_;
  std::vector<std::unique_ptr<StallingPort>> stalling_ports_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_CLIENTS_H_
