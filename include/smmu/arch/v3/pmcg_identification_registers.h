// What a Performance Monitor Counter Group says of itself (IHI 0070, 10.5.2).
//
// Offsets are from the start of the group's page 0.
#ifndef SMMU_ARCH_V3_PMCG_IDENTIFICATION_REGISTERS_H_
#define SMMU_ARCH_V3_PMCG_IDENTIFICATION_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v3 {

// 10.5.2.13
struct SMMU_PMCG_CFGR : Register<SMMU_PMCG_CFGR, std::uint32_t, 0xE00> {
  // The width of a counter, less one.
  enum class CounterSize : std::uint8_t {
    k32Bits = 31,
    k36Bits = 35,
    k40Bits = 39,
    k44Bits = 43,
    k48Bits = 47,
    k64Bits = 63,
  };

  using Register::Register;
  static constexpr Bits<5, 0>               NCTR{"NCTR"};  // how many counters, less one
  static constexpr Bits<13, 8, CounterSize> SIZE{"SIZE"};
  static constexpr Bit<20>                  RELOC_CTRS{"RELOC_CTRS"};  // there is a page 1
  static constexpr Bit<21>                  MSI{"MSI"};
  static constexpr Bit<22>                  CAPTURE{"CAPTURE"};
  static constexpr Bit<23>                  SID_FILTER_TYPE{"SID_FILTER_TYPE"};  // 1: one for all
  static constexpr Bit<24>                  MPAM{"MPAM"};
  static constexpr Bit<25>                  FILTER_PARTID_PMG{"FILTER_PARTID_PMG"};

  static constexpr FieldInfo kFields[] = {
      NCTR, reserved(7, 6), SIZE, reserved(19, 14), RELOC_CTRS, MSI, CAPTURE, SID_FILTER_TYPE, MPAM,
      FILTER_PARTID_PMG, reserved(31, 26)};
};
static_assert(covers_exactly<SMMU_PMCG_CFGR>());

// 10.5.2.15
struct SMMU_PMCG_IIDR : Register<SMMU_PMCG_IIDR, std::uint32_t, 0xE08> {
  using Register::Register;
  static constexpr Bits<11, 0>  Implementer{"Implementer"};
  static constexpr Bits<15, 12> Revision{"Revision"};
  static constexpr Bits<19, 16> Variant{"Variant"};
  static constexpr Bits<31, 20> ProductID{"ProductID"};

  static constexpr FieldInfo kFields[] = {Implementer, Revision, Variant, ProductID};
};
static_assert(covers_exactly<SMMU_PMCG_IIDR>());

// 10.5.2.16: bit n is event n.
struct SMMU_PMCG_CEID0 : Register<SMMU_PMCG_CEID0, std::uint64_t, 0xE20> {
  using Register::Register;
  static constexpr Bits<63, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_PMCG_CEID0>());

// 10.5.2.17: bit n is event 64 + n.
struct SMMU_PMCG_CEID1 : Register<SMMU_PMCG_CEID1, std::uint64_t, 0xE28> {
  using Register::Register;
  static constexpr Bits<63, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_PMCG_CEID1>());

// 10.5.2.26
struct SMMU_PMCG_AIDR : Register<SMMU_PMCG_AIDR, std::uint32_t, 0xE70> {
  using Register::Register;
  static constexpr Bits<3, 0> ArchMinorRev{"ArchMinorRev"};
  static constexpr Bits<7, 4> ArchMajorRev{"ArchMajorRev"};

  static constexpr FieldInfo kFields[] = {ArchMinorRev, ArchMajorRev, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_AIDR>());

// 10.5.2.27
struct SMMU_PMCG_MPAMIDR : Register<SMMU_PMCG_MPAMIDR, std::uint32_t, 0xE74> {
  using Register::Register;
  static constexpr Bits<15, 0>  PARTID_MAX{"PARTID_MAX"};
  static constexpr Bits<23, 16> PMG_MAX{"PMG_MAX"};

  static constexpr FieldInfo kFields[] = {PARTID_MAX, PMG_MAX, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_PMCG_MPAMIDR>());

// 10.5.2.28
struct SMMU_PMCG_S_MPAMIDR : Register<SMMU_PMCG_S_MPAMIDR, std::uint32_t, 0xE78> {
  using Register::Register;
  static constexpr Bits<15, 0>  PARTID_MAX{"PARTID_MAX"};
  static constexpr Bits<23, 16> PMG_MAX{"PMG_MAX"};
  static constexpr Bit<25>      HAS_MPAM_NS{"HAS_MPAM_NS"};

