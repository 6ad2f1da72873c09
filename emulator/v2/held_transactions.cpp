#include "emulator/v2/held_transactions.h"

#include <algorithm>
#include <iterator>

#include "emulator/tcu/attribution.h"

namespace smmu::emulator {

HeldTransactions::HeldTransactions(std::uint32_t most, SecurityState security, Tcu& tcu,
                                   const PhysicalSpaces& spaces, FaultJudge& judge,
                                   Observer* observer)
    : most_(most),
      security_(security),
      judge_(judge),
      observer_(observer),
      port_(tcu, *this, spaces, never_awaited_) {}

void HeldTransactions::end_or_hold(StallClient& client, const Transaction& incoming,
                                   const Transaction& transaction, const Fault& fault,
                                   Tcu::Generation, Outcome& outcome) {
  std::optional<std::uint16_t> tag;
  {
    const std::lock_guard lock(mutex_);
    tag = take_tag();
  }
  const auto device = tag ? FaultJudge::Device::kCanWait : FaultJudge::Device::kCannotWait;
  const auto hold = judge_.judge(transaction, fault, device, outcome);
  if (!hold) {
    if (!tag) return;
    const std::lock_guard lock(mutex_);
    free_tags_.push_front(*tag);
    return;
  }
  Held held{.incoming = incoming, .client = &client, .tag = *tag, .hold = *hold};
  {
    const std::lock_guard lock(mutex_);
    in(State::kWaiting).push_back(held);
  }
  outcome = Stalled{*tag, security_};
  report(held, StallChange::kStalled);
}

void HeldTransactions::settle(StreamId, Outcome& outcome) {
  const Stalled stalled = std::get<Stalled>(outcome);
  judge_.on_held_work();
  std::optional<Held> ended;
  {
    const std::lock_guard lock(mutex_);
    for (List& list : lists_) {
      const auto held = std::ranges::find(list, stalled.tag, &Held::tag);
      if (held == list.end()) continue;
      if (held->state != State::kEnded) {
        held->known = true;
        return;
      }
      ended = *held;
      list.erase(held);
      free_tags_.push_back(stalled.tag);
      break;
    }
  }
  if (!ended) return;
  outcome = ended->outcome;
  report(*ended, StallChange::kEnded);
}

void HeldTransactions::resume(std::uint8_t bank, SmmuV2Config::Resume which,
                              std::optional<Response> response) {
  const std::lock_guard lock(mutex_);
  List& waiting = in(State::kWaiting);
  for (auto held = waiting.begin(); held != waiting.end();) {
    const auto next = std::next(held);
    if (held->hold.bank == bank) {
      const bool own = held->hold.own_fault;
      if (own) held->answer = response;
      move(held, State::kAnswered);
      if (own && which == SmmuV2Config::Resume::kOldest) return;
    }
    held = next;
  }
}

void HeldTransactions::abort_all() {
  const std::lock_guard lock(mutex_);
  List& waiting = in(State::kWaiting);
  while (!waiting.empty()) move(waiting.begin(), State::kAnswered);
  for (Held& held : in(State::kAnswered)) held.answer = Response::kAbort;
}

bool HeldTransactions::waits(std::uint8_t bank) {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(in(State::kWaiting), [bank](const Held& held) {
    return held.hold.bank == bank && held.hold.own_fault;
  });
}

bool HeldTransactions::step() {
  std::unique_lock lock(mutex_);
  if (in(State::kAnswered).empty()) return false;
  const List::iterator held = in(State::kAnswered).begin();
  move(held, State::kObeying);
  lock.unlock();
  if (held->answer) {
    finish(*held, Terminated{*held->answer});
    return true;
  }
  report(*held, StallChange::kRetried);
  Outcome outcome;
  const Attribution attribution(held->incoming.stream, security_);
  port_.translate(held->incoming, outcome);
  if (std::holds_alternative<Stalled>(outcome)) {
    lock.lock();
    move(held, State::kWaiting);
    return true;
  }
  finish(*held, outcome);
  return true;
}

void HeldTransactions::end(const Transaction& transaction, const Fault& fault, Outcome& outcome) {
  Held& held = in(State::kObeying).front();
  const auto hold = judge_.judge(transaction, fault, FaultJudge::Device::kCanWait, outcome);
  if (!hold) return;
  held.hold = *hold;
  outcome = Stalled{held.tag, security_};
}

void HeldTransactions::move(List::iterator held, State to) {
  in(to).splice(in(to).end(), in(held->state), held);
  held->state = to;
}

void HeldTransactions::finish(Held& held, const Outcome& outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (!held.known) {
      held.outcome = outcome;
      return move(in(State::kObeying).begin(), State::kEnded);
    }
  }
  report(held, StallChange::kEnded);
  held.client->on_resumed({held.tag, security_}, outcome);
  const std::lock_guard lock(mutex_);
  // Not before: to the device the tag was still this one's.
  free_tags_.push_back(held.tag);
  in(State::kObeying).clear();
}

void HeldTransactions::report(const Held& held, StallChange change) const {
  if (observer_ == nullptr) [[likely]]
    return;
  observer_->on_stall({.security = security_,
                       .stream = held.incoming.stream,
                       .stalled = {held.tag, security_},
                       .change = change});
}

std::optional<std::uint16_t> HeldTransactions::take_tag() {
  if (!free_tags_.empty()) {
    const std::uint16_t tag = free_tags_.front();
    free_tags_.pop_front();
    return tag;
  }
  if (tags_ == most_) return std::nullopt;
  return static_cast<std::uint16_t>(tags_++);
}

}  // namespace smmu::emulator
