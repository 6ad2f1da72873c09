#include "bench/study/player.h"

namespace smmu::study {

void Player::begin(Watch watch, const Budget& budget) {
  watch_ = watch;
  budget_ = budget;
  visits_at_begin_ = allocator_.visits();
  worst_visits_ = requests_ = refusals_ = 0;
  allocations_.clear();
  frees_.clear();
}

std::optional<Range> Player::try_allocate(const Request& request) {
  std::optional<Pfn> first;
  if (watch_ == Watch::kNothing) {
    first = allocator_.allocate(request);
  } else {
    const std::uint64_t before = allocator_.visits();
    if (watch_ == Watch::kTime) {
      const Stopwatch stopwatch;
      first = allocator_.allocate(request);
      allocations_.push_back(stopwatch.elapsed());
    } else {
      first = allocator_.allocate(request);
    }
    ++requests_;
    worst_visits_ = std::max(worst_visits_, allocator_.visits() - before);
    if (visits() > budget_.too_many) throw OverBudget();
  }
  if (!first) {
    ++refusals_;
    return std::nullopt;
  }
  return Range{*first, request.pages};
}

void Player::free(const Range& range) {
  if (watch_ != Watch::kTime) {
    allocator_.free(range.first, range.pages);
    return;
  }
  const Stopwatch stopwatch;
  allocator_.free(range.first, range.pages);
  frees_.push_back(stopwatch.elapsed());
}

}  // namespace smmu::study
