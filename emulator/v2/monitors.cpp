#include "emulator/v2/monitors.h"

#include <algorithm>

namespace smmu::emulator {

using v2::CounterFilter;
using v2::MonitorEvent;
using v2::SMMU_CBn_PMAUTHSTATUS;
using v2::SMMU_CBn_PMCEID0;
using v2::SMMU_CBn_PMCFGR;
using v2::SMMU_CBn_PMCNTENCLR;
using v2::SMMU_CBn_PMCNTENSET;
using v2::SMMU_CBn_PMCR;
using v2::SMMU_CBn_PMEVCNTRm;
using v2::SMMU_CBn_PMEVTYPERm;
using v2::SMMU_CBn_PMINTENCLR;
using v2::SMMU_CBn_PMINTENSET;
using v2::SMMU_CBn_PMOVSCLR;
using v2::SMMU_CBn_PMOVSSET;
using v2::SMMU_PMAUTHSTATUS;
using v2::SMMU_PMCEID0;
using v2::SMMU_PMCEID1;
using v2::SMMU_PMCFGR;
using v2::SMMU_PMCGCRn;
using v2::SMMU_PMCGSMRn;
using v2::SMMU_PMCNTENCLRn;
using v2::SMMU_PMCNTENSETn;
using v2::SMMU_PMCR;
using v2::SMMU_PMDEVTYPE;
using v2::SMMU_PMEVCNTRn;
using v2::SMMU_PMEVTYPERn;
using v2::SMMU_PMINTENCLRn;
using v2::SMMU_PMINTENSETn;
using v2::SMMU_PMOVSCLRn;
using v2::SMMU_PMOVSSETn;

namespace {

// Nobody debugs an SMMU that cannot be seen into otherwise: all is permitted.
constexpr std::uint32_t kAuthentication = 0xff;
constexpr std::uint32_t kDeviceType = 0x56;

// The number of one of several registers alike.
template <class R>
std::optional<std::size_t> number_of(std::uint32_t offset, std::size_t count) {
  if (offset < R::offset(0) || offset >= R::offset(static_cast<std::uint32_t>(count))) {
    return std::nullopt;
  }
  return (offset - R::offset(0)) / 4;
}

std::size_t words(std::size_t counters) { return (counters + 31) / 32; }

}  // namespace

Monitors::Monitors(const SmmuV2Config& config) : config_(config) {
  if (config.pmcfgr.raw() != 0) {
    groups_.resize(config.pmcfgr[SMMU_PMCFGR::NCG] + 1);
    counters_.resize(config.pmcfgr[SMMU_PMCFGR::N] + 1);
  }
  reset();
}

void Monitors::reset() {
  control_ = {};
  cycles_ = 0;
  std::ranges::fill(counters_, Counter{});
  for (std::size_t i = 0; i != groups_.size(); ++i) {
    groups_[i] = {};
    groups_[i].control = SMMU_PMCGCRn().set(SMMU_PMCGCRn::CGNC, static_cast<unsigned>(per_group()));
    if (config_.counted_stream_bits < 16) {
      groups_[i].control.set(SMMU_PMCGCRn::SIDG, static_cast<unsigned>(i) & 0x7f);
    }
  }
}

bool& Monitors::bit_of(Counter& counter, Bits which) {
  switch (which) {
    case Bits::kEnable:
      return counter.enabled;
    case Bits::kInterrupt:
      return counter.interrupts;
    case Bits::kOverflow:
      break;
  }
  return counter.overflown;
}

std::uint32_t Monitors::read_bits(Bits which, std::size_t first, std::size_t count) const {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i != std::min<std::size_t>(count, 32); ++i) {
    Counter counter = counters_[first + i];
    if (bit_of(counter, which)) bits |= 1U << i;
  }
  return bits;
}

void Monitors::write_bits(Bits which, std::size_t first, std::size_t count, std::uint32_t bits,
                          bool set) {
  for (std::size_t i = 0; i != std::min<std::size_t>(count, 32); ++i) {
    if ((bits >> i & 1) != 0) bit_of(counters_[first + i], which) = set;
  }
}

