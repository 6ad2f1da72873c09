// What an SMMU can do and who made it (IHI 0062; registers.h says what the layouts rest on).
//
// Offsets are from the start of global register space 0.  Non-secure accesses read other values
// than Secure ones where SMMU_SCR1 limits what they see.
#ifndef SMMU_ARCH_V2_IDENTIFICATION_REGISTERS_H_
#define SMMU_ARCH_V2_IDENTIFICATION_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v2 {

// The AArch32 formats of translation tables, PTFS.
enum class AArch32Formats : std::uint8_t {
  kShortAndLong = 0b00,
  kLong = 0b01,
  kNone = 0b10,
};

// What the hardware updates in descriptors, HAFDBS.
enum class HardwareUpdates : std::uint8_t {
  kNone = 0b00,
  kAccessFlag = 0b01,
  kAccessFlagAndDirtyState = 0b11,
};

// The security state determination table, SSDTP.
enum class SecurityTable : std::uint8_t {
  kNone = 0b00,
  kIndexed = 0b01,  // by SMMU_IDR1.NUMSSDNDXB bits
  k16Bits = 0b11,
};

// The width of addresses of client devices, UBS: not quite an OutputSize.
enum class UpstreamSize : std::uint8_t {
  k32Bits = 0b0000,
  k36Bits = 0b0001,
  k40Bits = 0b0010,
  k42Bits = 0b0011,
  k44Bits = 0b0100,
  k49Bits = 0b0101,  // 48 and a sign
  k64Bits = 0b1111,
};

// Identification Register 0.
struct SMMU_IDR0 : Register<SMMU_IDR0, std::uint32_t, 0x020> {
  using Register::Register;
  static constexpr Bits<7, 0>                   NUMSMRG{"NUMSMRG"};
  static constexpr Bit<8>                       EXIDS{"EXIDS"};
  static constexpr Bits<12, 9>                  NUMSIDB{"NUMSIDB"};
  static constexpr Bit<13>                      BTM{"BTM"};
  static constexpr Bit<14>                      CTTW{"CTTW"};  // walks are coherent
  static constexpr Bit<15>                      EXSMRGS{"EXSMRGS"};
  static constexpr Bits<23, 16>                 NUMIRPT{"NUMIRPT"};
  static constexpr Bits<25, 24, AArch32Formats> PTFS{"PTFS"};
  static constexpr Bit<26>                      ATOSNS{"ATOSNS"};  // 1: no translation operations
  static constexpr Bit<27>                      SMS{"SMS"};  // streams are matched; 0: they index
  static constexpr Bit<28>                      NTS{"NTS"};
  static constexpr Bit<29>                      S2TS{"S2TS"};
  static constexpr Bit<30>                      S1TS{"S1TS"};
  static constexpr Bit<31>                      SES{"SES"};

  static constexpr FieldInfo kFields[] = {
      NUMSMRG, EXIDS, NUMSIDB, BTM, CTTW, EXSMRGS, NUMIRPT, PTFS, ATOSNS, SMS, NTS, S2TS, S1TS,
      SES};
};
static_assert(covers_exactly<SMMU_IDR0>());

// Identification Register 1.  There are 2^(NUMPAGENDXB + 1) pages of global space and as many of
// context banks, of which the first NUMS2CB serve stage 2 only.
struct SMMU_IDR1 : Register<SMMU_IDR1, std::uint32_t, 0x024> {
  using Register::Register;
  static constexpr Bits<7, 0>                    NUMCB{"NUMCB"};
  static constexpr Bits<11, 8>                   NUMSSDNDXB{"NUMSSDNDXB"};
  static constexpr Bits<13, 12, SecurityTable>   SSDTP{"SSDTP"};
  static constexpr Bit<15>                       SMCD{"SMCD"};  // finds every match conflict
  static constexpr Bits<23, 16>                  NUMS2CB{"NUMS2CB"};
  static constexpr Bits<25, 24, HardwareUpdates> HAFDBS{"HAFDBS"};
  static constexpr Bits<30, 28>                  NUMPAGENDXB{"NUMPAGENDXB"};
  static constexpr Bit<31>                       PAGESIZE{"PAGESIZE"};  // 64 KiB; 0: 4 KiB

  static constexpr FieldInfo kFields[] = {
      NUMCB, NUMSSDNDXB, SSDTP, reserved(14), SMCD, NUMS2CB, HAFDBS, reserved(27, 26), NUMPAGENDXB,
      PAGESIZE};
};
static_assert(covers_exactly<SMMU_IDR1>());

// Identification Register 2.  Of OutputSize, IAS and OAS have the codes up to k48Bits.
struct SMMU_IDR2 : Register<SMMU_IDR2, std::uint32_t, 0x028> {
  using Register::Register;
  static constexpr Bits<3, 0, OutputSize>    IAS{"IAS"};
  static constexpr Bits<7, 4, OutputSize>    OAS{"OAS"};
  static constexpr Bits<11, 8, UpstreamSize> UBS{"UBS"};
  static constexpr Bit<12>                   PTFSv8_4kB{"PTFSv8_4kB"};
  static constexpr Bit<13>                   PTFSv8_16kB{"PTFSv8_16kB"};
  static constexpr Bit<14>                   PTFSv8_64kB{"PTFSv8_64kB"};
  static constexpr Bit<15>                   VMID16S{"VMID16S"};
  static constexpr Bits<26, 16>              EXNUMSMRG{"EXNUMSMRG"};
  static constexpr Bit<27>                   E2HS{"E2HS"};
  static constexpr Bit<28>                   HADS{"HADS"};
  static constexpr Bit<29>                   COMPINDEXS{"COMPINDEXS"};
  static constexpr Bit<30>                   DIPANS{"DIPANS"};

