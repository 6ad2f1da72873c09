#include "emulator/v3/stalls.h"

#include <iterator>

#include "emulator/tcu/attribution.h"

namespace smmu::emulator {

using v3::CMD_RESUME;
using v3::CMD_STALL_TERM;
using v3::CommandHeader;
using v3::Opcode;
using v3::SMMU_IDR0;
using v3::SMMU_IDR5;

namespace {

constexpr Terminated kAbort{Response::kAbort};

}  // namespace

Stalls::Stalls(const Features& features, std::uint32_t most_stalled, Tcu& tcu,
               const PhysicalSpaces& spaces, EventQueue& events, StallSupervisor& smmu,
               Observer* observer)
    : features_(features),
      most_stalled_(most_stalled),
      tcu_(tcu),
      events_(events),
      smmu_(smmu),
      observer_(observer),
      port_(tcu, *this, spaces, never_awaited_) {}

void Stalls::end_or_hold(StallClient& client, const Transaction& incoming,
                         const Transaction& transaction, const Fault& fault,
                         Tcu::Generation generation, Outcome& outcome) {
  const auto* translation = std::get_if<TranslationFault>(&fault);
  if (translation == nullptr || translation->recording != Recording::kStalls) {
    return smmu_.end(transaction, fault, outcome);
  }
  hold(client, incoming, transaction, *translation, generation, outcome);
}

void Stalls::hold(StallClient& client, const Transaction& incoming, const Transaction& transaction,
                  const TranslationFault& fault, Tcu::Generation generation, Outcome& outcome) {
  std::unique_lock lock(mutex_);
  if (!open_) {
    // It came before SMMUEN was cleared, so it goes with those that were stalled.
    outcome = kAbort;
    return;
  }
  const auto tag = take_tag();
  if (!tag) {
    lock.unlock();
    return smmu_.end(transaction, fault, outcome);
  }
  List& fresh = in(State::kFresh);
  fresh.push_back({.incoming = incoming,
                   .transaction = transaction,
                   .fault = fault,
                   .generation = generation,
                   .client = &client,
                   .stalled = {*tag, features_.security}});
  const auto stall = std::prev(fresh.end());
  index_.emplace(key_of(*stall), stall);
  lock.unlock();
  outcome = Stalled{*tag, features_.security};
  report(transaction.stream, {*tag, features_.security}, StallChange::kStalled);
}

void Stalls::settle(StreamId stream, Outcome& outcome) {
  const Stalled stalled = std::get<Stalled>(outcome);
  smmu_.on_stall_work();
  {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find({stream.value, stalled.tag});
    const List::iterator stall = found->second;
    if (stall->state != State::kEnded) {
      stall->known = true;
      return;
    }
    outcome = stall->outcome;
    index_.erase(found);
    in(State::kEnded).erase(stall);
    free_tags_.push_back(stalled.tag);
  }
  report(stream, stalled, StallChange::kEnded);
}

bool Stalls::step() {
  std::unique_lock lock(mutex_);
  if (!in(State::kAnswered).empty()) {
    const List::iterator stall = in(State::kAnswered).begin();
    move(stall, State::kObeying);
    lock.unlock();
    if (stall->answer) {
      finish(*stall, *stall->answer);
    } else if (retry(*stall)) {
      lock.lock();
      move(stall, State::kFresh);
    }
    return true;
  }
  List& fresh = in(State::kFresh);
  List& waiting = in(State::kWaiting);
  if (fresh.empty() && waiting.empty()) return false;
  if (!recordable()) {
    while (!fresh.empty()) move(fresh.begin(), State::kWaiting);
    return false;
  }
  const List::iterator stall = waiting.empty() ? fresh.begin() : waiting.begin();
  // 4.7.3: no record tells of what was invalidated before a CMD_SYNC that is
  // complete.
  const bool current = stall->state == State::kFresh && stall->generation == tcu_.generation();
  move(stall, State::kObeying);
  lock.unlock();
  if (current || retry(*stall)) record(*stall);
  return true;
}

void Stalls::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
}

void Stalls::close() {
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
    for (const auto& [key, stall] : index_) mark(stall, kAbort);
    if (in(State::kAnswered).empty()) return;
  }
  smmu_.on_stall_work();
}

