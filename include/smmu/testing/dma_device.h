// A device that makes accesses through an SMMU.
#ifndef SMMU_TESTING_DMA_DEVICE_H_
#define SMMU_TESTING_DMA_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "smmu/emulator/port.h"
#include "smmu/types.h"

namespace smmu::testing {

// Copies share the port, so one thread uses all of them.
class DmaDevice {
 public:
  DmaDevice(emulator::Port& port, StreamId stream) : port_(&port) { prototype_.stream = stream; }

  // This device, as it makes another kind of access.
  DmaDevice substream(SubstreamId substream) const;
  DmaDevice privileged() const;
  DmaDevice fetching_instructions() const;

  emulator::Outcome translate(Iova address,
                              emulator::Direction direction = emulator::Direction::kRead) const;
  emulator::Transfer read(Iova address, std::span<std::byte> bytes) const;
  emulator::Transfer write(Iova address, std::span<const std::byte> bytes) const;

  // Eight bytes, little-endian; none if the device saw a bus error.
  std::optional<std::uint64_t> read64(Iova address) const;
  emulator::Transfer write64(Iova address, std::uint64_t value) const;

 private:
  emulator::Transaction at(Iova address) const;

  emulator::Port* port_;
  emulator::Transaction prototype_{};
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_DMA_DEVICE_H_
