// An SMMUv3 (IHI 0070).
#ifndef SMMU_EMULATOR_SMMU_V3_H_
#define SMMU_EMULATOR_SMMU_V3_H_

#include <memory>
#include <string>

#include "smmu/emulator/ats.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/port.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/memory.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"

namespace smmu::emulator {

// What an SMMU is wired to.  A line may be null: not connected.  Everything
// named here must outlive the SMMU.
struct Wires {
  PhysicalMemory* memory = nullptr;
  // The Secure physical address space; null: the same as `memory`, which then
  // does not tell the two apart.
  PhysicalMemory* secure_memory = nullptr;
  InterruptLine* event_queue = nullptr;    // the Event queue became non-empty
  InterruptLine* page_requests = nullptr;  // as SMMU_PRIQ_IRQ_CFG2.LO says
  InterruptLine* command_sync = nullptr;   // a CMD_SYNC with SIG_IRQ completed
  InterruptLine* global_error = nullptr;   // a bit of SMMU_GERROR was activated
  InterruptLine* wake_up = nullptr;        // the WFE wake-up event, if SMMU_IDR0.SEV
  // The same of the Secure interface.
  InterruptLine* secure_event_queue = nullptr;
  InterruptLine* secure_command_sync = nullptr;
  InterruptLine* secure_global_error = nullptr;
  // To devices with ATS.  Null: there are none, and the commands for them are
  // ignored (IHI 0070, 4.5).
  RootComplex* root_complex = nullptr;
  Observer* observer = nullptr;
};

enum class Reset : std::uint8_t {
  kPowerOn,  // as it leaves the factory: caches are empty too
  kWarm,     // registers only: caches keep what they hold
};

// Registers are accessed through Mmio, by offsets from page 0: pages 0 and 1,
// and the Command queue control pages, where SMMU_CMDQ_CONTROL_PAGE_BASEn says.
// Devices are connected to ports.
// Accesses through this object are Non-secure: the Secure registers (SMMU_S_*)
// are RAZ/WI.
//
// Every register write has taken full effect when it returns: acknowledge
// registers, commands, events and interrupts included.  Two cases end later:
// a write made from inside a callback (memory, interrupt, observer), whose
// effects come before the outermost call returns; and a CMD_SYNC that finds
// another thread's access in flight, or an Invalidate Request unanswered, which
// completes when the access or the answer does.
//
// All members may be called from any thread and from any callback, but for
// the constructor's counterparts: add_port, reset and the destructor want the
// SMMU to themselves.
class SmmuV3 : public Mmio {
 public:
  // The error is a sentence that names what is wrong: a register field whose
  // value this model does not implement or the architecture does not allow,
  // or a missing wire.
  static Result<std::unique_ptr<SmmuV3>, std::string> create(const SmmuV3Config& config,
                                                             const Wires& wires);

  // The same registers for Secure accesses, which reach all of them.
  virtual Mmio& secure() = 0;

  // A new port, which lives as long as the SMMU.  Behind it is a device that
  // cannot wait: an access that is configured to stall is terminated with an
  // abort, and recorded with Stall 0 (3.12).
  virtual Port& add_port() = 0;
  // The same for a device that can wait, which must outlive the SMMU.
  virtual Port& add_port(StallClient& client) = 0;

  // The answer to RootComplex::invalidate().  Of a tag that awaits none it is
  // ignored, as it is after a reset.
  virtual void complete(InvalidationTag tag, InvalidationResult result) = 0;

  // Stalled accesses end in an abort, Invalidate Requests are forgotten.
  virtual void reset(Reset kind) = 0;

  virtual const SmmuV3Config& config() const = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SMMU_V3_H_
