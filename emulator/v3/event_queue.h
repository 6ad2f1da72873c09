// The Event queue (IHI 0070, 7.2 and 7.4).
#ifndef SMMU_EMULATOR_V3_EVENT_QUEUE_H_
#define SMMU_EMULATOR_V3_EVENT_QUEUE_H_

#include "emulator/v3/event_record.h"
#include "emulator/v3/features.h"
#include "emulator/v3/interrupts.h"
#include "emulator/v3/queue.h"
#include "emulator/v3/register_file.h"
#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held.
class EventQueue {
 public:
  EventQueue(const Features& features, RegisterFile& registers, Interrupts& interrupts,
             PhysicalMemory& memory)
      : features_(features), registers_(registers), interrupts_(interrupts), memory_(memory) {}

  // The queue is enabled: base and size are fixed from now on.
  void enable();

  // Writes a record of a terminated transaction, or loses it.
  EventFate record(const EventRecord& record);

 private:
  static constexpr unsigned kLog2EntryBytes = 5;

  const Features& features_;
  RegisterFile& registers_;
  Interrupts& interrupts_;
  PhysicalMemory& memory_;
  Queue queue_{0, kLog2EntryBytes};
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_EVENT_QUEUE_H_
