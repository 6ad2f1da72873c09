// Which DeviceID a device's messages carry.
#ifndef SMMU_EMULATOR_DEVICE_IDS_H_
#define SMMU_EMULATOR_DEVICE_IDS_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "smmu/platform/requester.h"
#include "smmu/types.h"

namespace smmu::emulator {

// How an interconnect numbers the streams of one SMMU: a DeviceID is the
// StreamID and an offset, as firmware tables tell it.
struct DeviceIds {
  std::uint32_t first = 0;  // that of stream 0
  // The same for Secure streams, which else have no DeviceID.
  std::optional<std::uint32_t> first_secure = std::nullopt;
  // That of whatever is behind no SMMU's port, like the SMMU, whose interrupts
  // may be messages too; none: they are refused.
  std::optional<DeviceId> of_others = std::nullopt;

  std::optional<DeviceId> of(const std::optional<Requester>& requester) const {
    if (!requester) return of_others;
    const std::optional<std::uint32_t> offset =
        requester->security == SecurityState::kSecure ? first_secure : std::optional(first);
    if (!offset) return std::nullopt;
    const std::uint64_t number = std::uint64_t{*offset} + requester->stream.value;
    if (number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return DeviceId(static_cast<std::uint32_t>(number));
  }
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_DEVICE_IDS_H_
