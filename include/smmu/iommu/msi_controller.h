// An interrupt controller that devices raise interrupts at by writing to its doorbell.
#ifndef SMMU_IOMMU_MSI_CONTROLLER_H_
#define SMMU_IOMMU_MSI_CONTROLLER_H_

#include <cstdint>
#include <optional>
#include <system_error>

#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Group;

// Which way a write to a doorbell goes.
enum class DoorbellPath : std::uint8_t {
  kTranslated,  // as every write of the device, so that the doorbell has to be mapped
  kBypasses,    // past the SMMU, to this address whatever is mapped there
};

struct Doorbell {
  Pa address;              // of the register, not of its frame
  std::uint64_t size = 4;  // bytes
  DoorbellPath path = DoorbellPath::kTranslated;

  friend bool operator==(const Doorbell&, const Doorbell&) = default;
};

// What a device may write to the doorbell: [first, first + count), one interrupt each.
struct MsiRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  friend bool operator==(const MsiRange&, const MsiRange&) = default;
};

// Any number of threads.  Nothing here touches the device or the SMMU.
class MsiController {
 public:
  virtual ~MsiController() = default;

  // The same at all times.
  virtual Doorbell doorbell() const = 0;
  // Whether a device raises no interrupts but its own, whatever it writes.  It is the controller
  // that can see to this, and no SMMU.
  virtual bool isolates() const = 0;

  // Numbers that nobody else has; `first` is a multiple of `count` rounded up to a power of two,
  // as a PCI function wants it that writes all of them into the low bits of one message.
  // invalid_argument: none, or more than the controller ever has.  no_space_on_device: not so many
  // are left.  not_enough_memory.  And what the hardware answers.
  virtual Result<MsiRange, std::errc> allocate(DeviceId device, std::uint32_t count) = 0;
  // REQUIRES: what allocate() answered for this device, once.
  virtual void free(DeviceId device, MsiRange range) = 0;

  // The INTID, or vector, that is raised when the device writes `data`; none: none is.
  virtual std::optional<std::uint32_t> interrupt(DeviceId device, std::uint32_t data) const = 0;
};

// Whether none of the group's devices can raise an interrupt that is not its own: what has to be so
// for somebody to get them who is not to be trusted.  A device of which no controller is known may.
bool group_has_isolated_msi(const Group& group);

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_MSI_CONTROLLER_H_
