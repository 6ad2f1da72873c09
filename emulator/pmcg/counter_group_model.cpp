#include "emulator/pmcg/counter_group_model.h"

#include <array>
#include <bit>
#include <mutex>

#include "emulator/pmcg/counter_filter.h"
#include "emulator/walk/regime.h"

namespace smmu::emulator {

using v3::MonitorEvent;
using v3::SMMU_PMCG_AIDR;
using v3::SMMU_PMCG_CEID0;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_CR;
using v3::SMMU_PMCG_EVTYPERn;
using v3::SMMU_PMCG_IRQ_CFG0;
using v3::SMMU_PMCG_IRQ_CFG1;
using v3::SMMU_PMCG_IRQ_CTRL;
using v3::SMMU_PMCG_IRQ_CTRLACK;
using v3::SMMU_PMCG_IRQ_STATUS;
using v3::SMMU_PMCG_SCR;

namespace {

// 10.3.  Without steps there is no clock.
SMMU_PMCG_CEID0 events_of(const SmmuV3Config& smmu) {
  const auto bit = [](MonitorEvent event) {
    return std::uint64_t{1} << static_cast<unsigned>(event);
  };
  std::uint64_t events = bit(MonitorEvent::kTransaction) | bit(MonitorEvent::kTlbMiss) |
                         bit(MonitorEvent::kConfigurationCacheMiss) |
                         bit(MonitorEvent::kTableWalkAccess) |
                         bit(MonitorEvent::kConfigurationAccess);
  if (smmu.pace == Pace::kStepped) events |= bit(MonitorEvent::kClockCycle);
  if (smmu.idr0[v3::SMMU_IDR0::ATS]) {
    events |= bit(MonitorEvent::kAtsTranslationRequest) | bit(MonitorEvent::kAtsTranslated);
  }
  return SMMU_PMCG_CEID0(events);
}

// Calls visit(n) for each bit that is set.
template <class Visit>
void for_each(std::uint64_t bits, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<std::size_t>(std::countr_zero(bits)));
}

}  // namespace

CounterGroupModel::CounterGroupModel(const CounterGroupConfig& config, const SmmuV3Config& smmu,
                                     const PhysicalSpaces& spaces, InterruptLine* line)
    : config_(config),
      spaces_(spaces),
      line_(line),
      registers_(config_, events_of(smmu), address_bits(smmu.idr5[v3::SMMU_IDR5::OAS])),
      smmu_steps_(smmu.pace == Pace::kStepped),
      draining_(smmu_steps_) {
  registers_.reset(state_);
}

void CounterGroupModel::reset() {
  const std::lock_guard lock(mutex_);
  registers_.reset(state_);
  pending_.store(0, std::memory_order_seq_cst);
  look_for_wanted();
}

std::uint32_t CounterGroupModel::read32(SecurityState by, std::uint32_t offset) {
  if (offset % 4 != 0) return 0;
  const std::lock_guard lock(mutex_);
  return registers_.read(state_, by, offset);
}

std::uint64_t CounterGroupModel::read64(SecurityState by, std::uint32_t offset) {
  if (offset % 8 != 0) return 0;
  const std::lock_guard lock(mutex_);
  return std::uint64_t{registers_.read(state_, by, offset + 4)} << 32 |
         registers_.read(state_, by, offset);
}

void CounterGroupModel::write32(SecurityState by, std::uint32_t offset, std::uint32_t value) {
  if (offset % 4 != 0) return;
  {
    const std::lock_guard lock(mutex_);
    registers_.write(state_, by, offset, value);
    follow_up_write();
  }
  drain();
}

void CounterGroupModel::write64(SecurityState by, std::uint32_t offset, std::uint64_t value) {
  if (offset % 8 != 0) return;
  {
    const std::lock_guard lock(mutex_);
    registers_.write(state_, by, offset, static_cast<std::uint32_t>(value));
    registers_.write(state_, by, offset + 4, static_cast<std::uint32_t>(value >> 32));
    follow_up_write();
  }
  drain();
}

void CounterGroupModel::follow_up_write() {
  look_for_wanted();
  note(pending_updates());
}

void CounterGroupModel::look_for_wanted() {
  std::uint32_t wanted = 0;
  if (state_.cr[SMMU_PMCG_CR::E]) {
    for_each(state_.enabled, [&](std::size_t n) {
      const auto event = static_cast<unsigned>(state_.types[n][SMMU_PMCG_EVTYPERn::EVENT]);
      if (event < 32) wanted |= std::uint32_t{1} << event;
    });
  }
  wanted &= static_cast<std::uint32_t>(registers_.events().raw());
  wanted_.store(wanted, std::memory_order_release);
}

bool CounterGroupModel::observes_secure() const {
  return config_.secure_state && state_.scr[SMMU_PMCG_SCR::SO];
}

void CounterGroupModel::count(MonitorEvent event, StreamId stream, SecurityState security) {
  if (!wanted(event) || !observes(config_, stream, security)) return;
  const bool one_filter = config_.cfgr[SMMU_PMCG_CFGR::SID_FILTER_TYPE];
  add(event, 1, [&](std::size_t n) {
    const std::size_t filter = one_filter ? 0 : n;
    return admits(config_, state_.types[filter], state_.filters[filter], observes_secure(), stream,
                  security);
  });
}

