// Lists of elements that know their neighbours, for which nothing is asked of the heap.  Not for
// users: it is here because devices, groups and domains are in such lists.
#ifndef SMMU_IOMMU_LINKED_LIST_H_
#define SMMU_IOMMU_LINKED_LIST_H_

#include <cstddef>

namespace smmu::iommu {

template <class T, class Of>
class LinkedList;

// The place of a T in a list of an Of; a base class of T.
template <class T, class Of>
class ListPlace {
 protected:
  ListPlace() = default;
  ~ListPlace() = default;

 private:
  friend class LinkedList<T, Of>;
  ListPlace* before_ = nullptr;
  ListPlace* after_ = nullptr;
};

template <class T, class Of>
class LinkedList {
 public:
  LinkedList() { ends_.before_ = ends_.after_ = &ends_; }
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // REQUIRES: not empty.
  T& front() const { return static_cast<T&>(*ends_.after_); }
  T& back() const { return static_cast<T&>(*ends_.before_); }

  // REQUIRES: it is in no list of an Of.
  void push_front(T& element) { insert(element, *ends_.after_); }
  void push_back(T& element) { insert(element, ends_); }
  // REQUIRES: it is in this list.
  void remove(T& element) {
    ListPlace<T, Of>& place = element;
    place.before_->after_ = place.after_;
    place.after_->before_ = place.before_;
    place.before_ = place.after_ = nullptr;
    --size_;
  }

  // The element that it is at must not be removed before it went on.
  class Iterator {
   public:
    T& operator*() const { return static_cast<T&>(*place_); }
    Iterator& operator++() {
      place_ = place_->after_;
      return *this;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    friend class LinkedList;
    explicit Iterator(ListPlace<T, Of>* place) : place_(place) {}
    ListPlace<T, Of>* place_;
  };
  Iterator begin() const { return Iterator(ends_.after_); }
  Iterator end() const { return Iterator(ends_.after_->before_); }

 private:
  struct Ends : ListPlace<T, Of> {};

  void insert(T& element, ListPlace<T, Of>& after) {
    ListPlace<T, Of>& place = element;
    place.before_ = after.before_;
    place.after_ = &after;
    after.before_->after_ = &place;
    after.before_ = &place;
    ++size_;
  }

  Ends ends_;  // after the last and before the first
  std::size_t size_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_LINKED_LIST_H_
