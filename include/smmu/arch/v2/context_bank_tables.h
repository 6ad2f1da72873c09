// Where the translation tables of a context bank lie and what they look like (IHI 0062; registers.h
// says what the layouts rest on).
//
// Offsets are from the start of the page of context bank n.  Which layout a bank uses follows from
// SMMU_CBARn.TYPE, SMMU_CBA2Rn.VA64 and, if that is 0, from EAE, which is bit 31 of SMMU_CBn_TCR:
//
//   _AArch64         stage 1, VA64 is 1, and bit 31 is part of TG1
//   _Long            stage 1, EAE is 1
//   _Short           stage 1, EAE is 0
//   _Stage2_AArch64  stage 2, VA64 is 1
//   _Stage2_AArch32  stage 2, VA64 is 0, long descriptors always
#ifndef SMMU_ARCH_V2_CONTEXT_BANK_TABLES_H_
#define SMMU_ARCH_V2_CONTEXT_BANK_TABLES_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v2 {

// The bit that is extended into those above it, SEP: it also tells TTBR0 from TTBR1.
enum class SignBit : std::uint8_t {
  k31 = 0b000,
  k35 = 0b001,
  k39 = 0b010,
  k41 = 0b011,
  k43 = 0b100,
  k47 = 0b101,
  kUpstream = 0b111,  // the highest that SMMU_IDR2.UBS says
};

// Translation Control Register 2, in banks of stage 1.  Of OutputSize, PASize has the codes up to
// k48Bits.
struct SMMU_CBn_TCR2 : Register<SMMU_CBn_TCR2, std::uint32_t, 0x010> {
  using Register::Register;
  static constexpr Bits<2, 0, OutputSize> PASize{"PASize"};
  static constexpr Bit<4>                 AS{"AS"};  // ASIDs have 16 bits; 0: 8
  static constexpr Bit<5>                 TBI0{"TBI0"};
  static constexpr Bit<6>                 TBI1{"TBI1"};
  static constexpr Bit<8>                 HAD0{"HAD0"};
  static constexpr Bit<9>                 HAD1{"HAD1"};
  static constexpr Bit<10>                HA{"HA"};
  static constexpr Bit<11>                HD{"HD"};
  static constexpr Bit<14>                NSCFG0{"NSCFG0"};
  static constexpr Bits<17, 15, SignBit>  SEP{"SEP"};
  static constexpr Bit<30>                NSCFG1{"NSCFG1"};

  static constexpr FieldInfo kFields[] = {
      PASize, reserved(3), AS, TBI0, TBI1, reserved(7), HAD0, HAD1, HA, HD, reserved(13, 12),
      NSCFG0, SEP, reserved(29, 18), NSCFG1, reserved(31)};
};
static_assert(covers_exactly<SMMU_CBn_TCR2>());

// Translation Table Base Register 0.  The lowest bits of BaseAddress are 0, as many as the size of
// the first table demands.  Not sure: where it begins, which one driver puts at 3, one
// implementation at 4.
struct SMMU_CBn_TTBR0_AArch64 : Register<SMMU_CBn_TTBR0_AArch64, std::uint64_t, 0x020> {
  using Register::Register;
  static constexpr Address<47, 3> BaseAddress{"BaseAddress"};
  static constexpr Bits<63, 48>   ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {reserved(2, 0), BaseAddress, ASID};
};
static_assert(covers_exactly<SMMU_CBn_TTBR0_AArch64>());

struct SMMU_CBn_TTBR0_Long : Register<SMMU_CBn_TTBR0_Long, std::uint64_t, 0x020> {
  using Register::Register;
  static constexpr Address<47, 3> BaseAddress{"BaseAddress"};
  static constexpr Bits<55, 48>   ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {reserved(2, 0), BaseAddress, ASID, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_CBn_TTBR0_Long>());

// Of the short format, IRGN has its low bit above its high one.
struct SMMU_CBn_TTBR0_Short : Register<SMMU_CBn_TTBR0_Short, std::uint32_t, 0x020> {
  using Register::Register;
  static constexpr Bit<0>                       IRGN_1{"IRGN[1]"};
  static constexpr Bit<1>                       S{"S"};
  static constexpr Bit<2>                       IMP{"IMP"};
  static constexpr Bits<4, 3, WalkCacheability> RGN{"RGN"};
  static constexpr Bit<5>                       NOS{"NOS"};
  static constexpr Bit<6>                       IRGN_0{"IRGN[0]"};
  static constexpr Address<31, 7>               BaseAddress{"BaseAddress"};

