// The lines of an SMMUv2, as registers want them and as they are (IHI 0062).
#ifndef SMMU_EMULATOR_V2_INTERRUPT_LEVELS_H_
#define SMMU_EMULATOR_V2_INTERRUPT_LEVELS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "emulator/v2/registers.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/smmu_v2.h"

namespace smmu::emulator {

class InterruptLevels {
 public:
  // `num_groups`: of counters.
  InterruptLevels(const SmmuV2Config& config, const SmmuV2Wires& wires, std::size_t num_banks,
                  std::size_t num_groups);

  // Called with the registers' lock.  `overflows`: of each counter group.
  void update(const RegistersV2& registers, const std::vector<bool>& overflows);

  // Moves one line that is not as it should be; false: there is none.  One thread
  // at a time, without the registers' lock.
  bool deliver();

  // What there is, with nobody else there: how the lines were left.
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    for (std::size_t i = 0; i != lines_.size(); ++i) {
      bool wanted = wanted_[i] != 0;
      bool up = up_[i] != 0;
      snapshot(wanted, up);
      wanted_[i] = wanted;
      up_[i] = up;
    }
    differ_ = wanted_ != up_;
  }

 private:
  const SmmuV2Config& config_;
  const std::size_t num_banks_;
  // Banks, then the global ones, then counter groups, then all together.
  std::vector<LevelLine*> lines_;
  std::mutex mutex_;  // guards what follows
  // One a line, each 0 or 1: compared whole after every access.
  std::vector<std::uint8_t> wanted_;
  std::vector<std::uint8_t> up_;
  // Whether these differ.  Whoever makes them differ has work noted after that.
  std::atomic<bool> differ_{false};
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_INTERRUPT_LEVELS_H_