void CounterGroupModel::count_cycles(std::uint32_t cycles) {
  if (!wanted(MonitorEvent::kClockCycle)) return;
  add(MonitorEvent::kClockCycle, cycles, [](std::size_t) { return true; });
}

// `admits(n)`: whether the filter of counter n does.
template <class Admits>
void CounterGroupModel::add(MonitorEvent event, std::uint32_t amount, Admits&& admits) {
  {
    const std::lock_guard lock(mutex_);
    if (!state_.cr[SMMU_PMCG_CR::E]) return;
    std::uint64_t overflown = 0;
    for_each(state_.enabled, [&](std::size_t n) {
      if (state_.types[n][SMMU_PMCG_EVTYPERn::EVENT] != event || !admits(n)) return;
      std::uint64_t& counter = state_.counters[n];
      const std::uint64_t before = counter;
      counter = (before + amount) & registers_.counter_mask();
      if (counter < before) overflown |= std::uint64_t{1} << n;
    });
    if (overflown != 0) overflow(overflown);
  }
  drain();
}

// 10.2.1: an overflow has its effects whatever SMMU_PMCG_OVSSET0 said before.
void CounterGroupModel::overflow(std::uint64_t counters) {
  state_.overflown |= counters;
  bool captures = false;
  for_each(counters,
           [&](std::size_t n) { captures |= state_.types[n][SMMU_PMCG_EVTYPERn::OVFCAP]; });
  if (captures) state_.capture();
  if ((counters & state_.interrupting) != 0 && state_.irq_ctrlack[SMMU_PMCG_IRQ_CTRLACK::IRQEN]) {
    note(kInterrupt);
  }
}

void CounterGroupModel::drain_all() {
  std::uint32_t left = kMostEffectsAtOnce;
  do {
    if (draining_.exchange(true, std::memory_order_seq_cst)) return;
    while (left != 0 && perform()) --left;
    draining_.store(false, std::memory_order_seq_cst);
  } while (pending_.load(std::memory_order_seq_cst) != 0 && left != 0);
}

bool CounterGroupModel::step() {
  if (stepping_.exchange(true, std::memory_order_acquire)) return false;
  const bool performed = perform();
  stepping_.store(false, std::memory_order_release);
  return performed;
}

// 10.5.2.19: an interrupt is delivered before its disabling is acknowledged.
bool CounterGroupModel::perform() {
  const std::uint32_t pending = pending_.load(std::memory_order_seq_cst);
  if (pending == 0) return false;
  const std::uint32_t next = pending & -pending;
  pending_.fetch_and(~next, std::memory_order_seq_cst);
  if (next == kInterrupt) {
    deliver();
  } else {
    update_irq_ctrl();
  }
  return true;
}

void CounterGroupModel::update_irq_ctrl() {
  const std::lock_guard lock(mutex_);
  const bool enables = state_.irq_ctrl[SMMU_PMCG_IRQ_CTRL::IRQEN];
  if (enables && !state_.irq_ctrlack[SMMU_PMCG_IRQ_CTRLACK::IRQEN]) {
    state_.irq_status.set(SMMU_PMCG_IRQ_STATUS::IRQ_ABT, false);
  }
  state_.irq_ctrlack.set(SMMU_PMCG_IRQ_CTRLACK::IRQEN, enables);
}

void CounterGroupModel::deliver() {
  SecurityState space = SecurityState::kNonSecure;
  std::uint64_t address = 0;
  std::uint32_t data = 0;
  {
    const std::lock_guard lock(mutex_);
    // One that came while another thread disabled it.
    if (!state_.irq_ctrlack[SMMU_PMCG_IRQ_CTRLACK::IRQEN]) return;
    // 10.6
    if (config_.secure_state && !state_.scr[SMMU_PMCG_SCR::NSMSI] &&
        !state_.scr[SMMU_PMCG_SCR::NSRA]) {
      space = SecurityState::kSecure;
    }
    address = state_.irq_cfg0[SMMU_PMCG_IRQ_CFG0::ADDR];
    data = state_.irq_cfg1[SMMU_PMCG_IRQ_CFG1::DATA];
  }
  if (line_ != nullptr) line_->pulse();
  if (address == 0) return;
  std::array<std::byte, 4> bytes{};
  for (unsigned i = 0; i != bytes.size(); ++i) bytes[i] = static_cast<std::byte>(data >> 8 * i);
  if (spaces_[space].write(Pa(address), bytes) == BusResponse::kOkay) return;
  // 10.5.2.24: which an SMMUv3.0 has not.
  if (config_.aidr[SMMU_PMCG_AIDR::ArchMinorRev] == 0) return;
  const std::lock_guard lock(mutex_);
  state_.irq_status.set(SMMU_PMCG_IRQ_STATUS::IRQ_ABT, true);
}

}  // namespace smmu::emulator
