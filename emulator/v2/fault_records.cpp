#include "emulator/v2/fault_records.h"

#include <algorithm>

#include "emulator/v2/kept_bits.h"
#include "emulator/v2/stage1_of_bank.h"

namespace smmu::emulator {

using v2::SMMU_CBFRSYNRAn;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_FSYNR0;
using v2::SMMU_sGFSR;
using v2::SMMU_sGFSYNR0;
using v2::SMMU_sGFSYNR1;

namespace {

template <class F>
constexpr std::uint32_t bit(F) {
  return static_cast<std::uint32_t>(F::kMask);
}

// All of SMMU_CBn_FSR that a fault sets, and of SMMU_sGFSR.
constexpr std::uint64_t kContextStatus = mask(8, 1);
constexpr std::uint64_t kGlobalStatus = mask(8, 0);

// Notes the status; false: there is one already.
bool note(BankRegisters& bank, std::uint32_t status, v2::TranslationFormat format) {
  if ((bank.fsr.raw() & kContextStatus) != 0) {
    bank.fsr.set(SMMU_CBn_FSR::MULTI, true);
    return false;
  }
  bank.fsr = SMMU_CBn_FSR(bank.fsr.raw() | status).set(SMMU_CBn_FSR::FORMAT, format);
  return true;
}

bool is_instruction(const Transaction& transaction) {
  return transaction.content == Content::kInstruction && transaction.direction == Direction::kRead;
}

// What does not depend on where tables are.
SMMU_CBn_FSYNR0 syndrome_of(const Transaction& transaction, SecurityState security) {
  const bool non_secure =
      security == SecurityState::kSecure && transaction.space == SecurityState::kNonSecure;
  return SMMU_CBn_FSYNR0()
      .set(SMMU_CBn_FSYNR0::WNR, transaction.direction == Direction::kWrite)
      .set(SMMU_CBn_FSYNR0::PNU, transaction.privilege == Privilege::kPrivileged)
      .set(SMMU_CBn_FSYNR0::IND, is_instruction(transaction))
      .set(SMMU_CBn_FSYNR0::NSATTR, non_secure);
}

void name(BankRegisters& bank, Culprit culprit, SecurityState security) {
  bank.cbfrsynra = SMMU_CBFRSYNRAn()
                       .set(SMMU_CBFRSYNRAn::StreamID, culprit.stream.value & 0xffff)
                       .set(SMMU_CBFRSYNRAn::SSD_Index,
                            security == SecurityState::kSecure ? culprit.ssd_index : 0);
}

}  // namespace

std::uint32_t status_of(FaultType type) {
  switch (type) {
    case FaultType::kTranslation:
      return bit(SMMU_CBn_FSR::TF);
    case FaultType::kAddressSize:
      return bit(SMMU_CBn_FSR::ASF);
    case FaultType::kAccessFlag:
      return bit(SMMU_CBn_FSR::AFF);
    case FaultType::kDomain:
    case FaultType::kPermission:
      return bit(SMMU_CBn_FSR::PF);
    case FaultType::kExternalAbort:
      return bit(SMMU_CBn_FSR::EF);
    case FaultType::kTlbConflict:
      return bit(SMMU_CBn_FSR::TLBMCF);
    case FaultType::kInvalidContext:  // is a global one
      break;
  }
  return 0;
}

bool record(RegistersV2& registers, std::uint32_t index, const Transaction& transaction,
            const TranslationFault& fault, Culprit culprit) {
  BankRegisters& bank = registers.banks[index];
  const WalkFault& walk = fault.walk;
  if (!note(bank, status_of(walk.type), format_of(registers.features, bank))) return false;

  const SecurityState security = registers.owner_of_bank(index);
  const bool nested = walk.stage == Stage::k2 && fault.banks.stage1 != ContextBanks::kNone;
  bank.far = transaction.address.value;
  bank.fsynr0 = syndrome_of(transaction, security)
                    .set(SMMU_CBn_FSYNR0::PLVL, static_cast<unsigned>(std::max<int>(walk.level, 0)))
                    .set(SMMU_CBn_FSYNR0::PTWF, walk.type == FaultType::kExternalAbort)
                    .set(SMMU_CBn_FSYNR0::NESTED, nested)
                    .set(SMMU_CBn_FSYNR0::S1PTWF, nested && walk.purpose == Purpose::kTable)
                    .set(SMMU_CBn_FSYNR0::S1CBNDX, nested ? fault.banks.stage1 : 0);
  if (walk.stage == Stage::k2) bank.ipafar = walk.ipa.value;
  name(bank, culprit, security);
  return true;
}

bool record_unsupported(RegistersV2& registers, std::uint32_t index, const Transaction& transaction,
                        Culprit culprit) {
  BankRegisters& bank = registers.banks[index];
  if (!note(bank, bit(SMMU_CBn_FSR::UUT), format_of(registers.features, bank))) return false;
  const SecurityState security = registers.owner_of_bank(index);
  bank.far = transaction.address.value;
  bank.fsynr0 = syndrome_of(transaction, security);
  name(bank, culprit, security);
  return true;
}

bool record(RegistersV2& registers, SecurityState security, const Transaction& transaction,
            GlobalFault fault, Culprit culprit) {
  GlobalRegisters& global = registers.global(security);
  if ((global.gfsr.raw() & kGlobalStatus) != 0) {
    global.gfsr.set(SMMU_sGFSR::MULTI, true);
    return false;
  }
  global.gfsr = SMMU_sGFSR(global.gfsr.raw() | fault.status);
  const bool secure = security == SecurityState::kSecure;
  const bool non_secure_device = transaction.security == SecurityState::kNonSecure;
  const bool non_secure_access = transaction.space == SecurityState::kNonSecure;
  global.gfar = kept_gfar(registers.features, transaction.address.value);
  global.gfsynr0 = SMMU_sGFSYNR0()
                       .set(SMMU_sGFSYNR0::NESTED, fault.nested && !secure)
                       .set(SMMU_sGFSYNR0::WNR, transaction.direction == Direction::kWrite)
                       .set(SMMU_sGFSYNR0::PNU, transaction.privilege == Privilege::kPrivileged)
                       .set(SMMU_sGFSYNR0::IND, is_instruction(transaction))
                       .set(SMMU_sGFSYNR0::NSSTATE, secure && non_secure_device)
                       .set(SMMU_sGFSYNR0::NSATTR, secure && non_secure_access);
  global.gfsynr1 = SMMU_sGFSYNR1()
                       .set(SMMU_sGFSYNR1::StreamID, culprit.stream.value & 0xffff)
                       .set(SMMU_sGFSYNR1::SSD_Index, secure ? culprit.ssd_index : 0);
  return true;
}

bool record_access(RegistersV2& registers, SecurityState into, SecurityState accessor,
                   std::uint32_t offset, Direction direction) {
  const Transaction access{.stream = StreamId(0),
                           .address = Iova(offset),
                           .direction = direction,
                           .privilege = Privilege::kPrivileged,
                           .security = accessor,
                           .space = accessor};
  return record(registers, into, access, {.status = bit(SMMU_sGFSR::CAF)}, {});
}

}  // namespace smmu::emulator
