#include "emulator/v2/global_space.h"

#include <algorithm>

#include "emulator/v2/kept_bits.h"
#include "emulator/v2/stream_mapping.h"
#include "emulator/v2/tlb_maintenance.h"

namespace smmu::emulator {

using v2::kNonSecureAliases;
using v2::SMMU_CBA2Rn;
using v2::SMMU_CBARn;
using v2::SMMU_CBFRSYNRAn;
using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::SMMU_IDR4;
using v2::SMMU_IDR7;
using v2::SMMU_PIDR4;
using v2::SMMU_S2CRn;
using v2::SMMU_S2CRn_Translation;
using v2::SMMU_sACR;
using v2::SMMU_sCR0;
using v2::SMMU_SCR1;
using v2::SMMU_sCR2;
using v2::SMMU_sGATS12PW;
using v2::SMMU_sGATS1UR;
using v2::SMMU_sGATSR;
using v2::SMMU_sGFAR;
using v2::SMMU_sGFSR;
using v2::SMMU_sGFSRRESTORE;
using v2::SMMU_sGFSYNR0;
using v2::SMMU_sGFSYNR1;
using v2::SMMU_sGFSYNR2;
using v2::SMMU_sGPAR_Long;
using v2::SMMU_SMRn;
using v2::SMMU_sTLBGSTATUS;
using v2::SMMU_sTLBGSYNC;
using v2::SMMU_STLBIVALM;
using v2::SMMU_TLBIVAH64;

namespace {

constexpr std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
constexpr std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }

// A register of a half that holds one of several alike, or none.
template <class R>
std::optional<std::uint32_t> number_of(std::uint32_t offset, std::uint32_t count) {
  if (offset < R::offset(0) || offset >= R::offset(count)) return std::nullopt;
  return (offset - R::offset(0)) / 4;
}

constexpr std::uint32_t kFirstInvalidation = 0x060;
constexpr std::uint32_t kFirstWide = SMMU_STLBIVALM::kOffset;
constexpr std::uint32_t kLastInvalidation = SMMU_TLBIVAH64::kOffset + 4;
constexpr std::uint32_t kFirstTranslation = SMMU_sGATS1UR::kOffset;
constexpr std::uint32_t kLastTranslation = SMMU_sGATS12PW::kOffset + 4;

bool is_translation(std::uint32_t offset) {
  return offset >= kFirstTranslation && offset <= kLastTranslation;
}
// Whose addresses have 64 bits.
bool is_wide_invalidation(std::uint32_t offset) {
  const std::uint32_t first = offset & ~7U;
  return first == SMMU_STLBIVALM::kOffset || first == v2::SMMU_STLBIVAM::kOffset ||
         first == v2::SMMU_TLBIVALH64::kOffset || first == SMMU_TLBIVAH64::kOffset;
}
bool is_invalidation(std::uint32_t offset) {
  return offset >= kFirstInvalidation && offset <= kLastInvalidation;
}

std::uint64_t& operand_of(GlobalRegisters& global, std::uint32_t offset) {
  if (is_translation(offset)) return global.operations.words[(offset - kFirstTranslation) / 8];
  return global.invalidations.words[(offset - kFirstWide) / 8];
}

}  // namespace

bool GlobalSpace::is_operation(std::uint32_t offset) {
  return is_translation(offset) || is_translation(offset - kNonSecureAliases) ||
         is_wide_invalidation(offset);
}

GlobalSpace::Copy GlobalSpace::copy_of(SecurityState security, std::uint32_t offset) const {
  const bool alias = offset >= kNonSecureAliases && offset < 2 * kNonSecureAliases;
  if (!alias) return {security, offset};
  const bool reaches = registers_.features.secure ? security == SecurityState::kSecure
                                                  : config_.aliases_without_security ==
                                                        SmmuV2Config::NonSecureAliases::kSame;
  return {SecurityState::kNonSecure, reaches ? offset - kNonSecureAliases : offset};
}

