// A device that makes accesses through an SMMU, and the devices it cannot be told from.
#ifndef SMMU_IOMMU_DEVICE_H_
#define SMMU_IOMMU_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/driver.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Domain;
class Group;
class Iommu;

// StreamIDs of a device: all that equal `id` where `mask` has a 0, as SMMU_SMRn has it.
struct StreamMatch {
  StreamId id;
  std::uint32_t mask = 0;

  friend bool operator==(const StreamMatch&, const StreamMatch&) = default;
};

// What whoever finds devices (a bus, firmware) knows of one.
struct DeviceConfig {
  std::string name = {};  // for messages
  std::vector<StreamMatch> streams = {};
  unsigned pasid_bits = 0;  // 0: it makes no accesses with PASID
  bool ats = false;         // it can hold translations
  bool pri = false;         // it can ask for pages
  bool can_stall = false;   // its accesses can wait for software
  bool coherent = true;     // its accesses may look into caches
  // No DMA of its may be blocked, of what firmware has it do.  Regions of the device; kDirect ones
  // are mapped wherever the device is attached by default.
  std::vector<ReservedRegion> reserved = {};
  // Devices whose accesses reach this one, or each other, without passing the SMMU: functions of
  // one device, devices below a bridge without ACS.  They are of one group.
  std::vector<Device*> not_isolated_from = {};
};

class Device {
 public:
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceConfig& config() const { return config_; }
  Iommu& iommu() const { return iommu_; }
  Group& group() const { return *group_; }

  bool capable(Capability capability) const;
  // The driver's, the device's own, and those of all that have a say: sorted and merged.  A real
  // MSI region leaves no software one.
  std::vector<ReservedRegion> reserved_regions() const;

  // Accesses with this PASID go to `domain`, whatever the others do.
  // invalid_argument: the device has no such PASID, 0 included, or more devices are in its group;
  // the domain is another SMMU's, or none that can be (kBlocked).  device_or_resource_busy: the
  // PASID is attached.  And those of Driver::attach_pasid().
  Result<Done, std::errc> attach_pasid(SubstreamId pasid, Domain& domain);
  // Accesses with this PASID fail from now on.  One that is not attached: nothing happens.
  void detach_pasid(SubstreamId pasid);
  // Null: none.
  Domain* pasid_domain(SubstreamId pasid) const;

  // Answers a page fault of which AddressSpace::on_page_fault() had said kLater.
  void respond(const PageFault& fault, PageAnswer answer);

  // For its driver.
  DeviceState* state() const { return state_.get(); }

 private:
  friend class Group;
  friend class Iommu;
  Device(Iommu& iommu, DeviceConfig config);

  Iommu& iommu_;
  const DeviceConfig config_;
  Group* group_ = nullptr;
  std::unique_ptr<DeviceState> state_;
  std::vector<std::pair<SubstreamId, Domain*>> pasids_;  // by the lock of the Iommu
};

// Devices that the SMMU, or the buses above it, cannot keep apart: they have one domain.
class Group {
 public:
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  Iommu& iommu() const { return iommu_; }
  std::uint32_t number() const { return number_; }
  std::vector<Device*> devices() const;

  // All devices go to `domain`.
  // device_or_resource_busy: the group is attached to a domain that is not its default, whichever
  // that is.  invalid_argument: the domain is another Iommu's, or cannot be for one of the devices:
  // another domain may do; or it blocks a device that firmware says must not be.  And those of
  // Driver::attach().  An error leaves all devices where they were.
  Result<Done, std::errc> attach(Domain& domain);
  // Back to the default domain, or, as long as somebody owns the group, to where all is blocked.
  void detach();
  // The domain it is attached to; the default one, too.  Null: all is blocked, since it is owned.
  Domain* domain() const;
  Domain& default_domain() const;

  // Whoever hands the group's devices to others wants nobody else to use them: all is blocked but
  // what the owner attaches.  device_or_resource_busy: it is owned, or attached to a domain that is
  // not its default.  invalid_argument: firmware says it must not be blocked.
  Result<Done, std::errc> claim(const void* owner);
  // Blocks no more.  REQUIRES: `owner` has claimed it, and has detached it.
  void release(const void* owner);
  bool is_owned() const;

  // Of all its devices, sorted and merged.
  std::vector<ReservedRegion> reserved_regions() const;

 private:
  friend class Device;
  friend class Domain;
  friend class Iommu;
  Group(Iommu& iommu, std::uint32_t number);

  Result<Done, std::errc> move(Domain* to);

  Iommu& iommu_;
  const std::uint32_t number_;
  std::vector<Device*> devices_;
  std::unique_ptr<Domain> default_domain_;
  Domain* domain_ = nullptr;
  const void* owner_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DEVICE_H_
