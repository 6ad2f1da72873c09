#include "smmu/iommu/performance_counters.h"

#include <bit>
#include <new>

#include "lib/smmu_v3/patience.h"

namespace smmu::iommu {

using v3::MonitorEvent;
using v3::SMMU_PMCG_CAPR;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_CNTENCLR0;
using v3::SMMU_PMCG_CNTENSET0;
using v3::SMMU_PMCG_CR;
using v3::SMMU_PMCG_EVCNTRn_32;
using v3::SMMU_PMCG_EVCNTRn_64;
using v3::SMMU_PMCG_EVTYPERn;
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
using v3::SMMU_PMCG_SMRn;
using v3::SMMU_PMCG_SVRn_32;
using v3::SMMU_PMCG_SVRn_64;

namespace {

constexpr unsigned kStreamBits = 32;
constexpr unsigned kNarrowBits = 32;
constexpr std::uint32_t kPageSize = 4096;
constexpr std::uint32_t kDevice_nGnRE = 0b0001;  // MEMATTR's code
// 10.3: events from here on are IMPLEMENTATION DEFINED.
constexpr unsigned kFirstUnlisted = 128;
constexpr unsigned kEventsPerRegister = 64;
// How often the upper half of a counter may change while the lower one is read.
constexpr unsigned kMostLooks = 4;
// How often one call serves interrupts that came while it served others; what comes then waits for
// the next call.
constexpr unsigned kMostRounds = 4;

bool is_size(SMMU_PMCG_CFGR::CounterSize size) {
  using CounterSize = SMMU_PMCG_CFGR::CounterSize;
  switch (size) {
    case CounterSize::k32Bits:
    case CounterSize::k36Bits:
    case CounterSize::k40Bits:
    case CounterSize::k44Bits:
    case CounterSize::k48Bits:
    case CounterSize::k64Bits:
      return true;
  }
  return false;
}

bool is_message(const MessageAddress& message) {
  constexpr unsigned kAddressBits = 52;
  return message.address.value != 0 && message.address.value % 4 == 0 &&
         message.address.value >> kAddressBits == 0;
}

// 10.4: of the low bits that do not matter the highest is 0 and the others are 1; where none
// matters all are 1, however many bits of the register there are.
std::uint32_t match_of(const CounterFilter& filter) {
  if (filter.low_bits == 0) return filter.stream.value;
  if (filter.low_bits == kStreamBits) return ~std::uint32_t{0};
  const std::uint32_t low = (std::uint32_t{1} << filter.low_bits) - 1;
  return (filter.stream.value & ~low) | low >> 1;
}

}  // namespace

class PerformanceCounters::Exclusive {
 public:
  explicit Exclusive(PerformanceCounters& counters) : counters_(counters) {
    while (counters_.busy_.test_and_set(std::memory_order_acquire)) counters_.busy_.wait(true);
  }
  ~Exclusive() {
    counters_.busy_.clear();
    counters_.busy_.notify_one();
    if (counters_.is_asked()) counters_.serve();
  }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  PerformanceCounters& counters_;
};

Result<std::unique_ptr<PerformanceCounters>, std::errc> PerformanceCounters::create(
    const PerformanceCountersConfig& config) {
  if (config.registers == nullptr || config.clock == nullptr || config.timeout.count() <= 0 ||
      config.page1 % kPageSize != 0 ||
      (config.overflow_message && !is_message(*config.overflow_message)))
    return std::errc::invalid_argument;
  const auto cfgr = config.registers->read<SMMU_PMCG_CFGR>();
  if (!is_size(cfgr[SMMU_PMCG_CFGR::SIZE]) ||
      (config.overflow_message && !cfgr[SMMU_PMCG_CFGR::MSI]))
    return std::errc::operation_not_supported;
  std::unique_ptr<PerformanceCounters> counters(new (std::nothrow)
                                                    PerformanceCounters(config, cfgr));
  if (counters == nullptr) return std::errc::not_enough_memory;
  if (auto done = counters->reset(); !done) return done.error();
  return counters;
}

PerformanceCounters::PerformanceCounters(const PerformanceCountersConfig& config,
                                         SMMU_PMCG_CFGR cfgr)
    : config_(config),
      cfgr_(cfgr),
      count_(cfgr[SMMU_PMCG_CFGR::NCTR] + 1),
      bits_(static_cast<unsigned>(cfgr[SMMU_PMCG_CFGR::SIZE]) + 1),
      mask_(~std::uint64_t{0} >> (64 - bits_)),
      counters_page_(cfgr[SMMU_PMCG_CFGR::RELOC_CTRS] ? config.page1 : 0),
      events0_(config.registers->read<v3::SMMU_PMCG_CEID0>()),
      events1_(config.registers->read<v3::SMMU_PMCG_CEID1>()) {}

PerformanceCounters::~PerformanceCounters() {
  // Who does not answer is not waited for twice.
  (void)bring_to_rest();
}

bool PerformanceCounters::counts(MonitorEvent event) const {
  const auto number = static_cast<unsigned>(event);
  if (number >= kFirstUnlisted) return true;
  const std::uint64_t listed = number < kEventsPerRegister ? events0_.raw() : events1_.raw();
  return (listed & bit(number % kEventsPerRegister)) != 0;
}

template <class R>
R PerformanceCounters::read_counters_page() {
  return R(config_.registers->read64(counters_page_ + R::kOffset));
}

template <class R>
void PerformanceCounters::write_counters_page(R value) {
  config_.registers->write64(counters_page_ + R::kOffset, value.raw());
}

// 10.5: an access of 64 bits may be two; so they are made in an order that tells whether a carry
// came in between.
std::uint64_t PerformanceCounters::load(std::uint32_t narrow, std::uint32_t wide) {
  Mmio& registers = *config_.registers;
  if (bits_ <= kNarrowBits) return registers.read32(counters_page_ + narrow);
  const std::uint32_t low_half = counters_page_ + wide;
  const std::uint32_t high_half = low_half + 4;
  std::uint64_t high = registers.read32(high_half);
  std::uint64_t low = 0;
  for (unsigned look = 0; look != kMostLooks; ++look) {
    low = registers.read32(low_half);
    const std::uint64_t again = registers.read32(high_half);
    if (again == high) break;
    high = again;
  }
  return (high << kNarrowBits | low) & mask_;
}

void PerformanceCounters::store(unsigned counter, std::uint64_t value) {
  Mmio& registers = *config_.registers;
  if (bits_ <= kNarrowBits) {
    registers.write32(counters_page_ + SMMU_PMCG_EVCNTRn_32::offset(counter),
                      static_cast<std::uint32_t>(value));
  } else {
    registers.write64(counters_page_ + SMMU_PMCG_EVCNTRn_64::offset(counter), value);
  }
}

// REQUIRES: no counter is enabled that it is for, or they have the same one.
void PerformanceCounters::write_filter(unsigned place, SMMU_PMCG_EVTYPERn type,
                                       const CounterFilter& filter) {
  type.set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, filter.low_bits != 0);
  config_.registers->write32(SMMU_PMCG_EVTYPERn::offset(place), type.raw());
  config_.registers->write32(SMMU_PMCG_SMRn::offset(place), match_of(filter));
}

