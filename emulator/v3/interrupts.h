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

  // An occurrence; delivered by deliver() if its source is enabled now.
  void event_queue_non_empty();
  // Of the PRI queue: what SMMU_PRIQ_IRQ_CFG2.LO asks for.
  void page_requested();
  void activate(v3::SMMU_GERROR errors);

  // Whether an occurrence waits; delivers one, false if none did.
  bool waiting() const { return waiting_ != 0; }
  bool deliver();

  // A CMD_SYNC with SIG_IRQ has completed.
  void signal_sync(std::uint64_t msi_address, std::uint32_t msi_data);
  void wake_up();

  void reset() { waiting_ = 0; }

 private:
  enum : std::uint8_t { kEventQueue = 1U << 0, kPageRequest = 1U << 1, kGlobalError = 1U << 2 };

  void note(std::uint8_t source) { waiting_ = static_cast<std::uint8_t>(waiting_ | source); }
  // Whether one of that source waits; it does not any more.
  bool take(std::uint8_t source) {
    const bool waits = (waiting_ & source) != 0;
    waiting_ = static_cast<std::uint8_t>(waiting_ & ~source);
    return waits;
  }
  // The message goes out if messages are implemented and it has an address.
  // False: it was sent and aborted.
  bool send_message(std::uint64_t address, std::uint32_t data);

  const Features& features_;
  RegisterFile& registers_;
  const Wires& wires_;
  std::uint8_t waiting_ = 0;  // occurrences, one bit for each source
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_INTERRUPTS_H_
