#include "lib/iova/iova_space.h"

#include <algorithm>
#include <atomic>

namespace smmu::iommu {

std::uint64_t IovaSpace::new_era() {
  static std::atomic<std::uint64_t> newest{0};
  return newest.fetch_add(1, std::memory_order_relaxed);
}

Result<IovaRange, std::errc> IovaSpace::allocate(std::uint64_t pages, Pfn limit,
                                                 Alignment alignment) {
  if (pages == 0) return std::errc::invalid_argument;
  const GapRequest request(pages, alignment);
  const Pfn below = std::min(limit, tree_.end() - 1) + 1;
  const GapTree::Place place =
      linux_ ? linux_order_.find(request, below) : highest_.find(request, below);
  if (!place.node) return std::errc::not_enough_memory;
  IovaNode* const node = slab_.take();
  if (!node) return std::errc::not_enough_memory;
  const Pfn end = place.first + pages;
  tree_.insert(node, place.first, end, place.node);
  if (linux_) {
    linux_order_.on_allocated(node, end);
  } else {
    highest_.on_inserted(node, place.node);
  }
  return IovaRange(place.first, end - 1, node, era_);
}

[[gnu::always_inline]] inline bool IovaSpace::live(const IovaRange& range, IovaNode*& above) const {
  // Before anything else, because the node of another era is another tree's, or no memory any more.
  if (range.era_ != era_) return false;
  IovaNode* const node = range.node_;
  if (!node->has(IovaNode::kLive) || node->has(IovaNode::kParked) || node->first != range.first()) {
    return false;
  }
  above = GapTree::next(node);
  return above->gap - 1 == range.last();
}

[[gnu::always_inline]] inline void IovaSpace::erase(IovaNode* node, IovaNode* above) {
  if (linux_) {
    linux_order_.on_free(node, above);
  } else {
    highest_.on_free(node, above);
  }
  tree_.erase(node, above);
  slab_.give_back(node);
}

void IovaSpace::insert(IovaNode* node, Pfn first, Pfn end, IovaNode* above) {
  tree_.insert(node, first, end, above);
  if (!linux_) highest_.on_inserted(node, above);
}

void IovaSpace::on_part_freed(Pfn first, Pfn last, IovaNode* above) {
  if (linux_) {
    linux_order_.on_part_freed(first, last, above);
  } else {
    highest_.on_part_freed(first, above);
  }
}

bool IovaSpace::free(const IovaRange& range) {
  IovaNode* above = nullptr;
  if (!live(range, above)) return false;
  erase(range.node_, above);
  return true;
}

Result<IovaRange, std::errc> IovaSpace::free(Pfn page) {
  if (page >= tree_.end()) return std::errc::invalid_argument;
  const GapTree::Neighbours found = tree_.around(page);
  if (!found.contain(page) || found.at_or_below->has(IovaNode::kParked)) {
    return std::errc::invalid_argument;
  }
  const IovaRange range = range_of(found.at_or_below, found.above);
  erase(found.at_or_below, found.above);
  return range;
}

std::optional<FreeFault> IovaSpace::look_at(Pfn first, std::uint64_t pages,
                                            GapTree::Neighbours& found) const {
  if (first >= tree_.end()) return FreeFault::kForeignPfn;
  found = tree_.around(first);
  const IovaNode* const node = found.at_or_below;
  if (!node || node->first != first || node->has(IovaNode::kReserved)) {
    return FreeFault::kForeignPfn;
  }
  if (found.above->gap - first != pages) {
    return node->has(IovaNode::kParked) ? FreeFault::kDoubleFree : FreeFault::kWrongSize;
  }
  return std::nullopt;
}

std::optional<FreeFault> IovaSpace::free(Pfn first, std::uint64_t pages) {
  GapTree::Neighbours found{};
  const auto fault = look_at(first, pages, found);
  if (!fault) erase(found.at_or_below, found.above);
  return fault;
}

std::optional<FreeFault> IovaSpace::park(Pfn first, std::uint64_t pages) {
  GapTree::Neighbours found{};
  const auto fault = look_at(first, pages, found);
  if (fault) return fault;
  if (found.at_or_below->has(IovaNode::kParked)) return FreeFault::kDoubleFree;
  found.at_or_below->set(IovaNode::kParked, true);
  return std::nullopt;
}

void IovaSpace::unpark(Pfn first) {
  tree_.around(first).at_or_below->set(IovaNode::kParked, false);
}

std::optional<IovaRange> IovaSpace::find(Pfn page) const {
  if (page >= tree_.end()) return std::nullopt;
  const GapTree::Neighbours found = tree_.around(page);
  if (!found.contain(page)) return std::nullopt;
  return range_of(found.at_or_below, found.above);
}

std::optional<IovaRange> IovaSpace::find_from(Pfn page) const {
  if (page >= tree_.end()) return std::nullopt;
  const GapTree::Neighbours found = tree_.around(page);
  if (found.contain(page)) return range_of(found.at_or_below, found.above);
  if (tree_.is_anchor(found.above)) return std::nullopt;
  return range_of(found.above, GapTree::next(found.above));
}

bool IovaSpace::is_reserved(const IovaRange& range) const {
  IovaNode* above = nullptr;
  return live(range, above) && range.node_->has(IovaNode::kReserved);
}

Result<IovaRange, std::errc> IovaSpace::reserve(Pfn first, Pfn last) {
  if (last < first || last >= tree_.end()) return std::errc::invalid_argument;
  if (linux_) return reserve_as_linux(first, last);

  const GapTree::Neighbours found = tree_.around(first);
  IovaNode* const lowest = found.contain(first) ? found.at_or_below : found.above;
  Pfn begin = first;
  Pfn end = last + 1;
  IovaNode* above = lowest;
  while (above->first <= last) {
    if (!above->has(IovaNode::kReserved)) return std::errc::address_in_use;
    begin = std::min(begin, above->first);
    above = GapTree::next(above);
    end = std::max(end, above->gap);
  }
  // One range that contains all of it.
  if (above != lowest && begin == lowest->first && GapTree::next(lowest)->gap == end) {
    return IovaRange(begin, end - 1, lowest, era_);
  }
  if (!slab_.prepare(1)) return std::errc::not_enough_memory;
  for (IovaNode* node = lowest; node != above;) {
    IovaNode* const next = GapTree::next(node);
    erase(node, next);
    node = next;
  }
  IovaNode* const node = slab_.take();
  node->set(IovaNode::kReserved, true);
  insert(node, begin, end, above);
  return IovaRange(begin, end - 1, node, era_);
}

Result<IovaRange, std::errc> IovaSpace::reserve_as_linux(Pfn first, Pfn last) {
  // What grows needs no memory, so this comes before.
  if (!slab_.prepare(1)) return std::errc::not_enough_memory;
  const GapTree::Neighbours found = tree_.around(first);
  IovaNode* above = found.contain(first) ? found.at_or_below : found.above;
  while (above->first <= last) {
    IovaNode* const node = above;
    if (first < node->first) tree_.move_first(node, first);
    above = GapTree::next(node);
    if (last < above->gap) return range_of(node, above);
    first = above->gap;
  }
  IovaNode* const node = slab_.take();
  node->set(IovaNode::kReserved, true);
  tree_.insert(node, first, last + 1, above);
  return IovaRange(first, last, node, era_);
}

Result<std::uint64_t, std::errc> IovaSpace::reserve_from(const IovaSpace& other,
                                                         OverAllocated over) {
  const bool looks = !linux_ || over == OverAllocated::kNever;
  std::uint64_t reservations = 0;
  for (auto range = other.find_from(0); range; range = other.find_from(range->last() + 1)) {
    if (!other.is_reserved(*range)) continue;
    if (range->last() >= tree_.end()) return std::errc::invalid_argument;
    ++reservations;
    for (auto own = find_from(range->first()); looks && own && own->first() <= range->last();
         own = find_from(own->last() + 1)) {
      if (!is_reserved(*own)) return std::errc::address_in_use;
    }
  }
  if (&other == this) return reservations;
  if (!slab_.prepare(reservations)) return std::errc::not_enough_memory;
  for (auto range = other.find_from(0); range; range = other.find_from(range->last() + 1)) {
    // There is memory, and nothing in the way.
    if (other.is_reserved(*range)) (void)reserve(range->first(), range->last());
  }
  return reservations;
}

Result<IovaRemains, std::errc> IovaSpace::split_and_remove(const IovaRange& range, Pfn first,
                                                           Pfn last) {
  if (first < range.first() || last > range.last() || last < first) {
    return std::errc::invalid_argument;
  }
  IovaNode* above = nullptr;
  if (!live(range, above)) return std::errc::invalid_argument;
  IovaNode* const node = range.node_;
  const bool keeps_below = first != range.first();
  const bool keeps_above = last != range.last();
  IovaRemains remains;
  if (keeps_below && keeps_above) {
    IovaNode* const upper = slab_.take();
    if (!upper) return std::errc::not_enough_memory;
    upper->set(IovaNode::kReserved, node->has(IovaNode::kReserved));
    tree_.cut(upper, last + 1, first, above);
    on_part_freed(first, last, upper);
    remains.above = range_of(upper, above);
    above = upper;
  } else if (keeps_above) {
    tree_.move_first(node, last + 1);
    on_part_freed(first, last, node);
    remains.above = range_of(node, above);
  } else if (keeps_below) {
    tree_.move_gap(above, first);
    on_part_freed(first, last, above);
  } else {
    erase(node, above);
  }
  if (keeps_below) remains.below = range_of(node, above);
  return remains;
}

void IovaSpace::reset() {
  era_ = new_era();
  slab_.clear();
  tree_.clear();
  linux_order_.reset();
  highest_.reset();
}

}  // namespace smmu::iommu
