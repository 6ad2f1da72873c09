// What devices' messages ring on this machine, and the controller that software sees of it.
#ifndef EXAMPLES_MSI_PASSTHROUGH_MSI_HARDWARE_H_
#define EXAMPLES_MSI_PASSTHROUGH_MSI_HARDWARE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "examples/msi_passthrough/machine.h"
#include "smmu/emulator/interrupt_message.h"
#include "smmu/iommu/msi_controller.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/testing/dma_device.h"

enum class Interrupts : std::uint8_t { kGicV2m, kIts, kFixedWindow };

class MsiHardware {
 public:
  virtual ~MsiHardware() = default;
  virtual smmu::iommu::MsiController& controller() = 0;
  // Whether all that was written to the doorbell through the SMMU was Device-nGnRE.
  virtual bool as_device() const = 0;
  // What a device must not use its addresses for.
  virtual std::vector<smmu::iommu::ReservedRegion> reserved() const { return {}; }
  // A device whose messages find it.
  virtual smmu::testing::DmaDevice device(Machine& machine, smmu::StreamId stream) {
    return machine.device(stream);
  }
};

// On the machine's bus.  `processors` hear what is raised.
std::unique_ptr<MsiHardware> make_msi_hardware(Interrupts interrupts, Machine& machine,
                                               smmu::emulator::InterruptController& processors);

#endif  // EXAMPLES_MSI_PASSTHROUGH_MSI_HARDWARE_H_