Result<Done, std::errc> PerformanceCounters::configure(unsigned counter,
                                                       const CounterConfig& config) {
  if (!exists(counter) || config.filter.low_bits > kStreamBits) return std::errc::invalid_argument;
  if (bits_ < 64 && config.overflow_after > mask_ + 1) return std::errc::invalid_argument;
  if (!counts(config.event) || (config.captures && !can_capture()))
    return std::errc::operation_not_supported;

  const Exclusive exclusive(*this);
  Mmio& registers = *config_.registers;
  // Nothing is counted, or told, by half of the old and half of the new.
  registers.write(SMMU_PMCG_CNTENCLR0(bit(counter)));
  registers.write(SMMU_PMCG_INTENCLR0(bit(counter)));
  enabled_ &= ~bit(counter);
  interrupting_ &= ~bit(counter);
  untold_ &= ~bit(counter);
  Counter& place = counters_[counter];
  place.configured = true;
  place.filter = config.filter;
  place.type = SMMU_PMCG_EVTYPERn()
                   .set(SMMU_PMCG_EVTYPERn::EVENT, config.event)
                   .set(SMMU_PMCG_EVTYPERn::OVFCAP, config.captures);
  place.start = (~config.overflow_after + 1) & mask_;
  place.overflows = 0;
  if (!has_one_filter()) {
    write_filter(counter, place.type, place.filter);
  } else if (counter == 0) {
    // The filter of the others is in the register of this one's event.
    write_filter(counter, place.type, filter_);
  } else {
    registers.write32(SMMU_PMCG_EVTYPERn::offset(counter), place.type.raw());
  }
  store(counter, place.start);
  // What the value of before has left behind.
  write_counters_page(SMMU_PMCG_OVSCLR0(bit(counter)));
  if (config.interrupts) {
    registers.write(SMMU_PMCG_INTENSET0(bit(counter)));
    interrupting_ |= bit(counter);
  }
  return Done{};
}

