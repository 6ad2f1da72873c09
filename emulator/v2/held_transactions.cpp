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
  Held held{.incoming = incoming, .client = &client, .tag = tag.value_or(0), .hold = {}};
  const auto wait = [&](Hold hold) {
    held.hold = hold;
    const std::lock_guard lock(mutex_);
    List& waiting = in(State::kWaiting);
    by_tag_[held.tag] = waiting.insert(waiting.end(), held);
  };
  const auto judgement = judge_.judge(transaction, fault, device, outcome, wait);
  if (judgement.waits) {
    outcome = Stalled{held.tag, security_};
    report(held, StallChange::kStalled);
  } else if (tag) {
    const std::lock_guard lock(mutex_);
    free_tags_.push_front(*tag);
  }
  judge_.tell(judgement);
}

void HeldTransactions::settle(StreamId, Outcome& outcome) {
  const Stalled stalled = std::get<Stalled>(outcome);
  judge_.on_held_work();
  Held ended;
  {
    const std::lock_guard lock(mutex_);
    const List::iterator held = by_tag_[stalled.tag];
    if (held->state != State::kEnded) {
      held->known = true;
      return;
    }
    ended = *held;
    in(State::kEnded).erase(held);
    free_tags_.push_back(stalled.tag);
  }
  outcome = ended.outcome;
  report(ended, StallChange::kEnded);
}

void HeldTransactions::resume(std::uint8_t bank, SmmuV2Config::Resume which,
                              std::optional<Response> response) {
  const std::lock_guard lock(mutex_);
  List& waiting = in(State::kWaiting);
  bool resumed = false;
  for (auto held = waiting.begin(); held != waiting.end();) {
    const auto next = std::next(held);
    const bool own = held->hold.own_fault;
    const bool later = own && resumed && which == SmmuV2Config::Resume::kOldest;
    if (held->hold.bank == bank && !later) {
      if (own) {
        held->answer = response;
        resumed = true;
      }
      move(held, State::kAnswered);
    }
    held = next;
  }
}

void HeldTransactions::release(std::optional<std::uint32_t> bank) {
  const std::lock_guard lock(mutex_);
  List& waiting = in(State::kWaiting);
  for (auto held = waiting.begin(); held != waiting.end();) {
    const auto next = std::next(held);
    const bool meant = !bank || held->hold.bank == *bank;
    if (meant && !held->hold.own_fault) move(held, State::kAnswered);
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
  if (in(State::kAnswered).empty()) {
    answers_.store(false, std::memory_order_release);
    return false;
  }
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
  if (!std::holds_alternative<Stalled>(outcome)) finish(*held, outcome);
  return true;
}

void HeldTransactions::end(const Transaction& transaction, const Fault& fault, Outcome& outcome) {
  const List::iterator held = in(State::kObeying).begin();
  const std::uint16_t tag = held->tag;
  const auto wait = [&](Hold hold) {
    const std::lock_guard lock(mutex_);
    held->hold = hold;
    move(held, State::kWaiting);
  };
  const auto judgement =
      judge_.judge(transaction, fault, FaultJudge::Device::kCanWait, outcome, wait);
  if (judgement.waits) outcome = Stalled{tag, security_};
  judge_.tell(judgement);
}

void HeldTransactions::move(List::iterator held, State to) {
  in(to).splice(in(to).end(), in(held->state), held);
  held->state = to;
  if (to == State::kAnswered) answers_.store(true, std::memory_order_release);
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
  by_tag_.emplace_back();
  return static_cast<std::uint16_t>(tags_++);
}

}  // namespace smmu::emulator
