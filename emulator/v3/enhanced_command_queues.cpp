#include "emulator/v3/enhanced_command_queues.h"

#include <algorithm>
#include <bit>

namespace smmu::emulator {

using v3::SMMU_CMDQ_CONTROL_PAGE_BASEn;
using v3::SMMU_CMDQ_CONTROL_PAGE_CFGn;
using v3::SMMU_CMDQ_CONTROL_PAGE_STATUSn;
using v3::SMMU_IDR6;

namespace {

constexpr std::uint32_t kPageRegisters = SMMU_CMDQ_CONTROL_PAGE_BASEn::offset(0);
constexpr std::uint32_t kPageStride = SMMU_CMDQ_CONTROL_PAGE_BASEn::offset(1) - kPageRegisters;

constexpr std::uint32_t kQueueBytes = 16;
constexpr unsigned kBellsOfAWord = 64;

// 6.3.45, 6.3.91: the fields of both are the same.
SMMU_IDR6 idr6_of(const SmmuV3Config& config, SecurityState security) {
  return security == SecurityState::kSecure ? SMMU_IDR6(config.s_idr6.raw()) : config.idr6;
}

}  // namespace

EnhancedCommandQueues::EnhancedCommandQueues(const SmmuV3Config& config, const Features& features,
                                             RegisterFile& registers, Tcu& tcu,
                                             CommandConsumer& consumer)
    : idr6_(idr6_of(config, features.security)),
      first_page_(features.security == SecurityState::kSecure ? kFirstSecurePage : kFirstPage),
      features_(features),
      registers_(registers),
      tcu_(tcu),
      consumer_(consumer),
      log2_pages_(idr6_[SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP]),
      log2_queues_(idr6_[SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ]),
      count_(1U << (log2_pages_ + log2_queues_)),
      queues_(std::make_unique<EnhancedCommandQueue[]>(count_)),
      bells_((count_ + kBellsOfAWord - 1) / kBellsOfAWord) {
  for (std::uint32_t i = 0; i != count_; ++i) queues_[i].set_number(i + 1);
}

// 6.2.5: the queues of a page are spread evenly over it.
EnhancedCommandQueue* EnhancedCommandQueues::find(std::uint32_t offset,
                                                  std::uint32_t& within) const {
  if (!has_page(offset)) return nullptr;
  const unsigned log2_stride = kLog2Page - log2_queues_;
  within = (offset - first_page_) & static_cast<std::uint32_t>(mask(log2_stride - 1, 0));
  if (within >= kQueueBytes) return nullptr;
  return &queues_[(offset - first_page_) >> log2_stride];
}

std::uint32_t EnhancedCommandQueues::read32(std::uint32_t offset) const {
  std::uint32_t within = 0;
  if (const EnhancedCommandQueue* queue = find(offset, within)) return queue->read32(within);
  if (offset == SMMU_IDR6::kOffset) return idr6_.raw();
  if (offset < kPageRegisters || (offset - kPageRegisters) / kPageStride >> log2_pages_ != 0) {
    return 0;
  }
  const std::uint32_t page = (offset - kPageRegisters) / kPageStride;
  const std::uint64_t base =
      SMMU_CMDQ_CONTROL_PAGE_BASEn()
          .set(SMMU_CMDQ_CONTROL_PAGE_BASEn::CMDQ_CONTROL_PAGE_PRESET, true)
          .set(SMMU_CMDQ_CONTROL_PAGE_BASEn::CMDQGS, TG0::k64K)
          .set(SMMU_CMDQ_CONTROL_PAGE_BASEn::ADDR, first_page_ + (page << kLog2Page))
          .raw();
  if (offset == SMMU_CMDQ_CONTROL_PAGE_BASEn::offset(page)) return static_cast<std::uint32_t>(base);
  if (offset == SMMU_CMDQ_CONTROL_PAGE_BASEn::offset(page) + 4) {
    return static_cast<std::uint32_t>(base >> 32);
  }
  // 6.3.50, 6.3.51: a page is always enabled.
  if (offset == SMMU_CMDQ_CONTROL_PAGE_CFGn::offset(page)) {
    return SMMU_CMDQ_CONTROL_PAGE_CFGn().set(SMMU_CMDQ_CONTROL_PAGE_CFGn::EN, true).raw();
  }
  if (offset == SMMU_CMDQ_CONTROL_PAGE_STATUSn::offset(page)) {
    return SMMU_CMDQ_CONTROL_PAGE_STATUSn().set(SMMU_CMDQ_CONTROL_PAGE_STATUSn::ENACK, true).raw();
  }
  return 0;
}

bool EnhancedCommandQueues::write32(std::uint32_t offset, std::uint32_t value) {
  std::uint32_t within = 0;
  EnhancedCommandQueue* queue = find(offset, within);
  if (queue == nullptr) return false;
  const auto written = queue->write32(within, value, features_);
  if (written == EnhancedCommandQueue::Written::kNothingToDo) return false;
  if (written == EnhancedCommandQueue::Written::kEnabled) registers_.hold_queue_attributes();
  ring(queue->number() - 1);
  return true;
}

void EnhancedCommandQueues::ring(std::uint32_t number) {
  bells_[number / kBellsOfAWord].fetch_or(std::uint64_t{1} << number % kBellsOfAWord,
                                          std::memory_order_seq_cst);
}

void EnhancedCommandQueues::quieten(std::uint32_t number) {
  bells_[number / kBellsOfAWord].fetch_and(~(std::uint64_t{1} << number % kBellsOfAWord),
                                           std::memory_order_seq_cst);
}

// 3.5.6.1: no order among queues is promised; here they take turns.
std::uint32_t EnhancedCommandQueues::consume(std::uint32_t most) {
  for (std::uint32_t passed = 0; passed < count_;) {
    const std::uint32_t number = next_;
    const std::uint64_t bells =
        bells_[number / kBellsOfAWord].load(std::memory_order_seq_cst) >> number % kBellsOfAWord;
    const std::uint32_t left = std::min(kBellsOfAWord - number % kBellsOfAWord, count_ - number);
    const std::uint32_t silent =
        std::min(static_cast<std::uint32_t>(std::countr_zero(bells)), left);
    if (silent != 0) {
      next_ = (number + silent) % count_;
      passed += silent;
      continue;
    }
    next_ = (number + 1) % count_;
    ++passed;
    const std::uint32_t consumed = serve(queues_[number], std::min(most, kTurn));
    if (consumed != 0) return consumed;
  }
  return 0;
}

std::uint32_t EnhancedCommandQueues::serve(EnhancedCommandQueue& queue, std::uint32_t most) {
  switch (queue.acknowledge(features_)) {
    case EnhancedCommandQueue::Transition::kDisabled:
      consumer_.abandon_sync(queue);
      registers_.release_queue_attributes();
      return 1;
    case EnhancedCommandQueue::Transition::kEnabled:
      return 1;
    case EnhancedCommandQueue::Transition::kNone:
      break;
  }
  tcu_.serve(queue.number());
  const std::uint32_t consumed = consumer_.consume(queue, most);
  tcu_.serve(0);
  // A CMD_SYNC that waits is looked at whenever an access has ended.
  if (consumed != 0 || queue.may_have_commands()) return consumed;
  quieten(queue.number() - 1);
  // Software may have rung while this was found empty.
  if (queue.in_transition() || queue.may_have_commands()) ring(queue.number() - 1);
  return 0;
}

void EnhancedCommandQueues::reset() {
  for (std::uint32_t i = 0; i != count_; ++i) queues_[i].reset();
  for (auto& word : bells_) word.store(0, std::memory_order_relaxed);
  next_ = 0;
}

}  // namespace smmu::emulator