Result<Done, std::errc> PerformanceCounters::enable(unsigned counter) {
  if (!exists(counter)) return std::errc::invalid_argument;
  const Exclusive exclusive(*this);
  const Counter& place = counters_[counter];
  if (!place.configured) return std::errc::invalid_argument;
  if (has_one_filter() && filter_ != place.filter) {
    if ((enabled_ & ~bit(counter)) != 0) return std::errc::device_or_resource_busy;
    filter_ = place.filter;
    write_filter(0, counters_[0].type, filter_);
  }
  enabled_ |= bit(counter);
  config_.registers->write(SMMU_PMCG_CNTENSET0(bit(counter)));
  return Done{};
}

Result<Done, std::errc> PerformanceCounters::disable(unsigned counter) {
  if (!exists(counter)) return std::errc::invalid_argument;
  const Exclusive exclusive(*this);
  config_.registers->write(SMMU_PMCG_CNTENCLR0(bit(counter)));
  enabled_ &= ~bit(counter);
  return Done{};
}

void PerformanceCounters::set_counting(Counting counting) {
  const Exclusive exclusive(*this);
  config_.registers->write(SMMU_PMCG_CR().set(SMMU_PMCG_CR::E, counting == Counting::kOn));
}

Result<std::uint64_t, std::errc> PerformanceCounters::read(unsigned counter) {
  if (!exists(counter)) return std::errc::invalid_argument;
  const Exclusive exclusive(*this);
  const Counter& place = counters_[counter];
  if (!place.configured) return std::errc::invalid_argument;
  const auto value = [&] {
    return load(SMMU_PMCG_EVCNTRn_32::offset(counter), SMMU_PMCG_EVCNTRn_64::offset(counter));
  };
  std::uint64_t now = value();
  // It may have been read before it wrapped, or after.
  if ((note_overflows() & bit(counter)) != 0) now = value();
  const std::uint64_t before = bits_ < 64 ? place.overflows << bits_ : 0;
  return before + now - place.start;
}

Result<Done, std::errc> PerformanceCounters::capture() {
  if (!can_capture()) return std::errc::operation_not_supported;
  const Exclusive exclusive(*this);
  config_.registers->write32(counters_page_ + SMMU_PMCG_CAPR::kOffset,
                             SMMU_PMCG_CAPR().set(SMMU_PMCG_CAPR::CAPTURE, true).raw());
  return Done{};
}

Result<std::uint64_t, std::errc> PerformanceCounters::captured(unsigned counter) {
  if (!exists(counter)) return std::errc::invalid_argument;
  if (!can_capture()) return std::errc::operation_not_supported;
  const Exclusive exclusive(*this);
  const Counter& place = counters_[counter];
  if (!place.configured) return std::errc::invalid_argument;
  const std::uint64_t copy =
      load(SMMU_PMCG_SVRn_32::offset(counter), SMMU_PMCG_SVRn_64::offset(counter));
  return (copy - place.start) & mask_;
}

