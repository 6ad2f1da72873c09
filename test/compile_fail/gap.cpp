// expect: covers_exactly<Layout>
// Every bit is accounted for, the reserved ones too.
#include "smmu/arch/bits.h"

struct Layout : smmu::Register<Layout, std::uint32_t, 0> {
  using Register::Register;
  static constexpr Bits<15, 0> Low{"Low"};

#ifdef BROKEN
  static constexpr smmu::FieldInfo kFields[] = {Low};
#else
  static constexpr smmu::FieldInfo kFields[] = {Low, smmu::reserved(31, 16)};
#endif
};
static_assert(smmu::covers_exactly<Layout>(), "covers_exactly<Layout>");
