// expect: covers_exactly<Layout>
// A field that is declared and not listed leaves a gap.
#include "smmu/arch/bits.h"

struct Layout : smmu::Register<Layout, std::uint32_t, 0> {
  using Register::Register;
  static constexpr Bits<15, 0> Low{"Low"};
  static constexpr Bits<31, 16> High{"High"};

#ifdef BROKEN
  static constexpr smmu::FieldInfo kFields[] = {Low};
#else
  static constexpr smmu::FieldInfo kFields[] = {Low, High};
#endif
};
static_assert(smmu::covers_exactly<Layout>(), "covers_exactly<Layout>");
