// Who is told of a domain's faults, and keeps them.
#ifndef SMMU_TESTING_RECORDING_HANDLER_H_
#define SMMU_TESTING_RECORDING_HANDLER_H_

#include <functional>
#include <utility>
#include <vector>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/fault.h"

namespace smmu::testing {

// Used by one thread at a time.
class RecordingHandler final : public iommu::FaultHandler {
 public:
  using Answer =
      std::function<iommu::FaultAction(iommu::Domain& domain, const iommu::Fault& fault)>;

  // Without an answer: FaultAction::kTerminate.
  explicit RecordingHandler(Answer with = {}) : answer(std::move(with)) {}

  iommu::FaultAction on_fault(iommu::Domain& domain, iommu::Device* device,
                              const iommu::Fault& fault) override {
    faults.push_back(fault);
    devices.push_back(device);
    return answer ? answer(domain, fault) : iommu::FaultAction::kTerminate;
  }

  Answer answer;
  std::vector<iommu::Fault> faults;     // since the beginning
  std::vector<iommu::Device*> devices;  // of each
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_RECORDING_HANDLER_H_
