// The page of a context bank: its control, the memory attributes it knows, and its faults (IHI
// 0062; registers.h says what the layouts rest on).
//
// Offsets are from the start of the page of context bank n, the nth page of the half of the address
// space that follows the global one; its size is that of SMMU_IDR1.PAGESIZE.
#ifndef SMMU_ARCH_V2_CONTEXT_BANK_H_
#define SMMU_ARCH_V2_CONTEXT_BANK_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v2/attribute_configuration.h"
#include "smmu/arch/v2/translation_format.h"

namespace smmu::v2 {

// System Control Register, in banks of stage 1.  From MemAttr to NSCFG and TRANSIENTCFG concern
// transactions while M is 0.  Without CFRE what faults is RAZ/WI.
struct SMMU_CBn_SCTLR : Register<SMMU_CBn_SCTLR, std::uint32_t, 0x000> {
  using Register::Register;
  static constexpr Bit<0>                           M{"M"};
  static constexpr Bit<1>                           TRE{"TRE"};
  static constexpr Bit<2>                           AFE{"AFE"};
  static constexpr Bit<3>                           AFFD{"AFFD"};  // no access flag faults
  static constexpr Bit<4>                           E{"E"};  // tables are big-endian
  static constexpr Bit<5>                           CFRE{"CFRE"};  // a context fault aborts
  static constexpr Bit<6>                           CFIE{"CFIE"};  // and interrupts
  static constexpr Bit<7>                           CFCFG{"CFCFG"};  // and stalls; 0: terminates
  static constexpr Bit<8>                           HUPCF{"HUPCF"};  // others go on during a fault
  static constexpr Bit<9>                           WXN{"WXN"};
  static constexpr Bit<10>                          UWXN{"UWXN"};
  static constexpr Bit<12>                          ASIDPNE{"ASIDPNE"};
  static constexpr Bits<15, 14, TransientConfig>    TRANSIENTCFG{"TRANSIENTCFG"};
  static constexpr Bits<19, 16>                     MemAttr{"MemAttr"};
  static constexpr Bit<20>                          MTCFG{"MTCFG"};
  static constexpr Bits<23, 22, ShareabilityConfig> SHCFG{"SHCFG"};
  static constexpr Bits<25, 24, AllocationConfig>   RACFG{"RACFG"};
  static constexpr Bits<27, 26, AllocationConfig>   WACFG{"WACFG"};
  static constexpr Bits<29, 28, NonSecureOverride>  NSCFG{"NSCFG"};  // Secure banks only
  static constexpr Bit<30>                          UCI{"UCI"};

  static constexpr FieldInfo kFields[] = {
      M, TRE, AFE, AFFD, E, CFRE, CFIE, CFCFG, HUPCF, WXN, UWXN, reserved(11), ASIDPNE,
      reserved(13), TRANSIENTCFG, MemAttr, MTCFG, reserved(21), SHCFG, RACFG, WACFG, NSCFG, UCI,
      reserved(31)};
};
static_assert(covers_exactly<SMMU_CBn_SCTLR>());

// The same in banks of stage 2.
struct SMMU_CBn_SCTLR_Stage2 : Register<SMMU_CBn_SCTLR_Stage2, std::uint32_t, 0x000> {
  using Register::Register;
  static constexpr Bit<0>                           M{"M"};
  static constexpr Bit<1>                           TRE{"TRE"};
  static constexpr Bit<2>                           AFE{"AFE"};
  static constexpr Bit<3>                           AFFD{"AFFD"};
  static constexpr Bit<4>                           E{"E"};
  static constexpr Bit<5>                           CFRE{"CFRE"};
  static constexpr Bit<6>                           CFIE{"CFIE"};
  static constexpr Bit<7>                           CFCFG{"CFCFG"};
  static constexpr Bit<8>                           HUPCF{"HUPCF"};
  static constexpr Bit<13>                          PTW{"PTW"};  // fault walks in Device memory
  static constexpr Bits<15, 14, BarrierUpgrade>     BSU{"BSU"};
  static constexpr Bits<19, 16>                     MemAttr{"MemAttr"};
  static constexpr Bit<21>                          FB{"FB"};
  static constexpr Bits<23, 22, ShareabilityConfig> SHCFG{"SHCFG"};
  static constexpr Bits<25, 24, AllocationConfig>   RACFG{"RACFG"};
  static constexpr Bits<27, 26, AllocationConfig>   WACFG{"WACFG"};

