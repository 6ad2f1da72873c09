// Where the queues lie and how far each side has come (IHI 0070, 6.3).
//
// WR and RD hold an index and, above it at bit LOG2SIZE, a wrap bit: how many of their 20 bits mean
// anything follows from the queue's LOG2SIZE, so they are one field here (3.5.1).
#ifndef SMMU_ARCH_V3_QUEUE_REGISTERS_H_
#define SMMU_ARCH_V3_QUEUE_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// Why command processing stopped (7.1).
enum class CommandError : std::uint8_t {
  CERROR_NONE = 0x00,
  CERROR_ILL = 0x01,
  CERROR_ABT = 0x02,
  CERROR_ATC_INV_SYNC = 0x03,
};

// 6.3.26
struct SMMU_CMDQ_BASE : Register<SMMU_CMDQ_BASE, std::uint64_t, 0x0090> {
  using Register::Register;
  static constexpr Bits<4, 0>     LOG2SIZE{"LOG2SIZE"};
  static constexpr Address<55, 5> ADDR{"ADDR"};
  static constexpr Bit<62>        RA{"RA"};

  static constexpr FieldInfo kFields[] = {LOG2SIZE, ADDR, reserved(61, 56), RA, reserved(63)};
};
static_assert(covers_exactly<SMMU_CMDQ_BASE>());

// 6.3.27
struct SMMU_CMDQ_PROD : Register<SMMU_CMDQ_PROD, std::uint32_t, 0x0098> {
  using Register::Register;
  static constexpr Bits<19, 0> WR{"WR"};

  static constexpr FieldInfo kFields[] = {WR, reserved(31, 20)};
};
static_assert(covers_exactly<SMMU_CMDQ_PROD>());

// 6.3.28: ERR is valid only while SMMU_GERROR.CMDQ_ERR is active.
struct SMMU_CMDQ_CONS : Register<SMMU_CMDQ_CONS, std::uint32_t, 0x009C> {
  using Register::Register;
  static constexpr Bits<19, 0>                RD{"RD"};
  static constexpr Bits<30, 24, CommandError> ERR{"ERR"};

  static constexpr FieldInfo kFields[] = {RD, reserved(23, 20), ERR, reserved(31)};
};
static_assert(covers_exactly<SMMU_CMDQ_CONS>());

// 6.3.29
struct SMMU_EVENTQ_BASE : Register<SMMU_EVENTQ_BASE, std::uint64_t, 0x00A0> {
  using Register::Register;
  static constexpr Bits<4, 0>     LOG2SIZE{"LOG2SIZE"};
  static constexpr Address<55, 5> ADDR{"ADDR"};
  static constexpr Bit<62>        WA{"WA"};

  static constexpr FieldInfo kFields[] = {LOG2SIZE, ADDR, reserved(61, 56), WA, reserved(63)};
};
static_assert(covers_exactly<SMMU_EVENTQ_BASE>());

// 6.3.95
struct SMMU_EVENTQ_PROD : Register<SMMU_EVENTQ_PROD, std::uint32_t, 0x100A8> {
  using Register::Register;
  static constexpr Bits<19, 0> WR{"WR"};
  static constexpr Bit<31>     OVFLG{"OVFLG"};

  static constexpr FieldInfo kFields[] = {WR, reserved(30, 20), OVFLG};
};
static_assert(covers_exactly<SMMU_EVENTQ_PROD>());

// 6.3.96
struct SMMU_EVENTQ_CONS : Register<SMMU_EVENTQ_CONS, std::uint32_t, 0x100AC> {
  using Register::Register;
  static constexpr Bits<19, 0> RD{"RD"};
  static constexpr Bit<31>     OVACKFLG{"OVACKFLG"};

  static constexpr FieldInfo kFields[] = {RD, reserved(30, 20), OVACKFLG};
};
static_assert(covers_exactly<SMMU_EVENTQ_CONS>());

// 6.3.30: ADDR 0 means that no message is sent.
struct SMMU_EVENTQ_IRQ_CFG0 : Register<SMMU_EVENTQ_IRQ_CFG0, std::uint64_t, 0x00B0> {
  using Register::Register;
  static constexpr Address<55, 2> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(1, 0), ADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_EVENTQ_IRQ_CFG0>());

