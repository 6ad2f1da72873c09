#include "emulator/v3/translation_operations.h"

#include "emulator/tcu/attribution.h"
#include "emulator/walk/attributes.h"
#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using v3::EventType;
using v3::SMMU_CR0ACK;
using v3::SMMU_CR2;
using v3::SMMU_IDR0;
using v3::SMMU_S_CR0ACK;
using v3::SMMU_S_GATOS_PAR;
using v3::SMMU_S_GATOS_PAR_Fault;
using v3::STE;
using v3::SteConfig;
using v3::TranslationFaultReason;
using v3::TranslationOperationError;
using v3::TranslationType;

namespace {

constexpr unsigned kLog2Page = 12;

bool asks_for_stage1(TranslationType type) {
  return type == TranslationType::kStage1 || type == TranslationType::kBothStages;
}
bool asks_for_stage2(TranslationType type) {
  return type == TranslationType::kStage2 || type == TranslationType::kBothStages;
}
bool has_stage1(const STE& ste) {
  return ste[STE::Config] == SteConfig::kS1Translate || ste[STE::Config] == SteConfig::kNested;
}
bool has_stage2(const STE& ste) {
  return ste[STE::Config] == SteConfig::kS2Translate || ste[STE::Config] == SteConfig::kNested;
}

SMMU_S_GATOS_PAR_Fault failed(std::uint8_t code) {
  return SMMU_S_GATOS_PAR_Fault()
      .set(SMMU_S_GATOS_PAR_Fault::FAULT, true)
      .set(SMMU_S_GATOS_PAR_Fault::FAULTCODE, code);
}
std::uint64_t failed(TranslationOperationError error) {
  return failed(static_cast<std::uint8_t>(error)).raw();
}

// 9.1.4: about stage 2 alone, stage 1 is the reason of nothing but of an
// address that it cannot pass on.
std::uint64_t failed(TranslationType type, const ConfigurationFault& fault) {
  SMMU_S_GATOS_PAR_Fault par = failed(fault.code);
  if (type == TranslationType::kStage2) {
    par.set(SMMU_S_GATOS_PAR_Fault::REASON, TranslationFaultReason::kIn);
  }
  return par.raw();
}

EventType event_of(FaultType type) {
  switch (type) {
    case FaultType::kTranslation:
      return EventType::F_TRANSLATION;
    case FaultType::kAddressSize:
      return EventType::F_ADDR_SIZE;
    case FaultType::kAccessFlag:
      return EventType::F_ACCESS;
    case FaultType::kDomain:  // no format of SMMUv3 has domains
    case FaultType::kPermission:
      return EventType::F_PERMISSION;
    case FaultType::kExternalAbort:
      return EventType::F_WALK_EABT;
    case FaultType::kInvalidContext:  // of an SMMUv2 alone
    case FaultType::kTlbConflict:
      return EventType::F_TLB_CONFLICT;
  }
  return EventType::F_TRANSLATION;
}

TranslationFaultReason reason_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kContext:
      return TranslationFaultReason::kCd;
    case Purpose::kTable:
      return TranslationFaultReason::kTt;
    case Purpose::kInput:
      break;
  }
  return TranslationFaultReason::kIn;
}

// Of stage 1, where no table translates the address.
WalkFault no_table(const Stage1Half& half) {
  return {.type = FaultType::kTranslation,
          .stage = Stage::k1,
          .level = half.tables.no_level,
          .purpose = Purpose::kInput,
          .table_write = false,
          .ipa = {},
          .descriptor = {}};
}

}  // namespace

bool TranslationOperations::perform() {
  return perform(operations_) || (secure_operations_ != nullptr && perform(*secure_operations_));
}

bool TranslationOperations::perform(OperationRegisters& operations) {
  using Group = OperationRegisters::Group;
  // 9: what the Secure interface asks about Non-secure streams needs either
  // SMMUEN.
  const auto enabled = [&] { return operations.enabled() && operations_.enabled(); };
  for (const Group group : {Group::kGlobal, Group::kVirtual}) {
    const auto request = operations.request(group);
    if (!request || request->of_stream != features_.security) continue;
    in_flight_.begin();
    std::uint64_t par = failed(TranslationOperationError::INTERNAL_ERR);
    if (enabled()) {
      const Attribution attribution(request->stream, features_.security);
      par = result_of(*request);
    }
    // 6.3.37: one that somebody cuts off has no result.
    if (!enabled()) par = failed(TranslationOperationError::INTERNAL_ERR);
    operations.finish(*request, par);
    in_flight_.end();
    return true;
  }
  return false;
}

