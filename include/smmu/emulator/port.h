// A device's port into an SMMU.
#ifndef SMMU_EMULATOR_PORT_H_
#define SMMU_EMULATOR_PORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "smmu/emulator/ats.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// How a data access ended: `bytes` of it were done, and the access to the
// rest, if there is a rest, had this outcome.
struct Transfer {
  Outcome outcome;
  std::size_t bytes;
};

// The device behind a port, if it can wait for software (IHI 0070, 3.12.2).
class StallClient {
 public:
  virtual ~StallClient() = default;

  // An access of the port that had the outcome Stalled has ended: `outcome` is
  // a Translation or Terminated.  Called once for each, with no lock held, from
  // whichever thread made it end; not before the call that answered Stalled is
  // about to return.  It may come while the port is in use, and may use the
  // port itself only if it does not.
  virtual void on_resumed(Stalled stalled, const Outcome& outcome) = 0;

  // SmmuV3::restore() has brought back an access of the port that waits, by the
  // tag that it had: on_resumed() will tell its end.  Called once for each, by
  // the thread that restores, when all is restored.
  virtual void on_restored(Stalled, const Transaction&) {}
};

// One thread uses a port at a time; each device has its own.  Any number of
// ports work at once.  A callback that a port's access causes (memory,
// interrupt, observer) may use other ports, not the same one.
class Port {
 public:
  virtual ~Port() = default;

  // Translates and makes no access.  The answer is one the SMMU gave: nothing
  // keeps it true after the return, and a CMD_SYNC does not wait for its use.
  Outcome translate(const Transaction& transaction) {
    Outcome outcome;
    translate(transaction, outcome);
    return outcome;
  }
  // The same, where the caller keeps the outcome.
  virtual void translate(const Transaction& transaction, Outcome& outcome) = 0;

  // Translates and accesses memory, page by page, in address order from
  // transaction.address; transaction.direction is not looked at.  A CMD_SYNC
  // that follows an invalidation completes only when every access that used
  // what it invalidated has been made (IHI 0070, 4.7.3).
  // A page whose access is terminated RAZ/WI is counted as done (5.5: it
  // completed successfully): what is read from it is zero.
  //
  // Stalled is an outcome of ports with a StallClient only.  The device makes
  // what is left of the access again once that has been told of a Translation.
  // If it was told of RAZ/WI, what is left of the access is done as far as the
  // end of the page of 4 KiB.
  virtual Transfer read(const Transaction& transaction, std::span<std::byte> bytes) = 0;
  virtual Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) = 0;

  // A Translation Request (IHI 0070, 3.9.1).  The device may use what it is
  // told until it is told otherwise by RootComplex::invalidate(): also by one
  // that comes before this has returned.
  virtual TranslationCompletion request_translation(const TranslationRequest& request) = 0;
  // A page request, which is answered by RootComplex::respond(): perhaps before
  // this returns.
  virtual void request_page(const PageRequest& request) = 0;
  // The device asks for what its bus or the system cannot do: an atomic that
  // memory does not support, an access across a boundary that the interconnect
  // forbids.  It aborts, and is recorded as F_UUT with this Reason, whether the
  // SMMU translates or not (IHI 0070, 7.3.2 and 16.7.1).
  virtual Outcome refuse(const Transaction& transaction, std::uint16_t reason) = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PORT_H_
