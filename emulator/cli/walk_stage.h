// A machine with nothing in it but an SMMU set up for walks: each is given its own descriptors and
// its own stream, and taken away again.
#ifndef EMULATOR_CLI_WALK_STAGE_H_
#define EMULATOR_CLI_WALK_STAGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/driver.h"
#include "emulator/cli/machine.h"
#include "emulator/cli/walk_configuration.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

class WalkStage {
 public:
  // RAM for all of the capture's walks, and a Stream table with room for their streams.  BadInput
  // if the model refuses the SMMU.
  WalkStage(const Capture& capture, const emulator::Caching& caching);

  // False if the SMMU has no stream of this number.
  bool has_stream(std::uint32_t stream) const { return ste_address(stream).has_value(); }

  // Memory holds the descriptors of `walk` and what leads to them; the SMMU has no copy of
  // anything. REQUIRES: has_stream(walk.stream).
  void set(const RecordedWalk& walk, const WalkConfiguration& configuration);
  void clear(const RecordedWalk& walk);

  Driver& driver() { return *driver_; }
  Recorder& recorder() { return machine_->recorder(); }

 private:
  std::optional<std::uint64_t> ste_address(std::uint32_t stream) const;
  void store(std::uint64_t address, std::uint64_t value);

  bool two_level_;
  unsigned log2size_;
  std::uint64_t stream_table_ = 0;
  std::map<std::uint32_t, std::uint64_t> arrays_;  // second level, by the index of the L1STD
  std::uint64_t cd_ = 0;
  std::optional<Machine> machine_;
  std::optional<Driver> driver_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_STAGE_H_