void TranslationOperations::abandon() {
  operations_.finish_all(failed(TranslationOperationError::INTERNAL_ERR));
}

// 9.1.3
bool TranslationOperations::valid(const Request& request) const {
  const auto type = request.type;
  if (!asks_for_stage1(type) && !asks_for_stage2(type)) return false;
  if (request.vmid && type != TranslationType::kStage1) return false;
  if (asks_for_stage1(type) && !features_.idr0[SMMU_IDR0::S1P]) return false;
  // A Secure stream without a Secure EL2 has none: INV_STAGE, once it is known.
  if (asks_for_stage2(type) && !features_.smmu_has_stage2) return false;
  return type != TranslationType::kStage2 || !request.substream;
}

// 9.1.6.  5.2, S2VMID: that of a Secure stream is 0 without stage 2.
bool TranslationOperations::is_of_vmid(const STE& ste, StreamWorld world, Vmid vmid) const {
  if (!(has_stage1(ste) || has_stage2(ste)) || world != features_.el1()) return false;
  const bool named = has_stage2(ste) || features_.security == SecurityState::kNonSecure;
  return vmid.value == (named ? ste[STE::S2VMID] : 0);
}

bool TranslationOperations::secure_fetches_only() const {
  return features_.security == SecurityState::kSecure &&
         SMMU_S_CR0ACK(registers_.get<SMMU_CR0ACK>().raw())[SMMU_S_CR0ACK::SIF];
}

// In the order of 9.1.5.
std::uint64_t TranslationOperations::result_of(const Request& request) {
  if (!valid(request)) return failed(TranslationOperationError::INV_REQ);
  const auto type = request.type;

  Origin origin;
  const Tcu::Generation generation = tcu_.generation();
  Reading reading{tcu_.stamp(), generation, origin};
  const auto found = streams_.find(request.stream, reading);
  if (const auto* fault = std::get_if<ConfigurationFault>(&found.ste)) return failed(type, *fault);
  const auto& ste = std::get<STE>(found.ste);
  const StreamWorld world = world_of(features_, ste, registers_.get<SMMU_CR2>()[SMMU_CR2::E2H]);
  if (request.vmid && !is_of_vmid(ste, world, *request.vmid)) {
    return failed(static_cast<std::uint8_t>(EventType::C_BAD_STE)).raw();
  }
  const bool wanting =
      (asks_for_stage1(type) && !has_stage1(ste)) || (asks_for_stage2(type) && !has_stage2(ste));
  if (wanting) return failed(TranslationOperationError::INV_STAGE);
  return translated(request, ste, world, reading);
}

std::uint64_t TranslationOperations::translated(const Request& request, STE ste, StreamWorld world,
                                                Reading reading) {
  // Nothing of stage 1 bears on a question about stage 2.
  if (request.type == TranslationType::kStage2) ste.set(STE::Config, SteConfig::kS2Translate);
  const Context context = contexts_
                              .resolve(ste, world, secure_fetches_only(), request.stream,
                                       request.substream, reading, request.access.updates)
                              .context;
  if (context.action == Context::Action::kFault) {
    if (const auto* fault = std::get_if<ConfigurationFault>(&context.fault)) {
      return failed(request.type, *fault);
    }
    return fault(request, std::get<TranslationFault>(context.fault).walk);
  }
  return translated_in(context, request);
}

std::uint64_t TranslationOperations::translated_in(const Context& context,
                                                   const Request& request) const {
  const bool by_stage1 = context.action == Context::Action::kTranslate && context.regime.has_stage1;
  if (request.type == TranslationType::kStage1 && !by_stage1) return bypassed(context, request);

  // 6.3.57, SIF: where no table of stage 1 says the address space, the question
  // does.
  const bool non_secure_fetch = request.access.content == Content::kInstruction &&
                                request.access.space == SecurityState::kNonSecure;
  if (request.type == TranslationType::kBothStages && !by_stage1 &&
      context.regime.secure_fetches_only && non_secure_fetch) {
    return failed(static_cast<std::uint8_t>(EventType::F_PERMISSION)).raw();
  }
  Leaf leaf;
  if (const auto why_not = walk(context, request, leaf)) return fault(request, *why_not);
  // 6.3.40: stage 2 alone says nothing of hints.
  const MemoryAttributes memory =
      by_stage1 ? leaf.attributes : combine(MemoryAttributes{}, leaf.stage2_memory);
  return success(request, leaf.output.value, leaf.size_bits, memory, leaf.space);
}

