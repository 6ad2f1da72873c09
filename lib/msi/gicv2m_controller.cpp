#include "smmu/iommu/gicv2m_controller.h"

#include <mutex>
#include <new>
#include <utility>

#include "lib/msi/number_set.h"
#include "smmu/arch/gic.h"

namespace smmu::iommu {

struct GicV2mController::Spis {
  Spis(std::uint32_t first, std::uint32_t count) : numbers(first, count) {}

  std::mutex mutex;
  NumberSet numbers;  // by the mutex
};

GicV2mController::GicV2mController(Pa base, std::unique_ptr<Spis> spis)
    : base_(base), spis_(std::move(spis)) {}

GicV2mController::~GicV2mController() = default;

Result<std::unique_ptr<GicV2mController>, std::errc> GicV2mController::create(Mmio& frame,
                                                                              Pa base) {
  const auto type = frame.read<V2M_MSI_TYPER>();
  const std::uint32_t first = type[V2M_MSI_TYPER::BASE_SPI];
  const std::uint32_t count = type[V2M_MSI_TYPER::NUM_SPI];
  if (count == 0 || first < kFirstSpi || first + count - 1 > kLastSpi) {
    return std::errc::no_such_device;
  }
  std::unique_ptr<Spis> spis(new (std::nothrow) Spis(first, count));
  if (!spis || spis->numbers.count() == 0) return std::errc::not_enough_memory;
  std::unique_ptr<GicV2mController> made(new (std::nothrow)
                                             GicV2mController(base, std::move(spis)));
  if (!made) return std::errc::not_enough_memory;
  return made;
}

Doorbell GicV2mController::doorbell() const {
  return {.address = Pa(base_.value + V2M_MSI_SETSPI_NS::kOffset),
          .size = sizeof(V2M_MSI_SETSPI_NS::Value)};
}

Result<MsiRange, std::errc> GicV2mController::allocate(DeviceId /*device*/, std::uint32_t count) {
  const std::lock_guard lock(spis_->mutex);
  if (count == 0 || count > spis_->numbers.count()) return std::errc::invalid_argument;
  const std::optional<std::uint32_t> first = spis_->numbers.take(count);
  if (!first) return std::errc::no_space_on_device;
  return MsiRange{*first, count};
}

void GicV2mController::free(DeviceId /*device*/, MsiRange range) {
  const std::lock_guard lock(spis_->mutex);
  spis_->numbers.give_back(range.first, range.count);
}

std::optional<std::uint32_t> GicV2mController::interrupt(DeviceId /*device*/,
                                                         std::uint32_t data) const {
  const std::lock_guard lock(spis_->mutex);
  if (!spis_->numbers.is_taken(data)) return std::nullopt;
  return data;
}

}  // namespace smmu::iommu