std::optional<std::uint32_t> GlobalSpace::identification(SecurityState security,
                                                         std::uint32_t offset) const {
  const bool limited = registers_.features.secure && security == SecurityState::kNonSecure;
  if (offset >= SMMU_PIDR4::kOffset) {
    return config_.id_block[(offset - SMMU_PIDR4::kOffset) / 4];
  }
  switch (offset) {
    case SMMU_IDR0::kOffset: {
      SMMU_IDR0 idr0 = config_.idr0;
      if (limited) {
        const auto left = registers_.scr1[SMMU_SCR1::NSNUMIRPTO];
        idr0.set(SMMU_IDR0::SES, false)
            .set(SMMU_IDR0::NUMIRPT, std::min(left, idr0[SMMU_IDR0::NUMIRPT]));
        if (idr0[SMMU_IDR0::SMS]) idr0.set(SMMU_IDR0::NUMSMRG, registers_.non_secure_groups());
      }
      return idr0.raw();
    }
    case SMMU_IDR1::kOffset: {
      SMMU_IDR1 idr1 = config_.idr1;
      if (limited) {
        // Banks of stage 2 are the first ones: Linux refuses more of them than banks.
        const std::uint32_t banks = registers_.non_secure_banks();
        idr1.set(SMMU_IDR1::NUMCB, banks)
            .set(SMMU_IDR1::NUMS2CB, std::min(registers_.features.num_stage2_banks, banks));
      }
      return idr1.raw();
    }
    case SMMU_IDR2::kOffset:
      return config_.idr2.raw();
    case SMMU_IDR4::kOffset:
      return config_.idr4;
    case SMMU_IDR7::kOffset:
      return config_.idr7.raw();
    case v2::SMMU_IDR3::kOffset:
    case v2::SMMU_IDR5::kOffset:
    case v2::SMMU_IDR6::kOffset:
      return 0;
    default:
      return std::nullopt;
  }
}

Access32 GlobalSpace::read32(SecurityState security, std::uint32_t offset,
                             std::uint32_t& value) const {
  value = 0;
  if (const auto word = identification(security, offset)) {
    value = *word;
    return Access32::kDone;
  }
  const FeaturesV2& features = registers_.features;
  if (const auto group = number_of<SMMU_SMRn>(offset, features.num_groups)) {
    if (!features.matches_streams || !registers_.has_group(security, *group)) {
      return Access32::kIllegal;
    }
    value = match_register(registers_, *group);
    return Access32::kDone;
  }
  if (const auto group = number_of<SMMU_S2CRn>(offset, features.num_groups)) {
    if (!registers_.has_group(security, *group)) return Access32::kIllegal;
    value = registers_.s2cr[*group];
    return Access32::kDone;
  }
  if (offset == SMMU_SCR1::kOffset) {
    if (!features.secure || security != SecurityState::kSecure) return Access32::kIllegal;
    value = registers_.scr1.raw();
    return Access32::kDone;
  }
  const Copy copy = copy_of(security, offset);
  const GlobalRegisters& global = registers_.global(copy.security);
  switch (copy.offset) {
    case SMMU_sCR0::kOffset:
      value = global.cr0.raw();
      return Access32::kDone;
    case SMMU_sCR2::kOffset:
      value = global.cr2.raw();
      return Access32::kDone;
    case SMMU_sACR::kOffset:
      value = global.acr.raw();
      return Access32::kDone;
    case SMMU_sGFAR::kOffset:
      value = low(global.gfar);
      return Access32::kDone;
    case SMMU_sGFAR::kOffset + 4:
      value = high(global.gfar);
      return Access32::kDone;
    case SMMU_sGFSR::kOffset:
      value = global.gfsr.raw();
      return Access32::kDone;
    case SMMU_sGFSYNR0::kOffset:
      value = global.gfsynr0.raw();
      return Access32::kDone;
    case SMMU_sGFSYNR1::kOffset:
      value = global.gfsynr1.raw();
      return Access32::kDone;
    case SMMU_sGFSYNR2::kOffset:
      value = global.gfsynr2.raw();
      return Access32::kDone;
    case SMMU_sGPAR_Long::kOffset:
      value = low(global.gpar);
      return Access32::kDone;
    case SMMU_sGPAR_Long::kOffset + 4:
      value = high(global.gpar);
      return Access32::kDone;
    // Write-only.
    case SMMU_sGFSRRESTORE::kOffset:
    case SMMU_sTLBGSYNC::kOffset:
      return Access32::kDone;
    default:
      break;
  }
  if (is_translation(copy.offset)) {
    return features.translates_on_request ? Access32::kDone : Access32::kIllegal;
  }
  const std::uint32_t whole = is_wide_invalidation(offset) ? offset & ~7U : offset;
  if (is_invalidation(offset) && global_maintenance(registers_, security, whole, 0)) {
    return Access32::kDone;
  }
  return Access32::kIllegal;
}

