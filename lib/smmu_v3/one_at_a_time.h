// Work that any thread may ask for and one does.
#ifndef SMMU_LIB_SMMU_V3_ONE_AT_A_TIME_H_
#define SMMU_LIB_SMMU_V3_ONE_AT_A_TIME_H_

#include <atomic>
#include <cstdint>

namespace smmu::iommu {

class OneAtATime {
 public:
  enum class Left : std::uint8_t { kNothing, kMore };

  // Does `work`, at least once from now on: by this thread, or by the one that is at it already,
  // which may be this one, further up.  Then it does it once more after it has finished; but not
  // for ever, whoever goes on asking.  kMore: somebody has asked whose work is still to be done,
  // and nobody is at it any more.
  template <class F>
  [[nodiscard]] Left ask(F&& work) {
    if (asked_.fetch_add(1) != 0) return Left::kNothing;
    for (unsigned round = 0; round != kMostRounds; ++round) {
      const std::uint32_t answered = asked_.load();
      work();
      if (asked_.fetch_sub(answered) == answered) return Left::kNothing;
    }
    asked_.store(0);
    return Left::kMore;
  }

 private:
  static constexpr unsigned kMostRounds = 16;

  std::atomic<std::uint32_t> asked_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_ONE_AT_A_TIME_H_
