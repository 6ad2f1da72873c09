// The Command queue control pages (IHI 0070, 3.5.6, 6.2.5 and 6.3.49 to 6.3.51).
#ifndef SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUES_H_
#define SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "emulator/v3/command_consumer.h"
#include "emulator/v3/enhanced_command_queue.h"
#include "emulator/v3/features.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

// Software's accesses may come from any thread.  consume() is of whoever
// performs pending effects: one thread at a time, no lock held.
class EnhancedCommandQueues {
 public:
  // Of the interface that `features` are of.
  // REQUIRES: SMMU_IDR1.ECMDQ, or SMMU_S_IDR0.ECMDQ
  EnhancedCommandQueues(const SmmuV3Config& config, const Features& features,
                        RegisterFile& registers, Tcu& tcu, CommandConsumer& consumer);

  // The Secure pages lie where the others cannot.
  static constexpr std::uint32_t kFirstPage = 0x10'0000;
  static constexpr unsigned kLog2Page = 16;
  static constexpr std::uint32_t kFirstSecurePage = kFirstPage + (256U << kLog2Page);

  // Accesses to SMMU_IDR6, to the registers that say where the pages are, and
  // to the pages.  Elsewhere 0 is read and nothing written.
  std::uint32_t read32(std::uint32_t offset) const;
  // True: consume() may have something to do.
  bool write32(std::uint32_t offset, std::uint32_t value);

  // Whether that is in one of the pages.
  bool has_page(std::uint32_t offset) const {
    return offset >= first_page_ && (offset - first_page_) >> kLog2Page >> log2_pages_ == 0;
  }

  // Gives the next queue that can get on its turn: a change of its enable, or
  // commands, at most so many; returns how many.  0: there is nothing to do
  // until something is written, or the CMD_SYNC of a queue, of these or of
  // others, need not wait any more.
  std::uint32_t consume(std::uint32_t most);

  // Commands of one queue before those of another.
  static constexpr std::uint32_t kTurn = 64;

  void reset();

  // Null: there is no queue of that number.
  const EnhancedCommandQueue* find_by_number(std::uint32_t number) const {
    return number - 1 < count_ ? &queues_[number - 1] : nullptr;
  }
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    std::uint32_t enabled = 0;
    for (std::uint32_t i = 0; i != count_; ++i) {
      queues_[i].archive(snapshot, features_);
      if (!queues_[i].disabled()) ++enabled;
    }
    for (std::size_t word = 0; word != bells_.size(); ++word) {
      snapshot(bells_[word]);
      const std::uint64_t queues = count_ - word * 64;
      snapshot.require(queues >= 64 || bells_[word].load(std::memory_order_relaxed) >> queues == 0,
                       "a bell of no queue");
    }
    snapshot(next_);
    snapshot.require(next_ < count_, "the turn of no queue");
    if constexpr (Snapshot::kReads) registers_.count_queues(enabled);
  }

 private:
  EnhancedCommandQueue* find(std::uint32_t offset, std::uint32_t& within) const;
  void ring(std::uint32_t number);
  void quieten(std::uint32_t number);
  std::uint32_t serve(EnhancedCommandQueue& queue, std::uint32_t most);

  const v3::SMMU_IDR6 idr6_;
  const std::uint32_t first_page_;
  const Features& features_;
  RegisterFile& registers_;
  Tcu& tcu_;
  CommandConsumer& consumer_;
  const unsigned log2_pages_;
  const unsigned log2_queues_;  // of a page
  const std::uint32_t count_;
  const std::unique_ptr<EnhancedCommandQueue[]> queues_;
  // A bit for each queue that software has written to, or whose CMD_SYNC waits.
  std::vector<std::atomic<std::uint64_t>> bells_;
  std::uint32_t next_ = 0;  // whose turn it is
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUES_H_