  static constexpr FieldInfo kFields[] = {IRGN_1, S, IMP, RGN, NOS, IRGN_0, BaseAddress};
};
static_assert(covers_exactly<SMMU_CBn_TTBR0_Short>());

// No ASID; bits above BaseAddress are ignored.
struct SMMU_CBn_TTBR0_Stage2 : Register<SMMU_CBn_TTBR0_Stage2, std::uint64_t, 0x020> {
  using Register::Register;
  static constexpr Address<47, 3> BaseAddress{"BaseAddress"};

  static constexpr FieldInfo kFields[] = {reserved(2, 0), BaseAddress, reserved(63, 48)};
};
static_assert(covers_exactly<SMMU_CBn_TTBR0_Stage2>());

// Translation Table Base Register 1, in banks of stage 1 that are not of the hypervisor.
struct SMMU_CBn_TTBR1_AArch64 : Register<SMMU_CBn_TTBR1_AArch64, std::uint64_t, 0x028> {
  using Register::Register;
  static constexpr Address<47, 3> BaseAddress{"BaseAddress"};
  static constexpr Bits<63, 48>   ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {reserved(2, 0), BaseAddress, ASID};
};
static_assert(covers_exactly<SMMU_CBn_TTBR1_AArch64>());

struct SMMU_CBn_TTBR1_Long : Register<SMMU_CBn_TTBR1_Long, std::uint64_t, 0x028> {
  using Register::Register;
  static constexpr Address<47, 3> BaseAddress{"BaseAddress"};
  static constexpr Bits<55, 48>   ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {reserved(2, 0), BaseAddress, ASID, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_CBn_TTBR1_Long>());

struct SMMU_CBn_TTBR1_Short : Register<SMMU_CBn_TTBR1_Short, std::uint32_t, 0x028> {
  using Register::Register;
  static constexpr Bit<0>                       IRGN_1{"IRGN[1]"};
  static constexpr Bit<1>                       S{"S"};
  static constexpr Bit<2>                       IMP{"IMP"};
  static constexpr Bits<4, 3, WalkCacheability> RGN{"RGN"};
  static constexpr Bit<5>                       NOS{"NOS"};
  static constexpr Bit<6>                       IRGN_0{"IRGN[0]"};
  static constexpr Address<31, 7>               BaseAddress{"BaseAddress"};

  static constexpr FieldInfo kFields[] = {IRGN_1, S, IMP, RGN, NOS, IRGN_0, BaseAddress};
};
static_assert(covers_exactly<SMMU_CBn_TTBR1_Short>());

// Translation Control Register.
struct SMMU_CBn_TCR_AArch64 : Register<SMMU_CBn_TCR_AArch64, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr Bits<5, 0>                     T0SZ{"T0SZ"};
  static constexpr Bit<7>                         EPD0{"EPD0"};
  static constexpr Bits<9, 8, WalkCacheability>   IRGN0{"IRGN0"};
  static constexpr Bits<11, 10, WalkCacheability> ORGN0{"ORGN0"};
  static constexpr Bits<13, 12, Shareability>     SH0{"SH0"};
  static constexpr Bits<15, 14, smmu::TG0>        TG0{"TG0"};
  static constexpr Bits<21, 16>                   T1SZ{"T1SZ"};
  static constexpr Bit<22>                        A1{"A1"};  // the ASID is that of TTBR1
  static constexpr Bit<23>                        EPD1{"EPD1"};
  static constexpr Bits<25, 24, WalkCacheability> IRGN1{"IRGN1"};
  static constexpr Bits<27, 26, WalkCacheability> ORGN1{"ORGN1"};
  static constexpr Bits<29, 28, Shareability>     SH1{"SH1"};
  static constexpr Bits<31, 30, smmu::TG1>        TG1{"TG1"};

