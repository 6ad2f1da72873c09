// The Event queue and the PRI queue as their consumer sees them (IHI 0070, 3.5).
#ifndef SMMU_LIB_SMMU_V3_RECORD_QUEUE_H_
#define SMMU_LIB_SMMU_V3_RECORD_QUEUE_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "lib/iommu/power.h"
#include "lib/smmu_v3/structure_memory.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"

namespace smmu::iommu {

// One thread at a time takes records; the queue is programmed while the SMMU is brought up.
template <std::size_t kWords, class Base, class Produced, class Consumed>
class RecordQueue {
 public:
  using Record = std::array<std::uint64_t, kWords>;

  // Of 2^log2_size records, or as many as there is memory for.  not_enough_memory.
  Result<Done, std::errc> create(const StructureMemory& memory, Power& power, unsigned log2_size) {
    memory_ = &memory;
    power_ = &power;
    log2_size_ = log2_size;
    auto block = TableBlock::allocate(memory, log2_bytes());
    while (!block && log2_bytes() > PagePool::kLog2Least) {
      --log2_size_;
      block = TableBlock::allocate(memory, log2_bytes());
    }
    if (!block) return block.error();
    block_ = *std::move(block);
    return Done{};
  }

  // REQUIRES: the queue is disabled.
  void program(Mmio& registers) {
    registers.write(Base()
                        .set(Base::LOG2SIZE, log2_size_)
                        .set(Base::ADDR, block_.pa().value)
                        .set(Base::WA, true));
    registers.write(Produced());
    registers.write(Consumed());
    consumed_ = Consumed();
    // Beyond all that end() may have said.
    const std::uint64_t indices = std::uint64_t{2} << log2_size_;
    const std::uint64_t next = (position_.load() / indices + 2) * indices;
    since_.store(next);
    position_.store(next);
  }

  // Records that it holds.
  std::size_t size() const { return std::size_t{1} << log2_size_; }

  // Positions count records since the beginning and never go back; the hardware's indices are their
  // low bits.  Any thread may ask: where the queue began when it was programmed last,
  std::uint64_t since() const { return since_.load(); }
  // behind what was taken,
  std::uint64_t taken() const { return position_.load(); }
  // and behind what the SMMU has written, if its index can be.
  std::uint64_t end(Mmio& registers) const {
    while (true) {
      const std::uint64_t taken = position_.load();
      const std::uint64_t there =
          (registers.read<Produced>()[Produced::WR] - taken) & (2 * size() - 1);
      if (position_.load() == taken) return there > size() ? taken : taken + there;
    }
  }

  struct Taken {
    std::size_t records = 0;
    std::uint64_t first = 0;  // its position
    bool lost = false;        // some, since there was no room
    bool nonsense = false;    // the SMMU's index cannot be
  };
  // Copies the oldest records out, and makes room for others.  Nothing while the SMMU is suspended.
  Taken take(Mmio& registers, std::span<Record> records) {
    Taken taken;
    const Power::Use use(*power_);
    if (!use) return taken;
    const auto produced = registers.read<Produced>();
    const std::uint32_t mask = (2U << log2_size_) - 1;
    const std::uint32_t first = consumed_[Consumed::RD];
    const std::uint32_t there = (produced[Produced::WR] - first) & mask;
    taken.lost = produced[Produced::OVFLG] != consumed_[Consumed::OVACKFLG];
    // 3.5.1: what an SMMU does with such indices is its affair; here it begins anew.
    taken.nonsense = there > 1U << log2_size_;
    taken.first = position_.load();
    taken.records = taken.nonsense ? 0 : std::min<std::size_t>(there, records.size());
    const std::size_t begin = first & (size() - 1);
    // Up to the end of the queue, and from its start on.
    const std::size_t to_end = std::min(taken.records, size() - begin);
    invalidate(begin, to_end);
    invalidate(0, taken.records - to_end);
    for (std::size_t i = 0; i != taken.records; ++i) {
      const std::size_t slot = (begin + i) & (size() - 1);
      for (std::size_t word = 0; word != kWords; ++word) {
        records[i][word] = StructureMemory::load(block_.words() + kWords * slot + word);
      }
    }
    if (taken.records == 0 && !taken.lost && !taken.nonsense) return taken;
    const std::uint32_t gone = taken.nonsense ? there : static_cast<std::uint32_t>(taken.records);
    consumed_.set(Consumed::RD, (first + gone) & mask)
        .set(Consumed::OVACKFLG, produced[Produced::OVFLG]);
    position_.store(taken.first + gone);
    registers.write(consumed_);
    return taken;
  }

 private:
  // 3.21.2: where the SMMU's accesses are not coherent, what it wrote is not in caches.
  void invalidate(std::size_t slot, std::size_t records) const {
    if (records == 0) return;
    memory_->invalidate(Pa(block_.pa().value + kBytes * slot), kBytes * records);
  }

  static constexpr std::uint64_t kBytes = sizeof(Record);

  // Entries of 16 or 32 bytes.
  unsigned log2_bytes() const {
    return std::max(log2_size_ + (kWords == 2 ? 4U : 5U), PagePool::kLog2Least);
  }

  const StructureMemory* memory_ = nullptr;
  Power* power_ = nullptr;
  unsigned log2_size_ = 0;
  TableBlock block_;
  Consumed consumed_;
  std::atomic<std::uint64_t> since_{0};
  std::atomic<std::uint64_t> position_{0};
};

using EventQueueV3 =
    RecordQueue<4, v3::SMMU_EVENTQ_BASE, v3::SMMU_EVENTQ_PROD, v3::SMMU_EVENTQ_CONS>;
using PageRequestQueueV3 =
    RecordQueue<2, v3::SMMU_PRIQ_BASE, v3::SMMU_PRIQ_PROD, v3::SMMU_PRIQ_CONS>;

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_RECORD_QUEUE_H_
