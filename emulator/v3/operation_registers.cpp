#include "emulator/v3/operation_registers.h"

#include <algorithm>

#include "smmu/arch/bits.h"

namespace smmu::emulator {

using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GATOS_ADDR;
using v3::SMMU_GATOS_CTRL;
using v3::SMMU_GATOS_PAR;
using v3::SMMU_GATOS_SID;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR2;
using v3::SMMU_S_GATOS_ADDR;
using v3::SMMU_S_GATOS_SID;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR2;
using v3::SMMU_VATOS_ADDR;
using v3::SMMU_VATOS_CTRL;
using v3::SMMU_VATOS_PAR;
using v3::SMMU_VATOS_SEL;
using v3::SMMU_VATOS_SID;

namespace {

constexpr std::uint32_t kRun = static_cast<std::uint32_t>(SMMU_GATOS_CTRL::RUN.kMask);

// 6.3.3, 6.3.54: in units of 64 KiB, from where pages 0 and 1 end.
std::uint32_t page_of(const SmmuV3Config& config, SecurityState security) {
  const unsigned page = security == SecurityState::kSecure ? config.s_idr2[SMMU_S_IDR2::BA_S_VATOS]
                                                           : config.idr2[SMMU_IDR2::BA_VATOS];
  return 0x2'0000 + (page << 16);
}

// 6.3.38, 6.3.84: bits that no StreamID and no SubstreamID has are RES0.
std::uint64_t sid_bits(const SmmuV3Config& config, const Features& features) {
  unsigned stream_bits = features.stream_bits;
  if (features.security == SecurityState::kSecure) {
    stream_bits = std::max<unsigned>(stream_bits, config.idr1[SMMU_IDR1::SIDSIZE]);
  }
  std::uint64_t bits = stream_bits == 0 ? 0 : mask(stream_bits - 1, 0);
  if (features.substream_bits != 0) {
    bits |= mask(features.substream_bits - 1, 0) << SMMU_GATOS_SID::SUBSTREAMID.kLo;
    bits |= SMMU_GATOS_SID::SSID_VALID.kMask;
  }
  return bits;
}

// 6.3.39: writes are data, whatever InD says.
Access access_of(SMMU_S_GATOS_ADDR asked) {
  const bool read = asked[SMMU_S_GATOS_ADDR::RnW];
  const bool instruction = read && asked[SMMU_S_GATOS_ADDR::InD];
  return {
      .privilege =
          asked[SMMU_S_GATOS_ADDR::PnU] ? Privilege::kPrivileged : Privilege::kUnprivileged,
      .direction = read ? Direction::kRead : Direction::kWrite,
      .content = instruction ? Content::kInstruction : Content::kData,
      .speculative = false,
      .updates = asked[SMMU_S_GATOS_ADDR::HTTUI] ? Updates::kAssumed : Updates::kMade,
      .space = asked[SMMU_S_GATOS_ADDR::NS] ? SecurityState::kNonSecure : SecurityState::kSecure};
}

}  // namespace

OperationRegisters::OperationRegisters(const SmmuV3Config& config, const Features& features,
                                       const RegisterFile& registers)
    : registers_(registers),
      security_(features.security),
      global_(features.idr0[SMMU_IDR0::ATOS]),
      virtual_(features.idr0[SMMU_IDR0::VATOS]),
      virtual_page_(page_of(config, features.security)) {
  const auto allow = [&](Group group, std::size_t word, std::uint64_t bits) {
    writable_[first_of(group) + word] = static_cast<std::uint32_t>(bits);
    writable_[first_of(group) + word + 1] = static_cast<std::uint32_t>(bits >> 32);
  };
  const bool secure = security_ == SecurityState::kSecure;
  const bool ipa_spaces = secure && config.s_idr1[SMMU_S_IDR1::SEL2];
  for (const Group group : {Group::kGlobal, Group::kVirtual}) {
    allow(group, kSid, sid_bits(config, features));
    allow(group, kAddress, named_bits<SMMU_GATOS_ADDR>());
  }
  if (secure) {
    allow(Group::kGlobal, kSid, sid_bits(config, features) | SMMU_S_GATOS_SID::SSEC.kMask);
    if (ipa_spaces) allow(Group::kGlobal, kAddress, named_bits<SMMU_S_GATOS_ADDR>());
  }
  writable_[kSelect] = features.idr0[SMMU_IDR0::VMID16] ? 0xffff : 0x00ff;
  reset();
}

void OperationRegisters::reset() {
  const std::lock_guard lock(mutex_);
  for (std::size_t word = 0; word != kWords; ++word) {
    words_[word].store(fixed_bits(word), std::memory_order_relaxed);
  }
}

std::size_t OperationRegisters::word_of(std::uint32_t offset) const {
  static_assert(SMMU_GATOS_SID::kOffset == SMMU_GATOS_CTRL::kOffset + 4 * kSid);
  static_assert(SMMU_GATOS_ADDR::kOffset == SMMU_GATOS_CTRL::kOffset + 4 * kAddress);
  static_assert(SMMU_GATOS_PAR::kOffset == SMMU_GATOS_CTRL::kOffset + 4 * kPar);
  static_assert(SMMU_VATOS_SID::kOffset == SMMU_VATOS_CTRL::kOffset + 4 * kSid);
  static_assert(SMMU_VATOS_ADDR::kOffset == SMMU_VATOS_CTRL::kOffset + 4 * kAddress);
  static_assert(SMMU_VATOS_PAR::kOffset == SMMU_VATOS_CTRL::kOffset + 4 * kPar);
  if (offset % 4 != 0) return kNoWord;
  const auto within = [&](Group group, std::uint32_t first) {
    const std::size_t word = (offset - first) / 4;
    return offset >= first && word < kGroupWords ? first_of(group) + word : kNoWord;
  };
  if (global_) {
    const std::size_t word = within(Group::kGlobal, SMMU_GATOS_CTRL::kOffset);
    if (word != kNoWord) return word;
  }
  if (!virtual_) return kNoWord;
  if (offset == SMMU_VATOS_SEL::kOffset) return kSelect;
  return within(Group::kVirtual, virtual_page_ + SMMU_VATOS_CTRL::kOffset);
}

std::uint32_t OperationRegisters::read32(std::uint32_t offset) const {
  const std::size_t word = word_of(offset);
  return word == kNoWord ? 0 : words_[word].load(std::memory_order_acquire);
}

std::uint64_t OperationRegisters::read64(std::uint32_t offset) const {
  if (offset % 8 != 0) return 0;
  return std::uint64_t{read32(offset + 4)} << 32 | read32(offset);
}

bool OperationRegisters::write32(std::uint32_t offset, std::uint32_t value) {
  const std::size_t word = word_of(offset);
  if (word == kNoWord) return false;
  const Group group = group_of(word);
  const std::lock_guard lock(mutex_);
  // 6.3.37: until it is known what becomes of an operation, nothing of its group
  // changes.
  if (running(group)) return false;
  if (word == first_of(group) + kCtrl) {
    if ((value & kRun) == 0 || !enabled()) return false;
    ++numbers_[static_cast<std::size_t>(group)];
    words_[word].store(kRun, std::memory_order_seq_cst);
    return true;
  }
  const std::uint32_t old = words_[word].load(std::memory_order_relaxed);
  words_[word].store((old & ~writable_[word]) | (value & writable_[word]),
                     std::memory_order_release);
  return false;
}

std::uint64_t OperationRegisters::doubleword(std::size_t word) const {
  return std::uint64_t{words_[word + 1].load(std::memory_order_acquire)} << 32 |
         words_[word].load(std::memory_order_acquire);
}

bool OperationRegisters::running(Group group) const {
  return (words_[first_of(group) + kCtrl].load(std::memory_order_seq_cst) & kRun) != 0;
}

std::optional<OperationRegisters::Request> OperationRegisters::request(Group group) const {
  if (!running(group)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!running(group)) return std::nullopt;
  const std::size_t first = first_of(group);
  const SMMU_S_GATOS_SID sid(doubleword(first + kSid));
  const SMMU_S_GATOS_ADDR address(doubleword(first + kAddress));
  Request request{
      .group = group,
      .number = numbers_[static_cast<std::size_t>(group)],
      .asker = security_,
      .of_stream = sid[SMMU_S_GATOS_SID::SSEC] ? SecurityState::kSecure : SecurityState::kNonSecure,
      .stream = StreamId(sid[SMMU_S_GATOS_SID::STREAMID]),
      .substream = {},
      .type = address[SMMU_S_GATOS_ADDR::TYPE],
      .address = Iova(address[SMMU_S_GATOS_ADDR::ADDR]),
      .access = access_of(address),
      .vmid = {}};
  if (sid[SMMU_S_GATOS_SID::SSID_VALID]) {
    request.substream = SubstreamId(sid[SMMU_S_GATOS_SID::SUBSTREAMID]);
  }
  if (request.of_stream == SecurityState::kNonSecure) {
    request.access.space = SecurityState::kNonSecure;
  }
  if (group == Group::kVirtual) {
    const SMMU_VATOS_SEL select(words_[kSelect].load(std::memory_order_acquire));
    request.vmid = Vmid(static_cast<std::uint16_t>(select[SMMU_VATOS_SEL::VMID]));
  }
  return request;
}

// Asked for and in force.
bool OperationRegisters::enabled() const {
  return registers_.get<SMMU_CR0>()[SMMU_CR0::SMMUEN] &&
         registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN];
}

void OperationRegisters::finish(const Request& request, std::uint64_t par) {
  const std::lock_guard lock(mutex_);
  if (numbers_[static_cast<std::size_t>(request.group)] == request.number) {
    finish_locked(request.group, par);
  }
}

void OperationRegisters::finish_all(std::uint64_t par) {
  const std::lock_guard lock(mutex_);
  finish_locked(Group::kGlobal, par);
  finish_locked(Group::kVirtual, par);
}

void OperationRegisters::finish_locked(Group group, std::uint64_t par) {
  if (!running(group)) return;
  const std::size_t first = first_of(group);
  words_[first + kPar].store(static_cast<std::uint32_t>(par), std::memory_order_release);
  words_[first + kPar + 1].store(static_cast<std::uint32_t>(par >> 32), std::memory_order_release);
  words_[first + kCtrl].store(0, std::memory_order_seq_cst);
}

}  // namespace smmu::emulator
