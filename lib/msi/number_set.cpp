#include "lib/msi/number_set.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

namespace smmu::iommu {

NumberSet::NumberSet(std::uint32_t first, std::uint32_t count)
    : first_(first), taken_(new (std::nothrow) bool[count]()), count_(taken_ ? count : 0) {}

std::optional<std::uint32_t> NumberSet::take(std::uint32_t count) {
  assert(count != 0 && count <= count_);
  // In 64 bits, so that no end of a range wraps.
  const std::uint64_t step = std::bit_ceil(std::uint64_t{count});
  const std::uint64_t end = std::uint64_t{first_} + count_;
  const std::uint64_t lowest = std::uint64_t{first_} + lowest_;
  for (std::uint64_t at = (lowest + step - 1) / step * step; at + count <= end; at += step) {
    bool* const begin = &taken_[at - first_];
    if (std::find(begin, begin + count, true) != begin + count) continue;
    std::fill(begin, begin + count, true);
    while (lowest_ != count_ && taken_[lowest_]) ++lowest_;
    return static_cast<std::uint32_t>(at);
  }
  return std::nullopt;
}

void NumberSet::give_back(std::uint32_t first, std::uint32_t count) {
  assert(count <= count_ && first - first_ <= count_ - count);
  const std::uint32_t index = first - first_;
  assert(std::find(&taken_[index], &taken_[index] + count, false) == &taken_[index] + count);
  std::fill(&taken_[index], &taken_[index] + count, false);
  lowest_ = std::min(lowest_, index);
}

}  // namespace smmu::iommu
