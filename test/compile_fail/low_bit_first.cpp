// expect: write the high bit first
#include "smmu/arch/bits.h"

struct Layout : smmu::Structure<Layout, 8> {
#ifdef BROKEN
  static constexpr Bits<4, 7> Field{"Field"};
#else
  static constexpr Bits<7, 4> Field{"Field"};
#endif
};
