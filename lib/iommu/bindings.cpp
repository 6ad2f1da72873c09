#include "lib/iommu/bindings.h"

#include <algorithm>

namespace smmu::iommu {

void Bindings::insert(Binding& binding) {
  by_pa_.insert(binding);
  by_iova_.insert(binding);
  longest_ = std::max(longest_, binding.last.value - binding.first.value);
}

void Bindings::remove(Binding& binding) {
  by_pa_.erase(by_pa_.iterator_to(binding));
  by_iova_.erase(by_iova_.iterator_to(binding));
  if (empty()) longest_ = 0;
}

Binding* Bindings::find(Pa first, Pa last, Prot prot) {
  const auto begins_above = [](Pa pa, const Binding& binding) { return pa < binding.first; };
  for (auto above = by_pa_.upper_bound(first, begins_above); above != by_pa_.begin();) {
    Binding& binding = *--above;
    if (last.value - binding.first.value > longest_) return nullptr;
    if (binding.last >= last && allows(binding.prot, prot)) return &binding;
  }
  return nullptr;
}

Binding* Bindings::find(Iova iova) {
  const auto begins_above = [](Iova at, const Binding& binding) { return at < binding.iova; };
  const auto above = by_iova_.upper_bound(iova, begins_above);
  if (above == by_iova_.begin()) return nullptr;
  Binding& binding = *std::prev(above);
  return iova.value - binding.iova.value < binding.size() ? &binding : nullptr;
}

}  // namespace smmu::iommu
