// Long descriptors of VMSAv8-32 (DDI 0487, G5.5.2 and G5.5.3), one type per shape.
//
// They are told apart as those of VMSAv8-64 are (smmu/arch/vmsa/aarch64.h), with the 4 KiB granule:
// Valid 0 is invalid, at levels 1 and 2 Type 1 is a Table and Type 0 a Block, at level 3 Type 1 is
// a Page and Type 0 is invalid too.  The stage picks the rest.
//
// Addresses have 40 bits.  What a descriptor holds above them is address as well, of one that is
// too large (G5.11.1.3).  Bits below the size of the page, block or table are not address, and a
// walker masks them.
#ifndef SMMU_ARCH_VMSA_AARCH32_LONG_H_
#define SMMU_ARCH_VMSA_AARCH32_LONG_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/memory_attributes.h"

namespace smmu::vmsa {

// G5.5.3.1.  In a regime with one privilege level PXNTable and APTable[0] are RES0.
struct Table_Stage1_Long : Structure<Table_Stage1_Long, 8> {
  using Structure::Structure;
  static constexpr Bit<0>          Valid{"Valid"};
  static constexpr Bit<1>          Type{"Type"};
  static constexpr Address<39, 12> NLTA{"NLTA"};
  static constexpr Address<47, 40> NLTA_47_40{"NLTA[47:40]"};
  static constexpr Bit<59>         PXNTable{"PXNTable"};
  static constexpr Bit<60>         XNTable{"XNTable"};
  static constexpr Bits<62, 61>    APTable{"APTable"};
  static constexpr Bit<63>         NSTable{"NSTable"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, reserved(11, 2), NLTA, NLTA_47_40, reserved(58, 48), PXNTable, XNTable, APTable,
      NSTable};
};
static_assert(covers_exactly<Table_Stage1_Long>());

// G5.5.2.1
struct Table_Stage2_Long : Structure<Table_Stage2_Long, 8> {
  using Structure::Structure;
  static constexpr Bit<0>          Valid{"Valid"};
  static constexpr Bit<1>          Type{"Type"};
  static constexpr Address<39, 12> NLTA{"NLTA"};
  static constexpr Address<47, 40> NLTA_47_40{"NLTA[47:40]"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, reserved(11, 2), NLTA, NLTA_47_40, reserved(63, 48)};
};
static_assert(covers_exactly<Table_Stage2_Long>());

// A Block or a Page (G5.5.3.2).  In a regime with one privilege level PXN and nG are RES0, and
// AP[1] is RES1.
struct Leaf_Stage1_Long : Structure<Leaf_Stage1_Long, 8> {
  using Structure::Structure;
  static constexpr Bit<0>                   Valid{"Valid"};
  static constexpr Bit<1>                   Type{"Type"};
  static constexpr Bits<4, 2>               AttrIndx{"AttrIndx"};
  static constexpr Bit<5>                   NS{"NS"};
  static constexpr Bits<7, 6>               AP{"AP"};  // AP[2:1]; there is no AP[0]
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<10>                  AF{"AF"};
  static constexpr Bit<11>                  nG{"nG"};
  static constexpr Address<39, 12>          OA{"OA"};
  static constexpr Address<47, 40>          OA_47_40{"OA[47:40]"};
  static constexpr Bit<52>                  Contiguous{"Contiguous"};
  static constexpr Bit<53>                  PXN{"PXN"};
  static constexpr Bit<54>                  XN{"XN"};
  static constexpr Bits<58, 55>             Software{"Software"};
  static constexpr Bits<62, 59>             PBHA{"PBHA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, AttrIndx, NS, AP, SH, AF, nG, OA, OA_47_40, reserved(51, 48), Contiguous, PXN,
      XN, Software, PBHA, reserved(63)};
};
static_assert(covers_exactly<Leaf_Stage1_Long>());

// A Block or a Page (G5.5.3.3).
struct Leaf_Stage2_Long : Structure<Leaf_Stage2_Long, 8> {
  using Structure::Structure;
  static constexpr Bit<0>                   Valid{"Valid"};
  static constexpr Bit<1>                   Type{"Type"};
  static constexpr Bits<5, 2>               MemAttr{"MemAttr"};
  static constexpr Bits<7, 6>               S2AP{"S2AP"};
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<10>                  AF{"AF"};
  static constexpr Address<39, 12>          OA{"OA"};
  static constexpr Address<47, 40>          OA_47_40{"OA[47:40]"};
  static constexpr Bit<52>                  Contiguous{"Contiguous"};
  static constexpr Bits<54, 53>             XN{"XN"};  // only XN[1] without FEAT_XNX
  static constexpr Bits<58, 55>             Software{"Software"};
  static constexpr Bits<62, 59>             PBHA{"PBHA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, MemAttr, S2AP, SH, AF, reserved(11), OA, OA_47_40, reserved(51, 48), Contiguous,
      XN, Software, PBHA, reserved(63)};
};
static_assert(covers_exactly<Leaf_Stage2_Long>());

}  // namespace smmu::vmsa

#endif  // SMMU_ARCH_VMSA_AARCH32_LONG_H_
