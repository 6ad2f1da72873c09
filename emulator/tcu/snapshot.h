// What configuration says, in a snapshot.
#ifndef SMMU_EMULATOR_TCU_SNAPSHOT_H_
#define SMMU_EMULATOR_TCU_SNAPSHOT_H_

#include "emulator/tcu/configuration_source.h"
#include "emulator/walk/snapshot.h"

namespace smmu::emulator {

constexpr bool known(Recording value) { return value <= Recording::kStalls; }
constexpr bool known(AtsGrant value) { return value <= AtsGrant::kSplit; }
constexpr bool known(Context::Action value) { return value <= Context::Action::kTranslate; }

template <class Snapshot>
void archive(Snapshot& snapshot, ContextBanks& banks) {
  auto& [stage1, stage2] = banks;
  snapshot(stage1, stage2);
}

template <class Snapshot>
void archive(Snapshot& snapshot, ConfigurationFault& fault) {
  auto& [code, substream, fetch_address, mergeable, banks] = fault;
  snapshot(code, substream, fetch_address, mergeable, banks);
}

template <class Snapshot>
void archive(Snapshot& snapshot, TranslationFault& fault) {
  auto& [walk, response, recording, mergeable, banks] = fault;
  snapshot(walk, response, recording, mergeable, banks);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Context& context) {
  auto& [action, ats, page_response_names_substream, fault, overrides, mergeable, banks, owner,
         stage2_vmid, shares_translations, regime, response, recording, stage2_recording] = context;
  snapshot(action, ats, page_response_names_substream, fault, overrides, mergeable, banks, owner,
           stage2_vmid, shares_translations, regime, response, recording, stage2_recording);
}

template <class Snapshot>
void archive(Snapshot& snapshot, ConfigurationInvalidation& what) {
  auto& [first, last, contexts_only, substream, upper_levels] = what;
  snapshot(first, last, contexts_only, substream, upper_levels);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_SNAPSHOT_H_
