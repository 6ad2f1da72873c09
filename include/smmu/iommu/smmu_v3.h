// The driver of an SMMUv3 (IHI 0070), by its Non-secure programming interface.
#ifndef SMMU_IOMMU_SMMU_V3_H_
#define SMMU_IOMMU_SMMU_V3_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "smmu/iommu/driver.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/platform/clock.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"

namespace smmu::iommu {

// A message: the 32-bit word that the SMMU writes to raise an interrupt.
struct MessageAddress {
  Pa address;  // a multiple of 4, not 0
  std::uint32_t data = 0;
};

struct SmmuV3DriverConfig {
  // How the driver learns that a CMD_SYNC is complete.  The SMMU_CMDQ_CONS is looked at in any
  // case, sooner or later.
  enum class SyncSignal : std::uint8_t {
    kBest,       // kMessage if it can be; else kWakeUp; else kPoll
    kMessage,    // a word in memory; needs SMMU_IDR0.MSI and coherent accesses
    kWakeUp,     // wake_up_line(); needs SMMU_IDR0.SEV
    kInterrupt,  // command_sync_line()
    kPoll,       // SMMU_CMDQ_CONS alone
  };
  // What becomes of accesses of streams that nobody has added, or whose devices were removed, and
  // of all of them while the SMMU is off.  In a Stream table of two levels, those of 256 StreamIDs
  // of which nobody has added any abort.
  enum class Unknown : std::uint8_t { kAbort, kBypass };
  // Which exception level's translation regime devices get.  kEl2 needs SMMU_IDR0.Hyp and is
  // EL2-E2H; guests' streams are of EL1 all the same.
  enum class World : std::uint8_t { kEl1, kEl2 };

  // These outlive the driver.  The log and the maintenance may be null.
  Mmio* registers = nullptr;
  PagePool* pool = nullptr;
  Clock* clock = nullptr;
  DriverLog* log = nullptr;
  CacheMaintenance* caches = nullptr;  // where the SMMU's accesses are not coherent

  // Overrides SMMU_IDR0.COHACC, as firmware may.
  std::optional<WalkCoherency> coherency = std::nullopt;
  SyncSignal sync = SyncSignal::kBest;
  Unknown unknown = Unknown::kAbort;
  World world = World::kEl1;
  // The most the driver will use of what the SMMU has: entries of its queues and StreamIDs.
  unsigned log2_commands = 8;
  unsigned log2_events = 7;
  unsigned log2_page_requests = 7;
  unsigned stream_bits = 25;
  // Bits of ASIDs and VMIDs: fewer make them run out sooner.
  unsigned asid_bits = 16;
  unsigned vmid_bits = 16;
  // Interrupts that are messages, if SMMU_IDR0.MSI; those without are wired.
  std::optional<MessageAddress> event_queue_message = std::nullopt;
  std::optional<MessageAddress> page_request_message = std::nullopt;
  std::optional<MessageAddress> global_error_message = std::nullopt;
  // How long hardware may take to answer.
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
  // Where software may map doorbells; no bytes: nowhere.
  ReservedRegion software_msi = {Iova(0x0800'0000), std::uint64_t{1} << 20,
                                 ReservedType::kSoftwareMsi,
                                 Prot::kWrite | Prot::kNoExec | Prot::kMmio};
};

// Devices may have a StreamID in common if those that come later are said not to be isolated from
// one that has it (DeviceConfig::not_isolated_from), and then are of its group.  A fault or page
// request of such a StreamID is told as the first one's, as long as that is there.  Its accesses go
// to where the one was attached that was attached last; they fail when all of them are blocked.
//
// A part of the Stream table is taken from the pool with the first device among its 256 StreamIDs
// and given back with the last one, once the SMMU has forgotten it.
//
// A fault of before its stream was added, or, if its accesses may wait, was blocked last, is in the
// log and told to nobody: what the stream is attached to now has nothing to do with it.
//
// Handlers of faults, and on_page_fault(), are called by whoever pulses the lines below, once the
// driver holds no lock; so by the thread that was in the middle of a call of the driver if that is
// where the pulse came.  A register write that has not returned completes nothing, with some
// simulators: there, a line that is pulsed from inside one is to be latched until it has.
//
// While the SMMU is suspended pulses access no register; what they were about is looked at once it
// is back.
//
// A pulse serves as many records as 16 times what the queue holds, and no more, however fast
// devices make others: who interrupts next, or has commands for the SMMU, goes on with these.  If
// that may be nobody, pulse the line again.
class SmmuV3Driver : public Driver {
 public:
  // Reads what the SMMU is, and brings it up.  The error is a sentence that names what is wrong
  // with the configuration or the SMMU.
  static Result<std::unique_ptr<SmmuV3Driver>, std::string> create(
      const SmmuV3DriverConfig& config);

  // To be wired to the SMMU, or told by whoever gets its messages.  Pulses that nothing explains do
  // no harm.
  virtual InterruptLine& event_queue_line() = 0;
  virtual InterruptLine& page_request_line() = 0;
  virtual InterruptLine& global_error_line() = 0;
  virtual InterruptLine& command_sync_line() = 0;
  virtual InterruptLine& wake_up_line() = 0;

  // The signal that was chosen.
  virtual SmmuV3DriverConfig::SyncSignal sync_signal() const = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_SMMU_V3_H_
