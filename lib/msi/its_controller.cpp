#include "smmu/iommu/its_controller.h"

#include <new>
#include <utility>

#include "lib/msi/device_events.h"

namespace smmu::iommu {

ItsController::ItsController(Pa translation_frame, std::unique_ptr<DeviceEvents> events)
    : translation_frame_(translation_frame), events_(std::move(events)) {}

ItsController::~ItsController() = default;

Result<std::unique_ptr<ItsController>, std::errc> ItsController::create(
    const ItsControllerConfig& config) {
  if (config.first_lpi < kFirstLpi || config.translation_frame.value % kItsTranslationFrameSize) {
    return std::errc::invalid_argument;
  }
  auto events = DeviceEvents::create({.table = config.events,
                                      .event_bits = config.event_bits,
                                      .first_intid = config.first_lpi,
                                      .intids = config.lpis,
                                      .devices = config.devices});
  if (!events) return events.error();
  std::unique_ptr<ItsController> made(
      new (std::nothrow) ItsController(config.translation_frame, std::move(*events)));
  if (!made) return std::errc::not_enough_memory;
  return made;
}

Doorbell ItsController::doorbell() const {
  return {.address = Pa(translation_frame_.value + GITS_TRANSLATER::kOffset),
          .size = sizeof(GITS_TRANSLATER::Value)};
}

Result<MsiRange, std::errc> ItsController::allocate(DeviceId device, std::uint32_t count) {
  return events_->allocate(device, count);
}

void ItsController::free(DeviceId device, MsiRange range) { events_->free(device, range); }

std::optional<std::uint32_t> ItsController::interrupt(DeviceId device, std::uint32_t data) const {
  return events_->interrupt(device, data);
}

}  // namespace smmu::iommu
