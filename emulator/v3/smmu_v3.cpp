// The SMMUv3 itself: its programming interfaces behind the public one.
#include "smmu/emulator/smmu_v3.h"

#include <optional>

#include "emulator/pmcg/counter_groups.h"
#include "emulator/v3/features.h"
#include "emulator/v3/programming_interface.h"
#include "emulator/v3/snapshot_items.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"

namespace smmu::emulator {
namespace {

// What the Secure interface is wired to, in the names of the other one.
Wires secure_wires(const Wires& wires) {
  return {.memory = wires.secure_memory != nullptr ? wires.secure_memory : wires.memory,
          .event_queue = wires.secure_event_queue,
          .command_sync = wires.secure_command_sync,
          .global_error = wires.secure_global_error,
          .wake_up = wires.wake_up,
          .root_complex = wires.root_complex,
          .observer = wires.observer};
}

// The groups hear before the user's observer does.
Wires counted_wires(const Wires& wires, CounterGroups* groups) {
  Wires counted = wires;
  if (groups != nullptr) counted.observer = groups;
  return counted;
}

class Model final : public SmmuV3 {
 public:
  Model(const SmmuV3Config& config, const Wires& wires)
      : config_(config),
        counters_(CounterGroups::make(config_, wires, spaces_of(wires))),
        wires_(counted_wires(wires, counters_.get())),
        non_secure_(config_, wires_, spaces_of(wires_), nullptr),
        secure_registers_(*this) {
    if (config_.s_idr1[v3::SMMU_S_IDR1::SECURE_IMPL]) {
      secure_.emplace(config_, secure_wires(wires_), spaces_of(wires_), &non_secure_);
    }
  }

  std::uint32_t read32(std::uint32_t offset) override {
    if (wires_.observer != nullptr) [[unlikely]]
      return reported_read32(offset);
    return non_secure_.read32(offset);
  }
  std::uint64_t read64(std::uint32_t offset) override {
    if (wires_.observer != nullptr) [[unlikely]]
      return reported_read64(offset);
    return non_secure_.read64(offset);
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kWrite, offset, 4, value);
    non_secure_.write32(offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kWrite, offset, 8, value);
    non_secure_.write64(offset, value);
  }
  Mmio& secure() override { return secure_registers_; }

  Port& add_port() override {
    waiting_ports_.push_back(false);
    return counted(non_secure_.add_port(secure_ ? &secure_->add_port(nullptr) : nullptr));
  }
  Port& add_port(StallClient& client) override {
    waiting_ports_.push_back(true);
    return counted(
        non_secure_.add_port(client, secure_ ? &secure_->add_port(client, nullptr) : nullptr));
  }

  CounterGroup& counter_group(std::size_t n) override { return counters_->at(n); }

  void complete(InvalidationTag tag, InvalidationResult result) override {
    // Each knows its own.
    non_secure_.complete(tag, result);
    if (secure_) secure_->complete(tag, result);
  }

  void reset(Reset kind) override {
    non_secure_.reset(kind);
    if (secure_) secure_->reset(kind);
  }
  // All take turns, an effect at a time.
  std::uint32_t step(std::uint32_t most) override {
    if (config_.pace != Pace::kStepped) return 0;
    if (!secure_ && counters_ == nullptr) return non_secure_.step(most);
    std::uint32_t performed = 0;
    while (performed != most) {
      const std::uint32_t before = performed;
      performed += non_secure_.step(1);
      if (secure_ && performed != most) performed += secure_->step(1);
      if (counters_ != nullptr) {
        performed += counters_->step(most - performed);
        counters_->count_cycles(performed - before);
      }
      if (performed == before) break;
    }
    return performed;
  }

  Result<std::vector<std::byte>, std::string> save() override {
    if (!quiet()) return busy();
    SnapshotWriter snapshot;
    write_head(snapshot, kSnapshotV3, items_of(config_), waiting_ports_);
    non_secure_.archive(snapshot);
    if (secure_) secure_->archive(snapshot);
    if (counters_ != nullptr) counters_->archive(snapshot);
    finish_head(snapshot);
    return snapshot.take();
  }
  Result<Restored, std::string> restore(std::span<const std::byte> bytes) override {
    if (!quiet()) return busy();
    {
      Unheard unheard;
      // Nobody hears of it.
      Wires wires = wires_;
      wires.observer = nullptr;
      Model rehearsal(config_, wires);
      for (const bool waiting : waiting_ports_) {
        if (waiting) {
          rehearsal.add_port(unheard);
        } else {
          rehearsal.add_port();
        }
      }
      std::string error = rehearsal.take(bytes);
      if (!error.empty()) return error;
    }
    // What is taken does not depend on what was there.
    if (std::string error = take(bytes); !error.empty()) return error;
    non_secure_.announce();
    if (secure_) secure_->announce();
    return Restored{};
  }

  const SmmuV3Config& config() const override { return config_; }

 private:
  // Behind the ports of a rehearsal, where nothing ends.
  class Unheard final : public StallClient {
    void on_resumed(Stalled, const Outcome&) override {}
  };

