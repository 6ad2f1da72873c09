// Seeds of random tests.  They are the same in every run; a run of other seeds, or of the one that
// failed, is SMMU_IOVA_SEED=N test_iova --gtest_filter=NAME.
#ifndef SMMU_TEST_IOVA_SEEDS_H_
#define SMMU_TEST_IOVA_SEEDS_H_

#include <cstdint>
#include <cstdlib>
#include <random>

namespace smmu::iommu {

// The first of a test's seeds; the others count up from it.
inline std::uint64_t first_seed(std::uint64_t usual) {
  const char* const wanted = std::getenv("SMMU_IOVA_SEED");
  return wanted ? std::strtoull(wanted, nullptr, 0) : usual;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t any() { return engine_(); }
  // REQUIRES: sides != 0.
  std::uint64_t below(std::uint64_t sides) { return engine_() % sides; }
  std::uint64_t between(std::uint64_t first, std::uint64_t last) {
    return last - first == ~std::uint64_t{0} ? any() : first + below(last - first + 1);
  }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// A guess, with no trace behind it: sizes as a network card and an NVMe drive may ask for.
inline std::uint64_t mixed_pages(Dice& dice) {
  constexpr std::uint64_t kOdd[] = {3, 5, 9, 17, 33, 64};
  const std::uint64_t percent = dice.below(100);
  if (percent < 60) return 1;
  if (percent < 70) return 2;
  if (percent < 78) return 4;
  if (percent < 84) return 8;
  if (percent < 89) return 16;
  if (percent < 94) return 32;
  return kOdd[dice.below(6)];
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_SEEDS_H_
