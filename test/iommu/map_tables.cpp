#include "test/iommu/map_tables.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kEntries = 512;  // of a table

// How many of `count` entries are left in the table that the first is in.
std::uint64_t up_to_table_end(std::uint64_t iova, std::uint64_t page_size, std::uint64_t count) {
  return std::min(count, kEntries - iova / page_size % kEntries);
}

}  // namespace

MapTables::Leaves::const_iterator MapTables::find(std::uint64_t iova) const {
  auto after = leaves_.upper_bound(iova);
  if (after == leaves_.begin()) return leaves_.end();
  const auto at = std::prev(after);
  return iova - at->first < at->second.size ? at : leaves_.end();
}

Mapped MapTables::map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) {
  if ((prot & kReadWrite) == Prot::kNone) return {0, std::errc::invalid_argument};
  const std::lock_guard lock(mutex_);
  const bool fails = maps_++ == failing_;
  if ((page_size & config_.page_sizes) == 0) return {0, std::errc::invalid_argument};
  count = up_to_table_end(iova.value, page_size, count);
  for (std::uint64_t n = 0; n < count; ++n) {
    const std::uint64_t at = iova.value + n * page_size;
    if (fails && n == count / 2) return {n * page_size, error_};
    if ((at + page_size - 1) >> config_.input_bits != 0) {
      return {n * page_size, std::errc::result_out_of_range};
    }
    const auto next = leaves_.lower_bound(at);
    if (find(at) != leaves_.end() || (next != leaves_.end() && next->first < at + page_size)) {
      return {n * page_size, std::errc::file_exists};
    }
    leaves_[at] = {Pa(pa.value + n * page_size), page_size, prot};
  }
  return {count * page_size, std::errc{}};
}

Unmapped MapTables::unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> smaller;
  const Unmapped unmapped = remove(iova, page_size, count, smaller);
  for (const auto& [at, size] : smaller) {
    if (invalidation_ != nullptr) invalidation_->flush_walk(Iova(at), size, size);
  }
  return unmapped;
}

// `smaller`: what of it was smaller than the pages that it was said to be in.
Unmapped MapTables::remove(Iova iova, std::uint64_t page_size, std::uint64_t count,
                           std::vector<std::pair<std::uint64_t, std::uint64_t>>& smaller) {
  const std::lock_guard lock(mutex_);
  if ((page_size & config_.page_sizes) == 0) return {0, false};
  const std::uint64_t size = up_to_table_end(iova.value, page_size, count) * page_size;
  Unmapped unmapped{0, false};
  while (unmapped.bytes < size) {
    const auto leaf = leaves_.find(iova.value + unmapped.bytes);
    if (leaf == leaves_.end() || leaf->second.size > page_size) break;
    unmapped.bytes += leaf->second.size;
    if (leaf->second.size == page_size) {
      unmapped.leaves = true;
    } else {
      smaller.emplace_back(leaf->first, leaf->second.size);
    }
    dirty_.erase(leaf->first);
    leaves_.erase(leaf);
  }
  return unmapped;
}

std::optional<Pa> MapTables::iova_to_phys(Iova iova) const {
  const std::lock_guard lock(mutex_);
  const auto leaf = find(iova.value);
  if (leaf == leaves_.end()) return std::nullopt;
  return Pa(leaf->second.pa.value + (iova.value - leaf->first));
}

Result<Done, std::errc> MapTables::read_and_clear_dirty(Iova iova, std::uint64_t size,
                                                        DirtyBits bits, DirtySink& sink) {
  if (size == 0) return std::errc::invalid_argument;
  for (std::uint64_t bytes = 0; bytes < size;) {
    std::uint64_t first = 0;
    std::uint64_t leaf_size = 0;
    bool written = false;
    {
      const std::lock_guard lock(mutex_);
      const auto leaf = find(iova.value + bytes);
      if (leaf == leaves_.end()) return std::errc::invalid_argument;
      first = leaf->first;
      leaf_size = leaf->second.size;
      written = dirty_.contains(first);
      if (bits == DirtyBits::kClear) dirty_.erase(first);
    }
    if (written) sink.dirty(Iova(first), leaf_size);
    bytes = first + leaf_size - iova.value;
  }
  return Done{};
}

MapTables::Leaves MapTables::leaves() const {
  const std::lock_guard lock(mutex_);
  return leaves_;
}

void MapTables::write(Iova iova) {
  const std::lock_guard lock(mutex_);
  const auto leaf = find(iova.value);
  if (leaf != leaves_.end()) dirty_.insert(leaf->first);
}

void MapTables::fail_map(std::uint64_t calls, std::errc error) {
  const std::lock_guard lock(mutex_);
  failing_ = maps_ + calls;
  error_ = error;
}

std::uint64_t MapTables::maps() const {
  const std::lock_guard lock(mutex_);
  return maps_;
}

}  // namespace smmu::iommu
