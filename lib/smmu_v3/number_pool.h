// Numbers that are given out and taken back: ASIDs, VMIDs.
#ifndef SMMU_LIB_SMMU_V3_NUMBER_POOL_H_
#define SMMU_LIB_SMMU_V3_NUMBER_POOL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

namespace smmu::iommu {

// Those of `bits` bits, but for 0.  The ones that came back last are given out last, so that a
// mistake with an old one is seen.
class NumberPool {
 public:
  NumberPool() = default;

  // False: not enough memory.
  // REQUIRES: bits is 1 to 16.
  bool create(unsigned bits) {
    count_ = std::uint32_t{1} << bits;
    taken_.reset(new (std::nothrow) bool[count_]());
    return taken_ != nullptr;
  }
  // None: all are taken.
  std::optional<std::uint16_t> take() {
    const std::lock_guard guard(mutex_);
    for (std::uint32_t i = 0; i != count_; ++i) {
      const std::uint32_t number = next_;
      next_ = next_ + 1 == count_ ? 0 : next_ + 1;
      if (number == 0 || taken_[number]) continue;
      taken_[number] = true;
      return static_cast<std::uint16_t>(number);
    }
    return std::nullopt;
  }
  void give_back(std::uint16_t number) {
    const std::lock_guard guard(mutex_);
    taken_[number] = false;
  }

 private:
  std::mutex mutex_;
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 1;
  std::unique_ptr<bool[]> taken_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_NUMBER_POOL_H_
