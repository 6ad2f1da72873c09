// The devices and domains of a driver, as threads find them that handle a fault.
#ifndef SMMU_LIB_SMMU_V2_REGISTRY_H_
#define SMMU_LIB_SMMU_V2_REGISTRY_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "smmu/iommu/device.h"
#include "smmu/iommu/driver.h"
#include "smmu/types.h"

namespace smmu::iommu {

class SmmuV2Domain;

// What the driver keeps of a device: the groups that its streams have, in their order.
struct SmmuV2Device final : DeviceState {
  explicit SmmuV2Device(Device& owner) : device(owner) {}

  std::span<const std::uint32_t> indices() const {
    return {groups.get(), device.config().streams.size()};
  }

  Device& device;
  std::unique_ptr<std::uint32_t[]> groups;
  bool blocked = true;
  SmmuV2Device* next = nullptr;
};

// Lists, and who is telling whom of a fault.  Any number of threads; no lock is held outside.
class SmmuV2Registry {
 public:
  void add(SmmuV2Device& device);
  void remove(SmmuV2Device& device);
  // Returns when it is in no fault that another thread handles.
  // REQUIRES: it was removed.
  void wait_for_reports_of(const SmmuV2Device& device);
  void add(SmmuV2Domain& domain);
  // Returns when no other thread handles a fault of its bank.
  void remove(SmmuV2Domain& domain);
  // The same of a bank that no domain has, and that has no fault any more.
  void wait_for_reports_of(std::uint32_t bank);

  // None: it is not one of these.
  SmmuV2Domain* find(const DriverDomain* domain) const;
  // A device that has one of the groups of another one; null: there is none.
  Device* that_shares(const SmmuV2Device& device) const;
  // Whether all devices that have one of its groups are in one Group with that one, or with one
  // that it is said not to be isolated from.
  // REQUIRES: devices come and go one at a time, and are in their Groups.
  bool sharers_can_be_together(const SmmuV2Device& device) const;

  // Notes whether a device is blocked.
  void note(SmmuV2Device& device, bool blocked);
  // Whether another device that is not blocked has the group.
  bool others_use(const SmmuV2Device& device, std::uint32_t group) const;

  // A fault that a thread handles: whom it tells, and of whom.  As long as this lives, both do,
  // unless the thread itself ends them, and the bank is given to nobody else.
  class Report {
   public:
    // Before a register of the context bank is read.
    Report(SmmuV2Registry& registry, std::uint32_t bank);
    ~Report();
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;

    // The one that has the bank; null: nobody has.
    SmmuV2Domain* find_domain();
    // Whether this thread has removed the one that had it.
    bool is_over() const { return over_; }
    // Of the device that has a stream; null: there is none.
    Device* find_device(StreamId stream);

   private:
    friend class SmmuV2Registry;
    SmmuV2Registry& registry_;
    const std::thread::id thread_ = std::this_thread::get_id();
    const std::uint32_t bank_;
    SmmuV2Domain* domain_ = nullptr;
    bool over_ = false;
    SmmuV2Device* device_ = nullptr;
    Report* next_ = nullptr;
  };

 private:
  template <class Concerns>
  void wait_for_others(std::unique_lock<std::mutex>& lock, Concerns concerns);

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable reported_;
  SmmuV2Device* devices_ = nullptr;
  SmmuV2Domain* domains_ = nullptr;
  Report* reports_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_REGISTRY_H_
