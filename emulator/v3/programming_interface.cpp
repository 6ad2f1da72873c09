#include "emulator/v3/programming_interface.h"

#include <algorithm>
#include <mutex>

#include "emulator/v3/attribute_overrides.h"
#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_CR2;
using v3::SMMU_GBPA;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;
using v3::SMMU_S_CR0ACK;
using v3::SMMU_S_GBPA;

ProgrammingInterface::ProgrammingInterface(const SmmuV3Config& config, const Wires& wires,
                                           const PhysicalSpaces& spaces,
                                           ProgrammingInterface* non_secure)
    : config_(config),
      wires_(wires),
      spaces_(spaces),
      non_secure_(non_secure),
      features_(config_,
                non_secure == nullptr ? SecurityState::kNonSecure : SecurityState::kSecure),
      registers_(config_, features_),
      tcu_(spaces, features_.security, *this, config_.caching, features_.output_bits,
           features_.conflicts(), wires.observer),
      streams_(features_, registers_, *wires.memory, config_.caching, tcu_, wires.observer),
      contexts_(features_, spaces, config_.caching, tcu_, wires.observer),
      operation_registers_(config_, features_, registers_),
      operations_(features_, registers_, operation_registers_, tcu_, streams_, contexts_, spaces,
                  wires.observer),
      interrupts_(features_, registers_, wires_),
      events_(features_, registers_, interrupts_, *wires.memory, config_.merging),
      stalls_(features_.stalls()
                  ? std::make_unique<Stalls>(features_, config_.most_stalled, tcu_, spaces, events_,
                                             static_cast<StallSupervisor&>(*this), wires.observer)
                  : nullptr),
      messages_(features_, wires.root_complex),
      page_requests_(features_, registers_, interrupts_, *wires.memory, tcu_, messages_, *this,
                     wires.observer),
      consumer_(features_, registers_, interrupts_, tcu_, *wires.memory, ports_, stalls_.get(),
                messages_, awaited_, pending_, kEnhancedQueues, wires.observer),
      commands_(features_, registers_),
      enhanced_(features_.idr1[v3::SMMU_IDR1::ECMDQ]
                    ? std::make_unique<EnhancedCommandQueues>(config_, features_, registers_, tcu_,
                                                              consumer_)
                    : nullptr),
      draining_(config.pace == Pace::kStepped) {
  if (non_secure_ != nullptr) {
    consumer_.reach(non_secure_->consumer_, non_secure_->operations_.in_flight());
    non_secure_->operations_.serve(operation_registers_);
    non_secure_->secure_ = this;
  }
  update_gate();
}

Tbu& ProgrammingInterface::add_port(TransactionSupervisor& supervisor, Port* secure) {
  Tbu& port = *ports_.emplace_back(std::make_unique<Tbu>(tcu_, supervisor, spaces_, awaited_));
  if (secure != nullptr) port.pass_secure_to(*secure);
  return port;
}

Port& ProgrammingInterface::add_port(StallClient& client, Port* secure) {
  if (stalls_ == nullptr) return add_port(secure);
  StallingPort& port = *stalling_ports_.emplace_back(
      std::make_unique<StallingPort>(*stalls_, static_cast<TransactionSupervisor&>(*this), client));
  port.pass_through(add_port(static_cast<TransactionSupervisor&>(port), nullptr), secure);
  return port;
}

void ProgrammingInterface::reset(Reset kind) {
  pending_.store(0, std::memory_order_relaxed);
  pending_records_.clear();
  committed_.reset();
  page_requests_.reset();
  messages_.reset();
  features_.stalls_forbidden.store(false, std::memory_order_relaxed);
  registers_.reset();
  operation_registers_.reset();
  interrupts_.reset();
  consumer_.reset();
  if (enhanced_ != nullptr) enhanced_->reset();
  if (kind == Reset::kPowerOn) {
    tcu_.clear();
    streams_.clear();
    contexts_.clear();
  }
  update_gate();
  if (stalls_ != nullptr) stalls_->close();
}

