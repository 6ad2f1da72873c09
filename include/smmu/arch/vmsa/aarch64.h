// Translation table descriptors of VMSAv8-64 (DDI 0487, D8.3.1), one type per shape.
//
// Which type fits is not written in the descriptor alone.  Valid and Type lie at bits 0 and 1 of
// all of them.  Valid 0 is an Invalid descriptor, and nothing else in it means anything.  Below
// level 3, Type 1 is a Table and Type 0 a Block; at level 3, Type 1 is a Page and Type 0 is invalid
// too.  The stage picks the rest:
//
//   Table_Stage1, Table_Stage2    the next table
//   Leaf_Stage1, Leaf_Stage2      a Block or a Page, for code that treats them alike
//   Block_Stage1, Block_Stage2    a Block, where nT matters
//   Address_64K, Address_DS       only the address of any of the above, when it has 52 bits
//
// The address field is the widest any granule and level allow: bits below the size of the page,
// block or table are not address, and a walker masks them.  In a leaf they include nT.
//
// These are the shapes of Direct permissions; with Indirect permissions bits 54, 53, 51 and 6 are
// PIIndex and bit 7 nDirty or Dirty.
#ifndef SMMU_ARCH_VMSA_AARCH64_H_
#define SMMU_ARCH_VMSA_AARCH64_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/memory_attributes.h"

namespace smmu::vmsa {

// Table D8-50.  In a regime with one privilege level UXNTable is XNTable, and PXNTable is RES0.
struct Table_Stage1 : Structure<Table_Stage1, 8> {
  using Structure::Structure;
  static constexpr Bit<0>          Valid{"Valid"};
  static constexpr Bit<1>          Type{"Type"};
  static constexpr Bit<10>         AF{"AF"};
  static constexpr Address<47, 12> NLTA{"NLTA"};
  static constexpr Bit<52>         Protected{"Protected"};
  static constexpr Bit<59>         PXNTable{"PXNTable"};
  static constexpr Bit<60>         UXNTable{"UXNTable"};
  static constexpr Bits<62, 61>    APTable{"APTable"};
  static constexpr Bit<63>         NSTable{"NSTable"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, reserved(9, 2), AF, reserved(11), NLTA, reserved(51, 48), Protected,
      reserved(58, 53), PXNTable, UXNTable, APTable, NSTable};
};
static_assert(covers_exactly<Table_Stage1>());

// Table D8-51
struct Table_Stage2 : Structure<Table_Stage2, 8> {
  using Structure::Structure;
  static constexpr Bit<0>          Valid{"Valid"};
  static constexpr Bit<1>          Type{"Type"};
  static constexpr Bit<10>         AF{"AF"};
  static constexpr Address<47, 12> NLTA{"NLTA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, reserved(9, 2), AF, reserved(11), NLTA, reserved(63, 48)};
};
static_assert(covers_exactly<Table_Stage2>());

// Attributes of a stage 1 Block or Page (Table D8-52).  In a regime with one privilege level UXN is
// XN, PXN and nG are RES0, and AP[1] is RES1.
template <class Self>
struct Attributes_Stage1 : Structure<Self, 8> {
  using Structure<Self, 8>::Structure;
  static constexpr BitsOf<Self, 0, 0>               Valid{"Valid"};
  static constexpr BitsOf<Self, 1, 1>               Type{"Type"};
  static constexpr BitsOf<Self, 4, 2>               AttrIndx{"AttrIndx"};
  static constexpr BitsOf<Self, 5, 5>               NS{"NS"};
  static constexpr BitsOf<Self, 7, 6>               AP{"AP"};  // AP[2:1]; there is no AP[0]
  static constexpr BitsOf<Self, 9, 8, Shareability> SH{"SH"};
  static constexpr BitsOf<Self, 10, 10>             AF{"AF"};
  static constexpr BitsOf<Self, 11, 11>             nG{"nG"};
  static constexpr BitsOf<Self, 50, 50>             GP{"GP"};
  static constexpr BitsOf<Self, 51, 51>             DBM{"DBM"};
  static constexpr BitsOf<Self, 52, 52>             Contiguous{"Contiguous"};
  static constexpr BitsOf<Self, 53, 53>             PXN{"PXN"};
  static constexpr BitsOf<Self, 54, 54>             UXN{"UXN"};
  static constexpr BitsOf<Self, 58, 55>             Software{"Software"};
  static constexpr BitsOf<Self, 62, 59>             PBHA{"PBHA"};  // 59: AttrIndx[3] if CD.AIE
  static constexpr BitsOf<Self, 63, 63>             AMEC{"AMEC"};  // Realm only, else software
};

struct Leaf_Stage1 : Attributes_Stage1<Leaf_Stage1> {
  using Attributes_Stage1::Attributes_Stage1;
  static constexpr Address<47, 12> OA{"OA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, AttrIndx, NS, AP, SH, AF, nG, OA, reserved(49, 48), GP, DBM, Contiguous, PXN,
      UXN, Software, PBHA, AMEC};
};
static_assert(covers_exactly<Leaf_Stage1>());

struct Block_Stage1 : Attributes_Stage1<Block_Stage1> {
  using Attributes_Stage1::Attributes_Stage1;
  static constexpr Bit<16>         nT{"nT"};
  static constexpr Address<47, 17> OA{"OA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, AttrIndx, NS, AP, SH, AF, nG, reserved(15, 12), nT, OA, reserved(49, 48), GP,
      DBM, Contiguous, PXN, UXN, Software, PBHA, AMEC};
};
static_assert(covers_exactly<Block_Stage1>());

// Attributes of a stage 2 Block or Page (Table D8-53).
template <class Self>
struct Attributes_Stage2 : Structure<Self, 8> {
  using Structure<Self, 8>::Structure;
  static constexpr BitsOf<Self, 0, 0>               Valid{"Valid"};
  static constexpr BitsOf<Self, 1, 1>               Type{"Type"};
  static constexpr BitsOf<Self, 5, 2>               MemAttr{"MemAttr"};
  static constexpr BitsOf<Self, 7, 6>               S2AP{"S2AP"};
  static constexpr BitsOf<Self, 9, 8, Shareability> SH{"SH"};
  static constexpr BitsOf<Self, 10, 10>             AF{"AF"};
  static constexpr BitsOf<Self, 11, 11>             FnXS{"FnXS"};
  static constexpr BitsOf<Self, 51, 51>             DBM{"DBM"};
  static constexpr BitsOf<Self, 52, 52>             Contiguous{"Contiguous"};
  static constexpr BitsOf<Self, 54, 53>             XN{"XN"};  // only XN[1] without FEAT_XNX
  static constexpr BitsOf<Self, 55, 55>             NS{"NS"};  // Realm only
  static constexpr BitsOf<Self, 57, 56>             Software{"Software"};
  static constexpr BitsOf<Self, 58, 58>             AssuredOnly{"AssuredOnly"};  // else software
  static constexpr BitsOf<Self, 62, 59>             PBHA{"PBHA"};
  static constexpr BitsOf<Self, 63, 63>             AMEC{"AMEC"};  // Realm only
};

struct Leaf_Stage2 : Attributes_Stage2<Leaf_Stage2> {
  using Attributes_Stage2::Attributes_Stage2;
  static constexpr Address<47, 12> OA{"OA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, MemAttr, S2AP, SH, AF, FnXS, OA, reserved(50, 48), DBM, Contiguous, XN, NS,
      Software, AssuredOnly, PBHA, AMEC};
};
static_assert(covers_exactly<Leaf_Stage2>());

struct Block_Stage2 : Attributes_Stage2<Block_Stage2> {
  using Attributes_Stage2::Attributes_Stage2;
  static constexpr Bit<16>         nT{"nT"};
  static constexpr Address<47, 17> OA{"OA"};

