#include "emulator/v2/bank_space.h"

#include "emulator/v2/kept_bits.h"
#include "emulator/v2/stage1_of_bank.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/v2/tlb_maintenance.h"
#include "smmu/arch/v2/mmu_500.h"

namespace smmu::emulator {

using v2::SMMU_CBn_ACTLR;
using v2::SMMU_CBn_ATS1PR;
using v2::SMMU_CBn_ATS1UW;
using v2::SMMU_CBn_CONTEXTIDR_Long;
using v2::SMMU_CBn_FAR;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_FSRRESTORE;
using v2::SMMU_CBn_FSYNR0;
using v2::SMMU_CBn_FSYNR1;
using v2::SMMU_CBn_IPAFAR;
using v2::SMMU_CBn_MAIR0;
using v2::SMMU_CBn_MAIR1;
using v2::SMMU_CBn_PAR_Long;
using v2::SMMU_CBn_RESUME;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_CBn_TCR_AArch64;
using v2::SMMU_CBn_TLBIALL;
using v2::SMMU_CBn_TLBIASID;
using v2::SMMU_CBn_TLBIIPAS2L;
using v2::SMMU_CBn_TLBIVA_AArch64;
using v2::SMMU_CBn_TLBSYNC;
using v2::SMMU_CBn_TTBR0_AArch64;
using v2::SMMU_CBn_TTBR1_AArch64;
using v2::SMMU_sACR_MMU500;

namespace {

constexpr std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
constexpr std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }

// Replaces the half of a register of 64 bits that `offset` names.
template <class R>
bool replace_half(std::uint64_t& word, std::uint32_t offset, std::uint32_t value) {
  if (offset == R::kOffset) {
    word = std::uint64_t{high(word)} << 32 | value;
    return true;
  }
  if (offset == R::kOffset + 4) {
    word = std::uint64_t{value} << 32 | low(word);
    return true;
  }
  return false;
}
template <class R>
bool read_half(std::uint64_t word, std::uint32_t offset, std::uint32_t& value) {
  if (offset == R::kOffset) {
    value = low(word);
    return true;
  }
  if (offset == R::kOffset + 4) {
    value = high(word);
    return true;
  }
  return false;
}

constexpr std::uint32_t kFirstInvalidation = SMMU_CBn_TLBIVA_AArch64::kOffset;
constexpr std::uint32_t kLastInvalidation = SMMU_CBn_TLBIIPAS2L::kOffset + 4;
constexpr std::uint32_t kFirstTranslation = SMMU_CBn_ATS1PR::kOffset;
constexpr std::uint32_t kLastTranslation = SMMU_CBn_ATS1UW::kOffset + 4;

// TLBIASID and TLBIALL have 32 bits: beside them there is nothing.
bool is_invalidation(std::uint32_t offset) {
  return offset >= kFirstInvalidation && offset <= kLastInvalidation &&
         offset != SMMU_CBn_TLBIASID::kOffset + 4 && offset != SMMU_CBn_TLBIALL::kOffset + 4;
}
bool is_translation(std::uint32_t offset) {
  return offset >= kFirstTranslation && offset <= kLastTranslation;
}

// Both halves of the operand that `offset` is one of.
std::uint64_t& operand_of(BankRegisters& bank, std::uint32_t offset) {
  if (is_translation(offset)) return bank.operations.words[(offset - kFirstTranslation) / 8];
  return bank.invalidations.words[(offset - kFirstInvalidation) / 8];
}

}  // namespace

bool BankSpace::is_operation(std::uint32_t offset) const {
  return is_invalidation(offset) ||
         (is_translation(offset) && registers_.features.translates_on_request);
}

