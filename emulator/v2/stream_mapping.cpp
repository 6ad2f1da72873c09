#include "emulator/v2/stream_mapping.h"

namespace smmu::emulator {

using v2::SMMU_IDR0;
using v2::SMMU_S2CRn;
using v2::SMMU_sCR0;
using v2::SMMU_SMRn;
using v2::SMMU_SMRn_EXIDENABLE;

namespace {

bool has_extended_ids(const RegistersV2& registers, SecurityState security) {
  return registers.features.idr0[SMMU_IDR0::EXIDS] &&
         registers.global(security).cr0[SMMU_sCR0::EXIDENABLE];
}

bool matches(const RegistersV2& registers, std::uint32_t group, std::uint32_t id, bool extended) {
  if (extended) {
    const SMMU_SMRn_EXIDENABLE smr(registers.smr[group]);
    return SMMU_S2CRn(registers.s2cr[group])[SMMU_S2CRn::EXIDVALID] &&
           ((id ^ smr[SMMU_SMRn_EXIDENABLE::ID]) & ~smr[SMMU_SMRn_EXIDENABLE::MASK]) == 0;
  }
  const SMMU_SMRn smr(match_register(registers, group));
  return smr[SMMU_SMRn::VALID] && ((id ^ smr[SMMU_SMRn::ID]) & ~smr[SMMU_SMRn::MASK]) == 0;
}

}  // namespace

std::uint32_t match_register(const RegistersV2& registers, std::uint32_t group) {
  const std::uint32_t held = registers.smr[group];
  if (has_extended_ids(registers, registers.owner_of_group(group))) return held;
  const std::uint32_t ids = registers.features.stream_mask;
  const SMMU_SMRn smr(held);
  return SMMU_SMRn()
      .set(SMMU_SMRn::VALID, smr[SMMU_SMRn::VALID])
      .set(SMMU_SMRn::MASK, smr[SMMU_SMRn::MASK] & ids)
      .set(SMMU_SMRn::ID, smr[SMMU_SMRn::ID] & ids)
      .raw();
}

StreamId implemented(const RegistersV2& registers, SecurityState security, StreamId stream) {
  const FeaturesV2& features = registers.features;
  const bool extended = has_extended_ids(registers, security);
  return StreamId(stream.value & (extended ? features.extended_stream_mask : features.stream_mask));
}

StreamMatch match(const RegistersV2& registers, SecurityState security, StreamId stream) {
  const std::uint32_t first =
      security == SecurityState::kNonSecure ? 0 : registers.non_secure_groups();
  const std::uint32_t end = security == SecurityState::kNonSecure ? registers.non_secure_groups()
                                                                  : registers.features.num_groups;
  const std::uint32_t id = implemented(registers, security, stream).value;
  if (!registers.features.matches_streams) {
    if (id < first || id >= end) return {};
    return {.count = StreamMatch::Count::kOne, .group = id};
  }
  const bool extended = has_extended_ids(registers, security);
  StreamMatch found;
  for (std::uint32_t group = first; group != end; ++group) {
    if (!matches(registers, group, id, extended)) continue;
    if (found.count == StreamMatch::Count::kOne) {
      found.count = StreamMatch::Count::kSeveral;
      break;
    }
    found = {.count = StreamMatch::Count::kOne, .group = group};
  }
  return found;
}

}  // namespace smmu::emulator
