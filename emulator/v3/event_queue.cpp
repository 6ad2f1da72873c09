#include "emulator/v3/event_queue.h"

namespace smmu::emulator {

using v3::SMMU_CR0ACK;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;
using v3::SMMU_IDR1;

void EventQueue::enable() {
  const auto base = registers_.get<SMMU_EVENTQ_BASE>();
  queue_ = Queue(base[SMMU_EVENTQ_BASE::ADDR], base[SMMU_EVENTQ_BASE::LOG2SIZE],
                 features_.idr1[SMMU_IDR1::EVENTQS], kLog2EntryBytes, features_.output_bits);
}

EventFate EventQueue::record(const EventRecord& record) {
  const auto abort_error = SMMU_GERROR().set(SMMU_GERROR::EVENTQ_ABT_ERR, true);
  if (!registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::EVENTQEN]) return EventFate::kQueueDisabled;
  if (registers_.active(abort_error)) return EventFate::kQueueAborted;

  const auto prod = registers_.get<SMMU_EVENTQ_PROD>();
  const auto cons = registers_.get<SMMU_EVENTQ_CONS>();
  const std::uint32_t write = prod[SMMU_EVENTQ_PROD::WR];
  const std::uint32_t read = cons[SMMU_EVENTQ_CONS::RD];

  // 3.5.1: indices that cannot be are treated as a full queue_.
  if (queue_.full(write, read) || !queue_.consistent(write, read)) {
    // 7.4: the flag toggles when there is no overflow that awaits its
    // acknowledgement.
    if (prod[SMMU_EVENTQ_PROD::OVFLG] == cons[SMMU_EVENTQ_CONS::OVACKFLG]) {
      SMMU_EVENTQ_PROD overflowed = prod;
      registers_.set(overflowed.set(SMMU_EVENTQ_PROD::OVFLG, !prod[SMMU_EVENTQ_PROD::OVFLG]));
    }
    return EventFate::kQueueFull;
  }

  const Words entry(memory_);
  const Pa where = queue_.entry(write);
  for (std::size_t i = 0; i != record.size(); ++i) {
    if (entry.store(Pa(where.value + 8 * i), record[i]) == BusResponse::kAbort) {
      // 7.2.2: synchronous.  The record is lost and the index stays.
      interrupts_.activate(abort_error);
      return EventFate::kQueueAborted;
    }
  }
  const bool was_empty = queue_.empty(write, read);
  SMMU_EVENTQ_PROD advanced = prod;
  registers_.set(advanced.set(SMMU_EVENTQ_PROD::WR, queue_.next(write)));
  if (was_empty) interrupts_.event_queue_non_empty();
  return EventFate::kWritten;
}

}  // namespace smmu::emulator
