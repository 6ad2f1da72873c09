#include "emulator/v3/command_queue.h"

#include <algorithm>

namespace smmu::emulator {

using v3::CMD_SYNC;
using v3::CommandError;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0ACK;
using v3::SMMU_GERROR;
using v3::SMMU_IDR1;

namespace {

SMMU_GERROR command_error() { return SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true); }

}  // namespace

CommandQueue::CommandQueue(const Features& features, RegisterFile& registers,
                           Interrupts& interrupts, Tcu& tcu, PhysicalMemory& memory,
                           const Ports& ports, Stalls* stalls, AtsMessages& messages,
                           std::atomic<bool>& awaited,
                           const std::atomic<std::uint32_t>& other_effects, Observer* observer)
    : features_(features),
      registers_(registers),
      interrupts_(interrupts),
      tcu_(tcu),
      memory_(memory),
      ports_(ports),
      stalls_(stalls),
      messages_(messages),
      awaited_(awaited),
      other_effects_(other_effects),
      observer_(observer),
      quick_syncs_(observer == nullptr) {}

void CommandQueue::enable() {
  const auto base = registers_.get<SMMU_CMDQ_BASE>();
  const Queue queue(base[SMMU_CMDQ_BASE::ADDR], base[SMMU_CMDQ_BASE::LOG2SIZE],
                    features_.idr1[SMMU_IDR1::CMDQS], kLog2EntryBytes, features_.output_bits);
  queue_.store(queue.word(), std::memory_order_release);
}

inline bool CommandQueue::runs() const {
  if (!registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::CMDQEN]) return false;
  if (registers_.active(command_error())) return false;
  if (!awaited_.load(std::memory_order_seq_cst)) return true;
  return !accesses_in_flight() && !devices_awaited();
}

bool CommandQueue::ready(std::uint32_t write, std::uint32_t read) const {
  // 3.5.1: from indices that cannot be, nothing is consumed.
  return runs() && !queue().empty(write, read) && queue().consistent(write, read);
}

std::uint32_t CommandQueue::consume(std::uint32_t most) {
  if (!runs()) return 0;
  const Queue queue = this->queue();
  const Words entries(memory_);
  const std::uint32_t write = registers_.get<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR];
  std::uint32_t read = registers_.get<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
  if (queue.empty(write, read) || !queue.consistent(write, read)) return 0;
  most = std::min(most, queue.used(write, read));
  std::uint32_t consumed = 0;
  do {
    CommandWords words;
    const Pa where = queue.entry(read);
    if (!entries.load(where, words[0]) || !entries.load(Pa(where.value + 8), words[1]))
        [[unlikely]] {
      stop(read, {}, CommandError::CERROR_ABT);
      return consumed + 1;
    }
    ++consumed;
    const std::uint32_t next = queue.next(read);
    const CommandOutcome outcome =
        non_secure_ ? perform_secure(words) : perform(words, features_, registers_, tcu_);
    if (outcome > CommandOutcome::kSynchronize) [[unlikely]] {
      if (outcome == CommandOutcome::kIllegal) {
        stop(read, words, CommandError::CERROR_ILL);
        return consumed;
      }
      if (outcome == CommandOutcome::kAnswer) {
        answer(words);
      } else if (!send(words, queue, read)) {
        return consumed;
      }
    }
    if (outcome == CommandOutcome::kSynchronize) {
      tcu_.synchronize();
      if (non_secure_) [[unlikely]]
        non_secure_->tcu.synchronize();
      if (!passes(CMD_SYNC(words)) && !finish_sync(words, queue, read)) return consumed;
    } else {
      // Software may have put this in the place of a CMD_SYNC that was waiting.
      abandon_sync();
      if (observer_ != nullptr) [[unlikely]] {
        advance(queue, next);
        report(read, words, CommandError::CERROR_NONE);
      }
    }
    read = next;
  } while (consumed != most && other_effects_.load(std::memory_order_relaxed) == 0);
  advance(queue, read);
  return consumed;
}

CommandOutcome CommandQueue::perform_secure(const CommandWords& words) const {
  return emulator::perform_secure(words, scope(), *non_secure_);
}

