// A list that says so when it cannot grow, where std::vector would throw.
#ifndef SMMU_LIB_SMMU_V3_GROWING_ARRAY_H_
#define SMMU_LIB_SMMU_V3_GROWING_ARRAY_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace smmu::iommu {

template <class T>
class GrowingArray {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_.get(); }
  T* end() { return items_.get() + size_; }
  const T* begin() const { return items_.get(); }
  const T* end() const { return items_.get() + size_; }

  // Makes room for so many more.  False: there is no memory, and nothing has changed.
  bool reserve(std::size_t more) {
    if (more <= capacity_ - size_) return true;
    const std::size_t capacity = std::max(2 * capacity_, size_ + more);
    std::unique_ptr<T[]> items(new (std::nothrow) T[capacity]());
    if (items == nullptr) return false;
    std::move(begin(), end(), items.get());
    items_ = std::move(items);
    capacity_ = capacity;
    return true;
  }
  // REQUIRES: there is room.
  void insert(std::size_t at, T item) {
    std::move_backward(begin() + at, end(), end() + 1);
    items_[at] = std::move(item);
    ++size_;
  }
  void append(T item) { insert(size_, std::move(item)); }
  void erase(std::size_t at) {
    std::move(begin() + at + 1, end(), begin() + at);
    items_[--size_] = T();
  }

 private:
  std::unique_ptr<T[]> items_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_GROWING_ARRAY_H_
