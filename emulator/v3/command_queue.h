// The Command queue: SMMU_CMDQ_BASE, PROD and CONS (IHI 0070, 6.3.26 to 6.3.28
// and 7.1).
#ifndef SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
#define SMMU_EMULATOR_V3_COMMAND_QUEUE_H_

#include <atomic>

#include "emulator/v3/command_consumer.h"

namespace smmu::emulator {

// As a CommandConsumer sees it.
class CommandQueue : public SyncParticipant {
 public:
  CommandQueue(const Features& features, RegisterFile& registers)
      : features_(features), registers_(registers) {}

  // The queue is enabled: base and size are fixed from now on.
  void enable() {
    using v3::SMMU_CMDQ_BASE;
    const auto base = registers_.get<SMMU_CMDQ_BASE>();
    const Queue queue(base[SMMU_CMDQ_BASE::ADDR], base[SMMU_CMDQ_BASE::LOG2SIZE],
                      features_.idr1[v3::SMMU_IDR1::CMDQS], kLog2CommandBytes,
                      features_.output_bits);
    queue_.store(queue.word(), std::memory_order_release);
  }
  // Whether there may be a command.
  bool waiting() const { return write() != read(); }

  bool runs() const {
    return registers_.get<v3::SMMU_CR0ACK>()[v3::SMMU_CR0ACK::CMDQEN] &&
           !registers_.active(global_error());
  }
  std::uint32_t write() const {
    return registers_.get<v3::SMMU_CMDQ_PROD>()[v3::SMMU_CMDQ_PROD::WR];
  }
  std::uint32_t read() const {
    return registers_.get<v3::SMMU_CMDQ_CONS>()[v3::SMMU_CMDQ_CONS::RD];
  }
  Queue queue() const { return Queue(queue_.load(std::memory_order_acquire), kLog2CommandBytes); }
  void set_read(std::uint32_t read) {
    using v3::SMMU_CMDQ_CONS;
    registers_.set(registers_.get<SMMU_CMDQ_CONS>().set(SMMU_CMDQ_CONS::RD, read));
  }
  void set_error(std::uint32_t read, v3::CommandError error) {
    using v3::SMMU_CMDQ_CONS;
    registers_.set(registers_.get<SMMU_CMDQ_CONS>()
                       .set(SMMU_CMDQ_CONS::RD, read)
                       .set(SMMU_CMDQ_CONS::ERR, error));
  }
  static v3::SMMU_GERROR global_error() {
    return v3::SMMU_GERROR().set(v3::SMMU_GERROR::CMDQ_ERR, true);
  }
  static std::uint32_t number() { return 0; }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    Queue queue = this->queue();
    queue.archive(snapshot, features_.idr1[v3::SMMU_IDR1::CMDQS], features_.output_bits);
    archive_wait(snapshot);
    if constexpr (Snapshot::kReads) queue_.store(queue.word(), std::memory_order_relaxed);
  }

 private:
  const Features& features_;
  RegisterFile& registers_;
  std::atomic<std::uint64_t> queue_{0};  // a Queue, as a word
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COMMAND_QUEUE_H_
