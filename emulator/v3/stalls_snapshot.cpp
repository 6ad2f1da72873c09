// What a snapshot says of stalled transactions.
#include <algorithm>
#include <iterator>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/v3/stalls.h"

namespace smmu::emulator {

bool Stalls::quiet() {
  const std::lock_guard lock(mutex_);
  return in(State::kObeying).empty() && in(State::kEnded).empty() && port_.in_flight().idle() &&
         std::ranges::all_of(index_, [](const auto& entry) { return entry.second->known; });
}

// A device is named by its port: what it is called by is another process's.
template <class Snapshot>
void Stalls::archive(Snapshot& snapshot, const std::vector<StallClient*>& clients) {
  snapshot(port_);
  const std::lock_guard lock(mutex_);
  snapshot.section("the stalled transactions");
  snapshot(open_, tags_);
  snapshot.require(tags_ <= most_stalled_, "more tags than there can be");
  snapshot.sequence(free_tags_, most_stalled_);
  if constexpr (Snapshot::kReads) {
    index_.clear();
    for (List& list : lists_) list.clear();
  }
  // A tag is free, or of one transaction.
  std::vector<bool> named(snapshot.ok() ? tags_ : 0);
  std::uint32_t left = tags_;
  const auto name = [&](std::uint16_t tag) {
    const bool new_one = tag < named.size() && !named[tag];
    if (!snapshot.require(new_one, "a tag that is not of one transaction")) return;
    named[tag] = true;
    --left;
  };
  for (const std::uint16_t tag : free_tags_) name(tag);

  for (const State state : {State::kFresh, State::kWaiting, State::kRecorded, State::kAnswered}) {
    List& list = in(state);
    auto count = static_cast<std::uint32_t>(list.size());
    snapshot(count);
    snapshot.require(count <= left, "more transactions than there can be");
    List::iterator at = list.begin();
    for (std::uint32_t i = 0; i != count && snapshot.ok(); ++i) {
      if constexpr (Snapshot::kReads) at = list.insert(list.end(), Stall{});
      Stall& stall = *at++;
      auto& [incoming, transaction, fault, generation, client, stalled, its_state, device_knows,
             answer, outcome] = stall;
      auto port = static_cast<std::uint32_t>(std::ranges::find(clients, client) - clients.begin());
      snapshot(incoming, transaction, fault, generation, port, stalled.tag, answer);
      name(stalled.tag);
      snapshot.require(port < clients.size() && incoming.stream == transaction.stream &&
                           (!answer || state == State::kAnswered),
                       "a transaction that cannot be");
      if (!snapshot.ok()) return;
      if constexpr (Snapshot::kReads) {
        client = clients[port];
        stalled.security = features_.security;
        its_state = state;
        device_knows = true;
        index_.emplace(key_of(stall), std::prev(list.end()));
      }
    }
  }
  snapshot.require(left == 0, "a tag of nothing");
  snapshot.require(in(State::kRecorded).size() <= features_.idr5[v3::SMMU_IDR5::STALL_MAX],
                   "more records than there can be");
}

void Stalls::announce() const {
  // A device may use the SMMU at once.
  std::vector<Stall> waiting;
  for (const List& list : lists_) waiting.insert(waiting.end(), list.begin(), list.end());
  for (const Stall& stall : waiting) stall.client->on_restored(stall.stalled, stall.incoming);
}

template void Stalls::archive(SnapshotWriter&, const std::vector<StallClient*>&);
template void Stalls::archive(SnapshotReader&, const std::vector<StallClient*>&);

}  // namespace smmu::emulator
