#include "emulator/pmcg/counter_registers.h"

#include <optional>

#include "smmu/arch/bits.h"

namespace smmu::emulator {

using v3::SMMU_PMCG_AIDR;
using v3::SMMU_PMCG_CAPR;
using v3::SMMU_PMCG_CEID0;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_CNTENCLR0;
using v3::SMMU_PMCG_CNTENSET0;
using v3::SMMU_PMCG_CR;
using v3::SMMU_PMCG_EVCNTRn_32;
using v3::SMMU_PMCG_EVTYPERn;
using v3::SMMU_PMCG_IIDR;
using v3::SMMU_PMCG_INTENCLR0;
using v3::SMMU_PMCG_INTENSET0;
using v3::SMMU_PMCG_IRQ_CFG0;
using v3::SMMU_PMCG_IRQ_CFG1;
using v3::SMMU_PMCG_IRQ_CFG2;
using v3::SMMU_PMCG_IRQ_CTRL;
using v3::SMMU_PMCG_IRQ_CTRLACK;
using v3::SMMU_PMCG_IRQ_STATUS;
using v3::SMMU_PMCG_OVSCLR0;
using v3::SMMU_PMCG_OVSSET0;
using v3::SMMU_PMCG_SCR;
using v3::SMMU_PMCG_SMRn;
using v3::SMMU_PMCG_SVRn_32;

namespace {

constexpr std::uint32_t kPageSize = 0x1000;
constexpr std::uint32_t kIdBlock = 0xFB0;
// How far the arrays of counters and shadows reach.
constexpr std::uint32_t kCountersSize = 0x200;

// One of the two words of a 64-bit register.
constexpr bool is_upper(std::uint32_t offset) { return offset % 8 != 0; }
constexpr std::uint32_t word(std::uint64_t value, bool upper) {
  return static_cast<std::uint32_t>(upper ? value >> 32 : value);
}
constexpr std::uint64_t widen(std::uint32_t value, bool upper) {
  return upper ? std::uint64_t{value} << 32 : value;
}
constexpr void replace(std::uint64_t& value, bool upper, std::uint32_t with) {
  value = (value & widen(~std::uint32_t{0}, !upper)) | widen(with, upper);
}
// Whether it is a word of that register.
template <class R>
constexpr bool in(std::uint32_t offset) {
  return offset - R::kOffset < sizeof(typename R::Value);
}

// A word of an array.
struct Element {
  std::size_t n;
  bool upper;
};

template <class Field>
constexpr std::uint32_t bits_of(Field) {
  return static_cast<std::uint32_t>(Field::kMask);
}

}  // namespace

CounterRegisters::CounterRegisters(const CounterGroupConfig& config, SMMU_PMCG_CEID0 events,
                                   unsigned output_bits)
    : config_(config),
      events_(events),
      count_(std::size_t{config.cfgr[SMMU_PMCG_CFGR::NCTR]} + 1),
      counter_mask_(mask(static_cast<unsigned>(config.cfgr[SMMU_PMCG_CFGR::SIZE]), 0)),
      all_counters_(mask(config.cfgr[SMMU_PMCG_CFGR::NCTR], 0)),
      message_addresses_(named_bits<SMMU_PMCG_IRQ_CFG0>() & mask(output_bits - 1, 0)) {}

void CounterRegisters::reset(CounterGroupState& state) const {
  state = {};
  if (!config_.secure_state) return;
  state.scr.set(SMMU_PMCG_SCR::READS_AS_ONE, true)
      .set(SMMU_PMCG_SCR::NSMSI, config_.cfgr[SMMU_PMCG_CFGR::MSI])
      .set(SMMU_PMCG_SCR::NSRA, true);
}

// 10.6
bool CounterRegisters::hidden(const CounterGroupState& state, SecurityState by) const {
  return config_.secure_state && by == SecurityState::kNonSecure && !state.scr[SMMU_PMCG_SCR::NSRA];
}

bool CounterRegisters::has_counters(std::uint32_t offset) const {
  const std::uint32_t page = config_.cfgr[SMMU_PMCG_CFGR::RELOC_CTRS] ? kPage1 : 0;
  return offset - page < kPageSize;
}

bool CounterRegisters::has_controls(std::uint32_t offset) const { return offset < kPageSize; }

// 10.4: whether the filter of counter n is there.
bool CounterRegisters::filters(std::size_t n) const {
  return n == 0 || !config_.cfgr[SMMU_PMCG_CFGR::SID_FILTER_TYPE];
}

std::uint32_t CounterRegisters::type_mask(std::size_t n) const {
  std::uint32_t writable = bits_of(SMMU_PMCG_EVTYPERn::EVENT);
  if (config_.cfgr[SMMU_PMCG_CFGR::CAPTURE]) writable |= bits_of(SMMU_PMCG_EVTYPERn::OVFCAP);
  if (filters(n)) {
    writable |= bits_of(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN);
    if (config_.secure_state) writable |= bits_of(SMMU_PMCG_EVTYPERn::FILTER_SEC_SID);
  }
  return writable;
}

std::uint32_t CounterRegisters::filter_mask(std::size_t n) const {
  const std::uint64_t streams = (std::uint64_t{1} << config_.stream_bits) - 1;
  return filters(n) ? static_cast<std::uint32_t>(streams) : 0;
}

bool CounterRegisters::has(const CounterGroupState& state) const {
  const SMMU_PMCG_CFGR cfgr = config_.cfgr;
  const std::uint64_t shadow_mask = cfgr[SMMU_PMCG_CFGR::CAPTURE] ? counter_mask_ : 0;
  for (std::size_t n = 0; n != CounterGroupState::kMostCounters; ++n) {
    const bool there = n < count_;
    if ((state.counters[n] & ~(there ? counter_mask_ : 0)) != 0 ||
        (state.shadows[n] & ~(there ? shadow_mask : 0)) != 0 ||
        (state.types[n].raw() & ~(there ? type_mask(n) : 0)) != 0 ||
        (state.filters[n].raw() & ~(there ? filter_mask(n) : 0)) != 0) {
      return false;
    }
  }
  CounterGroupState fresh;
  reset(fresh);
  const bool msi = cfgr[SMMU_PMCG_CFGR::MSI];
  const auto is_among = [](std::uint64_t value, std::uint64_t bits) {
    return (value & ~bits) == 0;
  };
  const std::uint64_t scr_bits = config_.secure_state
                                     ? bits_of(SMMU_PMCG_SCR::SO) | bits_of(SMMU_PMCG_SCR::NSRA) |
                                           (msi ? bits_of(SMMU_PMCG_SCR::NSMSI) : 0)
                                     : 0;
  return is_among(state.enabled, all_counters_) && is_among(state.interrupting, all_counters_) &&
         is_among(state.overflown, all_counters_) &&
         is_among(state.scr.raw() ^ fresh.scr.raw(), scr_bits) &&
         is_among(state.cr.raw(), bits_of(SMMU_PMCG_CR::E)) &&
         is_among(state.irq_ctrl.raw(), bits_of(SMMU_PMCG_IRQ_CTRL::IRQEN)) &&
         is_among(state.irq_ctrlack.raw(), bits_of(SMMU_PMCG_IRQ_CTRL::IRQEN)) &&
         is_among(state.irq_cfg0.raw(), msi ? message_addresses_ : 0) &&
         is_among(state.irq_cfg1.raw(), msi ? ~std::uint32_t{0} : 0) &&
         is_among(state.irq_cfg2.raw(), msi ? named_bits<SMMU_PMCG_IRQ_CFG2>() : 0) &&
         is_among(state.irq_status.raw(), named_bits<SMMU_PMCG_IRQ_STATUS>());
}

std::uint32_t CounterRegisters::read(const CounterGroupState& state, SecurityState by,
                                     std::uint32_t offset) const {
  if (hidden(state, by)) return 0;
  std::uint32_t value = 0;
  if (has_counters(offset)) value |= read_counters(state, offset % kPageSize);
  if (has_controls(offset)) value |= read_controls(state, by, offset);
  return value;
}

void CounterRegisters::write(CounterGroupState& state, SecurityState by, std::uint32_t offset,
                             std::uint32_t value) const {
  if (hidden(state, by)) return;
  if (has_counters(offset)) write_counters(state, offset % kPageSize, value);
  if (has_controls(offset)) write_controls(state, by, offset, value);
}

namespace {

// The counter whose word it is, of an array of counters that begins at `base`.
std::optional<Element> counter_at(std::uint32_t offset, std::uint32_t base, std::uint64_t mask,
                                  std::size_t count) {
  if (offset - base >= kCountersSize) return std::nullopt;
  const bool wide = mask > ~std::uint32_t{0};
  const std::size_t n = (offset - base) / (wide ? 8 : 4);
  if (n >= count) return std::nullopt;
  return Element{n, wide && is_upper(offset)};
}

// The same of an array of 32-bit registers.
template <class R>
std::optional<std::size_t> index_in(std::uint32_t offset, std::size_t count) {
  const std::size_t n = (offset - R::kOffset) / 4;
  return offset >= R::kOffset && n < count ? std::optional(n) : std::nullopt;
}

}  // namespace

// What CFGR.RELOC_CTRS moves.
std::uint32_t CounterRegisters::read_counters(const CounterGroupState& state,
                                              std::uint32_t offset) const {
  if (const auto at = counter_at(offset, SMMU_PMCG_EVCNTRn_32::kOffset, counter_mask_, count_)) {
    return word(state.counters[at->n], at->upper);
  }
  if (const auto at = counter_at(offset, SMMU_PMCG_SVRn_32::kOffset, counter_mask_, count_)) {
    return word(state.shadows[at->n], at->upper);
  }
  if (in<SMMU_PMCG_OVSCLR0>(offset) || in<SMMU_PMCG_OVSSET0>(offset)) {
    return word(state.overflown, is_upper(offset));
  }
  return 0;
}

void CounterRegisters::write_counters(CounterGroupState& state, std::uint32_t offset,
                                      std::uint32_t value) const {
  const bool upper = is_upper(offset);
  if (const auto at = counter_at(offset, SMMU_PMCG_EVCNTRn_32::kOffset, counter_mask_, count_)) {
    replace(state.counters[at->n], at->upper, value & word(counter_mask_, at->upper));
  } else if (in<SMMU_PMCG_OVSCLR0>(offset)) {
    state.overflown &= ~widen(value, upper);
  } else if (in<SMMU_PMCG_OVSSET0>(offset)) {
    // 10.5.2.10: no interrupt and no capture, as is permitted.
    state.overflown |= widen(value, upper) & all_counters_;
  } else if (offset == SMMU_PMCG_CAPR::kOffset) {
    if (config_.cfgr[SMMU_PMCG_CFGR::CAPTURE] && SMMU_PMCG_CAPR(value)[SMMU_PMCG_CAPR::CAPTURE]) {
      state.capture();
    }
  }
}

std::uint32_t CounterRegisters::read_controls(const CounterGroupState& state, SecurityState by,
                                              std::uint32_t offset) const {
  if (const auto n = index_in<SMMU_PMCG_EVTYPERn>(offset, count_)) return state.types[*n].raw();
  if (const auto n = index_in<SMMU_PMCG_SMRn>(offset, count_)) return state.filters[*n].raw();
  const bool upper = is_upper(offset);
  if (in<SMMU_PMCG_CNTENSET0>(offset) || in<SMMU_PMCG_CNTENCLR0>(offset)) {
    return word(state.enabled, upper);
  }
  if (in<SMMU_PMCG_INTENSET0>(offset) || in<SMMU_PMCG_INTENCLR0>(offset)) {
    return word(state.interrupting, upper);
  }
  switch (offset) {
    case SMMU_PMCG_SCR::kOffset:
      return by == SecurityState::kSecure ? state.scr.raw() : 0;
    case SMMU_PMCG_CR::kOffset:
      return state.cr.raw();
    case SMMU_PMCG_IRQ_CTRL::kOffset:
      return state.irq_ctrl.raw();
    case SMMU_PMCG_IRQ_CTRLACK::kOffset:
      return state.irq_ctrlack.raw();
    case SMMU_PMCG_IRQ_CFG0::kOffset:
    case SMMU_PMCG_IRQ_CFG0::kOffset + 4:
      return word(state.irq_cfg0.raw(), upper);
    case SMMU_PMCG_IRQ_CFG1::kOffset:
      return state.irq_cfg1.raw();
    case SMMU_PMCG_IRQ_CFG2::kOffset:
      return state.irq_cfg2.raw();
    case SMMU_PMCG_IRQ_STATUS::kOffset:
      return state.irq_status.raw();
    default:
      return read_identification(offset);
  }
}

std::uint32_t CounterRegisters::read_identification(std::uint32_t offset) const {
  if (offset >= kIdBlock) return config_.id_block[(offset - kIdBlock) / 4];
  switch (offset) {
    case SMMU_PMCG_CFGR::kOffset:
      return config_.cfgr.raw();
    case SMMU_PMCG_IIDR::kOffset:
      return config_.iidr.raw();
    case SMMU_PMCG_CEID0::kOffset:
    case SMMU_PMCG_CEID0::kOffset + 4:
      return word(events_.raw(), is_upper(offset));
    case SMMU_PMCG_AIDR::kOffset:
      return config_.aidr.raw();
    default:
      return 0;
  }
}

void CounterRegisters::write_controls(CounterGroupState& state, SecurityState by,
                                      std::uint32_t offset, std::uint32_t value) const {
  const std::uint64_t wide = widen(value, is_upper(offset)) & all_counters_;
  if (const auto n = index_in<SMMU_PMCG_EVTYPERn>(offset, count_)) {
    state.types[*n] = SMMU_PMCG_EVTYPERn(value & type_mask(*n));
  } else if (const auto s = index_in<SMMU_PMCG_SMRn>(offset, count_)) {
    state.filters[*s] = SMMU_PMCG_SMRn(value & filter_mask(*s));
  } else if (in<SMMU_PMCG_CNTENSET0>(offset)) {
    state.enabled |= wide;
  } else if (in<SMMU_PMCG_CNTENCLR0>(offset)) {
    state.enabled &= ~wide;
  } else if (in<SMMU_PMCG_INTENSET0>(offset)) {
    state.interrupting |= wide;
  } else if (in<SMMU_PMCG_INTENCLR0>(offset)) {
    state.interrupting &= ~wide;
  } else if (offset == SMMU_PMCG_CR::kOffset) {
    state.cr = SMMU_PMCG_CR(value & bits_of(SMMU_PMCG_CR::E));
  } else if (offset == SMMU_PMCG_IRQ_CTRL::kOffset) {
    state.irq_ctrl = SMMU_PMCG_IRQ_CTRL(value & bits_of(SMMU_PMCG_IRQ_CTRL::IRQEN));
  } else if (offset == SMMU_PMCG_SCR::kOffset) {
    if (!config_.secure_state || by != SecurityState::kSecure) return;
    const SMMU_PMCG_SCR asked(value);
    state.scr.set(SMMU_PMCG_SCR::SO, asked[SMMU_PMCG_SCR::SO])
        .set(SMMU_PMCG_SCR::NSRA, asked[SMMU_PMCG_SCR::NSRA]);
    if (config_.cfgr[SMMU_PMCG_CFGR::MSI]) {
      state.scr.set(SMMU_PMCG_SCR::NSMSI, asked[SMMU_PMCG_SCR::NSMSI]);
    }
  } else {
    write_message(state, offset, value);
  }
}

// 10.5.2.21: what an interrupt that is enabled would use stays.
void CounterRegisters::write_message(CounterGroupState& state, std::uint32_t offset,
                                     std::uint32_t value) const {
  const bool enabled =
      state.irq_ctrl[SMMU_PMCG_IRQ_CTRL::IRQEN] || state.irq_ctrlack[SMMU_PMCG_IRQ_CTRLACK::IRQEN];
  if (!config_.cfgr[SMMU_PMCG_CFGR::MSI] || enabled) return;
  if (in<SMMU_PMCG_IRQ_CFG0>(offset)) {
    std::uint64_t address = state.irq_cfg0.raw();
    replace(address, is_upper(offset), value);
    state.irq_cfg0 = SMMU_PMCG_IRQ_CFG0(address & message_addresses_);
  } else if (offset == SMMU_PMCG_IRQ_CFG1::kOffset) {
    state.irq_cfg1 = SMMU_PMCG_IRQ_CFG1(value);
  } else if (offset == SMMU_PMCG_IRQ_CFG2::kOffset) {
    const auto named = static_cast<std::uint32_t>(named_bits<SMMU_PMCG_IRQ_CFG2>());
    state.irq_cfg2 = SMMU_PMCG_IRQ_CFG2(value & named);
  }
}

}  // namespace smmu::emulator
