#include "emulator/v3/commands.h"

#include <algorithm>
#include <optional>
#include <variant>

namespace smmu::emulator {

using namespace v3;  // every command of chapter 4 is spoken of here

namespace {

// A parameter that exceeds what is implemented (4.1.7): the command has no
// effect.
bool stream_exists(const Features& features, std::uint32_t stream) {
  return std::uint64_t{stream} >> features.stream_bits == 0;
}
bool substream_exists(const Features& features, std::uint32_t substream) {
  return substream >> features.substream_bits == 0;
}

template <class C>
std::optional<SubstreamId> substream_of(const Features& features, const C& command) {
  // 4.2: where there are no substreams, SSV 1 is taken as 0.
  if (!command[C::SSV] || features.substream_bits == 0) return std::nullopt;
  return SubstreamId(command[C::SubstreamID]);
}

// 4.4.1.1: the addresses that a range command names, and which entries for
// them.  Illegal: none; a range that is UNPREDICTABLE: kNothing.
enum class NoRange : std::uint8_t { kIllegal, kNothing };

template <class C>
std::variant<TlbInvalidation::Range, NoRange> range_of(const Features& features, const C& command) {
  const std::uint64_t address = command[C::Address];
  Granule granule = Granule::k4K;
  if (command[C::TG] == CommandTG::k16K) granule = Granule::k16K;
  if (command[C::TG] == CommandTG::k64K) granule = Granule::k64K;
  // Without SMMU_IDR5.DS SCALE has five bits, and 16 KiB tables have no
  // leaves at level 1.
  const bool large = features.idr5[SMMU_IDR5::DS];
  const std::uint32_t scale =
      large ? std::min<std::uint32_t>(command[C::SCALE], 39) : command[C::SCALE] & 0x1f;
  std::uint32_t ttl = command[C::TTL];
  if (!large && granule == Granule::k16K && ttl == 1) ttl = 0;
  if (ttl == 0 && command[C::NUM] == 0 && scale == 0) return NoRange::kIllegal;

  const int level = ttl == 0 ? 3 : static_cast<int>(ttl);
  if ((address & mask(leaf_bits(granule, level) - 1, 0)) != 0) return NoRange::kNothing;

  const std::uint64_t bytes = (std::uint64_t{command[C::NUM]} + 1)
                              << (scale + granule_bits(granule));
  const std::uint64_t last = address + (bytes - 1);
  return TlbInvalidation::Range{.first = address,
                                .last = last < address ? ~std::uint64_t{0} : last,
                                .granule = granule,
                                .level = static_cast<std::int8_t>(ttl),
                                .leaf_only = command[C::Leaf]};
}

template <class C>
Asid asid_of(const C& command) {
  return Asid(static_cast<std::uint16_t>(command[C::ASID]));
}

// 3.17.6: how many low bits of a VMID are not compared.  Above 4: reserved.
std::uint8_t vmid_bits_ignored(const RegisterFile& registers) {
  const auto vmw = registers.get<SMMU_CR0ACK>()[SMMU_CR0ACK::VMW];
  return vmw <= 4 ? static_cast<std::uint8_t>(vmw) : 0;
}

// Without stage 2 there is one VMID, and the commands' field is RES0 (4.4.2).
template <class C>
Vmid vmid_of(const Features& features, const C& command) {
  if (!features.idr0[SMMU_IDR0::S2P]) return Vmid(0);
  return Vmid(static_cast<std::uint16_t>(command[C::VMID]));
}

// What is of the command's VMID: what stage 1 made of virtual addresses, alone
// or with stage 2, unless `input` says otherwise.
template <class C>
TlbInvalidation of_vmid(const Features& features, const RegisterFile& registers, const C& command,
                        std::optional<Input> input = Input::kVirtual) {
  return {.world = features.el1(),
          .vmid = vmid_of(features, command),
          .vmid_bits_ignored = vmid_bits_ignored(registers),
          .input = input};
}

// What is of an Exception level above EL1.
TlbInvalidation above_el1(StreamWorld world) { return {.world = world, .vmid = Vmid(0)}; }

// 4.4.2.8, 4.4.2.9: which of its two worlds an address is of.
StreamWorld el2_world(const Features& features, const RegisterFile& registers) {
  return features.el2(registers.get<SMMU_CR2>()[SMMU_CR2::E2H]);
}

// 4.4.1.1: else it is about one address, in whatever entry.
template <class C>
bool is_range(const Features& features, const C& command) {
  return command[C::TG] != CommandTG::kAny && features.idr3[SMMU_IDR3::RIL];
}

template <class C>
CommandOutcome invalidate_addresses(const Features& features, Tcu& tcu, const C& command,
                                    TlbInvalidation what) {
  if (!is_range(features, command)) {
    // The entry's size decides how much of the address is compared.
    const std::uint64_t address = command[C::Address];
    what.range.emplace(TlbInvalidation::Range{.first = address,
                                              .last = address,
                                              .granule = std::nullopt,
                                              .level = 0,
                                              .leaf_only = command[C::Leaf]});
  } else {
    const auto range = range_of(features, command);
    if (const auto* none = std::get_if<NoRange>(&range)) {
      if (*none == NoRange::kIllegal) return CommandOutcome::kIllegal;
      return CommandOutcome::kPerformed;
    }
    what.range = std::get<TlbInvalidation::Range>(range);
  }
  tcu.invalidate(what);
  return CommandOutcome::kPerformed;
}

CommandOutcome invalidate(Tcu& tcu, const TlbInvalidation& what) {
  tcu.invalidate(what);
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_PREFETCH_CONFIG& command, const Features& features,
                       const RegisterFile&, Tcu& tcu) {
  using C = CMD_PREFETCH_CONFIG;
  if (command[C::SSec]) return CommandOutcome::kIllegal;
  if (stream_exists(features, command[C::StreamID])) {
    tcu.prefetch(StreamId(command[C::StreamID]), substream_of(features, command));
  }
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_PREFETCH_ADDR& command, const Features& features,
                       const RegisterFile&, Tcu& tcu) {
  using C = CMD_PREFETCH_ADDR;
  if (command[C::SSec]) return CommandOutcome::kIllegal;
  if (stream_exists(features, command[C::StreamID])) {
    tcu.prefetch(StreamId(command[C::StreamID]), substream_of(features, command),
                 Iova(command[C::Address]), std::uint64_t{1} << (12 + command[C::Stride]),
                 std::uint32_t{1} << command[C::Size]);
  }
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_CFGI_STE& command, const Features& features, const RegisterFile&,
                       Tcu& tcu) {
  using C = CMD_CFGI_STE;
  if (command[C::SSec]) return CommandOutcome::kIllegal;
  const StreamId stream(command[C::StreamID]);
  if (stream_exists(features, stream.value)) {
    tcu.invalidate(ConfigurationInvalidation{.first = stream,
                                             .last = stream,
                                             .contexts_only = false,
                                             .substream = std::nullopt,
                                             .upper_levels = !command[C::Leaf]});
  }
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_CFGI_STE_RANGE& command, const Features&, const RegisterFile&,
                       Tcu& tcu) {
  using C = CMD_CFGI_STE_RANGE;
  if (command[C::SSec]) return CommandOutcome::kIllegal;
  const std::uint32_t first_bits = static_cast<std::uint32_t>(mask(command[C::Range], 0));
  const std::uint32_t first = command[C::StreamID] & ~first_bits;
  tcu.invalidate(ConfigurationInvalidation{.first = StreamId(first),
                                           .last = StreamId(first | first_bits),
                                           .contexts_only = false,
                                           .substream = std::nullopt,
                                           .upper_levels = true});
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_CFGI_CD& command, const Features& features, const RegisterFile&,
                       Tcu& tcu) {
  using C = CMD_CFGI_CD;
  if (command[C::SSec] || !features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  const StreamId stream(command[C::StreamID]);
  if (stream_exists(features, stream.value) &&
      substream_exists(features, command[C::SubstreamID])) {
    tcu.invalidate(ConfigurationInvalidation{.first = stream,
                                             .last = stream,
                                             .contexts_only = true,
                                             .substream = SubstreamId(command[C::SubstreamID]),
                                             .upper_levels = !command[C::Leaf]});
  }
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_CFGI_CD_ALL& command, const Features& features,
                       const RegisterFile&, Tcu& tcu) {
  using C = CMD_CFGI_CD_ALL;
  if (command[C::SSec] || !features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  const StreamId stream(command[C::StreamID]);
  if (stream_exists(features, stream.value)) {
    tcu.invalidate(ConfigurationInvalidation{.first = stream,
                                             .last = stream,
                                             .contexts_only = true,
                                             .substream = std::nullopt,
                                             .upper_levels = true});
  }
  return CommandOutcome::kPerformed;
}

// 4.4.2: only where there is stage 1.
CommandOutcome perform(const CMD_TLBI_NH_ALL& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  return invalidate(tcu, of_vmid(features, registers, command));
}

CommandOutcome perform(const CMD_TLBI_NH_ASID& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  TlbInvalidation what = of_vmid(features, registers, command);
  what.asid = asid_of(command);
  return invalidate(tcu, what);
}

CommandOutcome perform(const CMD_TLBI_NH_VA& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  using C = CMD_TLBI_NH_VA;
  if (!features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  if (is_range(features, command) || !command[C::Leaf] || vmid_bits_ignored(registers) != 0 ||
      features.security == SecurityState::kSecure) [[unlikely]] {
    TlbInvalidation what = of_vmid(features, registers, command);
    what.asid = asid_of(command);
    return invalidate_addresses(features, tcu, command, what);
  }
  tcu.invalidate_leaf(vmid_of(features, command), asid_of(command), command[C::Address]);
  return CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_TLBI_NH_VAA& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::S1P]) return CommandOutcome::kIllegal;
  return invalidate_addresses(features, tcu, command, of_vmid(features, registers, command));
}

CommandOutcome perform(const CMD_TLBI_NSNH_ALL&, const Features& features, const RegisterFile&,
                       Tcu& tcu) {
  return invalidate(tcu, TlbInvalidation{.world = features.el1(), .input = std::nullopt});
}

CommandOutcome perform(const CMD_TLBI_S12_VMALL& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::S2P]) return CommandOutcome::kIllegal;
  return invalidate(tcu, of_vmid(features, registers, command, std::nullopt));
}

// 4.4.3: of stage 2 alone; what both stages make together stays.
CommandOutcome perform(const CMD_TLBI_S2_IPA& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::S2P]) return CommandOutcome::kIllegal;
  return invalidate_addresses(features, tcu, command,
                              of_vmid(features, registers, command, Input::kIntermediate));
}

