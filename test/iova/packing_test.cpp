// How much fits below 4 GiB before the first refusal.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <memory>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"

namespace smmu::iommu::packing_test {
namespace {

std::uint64_t live_before_the_first_refusal(IovaOrder order, std::uint64_t seed) {
  const auto space = IovaDomain::create(4096, 1, {.order = order, .threads = Threads::kOne});
  if (!space) return 0;
  Dice dice(seed);
  while ((*space)->allocate(mixed_pages(dice), 0xfffff)) {
  }
  return (*space)->statistics().ranges;
}

// Linux goes on below what it gave last, and so leaves behind what alignment costs.
TEST(IovaPacking, TheHighestGapHoldsFourTenthsMoreThanLinuxsOrder) {
  for (std::uint64_t seed = first_seed(1), end = seed + 3; seed != end; ++seed) {
    const auto linux_exact = live_before_the_first_refusal(IovaOrder::kLinuxExact, seed);
    const auto highest_gap = live_before_the_first_refusal(IovaOrder::kHighestGap, seed);
    EXPECT_GT(linux_exact, 100'000U);
    EXPECT_GE(static_cast<double>(highest_gap), 1.4 * static_cast<double>(linux_exact))
        << "seed " << seed << ": " << highest_gap << " and " << linux_exact;
    std::printf("live ranges before the first refusal: highest gap %ju, Linux's order %ju\n",
                std::uintmax_t{highest_gap}, std::uintmax_t{linux_exact});
  }
}

}  // namespace
}  // namespace smmu::iommu::packing_test