Access32 GlobalSpace::write32(SecurityState security, std::uint32_t offset, std::uint32_t value,
                              RegisterEffects& effects) {
  // Read-only.
  if (identification(security, offset)) return Access32::kDone;
  const FeaturesV2& features = registers_.features;
  if (const auto group = number_of<SMMU_SMRn>(offset, features.num_groups)) {
    if (!features.matches_streams || !registers_.has_group(security, *group)) {
      return Access32::kIllegal;
    }
    // A group keeps what it is given whether or not it is valid.
    registers_.smr[*group] = value;
    effects.contexts = true;
    return Access32::kDone;
  }
  if (const auto group = number_of<SMMU_S2CRn>(offset, features.num_groups)) {
    if (!registers_.has_group(security, *group)) return Access32::kIllegal;
    SMMU_S2CRn_Translation s2cr(low(value & named_bits<SMMU_S2CRn_Translation>()));
    if (!features.idr0[SMMU_IDR0::EXIDS]) s2cr.set(SMMU_S2CRn_Translation::EXIDVALID, false);
    registers_.s2cr[*group] = s2cr.raw();
    effects.contexts = true;
    return Access32::kDone;
  }
  if (offset == SMMU_SCR1::kOffset) {
    if (!features.secure || security != SecurityState::kSecure) return Access32::kIllegal;
    registers_.scr1 = SMMU_SCR1(low(value & named_bits<SMMU_SCR1>()));
    effects.contexts = effects.lines = effects.monitors = true;
    return Access32::kDone;
  }
  const Copy copy = copy_of(security, offset);
  if (write_copy(copy.security, copy.offset, value, effects)) return Access32::kDone;
  if (copy.offset == SMMU_sTLBGSTATUS::kOffset || copy.offset == SMMU_sGATSR::kOffset) {
    return Access32::kDone;
  }
  return write_operation(copy, security, offset, value, effects);
}

bool GlobalSpace::write_copy(SecurityState of, std::uint32_t offset, std::uint32_t value,
                             RegisterEffects& effects) {
  GlobalRegisters& global = registers_.global(of);
  const auto change_status = [&](std::uint32_t status) {
    global.gfsr = SMMU_sGFSR(status);
    if (of == SecurityState::kNonSecure) global.gfsr.set(SMMU_sGFSR::PF, false);
    effects.lines = true;
  };
  constexpr std::uint64_t kStatus = named_bits<SMMU_sGFSR>();
  switch (offset) {
    case SMMU_sCR0::kOffset:
      write_cr0(of, value, effects);
      return true;
    case SMMU_sCR2::kOffset: {
      // There is neither compressed indexing nor an extension of the groups.
      const std::uint32_t vmid = registers_.features.idr2[SMMU_IDR2::VMID16S] ? 0xffff : 0xff;
      global.cr2 = SMMU_sCR2(value & vmid);
      return true;
    }
    case SMMU_sACR::kOffset:
      global.acr = kept_acr(config_, of, value);
      return true;
    case SMMU_sGFAR::kOffset:
      global.gfar = std::uint64_t{high(global.gfar)} << 32 | value;
      return true;
    case SMMU_sGFAR::kOffset + 4:
      global.gfar = kept_gfar(registers_.features, std::uint64_t{value} << 32 | low(global.gfar));
      return true;
    case SMMU_sGFSR::kOffset:
      change_status(low(global.gfsr.raw() & ~(value & kStatus)));
      return true;
    case SMMU_sGFSRRESTORE::kOffset:
      change_status(low(global.gfsr.raw() | (value & kStatus)));
      return true;
    case SMMU_sGFSYNR0::kOffset:
      global.gfsynr0 = kept_gfsynr0(config_, of, value);
      return true;
    case SMMU_sGFSYNR1::kOffset:
      global.gfsynr1 = kept_gfsynr1(of, value);
      return true;
    case SMMU_sGFSYNR2::kOffset:
      global.gfsynr2 = SMMU_sGFSYNR2(value);
      return true;
    case SMMU_sGPAR_Long::kOffset:
      global.gpar = std::uint64_t{high(global.gpar)} << 32 | value;
      return true;
    case SMMU_sGPAR_Long::kOffset + 4:
      global.gpar = std::uint64_t{value} << 32 | low(global.gpar);
      return true;
    default:
      return false;
  }
}

void GlobalSpace::write_cr0(SecurityState of, std::uint32_t value, RegisterEffects& effects) {
  const SMMU_sCR0 cr0 = kept_cr0(registers_.features, config_, of, value);
  registers_.global(of).cr0 = cr0;
  effects.contexts = effects.gates = effects.lines = true;
  if (!cr0[SMMU_sCR0::GSE]) effects.actions.emplace_back(NothingToWaitFor{std::nullopt});
}

// See BankSpace::write_operation(): all addresses have 64 bits here.
Access32 GlobalSpace::write_operation(Copy copy, SecurityState security, std::uint32_t offset,
                                      std::uint32_t value, RegisterEffects& effects) {
  const bool wide = is_translation(copy.offset) || is_wide_invalidation(offset);
  if (!wide) return begin(copy, security, offset, value, effects);
  const std::uint32_t at = is_translation(copy.offset) ? copy.offset : offset;
  std::uint64_t& operand = operand_of(registers_.global(copy.security), at);
  operand = offset % 8 == 0 ? std::uint64_t{high(operand)} << 32 | value
                            : std::uint64_t{value} << 32 | low(operand);
  copy.offset &= ~7U;
  return begin(copy, security, offset & ~7U, operand, effects);
}

