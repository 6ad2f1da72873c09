// What the generic layer asks of the driver of an SMMU: the operations of an IOMMU driver, by role.
// A driver for other hardware implements these; users call Iommu, Group and Domain instead.
#ifndef SMMU_IOMMU_DRIVER_H_
#define SMMU_IOMMU_DRIVER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "smmu/iommu/address_space.h"
#include "smmu/iommu/fault.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/iommu/unmap_batch.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;

enum class DomainType : std::uint8_t {
  kBlocked,    // every access fails
  kIdentity,   // every access goes where it says
  kUnmanaged,  // its user maps
  kDma,        // the DMA layer maps, and invalidates at every unmap
  kDmaLazy,    // the same, and invalidates many unmaps at once
  kSva,        // the address space of a program
  kNested,     // the tables of a guest, above those of another domain
};
std::string_view name(DomainType type);

// Whether map() and unmap() are for it.
constexpr bool is_paging(DomainType type) {
  return type == DomainType::kUnmanaged || type == DomainType::kDma || type == DomainType::kDmaLazy;
}

enum class Capability : std::uint8_t {
  kCacheCoherency,         // accesses with Prot::kCache are coherent
  kNoExec,                 // Prot::kNoExec is heeded
  kPreBootProtection,      // devices were held back before this driver came
  kEnforceCacheCoherency,  // a device cannot opt out of coherency
  kDeferredFlush,          // invalidation may come later
  kDirtyTracking,
  kPciAts,
};

// Addresses that can be mapped.
struct Geometry {
  Iova first;
  Iova last;
  // Others fault; else they go where they say.
  bool forced = true;

  friend bool operator==(const Geometry&, const Geometry&) = default;
};

// A guest's part of a stream (DomainType::kNested), as the guest wrote it: words 0 and 1 of its STE
// of an SMMUv3.
struct GuestStream {
  std::uint64_t words[2] = {0, 0};
};

// A domain as its driver knows it.
class DriverDomain {
 public:
  virtual ~DriverDomain() = default;

  // Null of a domain that does not page, and of one whose tables are made when it is first
  // attached, until then.
  IoPgtable* tables() const { return tables_.load(std::memory_order_acquire); }

  // Sizes and addresses there will be, once attached.
  virtual std::uint64_t page_sizes() const = 0;
  virtual Geometry geometry() const = 0;

  // Returns when no translation is in use any more, nor will be, that was unmapped before the call.
  virtual void flush_all() = 0;
  // The same for the ranges of a batch, which is not empty.
  virtual void sync(const UnmapBatch& batch) = 0;
  // Something was mapped.  Errors are the driver's own.
  virtual Result<Done, std::errc> sync_map(Iova, std::uint64_t /*size*/) { return Done{}; }

  // Asked of the hardware, where it can tell; else of the tables.
  virtual std::optional<Pa> iova_to_phys(Iova iova) {
    IoPgtable* const own = tables();
    return own != nullptr ? own->iova_to_phys(iova) : std::nullopt;
  }

  // operation_not_permitted: it was attached already, or a guest's domain is above it.
  // invalid_argument: the driver cannot.
  // REQUIRES, of both: nothing was mapped, and no other thread uses the domain.
  virtual Result<Done, std::errc> set_nesting(bool) { return std::errc::invalid_argument; }
  virtual bool nesting() const { return false; }
  virtual Result<Done, std::errc> set_quirks(const PgtableQuirks&) {
    return std::errc::invalid_argument;
  }
  // From now on no access of its devices may opt out of coherency.  False: one that is attached
  // can. Made one at a time with calls that attach.
  virtual bool enforce_cache_coherency() { return false; }
  virtual Result<Done, std::errc> set_dirty_tracking(bool) {
    return std::errc::operation_not_supported;
  }

  // kNested: invalidation commands of the guest, 16 bytes each, as it gives them to an SMMUv3.
  // Returns how many were carried out; an error is that of the one after these.
  struct Invalidated {
    std::size_t commands;
    std::errc error;
  };
  virtual Invalidated invalidate(std::span<const std::array<std::uint64_t, 2>>) {
    return {0, std::errc::operation_not_supported};
  }
  // kSva: the program's tables have changed in [iova, iova + size).
  virtual void invalidate(Iova, std::uint64_t /*size*/) {}

 protected:
  std::atomic<IoPgtable*> tables_{nullptr};
};

