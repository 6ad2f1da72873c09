// What the driver writes into STEs and CDs (IHI 0070, 5.2 and 5.4).
#ifndef SMMU_LIB_SMMU_V3_ENTRIES_H_
#define SMMU_LIB_SMMU_V3_ENTRIES_H_

#include <optional>

#include "lib/smmu_v3/context_entries.h"
#include "lib/smmu_v3/features.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/types.h"

namespace smmu::iommu {

// What of a stream is the device's, whatever it is attached to.
struct StreamTraits {
  bool stalls = false;  // its accesses may wait for software
  bool ats = false;     // it may hold translations
};

v3::STE abort_entry();
v3::STE bypass_entry(const FeaturesV3& features);

// Stage 1 by a CD table.  `without`: what accesses get that have no SubstreamID.
v3::STE stage1_entry(const FeaturesV3& features, SmmuV3DriverConfig::World world,
                     const ContextEntries& contexts, v3::DefaultSubstream without,
                     const StreamTraits& traits);

struct Stage2 {
  PgtableRegisters tables;
  Vmid vmid;
  bool forced_write_back = false;  // S2FWB
};
v3::STE stage2_entry(const FeaturesV3& features, const Stage2& stage2, const StreamTraits& traits);

// Whether a guest may have these words: what it says is what a stage 1 has, or nothing, and it asks
// for nothing that this SMMU does not have.
bool guest_stream_is_valid(const FeaturesV3& features, const GuestStream& guest);
// A guest's words above a stage 2: both, stage 2 alone, or nothing.
v3::STE nested_entry(const FeaturesV3& features, const GuestStream& guest, const Stage2& stage2,
                     const StreamTraits& traits);

struct Stage1 {
  PgtableRegisters tables;
  Asid asid;
  bool upper_half = false;  // by TTB1
  bool dirty = false;       // the SMMU tells which pages were written to
};
v3::CD context(const FeaturesV3& features, const Stage1& stage1, const StreamTraits& traits);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_ENTRIES_H_
