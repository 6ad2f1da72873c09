#include "emulator/v3/event_queue.h"

namespace smmu::emulator {

using v3::SMMU_CR0ACK;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;
using v3::SMMU_IDR1;

namespace {

SMMU_GERROR abort_error() { return SMMU_GERROR().set(SMMU_GERROR::EVENTQ_ABT_ERR, true); }

}  // namespace

void EventQueue::enable() {
  const auto base = registers_.get<SMMU_EVENTQ_BASE>();
  queue_ = Queue(base[SMMU_EVENTQ_BASE::ADDR], base[SMMU_EVENTQ_BASE::LOG2SIZE],
                 features_.idr1[SMMU_IDR1::EVENTQS], kLog2EntryBytes, features_.output_bits);
  last_.reset();
}

inline EventFate EventQueue::obstacle(SMMU_EVENTQ_PROD prod, SMMU_EVENTQ_CONS cons) const {
  if (!registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::EVENTQEN]) return EventFate::kQueueDisabled;
  if (registers_.active(abort_error())) return EventFate::kQueueAborted;
  const std::uint32_t write = prod[SMMU_EVENTQ_PROD::WR];
  const std::uint32_t read = cons[SMMU_EVENTQ_CONS::RD];
  // 3.5.1: indices that cannot be are treated as a full queue.
  const bool full = queue_.full(write, read) || !queue_.consistent(write, read);
  return full ? EventFate::kQueueFull : EventFate::kWritten;
}

bool EventQueue::writable() const {
  const auto prod = registers_.get<SMMU_EVENTQ_PROD>();
  return obstacle(prod, registers_.get<SMMU_EVENTQ_CONS>()) == EventFate::kWritten;
}

EventFate EventQueue::write(const EventRecord& record) {
  auto prod = registers_.get<SMMU_EVENTQ_PROD>();
  const auto cons = registers_.get<SMMU_EVENTQ_CONS>();
  const EventFate fate = obstacle(prod, cons);
  if (fate != EventFate::kWritten) return fate;

  const std::uint32_t write = prod[SMMU_EVENTQ_PROD::WR];
  const Words entry(memory_);
  const Pa where = queue_.entry(write);
  for (std::size_t i = 0; i != record.size(); ++i) {
    if (entry.store(Pa(where.value + 8 * i), record[i]) == BusResponse::kAbort) {
      // 7.2.2: synchronous.  The index stays.
      interrupts_.activate(abort_error());
      return EventFate::kQueueAborted;
    }
  }
  const bool was_empty = queue_.empty(write, cons[SMMU_EVENTQ_CONS::RD]);
  registers_.set(prod.set(SMMU_EVENTQ_PROD::WR, queue_.next(write)));
  if (merges_) [[unlikely]]
    last_.reset();
  if (was_empty) interrupts_.event_queue_non_empty();
  return EventFate::kWritten;
}

// 7.3.1: there is no clock; what software has not consumed is of now.
bool EventQueue::repeats(const EventRecord& record) const {
  if (!last_ || !alike(record, *last_)) return false;
  const auto prod = registers_.get<SMMU_EVENTQ_PROD>();
  const auto cons = registers_.get<SMMU_EVENTQ_CONS>();
  const EventFate fate = obstacle(prod, cons);
  if (fate != EventFate::kWritten && fate != EventFate::kQueueFull) return false;
  return !queue_.empty(prod[SMMU_EVENTQ_PROD::WR], cons[SMMU_EVENTQ_CONS::RD]) &&
         queue_.consistent(prod[SMMU_EVENTQ_PROD::WR], cons[SMMU_EVENTQ_CONS::RD]);
}

EventFate EventQueue::write_or_lose(const EventRecord& record, bool mergeable) {
  if (merges_ && mergeable && repeats(record)) [[unlikely]]
    return EventFate::kMerged;
  const EventFate fate = write(record);
  if (merges_ && mergeable && fate == EventFate::kWritten) [[unlikely]]
    last_ = record;
  if (fate == EventFate::kQueueFull) {
    // 7.4: the flag toggles when there is no overflow that awaits its
    // acknowledgement.
    auto prod = registers_.get<SMMU_EVENTQ_PROD>();
    const auto cons = registers_.get<SMMU_EVENTQ_CONS>();
    if (prod[SMMU_EVENTQ_PROD::OVFLG] == cons[SMMU_EVENTQ_CONS::OVACKFLG]) {
      registers_.set(prod.set(SMMU_EVENTQ_PROD::OVFLG, !prod[SMMU_EVENTQ_PROD::OVFLG]));
    }
  }
  return fate;
}

}  // namespace smmu::emulator
