// What the structures that a walk has read say of its tables.
#ifndef EMULATOR_CLI_KNOWN_TABLES_H_
#define EMULATOR_CLI_KNOWN_TABLES_H_

#include <optional>

#include "emulator/cli/descriptor_step.h"
#include "emulator/tcu/configuration_source.h"
#include "emulator/v3/features.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/platform/mmio.h"

namespace smmu::cli {

class KnownTables {
 public:
  // `registers`: those of the SMMU that walks.
  explicit KnownTables(Mmio& registers);

  // In the order in which they are read.  One that is illegal says nothing.
  void learn(const v3::STE& ste);
  void learn(const v3::CD& cd);

  // The tables of a stage where `iova` is translated; none if nothing is known of them.  It is good
  // until more is learnt.
  std::optional<TableTree> tree(unsigned stage, Iova iova) const;

 private:
  const emulator::Features features_;
  const bool e2h_;  // SMMU_CR2
  v3::STE ste_;
  emulator::Context context_;
  bool has_stage1_ = false;
  DescriptorFormat stage1_format_ = DescriptorFormat::kAArch64;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_KNOWN_TABLES_H_