Access32 GlobalSpace::write64(SecurityState security, std::uint32_t offset, std::uint64_t value,
                              RegisterEffects& effects) {
  const Copy copy = copy_of(security, offset);
  const std::uint32_t at = is_translation(copy.offset) ? copy.offset : offset;
  if (!is_translation(at) && !is_wide_invalidation(at)) return Access32::kIllegal;
  operand_of(registers_.global(copy.security), at) = value;
  return begin(copy, security, offset, value, effects);
}

Access32 GlobalSpace::begin(Copy copy, SecurityState security, std::uint32_t offset,
                            std::uint64_t operand, RegisterEffects& effects) {
  if (copy.offset == SMMU_sTLBGSYNC::kOffset) {
    registers_.global(copy.security).synchronization.busy_reads = config_.busy_reads;
    effects.actions.emplace_back(TlbSynchronization{{copy.security, std::nullopt}});
    return Access32::kDone;
  }
  if (is_translation(copy.offset)) {
    if (!registers_.features.translates_on_request) return Access32::kIllegal;
    registers_.global(copy.security).operation.busy_reads = config_.busy_reads;
    const std::uint32_t which = (copy.offset - kFirstTranslation) / 8;  // UR, UW, PR, PW
    effects.actions.emplace_back(TranslationRequestV2{
        .asker = {copy.security, std::nullopt},
        .bank = SMMU_sGATS1UR(operand)[SMMU_sGATS1UR::NDX],
        .both_stages = which >= 4,
        .privilege = which % 4 >= 2 ? Privilege::kPrivileged : Privilege::kUnprivileged,
        .direction = which % 2 == 0 ? Direction::kRead : Direction::kWrite,
        .address = SMMU_sGATS1UR(operand)[SMMU_sGATS1UR::ADDR]});
    return Access32::kDone;
  }
  if (!is_invalidation(offset)) return Access32::kIllegal;
  auto maintenance = global_maintenance(registers_, security, offset, operand);
  if (!maintenance) return Access32::kIllegal;
  effects.actions.emplace_back(*std::move(maintenance));
  return Access32::kDone;
}

Access32 GlobalSpace::read32_of_banks(SecurityState security, std::uint32_t offset,
                                      std::uint32_t& value) const {
  value = 0;
  const std::uint32_t count = registers_.features.num_banks;
  const auto cbar = number_of<SMMU_CBARn>(offset, count);
  const auto syndrome = number_of<SMMU_CBFRSYNRAn>(offset, count);
  const auto cba2r = number_of<SMMU_CBA2Rn>(offset, count);
  const auto bank = cbar ? cbar : syndrome ? syndrome : cba2r;
  if (!bank || !registers_.has_bank(security, *bank)) return Access32::kIllegal;
  const BankRegisters& registers = registers_.banks[*bank];
  if (cbar) value = registers.cbar.raw();
  if (syndrome) value = registers.cbfrsynra.raw();
  if (cba2r) value = registers.cba2r.raw();
  return Access32::kDone;
}

Access32 GlobalSpace::write32_of_banks(SecurityState security, std::uint32_t offset,
                                       std::uint32_t value, RegisterEffects& effects) {
  const std::uint32_t count = registers_.features.num_banks;
  const auto cbar = number_of<SMMU_CBARn>(offset, count);
  const auto syndrome = number_of<SMMU_CBFRSYNRAn>(offset, count);
  const auto cba2r = number_of<SMMU_CBA2Rn>(offset, count);
  const auto bank = cbar ? cbar : syndrome ? syndrome : cba2r;
  if (!bank || !registers_.has_bank(security, *bank)) return Access32::kIllegal;
  if (cbar) banks_.write_cbar(*bank, value, effects);
  if (cba2r) banks_.write_cba2r(*bank, value, effects);
  if (syndrome) {
    SMMU_CBFRSYNRAn& register_ = registers_.banks[*bank].cbfrsynra;
    const auto ssd_index = register_[SMMU_CBFRSYNRAn::SSD_Index];
    register_ = SMMU_CBFRSYNRAn(value);
    if (security == SecurityState::kNonSecure) register_.set(SMMU_CBFRSYNRAn::SSD_Index, 0);
    // There it is read-only.
    if (config_.mmu_500) register_.set(SMMU_CBFRSYNRAn::SSD_Index, ssd_index);
  }
  return Access32::kDone;
}

}  // namespace smmu::emulator
