// The SMMUv2 itself: registers, devices and lines behind the public interface.
#include "smmu/emulator/smmu_v2.h"

#include <atomic>
#include <deque>
#include <optional>

#include "emulator/snapshot/head.h"
#include "emulator/v2/address_translation.h"
#include "emulator/v2/clients.h"
#include "emulator/v2/features.h"
#include "emulator/v2/interrupt_levels.h"
#include "emulator/v2/monitors.h"
#include "emulator/v2/register_file.h"
#include "emulator/v2/security_port.h"
#include "emulator/v2/snapshot_items.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/v2/tlb_maintenance.h"
#include "emulator/v2/tlb_synchronizations.h"

namespace smmu::emulator {

using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_SCR1;

namespace {

// A retried transaction may write to the descriptors, or registers, that it is
// translated by: what is left after so many waits for the next cause.
constexpr std::uint32_t kMostEffectsAtOnce = 1U << 21;

// Which invalidations a TLB synchronisation of a bank waits for.
std::uint32_t queue_of(const Asker& asker) { return asker.bank ? *asker.bank + 1 : 0; }

class Model final : public SmmuV2, private ClientSupervisor {
 public:
  Model(const SmmuV2Config& config, const SmmuV2Wires& wires)
      : config_(config),
        wires_(wires),
        spaces_(*wires.memory,
                wires.secure_memory != nullptr ? *wires.secure_memory : *wires.memory),
        shared_(config_),
        monitors_(config_),
        file_(shared_, monitors_, [this](Asker asker) { return synchronizations_.active(asker); }),
        levels_(config_, wires_, shared_.features.num_banks, monitors_.num_groups()),
        translation_(shared_, spaces_, wires_.observer),
        non_secure_(shared_, SecurityState::kNonSecure, spaces_, *this, wires_.observer),
        secure_registers_(*this) {
    if (shared_.features.secure) {
      secure_.emplace(shared_, SecurityState::kSecure, spaces_,
                      static_cast<ClientSupervisor&>(*this), wires_.observer);
      all_.push_back(&*secure_);
    }
  }

  BusResponse read(std::uint32_t offset, std::uint32_t bytes, std::uint64_t& value) override {
    return read_as(SecurityState::kNonSecure, offset, bytes, value);
  }
  BusResponse write(std::uint32_t offset, std::uint32_t bytes, std::uint64_t value) override {
    return write_as(SecurityState::kNonSecure, offset, bytes, value);
  }
  RegisterPort& secure() override { return secure_registers_; }

  Port& add_port() override { return connect(nullptr); }
  Port& add_port(StallClient& client) override { return connect(&client); }

  void invalidate(const BroadcastInvalidation& what) override {
    if (!shared_.features.idr0[v2::SMMU_IDR0::BTM]) return;
    if (what.security == SecurityState::kSecure && !secure_) return;
    TlbInvalidations invalidations;
    {
      const std::lock_guard lock(shared_.mutex);
      invalidations = broadcast_maintenance(shared_.registers, what);
    }
    const std::lock_guard lock(maintenance_mutex_);
    Tcu& tcu = clients(what.security).tcu();
    tcu.serve(kBroadcasts);
    for (const TlbInvalidation& one : invalidations) tcu.invalidate(one);
    broadcasts_awaited_ = false;
  }
  bool synchronize_broadcasts() override {
    bool done = true;
    const std::lock_guard lock(maintenance_mutex_);
    for (Clients* of : all()) {
      const Asker asker{of->security(), kBroadcasts};
      if (!broadcasts_awaited_) {
        of->tcu().serve(kBroadcasts);
        of->tcu().synchronize();
        synchronizations_.begin(asker, of->ports());
      }
      if (synchronizations_.active(asker)) done = false;
    }
    broadcasts_awaited_ = !done;
    return done;
  }

  void reset(Reset kind) override {
    {
      const std::lock_guard lock(shared_.mutex);
      shared_.registers.reset(config_);
      monitors_.reset();
      operations_.clear();
      pending_synchronizations_.clear();
      levels_.update(shared_.registers, monitors_.interrupts());
    }
    synchronizations_.clear();
    broadcasts_awaited_ = false;
    for (Clients* of : all()) {
      if (kind == Reset::kPowerOn) of->tcu().clear();
      of->tcu().set_counts(false);
      of->tcu().reconfigure();
      of->update_gate();
      of->held().abort_all();
    }
    note();
  }

  std::uint32_t step(std::uint32_t most) override {
    if (config_.pace != Pace::kStepped) return 0;
    if (stepping_.exchange(true, std::memory_order_acquire)) return 0;
    std::uint32_t performed = 0;
    while (performed != most && perform()) {
      ++performed;
      const std::lock_guard lock(shared_.mutex);
      if (monitors_.count_cycles(1)) update_levels();
    }
    stepping_.store(false, std::memory_order_release);
    return performed;
  }

