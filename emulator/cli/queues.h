// The software ends of the Command queue and the Event queue (IHI 0070, 3.5).
#ifndef EMULATOR_CLI_QUEUES_H_
#define EMULATOR_CLI_QUEUES_H_

#include <cstdint>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/machine.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/platform/memory.h"
#include "smmu/platform/mmio.h"

namespace smmu::cli {

// A queue in memory: where it lies, and how its indexes count.
class Ring {
 public:
  // LOG2SIZE counts up to the most that SMMU_IDR1 allows, and the base is aligned down to the size
  // of the queue (6.3.26, 6.3.29).
  Ring(v3::SMMU_CMDQ_BASE base, v3::SMMU_IDR1 idr1);
  Ring(v3::SMMU_EVENTQ_BASE base, v3::SMMU_IDR1 idr1);

  Extent extent() const { return {base_, entry_bytes_ << log2size_}; }
  std::uint64_t entries() const { return std::uint64_t{1} << log2size_; }
  // Where the entry of index `position` lies; the wrap bit does not count.
  std::uint64_t address(std::uint32_t position) const {
    return base_ + entry_bytes_ * (position & (entries() - 1));
  }
  // `position` moved on by `count`, with the wrap bit.
  std::uint32_t advance(std::uint32_t position, std::uint32_t count) const {
    return (position + count) & wrap_mask();
  }
  // How many entries lie between two positions.
  std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
    return (to - from) & wrap_mask();
  }

 private:
  Ring(std::uint64_t address, unsigned log2size, std::uint64_t entry_bytes);
  std::uint32_t wrap_mask() const { return static_cast<std::uint32_t>(2 * entries() - 1); }

  unsigned log2size_;
  std::uint64_t entry_bytes_;
  std::uint64_t base_;
};

// Event records as software takes them: the SMMU's PROD says how far to read, memory has the
// records.
class EventReader {
 public:
  EventReader(Mmio& registers, PhysicalMemory& memory) : registers_(registers), memory_(memory) {}

  // Notes where the SMMU will write its next record.
  void mark() { mark_ = registers_.read<v3::SMMU_EVENTQ_PROD>()[v3::SMMU_EVENTQ_PROD::WR]; }
  // The records written since; at most `kMaxRecords`, the oldest ones.
  std::vector<EventWords> since_mark();
  // Says that all has been read: SMMU_EVENTQ_CONS becomes SMMU_EVENTQ_PROD, overflow flag and all.
  void acknowledge();

  static constexpr std::uint32_t kMaxRecords = 4;

 private:
  Mmio& registers_;
  PhysicalMemory& memory_;
  std::uint32_t mark_ = 0;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_QUEUES_H_
