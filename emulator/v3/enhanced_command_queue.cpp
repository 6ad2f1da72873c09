#include "emulator/v3/enhanced_command_queue.h"

#include <algorithm>

namespace smmu::emulator {

namespace {

constexpr std::uint32_t kHighHalf = 4;

}  // namespace

std::uint32_t EnhancedCommandQueue::read32(std::uint32_t offset) const {
  switch (offset) {
    case Base::kOffset:
      return static_cast<std::uint32_t>(base().raw());
    case Base::kOffset + kHighHalf:
      return static_cast<std::uint32_t>(base().raw() >> 32);
    case Prod::kOffset:
      return prod().raw();
    case Cons::kOffset:
      return cons().raw();
    default:
      return 0;
  }
}

EnhancedCommandQueue::Written EnhancedCommandQueue::write32(std::uint32_t offset,
                                                            std::uint32_t value,
                                                            const Features& features) {
  if (offset == Prod::kOffset) {
    const Prod asked(static_cast<std::uint32_t>(value & named_bits<Prod>()));
    // 6.3.108: read-only in a transition.
    if (in_transition()) return Written::kNothingToDo;
    const Prod before(prod_.exchange(asked.raw(), std::memory_order_seq_cst));
    return !before[Prod::EN] && asked[Prod::EN] ? Written::kEnabled : Written::kRung;
  }
  if (!disabled()) return Written::kNothingToDo;
  if (offset == Cons::kOffset) {
    store_index(Cons(static_cast<std::uint32_t>(value & named_bits<Cons>())), features);
  } else if (offset == Base::kOffset || offset == Base::kOffset + kHighHalf) {
    store_base(offset / kHighHalf, value, features);
  }
  return Written::kNothingToDo;
}

void EnhancedCommandQueue::store_base(unsigned half, std::uint32_t value,
                                      const Features& features) {
  const std::uint64_t other = base().raw() & (half == 0 ? ~mask(31, 0) : mask(31, 0));
  base_.store((other | std::uint64_t{value} << (32 * half)) & named_bits<Base>(),
              std::memory_order_release);
  store_index(cons(), features);
}

// As of SMMU_CMDQ_CONS (6.3.28): the index reads 0 above its wrap bit.
void EnhancedCommandQueue::store_index(Cons asked, const Features& features) {
  const unsigned wrap = std::min(base()[Base::LOG2SIZE], features.idr1[v3::SMMU_IDR1::CMDQS]);
  asked.set(Cons::RD, static_cast<std::uint32_t>(asked[Cons::RD] & mask(wrap, 0)))
      .set(Cons::ENACK, false);
  std::uint32_t before = cons_.load(std::memory_order_seq_cst);
  // Another thread may have enabled the queue meanwhile: then it is too late.
  if (!Cons(before)[Cons::ENACK]) cons_.compare_exchange_strong(before, asked.raw());
}

EnhancedCommandQueue::Transition EnhancedCommandQueue::acknowledge(const Features& features) {
  const bool enabled = prod()[Prod::EN];
  const Cons cons = this->cons();
  if (enabled == cons[Cons::ENACK]) return Transition::kNone;
  if (enabled) {
    const Queue queue(base()[Base::ADDR], base()[Base::LOG2SIZE],
                      features.idr1[v3::SMMU_IDR1::CMDQS], kLog2CommandBytes, features.output_bits);
    queue_.store(queue.word(), std::memory_order_release);
  }
  store(Cons(cons).set(Cons::ENACK, enabled));
  return enabled ? Transition::kEnabled : Transition::kDisabled;
}

void EnhancedCommandQueue::reset() {
  base_.store(0, std::memory_order_relaxed);
  prod_.store(0, std::memory_order_relaxed);
  cons_.store(0, std::memory_order_relaxed);
}

}  // namespace smmu::emulator
