// An address space whose tables are those of a domain.
#ifndef SMMU_TEST_DRIVER_V3_PROGRAM_H_
#define SMMU_TEST_DRIVER_V3_PROGRAM_H_

#include <functional>
#include <memory>
#include <vector>

#include "smmu/iommu/address_space.h"
#include "smmu/testing/driven_board.h"

namespace smmu::testing {

class Program final : public iommu::AddressSpace {
 public:
  explicit Program(DrivenBoard& board) : tables_(board.domain()) {}
  iommu::PgtableRegisters registers() const override {
    return tables_->driver_domain().tables()->registers();
  }
  iommu::PageAnswer on_page_fault(const iommu::PageFault& fault) override {
    faults.push_back(fault);
    return answer ? answer(fault) : iommu::PageAnswer::kInvalid;
  }
  iommu::Domain& tables() { return *tables_; }

  std::function<iommu::PageAnswer(const iommu::PageFault&)> answer;
  std::vector<iommu::PageFault> faults;

 private:
  std::unique_ptr<iommu::Domain> tables_;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_DRIVER_V3_PROGRAM_H_