void ProgrammingInterface::follow_up(RegisterFile::Effect effect) {
  switch (effect) {
    case RegisterFile::Effect::kNone:
    case RegisterFile::Effect::kElsewhere:
      return;
    case RegisterFile::Effect::kCr0Update:
      return note(kCr0Update);
    case RegisterFile::Effect::kIrqCtrlUpdate:
      return note(kIrqCtrlUpdate);
    case RegisterFile::Effect::kGbpaUpdate:
      return note(kGbpaUpdate);
    case RegisterFile::Effect::kInvalidateAll:
      return note(kInvalidateAll);
    case RegisterFile::Effect::kCommandQueue:
      return drain();
    case RegisterFile::Effect::kEventQueue:
      return look_at_stalls();
    case RegisterFile::Effect::kNoError:
      look_at_stalls();
      return drain();
  }
}

ConfigurationSource::Resolution ProgrammingInterface::resolve(StreamId stream,
                                                              std::optional<SubstreamId> substream,
                                                              Reading now) {
  const auto found = streams_.find(stream, now);
  if (const auto* fault = std::get_if<ConfigurationFault>(&found.ste)) {
    Context context;
    context.action = Context::Action::kFault;
    context.fault = *fault;
    return {context, now.stamp, found.cacheable};
  }
  const auto& ste = std::get<v3::STE>(found.ste);
  const bool e2h = registers_.get<SMMU_CR2>()[SMMU_CR2::E2H];
  return contexts_.resolve(ste, world_of(features_, ste, e2h), secure_fetches_only(), stream,
                           substream, now);
}

ConfigurationSource::Resolution ProgrammingInterface::resolve_stream(StreamId stream, Reading now) {
  const auto found = streams_.find(stream, now);
  if (const auto* fault = std::get_if<ConfigurationFault>(&found.ste)) {
    Context context;
    context.action = Context::Action::kFault;
    context.fault = *fault;
    return {context, now.stamp, found.cacheable};
  }
  const auto& ste = std::get<v3::STE>(found.ste);
  const bool e2h = registers_.get<SMMU_CR2>()[SMMU_CR2::E2H];
  return contexts_.resolve_stream(ste, world_of(features_, ste, e2h), now);
}

void ProgrammingInterface::invalidate(const ConfigurationInvalidation& what, Stamp before) {
  streams_.invalidate(what, before);
  contexts_.invalidate(what, before);
}

void ProgrammingInterface::end(const Transaction& transaction, const Fault& fault,
                               Outcome& outcome) {
  outcome = Terminated{Response::kAbort};
  if (const auto* configuration = std::get_if<ConfigurationFault>(&fault)) {
    const bool recorded = transaction.address_type == AddressType::kTranslated
                              ? records_ats()
                              : records(*configuration);
    if (recorded) {
      record(event_record(transaction, *configuration),
             configuration->mergeable || always_mergeable(*configuration));
    }
  } else if (const auto* translation = std::get_if<TranslationFault>(&fault)) {
    outcome = Terminated{translation->response};
    if (translation->recording != Recording::kSilent) {
      record(event_record(features_.security, transaction, *translation), translation->mergeable);
    }
  } else if (std::holds_alternative<AtsForbidden>(fault)) {
    record(event_record(transaction, AtsForbidden{}), false);
  } else if (const auto* unsupported = std::get_if<UnsupportedTransaction>(&fault)) {
    // 3.9.1.3
    if (transaction.address_type == AddressType::kTranslated) return;
    record(event_record(transaction, *unsupported), true);
  }
}

void ProgrammingInterface::record(const EventRecord& record, bool mergeable) {
  {
    const std::lock_guard lock(records_mutex_);
    if (pending_records_.size() < kMostPendingRecords)
      pending_records_.push_back({record, mergeable});
  }
  note(kRecords);
}

[[gnu::always_inline]] inline bool ProgrammingInterface::write_record() {
  records_mutex_.lock();
  if (pending_records_.empty()) {
    // Under the lock: a record that comes now is noted after this.
    pending_.fetch_and(~kRecords, std::memory_order_seq_cst);
    records_mutex_.unlock();
    return false;
  }
  const PendingRecord pending = pending_records_.front();
  pending_records_.pop_front();
  records_mutex_.unlock();
  const EventFate fate = events_.write_or_lose(pending.record, pending.mergeable);
  if (wires_.observer != nullptr) [[unlikely]] {
    wires_.observer->on_event(
        {.security = features_.security, .words = pending.record, .fate = fate});
  }
  return true;
}

