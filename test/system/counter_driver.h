// Software that counts what an SMMU does, with a counter group (IHI 0070, chapter 10).
#ifndef SMMU_TEST_SYSTEM_COUNTER_DRIVER_H_
#define SMMU_TEST_SYSTEM_COUNTER_DRIVER_H_

#include <cstdint>
#include <optional>

#include "smmu/arch/v3/pmcg_registers.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::testing {

// A board's options with one counter group, or several.
inline emulator::SmmuV3Config counted(
    emulator::SmmuV3Config config = emulator::SmmuV3Config::everything(),
    emulator::CounterGroupConfig group = emulator::CounterGroupConfig::everything()) {
  config.counter_groups.push_back(group);
  return config;
}

// Of a group whose counters are in page 1.
class CounterDriver {
 public:
  static constexpr std::uint32_t kPage1 = 0x1'0000;
  static constexpr std::uint32_t kEveryStream = 0xffff'ffff;

  explicit CounterDriver(Mmio& registers) : registers_(registers) {}

  // Counter n counts that event from now on, of every stream or of one.
  void count(std::uint32_t n, v3::MonitorEvent event, std::optional<StreamId> stream = {}) {
    using v3::SMMU_PMCG_EVTYPERn;
    configure(n,
              SMMU_PMCG_EVTYPERn()
                  .set(SMMU_PMCG_EVTYPERn::EVENT, event)
                  .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, !stream),
              stream ? stream->value : kEveryStream);
  }
  void configure(std::uint32_t n, v3::SMMU_PMCG_EVTYPERn type, std::uint32_t filter) {
    registers_.write64(v3::SMMU_PMCG_CNTENCLR0::kOffset, bit(n));
    registers_.write32(v3::SMMU_PMCG_EVTYPERn::offset(n), type.raw());
    registers_.write32(v3::SMMU_PMCG_SMRn::offset(n), filter);
    set(n, 0);
    registers_.write64(v3::SMMU_PMCG_CNTENSET0::kOffset, bit(n));
    enable(true);
  }
  void enable(bool enabled) {
    registers_.write(v3::SMMU_PMCG_CR().set(v3::SMMU_PMCG_CR::E, enabled));
  }

  std::uint64_t value(std::uint32_t n) {
    return registers_.read64(kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(n));
  }
  void set(std::uint32_t n, std::uint64_t value) {
    registers_.write64(kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(n), value);
  }
  // What has been counted since the last call.
  std::uint64_t take(std::uint32_t n) {
    const std::uint64_t counted = value(n);
    set(n, 0);
    return counted;
  }
  std::uint64_t shadow(std::uint32_t n) {
    return registers_.read64(kPage1 + v3::SMMU_PMCG_SVRn_64::offset(n));
  }
  std::uint64_t overflown() { return registers_.read64(kPage1 + v3::SMMU_PMCG_OVSSET0::kOffset); }
  void clear_overflow(std::uint32_t n) {
    registers_.write64(kPage1 + v3::SMMU_PMCG_OVSCLR0::kOffset, bit(n));
  }
  void capture() {
    registers_.write32(kPage1 + v3::SMMU_PMCG_CAPR::kOffset,
                       v3::SMMU_PMCG_CAPR().set(v3::SMMU_PMCG_CAPR::CAPTURE, true).raw());
  }
  void interrupt_on(std::uint32_t n) {
    registers_.write64(v3::SMMU_PMCG_INTENSET0::kOffset, bit(n));
  }
  void enable_interrupt(bool enabled) {
    registers_.write(v3::SMMU_PMCG_IRQ_CTRL().set(v3::SMMU_PMCG_IRQ_CTRL::IRQEN, enabled));
  }

  static std::uint64_t bit(std::uint32_t n) { return std::uint64_t{1} << n; }

 private:
  Mmio& registers_;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_COUNTER_DRIVER_H_
