#include "emulator/pmcg/counter_filter.h"

#include <bit>
#include <cstdint>

namespace smmu::emulator {

using v3::SMMU_PMCG_EVTYPERn;
using v3::SMMU_PMCG_SMRn;

namespace {

// Whether two StreamIDs are the same from bit `low` on, which may be 32.
bool same_above(std::uint64_t low, std::uint32_t a, std::uint32_t b) {
  return std::uint64_t{a ^ b} >> low == 0;
}

std::uint32_t stream_mask(const CounterGroupConfig& config) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << config.stream_bits) - 1);
}

}  // namespace

bool observes(const CounterGroupConfig& config, StreamId stream, SecurityState security) {
  if (security == SecurityState::kSecure && !config.secure_state) return false;
  return same_above(config.stream_bits, stream.value, config.first_stream.value);
}

// The four modes of 10.4.
bool admits(const CounterGroupConfig& config, SMMU_PMCG_EVTYPERn type, SMMU_PMCG_SMRn filter,
            bool secure_observation, StreamId stream, SecurityState security) {
  const std::uint32_t implemented = stream_mask(config);
  const std::uint32_t asked = filter[SMMU_PMCG_SMRn::STREAMID] & implemented;
  const bool span = type[SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN];
  // AllSIDManySECSID
  if (span && asked == implemented) {
    return security == SecurityState::kNonSecure || secure_observation;
  }
  const bool of_secure = type[SMMU_PMCG_EVTYPERn::FILTER_SEC_SID] && secure_observation;
  if (of_secure != (security == SecurityState::kSecure)) return false;
  // PartialSID, and AllSIDOneSECSID as its end: a 0 above the bits that are 1.
  const auto ignored = span ? static_cast<unsigned>(std::countr_one(asked)) + 1 : 0;
  return same_above(ignored, stream.value & implemented, asked);
}

}  // namespace smmu::emulator
