// Address translation operations that software asks for (IHI 0062; registers.h says what the
// layouts rest on).
//
// Writing an address starts one.  SMMU_sGATS* and their result lie in global register space 0,
// SMMU_CBn_ATS* and theirs in the page of context bank n.  A PAR has three layouts: read F, which
// lies at bit 0 of all.  Not sure, in all of the _Fault: what ATOT means; and bit 30 of SMMU_sGPAR,
// which one driver of SMMUv1 calls UCBF.
#ifndef SMMU_ARCH_V2_TRANSLATION_OPERATIONS_H_
#define SMMU_ARCH_V2_TRANSLATION_OPERATIONS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/arch/v2/translation_format.h"

namespace smmu::v2 {

// Global Address Translation: stage 1, then stages 1 and 2, Unprivileged or Privileged, Read or
// Write.  NDX is the context bank.
struct SMMU_sGATS1UR : Register<SMMU_sGATS1UR, std::uint64_t, 0x100> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS1UR>());

struct SMMU_sGATS1UW : Register<SMMU_sGATS1UW, std::uint64_t, 0x108> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS1UW>());

struct SMMU_sGATS1PR : Register<SMMU_sGATS1PR, std::uint64_t, 0x110> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS1PR>());

struct SMMU_sGATS1PW : Register<SMMU_sGATS1PW, std::uint64_t, 0x118> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS1PW>());

struct SMMU_sGATS12UR : Register<SMMU_sGATS12UR, std::uint64_t, 0x120> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS12UR>());

struct SMMU_sGATS12UW : Register<SMMU_sGATS12UW, std::uint64_t, 0x128> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS12UW>());

struct SMMU_sGATS12PR : Register<SMMU_sGATS12PR, std::uint64_t, 0x130> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS12PR>());

struct SMMU_sGATS12PW : Register<SMMU_sGATS12PW, std::uint64_t, 0x138> {
  using Register::Register;
  static constexpr Bits<7, 0>      NDX{"NDX"};
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {NDX, reserved(11, 8), ADDR};
};
static_assert(covers_exactly<SMMU_sGATS12PW>());

// Global Physical Address Register, F == 0, of banks of AArch64 or with long descriptors.
struct SMMU_sGPAR_Long : Register<SMMU_sGPAR_Long, std::uint64_t, 0x180> {
  using Register::Register;
  static constexpr Bit<0>                   F{"F"};
  static constexpr Bits<8, 7, Shareability> SH{"SH"};
  static constexpr Bit<9>                   NS{"NS"};
  static constexpr Bit<10>                  IMP{"IMP"};
  static constexpr Address<47, 12>          PA{"PA"};
  static constexpr Bits<63, 56>             MATTR{"MATTR"};

  static constexpr FieldInfo kFields[] = {
      F, reserved(6, 1), SH, NS, IMP, reserved(11), PA, reserved(55, 48), MATTR};
};
static_assert(covers_exactly<SMMU_sGPAR_Long>());

// The same of banks with short descriptors.
struct SMMU_sGPAR_Short : Register<SMMU_sGPAR_Short, std::uint64_t, 0x180> {
  using Register::Register;
  static constexpr Bit<0>          F{"F"};
  static constexpr Bit<1>          SS{"SS"};  // PA is in a supersection
  static constexpr Bits<3, 2>      Outer{"Outer"};
  static constexpr Bits<6, 4>      Inner{"Inner"};
  static constexpr Bit<7>          SH{"SH"};
  static constexpr Bit<8>          IMP{"IMP"};
  static constexpr Bit<9>          NS{"NS"};
  static constexpr Bit<10>         NOS{"NOS"};
  static constexpr Address<31, 12> PA{"PA"};

  static constexpr FieldInfo kFields[] = {
      F, SS, Outer, Inner, SH, IMP, NS, NOS, reserved(11), PA, reserved(63, 32)};
};
static_assert(covers_exactly<SMMU_sGPAR_Short>());

// The same with F == 1.
struct SMMU_sGPAR_Fault : Register<SMMU_sGPAR_Fault, std::uint64_t, 0x180> {
  using Register::Register;
  static constexpr Bit<0>                        F{"F"};
  static constexpr Bit<1>                        TF{"TF"};
  static constexpr Bit<2>                        AFF{"AFF"};
  static constexpr Bit<3>                        PF{"PF"};
  static constexpr Bit<4>                        EF{"EF"};
  static constexpr Bit<5>                        TLBMCF{"TLBMCF"};
  static constexpr Bit<6>                        TLBLKF{"TLBLKF"};
  static constexpr Bit<7>                        ASF{"ASF"};
  static constexpr Bits<9, 8, TranslationFormat> FORMAT{"FORMAT"};
  static constexpr Bit<29>                       ICF{"ICF"};
  static constexpr Bit<31>                       ATOT{"ATOT"};
  static constexpr Bits<33, 32>                  PLVL{"PLVL"};
  static constexpr Bit<35>                       STAGE{"STAGE"};

  static constexpr FieldInfo kFields[] = {
      F, TF, AFF, PF, EF, TLBMCF, TLBLKF, ASF, FORMAT, reserved(28, 10), ICF, reserved(30), ATOT,
      PLVL, reserved(34), STAGE, reserved(63, 36)};
};
static_assert(covers_exactly<SMMU_sGPAR_Fault>());

