// What a snapshot says of one Security state's devices.
#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/v2/clients.h"

namespace smmu::emulator {

template <class Snapshot>
void Clients::archive(Snapshot& snapshot) {
  snapshot(tcu_);
  for (const auto& port : ports_) snapshot(*port);
  std::vector<StallClient*> clients;
  for (const auto& port : stalling_ports_) clients.push_back(&port->client());
  held_.archive(snapshot, clients, shared_.features.num_banks);
  if constexpr (Snapshot::kReads) {
    const bool open = !shared_.registers.global(security_).cr0[v2::SMMU_sCR0::CLIENTPD];
    snapshot.require((tcu_.gate() == Tcu::Gate::kTranslate) == open,
                     "a gate that is not that of the registers");
  }
}

template void Clients::archive(SnapshotWriter& snapshot);
template void Clients::archive(SnapshotReader& snapshot);

}  // namespace smmu::emulator
