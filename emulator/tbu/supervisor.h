// What a port asks of the generation above it.
#ifndef SMMU_EMULATOR_TBU_SUPERVISOR_H_
#define SMMU_EMULATOR_TBU_SUPERVISOR_H_

#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "smmu/emulator/ats.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// What there is of ATS.
struct AtsRules {
  bool present = false;
  bool checked = false;       // what comes in translated is held against its stream's configuration
  std::uint64_t unit = 4096;  // the STU, in bytes
};

class TransactionSupervisor {
 public:
  virtual ~TransactionSupervisor() = default;

  // Tells software of the fault, as the generation does it, and decides what
  // the device sees.
  virtual void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) = 0;

  // An access has been made, and somebody was waiting for that.
  virtual void on_access_done() = 0;

  virtual AtsRules ats_rules() const = 0;
  // The same as end() for a Translation Request, of which `transaction` is the
  // access that it asks for.  What the device sees is decided already.
  virtual void refuse(const TranslationRequest& request, const Transaction& transaction,
                      const Fault& fault) = 0;
  virtual void on_page_request(const PageRequest& request) = 0;

  // While Tcu::counts(): a transaction was answered, by those banks of an SMMUv2;
  // `refilled`: the port had to ask for its translation.
  virtual void on_counted(const Transaction&, ContextBanks, bool /*refilled*/) {}
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_SUPERVISOR_H_
