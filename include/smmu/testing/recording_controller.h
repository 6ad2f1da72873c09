// An interrupt controller that remembers what was raised.
#ifndef SMMU_TESTING_RECORDING_CONTROLLER_H_
#define SMMU_TESTING_RECORDING_CONTROLLER_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "smmu/emulator/interrupt_message.h"

namespace smmu::testing {

// Safe from any thread.
class RecordingController final : public emulator::InterruptController {
 public:
  void raise(const emulator::InterruptMessage& message) override {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(message);
    }
    if (handler_) handler_(message);
  }

  // All that was raised, in order.
  std::vector<emulator::InterruptMessage> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::vector<std::uint32_t> intids() const {
    std::vector<std::uint32_t> intids;
    for (const auto& message : messages()) intids.push_back(message.intid);
    return intids;
  }

  // Called after a message is noted.  Before any thread raises one.
  void on_raise(std::function<void(const emulator::InterruptMessage&)> handler) {
    handler_ = std::move(handler);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<emulator::InterruptMessage> messages_;
  std::function<void(const emulator::InterruptMessage&)> handler_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_RECORDING_CONTROLLER_H_
