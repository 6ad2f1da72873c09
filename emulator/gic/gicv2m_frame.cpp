#include "smmu/emulator/gicv2m_frame.h"

#include "emulator/gic/register_access.h"

namespace smmu::emulator {

Result<std::unique_ptr<GicV2mFrame>, std::errc> GicV2mFrame::create(
    const GicV2mConfig& config, InterruptController& controller) {
  if (config.first_spi < kFirstSpi || config.first_spi > kLastSpi || config.spis == 0 ||
      config.spis - 1 > kLastSpi - config.first_spi ||
      config.kept_messages > MessageLog::kMostKept) {
    return std::errc::invalid_argument;
  }
  return std::unique_ptr<GicV2mFrame>(new GicV2mFrame(config, controller));
}

BusResponse GicV2mFrame::read(std::uint64_t offset, std::span<std::byte> bytes) {
  std::uint32_t value = 0;
  if (bytes.size() == 4 && offset == V2M_MSI_TYPER::kOffset) {
    value = V2M_MSI_TYPER()
                .set(V2M_MSI_TYPER::BASE_SPI, config_.first_spi)
                .set(V2M_MSI_TYPER::NUM_SPI, config_.spis)
                .raw();
  }
  if (bytes.size() == 4 && offset == V2M_MSI_IIDR::kOffset) value = config_.iidr.raw();
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(value);
    value >>= 8;
  }
  return BusResponse::kOkay;
}

BusResponse GicV2mFrame::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  take(std::nullopt, offset, bytes);
  return BusResponse::kOkay;
}

BusResponse GicV2mFrame::write_for(const Requester& requester, std::uint64_t offset,
                                   std::span<const std::byte> bytes) {
  take(requester, offset, bytes);
  return BusResponse::kOkay;
}

void GicV2mFrame::take(const std::optional<Requester>& requester, std::uint64_t offset,
                       std::span<const std::byte> bytes) {
  if (!touches(offset, bytes.size(), V2M_MSI_SETSPI_NS::kOffset)) return;
  InterruptMessage message{.requester = requester, .device = std::nullopt};
  if (const auto value = written(offset, bytes, V2M_MSI_SETSPI_NS::kOffset)) {
    const std::uint32_t spi = V2M_MSI_SETSPI_NS(*value)[V2M_MSI_SETSPI_NS::SPI];
    const bool ours = spi - config_.first_spi < config_.spis;
    message.data = *value;
    message.end = ours ? MessageEnd::kRaised : MessageEnd::kOutOfRange;
    message.intid = ours ? spi : 0;
  } else {
    message.end = MessageEnd::kMalformed;
  }
  messages_.add(message);
  if (message.end == MessageEnd::kRaised) controller_.raise(message);
}

}  // namespace smmu::emulator
