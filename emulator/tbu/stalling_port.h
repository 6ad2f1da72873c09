// The port of a device that can wait for software.
#ifndef SMMU_EMULATOR_TBU_STALLING_PORT_H_
#define SMMU_EMULATOR_TBU_STALLING_PORT_H_

#include <cstddef>
#include <span>

#include "emulator/tbu/stall_keeper.h"
#include "emulator/tbu/tbu.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// A TBU's transactions that are to stall are held, and the device hears of it
// when its call returns: if software has answered by then, what it said is the
// outcome.  While it waits an access is not in flight.
class StallingPort final : public Port, public TransactionSupervisor {
 public:
  // `smmu`: of all but faults.
  StallingPort(StallKeeper& stalls, TransactionSupervisor& smmu, StallClient& client)
      : stalls_(stalls), smmu_(smmu), client_(client) {}
  StallClient& client() const { return client_; }
  // Before anything else.  REQUIRES: this is its supervisor.
  // `secure`: where Secure transactions go; or null.
  void pass_through(Tbu& tbu, Port* secure) {
    tbu_ = &tbu;
    secure_ = secure;
  }

  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override {
    if (is_passed_on(transaction)) return secure_->translate(transaction, outcome);
    incoming_ = &transaction;
    tbu_->translate(transaction, outcome);
  }
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override;
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override;
  // Neither stalls.
  TranslationCompletion request_translation(const TranslationRequest& request) override {
    return tbu_->request_translation(request);
  }
  void request_page(const PageRequest& request) override { tbu_->request_page(request); }
  Outcome refuse(const Transaction& transaction, std::uint16_t reason) override {
    if (is_passed_on(transaction)) return secure_->refuse(transaction, reason);
    incoming_ = &transaction;
    return tbu_->refuse(transaction, reason);
  }

 private:
  void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) override;
  void on_access_done() override { smmu_.on_access_done(); }
  AtsRules ats_rules() const override { return smmu_.ats_rules(); }
  void refuse(const TranslationRequest& request, const Transaction& transaction,
              const Fault& fault) override {
    smmu_.refuse(request, transaction, fault);
  }
  void on_page_request(const PageRequest& request) override { smmu_.on_page_request(request); }
  void on_counted(const Transaction& transaction, ContextBanks banks, bool refilled) override {
    smmu_.on_counted(transaction, banks, refilled);
  }

  bool is_passed_on(const Transaction& transaction) const {
    return secure_ != nullptr && transaction.security == SecurityState::kSecure;
  }

  template <class Access, class Ignore>
  Transfer transfer(const Transaction& transaction, std::size_t size, Access&& access,
                    Ignore&& ignore);

  StallKeeper& stalls_;
  TransactionSupervisor& smmu_;
  StallClient& client_;
  Tbu* tbu_ = nullptr;
  Port* secure_ = nullptr;
  const Transaction* incoming_ = nullptr;  // what the TBU is asked, but for address and direction
  bool transferring_ = false;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_STALLING_PORT_H_
