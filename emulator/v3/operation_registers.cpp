#include "emulator/v3/operation_registers.h"

#include "smmu/arch/bits.h"

namespace smmu::emulator {

using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GATOS_ADDR;
using v3::SMMU_GATOS_CTRL;
using v3::SMMU_GATOS_PAR;
using v3::SMMU_GATOS_SID;
using v3::SMMU_IDR0;
using v3::SMMU_IDR2;
using v3::SMMU_VATOS_ADDR;
using v3::SMMU_VATOS_CTRL;
using v3::SMMU_VATOS_PAR;
using v3::SMMU_VATOS_SEL;
using v3::SMMU_VATOS_SID;

namespace {

constexpr std::uint32_t kRun = static_cast<std::uint32_t>(SMMU_GATOS_CTRL::RUN.kMask);

// 6.3.3: in units of 64 KiB, from where pages 0 and 1 end.
constexpr std::uint32_t page_of(SMMU_IDR2 idr2) {
  return 0x2'0000 + (static_cast<std::uint32_t>(idr2[SMMU_IDR2::BA_VATOS]) << 16);
}

// 6.3.38: bits that no StreamID and no SubstreamID has are RES0.
constexpr std::uint64_t sid_bits(const Features& features) {
  std::uint64_t bits = features.stream_bits == 0 ? 0 : mask(features.stream_bits - 1, 0);
  if (features.substream_bits != 0) {
    bits |= mask(features.substream_bits - 1, 0) << SMMU_GATOS_SID::SUBSTREAMID.kLo;
    bits |= SMMU_GATOS_SID::SSID_VALID.kMask;
  }
  return bits;
}

}  // namespace

OperationRegisters::OperationRegisters(const SmmuV3Config& config, const Features& features,
                                       const RegisterFile& registers)
    : registers_(registers),
      global_(features.idr0[SMMU_IDR0::ATOS]),
      virtual_(features.idr0[SMMU_IDR0::VATOS]),
      virtual_page_(page_of(config.idr2)) {
  for (const Group group : {Group::kGlobal, Group::kVirtual}) {
    const auto allow = [&](std::size_t word, std::uint64_t bits) {
      writable_[first_of(group) + word] = static_cast<std::uint32_t>(bits);
      writable_[first_of(group) + word + 1] = static_cast<std::uint32_t>(bits >> 32);
    };
    allow(kSid, sid_bits(features));
    allow(kAddress, named_bits<SMMU_GATOS_ADDR>());
  }
  writable_[kSelect] = features.idr0[SMMU_IDR0::VMID16] ? 0xffff : 0x00ff;
}

void OperationRegisters::reset() {
  const std::lock_guard lock(mutex_);
  for (auto& word : words_) word.store(0, std::memory_order_relaxed);
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
  const std::size_t first = first_of(group);
  Request request{.sid = SMMU_GATOS_SID(doubleword(first + kSid)),
                  .address = SMMU_GATOS_ADDR(doubleword(first + kAddress)),
                  .vmid = {}};
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

void OperationRegisters::finish(Group group, std::uint64_t par) {
  const std::size_t first = first_of(group);
  words_[first + kPar].store(static_cast<std::uint32_t>(par), std::memory_order_release);
  words_[first + kPar + 1].store(static_cast<std::uint32_t>(par >> 32), std::memory_order_release);
  words_[first + kCtrl].store(0, std::memory_order_seq_cst);
}

}  // namespace smmu::emulator
