// A program's own tables, which devices share with it (SVA).
#ifndef SMMU_IOMMU_ADDRESS_SPACE_H_
#define SMMU_IOMMU_ADDRESS_SPACE_H_

#include <cstdint>
#include <optional>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/types.h"

namespace smmu::iommu {

// A page that a device asks for, by a page request or by an access that waits.
struct PageFault {
  StreamId stream;
  std::optional<SubstreamId> substream;
  Iova iova;  // of the page
  bool read = false;
  bool write = false;
  bool instruction = false;
  bool privileged = false;
  bool last = true;               // of its group; the others of a group are not answered
  std::uint16_t group_index = 0;  // PRGIndex, or the tag of the access that waits
  std::uint64_t event = 0;  // its driver's: which of those that had the tag; 0: a page request
};

enum class PageAnswer : std::uint8_t {
  kSuccess,  // it is mapped now
  kInvalid,  // it never will be, or not with these rights
  kFailure,  // the device shall not ask again
  kLater,    // Device::respond() will tell
};

class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // VMSAv8-64 tables of stage 1.
  virtual PgtableRegisters registers() const = 0;
  // Makes a page present, or says why not.  Called with no lock of the library held, maybe by the
  // thread that makes the access; but with that of tables which FaultHandler tells of: it must not
  // wait for another thread that maps or unmaps in a domain with such quirks.
  virtual PageAnswer on_page_fault(const PageFault& fault) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_ADDRESS_SPACE_H_
