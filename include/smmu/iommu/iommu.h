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
#include "smmu/iommu/linked_list.h"
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
  // What a group is attached to when nobody says: kIdentity, kBlocked, kDma or kDmaLazy, which is
  // kDma where the driver has no Capability::kDeferredFlush.  The driver's preference for the first
  // device of a group comes before this.
  DomainType default_domain = DomainType::kIdentity;
};

// All member functions may be called from any number of threads at once, but for the destructor.
//
// Devices are attached and detached one at a time.  The driver may find meanwhile that there are
// faults, and tell a FaultHandler on the same thread, inside such a call.  What attaches,
// detaches or claims from there gets device_or_resource_busy.  What cannot tell, because it
// detaches a PASID, releases, removes or destroys, must not be called there.
//
// Lists that are returned are the caller's, who has to have the memory for them; and for the text
// of a fault, which a handler or the log is told, there has to be some.  For nothing else is memory
// taken for granted.
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
  // where the group is.  Where these are of several groups, all become part of the one with the
  // lowest number and go to its default domain; the others and their default domains are gone.
  // What is mapped there is not there any more, but for regions of kDirect and kDirectRelaxable,
  // which are mapped in every default domain that pages.
  // invalid_argument: no StreamID, another Iommu's device among those it is not isolated from, a
  // device that must not be blocked and would be, a region in the reserved window of the domain;
  // a group that it gets into, and that is attached by a PASID; or several, of which one is owned,
  // not attached to its default domain, or has one of another type; a region of kDirect or
  // kDirectRelaxable where another device of the group has one with fewer rights.
  // device_or_resource_busy: the group that it gets into is owned; or somebody gives out addresses
  // of a default domain that would be gone, a DmaSpace for instance; or the caller is inside a call
  // that attaches.  And those of Driver::add_device(), Driver::create_domain(), Domain::map() and
  // Driver::attach().  An error leaves all as it was, but for tables that map nothing: see
  // Domain::map().
  // REQUIRES: where groups become one, no other thread uses those that go or their default domains,
  // or asks a device for such a group, which MsiBinding and MsiVectors do; but for handlers of
  // these domains' faults, which are waited for.
  Result<Device*, std::errc> add_device(DeviceConfig config);
  // Its accesses fail from now on; but where the driver was told that streams which no device has
  // shall bypass (Unknown::kBypass of the driver), they are such from now on.  A group
  // without devices is gone.  Waits for handlers of faults that other threads have told of the
  // device, which may call functions of this library meanwhile; until they have returned, the
  // device and its group are there, but attached to nothing.
  // REQUIRES: it is one of this Iommu's, and no other thread is removing it; if it is the last of
  // its group, nobody gives out addresses of the default domain.
  void remove_device(Device& device);

  std::vector<Device*> devices() const;
  std::vector<Group*> groups() const;

  // A domain that nothing is attached to.  `device`: null, or one that it will be for, which may
  // have sizes of its own.  operation_not_supported, not_enough_memory, invalid_argument: see
  // Driver::create_domain().
  Result<std::unique_ptr<Domain>, std::errc> create_domain(DomainType type,
                                                           const DomainOptions& options = {},
                                                           Device* device = nullptr);

  // Domain::put() of the domain that it was bound in; nothing, if that one is gone.
  // REQUIRES: no other thread destroys that domain meanwhile.
  void put(const WindowBinding& binding);

  // The SMMU is about to lose its registers: nothing is translated from now on.  timed_out: it does
  // not answer.  device_or_resource_busy: the caller is inside a call that attaches.
  // REQUIRES: devices make no accesses before resume() has returned, and no thread maps, unmaps or
  // flushes while one of the two runs.
  Result<Done, std::errc> suspend();
  // It has them no more: all is attached again to what it was, or is now.  The same errors.
  Result<Done, std::errc> resume();

  bool capable(Capability capability) const { return driver_->capable(capability, nullptr); }

 private:
  friend class Device;
  friend class Domain;
  friend class Group;
  Iommu(std::unique_ptr<Driver> driver, const IommuConfig& config);

  // As long as one lives, its thread changes what is attached to what.
  class Change;

  // Groups that are in no list of the Iommu's any more.
  using Gone = LinkedList<Group, Iommu>;

  Result<Done, std::errc> add(Device& device, Gone& gone);
  Result<Done, std::errc> settle(Device& device, Gone& gone);
  DomainType default_type(const Device& device) const;
  Result<std::unique_ptr<Group>, std::errc> make_group(Device& device);
  void drop(Group& group, Gone& gone);
  void forget(Device& device);
  // REQUIRES, of both: no lock is held.
  void destroy(std::unique_ptr<Device> device, Gone& gone);
  void destroy(Gone& gone);

  const std::unique_ptr<Driver> driver_;
  const IommuConfig config_;
  mutable std::recursive_mutex mutex_;  // groups, devices and what is attached to what
  bool changing_ = false;
  LinkedList<Group, Iommu> groups_;
  LinkedList<Domain, Iommu> domains_;  // that there are
  std::uint32_t next_group_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOMMU_H_
