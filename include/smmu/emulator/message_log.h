// What came to a doorbell.
#ifndef SMMU_EMULATOR_MESSAGE_LOG_H_
#define SMMU_EMULATOR_MESSAGE_LOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "smmu/emulator/interrupt_message.h"

namespace smmu::emulator {

// Counts every message and keeps the last ones.  Safe from any thread.
class MessageLog {
 public:
  static constexpr std::size_t kMostKept = 1 << 20;

  // REQUIRES: not more than that.
  explicit MessageLog(std::size_t kept) : kept_(kept) {}

  void add(const InterruptMessage& message);

  // Those kept, the oldest first.
  std::vector<InterruptMessage> recent() const;
  // All that ever came, or those that ended so.
  std::uint64_t count() const;
  std::uint64_t count(MessageEnd end) const;

 private:
  const std::size_t kept_;
  mutable std::mutex mutex_;
  std::vector<InterruptMessage> ring_;  // grows up to kept_
  std::size_t oldest_ = 0;              // of a full ring
  std::array<std::uint64_t, kMessageEnds> counts_{};
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_MESSAGE_LOG_H_
