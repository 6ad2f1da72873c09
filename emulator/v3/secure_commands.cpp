#include "emulator/v3/secure_commands.h"

namespace smmu::emulator {

using v3::CMD_CFGI_STE;
using v3::CommandHeader;
using v3::Opcode;

namespace {

// The field is at the same place in every command that has one.
constexpr auto kSSec = CMD_CFGI_STE::SSec;

CommandOutcome perform_in(const CommandScope& scope, CommandWords words) {
  return perform(words, scope.features, scope.registers, scope.tcu);
}

// Of whoever else invalidates there nothing is known here, nor of how far their
// queues are: what is to be invalidated is so at once.
CommandOutcome perform_outside(const CommandScope& non_secure, CommandWords words) {
  const CommandOutcome outcome = perform_in(non_secure, words);
  non_secure.tcu.synchronize_all();
  return outcome;
}

// The command that does to one Security state what `words` does to the other.
CommandWords renamed(CommandWords words, Opcode opcode) {
  words[0] = (words[0] & ~CommandHeader::Opcode.kMask) | static_cast<std::uint64_t>(opcode);
  return words;
}

// 4.4.2.11 to 4.4.2.14, 4.4.3.3, 4.4.3.4, 4.4.4.2: where there is a Secure EL2.
CommandOutcome perform_of_sel2(const CommandScope& secure, CommandWords words, Opcode counterpart) {
  if (!secure.features.idr0[v3::SMMU_IDR0::Hyp]) return CommandOutcome::kIllegal;
  return perform_in(secure, renamed(words, counterpart));
}

}  // namespace

const CommandScope& scope_of(CommandWords words, const CommandScope& secure,
                             const CommandScope& non_secure) {
  return CMD_CFGI_STE(words)[kSSec] ? secure : non_secure;
}

CommandOutcome perform_secure(CommandWords words, const CommandScope& secure,
                              const CommandScope& non_secure) {
  switch (CommandHeader::Opcode.decode(words[0])) {
    case Opcode::CMD_PREFETCH_CONFIG:
    case Opcode::CMD_PREFETCH_ADDR:
    case Opcode::CMD_CFGI_STE:
    case Opcode::CMD_CFGI_STE_RANGE:
    case Opcode::CMD_CFGI_CD:
    case Opcode::CMD_CFGI_CD_ALL: {
      const CommandWords of_scope = CMD_CFGI_STE(words).set(kSSec, false).words();
      if (CMD_CFGI_STE(words)[kSSec]) return perform_in(secure, of_scope);
      return perform_outside(non_secure, of_scope);
    }

    // 4.7.1, 4.7.2: they are there if the queue's own Security state can stall.
    case Opcode::CMD_RESUME:
    case Opcode::CMD_STALL_TERM:
      return perform_in(secure, CMD_CFGI_STE(words).set(kSSec, false).words());

    case Opcode::CMD_TLBI_NH_ALL:
    case Opcode::CMD_TLBI_NH_ASID:
    case Opcode::CMD_TLBI_NH_VA:
    case Opcode::CMD_TLBI_NH_VAA:
    case Opcode::CMD_TLBI_EL3_ALL:
    case Opcode::CMD_TLBI_EL3_VA:
    case Opcode::CMD_ATC_INV:   // of Non-secure streams, but S_CR0.SMMUEN
    case Opcode::CMD_PRI_RESP:  // decides whether they are sent
    case Opcode::CMD_SYNC:
      return perform_in(secure, words);

    case Opcode::CMD_TLBI_EL2_ALL:
    case Opcode::CMD_TLBI_EL2_ASID:
    case Opcode::CMD_TLBI_EL2_VA:
    case Opcode::CMD_TLBI_EL2_VAA:
    case Opcode::CMD_TLBI_NSNH_ALL:
    case Opcode::CMD_TLBI_S12_VMALL:
    case Opcode::CMD_TLBI_S2_IPA:
      return perform_outside(non_secure, words);

    case Opcode::CMD_TLBI_S_EL2_ALL:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_EL2_ALL);
    case Opcode::CMD_TLBI_S_EL2_ASID:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_EL2_ASID);
    case Opcode::CMD_TLBI_S_EL2_VA:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_EL2_VA);
    case Opcode::CMD_TLBI_S_EL2_VAA:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_EL2_VAA);
    case Opcode::CMD_TLBI_SNH_ALL:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_NSNH_ALL);
    case Opcode::CMD_TLBI_S_S12_VMALL:
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_S12_VMALL);
    case Opcode::CMD_TLBI_S_S2_IPA:
      // NS says nothing: no copies are kept that it would tell apart.
      return perform_of_sel2(secure, words, Opcode::CMD_TLBI_S2_IPA);

    default:
      return CommandOutcome::kIllegal;  // of features that Secure streams do not have
  }
}

}  // namespace smmu::emulator