  static constexpr FieldInfo kFields[] = {
      PARTID_MAX, PMG_MAX, reserved(24), HAS_MPAM_NS, reserved(31, 26)};
};
static_assert(covers_exactly<SMMU_PMCG_S_MPAMIDR>());

// 10.5.2.29: the CoreSight scheme of Arm's own, from 0xFB0 to 0xFFC.
struct SMMU_PMCG_PMDEVARCH : Register<SMMU_PMCG_PMDEVARCH, std::uint32_t, 0xFBC> {
  using Register::Register;
  static constexpr Bits<15, 0>  ARCHID{"ARCHID"};
  static constexpr Bits<19, 16> REVISION{"REVISION"};
  static constexpr Bit<20>      PRESENT{"PRESENT"};
  static constexpr Bits<31, 21> ARCHITECT{"ARCHITECT"};

  static constexpr FieldInfo kFields[] = {ARCHID, REVISION, PRESENT, ARCHITECT};
};
static_assert(covers_exactly<SMMU_PMCG_PMDEVARCH>());

struct SMMU_PMCG_PMDEVTYPE : Register<SMMU_PMCG_PMDEVTYPE, std::uint32_t, 0xFCC> {
  using Register::Register;
  static constexpr Bits<3, 0> Class{"Class"};
  static constexpr Bits<7, 4> SubType{"SubType"};

  static constexpr FieldInfo kFields[] = {Class, SubType, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PMDEVTYPE>());

struct SMMU_PMCG_PIDR4 : Register<SMMU_PMCG_PIDR4, std::uint32_t, 0xFD0> {
  using Register::Register;
  static constexpr Bits<3, 0> DES_2{"DES_2"};
  static constexpr Bits<7, 4> SIZE{"SIZE"};

  static constexpr FieldInfo kFields[] = {DES_2, SIZE, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR4>());

struct SMMU_PMCG_PIDR5 : Register<SMMU_PMCG_PIDR5, std::uint32_t, 0xFD4> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR5>());

struct SMMU_PMCG_PIDR6 : Register<SMMU_PMCG_PIDR6, std::uint32_t, 0xFD8> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR6>());

struct SMMU_PMCG_PIDR7 : Register<SMMU_PMCG_PIDR7, std::uint32_t, 0xFDC> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR7>());

struct SMMU_PMCG_PIDR0 : Register<SMMU_PMCG_PIDR0, std::uint32_t, 0xFE0> {
  using Register::Register;
  static constexpr Bits<7, 0> PART_0{"PART_0"};

  static constexpr FieldInfo kFields[] = {PART_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR0>());

struct SMMU_PMCG_PIDR1 : Register<SMMU_PMCG_PIDR1, std::uint32_t, 0xFE4> {
  using Register::Register;
  static constexpr Bits<3, 0> PART_1{"PART_1"};
  static constexpr Bits<7, 4> DES_0{"DES_0"};

  static constexpr FieldInfo kFields[] = {PART_1, DES_0, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR1>());

struct SMMU_PMCG_PIDR2 : Register<SMMU_PMCG_PIDR2, std::uint32_t, 0xFE8> {
  using Register::Register;
  static constexpr Bits<2, 0> DES_1{"DES_1"};
  static constexpr Bit<3>     JEDEC{"JEDEC"};
  static constexpr Bits<7, 4> REVISION{"REVISION"};

  static constexpr FieldInfo kFields[] = {DES_1, JEDEC, REVISION, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR2>());

struct SMMU_PMCG_PIDR3 : Register<SMMU_PMCG_PIDR3, std::uint32_t, 0xFEC> {
  using Register::Register;
  static constexpr Bits<3, 0> CMOD{"CMOD"};
  static constexpr Bits<7, 4> REVAND{"REVAND"};

  static constexpr FieldInfo kFields[] = {CMOD, REVAND, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_PIDR3>());

struct SMMU_PMCG_CIDR0 : Register<SMMU_PMCG_CIDR0, std::uint32_t, 0xFF0> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_CIDR0>());

struct SMMU_PMCG_CIDR1 : Register<SMMU_PMCG_CIDR1, std::uint32_t, 0xFF4> {
  using Register::Register;
  static constexpr Bits<3, 0> Preamble{"Preamble"};
  static constexpr Bits<7, 4> CLASS{"CLASS"};

  static constexpr FieldInfo kFields[] = {Preamble, CLASS, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_CIDR1>());

struct SMMU_PMCG_CIDR2 : Register<SMMU_PMCG_CIDR2, std::uint32_t, 0xFF8> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_CIDR2>());

struct SMMU_PMCG_CIDR3 : Register<SMMU_PMCG_CIDR3, std::uint32_t, 0xFFC> {
  using Register::Register;
  static constexpr Bits<7, 0> Preamble{"Preamble"};

  static constexpr FieldInfo kFields[] = {Preamble, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMCG_CIDR3>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_PMCG_IDENTIFICATION_REGISTERS_H_
