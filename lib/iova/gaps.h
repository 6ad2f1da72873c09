// How much fits into a gap, as two numbers that can be compared and put together cheaply: what the
// tree of ranges keeps for every gap and for every subtree.
#ifndef SMMU_LIB_IOVA_GAPS_H_
#define SMMU_LIB_IOVA_GAPS_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "smmu/iommu/iova.h"

namespace smmu::iommu {

// The largest request that fits.  Two lanes: [0] for one that may begin anywhere, [1] for one that
// is aligned naturally.  Whether a naturally aligned request fits is monotone in its size, whatever
// the size, so one number says it:
//
//   Let m be the most aligned place of the gap [b, e], its end included.  To the right of m, e - m
//   pages fit, since m is aligned for anything that is not longer.  To the left, the blocks that
//   end at m are the best there are, so the largest is the largest power of two in m - b.
//
// A room is the number of pages, counted from kNoRoom, and kMostRoom for all that is more.  Between
// these bounds every bit pattern is a normal float of its own, and floats are ordered as their
// patterns are: the maximum of two lanes is one SSE instruction, with no need of any extension.
struct Gaps {
  using Room = std::uint32_t;
  static constexpr Room kNoRoom = 0x0080'0000;
  static constexpr Room kMostRoom = 0x7f7f'ffff;

  alignas(8) Room room[2] = {kNoRoom, kNoRoom};

  static constexpr Room room_of(std::uint64_t pages) {
    return kNoRoom + static_cast<Room>(std::min<std::uint64_t>(pages, kMostRoom - kNoRoom));
  }

  // Of the gap [begin, end).
  static constexpr Gaps between(Pfn begin, Pfn end) {
    if (begin >= end) return {};
    const std::uint64_t pages = end - begin;
    // A quarter of any gap is in an aligned block.
    constexpr std::uint64_t kMostInBoth = 4 * std::uint64_t{kMostRoom - kNoRoom};
    if (pages >= kMostInBoth) return {{kMostRoom, kMostRoom}};
    if (pages == 1) return {{kNoRoom + 1, kNoRoom + 1}};
    // The highest bit that changes on the way from begin - 1 to end changes at m.
    const Pfn middle = end & ~(std::bit_floor((begin - 1) ^ end) - 1);
    return {{room_of(pages), room_of(std::max(std::bit_floor(middle - begin), end - middle))}};
  }

  friend constexpr bool operator==(const Gaps& a, const Gaps& b) { return a.bits() == b.bits(); }

  constexpr std::uint64_t bits() const { return std::bit_cast<std::uint64_t>(room); }
};
static_assert(sizeof(Gaps) == 8);

// The largest of either lane.  `two` begin at a multiple of 16 bytes.
#ifdef __SSE2__
inline __m128 lanes_of(const Gaps& gaps) {
  return _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(&gaps)));
}
inline Gaps largest_of(__m128 a, __m128 b) {
  const auto bits =
      static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_castps_si128(_mm_max_ps(a, b))));
  return std::bit_cast<Gaps>(bits);
}
inline Gaps largest(const Gaps& one, const Gaps (&two)[2]) {
  const __m128 pair = _mm_load_ps(reinterpret_cast<const float*>(&two));
  return largest_of(_mm_max_ps(pair, _mm_movehl_ps(pair, pair)), lanes_of(one));
}
inline Gaps largest(const Gaps& a, const Gaps& b) { return largest_of(lanes_of(a), lanes_of(b)); }
#else
inline Gaps largest(const Gaps& a, const Gaps& b) {
  return {{std::max(a.room[0], b.room[0]), std::max(a.room[1], b.room[1])}};
}
inline Gaps largest(const Gaps& one, const Gaps (&two)[2]) {
  return largest(one, largest(two[0], two[1]));
}
#endif

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_GAPS_H_
