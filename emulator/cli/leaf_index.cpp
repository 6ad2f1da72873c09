#include "emulator/cli/leaf_index.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "emulator/cli/stream_tables.h"

namespace smmu::cli {

namespace {

std::pair<std::uint32_t, std::uint64_t> place(const Leaf& leaf) {
  return {leaf.mapping.stream, leaf.mapping.iova};
}

}  // namespace

LeafIndex::LeafIndex(const Capture& capture) : capture_(capture) {
  Budget budget((capture.folder / "memory.txt").string());
  for (const Stream& stream : find_streams(capture.registers, capture.memory, budget)) {
    TableWalk walk = walk_tables(stream, capture.registers, capture.memory, budget);
    leaves_.insert(leaves_.end(), walk.leaves.begin(), walk.leaves.end());
  }
  std::ranges::sort(leaves_, {}, place);
}

const Leaf* LeafIndex::find(std::uint32_t id, std::uint64_t iova) const {
  const auto stream = find_stream(capture_.registers, capture_.memory, id);
  if (!stream || !stream->cd) return nullptr;
  for (const Half& half : halves(*stream->cd, capture_.registers)) {
    if (!half.translates(iova)) continue;
    // Without the tag, if there is one.
    constexpr std::uint64_t kTopByte = std::uint64_t{0xff} << 56;
    const std::uint64_t address = half.upper ? iova | kTopByte : iova & ~kTopByte;
    const auto after = std::ranges::upper_bound(leaves_, std::pair(id, address), {}, place);
    if (after == leaves_.begin()) return nullptr;
    const Mapping& mapping = std::prev(after)->mapping;
    const bool covers = mapping.stream == id && address - mapping.iova < mapping.size;
    return covers ? &*std::prev(after) : nullptr;
  }
  return nullptr;
}

}  // namespace smmu::cli
