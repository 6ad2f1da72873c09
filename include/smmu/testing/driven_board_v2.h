// RAM, an SMMUv2, its driver with the IOMMU API on top, and devices in front of it.
#ifndef SMMU_TESTING_DRIVEN_BOARD_V2_H_
#define SMMU_TESTING_DRIVEN_BOARD_V2_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v2.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v2.h"
#include "smmu/platform/clock.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/recording_log.h"
#include "smmu/testing/register_pages.h"

namespace smmu::testing {

// Time that passes as fast as it is waited for.  An SMMU with Pace::kStepped goes on by some
// effects with each wait.
class SteppingClock final : public Clock {
 public:
  static constexpr std::uint32_t kEffects = 4;

  // Null: nothing is stepped.
  void steps(emulator::SmmuV2* smmu) { smmu_.store(smmu, std::memory_order_release); }

  std::chrono::nanoseconds now() override { return std::chrono::nanoseconds(passed_.load()); }
  void wait(std::chrono::nanoseconds duration) override;

 private:
  std::atomic<std::int64_t> passed_{0};
  std::atomic<emulator::SmmuV2*> smmu_{nullptr};
};

// A board whose driver has brought its SMMU up.  Domains have to be gone before it is.
//
// Unless Options::driver says otherwise, interrupts are handled by the thread whose access caused
// them, once that has returned: inside it the SMMU confirms no invalidation.  Devices that are made
// here see to that.
//
// Failures to build one, such as a configuration that is refused, end the process with a sentence
// on stderr.
class DrivenBoardV2 {
 public:
  struct Options {
    emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
    // Registers, pool, clock, log and number of interrupts are the board's where they are not
    // given.
    iommu::SmmuV2DriverConfig driver = {.interrupts =
                                            iommu::SmmuV2DriverConfig::Interrupts::kDeferred};
    iommu::IommuConfig iommu = {};
    Pa ram_base = Pa(0x4000'0000);
    std::uint64_t ram_size = std::uint64_t{64} << 20;   // bytes, the first of them the pool's
    std::uint64_t pool_size = std::uint64_t{16} << 20;  // bytes
    PhysicalMemory* smmu_memory = nullptr;              // what the SMMU sees; null: all RAM
    emulator::Observer* observer = nullptr;
  };

  DrivenBoardV2() : DrivenBoardV2(Options{}) {}
  explicit DrivenBoardV2(const emulator::SmmuV2Config& config)
      : DrivenBoardV2(Options{.config = config}) {}
  explicit DrivenBoardV2(const Options& options);
  ~DrivenBoardV2();
  DrivenBoardV2(const DrivenBoardV2&) = delete;
  DrivenBoardV2& operator=(const DrivenBoardV2&) = delete;

  emulator::SmmuV2& smmu() { return *smmu_; }
  iommu::SmmuV2Driver& driver() { return *driver_; }
  iommu::Iommu& iommu() { return *iommu_; }
  iommu::PagePool& pool() { return *pool_; }
  emulator::Ram& memory() { return ram_; }
  // Does not wait: for a driver that shall give up without losing time.
  SteppingClock& clock() { return clock_; }

  // As Non-secure software finds them.
  RegisterPages registers() { return RegisterPages(*smmu_); }

  // A device with a port of its own, of which the driver knows nothing.  What it stalls on is
  // terminated.
  DmaDevice device(StreamId stream) { return {attended(smmu_->add_port()), stream}; }
  // The same for one that can wait, whose accesses end at `client`.
  DmaDevice device(StreamId stream, emulator::StallClient& client) {
    return {attended(smmu_->add_port(client)), stream};
  }

  // Makes a device known to the driver.  That it cannot be is a failure of the test, which ends the
  // process.
  iommu::Device& add(iommu::DeviceConfig config);
  iommu::Device& add(StreamId stream) { return add({.name = "device", .streams = {{stream}}}); }
  // A domain, likewise.
  std::unique_ptr<iommu::Domain> domain(iommu::DomainType type = iommu::DomainType::kUnmanaged,
                                        const iommu::DomainOptions& options = {});

  // Memory that nobody else has, zeroed.  More than there is: a failure of the test.
  Pa allocate(std::uint64_t bytes, std::uint64_t alignment = 4096);

  RecordingLog log;

 private:
  // A wire that is there before what it leads to.
  class Relay final : public LevelLine {
   public:
    void leads_to(LevelLine& line) { line_.store(&line, std::memory_order_release); }
    void set(bool up) override {
      LevelLine* const line = line_.load(std::memory_order_acquire);
      if (line != nullptr) line->set(up);
    }

   private:
    std::atomic<LevelLine*> line_{nullptr};
  };

  // Whose accesses are followed by the handling of interrupts.
  class AttendedPort final : public emulator::Port {
   public:
    AttendedPort(emulator::Port& port, iommu::SmmuV2Driver& driver)
        : port_(port), driver_(driver) {}
    using Port::translate;
    void translate(const emulator::Transaction& transaction, emulator::Outcome& outcome) override;
    emulator::Transfer read(const emulator::Transaction& transaction,
                            std::span<std::byte> bytes) override;
    emulator::Transfer write(const emulator::Transaction& transaction,
                             std::span<const std::byte> bytes) override;
    emulator::TranslationCompletion request_translation(
        const emulator::TranslationRequest& request) override;
    void request_page(const emulator::PageRequest& request) override;
    emulator::Outcome refuse(const emulator::Transaction& transaction,
                             std::uint16_t reason) override;

   private:
    emulator::Port& port_;
    iommu::SmmuV2Driver& driver_;
  };
  emulator::Port& attended(emulator::Port& port);

  emulator::Ram ram_;
  SteppingClock clock_;
  Relay global_fault_;
  Relay configuration_fault_;
  std::deque<Relay> context_faults_;
  std::uint64_t next_free_;
  std::uint64_t end_of_ram_;
  std::unique_ptr<iommu::PagePool> pool_;
  std::unique_ptr<emulator::SmmuV2> smmu_;
  std::deque<AttendedPort> ports_;
  iommu::SmmuV2Driver* driver_ = nullptr;  // the Iommu's
  std::unique_ptr<iommu::Iommu> iommu_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_DRIVEN_BOARD_V2_H_
