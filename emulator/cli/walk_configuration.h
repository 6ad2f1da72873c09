// What configuration a walk of walks.tsv was made under: the line itself has only descriptors.
#ifndef EMULATOR_CLI_WALK_CONFIGURATION_H_
#define EMULATOR_CLI_WALK_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <optional>

#include "emulator/cli/capture.h"
#include "emulator/cli/stream_tables.h"

namespace smmu::cli {

// An STE and a CD that lead to a walk's first descriptor.  The STE's S1ContextPtr is the caller's.
struct WalkConfiguration {
  v3::STE ste;
  v3::CD cd;
  bool from_memory;  // those that memory.txt has, else made up from the walk
};

class WalkConfigurations {
 public:
  // `capture` must outlive the object.
  explicit WalkConfigurations(const Capture& capture);

  // The stream's own STE and CD, if the CD's ASID and table are those of the walk; else a CD with
  // the granule and the start level that the descriptors show.  None if the descriptors are not one
  // walk.
  std::optional<WalkConfiguration> find(const RecordedWalk& walk) const;

 private:
  const RegisterValues& registers_;
  std::map<std::uint32_t, Stream> streams_;  // that stage 1 translates
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_CONFIGURATION_H_
