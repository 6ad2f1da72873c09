// A machine of either generation: RAM, an SMMU that this library drives, and ports for devices.
#ifndef EXAMPLES_MSI_PASSTHROUGH_MACHINE_H_
#define EXAMPLES_MSI_PASSTHROUGH_MACHINE_H_

#include <cstdint>
#include <memory>

#include "smmu/emulator/observer.h"
#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/iommu/iommu.h"
#include "smmu/testing/dma_device.h"

enum class Generation : std::uint8_t { kSmmuV2, kSmmuV3 };

class Machine {
 public:
  virtual ~Machine() = default;
  virtual smmu::iommu::Iommu& iommu() = 0;
  virtual smmu::emulator::Ram& bus() = 0;
  virtual smmu::Pa allocate(std::uint64_t bytes) = 0;
  // A device, and the bare port that one is made of.
  virtual smmu::testing::DmaDevice device(smmu::StreamId stream) = 0;
  virtual smmu::emulator::Port& add_port() = 0;
};

// `observer` sees what goes on inside the SMMU, `log` hears what its driver has to say.
std::unique_ptr<Machine> make_machine(Generation generation, smmu::emulator::Observer& observer,
                                      smmu::iommu::DriverLog& log);

#endif  // EXAMPLES_MSI_PASSTHROUGH_MACHINE_H_
