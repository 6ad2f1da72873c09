#include "emulator/v3/register_file.h"

#include <algorithm>

namespace smmu::emulator {

using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_CR1;
using v3::SMMU_CR2;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_IRQ_CFG0;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_EVENTQ_IRQ_CFG2;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERROR_IRQ_CFG0;
using v3::SMMU_GERROR_IRQ_CFG1;
using v3::SMMU_GERROR_IRQ_CFG2;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;
using v3::SMMU_PRIQ_BASE;
using v3::SMMU_PRIQ_CONS;
using v3::SMMU_PRIQ_IRQ_CFG0;
using v3::SMMU_PRIQ_IRQ_CFG1;
using v3::SMMU_PRIQ_IRQ_CFG2;
using v3::SMMU_PRIQ_PROD;
using v3::SMMU_S_CR0;
using v3::SMMU_S_GBPA;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_INIT;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;

namespace {

// The bits of a field, as a word of its register.
template <class... F>
constexpr std::uint32_t bits_of(F...) {
  return static_cast<std::uint32_t>((F::kMask | ...));
}

// Service failure mode always is, and never comes.
std::uint32_t global_errors(const Features& features) {
  std::uint32_t errors =
      bits_of(SMMU_GERROR::CMDQ_ERR, SMMU_GERROR::EVENTQ_ABT_ERR, SMMU_GERROR::SFM_ERR);
  if (features.idr0[SMMU_IDR0::MSI]) {
    errors |= bits_of(SMMU_GERROR::MSI_CMDQ_ABT_ERR, SMMU_GERROR::MSI_EVENTQ_ABT_ERR,
                      SMMU_GERROR::MSI_GERROR_ABT_ERR);
  }
  if (features.idr0[SMMU_IDR0::PRI]) {
    errors |= bits_of(SMMU_GERROR::PRIQ_ABT_ERR);
    if (features.idr0[SMMU_IDR0::MSI]) errors |= bits_of(SMMU_GERROR::MSI_PRIQ_ABT_ERR);
  }
  if (features.idr1[SMMU_IDR1::ECMDQ]) errors |= bits_of(SMMU_GERROR::CMDQP_ERR);
  return errors;
}

}  // namespace

template <class R>
void RegisterFile::allow(Guard guard, std::uint64_t writable) {
  constexpr std::size_t kWord = index_of(R::kOffset);
  static_assert(kWord != kNoWord);
  rules_[kWord] = {static_cast<std::uint32_t>(writable), guard};
  if constexpr (sizeof(typename R::Value) == 8) {
    rules_[kWord + 1] = {static_cast<std::uint32_t>(writable >> 32), guard};
  }
}

RegisterFile::RegisterFile(const SmmuV3Config& config, const Features& features)
    : config_(config), security_(features.security) {
  const bool secure = security_ == SecurityState::kSecure;
  // Fields of CR0, CR2 and IRQ_CTRL that belong to features this model lacks
  // (DPT; BTM) are RES0.
  const bool pri = features.idr0[SMMU_IDR0::PRI];
  const std::uint32_t atschk = features.idr0[SMMU_IDR0::ATS] ? bits_of(SMMU_CR0::ATSCHK) : 0;
  const std::uint32_t priqen = pri ? bits_of(SMMU_CR0::PRIQEN) : 0;
  const std::uint32_t vmw = features.idr0[SMMU_IDR0::VMW] ? bits_of(SMMU_CR0::VMW) : 0;
  std::uint32_t of_secure = 0;
  if (secure) {
    of_secure = bits_of(SMMU_S_CR0::SIF);
    // 6.3.57: RES0 where there is nothing to choose.
    if (config.s_idr0[SMMU_S_IDR0::STALL_MODEL] == StallModel::kStallOrTerminate) {
      of_secure |= bits_of(SMMU_S_CR0::NSSTALLD);
    }
    rules_[kInit] = {bits_of(SMMU_S_INIT::INV_ALL), Guard::kAlways};
  }
  allow<SMMU_CR0>(Guard::kAlways, bits_of(SMMU_CR0::SMMUEN, SMMU_CR0::EVENTQEN, SMMU_CR0::CMDQEN) |
                                      vmw | atschk | priqen | of_secure);
  allow<SMMU_CR1>(Guard::kAlways);  // the guards differ by field: writable_now()
  const std::uint32_t e2h = features.idr0[SMMU_IDR0::Hyp] ? bits_of(SMMU_CR2::E2H) : 0;
  const std::uint32_t rec_cfg_ats =
      features.idr0[SMMU_IDR0::ATSRECERR] ? bits_of(SMMU_CR2::REC_CFG_ATS) : 0;
  allow<SMMU_CR2>(Guard::kSmmuDisabled, bits_of(SMMU_CR2::RECINVSID) | e2h | rec_cfg_ats);
  allow<SMMU_GBPA>(Guard::kAlways, secure ? named_bits<SMMU_S_GBPA>() : named_bits<SMMU_GBPA>());
  allow<SMMU_IRQ_CTRL>(Guard::kAlways,
                       bits_of(SMMU_IRQ_CTRL::GERROR_IRQEN, SMMU_IRQ_CTRL::EVENTQ_IRQEN) |
                           (pri ? bits_of(SMMU_IRQ_CTRL::PRIQ_IRQEN) : 0));
  allow<SMMU_GERRORN>(Guard::kAlways, global_errors(features));
  if (features.idr0[SMMU_IDR0::MSI]) {
    allow<SMMU_GERROR_IRQ_CFG0>(Guard::kGlobalErrorIrqDisabled);
    allow<SMMU_GERROR_IRQ_CFG1>(Guard::kGlobalErrorIrqDisabled);
    allow<SMMU_GERROR_IRQ_CFG2>(Guard::kGlobalErrorIrqDisabled);
    allow<SMMU_EVENTQ_IRQ_CFG0>(Guard::kEventQueueIrqDisabled);
    allow<SMMU_EVENTQ_IRQ_CFG1>(Guard::kEventQueueIrqDisabled);
    allow<SMMU_EVENTQ_IRQ_CFG2>(Guard::kEventQueueIrqDisabled);
    if (pri) {
      allow<SMMU_PRIQ_IRQ_CFG0>(Guard::kPriQueueIrqDisabled);
      allow<SMMU_PRIQ_IRQ_CFG1>(Guard::kPriQueueIrqDisabled);
      allow<SMMU_PRIQ_IRQ_CFG2>(Guard::kPriQueueIrqDisabled);
    }
  }
  allow<SMMU_STRTAB_BASE>(Guard::kSmmuDisabled);
  std::uint64_t table_format = named_bits<SMMU_STRTAB_BASE_CFG>();
  if (features.idr0[SMMU_IDR0::ST_LEVEL] == 0) {
    table_format &= ~std::uint64_t{bits_of(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::SPLIT)};
  }
  allow<SMMU_STRTAB_BASE_CFG>(Guard::kSmmuDisabled, table_format);
  allow<SMMU_CMDQ_BASE>(Guard::kCommandQueueDisabled);
  allow<SMMU_CMDQ_PROD>(Guard::kAlways);
  allow<SMMU_CMDQ_CONS>(Guard::kCommandQueueDisabled);
  allow<SMMU_EVENTQ_BASE>(Guard::kEventQueueDisabled);
  allow<SMMU_EVENTQ_PROD>(Guard::kEventQueueDisabled);
  allow<SMMU_EVENTQ_CONS>(Guard::kAlways);
  if (pri) {
    allow<SMMU_PRIQ_BASE>(Guard::kPriQueueDisabled);
    allow<SMMU_PRIQ_PROD>(Guard::kPriQueueDisabled);
    allow<SMMU_PRIQ_CONS>(Guard::kAlways);
  }
  reset();
}

void RegisterFile::reset() {
  const std::lock_guard lock(mutex_);
  for (auto& word : words_) word.store(0, std::memory_order_relaxed);
  enhanced_queues_.store(0, std::memory_order_relaxed);
  if (security_ == SecurityState::kSecure) return reset_secure();
  const std::uint32_t identification[] = {
      config_.idr0.raw(), config_.idr1.raw(), config_.idr2.raw(), config_.idr3.raw(),
      config_.idr4.raw(), config_.idr5.raw(), config_.iidr.raw(), config_.aidr.raw()};
  for (std::size_t i = 0; i != std::size(identification); ++i) store(i, identification[i]);
  for (std::size_t i = 0; i != kIdBlockWords; ++i) store(kControlWords + i, config_.id_block[i]);
  set(SMMU_GBPA(static_cast<std::uint32_t>(config_.gbpa_reset & named_bits<SMMU_GBPA>()))
          .set(SMMU_GBPA::Update, false));
}

void RegisterFile::reset_secure() {
  const std::uint32_t identification[] = {config_.s_idr0.raw(), config_.s_idr1.raw(),
                                          config_.s_idr2.raw(), config_.s_idr3.raw(),
                                          config_.s_idr4.raw()};
  for (std::size_t i = 0; i != std::size(identification); ++i) store(i, identification[i]);
  set(SMMU_GBPA(static_cast<std::uint32_t>(config_.s_gbpa_reset & named_bits<SMMU_S_GBPA>()))
          .set(SMMU_GBPA::Update, false));
}

std::uint64_t RegisterFile::read64(std::uint32_t offset) const {
  if (offset % 8 != 0) return 0;
  return std::uint64_t{read32(offset + 4)} << 32 | read32(offset);
}

// 6.3: a guard asks for the state that is in force (the ACK register) as well
// as for the one that has been asked for.
bool RegisterFile::open(Guard guard) const {
  const auto cr0 = get<SMMU_CR0>().raw() | get<SMMU_CR0ACK>().raw();
  const auto irq = get<SMMU_IRQ_CTRL>().raw() | get<SMMU_IRQ_CTRLACK>().raw();
  switch (guard) {
    case Guard::kReadOnly:
      return false;
    case Guard::kAlways:
      return true;
    case Guard::kSmmuDisabled:
      return (cr0 & bits_of(SMMU_CR0::SMMUEN)) == 0;
    case Guard::kCommandQueueDisabled:
      return (cr0 & bits_of(SMMU_CR0::CMDQEN)) == 0;
    case Guard::kEventQueueDisabled:
      return (cr0 & bits_of(SMMU_CR0::EVENTQEN)) == 0;
    case Guard::kPriQueueDisabled:
      return (cr0 & bits_of(SMMU_CR0::PRIQEN)) == 0;
    case Guard::kGlobalErrorIrqDisabled:
      return (irq & bits_of(SMMU_IRQ_CTRL::GERROR_IRQEN)) == 0;
    case Guard::kEventQueueIrqDisabled:
      return (irq & bits_of(SMMU_IRQ_CTRL::EVENTQ_IRQEN)) == 0;
    case Guard::kPriQueueIrqDisabled:
      return (irq & bits_of(SMMU_IRQ_CTRL::PRIQ_IRQEN)) == 0;
  }
  return false;
}

std::uint32_t RegisterFile::writable_now(std::size_t word) const {
  const Rule rule = rules_[word];
  if (!open(rule.guard)) return 0;
  switch (word) {
    case index_of(SMMU_CR0::kOffset):
      // 6.3.9: a field whose last change is not yet acknowledged keeps it.
      return rule.writable & ~(get<SMMU_CR0>().raw() ^ get<SMMU_CR0ACK>().raw());
    case index_of(SMMU_IRQ_CTRL::kOffset):
      return rule.writable & ~(get<SMMU_IRQ_CTRL>().raw() ^ get<SMMU_IRQ_CTRLACK>().raw());
    case index_of(SMMU_CR1::kOffset): {
      constexpr auto kTable = bits_of(SMMU_CR1::TABLE_SH, SMMU_CR1::TABLE_OC, SMMU_CR1::TABLE_IC);
      constexpr auto kQueue = bits_of(SMMU_CR1::QUEUE_SH, SMMU_CR1::QUEUE_OC, SMMU_CR1::QUEUE_IC);
      const bool queues_off = open(Guard::kCommandQueueDisabled) &&
                              open(Guard::kEventQueueDisabled) && open(Guard::kPriQueueDisabled) &&
                              enhanced_queues_.load(std::memory_order_seq_cst) == 0;
      return (open(Guard::kSmmuDisabled) ? kTable : 0) | (queues_off ? kQueue : 0);
    }
    default:
      return rule.writable;
  }
}

// 6.3.28, 6.3.95 and 6.3.97: the indices of the SMMU's own read 0 above their wrap bit,
// also when the queue has been made smaller.  While a queue is enabled its
// index is the SMMU's to write, and has no such bits.
void RegisterFile::truncate_indices() {
  if (open(Guard::kCommandQueueDisabled)) {
    const unsigned wrap =
        std::min(get<SMMU_CMDQ_BASE>()[SMMU_CMDQ_BASE::LOG2SIZE], config_.idr1[SMMU_IDR1::CMDQS]);
    auto cons = get<SMMU_CMDQ_CONS>();
    const auto index = static_cast<std::uint32_t>(cons[SMMU_CMDQ_CONS::RD] & mask(wrap, 0));
    set(cons.set(SMMU_CMDQ_CONS::RD, index));
  }
  if (open(Guard::kEventQueueDisabled)) {
    const unsigned wrap = std::min(get<SMMU_EVENTQ_BASE>()[SMMU_EVENTQ_BASE::LOG2SIZE],
                                   config_.idr1[SMMU_IDR1::EVENTQS]);
    auto prod = get<SMMU_EVENTQ_PROD>();
    const auto index = static_cast<std::uint32_t>(prod[SMMU_EVENTQ_PROD::WR] & mask(wrap, 0));
    set(prod.set(SMMU_EVENTQ_PROD::WR, index));
  }
  if (open(Guard::kPriQueueDisabled)) {
    const unsigned wrap =
        std::min(get<SMMU_PRIQ_BASE>()[SMMU_PRIQ_BASE::LOG2SIZE], config_.idr1[SMMU_IDR1::PRIQS]);
    auto prod = get<SMMU_PRIQ_PROD>();
    const auto index = static_cast<std::uint32_t>(prod[SMMU_PRIQ_PROD::WR] & mask(wrap, 0));
    set(prod.set(SMMU_PRIQ_PROD::WR, index));
  }
}

RegisterFile::Effect RegisterFile::write_word(std::size_t word, std::uint32_t value) {
  const std::uint32_t old = words_[word].load(std::memory_order_relaxed);
  if (word == index_of(SMMU_GBPA::kOffset)) {
    // 6.3.14.1: ignored unless it sets Update, and while an update goes on.
    if (SMMU_GBPA(old)[SMMU_GBPA::Update] || !SMMU_GBPA(value)[SMMU_GBPA::Update]) {
      return Effect::kNone;
    }
  }
  const std::uint32_t writable = writable_now(word);
  // 6.3.62: a 0 is ignored.
  if (word == kInit) value |= old;
  store(word, (old & ~writable) | (value & writable));
  switch (word) {
    case index_of(SMMU_CMDQ_BASE::kOffset):
    case index_of(SMMU_CMDQ_CONS::kOffset):
    case index_of(SMMU_EVENTQ_BASE::kOffset):
    case kEventqProd:
    case index_of(SMMU_PRIQ_BASE::kOffset):
    case kPriqProd:
      truncate_indices();
      return Effect::kNone;
    case index_of(SMMU_CR0::kOffset):
      return Effect::kCr0Update;
    case index_of(SMMU_IRQ_CTRL::kOffset):
      return Effect::kIrqCtrlUpdate;
    case index_of(SMMU_GBPA::kOffset):
      return Effect::kGbpaUpdate;
    case index_of(SMMU_GERRORN::kOffset):
      return Effect::kNoError;
    case kInit:
      return (value & writable) != 0 ? Effect::kInvalidateAll : Effect::kNone;
    case kEventqCons:
      return Effect::kEventQueue;
    default:
      return Effect::kNone;
  }
}

RegisterFile::Effect RegisterFile::write32(std::uint32_t offset, std::uint32_t value) {
  if (offset == SMMU_CMDQ_PROD::kOffset) {
    ring(value);
    return Effect::kCommandQueue;
  }
  const std::size_t word = word_of(offset);
  if (word == kNoWord) return Effect::kElsewhere;
  const std::lock_guard lock(mutex_);
  return write_word(word, value);
}

// 6.2: of two adjacent 32-bit registers, both are written.  At most one of a
// pair has an effect: the pairs of page 0 are CR0 with its ACK register, GBPA
// with AGBPA, GERROR with GERRORN, PROD with CONS, and so on.
RegisterFile::Effect RegisterFile::write64(std::uint32_t offset, std::uint64_t value) {
  if (offset % 8 != 0) return Effect::kNone;
  const Effect low = write32(offset, static_cast<std::uint32_t>(value));
  const Effect high = write32(offset + 4, static_cast<std::uint32_t>(value >> 32));
  return low != Effect::kNone && low != Effect::kElsewhere ? low : high;
}

void RegisterFile::finish_invalidation() { store(kInit, 0); }

void RegisterFile::finish_gbpa_update() { set(get<SMMU_GBPA>().set(SMMU_GBPA::Update, false)); }

bool RegisterFile::activate(SMMU_GERROR errors) {
  const std::uint32_t gerror = get<SMMU_GERROR>().raw();
  const std::uint32_t inactive = errors.raw() & ~(gerror ^ get<SMMU_GERRORN>().raw());
  if (inactive == 0) return false;
  set(SMMU_GERROR(gerror ^ inactive));
  return true;
}

}  // namespace smmu::emulator
