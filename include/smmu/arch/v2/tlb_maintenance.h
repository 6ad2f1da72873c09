// Invalidation of TLB entries, and waiting for it (IHI 0062; registers.h says what the layouts rest
// on).
//
// Writing a register starts the operation; what is written says of which entries.  SMMU_CBn_* are
// at offsets of the page of context bank n, the others at offsets of global register space 0.  An
// Address field is a number: the address of which it holds bits, shifted down by 12.
#ifndef SMMU_ARCH_V2_TLB_MAINTENANCE_H_
#define SMMU_ARCH_V2_TLB_MAINTENANCE_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v2 {

// Invalidate all Secure entries.  What is written means nothing, as in all such registers here
// without a field.
struct SMMU_STLBIALL : Register<SMMU_STLBIALL, std::uint32_t, 0x060> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_STLBIALL>());

// Invalidate by VMID, Non-secure, not of the hypervisor.  VMID has 8 bits without 16-bit VMIDs.
struct SMMU_TLBIVMID : Register<SMMU_TLBIVMID, std::uint32_t, 0x064> {
  using Register::Register;
  static constexpr Bits<15, 0> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {VMID, reserved(31, 16)};
};
static_assert(covers_exactly<SMMU_TLBIVMID>());

// Invalidate all Non-secure entries that are not of the hypervisor.
struct SMMU_TLBIALLNSNH : Register<SMMU_TLBIALLNSNH, std::uint32_t, 0x068> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_TLBIALLNSNH>());

// Invalidate all entries of the hypervisor.
struct SMMU_TLBIALLH : Register<SMMU_TLBIALLH, std::uint32_t, 0x06C> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_TLBIALLH>());

// Global Synchronize TLB Invalidate.
struct SMMU_sTLBGSYNC : Register<SMMU_sTLBGSYNC, std::uint32_t, 0x070> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_sTLBGSYNC>());

// Global TLB Status Register.
struct SMMU_sTLBGSTATUS : Register<SMMU_sTLBGSTATUS, std::uint32_t, 0x074> {
  using Register::Register;
  static constexpr Bit<0> GSACTIVE{"GSACTIVE"};

  static constexpr FieldInfo kFields[] = {GSACTIVE, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_sTLBGSTATUS>());

// Invalidate by address, of the hypervisor, 32-bit addresses.
struct SMMU_TLBIVAH : Register<SMMU_TLBIVAH, std::uint32_t, 0x078> {
  using Register::Register;
  static constexpr Address<31, 12> Address{"Address"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), Address};
};
static_assert(covers_exactly<SMMU_TLBIVAH>());

// Invalidate by address, of the Secure monitor: the last level, then all levels.
struct SMMU_STLBIVALM : Register<SMMU_STLBIVALM, std::uint64_t, 0x0A0> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_STLBIVALM>());

struct SMMU_STLBIVAM : Register<SMMU_STLBIVAM, std::uint64_t, 0x0A8> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_STLBIVAM>());

// Invalidate by address, of the hypervisor, the last level.
struct SMMU_TLBIVALH64 : Register<SMMU_TLBIVALH64, std::uint64_t, 0x0B0> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_TLBIVALH64>());

// Invalidate by VMID what stage 1 is part of.
struct SMMU_TLBIVMIDS1 : Register<SMMU_TLBIVMIDS1, std::uint32_t, 0x0B8> {
  using Register::Register;
  static constexpr Bits<15, 0> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {VMID, reserved(31, 16)};
};
static_assert(covers_exactly<SMMU_TLBIVMIDS1>());

// Invalidate all entries of the Secure monitor.
struct SMMU_STLBIALLM : Register<SMMU_STLBIALLM, std::uint32_t, 0x0BC> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_STLBIALLM>());

// Invalidate by address, of the hypervisor.
struct SMMU_TLBIVAH64 : Register<SMMU_TLBIVAH64, std::uint64_t, 0x0C0> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_TLBIVAH64>());

// Invalidate by address and ASID, in banks of AArch64.
struct SMMU_CBn_TLBIVA_AArch64 : Register<SMMU_CBn_TLBIVA_AArch64, std::uint64_t, 0x600> {
  using Register::Register;
  static constexpr Bits<43, 0>  Address{"Address"};
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {Address, reserved(47, 44), ASID};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVA_AArch64>());

