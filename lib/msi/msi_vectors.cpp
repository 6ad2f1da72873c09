#include "smmu/iommu/msi_vectors.h"

#include <utility>

#include "smmu/iommu/device.h"

namespace smmu::iommu {

MsiVectors::MsiVectors(Device& device, MsiController& controller, MsiRange range,
                       MsiBinding binding)
    : device_(&device), controller_(&controller), range_(range), binding_(std::move(binding)) {}

MsiVectors::MsiVectors(MsiVectors&& other) noexcept
    : device_(other.device_),
      controller_(std::exchange(other.controller_, nullptr)),
      range_(std::exchange(other.range_, {})),
      binding_(std::exchange(other.binding_, std::nullopt)) {}

MsiVectors& MsiVectors::operator=(MsiVectors&& other) noexcept {
  MsiVectors taken(std::move(other));
  std::swap(device_, taken.device_);
  std::swap(controller_, taken.controller_);
  std::swap(range_, taken.range_);
  std::swap(binding_, taken.binding_);
  return *this;
}

Result<MsiVectors, std::errc> MsiVectors::create(Device& device, std::uint32_t count) {
  MsiController* const controller = device.config().msi_controller;
  if (controller == nullptr) return std::errc::no_such_device;
  return create_at(device, *controller, count);
}

Result<MsiVectors, std::errc> MsiVectors::create_at(Device& device, MsiController& controller,
                                                    std::uint32_t count) {
  const auto range = controller.allocate(device.config().msi_device, count);
  if (!range) return range.error();
  auto binding = MsiBinding::create(device, controller.doorbell());
  if (!binding) {
    controller.free(device.config().msi_device, *range);
    return binding.error();
  }
  return MsiVectors(device, controller, *range, std::move(*binding));
}

// No number is somebody else's before the device's way to the doorbell is gone.
void MsiVectors::free() {
  binding_.reset();
  if (controller_ == nullptr) return;
  controller_->free(device_->config().msi_device, range_);
  controller_ = nullptr;
}

Result<MsiMessage, std::errc> MsiVectors::message(std::uint32_t index) const {
  if (index >= range_.count || !is_bound()) return std::errc::invalid_argument;
  return MsiMessage{binding_->address(), range_.first + index};
}

std::optional<std::uint32_t> MsiVectors::interrupt(std::uint32_t index) const {
  if (index >= range_.count) return std::nullopt;
  return controller_->interrupt(device_->config().msi_device, range_.first + index);
}

Result<Done, std::errc> MsiVectors::renew() {
  if (is_bound()) return Done{};
  if (controller_ == nullptr) return std::errc::invalid_argument;
  auto binding = MsiBinding::create(*device_, controller_->doorbell());
  if (!binding) return binding.error();
  binding_ = std::move(*binding);
  return Done{};
}

Result<MsiVectors, std::errc> MsiVectors::retarget(MsiController& to) {
  if (controller_ == nullptr) return std::errc::invalid_argument;
  if (!to.isolates() && device_->config().msi_controller->isolates()) {
    return std::errc::operation_not_permitted;
  }
  auto made = create_at(*device_, to, range_.count);
  if (!made) return made.error();
  std::swap(*this, *made);
  return std::move(*made);
}

}  // namespace smmu::iommu
