// A table of events that remembers what it was told, and refuses where a test wants that.
#ifndef TEST_MSI_EVENT_LOG_H_
#define TEST_MSI_EVENT_LOG_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/event_table.h"

namespace smmu::iommu {

class EventLog final : public EventTable {
 public:
  // Refused: what is against the rules of an ITS, which is a failure of the test, too.
  Result<Done, std::errc> map_device(DeviceId device, unsigned event_bits) override {
    const std::lock_guard lock(mutex_);
    if (const auto error = note(fmt::format("device {} {} bits", device.value, event_bits))) {
      return *error;
    }
    EXPECT_TRUE(bits_.emplace(device.value, event_bits).second);
    return Done{};
  }
  void unmap_device(DeviceId device) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back(fmt::format("no device {}", device.value));
    EXPECT_EQ(bits_.erase(device.value), 1u);
    for (const auto& [event, intid] : intids_) EXPECT_NE(event.first, device.value);
  }
  Result<Done, std::errc> map(DeviceId device, EventId event, std::uint32_t intid) override {
    const std::lock_guard lock(mutex_);
    if (const auto error = note(fmt::format("{}:{} is {}", device.value, event.value, intid))) {
      return *error;
    }
    EXPECT_TRUE(bits_.contains(device.value));
    EXPECT_LT(event.value, 1u << bits_[device.value]);
    EXPECT_TRUE(intids_.emplace(std::pair(device.value, event.value), intid).second);
    return Done{};
  }
  void discard(DeviceId device, EventId event) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back(fmt::format("{}:{} is none", device.value, event.value));
    EXPECT_EQ(intids_.erase({device.value, event.value}), 1u);
  }

  // The n-th call from now on that can fail does.
  void fail(unsigned n, std::errc error) {
    failing_ = n;
    error_ = error;
  }
  std::vector<std::string> take_calls() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }
  // What devices can raise.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> intids() const {
    const std::lock_guard lock(mutex_);
    return intids_;
  }
  std::size_t devices() const {
    const std::lock_guard lock(mutex_);
    return bits_.size();
  }

 private:
  std::optional<std::errc> note(std::string call) {
    calls_.push_back(std::move(call));
    if (failing_ == 0 || --failing_ != 0) return std::nullopt;
    return error_;
  }

  mutable std::mutex mutex_;
  std::map<std::uint32_t, unsigned> bits_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> intids_;
  std::vector<std::string> calls_;
  unsigned failing_ = 0;
  std::errc error_{};
};

}  // namespace smmu::iommu

#endif  // TEST_MSI_EVENT_LOG_H_
