// Who makes an access, as an interconnect tells it beside the address.
#ifndef SMMU_PLATFORM_REQUESTER_H_
#define SMMU_PLATFORM_REQUESTER_H_

#include <optional>

#include "smmu/arch/memory_attributes.h"
#include "smmu/types.h"

namespace smmu {

// A device's access behind an SMMU.  Who it is cannot be forged by the device;
// what kind of access it is has been decided by the SMMU.
struct Requester {
  StreamId stream;
  std::optional<SubstreamId> substream = std::nullopt;
  SecurityState security = SecurityState::kNonSecure;  // whose stream it is
  SecurityState space = SecurityState::kNonSecure;     // of the physical address
  MemoryAttributes attributes = {};                    // after translation

  friend constexpr bool operator==(const Requester&, const Requester&) = default;
};

}  // namespace smmu

#endif  // SMMU_PLATFORM_REQUESTER_H_
