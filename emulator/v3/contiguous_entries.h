// STEs that say that their neighbours are as they are (IHI 0070, 5.2, CONT).
#ifndef SMMU_EMULATOR_V3_CONTIGUOUS_ENTRIES_H_
#define SMMU_EMULATOR_V3_CONTIGUOUS_ENTRIES_H_

#include <cstdint>

#include "emulator/v3/structure_cache.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::emulator {

// A cache that takes the hint: one copy stands for the whole span, and a
// stream of it whose own STE is another one finds two.  Safe from any thread.
class ContiguousEntries {
 public:
  ContiguousEntries(const Caching& caching, const Tcu& tcu) : copies_(caching, tcu) {}

  // Keeps the STE of a stream as that of its span of 2^cont streams, 0 to 15.
  void insert(StreamId stream, const v3::STE& ste, unsigned cont, Reading read);

  // Whether a copy stands for the stream that is not identical to its own STE.
  bool contradict(StreamId stream, const v3::STE& ste);

  // Drops the copies that stand for one of these streams.
  void invalidate(StreamId first, StreamId last, Stamp before);
  void clear() { copies_.clear(); }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    copies_.archive(snapshot, [](std::uint32_t cont) { return cont >= 1 && cont <= kMostCont; });
  }

 private:
  static constexpr unsigned kMostCont = 15;

  StructureCache<v3::STE> copies_;  // by the first StreamID of the span, and CONT
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_CONTIGUOUS_ENTRIES_H_