  static constexpr FieldInfo kFields[] = {
      T0SZ, reserved(6), EPD0, IRGN0, ORGN0, SH0, TG0, T1SZ, A1, EPD1, IRGN1, ORGN1, SH1, TG1};
};
static_assert(covers_exactly<SMMU_CBn_TCR_AArch64>());

struct SMMU_CBn_TCR_Long : Register<SMMU_CBn_TCR_Long, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr Bits<2, 0>                     T0SZ{"T0SZ"};
  static constexpr Bit<7>                         EPD0{"EPD0"};
  static constexpr Bits<9, 8, WalkCacheability>   IRGN0{"IRGN0"};
  static constexpr Bits<11, 10, WalkCacheability> ORGN0{"ORGN0"};
  static constexpr Bits<13, 12, Shareability>     SH0{"SH0"};
  static constexpr Bit<14>                        NSCFG0{"NSCFG0"};
  static constexpr Bits<18, 16>                   T1SZ{"T1SZ"};
  static constexpr Bit<22>                        A1{"A1"};
  static constexpr Bit<23>                        EPD1{"EPD1"};
  static constexpr Bits<25, 24, WalkCacheability> IRGN1{"IRGN1"};
  static constexpr Bits<27, 26, WalkCacheability> ORGN1{"ORGN1"};
  static constexpr Bits<29, 28, Shareability>     SH1{"SH1"};
  static constexpr Bit<30>                        NSCFG1{"NSCFG1"};
  static constexpr Bit<31>                        EAE{"EAE"};

  static constexpr FieldInfo kFields[] = {
      T0SZ, reserved(6, 3), EPD0, IRGN0, ORGN0, SH0, NSCFG0, reserved(15), T1SZ, reserved(21, 19),
      A1, EPD1, IRGN1, ORGN1, SH1, NSCFG1, EAE};
};
static_assert(covers_exactly<SMMU_CBn_TCR_Long>());

// T0SZ is N of VMSAv8-32: how far TTBR1 reaches down.
struct SMMU_CBn_TCR_Short : Register<SMMU_CBn_TCR_Short, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr Bits<2, 0> T0SZ{"T0SZ"};
  static constexpr Bit<4>     PD0{"PD0"};
  static constexpr Bit<5>     PD1{"PD1"};
  static constexpr Bit<14>    NSCFG0{"NSCFG0"};
  static constexpr Bit<30>    NSCFG1{"NSCFG1"};
  static constexpr Bit<31>    EAE{"EAE"};

  static constexpr FieldInfo kFields[] = {
      T0SZ, reserved(3), PD0, PD1, reserved(13, 6), NSCFG0, reserved(29, 15), NSCFG1, EAE};
};
static_assert(covers_exactly<SMMU_CBn_TCR_Short>());

// [31] is RES1.  SL0 is where walks start, which depends on TG0.
struct SMMU_CBn_TCR_Stage2_AArch64 : Register<SMMU_CBn_TCR_Stage2_AArch64, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr Bits<5, 0>                     T0SZ{"T0SZ"};
  static constexpr Bits<7, 6>                     SL0{"SL0"};
  static constexpr Bits<9, 8, WalkCacheability>   IRGN0{"IRGN0"};
  static constexpr Bits<11, 10, WalkCacheability> ORGN0{"ORGN0"};
  static constexpr Bits<13, 12, Shareability>     SH0{"SH0"};
  static constexpr Bits<15, 14, smmu::TG0>        TG0{"TG0"};
  static constexpr Bits<18, 16, OutputSize>       PASize{"PASize"};
  static constexpr Bit<21>                        HA{"HA"};
  static constexpr Bit<22>                        HD{"HD"};

  static constexpr FieldInfo kFields[] = {
      T0SZ, SL0, IRGN0, ORGN0, SH0, TG0, PASize, reserved(20, 19), HA, HD, reserved(31, 23)};
};
static_assert(covers_exactly<SMMU_CBn_TCR_Stage2_AArch64>());

// T0SZ is signed.  Not sure: S, which software sets to the sign of T0SZ.
struct SMMU_CBn_TCR_Stage2_AArch32 : Register<SMMU_CBn_TCR_Stage2_AArch32, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr Bits<3, 0>                     T0SZ{"T0SZ"};
  static constexpr Bit<4>                         S{"S"};
  static constexpr Bits<7, 6>                     SL0{"SL0"};
  static constexpr Bits<9, 8, WalkCacheability>   IRGN0{"IRGN0"};
  static constexpr Bits<11, 10, WalkCacheability> ORGN0{"ORGN0"};
  static constexpr Bits<13, 12, Shareability>     SH0{"SH0"};
  static constexpr Bit<31>                        EAE{"EAE"};

  static constexpr FieldInfo kFields[] = {
      T0SZ, S, reserved(5), SL0, IRGN0, ORGN0, SH0, reserved(30, 14), EAE};
};
static_assert(covers_exactly<SMMU_CBn_TCR_Stage2_AArch32>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_CONTEXT_BANK_TABLES_H_
