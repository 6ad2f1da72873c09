// The interrupts of a device that are messages.
#ifndef SMMU_IOMMU_MSI_VECTORS_H_
#define SMMU_IOMMU_MSI_VECTORS_H_

#include <cstdint>
#include <optional>
#include <system_error>

#include "smmu/iommu/msi_binding.h"
#include "smmu/iommu/msi_controller.h"
#include "smmu/iommu/msi_message.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;

// Numbers of its controller, and a binding of the doorbell.  Both are taken when this is made, so
// that it can fail then and never when a message is asked for.
//
//   auto vectors = MsiVectors::create(nic, 4);   // may fail
//   table[2] = *vectors->message(2);             // does not, as long as the device is where it is
//
// To move the device to another domain:
//
//   mask the device's interrupts;  vectors.unbind();
//   group.detach();  group.attach(other);
//   vectors.renew();  write its messages once more
//
// The device and its controller outlive this.  A domain and its window should until unbind(): see
// MsiBinding.
//
// What was moved from has no interrupts: renew() and retarget() answer invalid_argument.
//
// One thread at a time; but message() and interrupt() from any number, as long as nothing else is
// called, and no Iommu::add_device() that makes the device's group part of another one.
class MsiVectors {
 public:
  // `count` interrupts, at the controller that DeviceConfig names.  no_such_device: it names none.
  // And those of MsiController::allocate() and MsiBinding::create().
  static Result<MsiVectors, std::errc> create(Device& device, std::uint32_t count);
  // Whoever destroys it has seen to it that the device sends none of the messages any more.
  ~MsiVectors() { free(); }
  MsiVectors(MsiVectors&& other) noexcept;
  MsiVectors& operator=(MsiVectors&& other) noexcept;
  MsiVectors(const MsiVectors&) = delete;
  MsiVectors& operator=(const MsiVectors&) = delete;

  std::uint32_t count() const { return range_.count; }
  MsiController& controller() const { return *controller_; }

  // What the device is to write for an interrupt.  Takes no memory, and waits for nothing but a
  // thread that attaches devices, and one that binds or puts back in the same window: not for what
  // these map and unmap meanwhile.  invalid_argument: there is no such interrupt; or nothing is
  // bound where the device is: what it would write might be anything there.
  Result<MsiMessage, std::errc> message(std::uint32_t index) const;
  // What it raises by that; none: there is no such interrupt.
  std::optional<std::uint32_t> interrupt(std::uint32_t index) const;

  // Whether message() has answers.
  bool is_bound() const { return binding_ && binding_->is_current(); }
  // The device may not find the doorbell any more; the interrupts are still its own.
  void unbind() { binding_.reset(); }
  // Binds where the device is now, if it is not bound there: messages differ from then on.  Errors
  // are those of MsiBinding::create(), and leave all as it was.
  Result<Done, std::errc> renew();

  // Has another controller raise the interrupts, as a device's move to other processors may ask
  // for.  Messages differ from then on.  Returns how it was, which the device may use until it has
  // the messages that are true now.  operation_not_permitted: it does not isolate devices, and the
  // one that DeviceConfig names does.  And those of create(); they leave all as it was.
  Result<MsiVectors, std::errc> retarget(MsiController& to);

 private:
  MsiVectors(Device& device, MsiController& controller, MsiRange range, MsiBinding binding);
  static Result<MsiVectors, std::errc> create_at(Device& device, MsiController& controller,
                                                 std::uint32_t count);
  void free();

  Device* device_;
  MsiController* controller_;  // null: moved from
  MsiRange range_;
  std::optional<MsiBinding> binding_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_MSI_VECTORS_H_
