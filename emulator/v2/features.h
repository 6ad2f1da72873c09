// What the ID registers of one SMMUv2 say, in the form that rules ask for it.
#ifndef SMMU_EMULATOR_V2_FEATURES_H_
#define SMMU_EMULATOR_V2_FEATURES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "emulator/walk/regime.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::emulator {

struct FeaturesV2 {
  explicit FeaturesV2(const SmmuV2Config& config);

  v2::SMMU_IDR0 idr0;
  v2::SMMU_IDR1 idr1;
  v2::SMMU_IDR2 idr2;

  unsigned page_bits;        // of a register page
  std::uint32_t half_pages;  // register pages of the global half, and of the banks
  std::uint32_t num_banks;
  std::uint32_t num_stage2_banks;      // the first ones, of stage 2 alone
  std::uint32_t num_groups;            // stream mapping groups
  std::uint32_t stream_mask;           // of the bits of a StreamID that are there
  std::uint32_t extended_stream_mask;  // the same with EXIDENABLE
  unsigned input_bits;                 // IAS, of an IPA
  unsigned output_bits;                // OAS, of a physical address
  unsigned bus_bits;                   // UBS, of what a device says
  bool matches_streams;                // SMS
  bool translates_on_request;          // not ATOSNS
  bool secure;                         // SES

  bool has(Granule granule) const;
  bool has_aarch64() const { return has(Granule::k4K) || has(Granule::k16K) || has(Granule::k64K); }
  bool has_long() const { return idr0[v2::SMMU_IDR0::PTFS] != v2::AArch32Formats::kNone; }
  bool has_short() const { return idr0[v2::SMMU_IDR0::PTFS] == v2::AArch32Formats::kShortAndLong; }
  bool updates_access_flag() const {
    return idr1[v2::SMMU_IDR1::HAFDBS] != v2::HardwareUpdates::kNone;
  }
  bool updates_dirty_state() const {
    return idr1[v2::SMMU_IDR1::HAFDBS] == v2::HardwareUpdates::kAccessFlagAndDirtyState;
  }
  // What VA64 and EAE can say.
  bool only_aarch64() const { return !has_long(); }
  bool only_long() const { return has_long() && !has_short(); }
};

// A sentence that says which value of `config` this model does not implement
// or the architecture does not allow; none if every one can be honoured.
std::optional<std::string> objection(const SmmuV2Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_FEATURES_H_
