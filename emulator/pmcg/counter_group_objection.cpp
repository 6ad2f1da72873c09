#include "emulator/pmcg/counter_group_objection.h"

#include <cstdint>

namespace smmu::emulator {

using v3::SMMU_PMCG_AIDR;
using v3::SMMU_PMCG_CFGR;

namespace {

bool is_size(SMMU_PMCG_CFGR::CounterSize size) {
  using CounterSize = SMMU_PMCG_CFGR::CounterSize;
  switch (size) {
    case CounterSize::k32Bits:
    case CounterSize::k36Bits:
    case CounterSize::k40Bits:
    case CounterSize::k44Bits:
    case CounterSize::k48Bits:
    case CounterSize::k64Bits:
      return true;
  }
  return false;
}

bool ends_in_zeros(std::uint32_t number, unsigned bits) {
  return (number & ((std::uint64_t{1} << bits) - 1)) == 0;
}

std::optional<std::string> objection(const CounterGroupConfig& group) {
  const SMMU_PMCG_CFGR cfgr = group.cfgr;
  const struct {
    bool objectionable;
    const char* sentence;
  } rules[] = {
      {(cfgr.raw() & ~named_bits<SMMU_PMCG_CFGR>()) != 0, "SMMU_PMCG_CFGR has a reserved bit set"},
      {!is_size(cfgr[SMMU_PMCG_CFGR::SIZE]), "SMMU_PMCG_CFGR.SIZE is reserved"},
      {cfgr[SMMU_PMCG_CFGR::MPAM], "SMMU_PMCG_CFGR.MPAM is 1: MPAM is not modelled"},
      {cfgr[SMMU_PMCG_CFGR::FILTER_PARTID_PMG],
       "SMMU_PMCG_CFGR.FILTER_PARTID_PMG is 1: MPAM is not modelled"},
      {group.aidr[SMMU_PMCG_AIDR::ArchMajorRev] != 0 ||
           group.aidr[SMMU_PMCG_AIDR::ArchMinorRev] > 4,
       "SMMU_PMCG_AIDR is above 0x04: the model ends at SMMUv3.4"},
      {(group.aidr.raw() & ~named_bits<SMMU_PMCG_AIDR>()) != 0,
       "SMMU_PMCG_AIDR has a reserved bit set"},
      {group.stream_bits > 32, "counter_groups: stream_bits is above 32"},
      {group.stream_bits <= 32 && !ends_in_zeros(group.first_stream.value, group.stream_bits),
       "counter_groups: first_stream has one of the low stream_bits bits set"},
  };
  for (const auto& rule : rules) {
    if (rule.objectionable) return rule.sentence;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> counter_group_objection(const SmmuV3Config& config) {
  for (const CounterGroupConfig& group : config.counter_groups) {
    if (auto sentence = objection(group)) return sentence;
  }
  return std::nullopt;
}

}  // namespace smmu::emulator
