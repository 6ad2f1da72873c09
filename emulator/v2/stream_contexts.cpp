#include "emulator/v2/stream_contexts.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "emulator/v2/attribute_overrides.h"
#include "emulator/v2/stage1_of_bank.h"
#include "emulator/v2/stage2_of_bank.h"
#include "emulator/v2/stream_mapping.h"

namespace smmu::emulator {

using v2::ContextType;
using v2::PrivilegeConfig;
using v2::SMMU_CBARn;
using v2::SMMU_CBARn_Nested;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_SCTLR_Stage2;
using v2::SMMU_IDR0;
using v2::SMMU_IDR2;
using v2::SMMU_S2CRn;
using v2::SMMU_S2CRn_Bypass;
using v2::SMMU_S2CRn_Translation;
using v2::SMMU_sCR0;
using v2::SMMU_SCR1;
using v2::StreamType;

namespace {

Context failed(MappingFault fault, ContextBanks banks = {}) {
  Context context;
  context.action = Context::Action::kFault;
  context.ats = AtsGrant::kNone;
  context.banks = banks;
  context.fault = ConfigurationFault{.code = static_cast<std::uint8_t>(fault), .banks = banks};
  return context;
}

// SIF: of Secure streams, whatever becomes of them.
bool fetches_from_secure_memory_only(const RegistersV2& registers, SecurityState security) {
  return security == SecurityState::kSecure && registers.scr1[SMMU_SCR1::SIF];
}

template <class Fields>
Context passing(const RegistersV2& registers, SecurityState security, const Fields& fields) {
  Context context;
  context.action = Context::Action::kBypass;
  context.ats = AtsGrant::kNone;
  context.overrides = overrides_of(fields, security);
  context.regime.secure_fetches_only = fetches_from_secure_memory_only(registers, security);
  return context;
}

// Of a bank of stage 2 that does not translate.  Its MTCFG is where stage 1 has it: the
// layouts of stage 2 that are at hand have MemAttr, and nothing there.
Overrides overrides_of_stage2(const BankRegisters& bank, SecurityState security) {
  Overrides overrides = overrides_of(SMMU_CBn_SCTLR_Stage2(bank.sctlr.raw()), security);
  overrides.mem_attr = overrides_of(bank.sctlr, security).mem_attr;
  return overrides;
}

// What a bank says, and which others with it.
class BankContext {
 public:
  BankContext(const RegistersV2& registers, SecurityState security, std::uint32_t index)
      : registers_(registers),
        features_(registers.features),
        security_(security),
        index_(index),
        bank_(registers.banks[index]) {}

  // `privileged_access_never`: of the stream.
  Context make(bool privileged_access_never) {
    context_.ats = AtsGrant::kNone;
    context_.regime.security = security_;
    context_.regime.secure_fetches_only = fetches_from_secure_memory_only(registers_, security_);
    context_.regime.has_stage1 = false;
    context_.regime.simple = false;
    if (const auto fault = find_stages()) return failed(*fault, context_.banks);

    const bool stage1 = has_stage1_ && bank_.sctlr[SMMU_CBn_SCTLR::M];
    const bool stage2 =
        refuses_stage2_ || (stage2_ != nullptr && stage2_->sctlr[SMMU_CBn_SCTLR::M]);
    if (has_stage1_ && !stage1) context_.overrides = overrides_of(bank_.sctlr, security_);
    // Each stage that is off says what memory it wants, the second after the first.
    Overrides stage2_off;
    if (stage2_ != nullptr && !stage2) stage2_off = overrides_of_stage2(*stage2_, security_);
    if (!stage1) context_.overrides = followed_by(context_.overrides, stage2_off);
    context_.action = stage1 || stage2 ? Context::Action::kTranslate : Context::Action::kBypass;
    name_owner();
    if (stage2) set_stage2();
    if (stage1) {
      set_stage1(features_, bank_, privileged_access_never, context_);
      put_behind(stage2_off, context_.regime.stage1);
    }
    return context_;
  }

