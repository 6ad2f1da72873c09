#include "test/iova/naive_space.h"

#include <algorithm>
#include <bit>

namespace smmu::iommu {
namespace {

// The bits that the first page of an aligned range may have.
Pfn mask_of(std::uint64_t pages, Alignment alignment) {
  if (alignment == Alignment::kNone) return ~Pfn{0};
  // Rounded up, this is 2^64: page 0 is the one multiple of it.
  if (pages > std::uint64_t{1} << 63) return 0;
  return ~(std::bit_ceil(pages) - 1);
}

}  // namespace

NaiveSpace::NaiveSpace(Pfn start, Pfn end, Pfn boundary, const IovaConfig& config)
    : start_(start),
      end_(end),
      boundary_(boundary),
      linux_(config.order == IovaOrder::kLinuxExact),
      memo_(config.failure_memo == FailureMemo::kOn) {
  reset();
}

void NaiveSpace::reset() {
  ranges_.clear();
  cached_ = kAnchor;
  cached32_ = kAnchor;
  refused_ = boundary_;
}

std::size_t NaiveSpace::index_from(Pfn page) const {
  const auto found =
      std::lower_bound(ranges_.begin(), ranges_.end(), page,
                       [](const NaiveRange& range, Pfn at) { return range.last < at; });
  return static_cast<std::size_t>(found - ranges_.begin());
}

bool NaiveSpace::empty(Pfn first, Pfn last) const {
  const std::size_t index = index_from(first);
  return index == ranges_.size() || ranges_[index].first > last;
}

// The highest of [low, end) that holds so many pages.
std::optional<Pfn> NaiveSpace::highest_place(Pfn low, Pfn end, std::uint64_t pages,
                                             Pfn mask) const {
  for (std::size_t above = index_from(end) + 1; above-- != 0;) {
    const Pfn gap_first = above == 0 ? 0 : ranges_[above - 1].last + 1;
    const Pfn gap_end = above == ranges_.size() ? end_ : ranges_[above].first;
    const Pfn from = std::max(gap_first, low);
    const Pfn to = std::min(gap_end, end);
    if (to > from && to - from >= pages) {
      const Pfn place = (to - pages) & mask;
      if (place >= from) return place;
    }
    if (gap_end <= low) break;
  }
  return std::nullopt;
}

// Below the range that a request of this kind got last, or below whatever has become the next above
// it since; and if there is no place, between that range and the limit.
std::optional<Pfn> NaiveSpace::linux_place(Pfn limit, std::uint64_t pages, Pfn mask) {
  const bool low = limit < boundary_;
  if (low && memo_ && pages >= refused_) return std::nullopt;

  const Pfn cached = low ? cached32_ : cached_;
  std::optional<Pfn> place = highest_place(start_, std::min(limit + 1, cached), pages, mask);
  if (!place && cached != kAnchor) {
    const Pfn last = ranges_[index_from(cached)].last;
    if (last < limit) place = highest_place(std::max(start_, last + 1), limit + 1, pages, mask);
  }
  // Whatever the limit was.
  if (!place) refused_ = pages;
  return place;
}

Result<NaiveRange, std::errc> NaiveSpace::allocate(std::uint64_t pages, Pfn limit,
                                                   Alignment alignment) {
  if (pages == 0) return std::errc::invalid_argument;
  limit = std::min(limit, end_ - 1);
  const Pfn mask = mask_of(pages, alignment);
  const std::optional<Pfn> place =
      linux_ ? linux_place(limit, pages, mask) : highest_place(start_, limit + 1, pages, mask);
  if (!place) return std::errc::not_enough_memory;

  const NaiveRange range{*place, *place + pages - 1, false};
  insert(range);
  (range.last < boundary_ ? cached32_ : cached_) = range.first;
  return range;
}

void NaiveSpace::insert(const NaiveRange& range) {
  ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(index_from(range.first)), range);
}

void NaiveSpace::on_freed(Pfn first, Pfn last, Pfn next) {
  if (first == cached32_ || (last < boundary_ && first >= cached32_)) cached32_ = next;
  if (first >= cached_) cached_ = next;
  if (first < boundary_) refused_ = boundary_;
}

Result<NaiveRange, std::errc> NaiveSpace::free(Pfn page) {
  const std::optional<NaiveRange> range = find(page);
  if (!range) return std::errc::invalid_argument;
  const auto erased =
      ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(index_from(page)));
  on_freed(range->first, range->last, erased == ranges_.end() ? kAnchor : erased->first);
  return *range;
}

std::optional<NaiveRange> NaiveSpace::find_from(Pfn page) const {
  const std::size_t index = index_from(page);
  if (index == ranges_.size()) return std::nullopt;
  return ranges_[index];
}

std::optional<NaiveRange> NaiveSpace::find(Pfn page) const {
  const auto range = find_from(page);
  if (!range || range->first > page) return std::nullopt;
  return range;
}

Result<NaiveRange, std::errc> NaiveSpace::reserve(Pfn first, Pfn last) {
  if (last < first || last >= end_) return std::errc::invalid_argument;
  if (linux_) return reserve_as_linux(first, last);

  NaiveRange whole{first, last, true};
  const std::size_t begin = index_from(first);
  std::size_t end = begin;
  for (; end != ranges_.size() && ranges_[end].first <= last; ++end) {
    if (!ranges_[end].reserved) return std::errc::address_in_use;
    whole.first = std::min(whole.first, ranges_[end].first);
    whole.last = std::max(whole.last, ranges_[end].last);
  }
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(begin),
                ranges_.begin() + static_cast<std::ptrdiff_t>(end));
  insert(whole);
  return whole;
}

void NaiveSpace::extend_down(NaiveRange& range, Pfn first) {
  if (cached_ == range.first) cached_ = first;
  if (cached32_ == range.first) cached32_ = first;
  range.first = first;
}

Result<NaiveRange, std::errc> NaiveSpace::reserve_as_linux(Pfn first, Pfn last) {
  for (NaiveRange& range : ranges_) {
    if (range.last < first || range.first > last) continue;
    if (first < range.first) extend_down(range, first);
    if (last <= range.last) return range;
    first = range.last + 1;
  }
  const NaiveRange rest{first, last, true};
  insert(rest);
  return rest;
}

Result<std::uint64_t, std::errc> NaiveSpace::reserve_from(const NaiveSpace& other) {
  const std::vector<NaiveRange> before = ranges_;
  const std::vector<NaiveRange> wanted = other.ranges_;
  std::uint64_t count = 0;
  for (const NaiveRange& range : wanted) {
    if (!range.reserved) continue;
    const auto reserved = reserve(range.first, range.last);
    if (!reserved) {
      ranges_ = before;
      return reserved.error();
    }
    ++count;
  }
  return count;
}

Result<NaiveRemains, std::errc> NaiveSpace::split_and_remove(Pfn whole, Pfn first, Pfn last) {
  const std::size_t index = index_from(whole);
  const NaiveRange range = ranges_[index];
  if (last < first || first < range.first || last > range.last) return std::errc::invalid_argument;

  NaiveRemains remains;
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(index));
  if (first != range.first) {
    remains.below = NaiveRange{range.first, first - 1, range.reserved};
    insert(*remains.below);
  }
  if (last != range.last) {
    remains.above = NaiveRange{last + 1, range.last, range.reserved};
    insert(*remains.above);
  }
  // As if the pages had been a range of their own.
  const auto next = find_from(last);
  on_freed(first, last, next ? next->first : kAnchor);
  return remains;
}

}  // namespace smmu::iommu
