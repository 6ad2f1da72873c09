// Records of the Event queue as the library tells of faults (IHI 0070, 7.3).
#ifndef SMMU_LIB_SMMU_V3_EVENT_RECORD_H_
#define SMMU_LIB_SMMU_V3_EVENT_RECORD_H_

#include <array>
#include <cstdint>

#include "smmu/arch/v3/events.h"
#include "smmu/iommu/fault.h"

namespace smmu::iommu {

using EventWords = std::array<std::uint64_t, 4>;

// Whatever the words are; of a type that is not known, the StreamID alone is.  The record is that
// in the words of the manual: the type, then each field that is not 0.
Fault decode_event(const EventWords& words);

// A hint that the SMMU will want a page, not a fault.
inline bool is_hint(const EventWords& words) {
  return v3::EventHeader(words)[v3::EventHeader::EventNumber] == v3::EventType::E_PAGE_REQUEST;
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_EVENT_RECORD_H_
