// An interrupt that is sent as a write to memory, and who takes it.
#ifndef SMMU_EMULATOR_INTERRUPT_MESSAGE_H_
#define SMMU_EMULATOR_INTERRUPT_MESSAGE_H_

#include <cstdint>
#include <optional>

#include "smmu/platform/requester.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What became of a message.
enum class MessageEnd : std::uint8_t {
  kRaised,
  kMalformed,       // a write that the doorbell's register does not take: it says nothing
  kNoDeviceId,      // the doorbell has to know who writes, and does not
  kUnmappedDevice,  // software has mapped no interrupts of it
  kOutOfRange,      // no interrupt that the doorbell, or the device, can have
  kUnmappedEvent,   // software has not mapped this one of the device's
};
inline constexpr unsigned kMessageEnds = 6;

struct InterruptMessage {
  std::optional<Requester> requester;  // none: it came through no SMMU's port
  std::optional<DeviceId> device;      // where the doorbell asks
  std::uint32_t data = 0;              // as written; 0 if malformed
  MessageEnd end = MessageEnd::kRaised;
  std::uint32_t intid = 0;  // what was raised: an SPI, an LPI, a vector

  friend bool operator==(const InterruptMessage&, const InterruptMessage&) = default;
};

// What is behind a doorbell.  Called from any thread, on the one that made the
// access, with no lock held: it may use the doorbell.
class InterruptController {
 public:
  virtual ~InterruptController() = default;

  // One edge of message.intid.
  virtual void raise(const InterruptMessage& message) = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_INTERRUPT_MESSAGE_H_
