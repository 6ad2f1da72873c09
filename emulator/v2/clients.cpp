#include "emulator/v2/clients.h"

#include <algorithm>
#include <variant>

#include "emulator/v2/attribute_overrides.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/v2/stream_mapping.h"

namespace smmu::emulator {

using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_sCR0;
using v2::SMMU_SCR1;
using v2::SMMU_sGFSR;

namespace {

template <class F>
constexpr std::uint32_t bit(F) {
  return static_cast<std::uint32_t>(F::kMask);
}

GlobalFault global_fault_of(MappingFault fault) {
  switch (fault) {
    case MappingFault::kInvalidContext:
      return {.status = bit(SMMU_sGFSR::ICF)};
    case MappingFault::kInvalidNestedContext:
      return {.status = bit(SMMU_sGFSR::ICF), .nested = true};
    case MappingFault::kUnidentifiedStream:
      return {.status = bit(SMMU_sGFSR::USF)};
    case MappingFault::kStreamMatchConflict:
      return {.status = bit(SMMU_sGFSR::SMCF)};
    case MappingFault::kUnimplementedBank:
      return {.status = bit(SMMU_sGFSR::UCBF)};
    case MappingFault::kUnimplementedNestedBank:
      return {.status = bit(SMMU_sGFSR::UCBF), .nested = true};
    case MappingFault::kUnderFault:
    case MappingFault::kUnderStall:
      break;  // are none
  }
  return {.status = 0};
}

}  // namespace

Clients::Clients(SharedRegisters& shared, SecurityState security, const PhysicalSpaces& spaces,
                 ClientSupervisor& supervisor, Observer* observer)
    : shared_(shared),
      security_(security),
      spaces_(spaces),
      supervisor_(supervisor),
      observer_(observer),
      tcu_(spaces, security, *this, shared.config.caching, shared.features.output_bits,
           Tcu::Conflicts::kPossible, observer),
      walker_(spaces),
      held_(shared.config.most_stalled, security, tcu_, spaces, *this, observer) {
  update_gate();
}

Port& Clients::add_port(StallClient* client, Port* secure) {
  if (client == nullptr) {
    Tbu& port = *ports_.emplace_back(
        std::make_unique<Tbu>(tcu_, static_cast<TransactionSupervisor&>(*this), spaces_, awaited_));
    if (secure != nullptr) port.pass_secure_to(*secure);
    return port;
  }
  StallingPort& port = *stalling_ports_.emplace_back(
      std::make_unique<StallingPort>(held_, static_cast<TransactionSupervisor&>(*this), *client));
  Tbu& tbu = *ports_.emplace_back(
      std::make_unique<Tbu>(tcu_, static_cast<TransactionSupervisor&>(port), spaces_, awaited_));
  port.pass_through(tbu, secure);
  return port;
}

void Clients::update_gate() {
  SMMU_sCR0 cr0;
  {
    const std::lock_guard lock(shared_.mutex);
    cr0 = shared_.registers.global(security_).cr0;
  }
  if (!cr0[SMMU_sCR0::CLIENTPD]) return tcu_.set_gate(Tcu::Gate::kTranslate);
  const Overrides overrides = overrides_of(cr0, security_);
  const bool any = overrides.any() || security_ == SecurityState::kSecure;
  tcu_.set_gate(any ? Tcu::Gate::kOverride : Tcu::Gate::kBypass, overrides);
}

ConfigurationSource::Resolution Clients::resolve(StreamId stream, std::optional<SubstreamId>,
                                                 Reading now) {
  const std::lock_guard lock(shared_.mutex);
  return {context_of_stream(shared_.registers, shared_.config.conflict, security_, stream),
          now.stamp, true};
}

bool Clients::sound(const Context& context) const {
  const auto known = [&](ContextBanks banks) {
    const auto there = [&](std::uint8_t bank) {
      return bank == ContextBanks::kNone || bank < shared_.features.num_banks;
    };
    return there(banks.stage1) && there(banks.stage2);
  };
  if (!known(context.banks)) return false;
  const auto* mapping = std::get_if<ConfigurationFault>(&context.fault);
  // Faults of translations are no context's here.
  if (mapping == nullptr || !known(mapping->banks)) return false;
  const auto code = static_cast<MappingFault>(mapping->code);
  const bool waits = code == MappingFault::kUnderFault || code == MappingFault::kUnderStall;
  return code <= MappingFault::kUnderStall &&
         (!waits || mapping->banks.stage1 != ContextBanks::kNone);
}

Culprit Clients::culprit_of(const Transaction& transaction) const {
  return {implemented(shared_.registers, security_, transaction.stream), transaction.ssd_index};
}

void Clients::end(const Transaction& transaction, const Fault& fault, Outcome& outcome) {
  tell(judge(transaction, fault, Device::kCannotWait, outcome, {}));
}

FaultJudge::Judgement Clients::judge(const Transaction& transaction, const Fault& fault,
                                     Device device, Outcome& outcome, const Wait& wait) {
  const bool secure_fetch = is_secure_fetch(transaction, fault);
  Verdict verdict;
  {
    const std::lock_guard lock(shared_.mutex);
    verdict =
        secure_fetch ? secure_fetch_verdict(transaction) : verdict_of(transaction, fault, device);
    if (const auto hold = verdict.hold) {
      verdict.judgement.waits = true;
      wait(*hold);
      if (verdict.over) held_.release(hold->bank);
    }
  }
  outcome = Terminated{verdict.response};
  return verdict.judgement;
}

void Clients::tell(const Judgement& judgement) {
  if (judgement.noted) supervisor_.on_fault_recorded(judgement.contexts);
  if (observer_ != nullptr && judgement.recorded) [[unlikely]]
    observer_->on_fault(*judgement.recorded);
}

Clients::Verdict Clients::verdict_of(const Transaction& transaction, const Fault& fault,
                                     Device device) {
  if (const auto* mapping = std::get_if<ConfigurationFault>(&fault)) {
    return mapping_verdict(transaction, *mapping, device);
  }
  if (const auto* translation = std::get_if<TranslationFault>(&fault)) {
    return translation_verdict(transaction, *translation, device);
  }
  // With CLIENTPD 1, an address that does not exist: nobody is told.
  if (std::holds_alternative<ConfiguredAbort>(fault)) return {};
  return unsupported_verdict(transaction);
}

Clients::Verdict Clients::mapping_verdict(const Transaction& transaction,
                                          const ConfigurationFault& fault, Device device) {
  const auto code = static_cast<MappingFault>(fault.code);
  if (code != MappingFault::kUnderFault && code != MappingFault::kUnderStall) {
    return global_verdict(security_, transaction, global_fault_of(code));
  }
  const std::uint8_t index = fault.banks.stage1;
  BankRegisters& bank = shared_.registers.banks[index];
  Verdict verdict;
  if (code == MappingFault::kUnderStall ? device == Device::kCanWait : may_stall(index, device)) {
    verdict.hold = Hold{.bank = index, .own_fault = false};
    verdict.over = code == MappingFault::kUnderStall ? !bank.fsr[SMMU_CBn_FSR::SS]
                                                     : !has_outstanding_fault(bank);
    return verdict;
  }
  if (!bank.sctlr[SMMU_CBn_SCTLR::CFRE]) verdict.response = Response::kRazWi;
  if (shared_.config.hit_under_fault_is_multiple) {
    bank.fsr.set(SMMU_CBn_FSR::MULTI, true);
    verdict.judgement.noted = true;
  }
  return verdict;
}

Clients::Verdict Clients::translation_verdict(const Transaction& transaction,
                                              const TranslationFault& fault, Device device) {
  RegistersV2& registers = shared_.registers;
  const WalkFault& walk = fault.walk;
  if (walk.type == FaultType::kInvalidContext) {
    return global_verdict(security_, transaction, {.status = bit(SMMU_sGFSR::ICF)});
  }
  if (walk.type == FaultType::kExternalAbort && shared_.features.secure &&
      registers.scr1[SMMU_SCR1::GEFRO]) {
    return global_verdict(SecurityState::kSecure, transaction, {.status = bit(SMMU_sGFSR::EF)});
  }
  const bool at_stage2 = walk.stage == Stage::k2 || fault.banks.stage1 == ContextBanks::kNone;
  const std::uint8_t bank = at_stage2 ? fault.banks.stage2 : fault.banks.stage1;
  // What bypasses the banks has none to tell of an address that does not exist.
  if (bank == ContextBanks::kNone) return {};
  const bool first = record(registers, bank, transaction, fault, culprit_of(transaction));
  return bank_verdict(bank, first, status_of(walk.type), transaction, device);
}

Clients::Verdict Clients::unsupported_verdict(const Transaction& transaction) {
  RegistersV2& registers = shared_.registers;
  if (!registers.global(security_).cr0[SMMU_sCR0::CLIENTPD]) {
    const ContextBanks banks =
        banks_of_stream(registers, shared_.config.conflict, security_, transaction.stream);
    const std::uint8_t bank = banks.stage1 != ContextBanks::kNone ? banks.stage1 : banks.stage2;
    if (bank != ContextBanks::kNone) {
      const bool first = record_unsupported(registers, bank, transaction, culprit_of(transaction));
      return bank_verdict(bank, first, bit(SMMU_CBn_FSR::UUT), transaction, Device::kCannotWait);
    }
  }
  return global_verdict(security_, transaction, {.status = bit(SMMU_sGFSR::UUT)});
}

Clients::Verdict Clients::global_verdict(SecurityState into, const Transaction& transaction,
                                         GlobalFault fault) {
  RegistersV2& registers = shared_.registers;
  const bool first = record(registers, into, transaction, fault, culprit_of(transaction));
  Verdict verdict;
  if (!registers.global(into).cr0[SMMU_sCR0::GFRE]) verdict.response = Response::kRazWi;
  verdict.judgement.noted = true;
  verdict.judgement.recorded = FaultRecorded{.security = into,
                                             .bank = std::nullopt,
                                             .status = fault.status,
                                             .stream = culprit_of(transaction).stream,
                                             .address = transaction.address,
                                             .multiple = !first};
  return verdict;
}

Clients::Verdict Clients::bank_verdict(std::uint8_t index, bool first, std::uint32_t status,
                                       const Transaction& transaction, Device device) {
  BankRegisters& bank = shared_.registers.banks[index];
  Verdict verdict;
  verdict.judgement.noted = true;
  verdict.judgement.recorded = FaultRecorded{.security = security_,
                                             .bank = index,
                                             .status = status,
                                             .stream = culprit_of(transaction).stream,
                                             .address = transaction.address,
                                             .multiple = !first};
  const bool stalls = may_stall(index, device);
  if (stalls) {
    bank.fsr.set(SMMU_CBn_FSR::SS, true);
    verdict.hold = Hold{.bank = index, .own_fault = true};
  }
  if (!bank.sctlr[SMMU_CBn_SCTLR::CFRE]) verdict.response = Response::kRazWi;
  // Others may have to wait now.
  const bool everybody = stalls && shared_.registers.global(security_).cr0[SMMU_sCR0::GSE];
  verdict.judgement.contexts = !bank.sctlr[SMMU_CBn_SCTLR::HUPCF] || everybody;
  return verdict;
}

bool Clients::may_stall(std::uint8_t bank, Device device) const {
  const RegistersV2& registers = shared_.registers;
  return device == Device::kCanWait && registers.banks[bank].sctlr[SMMU_CBn_SCTLR::CFCFG] &&
         !registers.global(security_).cr0[SMMU_sCR0::STALLD];
}

bool Clients::is_secure_fetch(const Transaction& transaction, const Fault& fault) {
  const auto* translation = std::get_if<TranslationFault>(&fault);
  const bool may_be = security_ == SecurityState::kSecure && translation != nullptr &&
                      translation->walk.type == FaultType::kPermission &&
                      transaction.content == Content::kInstruction &&
                      transaction.direction == Direction::kRead;
  if (!may_be) return false;
  Context context;
  {
    const std::lock_guard lock(shared_.mutex);
    if (!shared_.registers.scr1[SMMU_SCR1::SIF]) return false;
    // What bypasses is refused for nothing else.
    if (translation->banks.stage1 == ContextBanks::kNone) return true;
    context = context_of_bank(shared_.registers, security_, translation->banks.stage1);
  }
  if (context.action != Context::Action::kTranslate) return true;
  // Whether it would be permitted otherwise.
  context.regime.secure_fetches_only = false;
  const auto address = Walker::canonical(context.regime, transaction.address);
  if (!address || !context.regime.stage1.half[address->half].enabled) return false;
  Leaf leaf;
  const Access access{.privilege = transaction.privilege,
                      .direction = transaction.direction,
                      .content = transaction.content,
                      .updates = Updates::kAssumed,
                      .space = transaction.space};
  return !walker_.walk(context.regime, *address, access, leaf) &&
         access.allowed_by(leaf.permissions);
}

Clients::Verdict Clients::secure_fetch_verdict(const Transaction& transaction) {
  return global_verdict(SecurityState::kSecure, transaction, {.status = bit(SMMU_sGFSR::PF)});
}

bool Clients::quiet() {
  return std::ranges::all_of(ports_, [](const auto& port) { return port->in_flight().idle(); }) &&
         held_.quiet();
}

}  // namespace smmu::emulator
