// When an SMMU does what it has to do, and how it begins anew.
#ifndef SMMU_EMULATOR_PACE_H_
#define SMMU_EMULATOR_PACE_H_

#include <cstdint>

namespace smmu::emulator {

// When what a register write or a fault sets in motion is done.
enum class Pace : std::uint8_t {
  kAtOnce,   // before the write, or the access that faulted, returns
  kStepped,  // by step() alone
};

enum class Reset : std::uint8_t {
  kPowerOn,  // as it leaves the factory: caches are empty too
  kWarm,     // registers only: caches keep what they hold
};

// That an SMMU goes on where another one had stopped.
struct Restored {};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PACE_H_
