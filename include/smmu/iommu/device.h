// A device that makes accesses through an SMMU, and the devices it cannot be told from.
#ifndef SMMU_IOMMU_DEVICE_H_
#define SMMU_IOMMU_DEVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "smmu/iommu/driver.h"
#include "smmu/iommu/linked_list.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Domain;
class Group;
class Iommu;
class MsiController;
class PasidTable;

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
  // They do whatever it says of them, as PCIe's No_snoop, where a page says so (IORT calls it
  // CANWBS).
  bool snoop_enforced = false;
  // No DMA of its may be blocked, of what firmware has it do.  Regions of the device; kDirect ones
  // are mapped wherever the device is attached by default, in the smallest pages: each costs an
  // entry of a table.
  std::vector<ReservedRegion> reserved = {};
  // Devices whose accesses reach this one, or each other, without passing the SMMU: functions of
  // one device, devices below a bridge without ACS.  They are of one group.
  std::vector<Device*> not_isolated_from = {};
  // Where the messages go that are its interrupts, and under which number it sends them; null: it
  // sends none.  The controller outlives the device.
  MsiController* msi_controller = nullptr;
  DeviceId msi_device = {};
};

class Device : public ListPlace<Device, Group> {
 public:
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceConfig& config() const { return config_; }
  Iommu& iommu() const { return iommu_; }
  // There as long as the device is, or until Iommu::add_device() makes all its devices part of
  // another one.
  Group& group() const { return *group_.load(std::memory_order_acquire); }

  bool capable(Capability capability) const;
  // The driver's and the device's own, sorted and merged, for as long as the device is there.  A
  // real MSI region leaves no software one.
  std::span<const ReservedRegion> reserved_regions() const {
    return {regions_.get(), region_count_};
  }

  // Accesses with this PASID go to `domain`, whatever the others do.
  // invalid_argument: the device has no such PASID, 0 included, or more devices are in its group;
  // the domain is another Iommu's, or none that can be (kBlocked), or its reserved window is where
  // a region of the device forbids it, see Domain::alloc_reserved_iova_domain().
  // device_or_resource_busy: the PASID is attached, or the group is owned and not attached to a
  // domain; or the caller is inside a call that attaches, see Iommu.
  // not_enough_memory.  And those of Driver::attach_pasid().
  Result<Done, std::errc> attach_pasid(SubstreamId pasid, Domain& domain);
  // Accesses with this PASID fail from now on.  One that is not attached: nothing happens.
  void detach_pasid(SubstreamId pasid);
  // Null: none.
  Domain* pasid_domain(SubstreamId pasid) const;

  // Answers a page fault of which AddressSpace::on_page_fault() had said kLater.  An access that
  // waited and was ended, since its device was blocked or the SMMU suspended, is not answered; nor
  // is a fault of another device.
  void respond(const PageFault& fault, PageAnswer answer);

  // For its driver.
  DeviceState* state() const { return state_.get(); }

 private:
  friend class Group;
  friend class Iommu;
  Device(Iommu& iommu, DeviceConfig config);

  Result<Done, std::errc> prepare();
  bool must_not_be_blocked() const;
  // False: it was removed, or is not added yet.
  bool is_in_group() const;
  // To `to`, null: to where all is blocked; and there if the driver cannot.
  void attach_or_block(Domain* to);

  Iommu& iommu_;
  const DeviceConfig config_;
  std::atomic<Group*> group_{nullptr};  // changes by the lock of the Iommu
  std::unique_ptr<DeviceState> state_;
  std::unique_ptr<ReservedRegion[]> regions_;
  std::size_t region_count_ = 0;
  std::unique_ptr<PasidTable> pasids_;  // by the lock of the Iommu
};

// Devices that the SMMU, or the buses above it, cannot keep apart: they have one domain.
class Group : public ListPlace<Group, Iommu>, public ListPlace<Group, Domain> {
 public:
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  Iommu& iommu() const { return iommu_; }
  std::uint32_t number() const { return number_; }
  std::vector<Device*> devices() const;

  // All devices go to `domain`.  `owner`: who has claimed the group, if somebody has.
  // device_or_resource_busy: somebody else owns the group, or it is attached to a domain that is
  // not its default, whichever that is; or the caller is inside a call that attaches, see Iommu.
  // invalid_argument: the domain is another Iommu's, or cannot be for one of the devices: another
  // domain may do; or it blocks a device that firmware says must not be; or its reserved window is
  // where a region of a device forbids it, see Domain::alloc_reserved_iova_domain().  And those of
  // Driver::attach().  An error leaves all devices where they were; one that the driver does not
  // take back there is blocked.
  Result<Done, std::errc> attach(Domain& domain, const void* owner = nullptr);
  // Back to the default domain, or, as long as somebody owns the group, to where all is blocked.
  // `owner`: as of attach().  device_or_resource_busy: somebody else owns the group; or the caller
  // is inside a call that attaches, see Iommu.
  Result<Done, std::errc> detach(const void* owner = nullptr);
  // The domain it is attached to; the default one, too.  Null: all is blocked, since it is owned,
  // or since the driver refused to take it back to its default domain.
  Domain* domain() const;
  Domain& default_domain() const;

  // Whoever hands the group's devices to others wants nobody else to use them: all is blocked but
  // what the owner attaches, and no device becomes part of it.  device_or_resource_busy: it is
  // owned, attached to a domain that is not its default, or attached by a PASID; or the caller is
  // inside a call that attaches, see Iommu. invalid_argument: firmware says it must not be blocked,
  // or `owner` is null.  And those of Driver::attach().
  Result<Done, std::errc> claim(const void* owner);
  // Blocks no more.  Nothing happens if it is not `owner` who has claimed it.
  // REQUIRES: it is detached.
  void release(const void* owner);
  bool is_owned() const;

  // Of all its devices, sorted and merged; a real MSI region of one leaves no software one.
  std::vector<ReservedRegion> reserved_regions() const;

 private:
  friend class Device;
  friend class Domain;
  friend class Iommu;
  Group(Iommu& iommu, std::uint32_t number);

  bool must_not_be_blocked() const;
  bool uses_pasids() const;
  bool is_at_default() const { return domain_ == default_domain_.get(); }
  // To where it is when nothing is attached.
  void leave_domain();
  Result<Done, std::errc> move(Domain* to);
  void move_or_block(Domain* to);
  void note(Domain* to);
  // A device that is in no list becomes part of the group and goes to where it is; or, back again,
  // is no part of it any more.
  Result<Done, std::errc> join(Device& device);
  void leave(Device& device);

  Iommu& iommu_;
  const std::uint32_t number_;
  LinkedList<Device, Group> devices_;
  std::unique_ptr<Domain> default_domain_;
  Domain* domain_ = nullptr;
  const void* owner_ = nullptr;
  // Devices that were removed, of which a handler may still know; it may know the group, too.
  std::uint32_t leaving_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DEVICE_H_