void Monitors::reset_counters(std::size_t first, std::size_t count) {
  for (std::size_t i = 0; i != count; ++i) counters_[first + i].value = 0;
}

Access32 Monitors::read32(std::uint32_t offset, std::uint32_t& value) const {
  value = 0;
  if (groups_.empty()) return Access32::kIllegal;
  const std::size_t count = counters_.size();
  if (const auto n = number_of<SMMU_PMEVCNTRn>(offset, count)) {
    value = counters_[*n].value;
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMEVTYPERn>(offset, count)) {
    value = counters_[*n].type.raw();
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMCGCRn>(offset, groups_.size())) {
    value = groups_[*n].control.raw();
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMCGSMRn>(offset, groups_.size())) {
    value = groups_[*n].match.raw();
    return Access32::kDone;
  }
  const auto bits = [&](Bits which, std::optional<std::size_t> set,
                        std::optional<std::size_t> clear) {
    const auto n = set ? set : clear;
    if (!n) return false;
    value = read_bits(which, 32 * *n, count - 32 * *n);
    return true;
  };
  if (bits(Bits::kEnable, number_of<SMMU_PMCNTENSETn>(offset, words(count)),
           number_of<SMMU_PMCNTENCLRn>(offset, words(count))) ||
      bits(Bits::kInterrupt, number_of<SMMU_PMINTENSETn>(offset, words(count)),
           number_of<SMMU_PMINTENCLRn>(offset, words(count))) ||
      bits(Bits::kOverflow, number_of<SMMU_PMOVSCLRn>(offset, words(count)),
           number_of<SMMU_PMOVSSETn>(offset, words(count)))) {
    return Access32::kDone;
  }
  switch (offset) {
    case SMMU_PMCFGR::kOffset:
      value = config_.pmcfgr.raw();
      return Access32::kDone;
    case SMMU_PMCR::kOffset:
      value = control_.raw();
      return Access32::kDone;
    case SMMU_PMCEID0::kOffset:
      value = config_.pmceid0;
      return Access32::kDone;
    case SMMU_PMCEID1::kOffset:
      return Access32::kDone;
    case SMMU_PMAUTHSTATUS::kOffset:
      value = kAuthentication;
      return Access32::kDone;
    case SMMU_PMDEVTYPE::kOffset:
      value = kDeviceType;
      return Access32::kDone;
    default:
      return Access32::kIllegal;
  }
}