[[gnu::always_inline]] inline std::uint32_t ProgrammingInterface::perform(std::uint32_t most) {
  // First what is owed by the past: 6.3.16, an interrupt that is disabled
  // after its cause is delivered before the disabling is acknowledged.
  if (interrupts_.waiting() && interrupts_.deliver()) return 1;
  const std::uint32_t pending = pending_.load(std::memory_order_seq_cst);
  if (pending != 0) {
    if ((pending & kUpdates) != 0 && update_one(pending)) return 1;
    if ((pending & kRecords) != 0 && write_record()) return 1;
    if ((pending & ~(kUpdates | kRecords)) != 0) {
      if ((pending & kStalls) != 0 && advance_stalls()) return 1;
      if ((pending & kPageRequests) != 0 && advance_page_requests()) return 1;
      if ((pending & kEnhancedQueues) != 0) {
        if (const std::uint32_t consumed = consume_enhanced(most)) return consumed;
      }
    }
  }
  return commands_.waiting() ? consumer_.consume(commands_, most) : 0;
}

void ProgrammingInterface::drain_all() {
  // Work noted while another thread drains is that thread's: it looks once
  // more after it has let go.
  std::uint32_t left = kMostEffectsAtOnce;
  do {
    if (draining_.exchange(true, std::memory_order_seq_cst)) return;
    while (left != 0) {
      const std::uint32_t performed = perform(left);
      if (performed == 0) break;
      left -= performed;
    }
    draining_.store(false, std::memory_order_seq_cst);
  } while (work_left() && left != 0);
}

std::uint32_t ProgrammingInterface::step(std::uint32_t most) {
  if (config_.pace != Pace::kStepped) return 0;
  if (stepping_.exchange(true, std::memory_order_acquire)) return 0;
  std::uint32_t left = most;
  while (left != 0) {
    const std::uint32_t performed = perform(left);
    if (performed == 0) break;
    left -= performed;
  }
  stepping_.store(false, std::memory_order_release);
  return most - left;
}

// The gate is of GBPA and CR0: the one is acknowledged before the other is.
bool ProgrammingInterface::update_one(std::uint32_t pending) {
  if ((pending & kGbpaUpdate) != 0) {
    take(kGbpaUpdate);
    registers_.finish_gbpa_update();
    update_gate();
    return true;
  }
  if ((pending & kInvalidateAll) != 0) {
    take(kInvalidateAll);
    invalidate_everything();
    non_secure_->invalidate_everything();
    registers_.finish_invalidation();
    return true;
  }
  if ((pending & kOperations) != 0) {
    // 6.3.37: before an Update of SMMUEN.
    take(kOperations);
    if (operations_.perform()) {
      pending_.fetch_or(kOperations, std::memory_order_seq_cst);
      if (awaited_.by(Waiter::kSecure)) secure_->note(kEnhancedQueues);
      return true;
    }
  }
  if ((pending & kCr0Update) != 0) {
    if (write_committed_record()) return true;
    take(kCr0Update);
    update_cr0();
    return true;
  }
  if ((pending & kIrqCtrlUpdate) == 0) return false;
  take(kIrqCtrlUpdate);
  registers_.set(SMMU_IRQ_CTRLACK(registers_.get<SMMU_IRQ_CTRL>().raw()));
  return true;
}

bool ProgrammingInterface::advance_stalls() {
  // What comes up while this looks is noted after it.
  take(kStalls);
  if (!stalls_->step()) return false;
  pending_.fetch_or(kStalls, std::memory_order_seq_cst);
  return true;
}

bool ProgrammingInterface::advance_page_requests() {
  take(kPageRequests);
  if (!page_requests_.step()) return false;
  pending_.fetch_or(kPageRequests, std::memory_order_seq_cst);
  return true;
}

// They and the Command queue take turns.
std::uint32_t ProgrammingInterface::consume_enhanced(std::uint32_t most) {
  take(kEnhancedQueues);
  if (enhanced_ == nullptr) return 0;
  most = std::min(most, EnhancedCommandQueues::kTurn);
  const std::uint32_t consumed = enhanced_->consume(most);
  if (consumed == 0) return 0;
  const std::uint32_t others = commands_.waiting() ? consumer_.consume(commands_, most) : 0;
  pending_.fetch_or(kEnhancedQueues, std::memory_order_seq_cst);
  return consumed + others;
}

