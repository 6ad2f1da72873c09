// The Virtual Machine Structure: what the streams of one virtual machine have in common (IHI 0070,
// 5.6).  A page that STE.VMSPtr points to, of which only the first 64 bytes have a meaning.
#ifndef SMMU_ARCH_V3_VIRTUAL_MACHINE_STRUCTURE_H_
#define SMMU_ARCH_V3_VIRTUAL_MACHINE_STRUCTURE_H_

#include <array>

#include "smmu/arch/bits.h"

namespace smmu::v3 {

// PARTID_MAP is an array of 32 physical PARTIDs, indexed by CD.PARTID.  Entry n is the 16 bits at
// byte 2n: read those rather than the page.
struct VMS : Structure<VMS, 4096> {
  using Structure::Structure;
  static constexpr Bits<15, 0>    PARTID_MAP0{"PARTID_MAP0"};
  static constexpr Bits<31, 16>   PARTID_MAP1{"PARTID_MAP1"};
  static constexpr Bits<47, 32>   PARTID_MAP2{"PARTID_MAP2"};
  static constexpr Bits<63, 48>   PARTID_MAP3{"PARTID_MAP3"};
  static constexpr Bits<79, 64>   PARTID_MAP4{"PARTID_MAP4"};
  static constexpr Bits<95, 80>   PARTID_MAP5{"PARTID_MAP5"};
  static constexpr Bits<111, 96>  PARTID_MAP6{"PARTID_MAP6"};
  static constexpr Bits<127, 112> PARTID_MAP7{"PARTID_MAP7"};
  static constexpr Bits<143, 128> PARTID_MAP8{"PARTID_MAP8"};
  static constexpr Bits<159, 144> PARTID_MAP9{"PARTID_MAP9"};
  static constexpr Bits<175, 160> PARTID_MAP10{"PARTID_MAP10"};
  static constexpr Bits<191, 176> PARTID_MAP11{"PARTID_MAP11"};
  static constexpr Bits<207, 192> PARTID_MAP12{"PARTID_MAP12"};
  static constexpr Bits<223, 208> PARTID_MAP13{"PARTID_MAP13"};
  static constexpr Bits<239, 224> PARTID_MAP14{"PARTID_MAP14"};
  static constexpr Bits<255, 240> PARTID_MAP15{"PARTID_MAP15"};
  static constexpr Bits<271, 256> PARTID_MAP16{"PARTID_MAP16"};
  static constexpr Bits<287, 272> PARTID_MAP17{"PARTID_MAP17"};
  static constexpr Bits<303, 288> PARTID_MAP18{"PARTID_MAP18"};
  static constexpr Bits<319, 304> PARTID_MAP19{"PARTID_MAP19"};
  static constexpr Bits<335, 320> PARTID_MAP20{"PARTID_MAP20"};
  static constexpr Bits<351, 336> PARTID_MAP21{"PARTID_MAP21"};
  static constexpr Bits<367, 352> PARTID_MAP22{"PARTID_MAP22"};
  static constexpr Bits<383, 368> PARTID_MAP23{"PARTID_MAP23"};
  static constexpr Bits<399, 384> PARTID_MAP24{"PARTID_MAP24"};
  static constexpr Bits<415, 400> PARTID_MAP25{"PARTID_MAP25"};
  static constexpr Bits<431, 416> PARTID_MAP26{"PARTID_MAP26"};
  static constexpr Bits<447, 432> PARTID_MAP27{"PARTID_MAP27"};
  static constexpr Bits<463, 448> PARTID_MAP28{"PARTID_MAP28"};
  static constexpr Bits<479, 464> PARTID_MAP29{"PARTID_MAP29"};
  static constexpr Bits<495, 480> PARTID_MAP30{"PARTID_MAP30"};
  static constexpr Bits<511, 496> PARTID_MAP31{"PARTID_MAP31"};

  // Every word above the map is RES0.
  static constexpr auto kFields = [] {
    std::array<FieldInfo, 32 + (kBits - 512) / kWordBits> fields{
        PARTID_MAP0, PARTID_MAP1, PARTID_MAP2, PARTID_MAP3, PARTID_MAP4, PARTID_MAP5, PARTID_MAP6,
        PARTID_MAP7, PARTID_MAP8, PARTID_MAP9, PARTID_MAP10, PARTID_MAP11, PARTID_MAP12,
        PARTID_MAP13, PARTID_MAP14, PARTID_MAP15, PARTID_MAP16, PARTID_MAP17, PARTID_MAP18,
        PARTID_MAP19, PARTID_MAP20, PARTID_MAP21, PARTID_MAP22, PARTID_MAP23, PARTID_MAP24,
        PARTID_MAP25, PARTID_MAP26, PARTID_MAP27, PARTID_MAP28, PARTID_MAP29, PARTID_MAP30,
        PARTID_MAP31};
    unsigned lo = 512;
    for (std::size_t i = 32; i < fields.size(); ++i, lo += kWordBits) {
      fields[i] = reserved(lo + kWordBits - 1, lo);
    }
    return fields;
  }();
};
static_assert(covers_exactly<VMS>());
static_assert(sizeof(VMS) == VMS::kSize);

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_VIRTUAL_MACHINE_STRUCTURE_H_
