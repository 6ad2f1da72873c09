#include "emulator/v3/snapshot_items.h"

#include <cstdint>

namespace smmu::emulator {
namespace {

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

std::vector<SnapshotItem> items_of(const SmmuV3Config& config) {
  std::vector<SnapshotItem> items;
  list_items(config, [&](const char* name, std::uint64_t value) {
    items.push_back({name, value});
  });
  return items;
}

}  // namespace smmu::emulator