Access32 Monitors::write32(std::uint32_t offset, std::uint32_t value, RegisterEffects& effects) {
  if (groups_.empty()) return Access32::kIllegal;
  const std::size_t count = counters_.size();
  effects.monitors = effects.lines = true;
  if (const auto n = number_of<SMMU_PMEVCNTRn>(offset, count)) {
    counters_[*n].value = value;
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMEVTYPERn>(offset, count)) {
    // Of the event it keeps five bits.
    constexpr std::uint64_t kKept =
        (named_bits<SMMU_PMEVTYPERn>() & ~decltype(SMMU_PMEVTYPERn::EVENT)::kMask) | mask(4, 0);
    counters_[*n].type = SMMU_PMEVTYPERn(static_cast<std::uint32_t>(value & kKept));
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMCGCRn>(offset, groups_.size())) {
    const SMMU_PMCGCRn written(value);
    groups_[*n]
        .control.set(SMMU_PMCGCRn::NDX, written[SMMU_PMCGCRn::NDX])
        .set(SMMU_PMCGCRn::TCEFCFG, written[SMMU_PMCGCRn::TCEFCFG])
        .set(SMMU_PMCGCRn::CBAEN, written[SMMU_PMCGCRn::CBAEN])
        .set(SMMU_PMCGCRn::E, written[SMMU_PMCGCRn::E])
        .set(SMMU_PMCGCRn::X, written[SMMU_PMCGCRn::X] && config_.pmcfgr[SMMU_PMCFGR::EX]);
    return Access32::kDone;
  }
  if (const auto n = number_of<SMMU_PMCGSMRn>(offset, groups_.size())) {
    groups_[*n].match =
        SMMU_PMCGSMRn(static_cast<std::uint32_t>(value & named_bits<SMMU_PMCGSMRn>()));
    return Access32::kDone;
  }
  const auto bits = [&](Bits which, std::optional<std::size_t> n, bool set) {
    if (n) write_bits(which, 32 * *n, count - 32 * *n, value, set);
    return n.has_value();
  };
  const std::size_t all = words(count);
  if (bits(Bits::kEnable, number_of<SMMU_PMCNTENSETn>(offset, all), true) ||
      bits(Bits::kEnable, number_of<SMMU_PMCNTENCLRn>(offset, all), false) ||
      bits(Bits::kInterrupt, number_of<SMMU_PMINTENSETn>(offset, all), true) ||
      bits(Bits::kInterrupt, number_of<SMMU_PMINTENCLRn>(offset, all), false) ||
      bits(Bits::kOverflow, number_of<SMMU_PMOVSSETn>(offset, all), true) ||
      bits(Bits::kOverflow, number_of<SMMU_PMOVSCLRn>(offset, all), false)) {
    return Access32::kDone;
  }
  if (offset == SMMU_PMCR::kOffset) {
    const SMMU_PMCR written(value);
    if (written[SMMU_PMCR::P]) reset_counters(0, count);
    control_.set(SMMU_PMCR::E, written[SMMU_PMCR::E])
        .set(SMMU_PMCR::X, written[SMMU_PMCR::X] && config_.pmcfgr[SMMU_PMCFGR::EX]);
    return Access32::kDone;
  }
  std::uint32_t unused = 0;
  return read32(offset, unused);
}

std::optional<std::size_t> Monitors::group_of_bank(std::uint32_t bank) const {
  for (std::size_t i = 0; i != groups_.size(); ++i) {
    const SMMU_PMCGCRn control = groups_[i].control;
    if (control[SMMU_PMCGCRn::CBAEN] && control[SMMU_PMCGCRn::NDX] == bank) return i;
  }
  return std::nullopt;
}

// The view that a bank has of the group it was given: the same registers, for its
// counters alone.
Access32 Monitors::read32_of_bank(std::uint32_t bank, std::uint32_t offset,
                                  std::uint32_t& value) const {
  const auto group = group_of_bank(bank);
  if (!group) return Access32::kIllegal;
  const std::size_t count = per_group();
  const std::size_t first = *group * count;
  if (const auto m = number_of<SMMU_CBn_PMEVCNTRm>(offset, count)) {
    value = counters_[first + *m].value;
    return Access32::kDone;
  }
  if (const auto m = number_of<SMMU_CBn_PMEVTYPERm>(offset, count)) {
    value = counters_[first + *m].type.raw();
    return Access32::kDone;
  }
  switch (offset) {
    case SMMU_CBn_PMCFGR::kOffset:
      value = SMMU_CBn_PMCFGR(config_.pmcfgr.raw())
                  .set(SMMU_CBn_PMCFGR::NCG, 0)
                  .set(SMMU_CBn_PMCFGR::N, static_cast<unsigned>(count) - 1)
                  .raw();
      return Access32::kDone;
    case SMMU_CBn_PMCR::kOffset:
      value = SMMU_CBn_PMCR()
                  .set(SMMU_CBn_PMCR::E, groups_[*group].control[SMMU_PMCGCRn::E])
                  .set(SMMU_CBn_PMCR::X, groups_[*group].control[SMMU_PMCGCRn::X])
                  .raw();
      return Access32::kDone;
    case SMMU_CBn_PMCEID0::kOffset:
      value = config_.pmceid0;
      return Access32::kDone;
    case v2::SMMU_CBn_PMCEID1::kOffset:
      value = 0;
      return Access32::kDone;
    case SMMU_CBn_PMCNTENSET::kOffset:
    case SMMU_CBn_PMCNTENCLR::kOffset:
      value = read_bits(Bits::kEnable, first, count);
      return Access32::kDone;
    case SMMU_CBn_PMINTENSET::kOffset:
    case SMMU_CBn_PMINTENCLR::kOffset:
      value = read_bits(Bits::kInterrupt, first, count);
      return Access32::kDone;
    case SMMU_CBn_PMOVSCLR::kOffset:
    case SMMU_CBn_PMOVSSET::kOffset:
      value = read_bits(Bits::kOverflow, first, count);
      return Access32::kDone;
    case SMMU_CBn_PMAUTHSTATUS::kOffset:
      value = kAuthentication;
      return Access32::kDone;
    default:
      return Access32::kIllegal;
  }
}

