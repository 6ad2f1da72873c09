// A regime made of fields alone, decoded as an SMMU decodes those of a CD and an STE.
#ifndef EMULATOR_CLI_DIRECT_REGIME_H_
#define EMULATOR_CLI_DIRECT_REGIME_H_

#include "emulator/cli/regime_fields.h"
#include "emulator/walk/regime.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::cli {

struct DirectRegime {
  // BadInput if fields are missing or contradict each other, with the field that is at fault and
  // the values that it might have.
  explicit DirectRegime(const RegimeFields& fields);

  bool has_mair() const;

  RegimeFields fields;
  // The fields that are of these, with what is taken where none is given.
  v3::CD cd;
  v3::STE ste;
  unsigned physical_bits;
  emulator::Regime regime;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_DIRECT_REGIME_H_
