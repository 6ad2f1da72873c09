#include "emulator/v3/snapshot_head.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace smmu::emulator {
namespace {

constexpr std::uint64_t kMagic = 0x7061'6e73'554d'4d53;  // "SMMUsnap"
// Goes up with every change of what follows.
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kLengthAt = sizeof kMagic + sizeof kVersion;

template <class Item>
void list_items(const CounterGroupConfig& group, Item&& item) {
  const auto& [cfgr, iidr, aidr, id_block, secure_state, stream_bits, first_stream] = group;
  item("SMMU_PMCG_CFGR", cfgr.raw());
  item("SMMU_PMCG_IIDR", iidr.raw());
  item("SMMU_PMCG_AIDR", aidr.raw());
  for (const std::uint32_t word : id_block) item("counter_groups.id_block", word);
  item("counter_groups.secure_state", static_cast<std::uint64_t>(secure_state));
  item("counter_groups.stream_bits", stream_bits);
  item("counter_groups.first_stream", first_stream.value);
}

// `item(name, value)` for all that an SMMU is built to be.
template <class Item>
void list_items(const SmmuV3Config& config, Item&& item) {
  // Names every member: a new one does not compile until it is here.
  const auto& [idr0, idr1, idr2, idr3, idr4, idr5, idr6, iidr, aidr, s_idr0, s_idr1, s_idr2, s_idr3,
               s_idr4, s_idr6, id_block, gbpa_reset, s_gbpa_reset, most_stalled, merging, caching,
               pace, counter_groups] = config;
  const auto& [policy, prefetch, main_tlb, configuration, stage2, walk, cap] = caching;
  const auto geometry = [&](const char* name, const CacheGeometry& its) {
    item(name, std::uint64_t{its.sets} << 32 | its.ways);
  };
  item("SMMU_IDR0", idr0.raw());
  item("SMMU_IDR1", idr1.raw());
  item("SMMU_IDR2", idr2.raw());
  item("SMMU_IDR3", idr3.raw());
  item("SMMU_IDR4", idr4.raw());
  item("SMMU_IDR5", idr5.raw());
  item("SMMU_IDR6", idr6.raw());
  item("SMMU_IIDR", iidr.raw());
  item("SMMU_AIDR", aidr.raw());
  item("SMMU_S_IDR0", s_idr0.raw());
  item("SMMU_S_IDR1", s_idr1.raw());
  item("SMMU_S_IDR2", s_idr2.raw());
  item("SMMU_S_IDR3", s_idr3.raw());
  item("SMMU_S_IDR4", s_idr4.raw());
  item("SMMU_S_IDR6", s_idr6.raw());
  for (const std::uint32_t word : id_block) item("id_block", word);
  item("gbpa_reset", gbpa_reset);
  item("s_gbpa_reset", s_gbpa_reset);
  item("most_stalled", most_stalled);
  item("merging", static_cast<std::uint64_t>(merging));
  item("caching.policy", static_cast<std::uint64_t>(policy));
  item("caching.prefetch", static_cast<std::uint64_t>(prefetch));
  geometry("caching.main_tlb", main_tlb);
  geometry("caching.configuration", configuration);
  geometry("caching.stage2", stage2);
  geometry("caching.walk", walk);
  item("caching.cap", cap);
  item("pace", static_cast<std::uint64_t>(pace));
  item("the number of counter_groups", counter_groups.size());
  for (const CounterGroupConfig& group : counter_groups) list_items(group, item);
}

}  // namespace

void write_head(SnapshotWriter& snapshot, const SmmuV3Config& config,
                const std::vector<bool>& waiting_ports) {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint64_t length = 0;
  snapshot(magic, version, length);
  list_items(config, [&](const char*, std::uint64_t value) { snapshot(value); });
  auto ports = static_cast<std::uint32_t>(waiting_ports.size());
  snapshot(ports);
  for (bool waiting : waiting_ports) snapshot(waiting);
}

void finish_head(SnapshotWriter& snapshot) { snapshot.put(kLengthAt, snapshot.size()); }

void read_head(SnapshotReader& snapshot, const SmmuV3Config& config,
               const std::vector<bool>& waiting_ports) {
  const std::size_t all = snapshot.left();
  std::uint64_t magic = 0;
  snapshot(magic);
  if (snapshot.ok() && magic != kMagic) return snapshot.fail("this is no snapshot of an SMMU");
  std::uint32_t version = 0;
  snapshot(version);
  if (snapshot.ok() && version != kVersion) {
    return snapshot.fail(
        fmt::format("the snapshot is of version {}, and {} is wanted", version, kVersion));
  }
  std::uint64_t length = 0;
  snapshot(length);
  if (snapshot.ok() && length != all) {
    return snapshot.fail(fmt::format("the snapshot has {} bytes, and there are {}", length, all));
  }
  snapshot.section("what the SMMU is");
  list_items(config, [&](const char* name, std::uint64_t expected) {
    std::uint64_t value = 0;
    snapshot(value);
    if (value == expected) return;
    snapshot.fail(fmt::format("the snapshot is of an SMMU with {} {:#x}, and this one's is {:#x}",
                              name, value, expected));
  });
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