Access32 Monitors::write32_of_bank(std::uint32_t bank, std::uint32_t offset, std::uint32_t value,
                                   RegisterEffects& effects) {
  const auto group = group_of_bank(bank);
  if (!group) return Access32::kIllegal;
  const std::size_t count = per_group();
  const std::size_t first = *group * count;
  std::uint32_t unused = 0;
  if (read32_of_bank(bank, offset, unused) == Access32::kIllegal) return Access32::kIllegal;
  effects.monitors = effects.lines = true;
  if (const auto m = number_of<SMMU_CBn_PMEVCNTRm>(offset, count)) {
    counters_[first + *m].value = value;
    return Access32::kDone;
  }
  if (const auto m = number_of<SMMU_CBn_PMEVTYPERm>(offset, count)) {
    return write32(SMMU_PMEVTYPERn::offset(static_cast<std::uint32_t>(first + *m)), value, effects);
  }
  switch (offset) {
    case SMMU_CBn_PMCR::kOffset: {
      const SMMU_CBn_PMCR written(value);
      if (written[SMMU_CBn_PMCR::P]) reset_counters(first, count);
      groups_[*group].control.set(SMMU_PMCGCRn::E, written[SMMU_CBn_PMCR::E]);
      break;
    }
    case SMMU_CBn_PMCNTENSET::kOffset:
      write_bits(Bits::kEnable, first, count, value, true);
      break;
    case SMMU_CBn_PMCNTENCLR::kOffset:
      write_bits(Bits::kEnable, first, count, value, false);
      break;
    case SMMU_CBn_PMINTENSET::kOffset:
      write_bits(Bits::kInterrupt, first, count, value, true);
      break;
    case SMMU_CBn_PMINTENCLR::kOffset:
      write_bits(Bits::kInterrupt, first, count, value, false);
      break;
    case SMMU_CBn_PMOVSSET::kOffset:
      write_bits(Bits::kOverflow, first, count, value, true);
      break;
    case SMMU_CBn_PMOVSCLR::kOffset:
      write_bits(Bits::kOverflow, first, count, value, false);
      break;
    default:
      break;
  }
  return Access32::kDone;
}

bool Monitors::counting() const {
  if (!control_[SMMU_PMCR::E]) return false;
  for (std::size_t i = 0; i != counters_.size(); ++i) {
    if (counters_[i].enabled && groups_[i / per_group()].control[SMMU_PMCGCRn::E]) return true;
  }
  return false;
}

bool Monitors::counts(std::size_t group, const Transaction& transaction, ContextBanks banks) const {
  const SMMU_PMCGCRn control = groups_[group].control;
  if (!control[SMMU_PMCGCRn::E]) return false;
  const std::uint32_t stream = transaction.stream.value & 0xffff;
  if (config_.counted_stream_bits < 16 &&
      stream >> config_.counted_stream_bits != control[SMMU_PMCGCRn::SIDG]) {
    return false;
  }
  switch (control[SMMU_PMCGCRn::TCEFCFG]) {
    case CounterFilter::kStream: {
      const SMMU_PMCGSMRn match = groups_[group].match;
      return ((stream ^ match[SMMU_PMCGSMRn::ID]) & ~match[SMMU_PMCGSMRn::MASK]) == 0;
    }
    case CounterFilter::kContextBank: {
      const std::uint32_t bank = control[SMMU_PMCGCRn::NDX];
      return banks.stage1 == bank || banks.stage2 == bank;
    }
    case CounterFilter::kNone:
      break;
  }
  return true;
}