void CommandQueue::answer(const CommandWords& words) const {
  const CommandScope own = scope();
  const CommandScope& scope = non_secure_ ? scope_of(words, own, *non_secure_) : own;
  scope.stalls->answer(words);
}

// It waits for nobody, and nobody waits for it.
inline bool CommandQueue::passes(CMD_SYNC sync) const {
  return sync[CMD_SYNC::CS] == SyncSignal::kNone && quick_syncs_ && ports_idle() &&
         !awaited_.load(std::memory_order_relaxed);
}

bool CommandQueue::send(const CommandWords& words, Queue queue, std::uint32_t read) {
  if (messages_.unanswered() >= AtsMessages::kMostUnanswered) {
    advance(queue, read);
    begin_wait(AtsMessages::kMostUnanswered - 1);
    if (devices_awaited()) return false;
  }
  quick_syncs_ = false;
  messages_.send(words);
  return true;
}

// Entered again, from the top, when what it waits for has come.
bool CommandQueue::finish_sync(CommandWords words, Queue queue, std::uint32_t read) {
  const CMD_SYNC sync(words);
  if (!ports_idle() || messages_.unanswered() != 0) {
    advance(queue, read);
    // What was in its place may have waited for less.
    if (!awaited_.load(std::memory_order_seq_cst) || unanswered_allowed_ != 0) begin_wait(0);
    if (accesses_in_flight() || devices_awaited()) return false;
  }
  abandon_sync();
  // 3.9.1.4.  It is told once: when this is consumed again it completes.
  if (!quick_syncs_ && messages_.take_failure()) {
    stop(read, words, CommandError::CERROR_ATC_INV_SYNC);
    return false;
  }
  quick_syncs_ = observer_ == nullptr;
  // 4.7.3: that the command is consumed is visible before its signal.
  advance(queue, queue.next(read));
  report(read, words, CommandError::CERROR_NONE);
  if (sync[CMD_SYNC::CS] == SyncSignal::kIrq) {
    interrupts_.signal_sync(sync[CMD_SYNC::MSIAddress], sync[CMD_SYNC::MSIData]);
  } else if (sync[CMD_SYNC::CS] == SyncSignal::kSev) {
    interrupts_.wake_up();
  }
  return true;
}

void CommandQueue::advance(Queue queue, std::uint32_t read) {
  const auto cons = registers_.get<SMMU_CMDQ_CONS>();
  const std::uint32_t before = cons[SMMU_CMDQ_CONS::RD];
  if (before == read) return;
  registers_.set(SMMU_CMDQ_CONS(cons).set(SMMU_CMDQ_CONS::RD, read));
  // 4.1.2: a waiter for space is woken when a full queue no longer is.
  const std::uint32_t write = registers_.get<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR];
  if (queue.full(write, before)) interrupts_.wake_up();
}

void CommandQueue::stop(std::uint32_t read, const CommandWords& words, CommandError error) {
  // 7.1: the reason is there before the error is.
  registers_.set(registers_.get<SMMU_CMDQ_CONS>()
                     .set(SMMU_CMDQ_CONS::RD, read)
                     .set(SMMU_CMDQ_CONS::ERR, error));
  interrupts_.activate(command_error());
  report(read, words, error);
}

void CommandQueue::begin_wait(std::size_t unanswered_allowed) {
  unanswered_allowed_.store(unanswered_allowed, std::memory_order_seq_cst);
  awaited_.store(true, std::memory_order_seq_cst);
  for (const auto& port : ports_) port->in_flight().mark();
}

inline bool CommandQueue::ports_idle() const {
  return std::ranges::all_of(ports_, [](const auto& port) { return port->in_flight().idle(); });
}

bool CommandQueue::accesses_in_flight() const {
  return !std::ranges::all_of(ports_,
                              [](const auto& port) { return port->in_flight().mark_outlived(); });
}

void CommandQueue::report(std::uint32_t index, const CommandWords& words, CommandError error) {
  if (observer_ == nullptr) [[likely]]
    return;
  observer_->on_command({.security = features_.security,
                         .index = queue().position(index),
                         .words = words,
                         .error = static_cast<std::uint8_t>(error)});
}

}  // namespace smmu::emulator
