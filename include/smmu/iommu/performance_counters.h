// The counters of a Performance Monitor Counter Group of an SMMUv3 (IHI 0070, chapter 10).
#ifndef SMMU_IOMMU_PERFORMANCE_COUNTERS_H_
#define SMMU_IOMMU_PERFORMANCE_COUNTERS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "smmu/arch/v3/pmcg_identification_registers.h"
#include "smmu/arch/v3/pmcg_registers.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/clock.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// The streams whose events are counted: `stream` and all that differ from it in the low bits only,
// of which there are so many.  Of events that are no stream's, a clock's, all are.
struct CounterFilter {
  StreamId stream = StreamId(0);
  unsigned low_bits = 32;  // 0: that one; 32: every one

  static CounterFilter only(StreamId stream) { return {.stream = stream, .low_bits = 0}; }

  friend bool operator==(const CounterFilter&, const CounterFilter&) = default;
};

struct CounterConfig {
  v3::MonitorEvent event = v3::MonitorEvent::kTransaction;
  CounterFilter filter = {};
  // After so many events it overflows; 0: after as many as it can count, as it does from then on.
  std::uint64_t overflow_after = 0;
  bool interrupts = false;  // its overflow is told
  bool captures = false;    // its overflow captures, as capture() does
};

// Called by whoever pulses the line, or is in a call of PerformanceCounters that finds the
// overflow, once that holds no lock; for one overflow at a time.  It may call everything but the
// destructor.
class CounterOverflowHandler {
 public:
  virtual ~CounterOverflowHandler() = default;
  virtual void on_overflow(unsigned counter) = 0;
};

struct PerformanceCountersConfig {
  // These outlive the counters.  The handler may be null: nobody is told.
  Mmio* registers = nullptr;  // from page 0 on
  Clock* clock = nullptr;
  CounterOverflowHandler* handler = nullptr;

  std::uint32_t page1 = 0x1'0000;  // where page 1 begins, if the group has one; a multiple of 4 KiB
  // The interrupt, if it is a message.
  std::optional<MessageAddress> overflow_message = std::nullopt;
  // How long hardware may take to answer.
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
};

// All members but the destructor may be called from any number of threads at once.
class PerformanceCounters {
 public:
  static constexpr unsigned kMostCounters = 64;

  // Sees what the group is, and resets it.  invalid_argument: the configuration.
  // operation_not_supported: it has no size of counters that there is, as one that Secure software
  // keeps to itself, which reads as zero; or it sends no messages.  timed_out: it does not answer.
  // not_enough_memory.
  static Result<std::unique_ptr<PerformanceCounters>, std::errc> create(
      const PerformanceCountersConfig& config);
  // Stops them all.
  // REQUIRES: the line is not pulsed any more.
  ~PerformanceCounters();
  PerformanceCounters(const PerformanceCounters&) = delete;
  PerformanceCounters& operator=(const PerformanceCounters&) = delete;

  unsigned count() const { return count_; }
  unsigned bits() const { return bits_; }  // of each
  bool can_capture() const { return cfgr_[v3::SMMU_PMCG_CFGR::CAPTURE]; }
  bool has_messages() const { return cfgr_[v3::SMMU_PMCG_CFGR::MSI]; }
  // All counters have the filter of those that are enabled.
  bool has_one_filter() const { return cfgr_[v3::SMMU_PMCG_CFGR::SID_FILTER_TYPE]; }
  // Of those from 0x80 on the group does not say so: they are taken to be counted.
  bool counts(v3::MonitorEvent event) const;

  // Disables a counter, and makes it count that from 0 on, once enabled.
  // invalid_argument: no such counter, more than 32 bits, an overflow after more events than a
  // counter can hold.  operation_not_supported: the group does not count it, or does not capture.
  Result<Done, std::errc> configure(unsigned counter, const CounterConfig& config);
  // invalid_argument: no such counter, or it was never configured.  device_or_resource_busy: the
  // group has one filter, and another counter is enabled by a different one.
  Result<Done, std::errc> enable(unsigned counter);
  // It keeps its value.  invalid_argument: no such counter.
  Result<Done, std::errc> disable(unsigned counter);
  // All that are enabled count, as they do at first, or none does.
  enum class Counting : std::uint8_t { kOff, kOn };
  void set_counting(Counting counting);

