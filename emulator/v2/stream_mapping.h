// Which stream mapping group, if any, a StreamID selects (IHI 0062).
#ifndef SMMU_EMULATOR_V2_STREAM_MAPPING_H_
#define SMMU_EMULATOR_V2_STREAM_MAPPING_H_

#include <cstdint>

#include "emulator/v2/registers.h"
#include "smmu/types.h"

namespace smmu::emulator {

struct StreamMatch {
  enum class Count : std::uint8_t { kNone, kOne, kSeveral };

  Count count = Count::kNone;
  std::uint32_t group = 0;  // the first that matches
};

// Of the groups of the stream's Security state.  Every conflict is found.
StreamMatch match(const RegistersV2& registers, SecurityState security, StreamId stream);

// What SMMU_SMRn of a group says: the bits that a StreamID has not are not there.  The
// register has more of them with EXIDENABLE, and software may write it before that.
std::uint32_t match_register(const RegistersV2& registers, std::uint32_t group);

// The StreamID with the bits that there are.
StreamId implemented(const RegistersV2& registers, SecurityState security, StreamId stream);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_STREAM_MAPPING_H_