CommandOutcome perform(const CMD_TLBI_EL2_ALL&, const Features& features, const RegisterFile&,
                       Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::Hyp]) return CommandOutcome::kIllegal;
  tcu.invalidate(above_el1(features.el2(false)));
  return invalidate(tcu, above_el1(features.el2(true)));
}

CommandOutcome perform(const CMD_TLBI_EL2_ASID& command, const Features& features,
                       const RegisterFile&, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::Hyp]) return CommandOutcome::kIllegal;
  TlbInvalidation what = above_el1(features.el2(true));
  what.asid = asid_of(command);
  return invalidate(tcu, what);
}

CommandOutcome perform(const CMD_TLBI_EL2_VA& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::Hyp]) return CommandOutcome::kIllegal;
  TlbInvalidation what = above_el1(el2_world(features, registers));
  if (is_el2_e2h(what.world)) what.asid = asid_of(command);
  return invalidate_addresses(features, tcu, command, what);
}

CommandOutcome perform(const CMD_TLBI_EL2_VAA& command, const Features& features,
                       const RegisterFile& registers, Tcu& tcu) {
  if (!features.idr0[SMMU_IDR0::Hyp]) return CommandOutcome::kIllegal;
  return invalidate_addresses(features, tcu, command, above_el1(el2_world(features, registers)));
}