  bool quiet() const {
    return non_secure_.quiet() && (!secure_ || secure_->quiet()) &&
           (counters_ == nullptr || counters_->quiet());
  }
  static std::string busy() { return "an access is in flight, or an effect is being performed"; }
  // A sentence that says what is wrong with the snapshot; empty: nothing.
  std::string take(std::span<const std::byte> bytes) {
    SnapshotReader snapshot(bytes);
    read_head(snapshot, kSnapshotV3, items_of(config_), waiting_ports_);
    if (snapshot.ok()) non_secure_.archive(snapshot);
    if (snapshot.ok() && secure_) secure_->archive(snapshot);
    if (snapshot.ok() && counters_ != nullptr) counters_->archive(snapshot);
    if (snapshot.ok() && snapshot.left() != 0) {
      snapshot.fail("the snapshot goes on after its end");
    }
    return snapshot.error();
  }

  [[gnu::noinline]] std::uint32_t reported_read32(std::uint32_t offset) const {
    const std::uint32_t value = non_secure_.read32(offset);
    report(Direction::kRead, offset, 4, value);
    return value;
  }
  [[gnu::noinline]] std::uint64_t reported_read64(std::uint32_t offset) const {
    const std::uint64_t value = non_secure_.read64(offset);
    report(Direction::kRead, offset, 8, value);
    return value;
  }

  // Secure accesses: to the Secure registers, or else to the others.
  class SecureRegisters final : public Mmio {
   public:
    explicit SecureRegisters(Model& model) : model_(model) {}

    std::uint32_t read32(std::uint32_t offset) override {
      if (!is_secure(offset)) return model_.read32(offset);
      const auto counterpart = counterpart_of(offset);
      const std::uint32_t value = counterpart ? model_.secure_->read32(*counterpart) : 0;
      model_.report(Direction::kRead, offset, 4, value);
      return value;
    }
    std::uint64_t read64(std::uint32_t offset) override {
      if (!is_secure(offset)) return model_.read64(offset);
      const auto counterpart = counterpart_of(offset);
      const std::uint64_t value = counterpart ? model_.secure_->read64(*counterpart) : 0;
      model_.report(Direction::kRead, offset, 8, value);
      return value;
    }
    void write32(std::uint32_t offset, std::uint32_t value) override {
      if (!is_secure(offset)) return model_.write32(offset, value);
      model_.report(Direction::kWrite, offset, 4, value);
      if (const auto counterpart = counterpart_of(offset)) {
        model_.secure_->write32(*counterpart, value);
      }
    }
    void write64(std::uint32_t offset, std::uint64_t value) override {
      if (!is_secure(offset)) return model_.write64(offset, value);
      model_.report(Direction::kWrite, offset, 8, value);
      if (const auto counterpart = counterpart_of(offset)) {
        model_.secure_->write64(*counterpart, value);
      }
    }

   private:
    bool is_secure(std::uint32_t offset) const {
      return (offset >= v3::kSecureOffset && offset < 2 * v3::kSecureOffset) || in_page(offset);
    }
    // What has pages of its own stands there under its own offsets.
    bool in_page(std::uint32_t offset) const {
      return model_.secure_ && model_.secure_->has_page(offset);
    }
    // 6.2.1: the offset of SMMU_x for that of SMMU_S_x; none: no register.
    std::optional<std::uint32_t> counterpart_of(std::uint32_t offset) const {
      constexpr std::uint32_t kEventQueueIndices = 0xA8;
      if (!model_.secure_) return std::nullopt;
      if (in_page(offset)) return offset;
      offset -= v3::kSecureOffset;
      if (offset >= kEventQueueIndices && offset < kEventQueueIndices + 8) {
        return v3::SMMU_EVENTQ_PROD::kOffset + (offset - kEventQueueIndices);
      }
      return offset;
    }

    Model& model_;
  };

  Port& counted(Port& port) { return counters_ == nullptr ? port : counters_->in_front_of(port); }

  static PhysicalSpaces spaces_of(const Wires& wires) {
    return {*wires.memory, wires.secure_memory != nullptr ? *wires.secure_memory : *wires.memory};
  }

  [[gnu::noinline]] void report(Direction direction, std::uint32_t offset, std::uint32_t bytes,
                                std::uint64_t value) const {
    if (wires_.observer == nullptr) return;
    wires_.observer->on_register_access(
        {.direction = direction, .offset = offset, .bytes = bytes, .value = value});
  }

  const SmmuV3Config config_;
  const std::unique_ptr<CounterGroups> counters_;  // null: there are none
  const Wires wires_;
  ProgrammingInterface non_secure_;
  std::optional<ProgrammingInterface> secure_;
  SecureRegisters secure_registers_;
  std::vector<bool> waiting_ports_;  // whether the device behind each can wait
};

}  // namespace

Result<std::unique_ptr<SmmuV3>, std::string> SmmuV3::create(const SmmuV3Config& config,
                                                            const Wires& wires) {
  if (wires.memory == nullptr) return std::string("the SMMU is not wired to memory");
  if (auto sentence = objection(config)) return *std::move(sentence);
  return std::unique_ptr<SmmuV3>(std::make_unique<Model>(config, wires));
}

}  // namespace smmu::emulator
