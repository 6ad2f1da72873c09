// What an SMMU can do and whose it is: the registers that stay constant after reset (IHI 0070,
// 6.3).
#ifndef SMMU_ARCH_V3_IDENTIFICATION_REGISTERS_H_
#define SMMU_ARCH_V3_IDENTIFICATION_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// 6.3.1
struct SMMU_IDR0 : Register<SMMU_IDR0, std::uint32_t, 0x0000> {
  using Register::Register;

  // One bit each for VMSAv8-32 LPAE and VMSAv8-64; neither is reserved.
  enum class TableFormats : std::uint8_t { kLpae = 0b01, kAArch64 = 0b10, kBoth = 0b11 };
  enum class FlagUpdates : std::uint8_t {
    kNone = 0b00,
    kAccess = 0b01,
    kAccessAndDirty = 0b10,
    kTableAccessAndDirty = 0b11,
  };
  enum class Endianness : std::uint8_t { kMixed = 0b00, kLittle = 0b10, kBig = 0b11 };

  static constexpr Bit<0>                   S2P{"S2P"};
  static constexpr Bit<1>                   S1P{"S1P"};
  static constexpr Bits<3, 2, TableFormats> TTF{"TTF"};
  static constexpr Bit<4>                   COHACC{"COHACC"};
  static constexpr Bit<5>                   BTM{"BTM"};
  static constexpr Bits<7, 6, FlagUpdates>  HTTU{"HTTU"};
  static constexpr Bit<8>                   DORMHINT{"DORMHINT"};
  static constexpr Bit<9>                   Hyp{"Hyp"};
  static constexpr Bit<10>                  ATS{"ATS"};
  static constexpr Bit<11>                  NS1ATS{"NS1ATS"};  // 1: split-stage ATS is missing
  static constexpr Bit<12>                  ASID16{"ASID16"};
  static constexpr Bit<13>                  MSI{"MSI"};
  static constexpr Bit<14>                  SEV{"SEV"};
  static constexpr Bit<15>                  ATOS{"ATOS"};
  static constexpr Bit<16>                  PRI{"PRI"};
  static constexpr Bit<17>                  VMW{"VMW"};
  static constexpr Bit<18>                  VMID16{"VMID16"};
  static constexpr Bit<19>                  CD2L{"CD2L"};
  static constexpr Bit<20>                  VATOS{"VATOS"};
  static constexpr Bits<22, 21, Endianness> TTENDIAN{"TTENDIAN"};
  static constexpr Bit<23>                  ATSRECERR{"ATSRECERR"};
  static constexpr Bits<25, 24, StallModel> STALL_MODEL{"STALL_MODEL"};
  static constexpr Bit<26>                  TERM_MODEL{"TERM_MODEL"};  // 1: abort only
  static constexpr Bits<28, 27>             ST_LEVEL{"ST_LEVEL"};
  static constexpr Bit<30>                  RME_IMPL{"RME_IMPL"};

  static constexpr FieldInfo kFields[] = {
      S2P, S1P, TTF, COHACC, BTM, HTTU, DORMHINT, Hyp, ATS, NS1ATS, ASID16, MSI, SEV, ATOS, PRI,
      VMW, VMID16, CD2L, VATOS, TTENDIAN, ATSRECERR, STALL_MODEL, TERM_MODEL, ST_LEVEL,
      reserved(29), RME_IMPL, reserved(31)};
};
static_assert(covers_exactly<SMMU_IDR0>());

// 6.3.2
struct SMMU_IDR1 : Register<SMMU_IDR1, std::uint32_t, 0x0004> {
  using Register::Register;
  static constexpr Bits<5, 0>   SIDSIZE{"SIDSIZE"};
  static constexpr Bits<10, 6>  SSIDSIZE{"SSIDSIZE"};
  static constexpr Bits<15, 11> PRIQS{"PRIQS"};
  static constexpr Bits<20, 16> EVENTQS{"EVENTQS"};
  static constexpr Bits<25, 21> CMDQS{"CMDQS"};
  static constexpr Bit<26>      ATTR_PERMS_OVR{"ATTR_PERMS_OVR"};
  static constexpr Bit<27>      ATTR_TYPES_OVR{"ATTR_TYPES_OVR"};
  static constexpr Bit<28>      REL{"REL"};
  static constexpr Bit<29>      QUEUES_PRESET{"QUEUES_PRESET"};
  static constexpr Bit<30>      TABLES_PRESET{"TABLES_PRESET"};
  static constexpr Bit<31>      ECMDQ{"ECMDQ"};

