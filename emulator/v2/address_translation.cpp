#include "emulator/v2/address_translation.h"

#include <algorithm>

#include "emulator/tcu/attribution.h"
#include "emulator/v2/fault_records.h"
#include "emulator/v2/stage1_of_bank.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/walk/attributes.h"

namespace smmu::emulator {

using v2::ContextType;
using v2::SMMU_CBARn;
using v2::SMMU_CBn_FSR;
using v2::SMMU_sGPAR_Fault;
using v2::SMMU_sGPAR_Long;
using v2::SMMU_sGPAR_Short;
using v2::TranslationFormat;

namespace {

// SMMU_CBn_PAR has the same layouts.

std::uint64_t invalid_context(TranslationFormat format) {
  return SMMU_sGPAR_Fault()
      .set(SMMU_sGPAR_Fault::F, true)
      .set(SMMU_sGPAR_Fault::FORMAT, format)
      .set(SMMU_sGPAR_Fault::ICF, true)
      .raw();
}

std::uint64_t failed(const WalkFault& walk, TranslationFormat format) {
  if (walk.type == FaultType::kInvalidContext) return invalid_context(format);
  // TF to ASF are where they are in SMMU_CBn_FSR.
  constexpr std::uint64_t kStatus = mask(7, 1);
  return SMMU_sGPAR_Fault(status_of(walk.type) & kStatus)
      .set(SMMU_sGPAR_Fault::F, true)
      .set(SMMU_sGPAR_Fault::FORMAT, format)
      .set(SMMU_sGPAR_Fault::PLVL, static_cast<unsigned>(std::max<int>(walk.level, 0)))
      .set(SMMU_sGPAR_Fault::STAGE, walk.stage == Stage::k2)
      .raw();
}

// DDI 0487, PAR: the cacheability of a nibble of MAIR, by two bits.
unsigned outer_code(unsigned nibble) {
  if ((nibble & 0b1100) == 0b0100 && (nibble & 0b0011) == 0) return 0b00;  // not cacheable
  const bool write_back = (nibble & 0b0100) != 0;
  if (!write_back) return 0b10;
  return (nibble & 0b0001) != 0 ? 0b01 : 0b11;  // allocates on writes, or not
}
// And by three.
unsigned inner_code(MemoryAttributes memory) {
  if (memory.type == MemoryAttributes::kDevice_nGnRnE) return 0b001;
  if (memory.is_device()) return 0b011;
  const unsigned code = outer_code(memory.type & 0xfU);
  return code == 0 ? 0b000 : 0b100 | code;
}

std::uint64_t short_success(const Leaf& leaf, std::uint64_t address, MemoryAttributes memory,
                            bool non_secure) {
  constexpr unsigned kSupersection = 24;
  const bool shareable = memory.shareability != Shareability::kNonShareable;
  const bool supersection = leaf.size_bits == kSupersection;
  // Of a supersection, bits [39:32] are where [23:16] would be.
  std::uint64_t field = address & mask(31, 12);
  if (supersection) field = (address & mask(31, 24)) | (address >> 16 & mask(23, 16));
  return SMMU_sGPAR_Short()
      .set(SMMU_sGPAR_Short::SS, supersection)
      .set(SMMU_sGPAR_Short::Outer, memory.is_device() ? 0 : outer_code(memory.type >> 4U))
      .set(SMMU_sGPAR_Short::Inner, inner_code(memory))
      .set(SMMU_sGPAR_Short::SH, shareable)
      .set(SMMU_sGPAR_Short::NS, non_secure)
      .set(SMMU_sGPAR_Short::NOS, memory.shareability == Shareability::kInner)
      .set(SMMU_sGPAR_Short::PA, field)
      .raw();
}

std::uint64_t long_success(std::uint64_t address, MemoryAttributes memory, bool non_secure) {
  return SMMU_sGPAR_Long()
      .set(SMMU_sGPAR_Long::SH, memory.shareability)
      .set(SMMU_sGPAR_Long::NS, non_secure)
      .set(SMMU_sGPAR_Long::PA, address & mask(47, 12))
      .set(SMMU_sGPAR_Long::MATTR, memory.type)
      .raw();
}

WalkFault stage1_fault_of(FaultType type, int level) {
  return {.type = type,
          .stage = Stage::k1,
          .level = static_cast<std::int8_t>(level),
          .purpose = Purpose::kInput,
          .table_write = false,
          .ipa = {},
          .descriptor = {}};
}

}  // namespace

std::uint64_t AddressTranslation::result_of(const TranslationRequestV2& request) const {
  Context context;
  TranslationFormat format{};
  bool stage2_alone = false;
  {
    const std::lock_guard lock(shared_.mutex);
    const RegistersV2& registers = shared_.registers;
    if (!registers.has_bank(request.asker.security, request.bank)) {
      return invalid_context(TranslationFormat::kAArch32Short);
    }
    const BankRegisters& bank = registers.banks[request.bank];
    format = format_of(shared_.features, bank);
    stage2_alone = bank.is_stage2();
    context = context_of_bank(registers, registers.owner_of_bank(request.bank), request.bank);
  }
  const bool wanting = stage2_alone && !request.both_stages;
  if (wanting || context.action == Context::Action::kFault) return invalid_context(format);

  const Regime& regime = context.regime;
  const Access access{.privilege = request.privilege,
                      .direction = request.direction,
                      .content = Content::kData,
                      .updates = Updates::kAssumed,
                      .space = regime.security};
  Leaf leaf;
  leaf.space = context.overrides.space.value_or(regime.security);
  std::uint64_t address = request.address;
  MemoryAttributes memory = context.overrides.applied_to(MemoryAttributes{});
  const bool walks =
      context.action == Context::Action::kTranslate && (request.both_stages || regime.has_stage1);
  if (walks) {
    const auto canonical = Walker::canonical(regime, Iova(request.address));
    const Stage1Half& half = regime.stage1.half[canonical ? canonical->half : 0];
    if (!canonical || (regime.has_stage1 && !half.enabled)) {
      const auto type = canonical ? fault_of(half.tables.refusal) : FaultType::kTranslation;
      return failed(stage1_fault_of(type, half.tables.no_level), format);
    }
    const Attribution attribution(StreamId(0), regime.security);
    const auto fault = request.both_stages ? walker_.walk(regime, *canonical, access, leaf)
                                           : walker_.walk_stage1(regime, *canonical, access, leaf);
    if (fault) return failed(*fault, format);
    if (!access.allowed_by(leaf.permissions)) {
      return failed(stage1_fault_of(FaultType::kPermission, leaf.level), format);
    }
    address = leaf.output.value | (canonical->value & mask(leaf.size_bits - 1U, 0));
    memory = regime.has_stage1 ? leaf.attributes : combine(memory, leaf.stage2_memory);
  } else if ((address >> shared_.features.output_bits) != 0) {
    return failed(stage1_fault_of(FaultType::kAddressSize, 0), format);
  }
  const bool non_secure =
      regime.security == SecurityState::kSecure && leaf.space == SecurityState::kNonSecure;
  // What comes out of stage 2 may have more than 32 bits.
  const bool out_of_stage2 = request.both_stages && regime.has_stage2;
  return format == TranslationFormat::kAArch32Short && !out_of_stage2
             ? short_success(leaf, address, memory, non_secure)
             : long_success(address, memory, non_secure);
}

}  // namespace smmu::emulator
