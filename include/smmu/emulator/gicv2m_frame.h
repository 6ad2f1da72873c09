// The MSI frame of a GICv2m: a doorbell through which any device raises any of
// the frame's SPIs, because nothing in a write says whose it is.
#ifndef SMMU_EMULATOR_GICV2M_FRAME_H_
#define SMMU_EMULATOR_GICV2M_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "smmu/arch/gic.h"
#include "smmu/emulator/interrupt_message.h"
#include "smmu/emulator/message_log.h"
#include "smmu/emulator/ram.h"
#include "smmu/result.h"

namespace smmu::emulator {

struct GicV2mConfig {
  std::uint32_t first_spi = 64;  // an INTID
  std::uint32_t spis = 64;
  V2M_MSI_IIDR iidr{};
  std::size_t kept_messages = 256;
};

// To be added to memory with kV2mFrameSize bytes.  Any number of threads.
//
// V2M_MSI_TYPER and V2M_MSI_IIDR are read by accesses of 32 bits.
// V2M_MSI_SETSPI_NS is written by such and by those of 16 bits; its other bits
// are not looked at.  A write of another size, or across it, is malformed and
// changes nothing.  All else is RAZ/WI.
class GicV2mFrame final : public DeviceRegion {
 public:
  // std::errc::invalid_argument if these are not SPIs, or there are none, or too
  // many messages are to be kept.
  static Result<std::unique_ptr<GicV2mFrame>, std::errc> create(const GicV2mConfig& config,
                                                                InterruptController& controller);

  BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) override;
  BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  BusResponse write_for(const Requester& requester, std::uint64_t offset,
                        std::span<const std::byte> bytes) override;

  const MessageLog& messages() const { return messages_; }

 private:
  GicV2mFrame(const GicV2mConfig& config, InterruptController& controller)
      : config_(config), controller_(controller), messages_(config.kept_messages) {}

  void take(const std::optional<Requester>& requester, std::uint64_t offset,
            std::span<const std::byte> bytes);

  const GicV2mConfig config_;
  InterruptController& controller_;
  MessageLog messages_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_GICV2M_FRAME_H_
