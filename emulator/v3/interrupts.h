// Interrupts, wired and as messages, and the global errors that raise them
// (IHI 0070, 3.18 and 7.5).
#ifndef SMMU_EMULATOR_V3_INTERRUPTS_H_
#define SMMU_EMULATOR_V3_INTERRUPTS_H_

#include <cstdint>

#include "emulator/v3/features.h"
#include "emulator/v3/register_file.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held.
class Interrupts {
 public:
  Interrupts(const Features& features, RegisterFile& registers, const Wires& wires)
      : features_(features), registers_(registers), wires_(wires) {}

  // Occurrences, delivered by deliver().  Those of the first two only if their
  // source is enabled now.
  void event_queue_non_empty();
  // Of the PRI queue: what SMMU_PRIQ_IRQ_CFG2.LO asks for.
  void page_requested();
  void activate(v3::SMMU_GERROR errors);
  // A CMD_SYNC with SIG_IRQ has completed.
  // REQUIRES: none such waits.
  void sync_completed(std::uint64_t msi_address, std::uint32_t msi_data);
  // The WFE wake-up event.
  void wake_up();

  // Whether an occurrence waits; delivers one, false if none did.
  bool waiting() const { return waiting_ != 0; }
  bool deliver();

  void reset() { waiting_ = 0; }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(waiting_, sync_address_, sync_data_);
    snapshot.require(waiting_ < 2 * kGlobalError, "an interrupt that there is not");
  }

 private:
  // What waits, in the order of delivery.
  enum : std::uint8_t {
    kSync = 1U << 0,
    kWakeUp = 1U << 1,
    kEventQueue = 1U << 2,
    kPageRequest = 1U << 3,
    kGlobalError = 1U << 4,
  };
  // The message goes out if messages are implemented and it has an address.
  // False: it was sent and aborted.
  bool send_message(std::uint64_t address, std::uint32_t data);

  const Features& features_;
  RegisterFile& registers_;
  const Wires& wires_;
  std::uint8_t waiting_ = 0;
  // The message of kSync.
  std::uint64_t sync_address_ = 0;
  std::uint32_t sync_data_ = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_INTERRUPTS_H_