  static constexpr FieldInfo kFields[] = {
      M, TRE, AFE, AFFD, E, CFRE, CFIE, CFCFG, HUPCF, reserved(12, 9), PTW, BSU, MemAttr,
      reserved(20), FB, SHCFG, RACFG, WACFG, reserved(31, 28)};
};
static_assert(covers_exactly<SMMU_CBn_SCTLR_Stage2>());

// Auxiliary Control Register: IMPLEMENTATION DEFINED.
struct SMMU_CBn_ACTLR : Register<SMMU_CBn_ACTLR, std::uint32_t, 0x004> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_CBn_ACTLR>());

// Resume Register.
struct SMMU_CBn_RESUME : Register<SMMU_CBn_RESUME, std::uint32_t, 0x008> {
  using Register::Register;
  static constexpr Bit<0> TnR{"TnR"};  // terminate what is stalled; 0: retry

  static constexpr FieldInfo kFields[] = {TnR, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_CBn_RESUME>());

// Context Identification Register, with short descriptors.
struct SMMU_CBn_CONTEXTIDR_Short : Register<SMMU_CBn_CONTEXTIDR_Short, std::uint32_t, 0x034> {
  using Register::Register;
  static constexpr Bits<7, 0>  ASID{"ASID"};
  static constexpr Bits<31, 8> PROCID{"PROCID"};

  static constexpr FieldInfo kFields[] = {ASID, PROCID};
};
static_assert(covers_exactly<SMMU_CBn_CONTEXTIDR_Short>());

// The same with long descriptors and in AArch64.
struct SMMU_CBn_CONTEXTIDR_Long : Register<SMMU_CBn_CONTEXTIDR_Long, std::uint32_t, 0x034> {
  using Register::Register;
  static constexpr Bits<31, 0> PROCID{"PROCID"};

  static constexpr FieldInfo kFields[] = {PROCID};
};
static_assert(covers_exactly<SMMU_CBn_CONTEXTIDR_Long>());

// Primary Region Remap Register, with short descriptors.
struct SMMU_CBn_PRRR : Register<SMMU_CBn_PRRR, std::uint32_t, 0x038> {
  using Register::Register;
  static constexpr Bits<1, 0>   TR0{"TR0"};
  static constexpr Bits<3, 2>   TR1{"TR1"};
  static constexpr Bits<5, 4>   TR2{"TR2"};
  static constexpr Bits<7, 6>   TR3{"TR3"};
  static constexpr Bits<9, 8>   TR4{"TR4"};
  static constexpr Bits<11, 10> TR5{"TR5"};
  static constexpr Bits<13, 12> TR6{"TR6"};
  static constexpr Bits<15, 14> TR7{"TR7"};
  static constexpr Bit<16>      DS0{"DS0"};
  static constexpr Bit<17>      DS1{"DS1"};
  static constexpr Bit<18>      NS0{"NS0"};
  static constexpr Bit<19>      NS1{"NS1"};
  static constexpr Bit<24>      NOS0{"NOS0"};
  static constexpr Bit<25>      NOS1{"NOS1"};
  static constexpr Bit<26>      NOS2{"NOS2"};
  static constexpr Bit<27>      NOS3{"NOS3"};
  static constexpr Bit<28>      NOS4{"NOS4"};
  static constexpr Bit<29>      NOS5{"NOS5"};
  static constexpr Bit<30>      NOS6{"NOS6"};
  static constexpr Bit<31>      NOS7{"NOS7"};