// 4.4.2.5, 4.4.2.6: of the Secure Command queue.
CommandOutcome perform(const CMD_TLBI_EL3_ALL&, const Features& features, const RegisterFile&,
                       Tcu& tcu) {
  if (features.security != SecurityState::kSecure) return CommandOutcome::kIllegal;
  return invalidate(tcu, above_el1(StreamWorld::kEl3));
}

CommandOutcome perform(const CMD_TLBI_EL3_VA& command, const Features& features,
                       const RegisterFile&, Tcu& tcu) {
  if (features.security != SecurityState::kSecure) return CommandOutcome::kIllegal;
  return invalidate_addresses(features, tcu, command, above_el1(StreamWorld::kEl3));
}

CommandOutcome perform(const CMD_SYNC& command, const Features&, const RegisterFile&, Tcu&) {
  if (command[CMD_SYNC::CS] > SyncSignal::kSev) return CommandOutcome::kIllegal;
  return CommandOutcome::kSynchronize;
}

// 4.5: there is nobody to send it while the SMMU is off.
CommandOutcome message(const RegisterFile& registers) {
  return registers.get<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN] ? CommandOutcome::kMessage
                                                           : CommandOutcome::kPerformed;
}

CommandOutcome perform(const CMD_ATC_INV& command, const Features& features,
                       const RegisterFile& registers, Tcu&) {
  constexpr unsigned kEverything = 52;
  const bool reserved = command[CMD_ATC_INV::Size] > kEverything;
  if (!features.atc_invalidation || reserved) return CommandOutcome::kIllegal;
  return message(registers);
}

