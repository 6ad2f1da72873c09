// Work that any thread may ask for and one does.
#ifndef LIB_SMMU_V3_ONE_AT_A_TIME_H_
#define LIB_SMMU_V3_ONE_AT_A_TIME_H_

#include <atomic>
#include <cstdint>

namespace smmu::iommu {

class OneAtATime {
 public:
  // Does `work`, at least once from now on: by this thread, or by the one that is at it already,
  // which may be this one, further up.  Then it does it once more after it has finished.
  template <class F>
  void ask(F&& work) {
    if (asked_.fetch_add(1) != 0) return;
    std::uint32_t answered;
    do {
      answered = asked_.load();
      work();
    } while (asked_.fetch_sub(answered) != answered);
  }

 private:
  std::atomic<std::uint32_t> asked_{0};
};

}  // namespace smmu::iommu

#endif  // LIB_SMMU_V3_ONE_AT_A_TIME_H_
