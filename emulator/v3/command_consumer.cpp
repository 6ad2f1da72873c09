#include "emulator/v3/command_consumer.h"

#include <algorithm>

#include "emulator/v3/command_queue.h"
#include "emulator/v3/enhanced_command_queue.h"

namespace smmu::emulator {

using v3::CMD_SYNC;
using v3::CommandError;

CommandConsumer::CommandConsumer(const Features& features, const RegisterFile& registers,
                                 Interrupts& interrupts, Tcu& tcu, PhysicalMemory& memory,
                                 const Ports& ports, Stalls* stalls, AtsMessages& messages,
                                 Awaited& awaited, std::atomic<std::uint32_t>& effects,
                                 std::uint32_t sync_ended, Observer* observer)
    : features_(features),
      registers_(registers),
      interrupts_(interrupts),
      tcu_(tcu),
      memory_(memory),
      ports_(ports),
      stalls_(stalls),
      messages_(messages),
      awaited_(awaited),
      effects_(effects),
      sync_ended_(sync_ended),
      observer_(observer),
      quick_(observer == nullptr),
      quick_syncs_(quick_) {}

template <class Q>
inline bool CommandConsumer::runs(const Q& queue) const {
  if (!queue.runs()) return false;
  if (!waits()) [[likely]]
    return true;
  if (awaiting_.load(std::memory_order_relaxed) == &queue) {
    return !accesses_in_flight() && !devices_awaited();
  }
  return queue.passed_over_.load(std::memory_order_relaxed) !=
         waits_.load(std::memory_order_relaxed);
}

template <class Q>
bool CommandConsumer::ready(const Q& queue) const {
  const std::uint32_t write = queue.write();
  const std::uint32_t read = queue.read();
  if (write == read) return false;
  // 3.5.1: from indices that cannot be, nothing is consumed.
  return runs(queue) && !queue.queue().empty(write, read) && queue.queue().consistent(write, read);
}

template <class Q>
std::uint32_t CommandConsumer::consume(Q& queue, std::uint32_t most) {
  if (!runs(queue)) return 0;
  const Queue place = queue.queue();
  const Words entries(memory_);
  const std::uint32_t write = queue.write();
  const std::uint32_t first = queue.read();
  if (place.empty(write, first) || !place.consistent(write, first)) return 0;
  const std::uint32_t end = place.next(first, std::min(most, place.used(write, first)));
  std::uint32_t read = first;
  do {
    CommandWords words;
    const Pa where = place.entry(read);
    if (!entries.load(where, words[0]) || !entries.load(Pa(where.value + 8), words[1]))
        [[unlikely]] {
      stop(queue, read, {}, CommandError::CERROR_ABT);
      return place.used(read, first) + 1;
    }
    const std::uint32_t next = place.next(read);
    const CommandOutcome outcome =
        non_secure_ ? perform_secure(words) : perform(words, features_, registers_, tcu_);
    if (outcome > CommandOutcome::kSynchronize) [[unlikely]] {
      if (outcome == CommandOutcome::kIllegal) {
        stop(queue, read, words, CommandError::CERROR_ILL);
        return place.used(next, first);
      }
      if (outcome == CommandOutcome::kAnswer) {
        answer(words);
      } else if (!send(queue, words, place, read)) {
        return place.used(next, first);
      }
    }
    if (outcome == CommandOutcome::kSynchronize) {
      tcu_.synchronize();
      if (!passes(CMD_SYNC(words))) {
        const bool finished = finish_sync(queue, words, place, read);
        // What it signals goes out before the next command is consumed.
        if (!finished) return place.used(interrupts_.waiting() ? next : read, first);
        if (interrupts_.waiting()) return place.used(next, first);
      }
    } else {
      // Software may have put this in the place of a CMD_SYNC that was waiting.
      if (waits(std::memory_order_relaxed)) [[unlikely]]
        abandon_sync(queue);
      if (observer_ != nullptr) [[unlikely]] {
        advance(queue, place, next);
        report(queue, read, words, CommandError::CERROR_NONE);
      }
    }
    read = next;
  } while (read != end && effects_.load(std::memory_order_relaxed) == 0);
  advance(queue, place, read);
  return place.used(read, first);
}

CommandOutcome CommandConsumer::perform_secure(const CommandWords& words) const {
  return emulator::perform_secure(words, scope(), non_secure_->scope);
}

void CommandConsumer::answer(const CommandWords& words) const {
  const CommandScope own = scope();
  const CommandScope& scope = non_secure_ ? scope_of(words, own, non_secure_->scope) : own;
  scope.stalls->answer(words);
}

template <class Q>
bool CommandConsumer::send(Q& queue, const CommandWords& words, Queue place, std::uint32_t read) {
  if (messages_.unanswered() >= AtsMessages::kMostUnanswered) {
    advance(queue, place, read);
    if (!begin_wait(queue, queue.number(), AtsMessages::kMostUnanswered - 1) || devices_awaited())
      return false;
  }
  quick_syncs_ = false;
  messages_.send(words, queue.number());
  return true;
}

// It waits for nobody, and nobody waits for it.
inline bool CommandConsumer::passes(CMD_SYNC sync) const {
  return sync[CMD_SYNC::CS] == SyncSignal::kNone && quick_syncs_ && idle(ports_) &&
         !waits(std::memory_order_relaxed);
}

// Entered again, from the top, when what it waits for has come.
template <class Q>
bool CommandConsumer::finish_sync(Q& queue, CommandWords words, Queue place, std::uint32_t read) {
  const CMD_SYNC sync(words);
  if (!ports_idle() || messages_.unanswered_of(queue.number()) != 0) {
    advance(queue, place, read);
    if (!begin_wait(queue, queue.number(), 0) || accesses_in_flight() || devices_awaited())
      return false;
  }
  abandon_sync(queue);
  // 3.9.1.4.  It is told once: when this is consumed again it completes.
  if (!quick_syncs_ && messages_.take_failure(queue.number())) {
    stop(queue, read, words, CommandError::CERROR_ATC_INV_SYNC);
    return false;
  }
  quick_syncs_ = quick_ && messages_.settled();
  // 4.7.3: that the command is consumed is visible before its signal.
  advance(queue, place, place.next(read));
  report(queue, read, words, CommandError::CERROR_NONE);
  if (sync[CMD_SYNC::CS] == SyncSignal::kIrq) {
    interrupts_.sync_completed(sync[CMD_SYNC::MSIAddress], sync[CMD_SYNC::MSIData]);
  } else if (sync[CMD_SYNC::CS] == SyncSignal::kSev) {
    interrupts_.wake_up();
  }
  return true;
}

template <class Q>
void CommandConsumer::advance(Q& queue, Queue place, std::uint32_t read) {
  const std::uint32_t before = queue.read();
  if (before == read) return;
  queue.set_read(read);
  // 4.1.2: a waiter for space is woken when a full queue no longer is.
  if (place.full(queue.write(), before)) interrupts_.wake_up();
}

template <class Q>
void CommandConsumer::stop(Q& queue, std::uint32_t read, const CommandWords& words,
                           CommandError error) {
  abandon_sync(queue);
  // 7.1, 3.5.6.3: the reason is there before the error is.
  queue.set_error(read, error);
  interrupts_.activate(Q::global_error());
  report(queue, read, words, error);
}

bool CommandConsumer::begin_wait(SyncParticipant& queue, std::uint32_t number,
                                 std::size_t unanswered_allowed) {
  const bool waits = this->waits();
  if (waits && awaiting_.load(std::memory_order_relaxed) != &queue) {
    // Accesses are marked for one at a time.
    queue.passed_over_.store(waits_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return false;
  }
  // What was in its place may have waited for less.
  if (waits && unanswered_allowed_ == unanswered_allowed) return true;
  unanswered_allowed_.store(unanswered_allowed, std::memory_order_seq_cst);
  awaiting_number_.store(number, std::memory_order_relaxed);
  awaiting_.store(&queue, std::memory_order_relaxed);
  waits_.fetch_add(1, std::memory_order_relaxed);
  await_accesses();
  return true;
}

// 3.5.6.1: a CMD_SYNC waits for what its own queue has sent.
bool CommandConsumer::devices_awaited() const {
  const std::size_t allowed = unanswered_allowed_.load(std::memory_order_seq_cst);
  if (allowed != 0) return messages_.unanswered() > allowed;
  return messages_.unanswered_of(awaiting_number_.load(std::memory_order_relaxed)) != 0;
}

void CommandConsumer::await_accesses() {
  awaited_.begin(Waiter::kOwn);
  for (const auto& port : ports_) port->in_flight().mark(Waiter::kOwn);
  if (non_secure_) {
    non_secure_->awaited.begin(Waiter::kSecure);
    for (const auto& port : non_secure_->ports) port->in_flight().mark(Waiter::kSecure);
    non_secure_->operations.mark(Waiter::kSecure);
  }
}

void CommandConsumer::end_sync(const SyncParticipant& queue) {
  if (awaiting_.load(std::memory_order_relaxed) != &queue) return;
  awaiting_.store(nullptr, std::memory_order_relaxed);
  end_wait();
  effects_.fetch_or(sync_ended_, std::memory_order_seq_cst);
}

void CommandConsumer::end_wait() {
  awaited_.end(Waiter::kOwn);
  if (non_secure_) non_secure_->awaited.end(Waiter::kSecure);
}

inline bool CommandConsumer::idle(const Ports& ports) {
  return std::ranges::all_of(ports, [](const auto& port) { return port->in_flight().idle(); });
}

bool CommandConsumer::ports_idle() const {
  return idle(ports_) &&
         (!non_secure_ || (idle(non_secure_->ports) && non_secure_->operations.idle()));
}

bool CommandConsumer::accesses_in_flight() const {
  const auto outlived = [](const Ports& ports, Waiter waiter) {
    return std::ranges::all_of(
        ports, [waiter](const auto& port) { return port->in_flight().mark_outlived(waiter); });
  };
  return !outlived(ports_, Waiter::kOwn) ||
         (non_secure_ && !(outlived(non_secure_->ports, Waiter::kSecure) &&
                           non_secure_->operations.mark_outlived(Waiter::kSecure)));
}

template <class Q>
void CommandConsumer::report(const Q& queue, std::uint32_t index, const CommandWords& words,
                             CommandError error) {
  if (observer_ == nullptr) [[likely]]
    return;
  observer_->on_command({.security = features_.security,
                         .index = queue.queue().position(index),
                         .words = words,
                         .error = static_cast<std::uint8_t>(error),
                         .queue = queue.number()});
}

template bool CommandConsumer::ready(const CommandQueue& queue) const;
template std::uint32_t CommandConsumer::consume(CommandQueue& queue, std::uint32_t most);
template std::uint32_t CommandConsumer::consume(EnhancedCommandQueue& queue, std::uint32_t most);

}  // namespace smmu::emulator
