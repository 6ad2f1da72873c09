// A doorbell as a device finds it.
#ifndef SMMU_IOMMU_MSI_BINDING_H_
#define SMMU_IOMMU_MSI_BINDING_H_

#include <cstdint>
#include <system_error>

#include "smmu/iommu/msi_controller.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;
class Domain;
class DoorbellSpace;

// A device that is attached to a domain that translates reaches a doorbell only where it is mapped.
// The binding is what maps it, as long as one is there, in the reserved window of the domain or
// with an address of whoever gives out the addresses of the domain.  Bindings of one doorbell in a
// domain share its pages.
//
// It takes memory and time to be made, and may fail; to ask it for the address does not.
//
// The device outlives it, and so does whoever gives out addresses of its domain.  A reserved window
// should, and the domain that has it: when either goes the doorbell is not mapped any more, and the
// binding is not current, whatever window or domain comes next in its place; it unmaps nothing
// then.  The device may go to another domain: the binding is not current as long as it is there,
// and what the device needs is another one.
//
// A binding is used by one thread at a time, different ones by any number.  While a domain is
// destroyed no thread makes, asks or destroys one of that domain; and none makes or asks one of a
// device whose group Iommu::add_device() makes part of another one.
class MsiBinding {
 public:
  // In the domain that the device's group is attached to, where it stays during the call.  What is
  // mapped: nothing, if the writes pass the SMMU, by themselves or because the doorbell is in a
  // region of kMsi of the device; nothing, in a domain of kIdentity; else the doorbell.
  // invalid_argument: the domain is one of kUnmanaged and has no reserved window, or one without
  // these rights.  operation_not_supported: all is blocked, nobody gives out addresses of a domain
  // of kDma or kDmaLazy, or the addresses are a program's or a guest's.  And those of
  // Domain::get_reserved_iova() and DoorbellSpace::bind_doorbell().
  static Result<MsiBinding, std::errc> create(Device& device, const Doorbell& doorbell);
  ~MsiBinding() { unbind(); }
  MsiBinding(MsiBinding&& other) noexcept;
  MsiBinding& operator=(MsiBinding&& other) noexcept;
  MsiBinding(const MsiBinding&) = delete;
  MsiBinding& operator=(const MsiBinding&) = delete;

  // Where the device finds the register.
  // REQUIRES: is_current().
  Iova address() const { return address_; }
  // Whether the device is where the binding was made, and that window or space is still there; or
  // where it needs none.
  bool is_current() const;

 private:
  enum class Kind : std::uint8_t {
    kNone,      // moved from
    kBypass,    // of the device, wherever it is
    kIdentity,  // of any domain that does not translate
    kWindow,
    kSpace,
  };
  MsiBinding(Device& device, Kind kind, const Domain* domain, DoorbellSpace* space, Iova address,
             std::uint64_t window = 0)
      : device_(&device),
        kind_(kind),
        domain_(domain),
        space_(space),
        address_(address),
        window_(window) {}
  void unbind();

  Device* device_;
  Kind kind_;
  // kWindow, kSpace.  To be compared with, alone: of a window, the domain may be gone.
  const Domain* domain_;
  DoorbellSpace* space_;  // kSpace
  Iova address_;
  std::uint64_t window_;  // kWindow
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_MSI_BINDING_H_
