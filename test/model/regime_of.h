// The naive walker's configuration as the emulator's walker takes it.
#ifndef SMMU_TEST_MODEL_REGIME_OF_H_
#define SMMU_TEST_MODEL_REGIME_OF_H_

#include "emulator/walk/regime.h"
#include "test/model/naive_walker.h"

namespace smmu::model {

// REQUIRES: the configuration is legal (naive_walker.h).
emulator::Regime regime_of(const Regime& regime);

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_REGIME_OF_H_