  static constexpr FieldInfo kFields[] = {
      TR0, TR1, TR2, TR3, TR4, TR5, TR6, TR7, DS0, DS1, NS0, NS1, reserved(23, 20), NOS0, NOS1,
      NOS2, NOS3, NOS4, NOS5, NOS6, NOS7};
};
static_assert(covers_exactly<SMMU_CBn_PRRR>());

// Normal Memory Remap Register, with short descriptors.
struct SMMU_CBn_NMRR : Register<SMMU_CBn_NMRR, std::uint32_t, 0x03C> {
  using Register::Register;
  static constexpr Bits<1, 0>   IR0{"IR0"};
  static constexpr Bits<3, 2>   IR1{"IR1"};
  static constexpr Bits<5, 4>   IR2{"IR2"};
  static constexpr Bits<7, 6>   IR3{"IR3"};
  static constexpr Bits<9, 8>   IR4{"IR4"};
  static constexpr Bits<11, 10> IR5{"IR5"};
  static constexpr Bits<13, 12> IR6{"IR6"};
  static constexpr Bits<15, 14> IR7{"IR7"};
  static constexpr Bits<17, 16> OR0{"OR0"};
  static constexpr Bits<19, 18> OR1{"OR1"};
  static constexpr Bits<21, 20> OR2{"OR2"};
  static constexpr Bits<23, 22> OR3{"OR3"};
  static constexpr Bits<25, 24> OR4{"OR4"};
  static constexpr Bits<27, 26> OR5{"OR5"};
  static constexpr Bits<29, 28> OR6{"OR6"};
  static constexpr Bits<31, 30> OR7{"OR7"};

  static constexpr FieldInfo kFields[] = {
      IR0, IR1, IR2, IR3, IR4, IR5, IR6, IR7, OR0, OR1, OR2, OR3, OR4, OR5, OR6, OR7};
};
static_assert(covers_exactly<SMMU_CBn_NMRR>());

// Memory Attribute Indirection Registers, with long descriptors and in AArch64.
struct SMMU_CBn_MAIR0 : Register<SMMU_CBn_MAIR0, std::uint32_t, 0x038> {
  using Register::Register;
  static constexpr Bits<7, 0>   Attr0{"Attr0"};
  static constexpr Bits<15, 8>  Attr1{"Attr1"};
  static constexpr Bits<23, 16> Attr2{"Attr2"};
  static constexpr Bits<31, 24> Attr3{"Attr3"};

  static constexpr FieldInfo kFields[] = {Attr0, Attr1, Attr2, Attr3};
};
static_assert(covers_exactly<SMMU_CBn_MAIR0>());

struct SMMU_CBn_MAIR1 : Register<SMMU_CBn_MAIR1, std::uint32_t, 0x03C> {
  using Register::Register;
  static constexpr Bits<7, 0>   Attr4{"Attr4"};
  static constexpr Bits<15, 8>  Attr5{"Attr5"};
  static constexpr Bits<23, 16> Attr6{"Attr6"};
  static constexpr Bits<31, 24> Attr7{"Attr7"};

  static constexpr FieldInfo kFields[] = {Attr4, Attr5, Attr6, Attr7};
};
static_assert(covers_exactly<SMMU_CBn_MAIR1>());

// Fault Status Register.
struct SMMU_CBn_FSR : Register<SMMU_CBn_FSR, std::uint32_t, 0x058> {
  using Register::Register;
  static constexpr Bit<1>                         TF{"TF"};  // translation
  static constexpr Bit<2>                         AFF{"AFF"};  // access flag
  static constexpr Bit<3>                         PF{"PF"};  // permission
  static constexpr Bit<4>                         EF{"EF"};  // external
  static constexpr Bit<5>                         TLBMCF{"TLBMCF"};  // TLB match conflict
  static constexpr Bit<6>                         TLBLKF{"TLBLKF"};  // TLB lock
  static constexpr Bit<7>                         ASF{"ASF"};  // address size
  static constexpr Bit<8>                         UUT{"UUT"};  // unsupported upstream transaction
  static constexpr Bits<10, 9, TranslationFormat> FORMAT{"FORMAT"};
  static constexpr Bit<30>                        SS{"SS"};  // stalled
  static constexpr Bit<31>                        MULTI{"MULTI"};  // another while a bit was set