  static constexpr FieldInfo kFields[] = {
      SIDSIZE, SSIDSIZE, PRIQS, EVENTQS, CMDQS, ATTR_PERMS_OVR, ATTR_TYPES_OVR, REL, QUEUES_PRESET,
      TABLES_PRESET, ECMDQ};
};
static_assert(covers_exactly<SMMU_IDR1>());

// 6.3.3
struct SMMU_IDR2 : Register<SMMU_IDR2, std::uint32_t, 0x0008> {
  using Register::Register;
  static constexpr Bits<9, 0> BA_VATOS{"BA_VATOS"};  // in units of 64 KiB above 0x20000

  static constexpr FieldInfo kFields[] = {BA_VATOS, reserved(31, 10)};
};
static_assert(covers_exactly<SMMU_IDR2>());

// 6.3.4
struct SMMU_IDR3 : Register<SMMU_IDR3, std::uint32_t, 0x000C> {
  using Register::Register;
  static constexpr Bit<2>       HAD{"HAD"};
  static constexpr Bit<3>       PBHA{"PBHA"};
  static constexpr Bit<4>       XNX{"XNX"};
  static constexpr Bit<5>       PPS{"PPS"};
  static constexpr Bit<7>       MPAM{"MPAM"};
  static constexpr Bit<8>       FWB{"FWB"};
  static constexpr Bit<9>       STT{"STT"};
  static constexpr Bit<10>      RIL{"RIL"};
  static constexpr Bits<12, 11> BBML{"BBML"};
  static constexpr Bit<13>      E0PD{"E0PD"};
  static constexpr Bit<14>      PTWNNC{"PTWNNC"};
  static constexpr Bit<15>      DPT{"DPT"};
  static constexpr Bit<16>      PASIDTT{"PASIDTT"};
  static constexpr Bit<17>      EPAN{"EPAN"};
  static constexpr Bit<18>      S1PI{"S1PI"};
  static constexpr Bit<19>      S2PI{"S2PI"};
  static constexpr Bit<20>      S2PO{"S2PO"};
  static constexpr Bit<21>      THE{"THE"};
  static constexpr Bit<22>      MTEPERM{"MTEPERM"};
  static constexpr Bit<23>      AIE{"AIE"};

  static constexpr FieldInfo kFields[] = {
      reserved(1, 0), HAD, PBHA, XNX, PPS, reserved(6), MPAM, FWB, STT, RIL, BBML, E0PD, PTWNNC,
      DPT, PASIDTT, EPAN, S1PI, S2PI, S2PO, THE, MTEPERM, AIE, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_IDR3>());

// 6.3.5: all of it is IMPLEMENTATION DEFINED.
struct SMMU_IDR4 : Register<SMMU_IDR4, std::uint32_t, 0x0010> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_IDR4>());

// 6.3.6
struct SMMU_IDR5 : Register<SMMU_IDR5, std::uint32_t, 0x0014> {
  using Register::Register;

  enum class VirtualSize : std::uint8_t { k48Bits = 0b00, k52Bits = 0b01, k56Bits = 0b10 };

  static constexpr Bits<2, 0, OutputSize>    OAS{"OAS"};
  static constexpr Bit<4>                    GRAN4K{"GRAN4K"};
  static constexpr Bit<5>                    GRAN16K{"GRAN16K"};
  static constexpr Bit<6>                    GRAN64K{"GRAN64K"};
  static constexpr Bit<7>                    DS{"DS"};
  static constexpr Bit<8>                    D128{"D128"};
  static constexpr Bits<11, 10, VirtualSize> VAX{"VAX"};
  static constexpr Bits<31, 16>              STALL_MAX{"STALL_MAX"};

  static constexpr FieldInfo kFields[] = {
      OAS, reserved(3), GRAN4K, GRAN16K, GRAN64K, DS, D128, reserved(9), VAX, reserved(15, 12),
      STALL_MAX};
};
static_assert(covers_exactly<SMMU_IDR5>());

// 6.3.45
struct SMMU_IDR6 : Register<SMMU_IDR6, std::uint32_t, 0x0190> {
  using Register::Register;
  static constexpr Bits<19, 16> CMDQ_CONTROL_PAGE_LOG2NUMQ{"CMDQ_CONTROL_PAGE_LOG2NUMQ"};
  static constexpr Bits<27, 24> CMDQ_CONTROL_PAGE_LOG2NUMP{"CMDQ_CONTROL_PAGE_LOG2NUMP"};

