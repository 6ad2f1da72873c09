// One Enhanced Command queue: SMMU_ECMDQ_BASEn, PRODn and CONSn (IHI 0070,
// 3.5.6 and 6.3.107 to 6.3.109).
#ifndef SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUE_H_
#define SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUE_H_

#include <atomic>
#include <cstdint>

#include "emulator/v3/command_consumer.h"

namespace smmu::emulator {

// As software sees it, through aligned words of 32 bits and from any thread; and
// as a CommandConsumer sees it.  PROD is software's, and so is all else while
// the queue is disabled; while it is not, CONS is of whoever performs effects.
class EnhancedCommandQueue : public SyncParticipant {
 public:
  // Offsets below 0x10.
  std::uint32_t read32(std::uint32_t offset) const;
  enum class Written : std::uint8_t {
    kNothingToDo,
    kRung,     // there may be commands
    kEnabled,  // the same, and it is not disabled any more
  };
  Written write32(std::uint32_t offset, std::uint32_t value, const Features& features);

  // Acknowledges that software has enabled or disabled it.
  enum class Transition : std::uint8_t { kNone, kEnabled, kDisabled };
  Transition acknowledge(const Features& features);

  void reset();

  // Whether acknowledge() has something to do; and whether a CommandConsumer
  // has, or will have once an access has ended.
  bool in_transition() const { return prod()[Prod::EN] != cons()[Cons::ENACK]; }
  bool may_have_commands() const {
    return runs() && !queue().empty(write(), read()) && queue().consistent(write(), read());
  }

  bool runs() const {
    const Prod prod = this->prod();
    const Cons cons = this->cons();
    return prod[Prod::EN] && cons[Cons::ENACK] && prod[Prod::ERRACK] == cons[Cons::ERR];
  }
  std::uint32_t write() const { return prod()[Prod::WR]; }
  std::uint32_t read() const { return cons()[Cons::RD]; }
  Queue queue() const { return Queue(queue_.load(std::memory_order_acquire), kLog2CommandBytes); }
  void set_read(std::uint32_t read) { store(cons().set(Cons::RD, read)); }
  void set_error(std::uint32_t read, v3::CommandError error) {
    // 3.5.6.3: with ERR the others are visible.
    const Cons before = cons();
    store(Cons(before)
              .set(Cons::RD, read)
              .set(Cons::ERR_REASON, error)
              .set(Cons::ERR, !before[Cons::ERR]));
  }
  static v3::SMMU_GERROR global_error() {
    return v3::SMMU_GERROR().set(v3::SMMU_GERROR::CMDQP_ERR, true);
  }
  std::uint32_t number() const { return number_; }
  void set_number(std::uint32_t number) { number_ = number; }

  bool disabled() const { return !prod()[Prod::EN] && !cons()[Cons::ENACK]; }
  template <class Snapshot>
  void archive(Snapshot& snapshot, const Features& features) {
    snapshot(base_, prod_, cons_);
    const bool sound = (base().raw() & ~named_bits<Base>()) == 0 &&
                       (prod().raw() & ~named_bits<Prod>()) == 0 &&
                       (cons().raw() & ~named_bits<Cons>()) == 0;
    snapshot.require(sound, "a bit that no register has");
    Queue queue = this->queue();
    queue.archive(snapshot, features.idr1[v3::SMMU_IDR1::CMDQS], features.output_bits);
    archive_wait(snapshot);
    if constexpr (Snapshot::kReads) queue_.store(queue.word(), std::memory_order_relaxed);
  }

 private:
  using Base = v3::SMMU_ECMDQ_BASEn;
  using Prod = v3::SMMU_ECMDQ_PRODn;
  using Cons = v3::SMMU_ECMDQ_CONSn;

  Base base() const { return Base(base_.load(std::memory_order_acquire)); }
  Prod prod() const { return Prod(prod_.load(std::memory_order_seq_cst)); }
  Cons cons() const { return Cons(cons_.load(std::memory_order_seq_cst)); }
  void store(Cons cons) { cons_.store(cons.raw(), std::memory_order_seq_cst); }
  void store_base(unsigned half, std::uint32_t value, const Features& features);
  // Software's index, which it may write while the queue is disabled.
  void store_index(Cons asked, const Features& features);

  std::atomic<std::uint64_t> base_{0};
  std::atomic<std::uint64_t> queue_{0};  // a Queue, as a word
  std::atomic<std::uint32_t> prod_{0};
  std::atomic<std::uint32_t> cons_{0};
  std::uint32_t number_ = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ENHANCED_COMMAND_QUEUE_H_
