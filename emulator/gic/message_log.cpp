#include "smmu/emulator/message_log.h"

#include <numeric>

namespace smmu::emulator {

void MessageLog::add(const InterruptMessage& message) {
  const std::lock_guard lock(mutex_);
  ++counts_[static_cast<std::size_t>(message.end)];
  if (ring_.size() != kept_) {
    ring_.push_back(message);
  } else if (kept_ != 0) {
    ring_[oldest_] = message;
    oldest_ = (oldest_ + 1) % kept_;
  }
}

std::vector<InterruptMessage> MessageLog::recent() const {
  const std::lock_guard lock(mutex_);
  std::vector<InterruptMessage> messages;
  messages.reserve(ring_.size());
  for (std::size_t i = 0; i != ring_.size(); ++i) {
    messages.push_back(ring_[(oldest_ + i) % ring_.size()]);
  }
  return messages;
}

std::uint64_t MessageLog::count() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t MessageLog::count(MessageEnd end) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<std::size_t>(end)];
}

}  // namespace smmu::emulator
