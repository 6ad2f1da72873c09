// The circular queues between software and an SMMU (IHI 0070, 3.5.1).
#ifndef SMMU_EMULATOR_V3_QUEUE_H_
#define SMMU_EMULATOR_V3_QUEUE_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/types.h"

namespace smmu::emulator {

// The size of an entry of a Command queue.
inline constexpr unsigned kLog2CommandBytes = 4;

// A queue of 2^log2_size entries.  An index is as it stands in a PROD or CONS
// register: a position, and above it the wrap bit.  Bits above that are
// ignored.
class Queue {
 public:
  // `base`: a BASE register's ADDR and LOG2SIZE.  The size is limited to what
  // is implemented, and the address is aligned to the size.
  Queue(std::uint64_t base, unsigned log2_size, unsigned most_log2_size, unsigned log2_entry_bytes,
        unsigned output_bits)
      : Queue(base, std::min(log2_size, most_log2_size), log2_entry_bytes) {
    constexpr unsigned kLeastAlignment = 5;
    const unsigned log2_bytes = std::min(log2_size, most_log2_size) + log2_entry_bytes_;
    // 3.4.3: an address that is too large is truncated.
    base_ = base & ~mask(std::max(log2_bytes, kLeastAlignment) - 1, 0) & mask(output_bits - 1, 0);
  }

  // One that was taken down as word().
  explicit Queue(std::uint64_t word, unsigned log2_entry_bytes)
      : Queue(word & ~kSizeBits, static_cast<unsigned>(word & kSizeBits), log2_entry_bytes) {}
  // Address and size: a queue is aligned to 32 bytes and has fewer than 2^32
  // entries.
  std::uint64_t word() const { return base_ | static_cast<unsigned>(std::popcount(positions_)); }

  // `most_log2_size`, `output_bits`: as they were when it was made.
  template <class Snapshot>
  void archive(Snapshot& snapshot, unsigned most_log2_size, unsigned output_bits) {
    std::uint64_t word = this->word();
    snapshot(word);
    if constexpr (Snapshot::kReads) {
      const Queue read(word & ~kSizeBits, static_cast<unsigned>(word & kSizeBits), most_log2_size,
                       log2_entry_bytes_, output_bits);
      if (snapshot.require(read.word() == word, "a queue that cannot be")) *this = read;
    }
  }

  bool empty(std::uint32_t prod, std::uint32_t cons) const {
    return ((prod ^ cons) & index_bits()) == 0;
  }
  bool full(std::uint32_t prod, std::uint32_t cons) const {
    return ((prod ^ cons) & index_bits()) == wrap();
  }
  // Whether the indices can have come about by producing and consuming.
  bool consistent(std::uint32_t prod, std::uint32_t cons) const {
    const bool same_lap = ((prod ^ cons) & wrap()) == 0;
    const std::uint32_t produced = prod & positions_;
    const std::uint32_t consumed = cons & positions_;
    return same_lap ? produced >= consumed : produced <= consumed;
  }
  // How many entries are between consistent indices; and the index that many
  // entries further on.
  std::uint32_t used(std::uint32_t prod, std::uint32_t cons) const {
    return (prod - cons) & index_bits();
  }
  std::uint32_t next(std::uint32_t index, std::uint32_t entries = 1) const {
    return (index + entries) & index_bits();
  }
  std::uint32_t position(std::uint32_t index) const { return index & positions_; }
  Pa entry(std::uint32_t index) const {
    return Pa(base_ + (std::uint64_t{position(index)} << log2_entry_bytes_));
  }

 private:
  static constexpr std::uint64_t kSizeBits = 31;

  Queue(std::uint64_t base, unsigned log2_size, unsigned log2_entry_bytes)
      : base_(base), positions_((1U << log2_size) - 1), log2_entry_bytes_(log2_entry_bytes) {}

  std::uint32_t wrap() const { return positions_ + 1; }
  // A position and its wrap bit.
  std::uint32_t index_bits() const { return 2 * positions_ + 1; }

  std::uint64_t base_;
  std::uint32_t positions_;  // the bits of a position
  unsigned log2_entry_bytes_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_QUEUE_H_