Access32 BankSpace::read32(std::uint32_t index, std::uint32_t offset, std::uint32_t& value) const {
  const BankRegisters& bank = registers_.banks[index];
  value = 0;
  switch (offset) {
    case SMMU_CBn_SCTLR::kOffset:
      value = bank.sctlr.raw();
      return Access32::kDone;
    case SMMU_CBn_ACTLR::kOffset:
      value = bank.actlr.raw();
      return Access32::kDone;
    case SMMU_CBn_TCR2::kOffset:
      value = bank.tcr2.raw();
      return Access32::kDone;
    case SMMU_CBn_TCR_AArch64::kOffset:
      value = bank.tcr;
      return Access32::kDone;
    case SMMU_CBn_CONTEXTIDR_Long::kOffset:
      value = bank.contextidr;
      return Access32::kDone;
    case SMMU_CBn_MAIR0::kOffset:
      value = bank.mair0;
      return Access32::kDone;
    case SMMU_CBn_MAIR1::kOffset:
      value = bank.mair1;
      return Access32::kDone;
    case SMMU_CBn_FSR::kOffset:
      value = bank.fsr.raw();
      return Access32::kDone;
    case SMMU_CBn_FSYNR0::kOffset:
      value = bank.fsynr0.raw();
      return Access32::kDone;
    case SMMU_CBn_FSYNR1::kOffset:
      value = bank.fsynr1.raw();
      return Access32::kDone;
    // Write-only.
    case SMMU_CBn_RESUME::kOffset:
    case SMMU_CBn_FSRRESTORE::kOffset:
    case SMMU_CBn_TLBSYNC::kOffset:
      return Access32::kDone;
    default:
      break;
  }
  if (is_operation(offset)) return Access32::kDone;
  const bool found = read_half<SMMU_CBn_TTBR0_AArch64>(bank.ttbr0, offset, value) ||
                     read_half<SMMU_CBn_TTBR1_AArch64>(bank.ttbr1, offset, value) ||
                     read_half<SMMU_CBn_PAR_Long>(bank.par, offset, value) ||
                     read_half<SMMU_CBn_FAR>(bank.far, offset, value) ||
                     read_half<SMMU_CBn_IPAFAR>(bank.ipafar, offset, value);
  return found ? Access32::kDone : Access32::kIllegal;
}

Access32 BankSpace::write32(std::uint32_t index, std::uint32_t offset, std::uint32_t value,
                            RegisterEffects& effects) {
  BankRegisters& bank = registers_.banks[index];
  if (write_control(bank, offset, value, effects) || write_tables(bank, offset, value, effects) ||
      write_fault(index, offset, value, effects)) {
    return Access32::kDone;
  }
  if (offset == SMMU_CBn_RESUME::kOffset) {
    effects.actions.emplace_back(Resumption{index, SMMU_CBn_RESUME(value)[SMMU_CBn_RESUME::TnR]});
    return Access32::kDone;
  }
  if (offset == SMMU_CBn_TLBSYNC::kOffset) {
    bank.synchronization.busy_reads = config_.busy_reads;
    effects.actions.emplace_back(TlbSynchronization{{registers_.owner_of_bank(index), index}});
    return Access32::kDone;
  }
  if (is_operation(offset)) {
    write_operation(index, offset, value, effects);
    return Access32::kDone;
  }
  return Access32::kIllegal;
}

bool BankSpace::write_control(BankRegisters& bank, std::uint32_t offset, std::uint32_t value,
                              RegisterEffects& effects) {
  switch (offset) {
    case SMMU_CBn_SCTLR::kOffset:
      bank.sctlr = kept_sctlr(config_, value);
      effects.contexts = effects.lines = true;
      if (bank.sctlr[SMMU_CBn_SCTLR::HUPCF]) {
        effects.actions.emplace_back(
            NothingToWaitFor{static_cast<std::uint32_t>(&bank - registers_.banks.data())});
      }
      return true;
    case SMMU_CBn_ACTLR::kOffset: {
      const auto index = static_cast<std::uint32_t>(&bank - registers_.banks.data());
      const SMMU_sACR_MMU500 acr(registers_.global(registers_.owner_of_bank(index)).acr.raw());
      const bool locked = config_.mmu_500 && acr[SMMU_sACR_MMU500::CACHE_LOCK];
      if (!locked) bank.actlr = kept_actlr(config_, value);
      return true;
    }
    case SMMU_CBn_TCR2::kOffset:
      bank.tcr2 = kept_tcr2(config_, value);
      effects.contexts = true;
      return true;
    default:
      return false;
  }
}

bool BankSpace::write_tables(BankRegisters& bank, std::uint32_t offset, std::uint32_t value,
                             RegisterEffects& effects) {
  switch (offset) {
    case SMMU_CBn_TCR_AArch64::kOffset:
      bank.tcr = value;
      break;
    case SMMU_CBn_CONTEXTIDR_Long::kOffset:
      bank.contextidr = value;
      break;
    case SMMU_CBn_MAIR0::kOffset:
      bank.mair0 = value;
      break;
    case SMMU_CBn_MAIR1::kOffset:
      bank.mair1 = value;
      break;
    default:
      if (!replace_half<SMMU_CBn_TTBR0_AArch64>(bank.ttbr0, offset, value) &&
          !replace_half<SMMU_CBn_TTBR1_AArch64>(bank.ttbr1, offset, value)) {
        return false;
      }
  }
  effects.contexts = true;
  return true;
}