// The same in banks of AArch32.
struct SMMU_CBn_TLBIVA_AArch32 : Register<SMMU_CBn_TLBIVA_AArch32, std::uint32_t, 0x600> {
  using Register::Register;
  static constexpr Bits<7, 0>      ASID{"ASID"};
  static constexpr Address<31, 12> VA{"VA"};

  static constexpr FieldInfo kFields[] = {ASID, reserved(11, 8), VA};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVA_AArch32>());

// Invalidate by address, all ASIDs.
struct SMMU_CBn_TLBIVAA_AArch64 : Register<SMMU_CBn_TLBIVAA_AArch64, std::uint64_t, 0x608> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAA_AArch64>());

struct SMMU_CBn_TLBIVAA_AArch32 : Register<SMMU_CBn_TLBIVAA_AArch32, std::uint32_t, 0x608> {
  using Register::Register;
  static constexpr Address<31, 12> VA{"VA"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), VA};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAA_AArch32>());

// Invalidate by ASID.  ASIDs of AArch32 have 8 bits.
struct SMMU_CBn_TLBIASID : Register<SMMU_CBn_TLBIASID, std::uint32_t, 0x610> {
  using Register::Register;
  static constexpr Bits<15, 0> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {ASID, reserved(31, 16)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIASID>());

// Invalidate all entries of stage 1.
struct SMMU_CBn_TLBIALL : Register<SMMU_CBn_TLBIALL, std::uint32_t, 0x618> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIALL>());

// Invalidate by address and ASID, the last level.
struct SMMU_CBn_TLBIVAL_AArch64 : Register<SMMU_CBn_TLBIVAL_AArch64, std::uint64_t, 0x620> {
  using Register::Register;
  static constexpr Bits<43, 0>  Address{"Address"};
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {Address, reserved(47, 44), ASID};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAL_AArch64>());

struct SMMU_CBn_TLBIVAL_AArch32 : Register<SMMU_CBn_TLBIVAL_AArch32, std::uint32_t, 0x620> {
  using Register::Register;
  static constexpr Bits<7, 0>      ASID{"ASID"};
  static constexpr Address<31, 12> VA{"VA"};

  static constexpr FieldInfo kFields[] = {ASID, reserved(11, 8), VA};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAL_AArch32>());

// Invalidate by address, all ASIDs, the last level.
struct SMMU_CBn_TLBIVAAL_AArch64 : Register<SMMU_CBn_TLBIVAAL_AArch64, std::uint64_t, 0x628> {
  using Register::Register;
  static constexpr Bits<43, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 44)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAAL_AArch64>());

struct SMMU_CBn_TLBIVAAL_AArch32 : Register<SMMU_CBn_TLBIVAAL_AArch32, std::uint32_t, 0x628> {
  using Register::Register;
  static constexpr Address<31, 12> VA{"VA"};

  static constexpr FieldInfo kFields[] = {reserved(11, 0), VA};
};
static_assert(covers_exactly<SMMU_CBn_TLBIVAAL_AArch32>());

// Invalidate by intermediate physical address, in banks of stage 2: all levels, then the last.
struct SMMU_CBn_TLBIIPAS2 : Register<SMMU_CBn_TLBIIPAS2, std::uint64_t, 0x630> {
  using Register::Register;
  static constexpr Bits<35, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 36)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIIPAS2>());

struct SMMU_CBn_TLBIIPAS2L : Register<SMMU_CBn_TLBIIPAS2L, std::uint64_t, 0x638> {
  using Register::Register;
  static constexpr Bits<35, 0> Address{"Address"};

  static constexpr FieldInfo kFields[] = {Address, reserved(63, 36)};
};
static_assert(covers_exactly<SMMU_CBn_TLBIIPAS2L>());

// Synchronize TLB Invalidate.
struct SMMU_CBn_TLBSYNC : Register<SMMU_CBn_TLBSYNC, std::uint32_t, 0x7F0> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_CBn_TLBSYNC>());

// TLB Status Register.
struct SMMU_CBn_TLBSTATUS : Register<SMMU_CBn_TLBSTATUS, std::uint32_t, 0x7F4> {
  using Register::Register;
  static constexpr Bit<0> SACTIVE{"SACTIVE"};

  static constexpr FieldInfo kFields[] = {SACTIVE, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_CBn_TLBSTATUS>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_TLB_MAINTENANCE_H_