  static constexpr FieldInfo kFields[] = {
      IAS, OAS, UBS, PTFSv8_4kB, PTFSv8_16kB, PTFSv8_64kB, VMID16S, EXNUMSMRG, E2HS, HADS,
      COMPINDEXS, DIPANS, reserved(31)};
};
static_assert(covers_exactly<SMMU_IDR2>());

// Identification Registers 3 to 6 have no fields; what 4 holds is IMPLEMENTATION DEFINED.
struct SMMU_IDR3 : Register<SMMU_IDR3, std::uint32_t, 0x02C> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_IDR3>());

struct SMMU_IDR4 : Register<SMMU_IDR4, std::uint32_t, 0x030> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_IDR4>());

struct SMMU_IDR5 : Register<SMMU_IDR5, std::uint32_t, 0x034> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_IDR5>());

struct SMMU_IDR6 : Register<SMMU_IDR6, std::uint32_t, 0x038> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_IDR6>());

// Identification Register 7: the revision of the product.
struct SMMU_IDR7 : Register<SMMU_IDR7, std::uint32_t, 0x03C> {
  using Register::Register;
  static constexpr Bits<3, 0> MINOR{"MINOR"};
  static constexpr Bits<7, 4> MAJOR{"MAJOR"};

  static constexpr FieldInfo kFields[] = {MINOR, MAJOR, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_IDR7>());

// Peripheral and Component Identification Registers, which have the form that CoreSight gives them.
struct SMMU_PIDR4 : Register<SMMU_PIDR4, std::uint32_t, 0xFD0> {
  using Register::Register;
  static constexpr Bits<3, 0> DES_2{"DES_2"};
  static constexpr Bits<7, 4> SIZE{"SIZE"};

  static constexpr FieldInfo kFields[] = {DES_2, SIZE, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR4>());

struct SMMU_PIDR5 : Register<SMMU_PIDR5, std::uint32_t, 0xFD4> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR5>());

struct SMMU_PIDR6 : Register<SMMU_PIDR6, std::uint32_t, 0xFD8> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR6>());

struct SMMU_PIDR7 : Register<SMMU_PIDR7, std::uint32_t, 0xFDC> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PIDR7>());

struct SMMU_PIDR0 : Register<SMMU_PIDR0, std::uint32_t, 0xFE0> {
  using Register::Register;
  static constexpr Bits<7, 0> PART_0{"PART_0"};

  static constexpr FieldInfo kFields[] = {PART_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR0>());

struct SMMU_PIDR1 : Register<SMMU_PIDR1, std::uint32_t, 0xFE4> {
  using Register::Register;
  static constexpr Bits<3, 0> PART_1{"PART_1"};
  static constexpr Bits<7, 4> DES_0{"DES_0"};

  static constexpr FieldInfo kFields[] = {PART_1, DES_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR1>());

// The architecture, REVISION of Peripheral Identification Register 2.
enum class ArchitectureRevision : std::uint8_t { kSMMUv1 = 0, kSMMUv2 = 1 };

struct SMMU_PIDR2 : Register<SMMU_PIDR2, std::uint32_t, 0xFE8> {
  using Register::Register;
  static constexpr Bits<2, 0>                       DES_1{"DES_1"};
  static constexpr Bit<3>                           JEDEC{"JEDEC"};
  static constexpr Bits<7, 4, ArchitectureRevision> REVISION{"REVISION"};

  static constexpr FieldInfo kFields[] = {DES_1, JEDEC, REVISION, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR2>());

struct SMMU_PIDR3 : Register<SMMU_PIDR3, std::uint32_t, 0xFEC> {
  using Register::Register;
  static constexpr Bits<3, 0> CMOD{"CMOD"};
  static constexpr Bits<7, 4> REVAND{"REVAND"};

  static constexpr FieldInfo kFields[] = {CMOD, REVAND, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PIDR3>());

struct SMMU_CIDR0 : Register<SMMU_CIDR0, std::uint32_t, 0xFF0> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR0>());

struct SMMU_CIDR1 : Register<SMMU_CIDR1, std::uint32_t, 0xFF4> {
  using Register::Register;
  static constexpr Bits<3, 0> Preamble{"Preamble"};
  static constexpr Bits<7, 4> CLASS{"CLASS"};

  static constexpr FieldInfo kFields[] = {Preamble, CLASS, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR1>());

struct SMMU_CIDR2 : Register<SMMU_CIDR2, std::uint32_t, 0xFF8> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR2>());

struct SMMU_CIDR3 : Register<SMMU_CIDR3, std::uint32_t, 0xFFC> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CIDR3>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_IDENTIFICATION_REGISTERS_H_