// Global Address Translation Status Register.
struct SMMU_sGATSR : Register<SMMU_sGATSR, std::uint32_t, 0x188> {
  using Register::Register;
  static constexpr Bit<0> ACTIVE{"ACTIVE"};

  static constexpr FieldInfo kFields[] = {ACTIVE, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_sGATSR>());

// Physical Address Register, F == 0, of banks of AArch64 or with long descriptors.
struct SMMU_CBn_PAR_Long : Register<SMMU_CBn_PAR_Long, std::uint64_t, 0x050> {
  using Register::Register;
  static constexpr Bit<0>                   F{"F"};
  static constexpr Bits<8, 7, Shareability> SH{"SH"};
  static constexpr Bit<9>                   NS{"NS"};
  static constexpr Bit<10>                  IMP{"IMP"};
  static constexpr Address<47, 12>          PA{"PA"};
  static constexpr Bits<63, 56>             MATTR{"MATTR"};

  static constexpr FieldInfo kFields[] = {
      F, reserved(6, 1), SH, NS, IMP, reserved(11), PA, reserved(55, 48), MATTR};
};
static_assert(covers_exactly<SMMU_CBn_PAR_Long>());

// The same of banks with short descriptors.
struct SMMU_CBn_PAR_Short : Register<SMMU_CBn_PAR_Short, std::uint64_t, 0x050> {
  using Register::Register;
  static constexpr Bit<0>          F{"F"};
  static constexpr Bit<1>          SS{"SS"};  // PA is in a supersection
  static constexpr Bits<3, 2>      Outer{"Outer"};
  static constexpr Bits<6, 4>      Inner{"Inner"};
  static constexpr Bit<7>          SH{"SH"};
  static constexpr Bit<8>          IMP{"IMP"};
  static constexpr Bit<9>          NS{"NS"};
  static constexpr Bit<10>         NOS{"NOS"};
  static constexpr Address<31, 12> PA{"PA"};

  static constexpr FieldInfo kFields[] = {
      F, SS, Outer, Inner, SH, IMP, NS, NOS, reserved(11), PA, reserved(63, 32)};
};
static_assert(covers_exactly<SMMU_CBn_PAR_Short>());

// The same with F == 1.
struct SMMU_CBn_PAR_Fault : Register<SMMU_CBn_PAR_Fault, std::uint64_t, 0x050> {
  using Register::Register;
  static constexpr Bit<0>                        F{"F"};
  static constexpr Bit<1>                        TF{"TF"};
  static constexpr Bit<2>                        AFF{"AFF"};
  static constexpr Bit<3>                        PF{"PF"};
  static constexpr Bit<4>                        EF{"EF"};
  static constexpr Bit<5>                        TLBMCF{"TLBMCF"};
  static constexpr Bit<6>                        TLBLKF{"TLBLKF"};
  static constexpr Bit<7>                        ASF{"ASF"};
  static constexpr Bits<9, 8, TranslationFormat> FORMAT{"FORMAT"};
  static constexpr Bit<29>                       ICF{"ICF"};
  static constexpr Bit<31>                       ATOT{"ATOT"};
  static constexpr Bits<33, 32>                  PLVL{"PLVL"};
  static constexpr Bit<35>                       STAGE{"STAGE"};

  static constexpr FieldInfo kFields[] = {
      F, TF, AFF, PF, EF, TLBMCF, TLBLKF, ASF, FORMAT, reserved(28, 10), ICF, reserved(30), ATOT,
      PLVL, reserved(34), STAGE, reserved(63, 36)};
};
static_assert(covers_exactly<SMMU_CBn_PAR_Fault>());

// Address Translation of stage 1, Privileged or Unprivileged, Read or Write.
struct SMMU_CBn_ATS1PR : Register<SMMU_CBn_ATS1PR, std::uint64_t, 0x800> {
  using Register::Register;
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), ADDR};
};
static_assert(covers_exactly<SMMU_CBn_ATS1PR>());

struct SMMU_CBn_ATS1PW : Register<SMMU_CBn_ATS1PW, std::uint64_t, 0x808> {
  using Register::Register;
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), ADDR};
};
static_assert(covers_exactly<SMMU_CBn_ATS1PW>());

struct SMMU_CBn_ATS1UR : Register<SMMU_CBn_ATS1UR, std::uint64_t, 0x810> {
  using Register::Register;
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), ADDR};
};
static_assert(covers_exactly<SMMU_CBn_ATS1UR>());

struct SMMU_CBn_ATS1UW : Register<SMMU_CBn_ATS1UW, std::uint64_t, 0x818> {
  using Register::Register;
  static constexpr Address<63, 12> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), ADDR};
};
static_assert(covers_exactly<SMMU_CBn_ATS1UW>());

// Address Translation Status Register.
struct SMMU_CBn_ATSR : Register<SMMU_CBn_ATSR, std::uint32_t, 0x8F0> {
  using Register::Register;
  static constexpr Bit<0> ACTIVE{"ACTIVE"};

  static constexpr FieldInfo kFields[] = {ACTIVE, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_CBn_ATSR>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_TRANSLATION_OPERATIONS_H_
