// The counters of an SMMUv2, in groups (IHI 0062).
#ifndef SMMU_EMULATOR_V2_MONITORS_H_
#define SMMU_EMULATOR_V2_MONITORS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "emulator/tcu/configuration_source.h"
#include "emulator/v2/register_effects.h"
#include "smmu/arch/v2/performance_monitors.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// Called with the registers' lock.
class Monitors {
 public:
  explicit Monitors(const SmmuV2Config& config);
  void reset();

  std::size_t num_groups() const { return groups_.size(); }

  // Page 3, and the page of a bank.
  Access32 read32(std::uint32_t offset, std::uint32_t& value) const;
  Access32 write32(std::uint32_t offset, std::uint32_t value, RegisterEffects& effects);
  Access32 read32_of_bank(std::uint32_t bank, std::uint32_t offset, std::uint32_t& value) const;
  Access32 write32_of_bank(std::uint32_t bank, std::uint32_t offset, std::uint32_t value,
                           RegisterEffects& effects);

  // Whether anything is counted.
  bool counting() const;
  // A transaction was answered.  `secure_counted`: SMMU_SCR1.SPMEN.  True: a
  // counter has overflown.
  bool count(const Transaction& transaction, ContextBanks banks, bool refilled,
             bool secure_counted);
  bool count_cycles(std::uint64_t cycles);

  // Of each group, whether it interrupts.
  std::vector<bool> interrupts() const;

  template <class Snapshot>
  void archive(Snapshot& snapshot);

 private:
  struct Counter {
    std::uint32_t value = 0;
    v2::SMMU_PMEVTYPERn type;
    bool enabled = false;
    bool interrupts = false;
    bool overflown = false;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(value, type, enabled, interrupts, overflown);
    }
  };
  struct Group {
    v2::SMMU_PMCGCRn control;
    v2::SMMU_PMCGSMRn match;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(control, match);
    }
  };
  // Of a register of bits, n is the bit.
  enum class Bits : std::uint8_t { kEnable, kInterrupt, kOverflow };

  std::uint32_t read_bits(Bits which, std::size_t first, std::size_t count) const;
  void write_bits(Bits which, std::size_t first, std::size_t count, std::uint32_t bits, bool set);
  static bool& bit_of(Counter& counter, Bits which);
  std::optional<std::size_t> group_of_bank(std::uint32_t bank) const;
  bool counts(std::size_t group, const Transaction& transaction, ContextBanks banks) const;
  static bool counts(const Counter& counter, const Transaction& transaction, bool secure_counted);
  static bool add(Counter& counter, std::uint64_t events);
  void reset_counters(std::size_t first, std::size_t count);
  std::size_t per_group() const { return groups_.empty() ? 0 : counters_.size() / groups_.size(); }

  const SmmuV2Config& config_;
  v2::SMMU_PMCR control_;
  std::vector<Group> groups_;
  std::vector<Counter> counters_;
  std::uint64_t cycles_ = 0;  // for those that count every 64th
};

template <class Snapshot>
void Monitors::archive(Snapshot& snapshot) {
  snapshot(control_, cycles_);
  for (Group& group : groups_) snapshot(group);
  for (Counter& counter : counters_) snapshot(counter);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_MONITORS_H_
