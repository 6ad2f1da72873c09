#include "emulator/cli/session_v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "emulator/cli/input.h"
#include "emulator/cli/registers.h"
#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::RegisterSpace;

// What is written, in this order: what decides how others are held comes before them.
constexpr std::string_view kWritten[] = {
    "SMMU_SCR1",      "SMMU_sCR0",      "SMMU_NSCR0",          "SMMU_sCR2",      "SMMU_NSCR2",
    "SMMU_sACR",      "SMMU_NSACR",     "SMMU_CBARn",          "SMMU_CBA2Rn",    "SMMU_CBn_SCTLR",
    "SMMU_CBn_ACTLR", "SMMU_CBn_TCR",   "SMMU_CBn_TCR2",       "SMMU_CBn_TTBR0", "SMMU_CBn_TTBR1",
    "SMMU_CBn_MAIR0", "SMMU_CBn_MAIR1", "SMMU_CBn_CONTEXTIDR", "SMMU_SMRn",      "SMMU_S2CRn",
    "SMMU_SSDRn"};

std::size_t rank_of(const RegisterLineV2& line) {
  return static_cast<std::size_t>(
      std::ranges::find(kWritten, std::string_view(line.of.info.layout.name)) -
      std::begin(kWritten));
}

// SMMU_IDR0 to 7, SMMU_PIDR0 to 7, SMMU_CIDR0 to 3.
bool is_identification_v2(const RegisterLineV2& line) {
  const std::string_view name = bare_name(line.of.info.layout.name);
  return name.starts_with("IDR") || name.starts_with("PIDR") || name.starts_with("CIDR");
}

MemoryMap map_of(const MemoryImage& memory) {
  MemoryMap map;
  map.add(memory);
  return map;
}

emulator::SmmuV2Config keeping_nothing(emulator::SmmuV2Config config) {
  // So everything that matters is read, and seen.
  config.caching.policy = emulator::CachePolicy::kNone;
  return config;
}

}  // namespace

SessionV2::SessionV2(const CaptureV2& capture, const MemoryImage& memory)
    : config_(keeping_nothing(capture.config)),
      features_(config_),
      machine_(config_, map_of(memory), capture.file) {
  machine_.load(memory);
  std::vector<const RegisterLineV2*> written;
  for (const RegisterLineV2& line : capture.registers) {
    if (is_identification_v2(line)) check(capture, line);
    if (rank_of(line) != std::size(kWritten)) written.push_back(&line);
  }
  // Those of one kind stay in the order of the file.
  std::ranges::stable_sort(written, {}, [](const auto* line) { return rank_of(*line); });
  for (const RegisterLineV2* line : written) write(*line);
  machine_.recorder().forget();
}

void SessionV2::check(const CaptureV2& capture, const RegisterLineV2& line) {
  std::uint64_t non_secure = 0;
  std::uint64_t secure = 0;
  static_cast<void>(machine_.smmu().read(line.place.offset, line.place.bytes, non_secure));
  static_cast<void>(machine_.smmu().secure().read(line.place.offset, line.place.bytes, secure));
  if (line.value == non_secure || line.value == secure) return;
  throw BadInput(fmt::format("{}:{}: expected {} to be that of the preset, {:#x}, found {:#x}.",
                             capture.file, line.line, line.of.name(), secure, line.value));
}

void SessionV2::write(const RegisterLineV2& line) {
  static_cast<void>(port(finder_of(line)).write(line.place.offset, line.place.bytes, line.value));
}

SecurityState SessionV2::finder_of(const RegisterLineV2& line) {
  if (!features_.secure) return line.place.security;
  const v2::SMMU_SCR1 scr1(static_cast<std::uint32_t>(read(SecurityState::kSecure, "SCR1")));
  const NamedRegisterV2& named = line.of;
  // What there is once belongs to one of the two.
  std::uint32_t first_secure = 0;
  std::uint32_t index = 0;
  if (named.bank || (named.space == RegisterSpace::kGlobal1 && named.number)) {
    index = named.bank ? *named.bank : *named.number;
    first_secure = scr1[v2::SMMU_SCR1::NSNUMCBO];
  } else if (named.space == RegisterSpace::kGlobal0 && named.number) {
    index = *named.number;
    first_secure = scr1[v2::SMMU_SCR1::NSNUMSMRGO];
  } else {
    return line.place.security;
  }
  return index < first_secure ? SecurityState::kNonSecure : SecurityState::kSecure;
}

emulator::RegisterPort& SessionV2::port(SecurityState security) {
  if (security == SecurityState::kSecure) return machine_.smmu().secure();
  return machine_.smmu();
}

std::uint64_t SessionV2::read(SecurityState security, std::string_view name) {
  RegisterPlaceV2 place = *find_place(features_, name);
  if (security == SecurityState::kSecure) place.security = security;
  std::uint64_t value = 0;
  static_cast<void>(port(place.security).read(place.offset, place.bytes, value));
  return value;
}

emulator::RegistersV2 SessionV2::registers() {
  using enum SecurityState;
  emulator::RegistersV2 known(features_, config_);
  // `R` of the page, as number 0 or another.
  const auto read = [&]<class R>(R& value, SecurityState security, std::uint32_t page,
                                 std::uint32_t number = 0) {
    const std::uint32_t offset = (page << features_.page_bits) + R::kOffset + 4 * number;
    std::uint64_t word = 0;
    static_cast<void>(port(security).read(offset, sizeof(typename R::Value), word));
    value = R(static_cast<typename R::Value>(word));
  };
  if (features_.secure) read(known.scr1, kSecure, 0);
  for (const SecurityState security : {kNonSecure, kSecure}) {
    read(known.global(security).cr0, security, 0);
    read(known.global(security).cr2, security, 0);
  }
  // Secure software finds those of both.
  for (std::uint32_t group = 0; group != features_.num_groups; ++group) {
    v2::SMMU_SMRn smr;
    v2::SMMU_S2CRn s2cr;
    read(smr, kSecure, 0, group);
    read(s2cr, kSecure, 0, group);
    known.smr[group] = smr.raw();
    known.s2cr[group] = s2cr.raw();
  }
  for (std::uint32_t index = 0; index != features_.num_banks; ++index) {
    emulator::BankRegisters& bank = known.banks[index];
    read(bank.cbar, kSecure, 1, index);
    read(bank.cba2r, kSecure, 1, index);
    const std::uint32_t page = features_.half_pages + index;
    const auto raw = [&]<class R>(R value, auto& into) {
      read(value, kSecure, page);
      into = value.raw();
    };
    read(bank.sctlr, kSecure, page);
    read(bank.tcr2, kSecure, page);
    raw(v2::SMMU_CBn_TCR_AArch64(), bank.tcr);
    raw(v2::SMMU_CBn_TTBR0_AArch64(), bank.ttbr0);
    raw(v2::SMMU_CBn_TTBR1_AArch64(), bank.ttbr1);
    raw(v2::SMMU_CBn_MAIR0(), bank.mair0);
    raw(v2::SMMU_CBn_MAIR1(), bank.mair1);
    raw(v2::SMMU_CBn_CONTEXTIDR_Long(), bank.contextidr);
  }
  return known;
}

}  // namespace smmu::cli
