// A domain beside a sorted vector, both asked the same at random: every answer is equal, and the
// tree is a red-black tree whose nodes know their gaps.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "lib/iova/iova_space.h"
#include "smmu/iommu/iova.h"
#include "test/iova/duel.h"
#include "test/iova/seeds.h"
#include "test/iova/shape.h"

namespace smmu::iommu::model_test {
namespace {

constexpr std::uint64_t kSteps = 2000;       // of one domain
constexpr std::uint64_t kDomains = 250;      // of one order and kind
constexpr std::uint64_t kChecked = 100'000;  // steps of these, each followed by a look at the tree

// What is in a domain, whose tree can be looked at, and a domain.
struct SpaceKind {
  using Subject = IovaSpace;
  static std::unique_ptr<Subject> make(const Shape& shape) {
    return std::make_unique<IovaSpace>(shape.start, shape.end, shape.boundary, shape.config);
  }
  static bool consistent(const Subject& subject) { return subject.consistent(); }
};
struct DomainKind {
  using Subject = IovaDomain;
  static std::unique_ptr<Subject> make(const Shape& shape) {
    auto made = IovaDomain::create(shape.granule, shape.start, shape.config);
    return made ? *std::move(made) : nullptr;
  }
  static bool consistent(const Subject&) { return true; }
};

template <class Kind>
void duels(std::uint64_t usual_seed, const IovaConfig& config) {
  const std::uint64_t seed = first_seed(usual_seed);
  std::printf("seeds %ju to %ju, %ju steps each\n", std::uintmax_t{seed},
              std::uintmax_t{seed + kDomains - 1}, std::uintmax_t{kSteps});
  std::uint64_t steps = 0;
  for (std::uint64_t i = 0; i != kDomains; ++i) {
    Duel<Kind> duel(seed + i, config);
    for (std::uint64_t step = 0; step != kSteps; ++step) {
      if (!duel.step(steps++ < kChecked || step % 500 == 0)) {
        FAIL() << fmt::format("SMMU_IOVA_SEED={}, step {}: {}", seed + i, step, duel.asked());
      }
      if (step % 250 == 249) duel.compare_all();
    }
  }
}

constexpr IovaConfig kHighest = {.threads = Threads::kOne};
constexpr IovaConfig kLinux = {.order = IovaOrder::kLinuxExact, .threads = Threads::kOne};
constexpr IovaConfig kLinuxWithMemo = {
    .order = IovaOrder::kLinuxExact, .failure_memo = FailureMemo::kOn, .threads = Threads::kOne};

TEST(IovaModel, HighestGapAnswersAsTheModel) { duels<SpaceKind>(1000, kHighest); }
TEST(IovaModel, LinuxOrderAnswersAsTheModel) { duels<SpaceKind>(2000, kLinux); }
TEST(IovaModel, LinuxOrderWithItsMemoAnswersAsTheModel) { duels<SpaceKind>(3000, kLinuxWithMemo); }

TEST(IovaModel, ADomainOfHighestGapAnswersAsTheModel) { duels<DomainKind>(4000, kHighest); }
TEST(IovaModel, ADomainOfLinuxOrderAnswersAsTheModel) { duels<DomainKind>(5000, kLinux); }
TEST(IovaModel, ADomainOfLinuxOrderWithItsMemoAnswersAsTheModel) {
  duels<DomainKind>(6000, kLinuxWithMemo);
}

}  // namespace
}  // namespace smmu::iommu::model_test
