// RAM, an SMMUv2, the lines behind it and devices in front of it.
#ifndef SMMU_TESTING_BOARD_V2_H_
#define SMMU_TESTING_BOARD_V2_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v2.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/register_pages.h"
#include "smmu/testing/tables.h"

namespace smmu::testing {

// A level interrupt that knows how often it has gone up.  To be told what it knows is a
// failure of the test.
class RecordingLevelLine final : public LevelLine {
 public:
  void set(bool up) override;

  bool up() const { return up_; }
  unsigned rises() const { return rises_; }

 private:
  bool up_ = false;
  unsigned rises_ = 0;
};

// A board after power-on: nothing is written to the SMMU.  smmu/testing/software_v2.h has
// software that brings it up; drivers find its registers at registers().
//
// Failures to build one, a configuration that SmmuV2::create() refuses or RAM that does
// not fit, end the process with a sentence on stderr.
class BoardV2 {
 public:
  struct Options {
    emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
    Pa ram_base = Pa(0x4000'0000);
    std::uint64_t ram_size = std::uint64_t{64} << 20;  // bytes
    PhysicalMemory* smmu_memory = nullptr;             // what the SMMU sees; null: this board's RAM
    // The Secure physical address space; null: the same as the other.
    PhysicalMemory* secure_memory = nullptr;
    emulator::Observer* observer = nullptr;
  };

  BoardV2() : BoardV2(Options{}) {}
  explicit BoardV2(const emulator::SmmuV2Config& config) : BoardV2(Options{.config = config}) {}
  explicit BoardV2(const Options& options);
  BoardV2(const BoardV2&) = delete;
  BoardV2& operator=(const BoardV2&) = delete;

  emulator::SmmuV2& smmu() { return *smmu_; }
  // A new SMMU of the same configuration takes its place, at lines that are as they are;
  // ports, and what was made of registers(), go with the old one.
  void replace_smmu();
  emulator::Ram& memory() { return ram_; }

  // As Non-secure software finds them, and as Secure software does.
  RegisterPages registers() { return RegisterPages(*smmu_); }
  RegisterPages secure_registers() { return RegisterPages(smmu_->secure()); }

  // A device with a port of its own.  What it stalls on is terminated.
  DmaDevice device(StreamId stream) { return {smmu_->add_port(), stream}; }
  // The same for one that can wait, whose accesses end at `client`.
  DmaDevice device(StreamId stream, emulator::StallClient& client) {
    return {smmu_->add_port(client), stream};
  }

  // Memory that nobody else has, zeroed.  More than there is: a failure of the test.
  Pa allocate(std::uint64_t bytes, std::uint64_t alignment = 4096);
  PageTable page_table(PageTable::Options options);

  // That of context bank n, of SMMU_IDR1.NUMCB as Secure software reads it.
  const RecordingLevelLine& context_fault(std::uint32_t n) const { return context_faults_.at(n); }
  std::uint32_t context_fault_lines() const {
    return static_cast<std::uint32_t>(context_faults_.size());
  }
  // That of counter group n, of SMMU_PMCFGR.NCG + 1, or of none where there is no PMCFGR.
  const RecordingLevelLine& counter_group(std::uint32_t n) const { return counter_groups_.at(n); }
  // No line is up.
  bool quiet() const { return !combined.up(); }

  // SMMU_NSgIrpt, SMMU_NSgCfgIrpt, SMMU_gIrpt and SMMU_gCfgIrpt; and one that is up while
  // any other is.
  RecordingLevelLine global_fault;
  RecordingLevelLine configuration_fault;
  RecordingLevelLine secure_global_fault;
  RecordingLevelLine secure_configuration_fault;
  RecordingLevelLine combined;

 private:
  const emulator::SmmuV2Config config_;
  emulator::SmmuV2Wires wires_;
  emulator::Ram ram_;
  std::deque<RecordingLevelLine> context_faults_;
  std::deque<RecordingLevelLine> counter_groups_;
  std::uint64_t next_free_;
  std::uint64_t end_of_ram_;
  std::unique_ptr<emulator::SmmuV2> smmu_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_BOARD_V2_H_
