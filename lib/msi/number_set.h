// Numbers in a row, each of which is somebody's or nobody's.
#ifndef SMMU_LIB_MSI_NUMBER_SET_H_
#define SMMU_LIB_MSI_NUMBER_SET_H_

#include <cstdint>
#include <memory>
#include <optional>

namespace smmu::iommu {

// One thread at a time.
class NumberSet {
 public:
  // None of [first, first + count) is anybody's.  An empty one if there is no memory for them.
  NumberSet(std::uint32_t first, std::uint32_t count);

  std::uint32_t count() const { return count_; }
  bool is_taken(std::uint32_t number) const {
    return number - first_ < count_ && taken_[number - first_];
  }

  // The lowest `count` numbers in a row that are nobody's, the first of them a multiple of `count`
  // rounded up to a power of two.
  // REQUIRES: count is from 1 to count().
  std::optional<std::uint32_t> take(std::uint32_t count);
  // REQUIRES: they are taken.
  void give_back(std::uint32_t first, std::uint32_t count);

 private:
  const std::uint32_t first_;
  const std::unique_ptr<bool[]> taken_;
  const std::uint32_t count_;
  std::uint32_t lowest_ = 0;  // all below it are taken; counted from first_
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_MSI_NUMBER_SET_H_
