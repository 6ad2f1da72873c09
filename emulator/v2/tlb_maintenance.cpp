#include "emulator/v2/tlb_maintenance.h"

#include <algorithm>

#include "emulator/v2/stage1_of_bank.h"

namespace smmu::emulator {

using v2::SMMU_CBA2Rn;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_CBn_TLBIALL;
using v2::SMMU_CBn_TLBIASID;
using v2::SMMU_CBn_TLBIIPAS2;
using v2::SMMU_CBn_TLBIIPAS2L;
using v2::SMMU_CBn_TLBIVA_AArch32;
using v2::SMMU_CBn_TLBIVA_AArch64;
using v2::SMMU_CBn_TLBIVAA_AArch64;
using v2::SMMU_CBn_TLBIVAAL_AArch64;
using v2::SMMU_CBn_TLBIVAL_AArch64;
using v2::SMMU_IDR2;
using v2::SMMU_sCR0;
using v2::SMMU_STLBIALL;
using v2::SMMU_STLBIALLM;
using v2::SMMU_STLBIVALM;
using v2::SMMU_STLBIVAM;
using v2::SMMU_TLBIALLH;
using v2::SMMU_TLBIALLNSNH;
using v2::SMMU_TLBIVAH;
using v2::SMMU_TLBIVAH64;
using v2::SMMU_TLBIVALH64;
using v2::SMMU_TLBIVMID;
using v2::SMMU_TLBIVMIDS1;
using v2::TranslationFormat;

namespace {

constexpr unsigned kPageBits = 12;

// Of the addresses of processors, which name [55:12] of one: the bits above may be a tag.
constexpr unsigned kProcessorSign = 55;

enum class Levels2 : std::uint8_t { kAll, kLast };

TlbInvalidation::Range range_of(std::uint64_t address, Levels2 levels) {
  return {.first = address & ~mask(kPageBits - 1, 0),
          .last = address | mask(kPageBits - 1, 0),
          .granule = std::nullopt,
          .level = 0,
          .leaf_only = levels == Levels2::kLast};
}

// An address of which bits [55:12] are written: of the upper half too if the device's
// bus does not have the bits above its sign.
std::uint64_t virtual_address(std::uint64_t page, unsigned sign_bit) {
  const std::uint64_t address = page << kPageBits;
  const bool upper = (address >> sign_bit & 1) != 0;
  return upper ? address | ~mask(sign_bit, 0) : address;
}

bool hypervisor_mode(const RegistersV2& registers) {
  return registers.features.idr2[SMMU_IDR2::E2HS] &&
         registers.global(SecurityState::kNonSecure).cr0[SMMU_sCR0::HYPMODE];
}

bool is_last_level(std::uint32_t offset) {
  return offset == SMMU_CBn_TLBIVAL_AArch64::kOffset ||
         offset == SMMU_CBn_TLBIVAAL_AArch64::kOffset;
}
bool has_asid(std::uint32_t offset) {
  return offset == SMMU_CBn_TLBIVA_AArch64::kOffset || offset == SMMU_CBn_TLBIVAL_AArch64::kOffset;
}

// Of stage 1: `what` has the world and the VMID.
std::optional<TlbInvalidation> of_stage1(const RegistersV2& registers, const BankRegisters& bank,
                                         std::uint32_t offset, std::uint64_t operand,
                                         TlbInvalidation what) {
  const FeaturesV2& features = registers.features;
  const bool aarch64 = format_of(features, bank) == TranslationFormat::kAArch64;
  const bool tagged = !is_one_level(what.world);
  // AS 0: ASIDs have 8 bits here as in the table bases.
  const bool wide = aarch64 && bank.tcr2[SMMU_CBn_TCR2::AS];
  const auto asid_of_operand = [wide](std::uint32_t asid) {
    return Asid(static_cast<std::uint16_t>(wide ? asid : asid & 0xff));
  };
  switch (offset) {
    case SMMU_CBn_TLBIALL::kOffset:
      return what;
    case SMMU_CBn_TLBIASID::kOffset: {
      const auto raw = static_cast<std::uint32_t>(operand);
      const std::uint32_t asid = SMMU_CBn_TLBIASID(raw)[SMMU_CBn_TLBIASID::ASID];
      if (tagged) what.asid = asid_of_operand(asid);
      return what;
    }
    case SMMU_CBn_TLBIVA_AArch64::kOffset:
    case SMMU_CBn_TLBIVAA_AArch64::kOffset:
    case SMMU_CBn_TLBIVAL_AArch64::kOffset:
    case SMMU_CBn_TLBIVAAL_AArch64::kOffset:
      break;
    default:
      return std::nullopt;
  }
  const Levels2 levels = is_last_level(offset) ? Levels2::kLast : Levels2::kAll;
  std::uint32_t asid = 0;
  if (aarch64) {
    using Operand = SMMU_CBn_TLBIVA_AArch64;
    what.range = range_of(
        virtual_address(Operand(operand)[Operand::Address], sign_bit_of(features, bank)), levels);
    asid = Operand(operand)[Operand::ASID];
  } else {
    using Operand = SMMU_CBn_TLBIVA_AArch32;
    const Operand narrow(static_cast<std::uint32_t>(operand));
    what.range = range_of(narrow[Operand::VA], levels);
    asid = narrow[Operand::ASID];
  }
  if (has_asid(offset) && tagged) what.asid = asid_of_operand(asid);
  return what;
}

std::optional<TlbInvalidation> of_stage2(const RegistersV2& registers, const BankRegisters& bank,
                                         std::uint32_t offset, std::uint64_t operand) {
  const bool last = offset == SMMU_CBn_TLBIIPAS2L::kOffset;
  if (!last && offset != SMMU_CBn_TLBIIPAS2::kOffset) return std::nullopt;
  using Operand = SMMU_CBn_TLBIIPAS2;
  const std::uint64_t ipa = Operand(operand)[Operand::Address] << kPageBits;
  return TlbInvalidation{.world = StreamWorld::kNsEl1,
                         .vmid = registers.vmid_of(bank),
                         .range = range_of(ipa, last ? Levels2::kLast : Levels2::kAll),
                         .input = Input::kIntermediate};
}

TlbInvalidation all_of(StreamWorld world) { return {.world = world, .input = std::nullopt}; }

// Of whole tables of contents of the hypervisor: with ASIDs and without.
TlbInvalidations of_hypervisor(std::optional<TlbInvalidation::Range> range) {
  TlbInvalidations what;
  for (const StreamWorld world : {StreamWorld::kNsEl2, StreamWorld::kNsEl2E2h}) {
    what.push_back({.world = world, .vmid = Vmid(0), .range = range});
  }
  return what;
}

// VMIDs have 8 bits, or 16.
Vmid operand_vmid(const RegistersV2& registers, std::uint64_t operand) {
  const bool wide = registers.global(SecurityState::kNonSecure).cr0[SMMU_sCR0::VMID16EN];
  const std::uint32_t vmid =
      SMMU_TLBIVMID(static_cast<std::uint32_t>(operand))[SMMU_TLBIVMID::VMID];
  return Vmid(static_cast<std::uint16_t>(wide ? vmid : vmid & 0xff));
}

// What Non-secure software may invalidate.
std::optional<TlbInvalidations> of_non_secure(const RegistersV2& registers, std::uint32_t offset,
                                              std::uint64_t operand) {
  switch (offset) {
    case SMMU_TLBIVMID::kOffset:
      return TlbInvalidations{TlbInvalidation{.world = StreamWorld::kNsEl1,
                                              .vmid = operand_vmid(registers, operand),
                                              .input = std::nullopt}};
    case SMMU_TLBIVMIDS1::kOffset:
      return TlbInvalidations{
          TlbInvalidation{.world = StreamWorld::kNsEl1, .vmid = operand_vmid(registers, operand)}};
    case SMMU_TLBIALLNSNH::kOffset:
      return TlbInvalidations{all_of(StreamWorld::kNsEl1)};
    case SMMU_TLBIALLH::kOffset:
      return of_hypervisor(std::nullopt);
    case SMMU_TLBIVAH::kOffset:
      return of_hypervisor(range_of(
          SMMU_TLBIVAH(static_cast<std::uint32_t>(operand))[SMMU_TLBIVAH::Address], Levels2::kAll));
    case SMMU_TLBIVAH64::kOffset:
      return of_hypervisor(range_of(
          virtual_address(SMMU_TLBIVAH64(operand)[SMMU_TLBIVAH64::Address], kProcessorSign),
          Levels2::kAll));
    case SMMU_TLBIVALH64::kOffset:
      return of_hypervisor(range_of(
          virtual_address(SMMU_TLBIVALH64(operand)[SMMU_TLBIVALH64::Address], kProcessorSign),
          Levels2::kLast));
    default:
      return std::nullopt;
  }
}

std::optional<TlbInvalidations> of_secure(std::uint32_t offset, std::uint64_t operand) {
  switch (offset) {
    case SMMU_STLBIALL::kOffset:
      // The monitor's are Secure too.
      return TlbInvalidations{all_of(StreamWorld::kSecure), all_of(StreamWorld::kEl3)};
    case SMMU_STLBIALLM::kOffset:
      return TlbInvalidations{all_of(StreamWorld::kEl3)};
    case SMMU_STLBIVAM::kOffset:
      return TlbInvalidations{TlbInvalidation{
          .world = StreamWorld::kEl3,
          .range = range_of(SMMU_STLBIVAM(operand)[SMMU_STLBIVAM::Address] << kPageBits,
                            Levels2::kAll)}};
    case SMMU_STLBIVALM::kOffset:
      return TlbInvalidations{TlbInvalidation{
          .world = StreamWorld::kEl3,
          .range = range_of(SMMU_STLBIVALM(operand)[SMMU_STLBIVALM::Address] << kPageBits,
                            Levels2::kLast)}};
    default:
      return std::nullopt;
  }
}

// Whether the ASID is private to this SMMU: every bank of that world that uses it says
// so.
bool is_private(const RegistersV2& registers, StreamWorld world, std::optional<Vmid> vmid,
                Asid asid) {
  bool found = false;
  for (std::uint32_t i = 0; i != registers.banks.size(); ++i) {
    const BankRegisters& bank = registers.banks[i];
    if (bank.is_stage2() ||
        world_of(bank, registers.owner_of_bank(i), hypervisor_mode(registers)) != world ||
        asid_of(registers.features, bank) != asid) {
      continue;
    }
    if (vmid && registers.vmid_of(bank) != *vmid) continue;
    if (!bank.sctlr[SMMU_CBn_SCTLR::ASIDPNE]) return false;
    found = true;
  }
  return found;
}

}  // namespace

TlbMaintenance bank_maintenance(const RegistersV2& registers, std::uint32_t index,
                                std::uint32_t offset, std::uint64_t operand) {
  const BankRegisters& bank = registers.banks[index];
  const SecurityState security = registers.owner_of_bank(index);
  TlbMaintenance result{.asker = {security, index}, .what = {}};
  if (bank.is_stage2()) {
    if (const auto what = of_stage2(registers, bank, offset, operand)) {
      result.what.push_back(*what);
    }
    return result;
  }
  const StreamWorld world = world_of(bank, security, hypervisor_mode(registers));
  // Without a VMID an invalidation would be of all ASIDs.
  const Vmid vmid = world == StreamWorld::kNsEl1 ? registers.vmid_of(bank) : Vmid(0);
  const TlbInvalidation what{.world = world, .vmid = vmid};
  if (const auto found = of_stage1(registers, bank, offset, operand, what)) {
    result.what.push_back(*found);
  }
  return result;
}

std::optional<TlbMaintenance> global_maintenance(const RegistersV2& registers,
                                                 SecurityState security, std::uint32_t offset,
                                                 std::uint64_t operand) {
  if (auto what = of_non_secure(registers, offset, operand)) {
    return TlbMaintenance{{SecurityState::kNonSecure, std::nullopt}, *std::move(what)};
  }
  if (security != SecurityState::kSecure) return std::nullopt;
  if (auto what = of_secure(offset, operand)) {
    return TlbMaintenance{{SecurityState::kSecure, std::nullopt}, *std::move(what)};
  }
  return std::nullopt;
}

TlbInvalidations broadcast_maintenance(const RegistersV2& registers,
                                       const BroadcastInvalidation& what) {
  using Stages = BroadcastInvalidation::Stages;
  const SMMU_sCR0 cr0 = registers.global(what.security).cr0;
  if (cr0[SMMU_sCR0::PTM]) return {};
  std::optional<TlbInvalidation::Range> range;
  if (what.address) {
    const std::uint64_t page = *what.address >> kPageBits & mask(43, 0);
    range = range_of(virtual_address(page, kProcessorSign),
                     what.last_level ? Levels2::kLast : Levels2::kAll);
  }
  const bool secure = what.security == SecurityState::kSecure;
  if (what.regime == BroadcastInvalidation::Regime::kEl3) {
    if (!secure) return {};
    return {TlbInvalidation{.world = StreamWorld::kEl3, .range = range}};
  }
  if (what.regime == BroadcastInvalidation::Regime::kEl2) {
    if (secure) return {};
    TlbInvalidations both = of_hypervisor(range);
    both[1].asid = what.asid;
    if (what.asid && is_private(registers, both[1].world, std::nullopt, *what.asid)) {
      both.pop_back();
    }
    return both;
  }
  // VMIDPNE: those of this SMMU are its own.
  if (what.vmid && cr0[SMMU_sCR0::VMIDPNE]) return {};
  const StreamWorld world = secure ? StreamWorld::kSecure : StreamWorld::kNsEl1;
  const std::optional<Vmid> vmid = secure ? Vmid(0) : what.vmid;
  if (what.asid && is_private(registers, world, vmid, *what.asid)) return {};
  TlbInvalidation result{.world = world, .vmid = vmid, .asid = what.asid, .range = range};
  if (what.stages == Stages::kStage2) result.input = Input::kIntermediate;
  if (what.stages == Stages::kBoth) result.input = std::nullopt;
  return {result};
}

}  // namespace smmu::emulator
