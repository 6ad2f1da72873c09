// expect: field crosses a 64-bit word
// Arm's fields never cross a doubleword.
#include "smmu/arch/bits.h"

struct Layout : smmu::Structure<Layout, 16> {
#ifdef BROKEN
  static constexpr Bits<70, 60> Field{"Field"};
#else
  static constexpr Bits<70, 64> Field{"Field"};
#endif
};