  static constexpr FieldInfo kFields[] = {
      reserved(15, 0), CMDQ_CONTROL_PAGE_LOG2NUMQ, reserved(23, 20), CMDQ_CONTROL_PAGE_LOG2NUMP,
      reserved(31, 28)};
};
static_assert(covers_exactly<SMMU_IDR6>());

// 6.3.7
struct SMMU_IIDR : Register<SMMU_IIDR, std::uint32_t, 0x0018> {
  using Register::Register;
  static constexpr Bits<11, 0>  Implementer{"Implementer"};
  static constexpr Bits<15, 12> Revision{"Revision"};
  static constexpr Bits<19, 16> Variant{"Variant"};
  static constexpr Bits<31, 20> ProductID{"ProductID"};

  static constexpr FieldInfo kFields[] = {Implementer, Revision, Variant, ProductID};
};
static_assert(covers_exactly<SMMU_IIDR>());

// 6.3.8
struct SMMU_AIDR : Register<SMMU_AIDR, std::uint32_t, 0x001C> {
  using Register::Register;
  static constexpr Bits<3, 0> ArchMinorRev{"ArchMinorRev"};
  static constexpr Bits<7, 4> ArchMajorRev{"ArchMajorRev"};

  static constexpr FieldInfo kFields[] = {ArchMinorRev, ArchMajorRev, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_AIDR>());

// The space from 0x0FD0 to 0x0FFC is IMPLEMENTATION DEFINED (6.2.1).  What follows is the CoreSight
// scheme that Arm's own SMMUs use and that 10.5 prints for the performance monitors.
struct SMMU_PIDR4 : Register<SMMU_PIDR4, std::uint32_t, 0x0FD0> {
  using Register::Register;
  static constexpr Bits<3, 0> DES_2{"DES_2"};
  static constexpr Bits<7, 4> SIZE{"SIZE"};

  static constexpr FieldInfo kFields[] = {DES_2, SIZE, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR4>());

struct SMMU_PIDR5 : Register<SMMU_PIDR5, std::uint32_t, 0x0FD4> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR5>());

struct SMMU_PIDR6 : Register<SMMU_PIDR6, std::uint32_t, 0x0FD8> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR6>());

struct SMMU_PIDR7 : Register<SMMU_PIDR7, std::uint32_t, 0x0FDC> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR7>());

struct SMMU_PIDR0 : Register<SMMU_PIDR0, std::uint32_t, 0x0FE0> {
  using Register::Register;
  static constexpr Bits<7, 0> PART_0{"PART_0"};

  static constexpr FieldInfo kFields[] = {PART_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR0>());

struct SMMU_PIDR1 : Register<SMMU_PIDR1, std::uint32_t, 0x0FE4> {
  using Register::Register;
  static constexpr Bits<3, 0> PART_1{"PART_1"};
  static constexpr Bits<7, 4> DES_0{"DES_0"};

  static constexpr FieldInfo kFields[] = {PART_1, DES_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR1>());

struct SMMU_PIDR2 : Register<SMMU_PIDR2, std::uint32_t, 0x0FE8> {
  using Register::Register;
  static constexpr Bits<2, 0> DES_1{"DES_1"};
  static constexpr Bit<3>     JEDEC{"JEDEC"};
  static constexpr Bits<7, 4> REVISION{"REVISION"};

  static constexpr FieldInfo kFields[] = {DES_1, JEDEC, REVISION, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR2>());

struct SMMU_PIDR3 : Register<SMMU_PIDR3, std::uint32_t, 0x0FEC> {
  using Register::Register;
  static constexpr Bits<3, 0> CMOD{"CMOD"};
  static constexpr Bits<7, 4> REVAND{"REVAND"};

  static constexpr FieldInfo kFields[] = {CMOD, REVAND, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR3>());

struct SMMU_CIDR0 : Register<SMMU_CIDR0, std::uint32_t, 0x0FF0> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR0>());

struct SMMU_CIDR1 : Register<SMMU_CIDR1, std::uint32_t, 0x0FF4> {
  using Register::Register;
  static constexpr Bits<3, 0> Preamble{"Preamble"};
  static constexpr Bits<7, 4> CLASS{"CLASS"};

  static constexpr FieldInfo kFields[] = {Preamble, CLASS, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR1>());

struct SMMU_CIDR2 : Register<SMMU_CIDR2, std::uint32_t, 0x0FF8> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR2>());

struct SMMU_CIDR3 : Register<SMMU_CIDR3, std::uint32_t, 0x0FFC> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR3>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_IDENTIFICATION_REGISTERS_H_
