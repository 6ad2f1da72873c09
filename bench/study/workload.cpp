#include "bench/study/workload.h"

#include <array>
#include <iterator>

namespace smmu::study {

std::uint64_t mixed_pages(Random& random) {
  constexpr std::array<std::uint64_t, 6> kOdd = {3, 5, 9, 17, 33, 64};
  const std::size_t percent = random.below(100);
  if (percent < 60) return 1;
  if (percent < 70) return 2;
  if (percent < 78) return 4;
  if (percent < 84) return 8;
  if (percent < 89) return 16;
  if (percent < 94) return 32;
  return kOdd[random.below(kOdd.size())];
}

std::vector<NamedWorkload> workloads() {
  std::vector<NamedWorkload> all = steady_workloads();
  std::vector<NamedWorkload> packing = packing_workloads();
  std::move(packing.begin(), packing.end(), std::back_inserter(all));
  return all;
}

}  // namespace smmu::study