// 6.3.31
struct SMMU_EVENTQ_IRQ_CFG1 : Register<SMMU_EVENTQ_IRQ_CFG1, std::uint32_t, 0x00B8> {
  using Register::Register;
  static constexpr Bits<31, 0> DATA{"DATA"};

  static constexpr FieldInfo kFields[] = {DATA};
};
static_assert(covers_exactly<SMMU_EVENTQ_IRQ_CFG1>());

// 6.3.32
struct SMMU_EVENTQ_IRQ_CFG2 : Register<SMMU_EVENTQ_IRQ_CFG2, std::uint32_t, 0x00BC> {
  using Register::Register;
  static constexpr Bits<3, 0>               MemAttr{"MemAttr"};
  static constexpr Bits<5, 4, Shareability> SH{"SH"};

  static constexpr FieldInfo kFields[] = {MemAttr, SH, reserved(31, 6)};
};
static_assert(covers_exactly<SMMU_EVENTQ_IRQ_CFG2>());

// 6.3.33
struct SMMU_PRIQ_BASE : Register<SMMU_PRIQ_BASE, std::uint64_t, 0x00C0> {
  using Register::Register;
  static constexpr Bits<4, 0>     LOG2SIZE{"LOG2SIZE"};
  static constexpr Address<55, 5> ADDR{"ADDR"};
  static constexpr Bit<62>        WA{"WA"};

  static constexpr FieldInfo kFields[] = {LOG2SIZE, ADDR, reserved(61, 56), WA, reserved(63)};
};
static_assert(covers_exactly<SMMU_PRIQ_BASE>());

// 6.3.97
struct SMMU_PRIQ_PROD : Register<SMMU_PRIQ_PROD, std::uint32_t, 0x100C8> {
  using Register::Register;
  static constexpr Bits<19, 0> WR{"WR"};
  static constexpr Bit<31>     OVFLG{"OVFLG"};

  static constexpr FieldInfo kFields[] = {WR, reserved(30, 20), OVFLG};
};
static_assert(covers_exactly<SMMU_PRIQ_PROD>());

// 6.3.98
struct SMMU_PRIQ_CONS : Register<SMMU_PRIQ_CONS, std::uint32_t, 0x100CC> {
  using Register::Register;
  static constexpr Bits<19, 0> RD{"RD"};
  static constexpr Bit<31>     OVACKFLG{"OVACKFLG"};

  static constexpr FieldInfo kFields[] = {RD, reserved(30, 20), OVACKFLG};
};
static_assert(covers_exactly<SMMU_PRIQ_CONS>());

// 6.3.34: ADDR 0 means that no message is sent.
struct SMMU_PRIQ_IRQ_CFG0 : Register<SMMU_PRIQ_IRQ_CFG0, std::uint64_t, 0x00D0> {
  using Register::Register;
  static constexpr Address<55, 2> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(1, 0), ADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_PRIQ_IRQ_CFG0>());

// 6.3.35
struct SMMU_PRIQ_IRQ_CFG1 : Register<SMMU_PRIQ_IRQ_CFG1, std::uint32_t, 0x00D8> {
  using Register::Register;
  static constexpr Bits<31, 0> DATA{"DATA"};

  static constexpr FieldInfo kFields[] = {DATA};
};
static_assert(covers_exactly<SMMU_PRIQ_IRQ_CFG1>());

// 6.3.36: LO asks for an interrupt at each Last == 1 instead of one when the queue ceases to be
// empty.
struct SMMU_PRIQ_IRQ_CFG2 : Register<SMMU_PRIQ_IRQ_CFG2, std::uint32_t, 0x00DC> {
  using Register::Register;
  static constexpr Bits<3, 0>               MemAttr{"MemAttr"};
  static constexpr Bits<5, 4, Shareability> SH{"SH"};
  static constexpr Bit<31>                  LO{"LO"};

