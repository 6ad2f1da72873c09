#include "emulator/v2/snapshot_items.h"

#include <cstdint>

namespace smmu::emulator {

std::vector<SnapshotItem> items_of(const SmmuV2Config& config) {
  // Names every member: a new one does not compile until it is here.
  const auto& [idr0, idr1, idr2, idr4, idr7, id_block, scr0_reset, cr0_reset, scr1_reset,
               sacr_reset, acr_reset, cbar_reset, sctlr_reset, actlr_reset, ssdr_reset, mmu_500,
               has_stall_control, has_configuration_access_control, has_conflict_control,
               has_private_asids, has_top_byte_control, illegal_access, conflict, resume,
               early_resume, stall_interrupts, hit_under_fault_is_multiple,
               aliases_without_security, busy_reads, pmcfgr, pmceid0, counted_stream_bits,
               most_stalled, caching, pace] = config;
  const auto& [policy, prefetch, main_tlb, configuration, stage2, walk, cap] = caching;
  const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
  const auto geometry = [](const CacheGeometry& its) {
    return std::uint64_t{its.sets} << 32 | its.ways;
  };
  std::vector<SnapshotItem> items = {
      {"SMMU_IDR0", idr0.raw()},
      {"SMMU_IDR1", idr1.raw()},
      {"SMMU_IDR2", idr2.raw()},
      {"SMMU_IDR4", idr4},
      {"SMMU_IDR7", idr7.raw()},
      {"scr0_reset", scr0_reset},
      {"cr0_reset", cr0_reset},
      {"scr1_reset", scr1_reset.raw()},
      {"sacr_reset", sacr_reset},
      {"acr_reset", acr_reset},
      {"cbar_reset", cbar_reset},
      {"sctlr_reset", sctlr_reset},
      {"actlr_reset", actlr_reset},
      {"ssdr_reset", ssdr_reset},
      {"mmu_500", number(mmu_500)},
      {"has_stall_control", number(has_stall_control)},
      {"has_configuration_access_control", number(has_configuration_access_control)},
      {"has_conflict_control", number(has_conflict_control)},
      {"has_private_asids", number(has_private_asids)},
      {"has_top_byte_control", number(has_top_byte_control)},
      {"illegal_access", number(illegal_access)},
      {"conflict", number(conflict)},
      {"resume", number(resume)},
      {"early_resume", number(early_resume)},
      {"stall_interrupts", number(stall_interrupts)},
      {"hit_under_fault_is_multiple", number(hit_under_fault_is_multiple)},
      {"aliases_without_security", number(aliases_without_security)},
      {"busy_reads", busy_reads},
      {"SMMU_PMCFGR", pmcfgr.raw()},
      {"SMMU_PMCEID0", pmceid0},
      {"counted_stream_bits", counted_stream_bits},
      {"most_stalled", most_stalled},
      {"caching.policy", number(policy)},
      {"caching.prefetch", number(prefetch)},
      {"caching.main_tlb", geometry(main_tlb)},
      {"caching.configuration", geometry(configuration)},
      {"caching.stage2", geometry(stage2)},
      {"caching.walk", geometry(walk)},
      {"caching.cap", cap},
      {"pace", number(pace)},
  };
  for (const std::uint32_t word : id_block) items.push_back({"id_block", word});
  return items;
}

}  // namespace smmu::emulator