  Result<std::vector<std::byte>, std::string> save() override {
    if (!quiet()) return busy();
    SnapshotWriter snapshot;
    write_head(snapshot, kSnapshotV2, items_of(config_), waiting_ports_);
    archive(snapshot);
    finish_head(snapshot);
    return snapshot.take();
  }
  Result<Restored, std::string> restore(std::span<const std::byte> bytes) override {
    if (!quiet()) return busy();
    {
      Unheard unheard;
      // Nobody hears of it.
      Model rehearsal(config_, {.memory = wires_.memory, .secure_memory = wires_.secure_memory});
      for (const bool waiting : waiting_ports_) {
        rehearsal.connect(waiting ? &unheard : nullptr);
      }
      std::string error = rehearsal.take(bytes);
      if (!error.empty()) return error;
    }
    // What is taken does not depend on what was there.
    if (std::string error = take(bytes); !error.empty()) return error;
    for (Clients* of : all()) of->announce();
    // The levels of lines are the platform's to bring back; what had still to move does.
    note();
    return Restored{};
  }

  const SmmuV2Config& config() const override { return config_; }

 private:
  // One of each bank, and of each Security state.
  static constexpr std::size_t kMostWaiting = 128 + 2;
  // Not a bank's.
  static constexpr std::uint32_t kBroadcasts = ~std::uint32_t{0};

  class SecureRegisters final : public RegisterPort {
   public:
    explicit SecureRegisters(Model& model) : model_(model) {}

    BusResponse read(std::uint32_t offset, std::uint32_t bytes, std::uint64_t& value) override {
      return model_.read_as(model_.secure_state(), offset, bytes, value);
    }
    BusResponse write(std::uint32_t offset, std::uint32_t bytes, std::uint64_t value) override {
      return model_.write_as(model_.secure_state(), offset, bytes, value);
    }

   private:
    Model& model_;
  };

  // Behind the ports of a rehearsal, where nothing ends.
  class Unheard final : public StallClient {
    void on_resumed(Stalled, const Outcome&) override {}
  };

  bool quiet() {
    for (Clients* of : all()) {
      if (!of->quiet()) return false;
    }
    return config_.pace == Pace::kStepped ? !stepping_ : !draining_;
  }
  static std::string busy() { return "an access is in flight, or an effect is being performed"; }
  // A sentence that says what is wrong with the snapshot; empty: nothing.
  std::string take(std::span<const std::byte> bytes) {
    SnapshotReader snapshot(bytes);
    read_head(snapshot, kSnapshotV2, items_of(config_), waiting_ports_);
    if (snapshot.ok()) archive(snapshot);
    if (snapshot.ok() && snapshot.left() != 0) {
      snapshot.fail("the snapshot goes on after its end");
    }
    return snapshot.error();
  }
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    {
      const std::lock_guard lock(shared_.mutex);
      snapshot.section("the registers");
      snapshot(shared_.registers);
      snapshot.section("the counters");
      snapshot(monitors_);
      snapshot.section("the lines");
      snapshot(levels_);
      snapshot.section("the operations that wait");
      snapshot.sequence(operations_, kMostWaiting);
      snapshot.sequence(pending_synchronizations_, kMostWaiting);
      if constexpr (Snapshot::kReads) {
        snapshot.require(sound(), "what does not go with the rest");
        synchronizations_.clear();
        broadcasts_awaited_ = false;
      }
    }
    for (Clients* of : all()) {
      if (snapshot.ok()) of->archive(snapshot);
    }
  }
  // Whoever asks is there, and its status register says so.
  bool sound() {
    const auto known = [&](const Asker& asker) {
      return (asker.security == SecurityState::kNonSecure || secure_) &&
             (!asker.bank || *asker.bank < shared_.features.num_banks);
    };
    return std::ranges::all_of(operations_,
                               [&](const auto& one) {
                                 return known(one.asker) && operation_of(one.asker).pending;
                               }) &&
           std::ranges::all_of(pending_synchronizations_, [&](const Asker& asker) {
             return known(asker) && synchronization_of(asker).pending;
           });
  }

  SecurityState secure_state() const {
    return secure_ ? SecurityState::kSecure : SecurityState::kNonSecure;
  }
  Clients& clients(SecurityState security) {
    return security == SecurityState::kSecure ? *secure_ : non_secure_;
  }
  const std::vector<Clients*>& all() const { return all_; }

  Port& connect(StallClient* client) {
    waiting_ports_.push_back(client != nullptr);
    Port* secure = secure_ ? &secure_->add_port(client, nullptr) : nullptr;
    Port& port = non_secure_.add_port(client, secure);
    if (shared_.registers.ssd.empty()) return port;
    return *security_ports_.emplace_back(std::make_unique<SecurityPort>(shared_, port));
  }

