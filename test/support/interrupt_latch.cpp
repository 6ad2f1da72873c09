#include "smmu/testing/interrupt_latch.h"

namespace smmu::testing {

thread_local InterruptLatch::Access* InterruptLatch::Access::innermost_ = nullptr;

InterruptLatch::Access::~Access() {
  innermost_ = outer_;
  if (latch_.any_.load(std::memory_order_relaxed) && !latch_.is_accessed_here()) latch_.deliver();
}

bool InterruptLatch::is_accessed_here() const {
  for (const Access* access = Access::innermost_; access != nullptr; access = access->outer_) {
    if (&access->latch_ == this) return true;
  }
  return false;
}

void InterruptLatch::deliver() {
  while (any_.exchange(false)) {
    for (Line& line : lines_) line.deliver();
  }
}

void InterruptLatch::Line::pulse() {
  latched_.store(true);
  latch_.any_.store(true);
  if (!latch_.is_accessed_here()) latch_.deliver();
}

void InterruptLatch::Line::deliver() {
  if (!latched_.exchange(false)) return;
  if (InterruptLine* const to = to_.load()) to->pulse();
}

}  // namespace smmu::testing
