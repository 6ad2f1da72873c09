#include "emulator/snapshot/head.h"

#include <fmt/format.h>

#include <cstddef>

namespace smmu::emulator {
namespace {

constexpr std::size_t kLengthAt = sizeof SnapshotKind::magic + sizeof SnapshotKind::version;

}  // namespace

void write_head(SnapshotWriter& snapshot, const SnapshotKind& kind,
                const std::vector<SnapshotItem>& items, const std::vector<bool>& waiting_ports) {
  std::uint64_t length = 0;
  snapshot(kind.magic, kind.version, length);
  for (const SnapshotItem& item : items) snapshot(item.value);
  auto ports = static_cast<std::uint32_t>(waiting_ports.size());
  snapshot(ports);
  for (bool waiting : waiting_ports) snapshot(waiting);
}

void finish_head(SnapshotWriter& snapshot) { snapshot.put(kLengthAt, snapshot.size()); }

void read_head(SnapshotReader& snapshot, const SnapshotKind& kind,
               const std::vector<SnapshotItem>& items, const std::vector<bool>& waiting_ports) {
  const std::size_t all = snapshot.left();
  std::uint64_t magic = 0;
  snapshot(magic);
  if (snapshot.ok() && magic != kind.magic) {
    return snapshot.fail(fmt::format("this is no snapshot of {}", kind.of));
  }
  std::uint32_t version = 0;
  snapshot(version);
  if (snapshot.ok() && version != kind.version) {
    return snapshot.fail(
        fmt::format("the snapshot is of version {}, and {} is wanted", version, kind.version));
  }
  std::uint64_t length = 0;
  snapshot(length);
  if (snapshot.ok() && length != all) {
    return snapshot.fail(fmt::format("the snapshot has {} bytes, and there are {}", length, all));
  }
  snapshot.section("what the SMMU is");
  for (const SnapshotItem& item : items) {
    std::uint64_t value = 0;
    snapshot(value);
    if (value == item.value) continue;
    snapshot.fail(fmt::format("the snapshot is of an SMMU with {} {:#x}, and this one's is {:#x}",
                              item.name, value, item.value));
  }
  std::uint32_t ports = 0;
  snapshot(ports);
  if (snapshot.ok() && ports != waiting_ports.size()) {
    return snapshot.fail(
        fmt::format("the snapshot is of an SMMU with {} ports, and this one has {}", ports,
                    waiting_ports.size()));
  }
  for (std::size_t i = 0; i != waiting_ports.size(); ++i) {
    bool waiting = false;
    snapshot(waiting);
    if (waiting == waiting_ports[i]) continue;
    snapshot.fail(fmt::format("the device behind port {} can wait in {}, and not in the other", i,
                              waiting ? "the snapshot" : "this SMMU"));
  }
}

}  // namespace smmu::emulator
