// What software has before it of an SMMUv3 (IHI 0070, 3.10.2): registers,
// tables, queues and interrupts, and the effects that are pending between them.
#ifndef SMMU_EMULATOR_V3_PROGRAMMING_INTERFACE_H_
#define SMMU_EMULATOR_V3_PROGRAMMING_INTERFACE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "emulator/tbu/in_flight.h"
#include "emulator/tbu/stalling_port.h"
#include "emulator/tbu/tbu.h"
#include "emulator/tcu/tcu.h"
#include "emulator/tlb/brief_mutex.h"
#include "emulator/v3/ats_messages.h"
#include "emulator/v3/command_consumer.h"
#include "emulator/v3/command_queue.h"
#include "emulator/v3/context_table.h"
#include "emulator/v3/enhanced_command_queues.h"
#include "emulator/v3/event_queue.h"
#include "emulator/v3/event_record.h"
#include "emulator/v3/features.h"
#include "emulator/v3/interrupts.h"
#include "emulator/v3/operation_registers.h"
#include "emulator/v3/page_request_queue.h"
#include "emulator/v3/register_file.h"
#include "emulator/v3/stalls.h"
#include "emulator/v3/stream_table.h"
#include "emulator/v3/translation_operations.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator {

// What happens to a register, a queue or an interrupt because of something
// else is a pending effect: whoever caused it notes it down and then drains.
// One thread drains at a time, holding no lock, so a callback that an effect
// makes may cause effects of its own; they are found by the drain that is
// going on.
//
// In stepped time that is so, too, but for a drain that goes on for ever and
// does nothing: effects are step()'s alone.
//
// Safe from any thread, but for add_port() and reset().
class ProgrammingInterface final : private ConfigurationSource,
                                   private StallSupervisor,
                                   private PageRequestSupervisor {
 public:
  // `spaces`: the physical address spaces; `wires.memory` is that of the Security
  // state.  `non_secure`: of the Secure interface, what it has a say in; else
  // null.  All must outlive it.
  ProgrammingInterface(const SmmuV3Config& config, const Wires& wires, const PhysicalSpaces& spaces,
                       ProgrammingInterface* non_secure);

  // Software's accesses, by offsets of the registers' Non-secure names.
  std::uint32_t read32(std::uint32_t offset) const {
    std::uint32_t value = 0;
    if (registers_.read(offset, value)) [[likely]]
      return value;
    return read_elsewhere(offset);
  }
  std::uint64_t read64(std::uint32_t offset) const {
    if (RegisterFile::has(offset)) [[likely]]
      return registers_.read64(offset);
    if (offset % 8 != 0) return 0;
    return std::uint64_t{read_elsewhere(offset + 4)} << 32 | read_elsewhere(offset);
  }
  void write32(std::uint32_t offset, std::uint32_t value) {
    if (offset != v3::SMMU_CMDQ_PROD::kOffset) [[unlikely]]
      return write_other(offset, value);
    registers_.ring(value);
    drain();
  }
  void write64(std::uint32_t offset, std::uint64_t value) {
    const RegisterFile::Effect effect = registers_.write64(offset, value);
    if (effect != RegisterFile::Effect::kElsewhere) return follow_up(effect);
    write_elsewhere(offset, static_cast<std::uint32_t>(value));
    write_elsewhere(offset + 4, static_cast<std::uint32_t>(value >> 32));
  }

  // Whether registers of this interface stand there that are in pages of their own:
  // 6.3.3, 6.3.54 and 6.3.49, 6.3.92.
  bool has_page(std::uint32_t offset) const {
    return operation_registers_.has_page(offset) ||
           (enhanced_ != nullptr && enhanced_->has_page(offset));
  }

  // A port of a device that cannot wait, and of one that can.  `secure`: where
  // its Secure transactions go; null: nowhere else.
  Port& add_port(Port* secure) {
    return add_port(static_cast<TransactionSupervisor&>(*this), secure);
  }
  Port& add_port(StallClient& client, Port* secure);

  // The answer to an Invalidate Request.
  void complete(InvalidationTag tag, InvalidationResult result) {
    if (messages_.complete(tag, result)) note(kEnhancedQueues);
  }

  void reset(Reset kind);

  // Pace::kStepped: performs pending effects, at most so many; returns how
  // many.  None, if another thread does, or the caller is called by one.
  std::uint32_t step(std::uint32_t most);

  // In programming_interface_snapshot.cpp, with nobody else there.

  // Whether nothing is going on: no access, and no effect.
  bool quiet() const;
  // REQUIRES: quiet().  Of the Secure interface: after the other one.
  template <class Snapshot>
  void archive(Snapshot& snapshot);
  // Tells devices which of their accesses wait.
  void announce() const {
    if (stalls_ != nullptr) stalls_->announce();
  }

 private:
  // Pending effects, one bit each.
  enum : std::uint32_t {
    kCr0Update = 1U << 0,
    kIrqCtrlUpdate = 1U << 1,
    kGbpaUpdate = 1U << 2,
    kRecords = 1U << 3,
    kStalls = 1U << 4,
    kOperations = 1U << 5,
    kPageRequests = 1U << 6,
    kInvalidateAll = 1U << 7,
    kEnhancedQueues = 1U << 8,
    kUpdates = kCr0Update | kIrqCtrlUpdate | kGbpaUpdate | kOperations | kInvalidateAll,
  };

  // Records that wait to be written.  More can come only from inside one
  // callback, in stepped time, or from devices that fault faster than the queue
  // is written; what exceeds this is lost, as 7.2 allows.
  static constexpr std::size_t kMostPendingRecords = 1024;

  // More than the largest Command queue can ask for.  A guest can make effects
  // cause effects for ever, by a CMD_SYNC whose message goes to this SMMU's own
  // doorbell; what is left after this many waits for the next register write.
  static constexpr std::uint32_t kMostEffectsAtOnce = 1U << 21;

  Tbu& add_port(TransactionSupervisor& supervisor, Port* secure);

  Resolution resolve(StreamId stream, std::optional<SubstreamId> substream, Reading now) override;
  Resolution resolve_stream(StreamId stream, Reading now) override;
  void invalidate(const ConfigurationInvalidation& what, Stamp before) override;

  void end(const Transaction& transaction, const Fault& fault, Outcome& outcome) override;
  // A CMD_SYNC has waited for it.
  void on_access_done() override {
    if (awaited_.by(Waiter::kOwn)) note(kEnhancedQueues);
    if (awaited_.by(Waiter::kSecure)) secure_->note(kEnhancedQueues);
  }
  void on_stall_work() override { note(kStalls); }

  // In programming_interface_ats.cpp.
  AtsRules ats_rules() const override;
  void refuse(const TranslationRequest& request, const Transaction& transaction,
              const Fault& fault) override;
  void on_page_request(const PageRequest& request) override;
  void on_page_request_fault(const PageRequest& request, const ConfigurationFault& fault) override;
  // 6.3.12: what REC_CFG_ATS and RECINVSID say.
  bool records_ats() const;
  bool records(const ConfigurationFault& fault) const;

  void record(const EventRecord& record, bool mergeable);

  [[gnu::noinline]] void write_other(std::uint32_t offset, std::uint32_t value) {
    const RegisterFile::Effect effect = registers_.write32(offset, value);
    if (effect != RegisterFile::Effect::kElsewhere) return follow_up(effect);
    write_elsewhere(offset, value);
  }
  // What is neither here nor there reads 0.
  std::uint32_t read_elsewhere(std::uint32_t offset) const {
    const std::uint32_t queues = enhanced_ == nullptr ? 0 : enhanced_->read32(offset);
    return operation_registers_.read32(offset) | queues;
  }
  void write_elsewhere(std::uint32_t offset, std::uint32_t value) {
    if (operation_registers_.write32(offset, value)) {
      // The Secure interface may have asked about a Non-secure stream.
      if (non_secure_ != nullptr) non_secure_->note(kOperations);
      return note(kOperations);
    }
    if (enhanced_ != nullptr && enhanced_->write32(offset, value)) note(kEnhancedQueues);
  }
  void follow_up(RegisterFile::Effect effect);
  // The Event queue may have become writable.
  void look_at_stalls() {
    if (stalls_ != nullptr) note(kStalls);
  }

  void note(std::uint32_t effect) {
    pending_.fetch_or(effect, std::memory_order_seq_cst);
    drain();
  }
  void take(std::uint32_t effect) { pending_.fetch_and(~effect, std::memory_order_seq_cst); }

  bool work_left() const {
    return pending_.load(std::memory_order_seq_cst) != 0 ||
           (commands_.waiting() && consumer_.ready(commands_));
  }
  void drain() {
    if (pending_.load(std::memory_order_seq_cst) != 0 || commands_.waiting()) drain_all();
  }
  [[gnu::noinline]] void drain_all();
  // Performs pending effects, at most so many; returns how many.
  std::uint32_t perform(std::uint32_t most);
  bool update_one(std::uint32_t pending);
  bool advance_stalls();
  bool advance_page_requests();
  std::uint32_t consume_enhanced(std::uint32_t most);
  bool write_record();
  bool write_committed_record();
  void update_cr0();
  void update_gate();
  bool secure_fetches_only() const;
  void invalidate_everything();
  void forbid_stalls(bool forbidden);
  template <class Snapshot>
  void archive_queues(Snapshot& snapshot);
  template <class Snapshot>
  void archive_ports(Snapshot& snapshot);
  // Whether all that waits is pending, and nothing that there is not.
  bool consistent();

  const SmmuV3Config& config_;
  const Wires wires_;
  const PhysicalSpaces spaces_;
  ProgrammingInterface* const non_secure_;
  ProgrammingInterface* secure_ = nullptr;  // of the Non-secure interface, or null
  Features features_;
  RegisterFile registers_;
  Awaited awaited_;  // CMD_SYNCs wait for accesses to end
  std::vector<std::unique_ptr<Tbu>> ports_;
  Tcu tcu_;
  StreamTable streams_;
  ContextTable contexts_;
  OperationRegisters operation_registers_;
  TranslationOperations operations_;
  Interrupts interrupts_;
  EventQueue events_;
  std::atomic<std::uint32_t> pending_{0};
  const std::unique_ptr<Stalls> stalls_;  // null: nothing stalls
  std::vector<std::unique_ptr<StallingPort>> stalling_ports_;
  AtsMessages messages_;
  PageRequestQueue page_requests_;
  CommandConsumer consumer_;
  CommandQueue commands_;
  const std::unique_ptr<EnhancedCommandQueues> enhanced_;  // null: there are none

  std::atomic<bool> draining_;
  std::atomic<bool> stepping_{false};
  BriefMutex records_mutex_;
  struct PendingRecord {
    EventRecord record;
    bool mergeable;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(record, mergeable);
    }
  };
  std::deque<PendingRecord> pending_records_;
  // While EVENTQEN changes: the records that come before that.
  std::optional<std::size_t> committed_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_PROGRAMMING_INTERFACE_H_
