// What the bus carries to a doorbell: who makes an access, where to, and as what kind of memory.
#ifndef EXAMPLES_MSI_PASSTHROUGH_BUS_PROBE_H_
#define EXAMPLES_MSI_PASSTHROUGH_BUS_PROBE_H_

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "smmu/emulator/ram.h"
#include "smmu/platform/requester.h"

class BusProbe final : public smmu::emulator::DeviceRegion {
 public:
  BusProbe(smmu::emulator::DeviceRegion& doorbell, smmu::Pa base)
      : doorbell_(doorbell), base_(base) {}

  smmu::BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) override {
    return doorbell_.read(offset, bytes);
  }
  smmu::BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return doorbell_.write(offset, bytes);
  }
  smmu::BusResponse write_for(const smmu::Requester& requester, std::uint64_t offset,
                              std::span<const std::byte> bytes) override {
    constexpr std::uint8_t kDevice_nGnRE = 0x04;
    const bool is_device = requester.attributes.type == kDevice_nGnRE;
    as_device_ = as_device_ && is_device;
    fmt::print("  bus       PA   {:#011x}, {} bytes from stream {}, {}\n", base_.value + offset,
               bytes.size(), requester.stream.value,
               is_device ? "Device-nGnRE" : "not Device-nGnRE");
    return doorbell_.write_for(requester, offset, bytes);
  }

  // Whether all writes so far were Device-nGnRE: no bus may gather or repeat a message.
  bool as_device() const { return as_device_; }

 private:
  bool as_device_ = true;
  smmu::emulator::DeviceRegion& doorbell_;
  const smmu::Pa base_;
};

#endif  // EXAMPLES_MSI_PASSTHROUGH_BUS_PROBE_H_
