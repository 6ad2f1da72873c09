// Every leaf of a capture's stage 1 streams, by the addresses that it translates.
#ifndef EMULATOR_CLI_LEAF_INDEX_H_
#define EMULATOR_CLI_LEAF_INDEX_H_

#include <cstdint>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/table_walk.h"

namespace smmu::cli {

class LeafIndex {
 public:
  // `capture` must outlive the object.
  explicit LeafIndex(const Capture& capture);

  // Null if the tables of `stream` do not translate `iova`.
  const Leaf* find(std::uint32_t stream, std::uint64_t iova) const;

 private:
  const Capture& capture_;
  std::vector<Leaf> leaves_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_LEAF_INDEX_H_
