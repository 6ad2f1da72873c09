// What a driver has said.
#ifndef SMMU_TESTING_RECORDING_LOG_H_
#define SMMU_TESTING_RECORDING_LOG_H_

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smmu/iommu/driver_log.h"

namespace smmu::testing {

class RecordingLog final : public iommu::DriverLog {
 public:
  void say(std::string_view sentence) override {
    const std::lock_guard lock(mutex_);
    sentences_.emplace_back(sentence);
  }
  // Since the last call.
  std::vector<std::string> sentences() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sentences_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> sentences_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_RECORDING_LOG_H_
