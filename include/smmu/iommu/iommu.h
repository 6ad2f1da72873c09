// An SMMU with its driver, the devices behind it and the domains they are attached to.
#ifndef SMMU_IOMMU_IOMMU_H_
#define SMMU_IOMMU_IOMMU_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>
#include <vector>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/driver.h"
#include "smmu/result.h"

namespace smmu::iommu {

// How a domain is to be made.
struct DomainOptions {
  // Guests' tables will be put above it.
  bool nest_parent = false;
  bool dirty_tracking = false;
  // Devices will be attached to it by PASID.
  bool pasid = false;
  AddressSpace* address_space = nullptr;  // kSva; outlives the domain
  Domain* parent = nullptr;               // kNested; outlives the domain
  GuestStream guest = {};                 // kNested
};

struct IommuConfig {
  // What a group is attached to when nobody says: kIdentity, kBlocked, kDma or kDmaLazy.
  DomainType default_domain = DomainType::kIdentity;
};

// All member functions may be called from any number of threads at once, but for the destructor.
class Iommu {
 public:
  // The driver has brought its SMMU up.  invalid_argument: the configuration.  not_enough_memory.
  static Result<std::unique_ptr<Iommu>, std::errc> create(std::unique_ptr<Driver> driver,
                                                          const IommuConfig& config = {});
  // Removes the devices and shuts the SMMU down.
  // REQUIRES: all domains are gone.
  ~Iommu();
  Iommu(const Iommu&) = delete;
  Iommu& operator=(const Iommu&) = delete;

  Driver& driver() { return *driver_; }

  // The device gets a group, of its own or that of devices it is inseparable from, and goes to
  // where the group is.  invalid_argument: no StreamID, devices that it is not isolated from are of
  // groups that cannot be made one, and those of Driver::add_device() and Driver::attach().
  Result<Device*, std::errc> add_device(DeviceConfig config);
  // Its accesses fail from now on.  A group without devices is gone.
  // REQUIRES: it is one of this Iommu's.
  void remove_device(Device& device);

  std::vector<Device*> devices() const;
  std::vector<Group*> groups() const;

  // A domain that nothing is attached to.  `device`: null, or one that it will be for, which may
  // have sizes of its own.  operation_not_supported, not_enough_memory, invalid_argument: see
  // Driver::create_domain().
  Result<std::unique_ptr<Domain>, std::errc> create_domain(DomainType type,
                                                           const DomainOptions& options = {},
                                                           Device* device = nullptr);

  bool capable(Capability capability) const { return driver_->capable(capability, nullptr); }

 private:
  friend class Device;
  friend class Domain;
  friend class Group;
  Iommu(std::unique_ptr<Driver> driver, const IommuConfig& config);

  const std::unique_ptr<Driver> driver_;
  const IommuConfig config_;
  mutable std::recursive_mutex mutex_;  // devices, groups and what is attached to what
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::uint32_t next_group_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOMMU_H_