void Stalls::answer(const CommandWords& words) {
  {
    const std::lock_guard lock(mutex_);
    if (CommandHeader(words)[CommandHeader::Opcode] == Opcode::CMD_RESUME) {
      resume(CMD_RESUME(words));
    } else {
      terminate(CMD_STALL_TERM(words));
    }
    if (in(State::kAnswered).empty()) return;
  }
  smmu_.on_stall_work();
}

// 4.7.1
void Stalls::resume(const CMD_RESUME& command) {
  const auto found = index_.find(
      {command[CMD_RESUME::StreamID], static_cast<std::uint16_t>(command[CMD_RESUME::STAG])});
  // What has no record yet cannot be meant.
  if (found == index_.end() || found->second->state != State::kRecorded) return;
  std::optional<Terminated> answer;
  if (!command[CMD_RESUME::Ac]) {
    const bool abort = command[CMD_RESUME::Ab] || features_.idr0[SMMU_IDR0::TERM_MODEL];
    answer = Terminated{abort ? Response::kAbort : Response::kRazWi};
  }
  mark(found->second, answer);
}

// 4.7.2
void Stalls::terminate(const CMD_STALL_TERM& command) {
  const std::uint32_t stream = command[CMD_STALL_TERM::StreamID];
  const auto first = index_.lower_bound({stream, 0});
  for (auto at = first; at != index_.end() && at->first.first == stream; ++at) {
    mark(at->second, kAbort);
  }
}

void Stalls::end(const Transaction& transaction, const Fault& fault, Outcome& outcome) {
  Stall& stall = in(State::kObeying).front();
  const auto* translation = std::get_if<TranslationFault>(&fault);
  if (translation == nullptr || translation->recording != Recording::kStalls) {
    return smmu_.end(transaction, fault, outcome);
  }
  stall.transaction = transaction;
  stall.fault = *translation;
  outcome = stall.stalled;
}

void Stalls::move(List::iterator stall, State to) {
  in(to).splice(in(to).end(), in(stall->state), stall);
  stall->state = to;
}

void Stalls::mark(List::iterator stall, std::optional<Terminated> answer) {
  if (stall->state == State::kEnded) return;
  stall->answer = answer;
  move(stall, State::kAnswered);
}

bool Stalls::recordable() {
  return in(State::kRecorded).size() < features_.idr5[SMMU_IDR5::STALL_MAX] && events_.writable();
}

void Stalls::record(Stall& stall) {
  const EventRecord record = stall_record(stall.transaction, stall.fault, stall.stalled);
  const EventFate fate = events_.write(record);
  if (observer_ != nullptr) [[unlikely]] {
    observer_->on_event({.security = features_.security, .words = record, .fate = fate});
  }
  const std::lock_guard lock(mutex_);
  move(in(State::kObeying).begin(),
       fate == EventFate::kWritten ? State::kRecorded : State::kWaiting);
}

bool Stalls::retry(Stall& stall) {
  report(stall.transaction.stream, stall.stalled, StallChange::kRetried);
  Outcome outcome;
  const Attribution attribution(stall.incoming.stream, features_.security);
  port_.translate(stall.incoming, outcome);
  stall.generation = port_.generation();
  if (std::holds_alternative<Stalled>(outcome)) return true;
  finish(stall, outcome);
  return false;
}

void Stalls::finish(Stall& stall, const Outcome& outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (!stall.known) {
      stall.outcome = outcome;
      return move(in(State::kObeying).begin(), State::kEnded);
    }
    index_.erase(key_of(stall));
  }
  report(stall.transaction.stream, stall.stalled, StallChange::kEnded);
  stall.client->on_resumed(stall.stalled, outcome);
  const std::lock_guard lock(mutex_);
  // Not before: to the device the tag was still this one's.
  free_tags_.push_back(stall.stalled.tag);
  in(State::kObeying).clear();
}

void Stalls::report(StreamId stream, Stalled stalled, StallChange change) const {
  if (observer_ == nullptr) [[likely]]
    return;
  observer_->on_stall(
      {.security = features_.security, .stream = stream, .stalled = stalled, .change = change});
}

std::optional<std::uint16_t> Stalls::take_tag() {
  if (tags_ != most_stalled_) return static_cast<std::uint16_t>(tags_++);
  if (free_tags_.empty()) return std::nullopt;
  const std::uint16_t tag = free_tags_.front();
  free_tags_.pop_front();
  return tag;
}

}  // namespace smmu::emulator