Result<Done, std::errc> PerformanceCounters::set_interrupts(SMMU_PMCG_IRQ_CTRL value) {
  Mmio& registers = *config_.registers;
  registers.write(value);
  const bool done = Patience(*config_.clock, config_.timeout).until([&] {
    return registers.read<SMMU_PMCG_IRQ_CTRLACK>().raw() == value.raw();
  });
  if (!done) return std::errc::timed_out;
  return Done{};
}

// 10.5.2.19: after the acknowledgement no interrupt comes.
Result<Done, std::errc> PerformanceCounters::bring_to_rest() {
  Mmio& registers = *config_.registers;
  registers.write(SMMU_PMCG_CR());
  registers.write(SMMU_PMCG_CNTENCLR0(all()));
  registers.write(SMMU_PMCG_INTENCLR0(all()));
  const auto done = set_interrupts(SMMU_PMCG_IRQ_CTRL());
  write_counters_page(SMMU_PMCG_OVSCLR0(all()));
  return done;
}

Result<Done, std::errc> PerformanceCounters::reset() {
  const Exclusive exclusive(*this);
  Mmio& registers = *config_.registers;
  counters_ = {};
  enabled_ = interrupting_ = 0;
  untold_ = 0;
  filter_ = {};
  if (auto rest = bring_to_rest(); !rest) return rest;
  if (has_messages()) {
    // 10.5.2.21: guarded by IRQEN, and an old address is somebody else's memory.
    registers.write(SMMU_PMCG_IRQ_CFG0());
    if (config_.overflow_message) {
      registers.write(SMMU_PMCG_IRQ_CFG0().set(SMMU_PMCG_IRQ_CFG0::ADDR,
                                               config_.overflow_message->address.value));
      registers.write(
          SMMU_PMCG_IRQ_CFG1().set(SMMU_PMCG_IRQ_CFG1::DATA, config_.overflow_message->data));
      registers.write(SMMU_PMCG_IRQ_CFG2().set(SMMU_PMCG_IRQ_CFG2::MEMATTR, kDevice_nGnRE));
    }
  }
  if (has_one_filter()) write_filter(0, counters_[0].type, filter_);
  if (auto on = set_interrupts(SMMU_PMCG_IRQ_CTRL().set(SMMU_PMCG_IRQ_CTRL::IRQEN, true)); !on)
    return on;
  registers.write(SMMU_PMCG_CR().set(SMMU_PMCG_CR::E, true));
  return Done{};
}

bool PerformanceCounters::message_was_aborted() {
  const Exclusive exclusive(*this);
  return config_.registers->read<SMMU_PMCG_IRQ_STATUS>()[SMMU_PMCG_IRQ_STATUS::IRQ_ABT];
}

// Takes notice of overflows and clears them; returns which there were.
std::uint64_t PerformanceCounters::note_overflows() {
  const std::uint64_t overflown = read_counters_page<SMMU_PMCG_OVSSET0>().raw() & all();
  if (overflown == 0) return 0;
  write_counters_page(SMMU_PMCG_OVSCLR0(overflown));
  for (std::uint64_t left = overflown; left != 0; left &= left - 1) {
    ++counters_[static_cast<std::size_t>(std::countr_zero(left))].overflows;
  }
  untold_ |= overflown & interrupting_;
  return overflown;
}

void PerformanceCounters::Line::pulse() {
  counters_.asked_.store(true);
  counters_.serve();
}

// Whoever is at the registers may be this thread, further up, or one that waits for what this one
// is in the middle of: then it is left to him.  So are handlers to who is calling them.
void PerformanceCounters::serve() {
  for (unsigned round = 0; round != kMostRounds; ++round) {
    if (busy_.test_and_set()) return;
    asked_.store(false);
    note_overflows();
    const bool tells = !telling_.exchange(true);
    const std::uint64_t overflown = tells ? untold_.exchange(0) : 0;
    busy_.clear();
    busy_.notify_one();
    if (!tells) return;
    if (config_.handler != nullptr) {
      for (std::uint64_t left = overflown; left != 0; left &= left - 1) {
        config_.handler->on_overflow(static_cast<unsigned>(std::countr_zero(left)));
      }
    }
    telling_.store(false);
    if (!is_asked()) return;
  }
}

}  // namespace smmu::iommu
