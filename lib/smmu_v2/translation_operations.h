// Where a bank's tables lead, as the SMMU itself says (IHI 0062, SMMU_CBn_ATS1PR).
#ifndef SMMU_LIB_SMMU_V2_TRANSLATION_OPERATIONS_H_
#define SMMU_LIB_SMMU_V2_TRANSLATION_OPERATIONS_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "lib/smmu_v2/hardware.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Operations of one bank of stage 1.
class TranslationOperations {
 public:
  TranslationOperations(const SmmuV2Hardware& hardware, std::uint32_t bank, PgtableFormat format)
      : hardware_(hardware), page_(hardware.pages.bank(bank)), bank_(bank), format_(format) {}

  struct Answer {
    std::optional<Pa> pa;  // none: the address is not mapped
  };
  // None: the SMMU cannot, takes too long, or is at another operation, and software has to look
  // itself.
  std::optional<Answer> translate(Iova iova);

 private:
  std::optional<Answer> operate(Iova iova);
  bool active() const;

  const SmmuV2Hardware& hardware_;
  const SmmuV2Page page_;
  const std::uint32_t bank_;
  const PgtableFormat format_;
  // One at a time: there is one SMMU_CBn_PAR.  Who comes meanwhile does not wait, since it may be
  // an interrupt on the same thread.
  std::atomic_flag busy_;
  bool abandoned_ = false;  // one that was not waited for any longer
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_TRANSLATION_OPERATIONS_H_
