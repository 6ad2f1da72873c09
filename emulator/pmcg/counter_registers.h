// The register map of a counter group: what is where, who may see it, and which
// bits can be written (IHI 0070, 10.5 and 10.6).
#ifndef SMMU_EMULATOR_PMCG_COUNTER_REGISTERS_H_
#define SMMU_EMULATOR_PMCG_COUNTER_REGISTERS_H_

#include <cstddef>
#include <cstdint>

#include "emulator/pmcg/counter_group_state.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// Holds nothing that changes: that is in the state, which is the caller's.
class CounterRegisters {
 public:
  // `events`: those that can be counted.  `output_bits`: of a physical address.
  // `config` must outlive it.
  CounterRegisters(const CounterGroupConfig& config, v3::SMMU_PMCG_CEID0 events,
                   unsigned output_bits);

  void reset(CounterGroupState& state) const;

  // A word, for software of that Security state.  What is not there, and what it
  // may not see, reads 0 and takes no write.  A write of SMMU_PMCG_IRQ_CTRL waits
  // to be acknowledged.
  // REQUIRES: `offset` is a multiple of 4.
  std::uint32_t read(const CounterGroupState& state, SecurityState by, std::uint32_t offset) const;
  void write(CounterGroupState& state, SecurityState by, std::uint32_t offset,
             std::uint32_t value) const;

  // Whether software and events can have brought the registers there.
  bool has(const CounterGroupState& state) const;

  std::size_t count() const { return count_; }
  std::uint64_t counter_mask() const { return counter_mask_; }
  v3::SMMU_PMCG_CEID0 events() const { return events_; }

  static constexpr std::uint32_t kPage1 = 0x1'0000;

 private:
  bool hidden(const CounterGroupState& state, SecurityState by) const;
  // The offset in its page, if the group's counters, or all else, are there.
  bool has_counters(std::uint32_t offset) const;
  bool has_controls(std::uint32_t offset) const;
  bool filters(std::size_t n) const;
  std::uint32_t read_counters(const CounterGroupState& state, std::uint32_t offset) const;
  std::uint32_t read_controls(const CounterGroupState& state, SecurityState by,
                              std::uint32_t offset) const;
  std::uint32_t read_identification(std::uint32_t offset) const;
  void write_counters(CounterGroupState& state, std::uint32_t offset, std::uint32_t value) const;
  void write_controls(CounterGroupState& state, SecurityState by, std::uint32_t offset,
                      std::uint32_t value) const;
  void write_message(CounterGroupState& state, std::uint32_t offset, std::uint32_t value) const;
  std::uint32_t type_mask(std::size_t n) const;
  std::uint32_t filter_mask(std::size_t n) const;

  const CounterGroupConfig& config_;
  const v3::SMMU_PMCG_CEID0 events_;
  const std::size_t count_;
  const std::uint64_t counter_mask_;       // the bits of a counter
  const std::uint64_t all_counters_;       // a bit for each
  const std::uint64_t message_addresses_;  // the bits of SMMU_PMCG_IRQ_CFG0
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_REGISTERS_H_