  static constexpr FieldInfo kFields[] = {
      Valid, Type, MemAttr, S2AP, SH, AF, FnXS, reserved(15, 12), nT, OA, reserved(50, 48), DBM,
      Contiguous, XN, NS, Software, AssuredOnly, PBHA, AMEC};
};
static_assert(covers_exactly<Block_Stage2>());

// A 52-bit address with the 64 KiB granule (FEAT_LPA).
struct Address_64K : Structure<Address_64K, 8> {
  using Structure::Structure;
  static constexpr Bits<15, 12>    OA_51_48{"OA[51:48]"};
  static constexpr Address<47, 16> OA_47_16{"OA[47:16]"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), OA_51_48, OA_47_16, reserved(63, 48)};
};
static_assert(covers_exactly<Address_64K>());

// A 52-bit address with the 4 KiB or 16 KiB granule (FEAT_LPA2, DS 1).  Its upper bits stand where
// SH is otherwise; SH then comes from the CD or STE.
struct Address_DS : Structure<Address_DS, 8> {
  using Structure::Structure;
  static constexpr Bits<9, 8>      OA_51_50{"OA[51:50]"};
  static constexpr Address<49, 12> OA_49_12{"OA[49:12]"};

  static constexpr FieldInfo kFields[] = {
      reserved(7, 0), OA_51_50, reserved(11, 10), OA_49_12, reserved(63, 50)};
};
static_assert(covers_exactly<Address_DS>());

}  // namespace smmu::vmsa

#endif  // SMMU_ARCH_VMSA_AARCH64_H_
