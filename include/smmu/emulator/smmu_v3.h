// An SMMUv3 (IHI 0070).
#ifndef SMMU_EMULATOR_SMMU_V3_H_
#define SMMU_EMULATOR_SMMU_V3_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "smmu/emulator/ats.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/pace.h"
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
  // A counter of the group has overflown: one for each of
  // SmmuV3Config::counter_groups; those that are missing are not connected.
  std::vector<InterruptLine*> counter_groups = {};
  // To devices with ATS.  Null: there are none, and the commands for them are
  // ignored (IHI 0070, 4.5).
  RootComplex* root_complex = nullptr;
  Observer* observer = nullptr;
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
// With Pace::kStepped a register write changes registers alone, and an access
// is answered alone; what that sets in motion waits as effects until step()
// performs them.  What is visible stays as it was acknowledged last: SMMU_CR0
// reads as written and SMMU_CR0ACK as before, and it is SMMU_CR0ACK that
// everything goes by.
//
// All members may be called from any thread and from any callback, but for
// the constructor's counterparts: add_port, reset, save, restore and the
// destructor want the SMMU to themselves.
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

  // The nth of SmmuV3Config::counter_groups.
  // REQUIRES: there are so many.
  virtual CounterGroup& counter_group(std::size_t n) = 0;

  // The answer to RootComplex::invalidate().  Of a tag that awaits none it is
  // ignored, as it is after a reset.
  virtual void complete(InvalidationTag tag, InvalidationResult result) = 0;

  // Stalled accesses end in an abort (with Pace::kStepped by the next steps),
  // Invalidate Requests are forgotten; all other effects that wait are gone.
  virtual void reset(Reset kind) = 0;

  // Pace::kStepped: performs effects that wait, at most so many, and returns
  // how many.  Fewer: no effect is left that could be performed now; a CMD_SYNC
  // may still wait for an access in flight.  0 with Pace::kAtOnce, while another
  // thread steps, and from a callback that an effect makes.
  //
  // An effect is, and they come in this order:
  //  1. one interrupt: the pulse of its line and its message.  That of a
  //     CMD_SYNC is before the wake-up event, that before the Event queue's, and
  //     a global error's is last;
  //  2. the end of an update of SMMU_GBPA;
  //  3. one address translation operation;
  //  4. the acknowledgement of SMMU_CR0, all fields at once.  Where that enables
  //     or disables the Event queue, the records that were waiting come before,
  //     one effect each, and so do the interrupts of these;
  //  5. the acknowledgement of SMMU_IRQ_CTRL;
  //  6. one record, written to the Event queue or lost;
  //  7. one step of one stalled access: it is recorded, translated again, or told
  //     how it ended.  What has been answered is before what is not recorded;
  //  8. one command.  A CMD_SYNC is consumed by completing; its interrupt is an
  //     effect of its own;
  //  9. of each counter group, one interrupt, or else the acknowledgement of
  //     SMMU_PMCG_IRQ_CTRL.  The groups and both interfaces take turns.
  // What one effect sets in motion is performed in the same order.  Translations
  // are answered at once, and with them comes what they do to descriptors: an
  // update that memory refuses is a fault of theirs (IHI 0070, 7.3.12).
  virtual std::uint32_t step(std::uint32_t most) = 0;

  // A snapshot: all there is of the SMMU's state, as bytes that restore() takes
  // in any process on any host (docs/snapshot.md).  The error is a sentence: an
  // access is in flight, or effects are being performed, as they are in a
  // callback.
  virtual Result<std::vector<std::byte>, std::string> save() = 0;

  // Makes this SMMU go on where the one that was saved had stopped.  It must be
  // of the same configuration, and have as many ports of the same kinds, made in
  // the same order: a restored access that waits is one of the same port, and its
  // StallClient is told so.  What memory, devices and the RootComplex hold is
  // theirs to bring back.  What this SMMU was doing is forgotten: nobody hears of
  // the accesses that were stalled here.
  //
  // A snapshot may be anything: its every number is checked.  The error is a
  // sentence that names what is wrong, or what differs; or one of save()'s.  Then
  // this SMMU is as it was: a snapshot is taken in only after another SMMU, made
  // for that, has taken it in.
  virtual Result<Restored, std::string> restore(std::span<const std::byte> snapshot) = 0;

  virtual const SmmuV3Config& config() const = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SMMU_V3_H_
