// What a device did that its domain does not allow, and what becomes of it.
#ifndef SMMU_IOMMU_FAULT_H_
#define SMMU_IOMMU_FAULT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "smmu/types.h"

namespace smmu::iommu {

class Device;
class Domain;

enum class FaultReason : std::uint8_t {
  kTranslation,  // nothing is mapped there
  kAddressSize,  // an address is out of range
  kAccessFlag,
  kPermission,
  kExternalAbort,  // a table could not be read
  kTlbConflict,
  kConfiguration,  // the SMMU did not know what to do with the stream
  kUnsupported,    // the access is of a kind the system does not have
};

enum class FaultDirection : std::uint8_t { kRead, kWrite };

struct Fault {
  FaultReason reason = FaultReason::kTranslation;
  StreamId stream;
  std::optional<SubstreamId> substream = std::nullopt;  // of an access with a PASID
  Iova iova;
  std::optional<Ipa> ipa = std::nullopt;  // stage 2 found it, at this address
  FaultDirection direction = FaultDirection::kRead;
  bool instruction = false;
  bool privileged = false;
  // The access waits for the answer; otherwise it has been terminated.
  bool stalled = false;
  std::uint16_t stall_tag = 0;
  // The record or the registers it was told by, in the words of the manual.
  std::string record = {};
};

enum class FaultAction : std::uint8_t {
  kNotMine,    // as if there were no handler
  kTerminate,  // an access that waits fails
  kRetry,      // an access that waits is translated again
};

// Called by the thread that tells the driver of the interrupt, with no lock of the library held
// but one, see below: any function of the library may be called from it, but what would end the
// domain: its destructor, and Iommu::remove_device() of the last device of a group whose default
// domain it is.  Where that thread is itself inside a call that attaches, see Iommu.
//
// There is one lock that may be held, that of the tables of a domain with PgtableQuirks::contiguous
// or split_blocks: a thread that maps or unmaps there waits for the SMMU under it, and may be told
// of an interrupt meanwhile.  Its own calls may be made from the handler as always, but it must not
// wait for another thread that maps or unmaps in that domain.
class FaultHandler {
 public:
  virtual ~FaultHandler() = default;
  // `device`: null if the stream is nobody's.
  virtual FaultAction on_fault(Domain& domain, Device* device, const Fault& fault) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_FAULT_H_