// P and U leave out Secure transactions, by privilege; NSP and NSU, where they
// differ from those, Non-secure ones.
bool Monitors::counts(const Counter& counter, const Transaction& transaction, bool secure_counted) {
  const bool privileged = transaction.privilege == Privilege::kPrivileged;
  const bool left_out =
      privileged ? counter.type[SMMU_PMEVTYPERn::P] : counter.type[SMMU_PMEVTYPERn::U];
  if (transaction.security == SecurityState::kSecure) return secure_counted && !left_out;
  const bool other =
      privileged ? counter.type[SMMU_PMEVTYPERn::NSP] : counter.type[SMMU_PMEVTYPERn::NSU];
  return left_out == other;
}

bool Monitors::add(Counter& counter, std::uint64_t events) {
  const std::uint64_t sum = std::uint64_t{counter.value} + events;
  counter.value = static_cast<std::uint32_t>(sum);
  if (sum >> 32 == 0) return false;
  counter.overflown = true;
  return true;
}

bool Monitors::count(const Transaction& transaction, ContextBanks banks, bool refilled,
                     bool secure_counted) {
  if (!control_[SMMU_PMCR::E]) return false;
  const bool write = transaction.direction == Direction::kWrite;
  bool overflown = false;
  for (std::size_t i = 0; i != counters_.size(); ++i) {
    Counter& counter = counters_[i];
    if (!counter.enabled || !counts(i / per_group(), transaction, banks) ||
        !counts(counter, transaction, secure_counted)) {
      continue;
    }
    bool happened = false;
    switch (counter.type[SMMU_PMEVTYPERn::EVENT]) {
      case MonitorEvent::kAccess:
        happened = true;
        break;
      case MonitorEvent::kRead:
        happened = !write;
        break;
      case MonitorEvent::kWrite:
        happened = write;
        break;
      case MonitorEvent::kTlbRefill:
        happened = refilled;
        break;
      case MonitorEvent::kTlbRefillOfRead:
        happened = refilled && !write;
        break;
      case MonitorEvent::kTlbRefillOfWrite:
        happened = refilled && write;
        break;
      case MonitorEvent::kClockCycle:
      case MonitorEvent::kClockCycleBy64:
        break;
    }
    if (happened && add(counter, 1)) overflown = true;
  }
  return overflown;
}

bool Monitors::count_cycles(std::uint64_t cycles) {
  if (!counting()) return false;
  const std::uint64_t before = cycles_ / 64;
  cycles_ += cycles;
  const std::uint64_t by_64 = cycles_ / 64 - before;
  bool overflown = false;
  for (std::size_t i = 0; i != counters_.size(); ++i) {
    Counter& counter = counters_[i];
    if (!counter.enabled || !groups_[i / per_group()].control[SMMU_PMCGCRn::E]) continue;
    const auto event = counter.type[SMMU_PMEVTYPERn::EVENT];
    if (event == MonitorEvent::kClockCycle && add(counter, cycles)) overflown = true;
    if (event == MonitorEvent::kClockCycleBy64 && add(counter, by_64)) overflown = true;
  }
  return overflown;
}

std::vector<bool> Monitors::interrupts() const {
  std::vector<bool> result(groups_.size());
  for (std::size_t i = 0; i != counters_.size(); ++i) {
    if (counters_[i].overflown && counters_[i].interrupts) result[i / per_group()] = true;
  }
  return result;
}

}  // namespace smmu::emulator
