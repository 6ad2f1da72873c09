// What the SMMU reports in SMMU_GERROR, and going on after it (IHI 0070, 7.1 and 6.3.19).
#ifndef SMMU_LIB_SMMU_V3_GLOBAL_ERRORS_H_
#define SMMU_LIB_SMMU_V3_GLOBAL_ERRORS_H_

#include <atomic>
#include <cstdint>

#include "lib/smmu_v3/command_queue.h"
#include "lib/smmu_v3/one_at_a_time.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/platform/mmio.h"

namespace smmu::iommu {

class GlobalErrors {
 public:
  GlobalErrors(Mmio& registers, DriverLog& log) : registers_(registers), log_(log) {}

  enum class Outcome : std::uint8_t {
    kOn,
    kMore,     // there may be more: look again
    kService,  // the SMMU is in Service Failure Mode: it is to be disabled
  };
  // Looks, says what there is, sets the Command queue going again, and acknowledges.  Any thread.
  Outcome look(CommandQueue& queue);
  // The SMMU was reset: it is in no Service Failure Mode any more.
  void forget() { service_failure_ = false; }

 private:
  enum class CommandQueueState : std::uint8_t { kGoesOn, kStuck };
  CommandQueueState recover(CommandQueue& queue);

  Mmio& registers_;
  DriverLog& log_;
  OneAtATime one_;
  // Of the last command that stopped the queue, by who is at it.
  std::uint64_t stopped_at_ = UINT64_MAX;
  unsigned times_ = 0;
  std::atomic<bool> service_failure_{false};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_GLOBAL_ERRORS_H_
