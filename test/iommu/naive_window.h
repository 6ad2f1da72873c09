// What a window should answer, found the slow way: a list of bindings, and one of granules.
#ifndef SMMU_TEST_IOMMU_NAIVE_WINDOW_H_
#define SMMU_TEST_IOMMU_NAIVE_WINDOW_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "smmu/iommu/prot.h"
#include "smmu/types.h"

namespace smmu::iommu {

class NaiveWindow {
 public:
  struct Binding {
    std::uint64_t first;
    std::uint64_t last;
    Prot prot;
    std::uint64_t granule;  // its first, of the window
    unsigned references;
  };

  NaiveWindow(Iova base, std::uint64_t granules, std::uint64_t granule)
      : base_(base.value), granule_(granule), taken_(granules) {}

  // None: no room is left.
  std::optional<Iova> get(Pa pa, std::uint64_t size, Prot prot) {
    const std::uint64_t last = pa.value + size - 1;
    Binding* best = nullptr;
    for (Binding& binding : bindings_) {
      if (binding.first > pa.value || binding.last < last || !enough(binding.prot, prot)) continue;
      if (best == nullptr || binding.first > best->first ||
          (binding.first == best->first && binding.last <= best->last)) {
        best = &binding;
      }
    }
    if (best == nullptr) best = bind(pa.value / granule_, last / granule_, prot);
    if (best == nullptr) return std::nullopt;
    ++best->references;
    return Iova(base_ + best->granule * granule_ + (pa.value - best->first));
  }

  void put(Iova iova) {
    for (auto binding = bindings_.begin(); binding != bindings_.end(); ++binding) {
      const std::uint64_t begin = base_ + binding->granule * granule_;
      const std::uint64_t size = binding->last - binding->first + 1;
      if (iova.value < begin || iova.value - begin >= size) continue;
      if (--binding->references != 0) return;
      take(binding->granule, size / granule_, false);
      bindings_.erase(binding);
      return;
    }
  }

  // In the order they were made.
  const std::vector<Binding>& bindings() const { return bindings_; }
  std::optional<Pa> iova_to_phys(Iova iova) const {
    for (const Binding& binding : bindings_) {
      const std::uint64_t begin = base_ + binding.granule * granule_;
      if (iova.value >= begin && iova.value - begin <= binding.last - binding.first) {
        return Pa(binding.first + (iova.value - begin));
      }
    }
    return std::nullopt;
  }

 private:
  static bool enough(Prot granted, Prot asked) {
    const auto one = [&](Prot right) { return !has(asked, right) || has(granted, right); };
    const auto unless = [&](Prot limit) { return !has(granted, limit) || has(asked, limit); };
    return one(Prot::kRead) && one(Prot::kWrite) && unless(Prot::kNoExec) && unless(Prot::kPriv);
  }

  void take(std::uint64_t first, std::uint64_t count, bool taken) {
    for (std::uint64_t i = 0; i < count; ++i) taken_[first + i] = taken;
  }

  // The highest place that is aligned to the size rounded up to a power of two.
  Binding* bind(std::uint64_t first, std::uint64_t last, Prot prot) {
    const std::uint64_t count = last - first + 1;
    std::uint64_t alignment = 1;
    while (alignment < count) alignment *= 2;
    for (std::uint64_t at = taken_.size(); at-- != 0;) {
      if ((base_ / granule_ + at) % alignment != 0 || at + count > taken_.size()) continue;
      bool free = true;
      for (std::uint64_t i = 0; i < count; ++i) free = free && !taken_[at + i];
      if (!free) continue;
      take(at, count, true);
      bindings_.push_back({first * granule_, (last + 1) * granule_ - 1, prot, at, 0});
      return &bindings_.back();
    }
    return nullptr;
  }

  const std::uint64_t base_;
  const std::uint64_t granule_;
  std::vector<bool> taken_;
  std::vector<Binding> bindings_;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOMMU_NAIVE_WINDOW_H_
