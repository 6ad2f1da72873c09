// What the ID registers of one SMMU say, in the form that rules ask for it.
#ifndef SMMU_EMULATOR_V3_FEATURES_H_
#define SMMU_EMULATOR_V3_FEATURES_H_

#include <atomic>
#include <optional>
#include <string>

#include "emulator/tcu/tcu.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

enum class TableFormat : std::uint8_t { kAArch32, kAArch64 };

// Of one programming interface.
struct Features {
  explicit Features(const SmmuV3Config& config, SecurityState security = SecurityState::kNonSecure);

  SecurityState security;

  v3::SMMU_IDR0 idr0;
  v3::SMMU_IDR1 idr1;
  v3::SMMU_IDR3 idr3;
  v3::SMMU_IDR5 idr5;

  bool smmu_has_stage2;  // SMMU_IDR0.S2P; idr0 says it of this interface's streams
  // CMD_ATC_INV and CMD_PRI_RESP: of the Non-secure interface, and, if
  // SMMU_S_IDR3.SAMS is 0, of the Secure one about Non-secure streams.
  bool atc_invalidation;
  bool page_responses;

  unsigned output_bits;     // OAS, as a width
  unsigned input_bits;      // IAS (3.4): of an IPA
  unsigned stream_bits;     // SIDSIZE
  unsigned substream_bits;  // SSIDSIZE

  // What SMMU_IDR0.STALL_MODEL says, which SMMU_S_CR0.NSSTALLD has a say in.
  StallModel stall_model() const {
    return stalls_forbidden.load(std::memory_order_relaxed) ? StallModel::kTerminate
                                                            : idr0[v3::SMMU_IDR0::STALL_MODEL];
  }
  std::atomic<bool> stalls_forbidden{false};
  // Whether transactions can stall.
  bool stalls() const { return stall_model() != StallModel::kTerminate; }
  // The translation regimes of EL1 and EL2.
  StreamWorld el1() const {
    return security == SecurityState::kNonSecure ? StreamWorld::kNsEl1 : StreamWorld::kSecure;
  }
  StreamWorld el2(bool e2h) const {
    if (security == SecurityState::kSecure) return e2h ? StreamWorld::kSEl2E2h : StreamWorld::kSEl2;
    return e2h ? StreamWorld::kNsEl2E2h : StreamWorld::kNsEl2;
  }
  bool has(Granule granule) const;
  std::uint64_t smallest_granule() const;  // in bytes
  bool has(TableFormat format) const;
  // What BBML promises.
  Tcu::Conflicts conflicts() const;
};

// A sentence that says which value of `config` this model does not implement
// or the architecture does not allow; none if every one can be honoured.
std::optional<std::string> objection(const SmmuV3Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_FEATURES_H_
