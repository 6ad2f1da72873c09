#include "bench/study/percentiles.h"

#include <algorithm>

namespace smmu::study {

Percentiles Percentiles::of(std::vector<std::uint32_t> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  // The sample that so many of a thousand are not above.
  const auto at = [&samples](std::size_t thousandths) {
    return samples[(samples.size() * thousandths + 999) / 1000 - 1];
  };
  return {samples.size(), at(500), at(990), at(999), samples.back()};
}

}  // namespace smmu::study
