// A page request, as it lies in the PRI queue (IHI 0070, chapter 8): what a device asks to have
// paged in.  Bit numbers run across all 128 bits.
#ifndef SMMU_ARCH_V3_PAGE_REQUESTS_H_
#define SMMU_ARCH_V3_PAGE_REQUESTS_H_

#include "smmu/arch/bits.h"

namespace smmu::v3 {

// A PRI Page Request, PPR.  With SSV 1, Last 1, W 0 and R 0 it is a Stop Marker instead.
struct PPR : Structure<PPR, 16> {
  using Structure::Structure;
  static constexpr Bits<31, 0>      StreamID{"StreamID"};
  static constexpr Bits<51, 32>     SubstreamID{"SubstreamID"};
  static constexpr Bit<58>          Priv{"Priv"};
  static constexpr Bit<59>          X{"X"};
  static constexpr Bit<60>          R{"R"};
  static constexpr Bit<61>          W{"W"};
  static constexpr Bit<62>          Last{"Last"};
  static constexpr Bit<63>          SSV{"SSV"};
  static constexpr Bits<72, 64>     PRGIndex{"PRGIndex"};
  static constexpr Address<127, 76> PageAddress{"PageAddress"};

  static constexpr FieldInfo kFields[] = {
      StreamID, SubstreamID, reserved(57, 52), Priv, X, R, W, Last, SSV, PRGIndex, reserved(75, 73),
      PageAddress};
};
static_assert(covers_exactly<PPR>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_PAGE_REQUESTS_H_
