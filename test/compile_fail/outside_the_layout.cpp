// expect: field lies outside its layout
// A register of 32 bits has no bit 32.
#include "smmu/arch/bits.h"

struct Layout : smmu::Register<Layout, std::uint32_t, 0> {
  using Register::Register;
#ifdef BROKEN
  static constexpr Bit<32> Field{"Field"};
#else
  static constexpr Bit<31> Field{"Field"};
#endif
};

bool read(const Layout& layout) { return layout[Layout::Field]; }
