// What a snapshot says of transactions that wait.
#include <algorithm>
#include <iterator>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/v2/held_transactions.h"

namespace smmu::emulator {

bool HeldTransactions::quiet() {
  const std::lock_guard lock(mutex_);
  const auto known = [](const List& list) { return std::ranges::all_of(list, &Held::known); };
  return in(State::kObeying).empty() && in(State::kEnded).empty() && port_.in_flight().idle() &&
         known(in(State::kWaiting)) && known(in(State::kAnswered));
}

// A device is named by its port: what it is called by is another process's.
template <class Snapshot>
void HeldTransactions::archive(Snapshot& snapshot, const std::vector<StallClient*>& clients,
                               std::uint32_t num_banks) {
  snapshot(port_);
  const std::lock_guard lock(mutex_);
  snapshot.section("the stalled transactions");
  snapshot(tags_);
  snapshot.require(tags_ <= most_, "more tags than there can be");
  snapshot.sequence(free_tags_, most_);
  if constexpr (Snapshot::kReads) {
    for (List& list : lists_) list.clear();
    by_tag_.resize(snapshot.ok() ? tags_ : 0);
    answers_ = true;
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

  for (const State state : {State::kWaiting, State::kAnswered}) {
    List& list = in(state);
    auto count = static_cast<std::uint32_t>(list.size());
    snapshot(count);
    snapshot.require(count <= left, "more transactions than there can be");
    List::iterator at = list.begin();
    for (std::uint32_t i = 0; i != count && snapshot.ok(); ++i) {
      if constexpr (Snapshot::kReads) at = list.insert(list.end(), Held{});
      Held& held = *at++;
      auto& [incoming, client, tag, hold, its_state, device_knows, answer, outcome] = held;
      auto port = static_cast<std::uint32_t>(std::ranges::find(clients, client) - clients.begin());
      snapshot(incoming, port, tag, hold.bank, hold.own_fault, answer);
      name(tag);
      snapshot.require(
          port < clients.size() && hold.bank < num_banks && (!answer || state == State::kAnswered),
          "a transaction that cannot be");
      if (!snapshot.ok()) return;
      if constexpr (Snapshot::kReads) {
        client = clients[port];
        its_state = state;
        device_knows = true;
        by_tag_[tag] = std::prev(list.end());
      }
    }
  }
  snapshot.require(left == 0, "a tag of nothing");
}

void HeldTransactions::announce() const {
  // A device may use the SMMU at once.
  std::vector<Held> waiting;
  for (const List& list : lists_) waiting.insert(waiting.end(), list.begin(), list.end());
  for (const Held& held : waiting) {
    held.client->on_restored({held.tag, security_}, held.incoming);
  }
}

template void HeldTransactions::archive(SnapshotWriter&, const std::vector<StallClient*>&,
                                        std::uint32_t);
template void HeldTransactions::archive(SnapshotReader&, const std::vector<StallClient*>&,
                                        std::uint32_t);

}  // namespace smmu::emulator