 private:
  // None: nothing is wrong with them.
  std::optional<MappingFault> find_stages() {
    const auto index = static_cast<std::uint8_t>(index_);
    const auto type = bank_.cbar[SMMU_CBARn::TYPE];
    const SMMU_IDR0 idr0 = features_.idr0;
    if (type == ContextType::kStage2) {
      context_.banks.stage2 = index;
      stage2_ = &bank_;
      // Secure translations have no stage 2.
      const bool present = idr0[SMMU_IDR0::S2TS] && security_ == SecurityState::kNonSecure;
      return present ? std::nullopt : std::optional(MappingFault::kInvalidContext);
    }
    context_.banks.stage1 = index;
    has_stage1_ = true;
    if (!idr0[SMMU_IDR0::S1TS]) return MappingFault::kInvalidContext;
    if (type == ContextType::kStage1Stage2Fault) refuses_stage2_ = true;
    if (type != ContextType::kNested) return std::nullopt;

    const bool present = idr0[SMMU_IDR0::NTS] && security_ == SecurityState::kNonSecure;
    if (!present) return MappingFault::kInvalidContext;
    const std::uint32_t below = SMMU_CBARn_Nested(bank_.cbar.raw())[SMMU_CBARn_Nested::CBNDX];
    if (!registers_.has_bank(security_, below)) return MappingFault::kUnimplementedNestedBank;
    stage2_ = &registers_.banks[below];
    if (!stage2_->is_stage2()) return MappingFault::kInvalidNestedContext;
    context_.banks.stage2 = static_cast<std::uint8_t>(below);
    return std::nullopt;
  }

  void name_owner() {
    Owner& owner = context_.owner;
    owner.world = StreamWorld::kNsEl1;
    if (has_stage1_) {
      const bool hypervisor_mode =
          features_.idr2[SMMU_IDR2::E2HS] &&
          registers_.global(SecurityState::kNonSecure).cr0[SMMU_sCR0::HYPMODE];
      owner.world = world_of(bank_, security_, hypervisor_mode);
    }
    if (owner.world == StreamWorld::kNsEl1) owner.vmid = registers_.vmid_of(bank_);
    context_.stage2_vmid = stage2_ != nullptr ? registers_.vmid_of(*stage2_) : owner.vmid;
  }

  void set_stage2() {
    Regime& regime = context_.regime;
    regime.has_stage2 = true;
    if (!refuses_stage2_) {
      regime.stage2 = stage2_of(features_, *stage2_);
      return;
    }
    for (Stage2* stage2 : {&regime.stage2, &regime.secure_stage2}) {
      stage2->tables.refusal = Refusal::kInvalidContext;
    }
    // The VMID is nobody's.
    context_.shares_translations = false;
  }