// 9.1.3: S1DSS lets pass what has no SubstreamID, to the address space of the
// stream.  3.4: IAS limits it.
std::uint64_t TranslationOperations::bypassed(const Context& context,
                                              const Request& request) const {
  const unsigned bits = context.regime.bypass_bits;
  const std::uint64_t address = request.address.value;
  if (bits < 64 && (address >> bits) != 0) {
    return failed(static_cast<std::uint8_t>(EventType::F_ADDR_SIZE)).raw();
  }
  unsigned size_bits = granule_bits(Granule::k4K);
  if (!features_.has(Granule::k4K)) {
    size_bits = granule_bits(features_.has(Granule::k16K) ? Granule::k16K : Granule::k64K);
  }
  return success(request, address, size_bits, MemoryAttributes{}, features_.security);
}

std::optional<WalkFault> TranslationOperations::walk(const Context& context, const Request& request,
                                                     Leaf& leaf) const {
  const Regime& regime = context.regime;
  const Access& access = request.access;
  const auto address = Walker::canonical(regime, request.address);
  if (!address) return no_table(regime.stage1.half[0]);
  if (!regime.has_stage1) return walker_.walk(regime, *address, access, leaf);

  const Stage1Half& half = regime.stage1.half[address->half];
  const bool denied = half.unprivileged_denied && access.privilege == Privilege::kUnprivileged;
  if (!half.enabled || denied) return no_table(half);
  const bool both = request.type == TranslationType::kBothStages;
  if (auto fault = both ? walker_.walk(regime, *address, access, leaf)
                        : walker_.walk_stage1(regime, *address, access, leaf)) {
    return fault;
  }
  if (access.allowed_by(leaf.permissions)) return std::nullopt;
  return WalkFault{.type = FaultType::kPermission,
                   .stage = Stage::k1,
                   .level = leaf.level,
                   .purpose = Purpose::kInput,
                   .table_write = false,
                   .ipa = {},
                   .descriptor = {}};
}

std::uint64_t TranslationOperations::success(const Request& request, std::uint64_t address,
                                             unsigned size_bits, MemoryAttributes memory,
                                             SecurityState space) const {
  // 6.3.40: the lowest bit that is set says how large it is.
  std::uint64_t field = address & ~mask(size_bits - 1, 0);
  if (size_bits > kLog2Page) field |= std::uint64_t{1} << (size_bits - 1);
  const bool secure = request.asker == SecurityState::kSecure;
  return SMMU_S_GATOS_PAR()
      .set(SMMU_S_GATOS_PAR::SH, memory.shareability)
      .set(SMMU_S_GATOS_PAR::NS, secure && space == SecurityState::kNonSecure)
      .set(SMMU_S_GATOS_PAR::Size, size_bits > kLog2Page)
      .set(SMMU_S_GATOS_PAR::ADDR, field & mask(features_.output_bits - 1, 0))
      .set(SMMU_S_GATOS_PAR::ATTR, memory.type)
      .raw();
}

// The table of 9.1.4.
std::uint64_t TranslationOperations::fault(const Request& request, const WalkFault& walk) const {
  const EventType event = event_of(walk.type);
  if (walk.stage == Stage::k1) return failed(static_cast<std::uint8_t>(event)).raw();
  if (request.type == TranslationType::kStage1) {
    // Whoever asks about stage 1 is told nothing of stage 2.
    const bool of_context = walk.purpose == Purpose::kContext;
    const EventType abort = of_context ? EventType::F_CD_FETCH : EventType::F_WALK_EABT;
    return failed(static_cast<std::uint8_t>(abort)).raw();
  }
  SMMU_S_GATOS_PAR_Fault par = failed(static_cast<std::uint8_t>(event));
  par.set(SMMU_S_GATOS_PAR_Fault::REASON, reason_of(walk.purpose));
  if (request.type == TranslationType::kBothStages && walk.type != FaultType::kExternalAbort) {
    const std::uint64_t page = walk.ipa.value & ~mask(kLog2Page - 1, 0);
    const bool non_secure = walk.ipa_space == SecurityState::kNonSecure;
    par.set(SMMU_S_GATOS_PAR_Fault::FADDR, page & mask(features_.output_bits - 1, 0))
        .set(SMMU_S_GATOS_PAR_Fault::NSIPA,
             non_secure && request.of_stream == SecurityState::kSecure);
  }
  return par.raw();
}

}  // namespace smmu::emulator