bool BankSpace::write_fault(std::uint32_t index, std::uint32_t offset, std::uint32_t value,
                            RegisterEffects& effects) {
  BankRegisters& bank = registers_.banks[index];
  constexpr std::uint64_t kStatus = named_bits<SMMU_CBn_FSRRESTORE>();
  const auto change_status = [&](std::uint32_t status) {
    const bool before = has_outstanding_fault(bank);
    bank.fsr = SMMU_CBn_FSR(status);
    constexpr BitsOf<SMMU_CBn_FSR, 8, 1> kFaults{"TF to UUT"};
    if (bank.fsr[kFaults] == 0) bank.fsr.set(SMMU_CBn_FSR::FORMAT, {});
    effects.lines = true;
    const bool after = has_outstanding_fault(bank);
    if (after != before) effects.contexts = true;
    if (before && !after) effects.actions.emplace_back(NothingToWaitFor{index});
  };
  switch (offset) {
    case SMMU_CBn_FSR::kOffset:
      // SS goes by SMMU_CBn_RESUME alone.
      change_status(low(bank.fsr.raw() & ~(value & kStatus)));
      return true;
    case SMMU_CBn_FSRRESTORE::kOffset:
      change_status(low(bank.fsr.raw() | (value & kStatus)));
      return true;
    case SMMU_CBn_FSYNR0::kOffset:
      bank.fsynr0 = kept_fsynr0(config_, value);
      return true;
    case SMMU_CBn_FSYNR1::kOffset:
      bank.fsynr1 = SMMU_CBn_FSYNR1(value);
      return true;
    default:
      return replace_half<SMMU_CBn_FAR>(bank.far, offset, value) ||
             replace_half<SMMU_CBn_IPAFAR>(bank.ipafar, offset, value) ||
             replace_half<SMMU_CBn_PAR_Long>(bank.par, offset, value);
  }
}

// An operand of 64 bits is written as one, or by halves in either order: each half
// begins the operation, with what the other one was last.  Banks of AArch32 have
// operands of 32 bits.
void BankSpace::write_operation(std::uint32_t index, std::uint32_t offset, std::uint32_t value,
                                RegisterEffects& effects) {
  BankRegisters& bank = registers_.banks[index];
  const bool wide = format_of(registers_.features, bank) == v2::TranslationFormat::kAArch64;
  std::uint64_t& operand = operand_of(bank, offset);
  if (offset % 8 != 0) {
    operand = std::uint64_t{value} << 32 | low(operand);
    if (!wide) return;
  } else {
    operand = std::uint64_t{wide ? high(operand) : 0} << 32 | value;
  }
  begin(index, offset & ~7U, operand, effects);
}

void BankSpace::write64(std::uint32_t index, std::uint32_t offset, std::uint64_t value,
                        RegisterEffects& effects) {
  BankRegisters& bank = registers_.banks[index];
  operand_of(bank, offset) = value;
  const bool wide = format_of(registers_.features, bank) == v2::TranslationFormat::kAArch64;
  begin(index, offset, wide ? value : low(value), effects);
}

void BankSpace::begin(std::uint32_t index, std::uint32_t offset, std::uint64_t operand,
                      RegisterEffects& effects) {
  if (is_invalidation(offset)) {
    effects.actions.emplace_back(bank_maintenance(registers_, index, offset, operand));
    return;
  }
  BankRegisters& bank = registers_.banks[index];
  // Stage 1 alone has these.
  if (bank.is_stage2()) return;
  bank.operation.busy_reads = config_.busy_reads;
  const std::uint32_t which = (offset - kFirstTranslation) / 8;  // PR, PW, UR, UW
  effects.actions.emplace_back(TranslationRequestV2{
      .asker = {registers_.owner_of_bank(index), index},
      .bank = index,
      .both_stages = false,
      .privilege = which < 2 ? Privilege::kPrivileged : Privilege::kUnprivileged,
      .direction = which % 2 == 0 ? Direction::kRead : Direction::kWrite,
      .address = SMMU_CBn_ATS1PR(operand)[SMMU_CBn_ATS1PR::ADDR]});
}

void BankSpace::write_cbar(std::uint32_t index, std::uint32_t value, RegisterEffects& effects) {
  registers_.banks[index].cbar = kept_cbar(registers_.features, index, value);
  effects.contexts = true;
}

void BankSpace::write_cba2r(std::uint32_t index, std::uint32_t value, RegisterEffects& effects) {
  registers_.banks[index].cba2r =
      kept_cba2r(registers_.features, registers_.owner_of_bank(index), value);
  effects.contexts = true;
}

}  // namespace smmu::emulator
