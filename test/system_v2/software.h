// Software that programs an SMMUv2 by tables of 39 bits, and a small SMMU for it.
#ifndef SMMU_TEST_SYSTEM_V2_SOFTWARE_H_
#define SMMU_TEST_SYSTEM_V2_SOFTWARE_H_

#include <cstdint>

#include "test/system_v2/rig.h"

namespace smmu::testing {

using Software = SoftwareV2;

// A small SMMU: eight banks and groups, of which Secure software keeps the last two, and two groups
// of two counters.
inline emulator::SmmuV2Config small_config() {
  using namespace v2;
  emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::NUMSMRG, 8);
  config.idr1.set(SMMU_IDR1::NUMCB, 8).set(SMMU_IDR1::NUMPAGENDXB, 2);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 6).set(SMMU_SCR1::NSNUMSMRGO, 6);
  config.pmcfgr.set(SMMU_PMCFGR::N, 3).set(SMMU_PMCFGR::NCG, 1);
  config.caching.main_tlb = {.sets = 4, .ways = 2};
  config.caching.stage2 = {.sets = 4, .ways = 1};
  config.caching.walk = {.sets = 2, .ways = 1};
  config.caching.cap = 64;
  config.most_stalled = 16;
  return config;
}

// Tables of 39 bits, which begin at level 1.
inline PageTable::Options stage1_tables() { return {.t0sz = 25}; }
inline PageTable::Options stage2_tables() { return {.t0sz = 25, .stage = 2}; }

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_SOFTWARE_H_
