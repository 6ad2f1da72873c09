#include "smmu/iommu/fixed_window_controller.h"

#include <new>
#include <utility>

#include "lib/msi/device_events.h"

namespace smmu::iommu {
namespace {

// Of a message: one word, wherever it is written in the window.
constexpr std::uint64_t kMessageSize = 4;

}  // namespace

FixedWindowController::FixedWindowController(Pa base, std::uint64_t size,
                                             std::unique_ptr<DeviceEvents> events)
    : base_(base), size_(size), events_(std::move(events)) {}

FixedWindowController::~FixedWindowController() = default;

Result<std::unique_ptr<FixedWindowController>, std::errc> FixedWindowController::create(
    const FixedWindowControllerConfig& config) {
  if (config.size < kMessageSize || config.base.value % kMessageSize != 0 ||
      config.base.value > UINT64_MAX - (config.size - 1)) {
    return std::errc::invalid_argument;
  }
  auto events = DeviceEvents::create({.table = config.handles,
                                      .event_bits = config.handle_bits,
                                      .first_intid = config.first_vector,
                                      .intids = config.vectors,
                                      .devices = config.devices});
  if (!events) return events.error();
  std::unique_ptr<FixedWindowController> made(
      new (std::nothrow) FixedWindowController(config.base, config.size, std::move(*events)));
  if (!made) return std::errc::not_enough_memory;
  return made;
}

ReservedRegion FixedWindowController::region() const {
  return {.start = Iova(base_.value), .size = size_, .type = ReservedType::kMsi};
}

Doorbell FixedWindowController::doorbell() const {
  return {.address = base_, .size = kMessageSize, .path = DoorbellPath::kBypasses};
}

Result<MsiRange, std::errc> FixedWindowController::allocate(DeviceId device, std::uint32_t count) {
  return events_->allocate(device, count);
}

void FixedWindowController::free(DeviceId device, MsiRange range) { events_->free(device, range); }

std::optional<std::uint32_t> FixedWindowController::interrupt(DeviceId device,
                                                              std::uint32_t data) const {
  return events_->interrupt(device, data);
}

}  // namespace smmu::iommu
