// What an SMMU is built to be.
#ifndef SMMU_EMULATOR_CONFIG_H_
#define SMMU_EMULATOR_CONFIG_H_

#include <array>
#include <cstdint>
#include <vector>

#include "smmu/arch/v3/identification_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/emulator/caching.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/pace.h"

namespace smmu::emulator {

// Whether records of like events become one (IHI 0070, 7.3.1).
enum class EventMerging : std::uint8_t {
  kNever,
  // Where it is permitted, by STE.MEV mostly: an event that is like the one
  // recorded last is not recorded while software has not consumed that record.
  kPermitted,
};

// The identification registers, word for word as software will read them, and
// what the architecture leaves to the implementation.
struct SmmuV3Config {
  v3::SMMU_IDR0 idr0;
  v3::SMMU_IDR1 idr1;
  v3::SMMU_IDR2 idr2;
  v3::SMMU_IDR3 idr3;
  v3::SMMU_IDR4 idr4;
  v3::SMMU_IDR5 idr5;
  v3::SMMU_IDR6 idr6;
  v3::SMMU_IIDR iidr;
  v3::SMMU_AIDR aidr;
  // SMMU_S_IDR1.SECURE_IMPL 0: there is no Secure interface, and no other bit.
  v3::SMMU_S_IDR0 s_idr0 = {};
  v3::SMMU_S_IDR1 s_idr1 = {};
  v3::SMMU_S_IDR2 s_idr2 = {};
  v3::SMMU_S_IDR3 s_idr3 = {};
  v3::SMMU_S_IDR4 s_idr4 = {};
  v3::SMMU_S_IDR6 s_idr6 = {};
  std::array<std::uint32_t, 12> id_block = {};  // offsets 0xFD0 to 0xFFC
  std::uint32_t gbpa_reset = 0;                 // SMMU_GBPA after reset, Update clear
  std::uint32_t s_gbpa_reset = 0;               // and SMMU_S_GBPA
  // How many transactions may be stalled at a time, at most 2^16; any more
  // abort.  SMMU_IDR5.STALL_MAX of them have a record, the others wait for one.
  std::uint32_t most_stalled = 1U << 12;
  EventMerging merging = EventMerging::kNever;
  Caching caching = {};
  Pace pace = Pace::kAtOnce;
  // With one or more, every translation takes the long way, where it is counted.
  std::vector<CounterGroupConfig> counter_groups = {};

  // All that this model implements: an SMMUv3.4.
  static SmmuV3Config everything();
  // Arm's MMU-600, an SMMUv3.1, but for what this model has not of it.
  static SmmuV3Config mmu600();
  // What QEMU's machine "virt" presents: stage 1 only, no MSIs.
  static SmmuV3Config qemu_virt();
  // The least an SMMUv3.0 may be that translates: one stream, stage 1 with
  // VMSAv8-64 tables of 4 KiB, addresses of 32 bits, queues of one entry.
  static SmmuV3Config minimal();

  // The same as an SMMUv3.`minor`, 0 to 4: without what later versions of the
  // architecture have brought (IHI 0070, 2.2 to 2.8).
  SmmuV3Config of_version(unsigned minor) const;
  // The same without a stage, and without what only both together have.
  SmmuV3Config without_stage1() const;
  SmmuV3Config without_stage2() const;
  // The same without a Secure programming interface.
  SmmuV3Config without_secure_state() const;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_CONFIG_H_