  BusResponse read_as(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                      std::uint64_t& value) {
    RegisterEffects effects;
    BusResponse response{};
    {
      const std::lock_guard lock(shared_.mutex);
      response = file_.read(security, offset, bytes, value, effects);
      if (effects.lines) update_levels();
    }
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kRead, offset, bytes, value);
    if (effects.lines) note();
    return response;
  }
  BusResponse write_as(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                       std::uint64_t value) {
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kWrite, offset, bytes, value);
    RegisterEffects effects;
    BusResponse response{};
    bool counts = false;
    {
      const std::lock_guard lock(shared_.mutex);
      response = file_.write(security, offset, bytes, value, effects);
      if (effects.lines) update_levels();
      for (const RegisterEffects::Action& action : effects.actions) queue_up(action);
      counts = monitors_.counting();
    }
    follow_up(effects, counts);
    return response;
  }
  void report(Direction direction, std::uint32_t offset, std::uint32_t bytes,
              std::uint64_t value) const {
    wires_.observer->on_register_access(
        {.direction = direction, .offset = offset, .bytes = bytes, .value = value});
  }

  // Called with the lock.
  void update_levels() { levels_.update(shared_.registers, monitors_.interrupts()); }
  Activity& synchronization_of(const Asker& asker) {
    if (asker.bank) return shared_.registers.banks[*asker.bank].synchronization;
    return shared_.registers.global(asker.security).synchronization;
  }
  Activity& operation_of(const Asker& asker) {
    if (asker.bank) return shared_.registers.banks[*asker.bank].operation;
    return shared_.registers.global(asker.security).operation;
  }
  bool waits_to_synchronize(const Asker& asker) const {
    return std::ranges::find(pending_synchronizations_, asker) != pending_synchronizations_.end();
  }
  // What is asked for once more, and still waits, is asked for once; but one that has begun does
  // not wait for what was invalidated since.
  void queue_up(const RegisterEffects::Action& action) {
    if (const auto* sync = std::get_if<TlbSynchronization>(&action)) {
      if (!waits_to_synchronize(sync->asker)) pending_synchronizations_.push_back(sync->asker);
      synchronization_of(sync->asker).pending = true;
    } else if (const auto* request = std::get_if<TranslationRequestV2>(&action)) {
      std::erase_if(operations_, [&](const auto& other) { return other.asker == request->asker; });
      operations_.push_back(*request);
      operation_of(request->asker).pending = true;
    }
  }

  void follow_up(const RegisterEffects& effects, bool counts) {
    if (effects.contexts) {
      for (Clients* of : all()) of->tcu().reconfigure();
    }
    if (effects.gates) {
      for (Clients* of : all()) of->update_gate();
    }
    if (effects.monitors) {
      for (Clients* of : all()) of->tcu().set_counts(counts);
    }
    bool work = effects.lines;
    for (const RegisterEffects::Action& action : effects.actions) {
      if (const auto* maintenance = std::get_if<TlbMaintenance>(&action)) {
        invalidate(*maintenance);
      } else {
        work = true;
      }
      if (const auto* resumption = std::get_if<Resumption>(&action)) resume(*resumption);
      if (const auto* nothing = std::get_if<NothingToWaitFor>(&action)) {
        for (Clients* of : all()) of->held().release(nothing->bank);
      }
    }
    if (work) note();
  }
  void invalidate(const TlbMaintenance& maintenance) {
    const std::lock_guard lock(maintenance_mutex_);
    Tcu& tcu = clients(maintenance.asker.security).tcu();
    tcu.serve(queue_of(maintenance.asker));
    for (const TlbInvalidation& what : maintenance.what) tcu.invalidate(what);
  }

  void resume(const Resumption& resumption) {
    const auto index = static_cast<std::uint8_t>(resumption.bank);
    std::optional<Response> response;
    {
      const std::lock_guard lock(shared_.mutex);
      const BankRegisters& bank = shared_.registers.banks[index];
      constexpr BitsOf<SMMU_CBn_FSR, 8, 1> kFaults{"TF to UUT"};
      const bool early = bank.fsr[kFaults] != 0;
      if (early && config_.early_resume == SmmuV2Config::EarlyResume::kIgnored) return;
      if (resumption.terminates) {
        response = bank.sctlr[SMMU_CBn_SCTLR::CFRE] ? Response::kAbort : Response::kRazWi;
      }
    }
    // SMMU_SCR1 may have given the bank to others since.
    for (Clients* of : all()) of->held().resume(index, config_.resume, response);
    {
      const std::lock_guard lock(shared_.mutex);
      bool stalled = false;
      for (Clients* of : all()) stalled = of->held().waits(index) || stalled;
      shared_.registers.banks[index].fsr.set(SMMU_CBn_FSR::SS, stalled);
      // What has come to wait in between saw that it was.
      for (Clients* of : all()) {
        if (!stalled) of->held().release(index);
      }
      update_levels();
    }
    for (Clients* of : all()) of->tcu().reconfigure();
  }

  void on_fault_recorded(bool contexts) override {
    {
      const std::lock_guard lock(shared_.mutex);
      update_levels();
    }
    if (contexts) {
      for (Clients* of : all()) of->tcu().reconfigure();
    }
    note();
  }
  void on_held_work() override { note(); }
  void on_counted(const Transaction& transaction, ContextBanks banks, bool refilled) override {
    {
      const std::lock_guard lock(shared_.mutex);
      const bool secure_counted = shared_.registers.scr1[SMMU_SCR1::SPMEN];
      if (!monitors_.count(transaction, banks, refilled, secure_counted)) return;
      update_levels();
    }
    note();
  }

  // Work noted while another thread drains is that thread's: it looks once more
  // after it has let go.
  void note() {
    noted_.store(true, std::memory_order_seq_cst);
    if (config_.pace == Pace::kStepped) return;
    std::uint32_t left = kMostEffectsAtOnce;
    do {
      if (draining_.exchange(true, std::memory_order_seq_cst)) return;
      while (noted_.exchange(false, std::memory_order_seq_cst)) {
        while (left != 0 && perform()) --left;
      }
      draining_.store(false, std::memory_order_seq_cst);
    } while (noted_.load(std::memory_order_seq_cst) && left != 0);
  }
  bool perform() {
    if (levels_.deliver()) return true;
    std::unique_lock lock(shared_.mutex);
    if (!operations_.empty()) {
      const TranslationRequestV2 request = operations_.front();
      operations_.pop_front();
      lock.unlock();
      translate(request);
      return true;
    }
    for (Clients* of : all()) {
      if (!of->held().may_step()) continue;
      lock.unlock();
      if (of->held().step()) return true;
      lock.lock();
    }
    if (pending_synchronizations_.empty()) return false;
    const Asker asker = pending_synchronizations_.front();
    pending_synchronizations_.pop_front();
    lock.unlock();
    synchronize(asker);
    return true;
  }
  void translate(const TranslationRequestV2& request) {
    const std::uint64_t result = translation_.result_of(request);
    const std::lock_guard lock(shared_.mutex);
    RegistersV2& registers = shared_.registers;
    if (request.asker.bank) {
      registers.banks[*request.asker.bank].par = result;
    } else {
      registers.global(request.asker.security).gpar = result;
    }
    operation_of(request.asker).pending =
        std::ranges::find(operations_, request.asker, &TranslationRequestV2::asker) !=
        operations_.end();
  }
  void synchronize(const Asker& asker) {
    Clients& of = clients(asker.security);
    {
      const std::lock_guard lock(maintenance_mutex_);
      if (asker.bank) {
        of.tcu().serve(queue_of(asker));
        of.tcu().synchronize();
      } else {
        of.tcu().synchronize_all();
      }
    }
    synchronizations_.begin(asker, of.ports());
    const std::lock_guard lock(shared_.mutex);
    synchronization_of(asker).pending = waits_to_synchronize(asker);
  }

  const SmmuV2Config config_;
  const SmmuV2Wires wires_;
  const PhysicalSpaces spaces_;
  SharedRegisters shared_;
  Monitors monitors_;
  TlbSynchronizations synchronizations_;
  RegisterFileV2 file_;
  InterruptLevels levels_;
  AddressTranslation translation_;
  Clients non_secure_;
  std::optional<Clients> secure_;
  std::vector<Clients*> all_{&non_secure_};  // of each Security state that there is
  std::vector<std::unique_ptr<SecurityPort>> security_ports_;
  std::vector<bool> waiting_ports_;  // whether the device behind each can wait
  SecureRegisters secure_registers_;

  std::mutex maintenance_mutex_;  // of those who invalidate
  // With it: what was in flight when all broadcasts had been obeyed still is.
  bool broadcasts_awaited_ = false;
  // With the registers' lock.
  std::deque<TranslationRequestV2> operations_;
  std::deque<Asker> pending_synchronizations_;

  std::atomic<bool> noted_{false};
  std::atomic<bool> draining_{false};
  std::atomic<bool> stepping_{false};
};

}  // namespace

Result<std::unique_ptr<SmmuV2>, std::string> SmmuV2::create(const SmmuV2Config& config,
                                                            const SmmuV2Wires& wires) {
  if (wires.memory == nullptr) return std::string("the SMMU is not wired to memory");
  if (auto sentence = objection(config)) return *std::move(sentence);
  return std::unique_ptr<SmmuV2>(std::make_unique<Model>(config, wires));
}

}  // namespace smmu::emulator
