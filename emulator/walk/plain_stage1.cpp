// Plain walks of stage 1 alone.
#include "emulator/walk/plain.h"

namespace smmu::emulator {

template <unsigned kHalf>
bool Walker::walk_plain(const Stage1& stage1, std::uint64_t address, Leaf& leaf, LastTable& last,
                        WalkFault& fault) const {
  const Stage1Half& half = stage1.half[kHalf];
  PlainStage1 walk(memory_, stage1, half, leaf, last, fault);
  return walk.descend(half.tables, address);
}

template bool Walker::walk_plain<0>(const Stage1&, std::uint64_t, Leaf&, LastTable&,
                                    WalkFault&) const;
template bool Walker::walk_plain<1>(const Stage1&, std::uint64_t, Leaf&, LastTable&,
                                    WalkFault&) const;

}  // namespace smmu::emulator