  const RegistersV2& registers_;
  const FeaturesV2& features_;
  const SecurityState security_;
  const std::uint32_t index_;
  const BankRegisters& bank_;
  const BankRegisters* stage2_ = nullptr;
  bool has_stage1_ = false;
  bool refuses_stage2_ = false;
  Context context_;
};

// A bank whose outstanding fault holds up the others: HUPCF.
std::optional<std::uint8_t> held_up_by(const RegistersV2& registers, ContextBanks banks) {
  for (const std::uint8_t index : {banks.stage1, banks.stage2}) {
    if (index == ContextBanks::kNone) continue;
    const BankRegisters& bank = registers.banks[index];
    if (!bank.sctlr[SMMU_CBn_SCTLR::HUPCF] && has_outstanding_fault(bank)) return index;
  }
  return std::nullopt;
}

// A bank that has stalled a transaction, while a stall is everybody's: GSE.
std::optional<std::uint8_t> stalled_bank(const RegistersV2& registers, SecurityState security) {
  if (!registers.global(security).cr0[SMMU_sCR0::GSE]) return std::nullopt;
  for (std::uint32_t i = 0; i != registers.banks.size(); ++i) {
    if (registers.owner_of_bank(i) == security && registers.banks[i].fsr[SMMU_CBn_FSR::SS]) {
      return static_cast<std::uint8_t>(i);
    }
  }
  return std::nullopt;
}

// Whether the faults of banks that others have to heed count.
enum class Outstanding : std::uint8_t { kCounts, kIsIgnored };

Context translated(const RegistersV2& registers, SecurityState security,
                   SMMU_S2CRn_Translation s2cr, Outstanding outstanding) {
  const std::uint32_t index = s2cr[SMMU_S2CRn_Translation::CBNDX];
  const bool own =
      index < registers.features.num_banks && registers.owner_of_bank(index) == security;
  if (!own) return failed(MappingFault::kUnimplementedBank);

  const bool never =
      s2cr[SMMU_S2CRn_Translation::PRIVCFG] == PrivilegeConfig::kPrivilegedAccessNever &&
      registers.features.idr2[SMMU_IDR2::DIPANS];
  Context context = BankContext(registers, security, index).make(never);
  if (outstanding == Outstanding::kCounts) {
    if (const auto bank = held_up_by(registers, context.banks)) {
      return failed(MappingFault::kUnderFault, {.stage1 = *bank});
    }
  }
  if (context.action == Context::Action::kFault) return context;
  context.overrides = followed_by(overrides_of(s2cr, security), context.overrides);
  if (never) {
    context.overrides.privilege = Privilege::kPrivileged;
    // The bank's other streams may do what this may not.
    context.shares_translations = false;
  }
  return context;
}

Context mapped(const RegistersV2& registers, SmmuV2Config::Conflict conflict,
               SecurityState security, StreamId stream, Outstanding outstanding) {
  const SMMU_sCR0 cr0 = registers.global(security).cr0;
  const StreamMatch match = emulator::match(registers, security, stream);
  if (match.count == StreamMatch::Count::kNone) {
    if (cr0[SMMU_sCR0::USFCFG]) return failed(MappingFault::kUnidentifiedStream);
    return passing(registers, security, cr0);
  }
  if (match.count == StreamMatch::Count::kSeveral) {
    if (cr0[SMMU_sCR0::SMCFCFG]) return failed(MappingFault::kStreamMatchConflict);
    if (conflict == SmmuV2Config::Conflict::kBypasses) return passing(registers, security, cr0);
  }
  const SMMU_S2CRn s2cr(registers.s2cr[match.group]);
  switch (s2cr[SMMU_S2CRn::TYPE]) {
    case StreamType::kTranslation:
      return translated(registers, security, SMMU_S2CRn_Translation(s2cr.raw()), outstanding);
    case StreamType::kBypass:
      return passing(registers, security, SMMU_S2CRn_Bypass(s2cr.raw()));
    case StreamType::kFault:
      break;
  }
  // So is what is reserved.
  return failed(MappingFault::kInvalidContext);
}

}  // namespace

bool has_outstanding_fault(const BankRegisters& bank) {
  constexpr BitsOf<SMMU_CBn_FSR, 8, 1> kFaults{"TF to UUT"};
  return bank.fsr[kFaults] != 0 || bank.fsr[SMMU_CBn_FSR::SS];
}

Context context_of_bank(const RegistersV2& registers, SecurityState security, std::uint32_t bank) {
  return BankContext(registers, security, bank).make(false);
}

Context context_of_stream(const RegistersV2& registers, SmmuV2Config::Conflict conflict,
                          SecurityState security, StreamId stream) {
  if (const auto bank = stalled_bank(registers, security)) {
    return failed(MappingFault::kUnderStall, {.stage1 = *bank});
  }
  return mapped(registers, conflict, security, stream, Outstanding::kCounts);
}

ContextBanks banks_of_stream(const RegistersV2& registers, SmmuV2Config::Conflict conflict,
                             SecurityState security, StreamId stream) {
  return mapped(registers, conflict, security, stream, Outstanding::kIsIgnored).banks;
}

}  // namespace smmu::emulator
