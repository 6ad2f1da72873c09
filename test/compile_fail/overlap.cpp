// expect: covers_exactly<Layout>
// Two fields must not share a bit.
#include "smmu/arch/bits.h"

struct Layout : smmu::Register<Layout, std::uint32_t, 0> {
  using Register::Register;
  static constexpr Bits<15, 0> Low{"Low"};
#ifdef BROKEN
  static constexpr Bits<31, 15> High{"High"};
#else
  static constexpr Bits<31, 16> High{"High"};
#endif

  static constexpr smmu::FieldInfo kFields[] = {Low, High};
};
static_assert(smmu::covers_exactly<Layout>(), "covers_exactly<Layout>");
