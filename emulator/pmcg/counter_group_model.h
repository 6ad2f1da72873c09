// A counter group at work: it counts, overflows, captures and interrupts (IHI
// 0070, 10.2 and 10.3).
#ifndef SMMU_EMULATOR_PMCG_COUNTER_GROUP_MODEL_H_
#define SMMU_EMULATOR_PMCG_COUNTER_GROUP_MODEL_H_

#include <atomic>
#include <cstdint>

#include "emulator/pmcg/counter_group_state.h"
#include "emulator/pmcg/counter_registers.h"
#include "emulator/tlb/brief_mutex.h"
#include "emulator/walk/physical_spaces.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/interrupt.h"

namespace smmu::emulator {

// Events come from any thread, and are counted one at a time.  An interrupt and
// the acknowledgement of SMMU_PMCG_IRQ_CTRL are pending effects: one thread at a
// time performs them, with no lock held, and what comes up meanwhile is found
// by it.
class CounterGroupModel final : public CounterGroup {
 public:
  // `smmu`: the configuration of the SMMU that the group belongs to.  `line`: may
  // be null.  What is behind `spaces` and `line` must outlive it.
  CounterGroupModel(const CounterGroupConfig& config, const SmmuV3Config& smmu,
                    const PhysicalSpaces& spaces, InterruptLine* line);

  std::uint32_t read32(std::uint32_t offset) override {
    return read32(SecurityState::kNonSecure, offset);
  }
  std::uint64_t read64(std::uint32_t offset) override {
    return read64(SecurityState::kNonSecure, offset);
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    write32(SecurityState::kNonSecure, offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    write64(SecurityState::kNonSecure, offset, value);
  }
  Mmio& secure() override { return secure_; }
  void reset() override;
  const CounterGroupConfig& config() const override { return config_; }

  // An event that is of a stream.
  void count(v3::MonitorEvent event, StreamId stream, SecurityState security);
  // Clock cycles, which are of none.
  void count_cycles(std::uint32_t cycles);

  // Pace::kStepped: performs an effect; false: there is none, or another thread
  // does.
  bool step();

  bool quiet() const { return smmu_steps_ ? !stepping_ : !draining_; }
  // REQUIRES: quiet(), and nothing is counted meanwhile.
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(state_, pending_);
    if constexpr (Snapshot::kReads) {
      snapshot.require(registers_.has(state_), "a bit that no register has");
      const std::uint32_t pending = pending_.load(std::memory_order_relaxed);
      snapshot.require((pending & ~(kInterrupt | kIrqCtrlUpdate)) == 0 &&
                           (pending & pending_updates()) == pending_updates(),
                       "an effect that is not to come");
      look_for_wanted();
    }
  }

 private:
  // Secure accesses.
  class SecureRegisters final : public Mmio {
   public:
    explicit SecureRegisters(CounterGroupModel& group) : group_(group) {}

    std::uint32_t read32(std::uint32_t offset) override {
      return group_.read32(SecurityState::kSecure, offset);
    }
    std::uint64_t read64(std::uint32_t offset) override {
      return group_.read64(SecurityState::kSecure, offset);
    }
    void write32(std::uint32_t offset, std::uint32_t value) override {
      group_.write32(SecurityState::kSecure, offset, value);
    }
    void write64(std::uint32_t offset, std::uint64_t value) override {
      group_.write64(SecurityState::kSecure, offset, value);
    }

   private:
    CounterGroupModel& group_;
  };

  // Pending effects, one bit each.
  enum : std::uint32_t {
    kInterrupt = 1U << 0,
    kIrqCtrlUpdate = 1U << 1,
  };

  // Whoever delivers an interrupt may cause another by it, for ever; what is left
  // after this many waits for the next event or register write.
  static constexpr std::uint32_t kMostEffectsAtOnce = 1U << 16;

  std::uint32_t read32(SecurityState by, std::uint32_t offset);
  std::uint64_t read64(SecurityState by, std::uint32_t offset);
  void write32(SecurityState by, std::uint32_t offset, std::uint32_t value);
  void write64(SecurityState by, std::uint32_t offset, std::uint64_t value);

  // Whether a counter counts that event.
  bool wanted(v3::MonitorEvent event) const {
    return (wanted_.load(std::memory_order_acquire) >> static_cast<unsigned>(event) & 1) != 0;
  }
  bool observes_secure() const;
  // With the lock.
  void look_for_wanted();
  template <class Admits>
  void add(v3::MonitorEvent event, std::uint32_t amount, Admits&& admits);
  void overflow(std::uint64_t counters);
  void follow_up_write();
  std::uint32_t pending_updates() const {
    const bool updates = state_.irq_ctrl.raw() != state_.irq_ctrlack.raw();
    return updates ? std::uint32_t{kIrqCtrlUpdate} : 0;
  }

  void note(std::uint32_t effect) { pending_.fetch_or(effect, std::memory_order_seq_cst); }
  void drain() {
    if (pending_.load(std::memory_order_seq_cst) != 0) drain_all();
  }
  void drain_all();
  bool perform();
  void deliver();
  void update_irq_ctrl();

  const CounterGroupConfig config_;
  const PhysicalSpaces spaces_;
  InterruptLine* const line_;
  const CounterRegisters registers_;
  const bool smmu_steps_;
  SecureRegisters secure_{*this};
  // Of the events below 32, those that a counter counts now.
  std::atomic<std::uint32_t> wanted_{0};
  std::atomic<std::uint32_t> pending_{0};
  std::atomic<bool> draining_;
  std::atomic<bool> stepping_{false};
  BriefMutex mutex_;  // guards what follows
  CounterGroupState state_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_GROUP_MODEL_H_