  // The events since configure(): overflows are added up, as long as each is seen, here or by the
  // interrupt, before the next.  invalid_argument: no such counter, or it was never configured.
  Result<std::uint64_t, std::errc> read(unsigned counter);
  // Copies what all counters hold at one moment.  operation_not_supported: the group cannot.
  Result<Done, std::errc> capture();
  // The last copy: the events since configure(), but of overflows as if there had been none or,
  // where the counter has become smaller, one.  invalid_argument: as read().
  // operation_not_supported.
  Result<std::uint64_t, std::errc> captured(unsigned counter);

  // As after create(): no counter is configured, and none has overflown.  timed_out: the group does
  // not acknowledge; interrupts may be off then.
  Result<Done, std::errc> reset();

  // Whether a message was not delivered, since the last reset.
  bool message_was_aborted();

  // To be wired to the group, or told by whoever gets its messages.  Pulses that nothing explains
  // do no harm.  With simulators, see SmmuV3Driver: a pulse from inside a register write is to be
  // latched until that has returned.
  InterruptLine& overflow_line() { return line_; }

 private:
  class Line final : public InterruptLine {
   public:
    explicit Line(PerformanceCounters& counters) : counters_(counters) {}
    void pulse() override;

   private:
    PerformanceCounters& counters_;
  };
  // As long as one lives nobody else has one.  Whoever was told of an interrupt meanwhile leaves it
  // to this thread.
  class Exclusive;

  struct Counter {
    bool configured = false;
    CounterFilter filter = {};
    v3::SMMU_PMCG_EVTYPERn type = {};
    std::uint64_t start = 0;
    std::uint64_t overflows = 0;
  };

  PerformanceCounters(const PerformanceCountersConfig& config, v3::SMMU_PMCG_CFGR cfgr);
  static std::uint64_t bit(unsigned counter) { return std::uint64_t{1} << counter; }
  bool exists(unsigned counter) const { return counter < count_; }
  std::uint64_t all() const { return ~std::uint64_t{0} >> (kMostCounters - count_); }

  template <class R>
  R read_counters_page();
  template <class R>
  void write_counters_page(R value);
  std::uint64_t load(std::uint32_t narrow, std::uint32_t wide);
  void store(unsigned counter, std::uint64_t value);
  void write_filter(unsigned place, v3::SMMU_PMCG_EVTYPERn type, const CounterFilter& filter);
  Result<Done, std::errc> set_interrupts(v3::SMMU_PMCG_IRQ_CTRL value);
  Result<Done, std::errc> bring_to_rest();
  std::uint64_t note_overflows();
  bool is_asked() const { return asked_.load() || untold_.load() != 0; }
  void serve();

  const PerformanceCountersConfig config_;
  const v3::SMMU_PMCG_CFGR cfgr_;
  const unsigned count_;
  const unsigned bits_;
  const std::uint64_t mask_;  // of a value
  const std::uint32_t counters_page_;
  v3::SMMU_PMCG_CEID0 events0_;
  v3::SMMU_PMCG_CEID1 events1_;

  std::atomic<bool> asked_{false};        // an interrupt is to be served
  std::atomic<bool> telling_{false};      // somebody is with the handler
  std::atomic<std::uint64_t> untold_{0};  // overflows
  std::atomic_flag busy_;                 // guards what follows, and the registers
  std::array<Counter, kMostCounters> counters_;
  std::uint64_t enabled_ = 0;
  std::uint64_t interrupting_ = 0;
  CounterFilter filter_;  // of all that are enabled, where there is but one

  Line line_{*this};
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PERFORMANCE_COUNTERS_H_