  static constexpr FieldInfo kFields[] = {MemAttr, SH, reserved(30, 6), LO};
};
static_assert(covers_exactly<SMMU_PRIQ_IRQ_CFG2>());

// 6.3.49: ADDR is an offset from the start of page 0.
struct SMMU_CMDQ_CONTROL_PAGE_BASEn
    : RegisterArray<SMMU_CMDQ_CONTROL_PAGE_BASEn, std::uint64_t, 0x4000, 32> {
  using RegisterArray::RegisterArray;
  static constexpr Bit<0>          CMDQ_CONTROL_PAGE_PRESET{"CMDQ_CONTROL_PAGE_PRESET"};
  static constexpr Bits<2, 1, TG0> CMDQGS{"CMDQGS"};
  static constexpr Address<55, 16> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {
      CMDQ_CONTROL_PAGE_PRESET, CMDQGS, reserved(15, 3), ADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_CMDQ_CONTROL_PAGE_BASEn>());

// 6.3.50
struct SMMU_CMDQ_CONTROL_PAGE_CFGn
    : RegisterArray<SMMU_CMDQ_CONTROL_PAGE_CFGn, std::uint32_t, 0x4008, 32> {
  using RegisterArray::RegisterArray;
  static constexpr Bit<0> EN{"EN"};

  static constexpr FieldInfo kFields[] = {EN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_CMDQ_CONTROL_PAGE_CFGn>());

// 6.3.51
struct SMMU_CMDQ_CONTROL_PAGE_STATUSn
    : RegisterArray<SMMU_CMDQ_CONTROL_PAGE_STATUSn, std::uint32_t, 0x400C, 32> {
  using RegisterArray::RegisterArray;
  static constexpr Bit<0> ENACK{"ENACK"};

  static constexpr FieldInfo kFields[] = {ENACK, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_CMDQ_CONTROL_PAGE_STATUSn>());

// The registers of one Enhanced Command queue.  2^SMMU_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ queues share
// a 64 KiB control page evenly (6.2.5), so no stride can be given here: queue n begins at n * (64
// KiB >> LOG2NUMQ) from the start of its page, and these offsets are from there.  The 0x100 that
// 6.3.107 prints is the stride of a page with 256 queues.
struct SMMU_ECMDQ_BASEn : Register<SMMU_ECMDQ_BASEn, std::uint64_t, 0x00> {
  using Register::Register;
  static constexpr Bits<4, 0>     LOG2SIZE{"LOG2SIZE"};
  static constexpr Address<55, 5> ADDR{"ADDR"};
  static constexpr Bit<62>        RA{"RA"};

  static constexpr FieldInfo kFields[] = {LOG2SIZE, ADDR, reserved(61, 56), RA, reserved(63)};
};
static_assert(covers_exactly<SMMU_ECMDQ_BASEn>());

// 6.3.108
struct SMMU_ECMDQ_PRODn : Register<SMMU_ECMDQ_PRODn, std::uint32_t, 0x08> {
  using Register::Register;
  static constexpr Bits<19, 0> WR{"WR"};
  static constexpr Bit<23>     ERRACK{"ERRACK"};
  static constexpr Bit<31>     EN{"EN"};

  static constexpr FieldInfo kFields[] = {WR, reserved(22, 20), ERRACK, reserved(30, 24), EN};
};
static_assert(covers_exactly<SMMU_ECMDQ_PRODn>());

// 6.3.109
struct SMMU_ECMDQ_CONSn : Register<SMMU_ECMDQ_CONSn, std::uint32_t, 0x0C> {
  using Register::Register;
  static constexpr Bits<19, 0>                RD{"RD"};
  static constexpr Bit<23>                    ERR{"ERR"};
  static constexpr Bits<26, 24, CommandError> ERR_REASON{"ERR_REASON"};
  static constexpr Bit<31>                    ENACK{"ENACK"};

  static constexpr FieldInfo kFields[] = {
      RD, reserved(22, 20), ERR, ERR_REASON, reserved(30, 27), ENACK};
};
static_assert(covers_exactly<SMMU_ECMDQ_CONSn>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_QUEUE_REGISTERS_H_