// 6.3.9: every field of CR0 this model has takes effect at once.
void ProgrammingInterface::update_cr0() {
  const SMMU_CR0 cr0 = registers_.get<SMMU_CR0>();
  if (!cr0[SMMU_CR0::CMDQEN]) {
    consumer_.abandon_sync(commands_);
  } else if (!registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::CMDQEN]) {
    commands_.enable();
  }
  if (cr0[SMMU_CR0::EVENTQEN] && !registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::EVENTQEN]) {
    events_.enable();
  }
  if (!cr0[SMMU_CR0::PRIQEN] || !cr0[SMMU_CR0::SMMUEN]) page_requests_.finish();
  if (cr0[SMMU_CR0::PRIQEN] && !registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::PRIQEN]) {
    page_requests_.enable();
  }
  if (stalls_ != nullptr) {
    if (cr0[SMMU_CR0::SMMUEN]) {
      stalls_->open();
    } else {
      stalls_->close();
    }
  }
  if (non_secure_ != nullptr) {
    non_secure_->forbid_stalls(SMMU_S_CR0ACK(cr0.raw())[SMMU_S_CR0ACK::NSSTALLD]);
  }
  // 6.3.37: one about a Non-secure stream may not have been begun.
  if (!cr0[SMMU_CR0::SMMUEN]) operations_.abandon();
  registers_.set(SMMU_CR0ACK(cr0.raw()));
  update_gate();
  look_at_stalls();
}

void ProgrammingInterface::update_gate() {
  if (registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN]) {
    tcu_.set_gate(Tcu::Gate::kTranslate);
    return;
  }
  const auto gbpa = registers_.get<SMMU_GBPA>();
  if (gbpa[SMMU_GBPA::ABORT]) {
    tcu_.set_gate(Tcu::Gate::kAbort);
  } else if (non_secure_ != nullptr) {
    Overrides overrides = overrides_of(features_, SMMU_S_GBPA(gbpa.raw()));
    overrides.secure_fetches_only = secure_fetches_only();
    tcu_.set_gate(Tcu::Gate::kOverride, overrides);
  } else {
    // PRIVCFG and INSTCFG show nowhere: nothing is checked.
    const Overrides overrides = overrides_of(features_, gbpa);
    tcu_.set_gate(overrides.of_types() ? Tcu::Gate::kOverride : Tcu::Gate::kBypass, overrides);
  }
}

bool ProgrammingInterface::secure_fetches_only() const {
  return non_secure_ != nullptr &&
         SMMU_S_CR0ACK(registers_.get<SMMU_CR0ACK>().raw())[SMMU_S_CR0ACK::SIF];
}

// 6.3.62, SMMU_S_INIT.
void ProgrammingInterface::invalidate_everything() {
  tcu_.invalidate(ConfigurationInvalidation{.first = StreamId(0),
                                            .last = StreamId(~std::uint32_t{0}),
                                            .contexts_only = false,
                                            .substream = std::nullopt,
                                            .upper_levels = true});
  for (const StreamWorld world :
       {features_.el1(), features_.el2(false), features_.el2(true), StreamWorld::kEl3}) {
    tcu_.invalidate(TlbInvalidation{.world = world, .input = std::nullopt});
  }
  tcu_.synchronize();
}

// 6.3.57.1, SMMU_S_CR0.NSSTALLD.
void ProgrammingInterface::forbid_stalls(bool forbidden) {
  features_.stalls_forbidden.store(forbidden, std::memory_order_relaxed);
  registers_.set(
      registers_.get<v3::SMMU_IDR0>().set(v3::SMMU_IDR0::STALL_MODEL, features_.stall_model()));
}

// 7.2.1: what came while the queue was enabled is in it before its disabling
// is acknowledged, and what came while it was disabled is lost before its
// enabling is.  More may come meanwhile, and finds the queue as it is then.
bool ProgrammingInterface::write_committed_record() {
  if (registers_.get<SMMU_CR0>()[SMMU_CR0::EVENTQEN] !=
      registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::EVENTQEN]) {
    if (!committed_) {
      const std::lock_guard lock(records_mutex_);
      committed_ = pending_records_.size();
    }
    if (*committed_ != 0 && write_record()) {
      --*committed_;
      return true;
    }
  }
  committed_.reset();
  return false;
}

}  // namespace smmu::emulator
