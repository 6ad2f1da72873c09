// Who keeps what waits for software.
#ifndef SMMU_EMULATOR_TBU_STALL_KEEPER_H_
#define SMMU_EMULATOR_TBU_STALL_KEEPER_H_

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/tcu.h"
#include "smmu/emulator/port.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// Implemented by each generation, for ports of devices that can wait; called from
// any thread.
class StallKeeper {
 public:
  virtual ~StallKeeper() = default;

  // A transaction that came in so, and was taken for `transaction` (it may be
  // overridden), has met a fault; what it found is of `generation`.  Ends it, or
  // keeps it: Stalled.
  virtual void end_or_hold(StallClient& client, const Transaction& incoming,
                           const Transaction& transaction, const Fault& fault,
                           Tcu::Generation generation, Outcome& outcome) = 0;
  // Before the device hears that it is Stalled.  If it has ended meanwhile,
  // that is its outcome, and the client is not told.
  virtual void settle(StreamId stream, Outcome& outcome) = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_STALL_KEEPER_H_
