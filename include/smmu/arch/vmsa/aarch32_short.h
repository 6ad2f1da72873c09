// Short descriptors of VMSAv8-32 (DDI 0487, G5.4.1 and G5.4.2), one type per shape, of 32 bits.
//
//   Level1_Short        what tells a level 1 descriptor's shape: a Table_Short, a Section_Short, or
//                       a Supersection_Short where Supersection is 1 in what says it is a Section
//   Level2_Short        the same of level 2: a LargePage_Short or a SmallPage_Short
//
// An execute-never bit of a Section and of a Small page is bit 0 of the type: PXN, XN.
#ifndef SMMU_ARCH_VMSA_AARCH32_SHORT_H_
#define SMMU_ARCH_VMSA_AARCH32_SHORT_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::vmsa {

enum class Level1Type : std::uint8_t { kInvalid = 0, kTable = 1, kSection = 2, kSectionPXN = 3 };
enum class Level2Type : std::uint8_t {
  kInvalid = 0,
  kLargePage = 1,
  kSmallPage = 2,
  kSmallPageXN = 3
};

// G5.4.1.1
struct Level1_Short : Structure<Level1_Short, 4> {
  using Structure::Structure;
  static constexpr Bits<1, 0, Level1Type> Type{"Type"};
  static constexpr Bit<18>                Supersection{"Supersection"};

  static constexpr FieldInfo kFields[] = {
      Type, reserved(17, 2), Supersection, reserved(31, 19)};
};
static_assert(covers_exactly<Level1_Short>());

struct Table_Short : Structure<Table_Short, 4> {
  using Structure::Structure;
  static constexpr Bits<1, 0, Level1Type> Type{"Type"};
  static constexpr Bit<2>                 PXN{"PXN"};
  static constexpr Bit<3>                 NS{"NS"};
  static constexpr Bits<8, 5>             Domain{"Domain"};
  static constexpr Address<31, 10>        Base{"Base"};

  static constexpr FieldInfo kFields[] = {Type, PXN, NS, reserved(4), Domain, reserved(9), Base};
};
static_assert(covers_exactly<Table_Short>());

// What a Section and a Supersection have in common.
template <class Self>
struct Attributes_Level1 : Structure<Self, 4> {
  using Structure<Self, 4>::Structure;
  static constexpr BitsOf<Self, 0, 0>   PXN{"PXN"};
  static constexpr BitsOf<Self, 2, 2>   B{"B"};
  static constexpr BitsOf<Self, 3, 3>   C{"C"};
  static constexpr BitsOf<Self, 4, 4>   XN{"XN"};
  static constexpr BitsOf<Self, 11, 10> AP_1_0{"AP[1:0]"};
  static constexpr BitsOf<Self, 14, 12> TEX{"TEX"};
  static constexpr BitsOf<Self, 15, 15> AP_2{"AP[2]"};
  static constexpr BitsOf<Self, 16, 16> S{"S"};
  static constexpr BitsOf<Self, 17, 17> nG{"nG"};
  static constexpr BitsOf<Self, 18, 18> Supersection{"Supersection"};
  static constexpr BitsOf<Self, 19, 19> NS{"NS"};
};

struct Section_Short : Attributes_Level1<Section_Short> {
  using Attributes_Level1::Attributes_Level1;
  static constexpr Bits<8, 5>      Domain{"Domain"};
  static constexpr Address<31, 20> Base{"Base"};

  static constexpr FieldInfo kFields[] = {
      PXN, reserved(1), B, C, XN, Domain, reserved(9), AP_1_0, TEX, AP_2, S, nG, Supersection, NS,
      Base};
};
static_assert(covers_exactly<Section_Short>());

// Of domain 0.  The upper bits of its address stand where they find room.
struct Supersection_Short : Attributes_Level1<Supersection_Short> {
  using Attributes_Level1::Attributes_Level1;
  static constexpr Bits<8, 5>      Base_39_36{"Base[39:36]"};
  static constexpr Bits<23, 20>    Base_35_32{"Base[35:32]"};
  static constexpr Address<31, 24> Base_31_24{"Base[31:24]"};

  static constexpr FieldInfo kFields[] = {
      PXN, reserved(1), B, C, XN, Base_39_36, reserved(9), AP_1_0, TEX, AP_2, S, nG, Supersection,
      NS, Base_35_32, Base_31_24};
};
static_assert(covers_exactly<Supersection_Short>());

// G5.4.1.2
struct Level2_Short : Structure<Level2_Short, 4> {
  using Structure::Structure;
  static constexpr Bits<1, 0, Level2Type> Type{"Type"};

  static constexpr FieldInfo kFields[] = {Type, reserved(31, 2)};
};
static_assert(covers_exactly<Level2_Short>());

// What both sizes of page have in common.
template <class Self>
struct Attributes_Level2 : Structure<Self, 4> {
  using Structure<Self, 4>::Structure;
  static constexpr BitsOf<Self, 2, 2>   B{"B"};
  static constexpr BitsOf<Self, 3, 3>   C{"C"};
  static constexpr BitsOf<Self, 5, 4>   AP_1_0{"AP[1:0]"};
  static constexpr BitsOf<Self, 9, 9>   AP_2{"AP[2]"};
  static constexpr BitsOf<Self, 10, 10> S{"S"};
  static constexpr BitsOf<Self, 11, 11> nG{"nG"};
};

struct LargePage_Short : Attributes_Level2<LargePage_Short> {
  using Attributes_Level2::Attributes_Level2;
  static constexpr Bits<14, 12>    TEX{"TEX"};
  static constexpr Bit<15>         XN{"XN"};
  static constexpr Address<31, 16> Base{"Base"};

  static constexpr FieldInfo kFields[] = {
      reserved(1, 0), B, C, AP_1_0, reserved(8, 6), AP_2, S, nG, TEX, XN, Base};
};
static_assert(covers_exactly<LargePage_Short>());

struct SmallPage_Short : Attributes_Level2<SmallPage_Short> {
  using Attributes_Level2::Attributes_Level2;
  static constexpr Bit<0>          XN{"XN"};
  static constexpr Bits<8, 6>      TEX{"TEX"};
  static constexpr Address<31, 12> Base{"Base"};

  static constexpr FieldInfo kFields[] = {
      XN, reserved(1), B, C, AP_1_0, TEX, AP_2, S, nG, Base};
};
static_assert(covers_exactly<SmallPage_Short>());

}  // namespace smmu::vmsa

#endif  // SMMU_ARCH_VMSA_AARCH32_SHORT_H_
