// Bringing the SMMU up, and to rest (IHI 0070, 3.11 and 6.3.9).
#ifndef SMMU_LIB_SMMU_V3_BRING_UP_H_
#define SMMU_LIB_SMMU_V3_BRING_UP_H_

#include <chrono>
#include <optional>
#include <string>

#include "lib/smmu_v3/core.h"
#include "lib/smmu_v3/record_queue.h"
#include "lib/smmu_v3/stream_entries.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/platform/clock.h"
#include "smmu/platform/mmio.h"

namespace smmu::iommu {

class BringUpV3 {
 public:
  explicit BringUpV3(CoreV3& core)
      : core_(core), registers_(*core.config.registers), clock_(*core.config.clock) {}

  // From whatever state to translating, with these tables and queues.  A sentence: what did not
  // work; the SMMU then is off, as far as it answers.
  std::optional<std::string> enable(const StreamEntries& streams, EventQueueV3& events,
                                    PageRequestQueueV3& page_requests);
  // Off, and what comes then gets what the configuration says of unknown streams.
  std::optional<std::string> disable();

  // Whether accesses were held back before enable() was called first.
  bool was_protected() const { return was_protected_; }

 private:
  std::optional<std::string> stop();
  std::optional<std::string> set_bypass_abort(bool abort);
  std::optional<std::string> set_control(v3::SMMU_CR0 value);
  std::optional<std::string> set_interrupts(v3::SMMU_IRQ_CTRL value);
  std::optional<std::string> forget_everything();
  std::optional<std::string> enable_interrupts();
  template <class Cfg0, class Cfg1, class Cfg2>
  void set_message(const std::optional<MessageAddress>& message);

  CoreV3& core_;
  Mmio& registers_;
  Clock& clock_;
  std::optional<bool> protected_;
  bool was_protected_ = false;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_BRING_UP_H_