  static constexpr FieldInfo kFields[] = {
      reserved(0), TF, AFF, PF, EF, TLBMCF, TLBLKF, ASF, UUT, FORMAT, reserved(29, 11), SS, MULTI};
};
static_assert(covers_exactly<SMMU_CBn_FSR>());

// Fault Status Restore Register: sets bits of SMMU_CBn_FSR.
struct SMMU_CBn_FSRRESTORE : Register<SMMU_CBn_FSRRESTORE, std::uint32_t, 0x05C> {
  using Register::Register;
  static constexpr Bit<1>  TF{"TF"};
  static constexpr Bit<2>  AFF{"AFF"};
  static constexpr Bit<3>  PF{"PF"};
  static constexpr Bit<4>  EF{"EF"};
  static constexpr Bit<5>  TLBMCF{"TLBMCF"};
  static constexpr Bit<6>  TLBLKF{"TLBLKF"};
  static constexpr Bit<7>  ASF{"ASF"};
  static constexpr Bit<8>  UUT{"UUT"};
  static constexpr Bit<31> MULTI{"MULTI"};

  static constexpr FieldInfo kFields[] = {
      reserved(0), TF, AFF, PF, EF, TLBMCF, TLBLKF, ASF, UUT, reserved(30, 9), MULTI};
};
static_assert(covers_exactly<SMMU_CBn_FSRRESTORE>());

// Fault Address Register.  As many bits as SMMU_IDR2.UBS says, at least.
struct SMMU_CBn_FAR : Register<SMMU_CBn_FAR, std::uint64_t, 0x060> {
  using Register::Register;
  static constexpr Bits<63, 0> FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {FADDR};
};
static_assert(covers_exactly<SMMU_CBn_FAR>());

// Fault Syndrome Register 0.  NESTED, S1PTWF, ATOF and S1CBNDX are for banks of stage 2.
struct SMMU_CBn_FSYNR0 : Register<SMMU_CBn_FSYNR0, std::uint32_t, 0x068> {
  using Register::Register;
  static constexpr Bits<1, 0>   PLVL{"PLVL"};
  static constexpr Bit<2>       NESTED{"NESTED"};
  static constexpr Bit<3>       S1PTWF{"S1PTWF"};  // stage 2 of a walk of stage 1
  static constexpr Bit<4>       WNR{"WNR"};
  static constexpr Bit<5>       PNU{"PNU"};
  static constexpr Bit<6>       IND{"IND"};
  static constexpr Bit<7>       NSSTATE{"NSSTATE"};  // not sure: a Non-secure client
  static constexpr Bit<8>       NSATTR{"NSATTR"};
  static constexpr Bit<9>       ATOF{"ATOF"};  // an address translation operation
  static constexpr Bit<10>      PTWF{"PTWF"};  // in a walk
  static constexpr Bit<11>      AFR{"AFR"};  // recorded asynchronously
  static constexpr Bits<23, 16> S1CBNDX{"S1CBNDX"};  // the bank of stage 1

  static constexpr FieldInfo kFields[] = {
      PLVL, NESTED, S1PTWF, WNR, PNU, IND, NSSTATE, NSATTR, ATOF, PTWF, AFR, reserved(15, 12),
      S1CBNDX, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_CBn_FSYNR0>());

// Fault Syndrome Register 1: IMPLEMENTATION DEFINED.
struct SMMU_CBn_FSYNR1 : Register<SMMU_CBn_FSYNR1, std::uint32_t, 0x06C> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_CBn_FSYNR1>());

// Intermediate Physical Address Fault Address Register, in banks of stage 2.
struct SMMU_CBn_IPAFAR : Register<SMMU_CBn_IPAFAR, std::uint64_t, 0x070> {
  using Register::Register;
  static constexpr Bits<63, 0> FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {FADDR};
};
static_assert(covers_exactly<SMMU_CBn_IPAFAR>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_CONTEXT_BANK_H_