// Where a driver tells a domain of faults.
class FaultSink {
 public:
  virtual ~FaultSink() = default;
  virtual FaultAction on_fault(Device* device, const Fault& fault) = 0;
};

// What a new domain shall be.
struct DomainRequest {
  DomainType type = DomainType::kUnmanaged;
  // Guests' tables will be put above it: stage 2.
  bool nest_parent = false;
  bool dirty_tracking = false;
  // Devices with PASIDs will be attached to it by one.
  bool pasid = false;
  AddressSpace* address_space = nullptr;  // kSva
  DriverDomain* parent = nullptr;         // kNested
  GuestStream guest = {};                 // kNested
  FaultSink* faults = nullptr;            // outlives the domain
};

// What a driver keeps of a device.
class DeviceState {
 public:
  virtual ~DeviceState() = default;
};

enum class AttachKind : std::uint8_t { kBlocked, kIdentity, kDomain };
struct Attachment {
  AttachKind kind = AttachKind::kBlocked;
  DriverDomain* domain = nullptr;  // kDomain

  friend bool operator==(const Attachment&, const Attachment&) = default;
};

// Calls that change what a device is attached to are made one at a time for a driver; the others
// come from any thread.  A call that fails has changed nothing.
class Driver {
 public:
  virtual ~Driver() = default;

  // `device`: null: of the SMMU.
  virtual bool capable(Capability capability, const Device* device) const = 0;

  // Prepares the SMMU for a device: checks its StreamIDs and makes its entries, which block until
  // attach().  invalid_argument: a StreamID or a number of PASIDs the SMMU does not have, or that
  // is another device's in part, or wholly that of one it is said to be isolated from.
  // no_space_on_device: no stream mapping group is left. not_enough_memory.  timed_out: the SMMU
  // does not answer.
  virtual Result<std::unique_ptr<DeviceState>, std::errc> add_device(Device& device) = 0;
  // A StreamID that another device has, too, stays that one's.  Nobody is told of the device any
  // more, but other threads may be inside handlers that were.
  // REQUIRES: it is attached to nothing by PASID.
  virtual void remove_device(Device& device) = 0;
  // Returns when none is any more.  Called after remove_device() with no lock held, as the
  // destructors of domains are: such a handler may call whatever it likes.
  virtual void wait_for_handlers(Device& /*removed*/) {}

  // A device of this driver that the other one cannot be told from: an alias, a stream mapping
  // group for both.  Null: there is none.  Called after add_device().
  virtual Device* inseparable_from(const Device& device) const = 0;

  // operation_not_supported: the driver or the SMMU has no such domain.  not_enough_memory.
  // invalid_argument: the request contradicts itself.
  virtual Result<std::unique_ptr<DriverDomain>, std::errc> create_domain(
      const DomainRequest& request, Device* device) = 0;

  // Regions of the SMMU: where software may map doorbells, where interrupts are.  They stay where
  // they are until the device is removed.  Called after add_device().
  virtual std::span<const ReservedRegion> reserved_regions(const Device& device) const = 0;

  // All accesses of the device without PASID go there from now on; when this returns none goes
  // where they went before.  invalid_argument: the domain is another SMMU's, or not for this
  // device.  device_or_resource_busy: something else that is attached forbids it.
  // no_space_on_device: no context bank, ASID or VMID is left.  not_enough_memory.  timed_out: the
  // SMMU does not answer, and may not go back either to where it was.
  virtual Result<Done, std::errc> attach(Device& device, const Attachment& to) = 0;
  // The same of accesses with this PASID.  operation_not_supported.  device_or_resource_busy: they
  // belong to a domain already.  And those of attach().
  virtual Result<Done, std::errc> attach_pasid(Device&, SubstreamId, const Attachment&) {
    return std::errc::operation_not_supported;
  }

  // The answer to a page fault of which on_page_fault() had said kLater, as it was told.
  virtual void respond(Device&, const PageFault&, PageAnswer) {}

  // What a device is attached to when nobody says: kIdentity or kDma; none: no preference.
  virtual std::optional<DomainType> default_domain_type(const Device&) const {
    return std::nullopt;
  }

  // No transaction is translated from now on, and none gets through that the hardware lets the
  // driver stop.  The driver is of no use any more.
  virtual void shut_down() = 0;
  // Registers are about to be lost, and have been: the second brings them all back.  Both are made
  // as calls that attach are, one at a time with these; see Iommu::suspend().
  virtual Result<Done, std::errc> suspend() = 0;
  virtual Result<Done, std::errc> resume() = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DRIVER_H_
