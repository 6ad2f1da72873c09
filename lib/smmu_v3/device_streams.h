// The streams of a device, and what they are attached to.
#ifndef SMMU_LIB_SMMU_V3_DEVICE_STREAMS_H_
#define SMMU_LIB_SMMU_V3_DEVICE_STREAMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "lib/smmu_v3/context_entries.h"
#include "lib/smmu_v3/entries.h"
#include "lib/smmu_v3/growing_array.h"
#include "smmu/iommu/driver.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;
class DomainV3;

class DeviceStreams;

// That a device's accesses, those with a PASID or those without, belong to a domain.
struct AttachedStreams {
  DomainV3* domain = nullptr;
  DeviceStreams* streams = nullptr;
  std::optional<SubstreamId> substream = std::nullopt;
  // A guest's translations are above the domain's.
  bool nested = false;
  // Of the domain's list, by its lock.
  AttachedStreams* next = nullptr;
  std::uint64_t number = 0;
};

// Written by the one call that attaches at a time; who looks for a handler holds the mutex of
// Deliveries, and so does who writes what such look at.
class DeviceStreams final : public DeviceState {
 public:
  explicit DeviceStreams(Device& of) : device(of) {}

  std::size_t size() const { return ids.size(); }
  // Of accesses without a PASID; null: they are blocked, or go where they say.
  DomainV3* domain() const { return attached != nullptr ? attached->domain : nullptr; }

  struct Pasid {
    SubstreamId substream;
    std::unique_ptr<AttachedStreams> attached;
  };

  Device& device;
  GrowingArray<StreamId> ids;
  StreamTraits traits;
  // It asks for pages by messages; otherwise, if it can, its accesses wait.
  bool pages_by_requests = false;
  bool snoop_enforced = false;
  unsigned substream_bits = 0;
  std::unique_ptr<ContextEntries> contexts;

  // Accesses without a PASID.
  AttachKind kind = AttachKind::kBlocked;
  std::unique_ptr<AttachedStreams> attached;  // kDomain
  std::unique_ptr<AttachedStreams> below;     // to the parent of that domain
  GrowingArray<Pasid> pasids;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_DEVICE_STREAMS_H_