CommandOutcome perform(const CMD_PRI_RESP& command, const Features& features,
                       const RegisterFile& registers, Tcu&) {
  const bool reserved = command[CMD_PRI_RESP::Resp] > v3::PageResponse::kSuccess;
  if (!features.page_responses || reserved) return CommandOutcome::kIllegal;
  return message(registers);
}

// A function for each command: those that drivers send most pay for no frame
// but their own.
template <class C>
[[gnu::noinline]] CommandOutcome perform_as(CommandWords words, const Features& features,
                                            const RegisterFile& registers, Tcu& tcu) {
  return perform(C(words), features, registers, tcu);
}

}  // namespace

CommandOutcome perform(CommandWords words, const Features& features, const RegisterFile& registers,
                       Tcu& tcu) {
  switch (CommandHeader::Opcode.decode(words[0])) {
    case Opcode::CMD_PREFETCH_CONFIG:
      return perform_as<CMD_PREFETCH_CONFIG>(words, features, registers, tcu);
    case Opcode::CMD_PREFETCH_ADDR:
      return perform_as<CMD_PREFETCH_ADDR>(words, features, registers, tcu);
    case Opcode::CMD_CFGI_STE:
      return perform_as<CMD_CFGI_STE>(words, features, registers, tcu);
    case Opcode::CMD_CFGI_STE_RANGE:
      return perform_as<CMD_CFGI_STE_RANGE>(words, features, registers, tcu);
    case Opcode::CMD_CFGI_CD:
      return perform_as<CMD_CFGI_CD>(words, features, registers, tcu);
    case Opcode::CMD_CFGI_CD_ALL:
      return perform_as<CMD_CFGI_CD_ALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_NH_ALL:
      return perform_as<CMD_TLBI_NH_ALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_NH_ASID:
      return perform_as<CMD_TLBI_NH_ASID>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_NH_VA:
      return perform_as<CMD_TLBI_NH_VA>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_NH_VAA:
      return perform_as<CMD_TLBI_NH_VAA>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_NSNH_ALL:
      return perform_as<CMD_TLBI_NSNH_ALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_S12_VMALL:
      return perform_as<CMD_TLBI_S12_VMALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_S2_IPA:
      return perform_as<CMD_TLBI_S2_IPA>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL2_ALL:
      return perform_as<CMD_TLBI_EL2_ALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL2_ASID:
      return perform_as<CMD_TLBI_EL2_ASID>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL2_VA:
      return perform_as<CMD_TLBI_EL2_VA>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL2_VAA:
      return perform_as<CMD_TLBI_EL2_VAA>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL3_ALL:
      return perform_as<CMD_TLBI_EL3_ALL>(words, features, registers, tcu);
    case Opcode::CMD_TLBI_EL3_VA:
      return perform_as<CMD_TLBI_EL3_VA>(words, features, registers, tcu);
    case Opcode::CMD_SYNC:
      return perform_as<CMD_SYNC>(words, features, registers, tcu);

    case Opcode::CMD_RESUME:
      if (CMD_RESUME(words)[CMD_RESUME::SSec]) return CommandOutcome::kIllegal;
      return features.stalls() ? CommandOutcome::kAnswer : CommandOutcome::kIllegal;
    case Opcode::CMD_STALL_TERM:
      if (CMD_STALL_TERM(words)[CMD_STALL_TERM::SSec]) return CommandOutcome::kIllegal;
      return features.stalls() ? CommandOutcome::kAnswer : CommandOutcome::kIllegal;

    case Opcode::CMD_ATC_INV:
      return perform_as<CMD_ATC_INV>(words, features, registers, tcu);
    case Opcode::CMD_PRI_RESP:
      return perform_as<CMD_PRI_RESP>(words, features, registers, tcu);

    // For features whose ID bits are 0: MPAM, DPT.
    case Opcode::CMD_CFGI_VMS_PIDM:
    case Opcode::CMD_DPTI_ALL:
    case Opcode::CMD_DPTI_PA:
    // For the Secure Command queue.
    case Opcode::CMD_TLBI_S_EL2_ALL:
    case Opcode::CMD_TLBI_S_EL2_ASID:
    case Opcode::CMD_TLBI_S_EL2_VA:
    case Opcode::CMD_TLBI_S_EL2_VAA:
    case Opcode::CMD_TLBI_S_S12_VMALL:
    case Opcode::CMD_TLBI_S_S2_IPA:
    case Opcode::CMD_TLBI_SNH_ALL:
      return CommandOutcome::kIllegal;
  }
  return CommandOutcome::kIllegal;  // no such opcode
}

}  // namespace smmu::emulator
