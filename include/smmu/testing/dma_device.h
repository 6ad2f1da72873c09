// A device that makes accesses through an SMMU.
#ifndef SMMU_TESTING_DMA_DEVICE_H_
#define SMMU_TESTING_DMA_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "smmu/emulator/port.h"
#include "smmu/types.h"

namespace smmu::testing {

// How accesses that stalled have ended.  Safe from any thread.
class Resumptions final : public emulator::StallClient {
 public:
  void on_resumed(emulator::Stalled stalled, const emulator::Outcome& outcome) override;

  // The end of the access, once; none if there is none yet, or the outcome is
  // not that it stalled.
  std::optional<emulator::Outcome> take(const emulator::Outcome& outcome);
  // Ends that were not taken.
  std::size_t size() const;

  // Called after an end is noted.
  void on_end(std::function<void()> handler) { handler_ = std::move(handler); }

 private:
  mutable std::mutex mutex_;
  std::multimap<std::pair<SecurityState, std::uint16_t>, emulator::Outcome> ends_;
  std::function<void()> handler_;
};

// Copies share the port, so one thread uses all of them.
class DmaDevice {
 public:
  DmaDevice(emulator::Port& port, StreamId stream) : port_(&port) { prototype_.stream = stream; }

  // This device, as it makes another kind of access.
  DmaDevice substream(SubstreamId substream) const;
  DmaDevice privileged() const;
  DmaDevice fetching_instructions() const;
  // Its stream is of that Security state.
  DmaDevice of(SecurityState security) const;
  // Its addresses are of that space, where no stage 1 says otherwise.
  DmaDevice in(SecurityState space) const;

  emulator::Outcome translate(Iova address,
                              emulator::Direction direction = emulator::Direction::kRead) const;
  emulator::Transfer read(Iova address, std::span<std::byte> bytes) const;
  emulator::Transfer write(Iova address, std::span<const std::byte> bytes) const;

  // An access that the system does not support.
  emulator::Outcome refuse(Iova address, std::uint16_t reason,
                           emulator::Direction direction = emulator::Direction::kRead) const;

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
