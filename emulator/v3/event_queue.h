// The Event queue (IHI 0070, 7.2 and 7.4).
#ifndef SMMU_EMULATOR_V3_EVENT_QUEUE_H_
#define SMMU_EMULATOR_V3_EVENT_QUEUE_H_

#include <optional>

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
             PhysicalMemory& memory, EventMerging merging)
      : features_(features),
        registers_(registers),
        interrupts_(interrupts),
        memory_(memory),
        merges_(merging == EventMerging::kPermitted) {}

  // The queue is enabled: base and size are fixed from now on.
  void enable();

  // 7.2.1
  bool writable() const;
  // Writes a record if the queue is writable.
  EventFate write(const EventRecord& record);
  // The same for a record that is lost if it cannot be written: that the queue
  // is full is an overflow.  `mergeable`: the one written last may stand for it.
  EventFate write_or_lose(const EventRecord& record, bool mergeable);

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    queue_.archive(snapshot, features_.idr1[v3::SMMU_IDR1::EVENTQS], features_.output_bits);
    snapshot(last_);
  }

 private:
  // kWritten: there is none.
  EventFate obstacle(v3::SMMU_EVENTQ_PROD prod, v3::SMMU_EVENTQ_CONS cons) const;
  // Whether the record that was written last can stand for this one.
  bool repeats(const EventRecord& record) const;

  static constexpr unsigned kLog2EntryBytes = 5;

  const Features& features_;
  RegisterFile& registers_;
  Interrupts& interrupts_;
  PhysicalMemory& memory_;
  const bool merges_;
  Queue queue_{0, kLog2EntryBytes};
  std::optional<EventRecord> last_;  // written, and mergeable
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_EVENT_QUEUE_H_
