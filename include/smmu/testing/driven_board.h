// An SMMUv3 under this library's own driver, with the IOMMU API on top: what tests of drivers of
// devices, of containers, of anything above stand on.
#ifndef SMMU_TESTING_DRIVEN_BOARD_H_
#define SMMU_TESTING_DRIVEN_BOARD_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "smmu/emulator/config.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/clock.h"
#include "smmu/testing/ats_device.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/interrupt_latch.h"
#include "smmu/testing/recording_log.h"

namespace smmu::testing {

// Failures to build one end the process with a sentence on stderr.
//
// An interrupt is served by the thread that caused it, as soon as its access to the SMMU has
// returned: inside the access nothing that the driver waits for would come.  Devices that are made
// here see to that, and so does registers(); accesses through smmu() do not.
class DrivenBoard {
 public:
  struct Options {
    emulator::SmmuV3Config config = emulator::SmmuV3Config::everything();
    Pa ram_base = Pa(0x4000'0000);
    std::uint64_t ram_size = std::uint64_t{128} << 20;  // bytes
    std::uint64_t pool_size = std::uint64_t{32} << 20;  // of these, for the driver
    PhysicalMemory* smmu_memory = nullptr;              // what the SMMU sees; null: all RAM
    emulator::Observer* observer = nullptr;
    // What is null in it is the board's.
    iommu::SmmuV3DriverConfig driver = {};
    iommu::IommuConfig iommu = {};
  };

  DrivenBoard() : DrivenBoard(Options{}) {}
  explicit DrivenBoard(const Options& options);
  ~DrivenBoard();
  DrivenBoard(const DrivenBoard&) = delete;
  DrivenBoard& operator=(const DrivenBoard&) = delete;

  emulator::SmmuV3& smmu() { return *smmu_; }
  Mmio& registers() { return registers_; }
  iommu::SmmuV3Driver& driver() { return *driver_; }
  iommu::Iommu& iommu() { return *iommu_; }
  iommu::PagePool& pool() { return *pool_; }
  emulator::Ram& memory() { return ram_; }

  // A device with a port of its own; the driver knows nothing of it.
  DmaDevice device(StreamId stream) { return DmaDevice(add_port(), stream); }
  // The same for one that can wait.
  DmaDevice device(StreamId stream, emulator::StallClient& client) {
    return DmaDevice(add_port(client), stream);
  }
  AtsDevice ats_device(StreamId stream) { return AtsDevice(fabric, add_port(), stream); }
  emulator::Port& add_port();
  emulator::Port& add_port(emulator::StallClient& client);

  // Makes the device known to the driver.
  iommu::Device& add(iommu::DeviceConfig config);
  iommu::Device& add(StreamId stream) { return add({.name = "device", .streams = {{stream}}}); }
  // A domain, and what is attached to it.
  std::unique_ptr<iommu::Domain> domain(iommu::DomainType type = iommu::DomainType::kUnmanaged,
                                        const iommu::DomainOptions& options = {});

  // Who is told of overflows of all its counter groups.
  void connect_counters(InterruptLine* line) { counter_line_.connect(line); }

  // Memory nobody else has, zeroed.
  Pa allocate(std::uint64_t bytes, std::uint64_t alignment = 4096);

  Fabric fabric;
  RecordingLog log;

 private:
  emulator::Ram ram_;
  std::uint64_t next_free_;
  const std::uint64_t end_of_ram_;
  HostClock clock_;
  InterruptLatch latch_;
  InterruptLatch::Line& event_line_;
  InterruptLatch::Line& page_request_line_;
  InterruptLatch::Line& sync_line_;
  InterruptLatch::Line& error_line_;
  InterruptLatch::Line& wake_up_line_;
  InterruptLatch::Line& counter_line_;
  std::unique_ptr<iommu::PagePool> pool_;
  std::unique_ptr<emulator::SmmuV3> smmu_;
  ServedRegisters registers_;
  std::deque<ServedPort> ports_;
  iommu::SmmuV3Driver* driver_ = nullptr;
  std::unique_ptr<iommu::Iommu> iommu_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_DRIVEN_BOARD_H_
