// What an IoPgtable's tables should map: by the header's words, with no tables.
#ifndef SMMU_TEST_PGTABLE_TABLE_MODEL_H_
#define SMMU_TEST_PGTABLE_TABLE_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu {

class TableModel {
 public:
  struct Leaf {
    std::uint64_t size;
    std::uint64_t pa;
    Prot prot;
  };

  explicit TableModel(const PgtableConfig& config, unsigned start_level)
      : config_(config), first_(config.quirks.ttbr1 ? ~std::uint64_t{0} << config.input_bits : 0) {
    if (config.format == PgtableFormat::kAArch32Short) {
      shifts_ = {20, 12};
      return;
    }
    const std::uint64_t granule = config.page_sizes & -config.page_sizes;
    const unsigned page = granule == k4K ? 12 : granule == k16K ? 14 : 16;
    for (unsigned level = start_level; level != 4; ++level) {
      shifts_.push_back(page + (3 - level) * (page - 3));
    }
  }

  // By their addresses as the tables see them, from 0 on.
  const std::map<std::uint64_t, Leaf>& leaves() const { return leaves_; }
  std::size_t tables() const { return tables_.size(); }
  const std::vector<unsigned>& shifts() const { return shifts_; }
  std::uint64_t first() const { return first_; }

  Mapped map(std::uint64_t iova, std::uint64_t pa, std::uint64_t size, std::uint64_t count,
             Prot prot) {
    if (!is_size(size) || (prot & kReadWrite) == Prot::kNone) {
      return refused(std::errc::invalid_argument);
    }
    const std::uint64_t address = iova - first_;
    if (address >> config_.input_bits != 0 || pa >> config_.output_bits != 0) {
      return refused(std::errc::result_out_of_range);
    }
    if (count == 0) return mapped(0);
    const std::size_t level = level_of(size);
    const std::uint64_t begin = address & ~(size - 1);
    count = std::min(count, room(begin, level) / size);
    const std::uint64_t to = pa & ~(size - 1);
    if ((to + count * size - 1) >> config_.output_bits != 0) {
      return refused(std::errc::result_out_of_range);
    }
    for (std::size_t above = 0; above != level; ++above) {
      if (const auto leaf = covering(address); leaf && level_of(leaf->second.size) <= above) {
        return refused(std::errc::file_exists);
      }
      tables_.emplace(above + 1, base_of(address, above));
    }
    const std::uint64_t end = begin + count * size;
    for (const auto& [at, leaf] : leaves_) {
      if (at < end && at + leaf.size > begin) return refused(std::errc::file_exists);
    }
    for (std::uint64_t at = begin; at != end; at += std::uint64_t{1} << shifts_[level]) {
      forget_below(at, level);
    }
    for (std::uint64_t i = 0; i != count; ++i) {
      leaves_[begin + i * size] = {size, to + i * size, prot};
    }
    return mapped(count * size);
  }

  Unmapped unmap(std::uint64_t iova, std::uint64_t size, std::uint64_t count) {
    const std::uint64_t address = iova - first_;
    if (!is_size(size) || address >> config_.input_bits != 0) return {0, false};
    const std::size_t level = level_of(size);
    for (std::size_t above = 0; above != level; ++above) {
      const std::pair<std::size_t, std::uint64_t> table(above + 1, base_of(address, above));
      if (tables_.contains(table)) continue;
      const auto leaf = covering(address);
      if (!leaf || !config_.quirks.split_blocks) return {0, false};
      split(leaf->first, above);
    }
    const std::uint64_t begin = address & ~(size - 1);
    const std::uint64_t end = begin + std::min(count, room(begin, level) / size) * size;
    std::uint64_t at = begin;
    bool leaves = false;
    bool smaller = false;
    while (at != end) {
      const auto leaf = leaves_.find(at);
      if (leaf != leaves_.end() && level_of(leaf->second.size) == level &&
          leaf->second.size <= size) {
        at += leaf->second.size;
        leaves = true;
        smaller = smaller || leaf->second.size != size;
        leaves_.erase(leaf);
      } else if (level + 1 != shifts_.size() && tables_.contains({level + 1, at})) {
        const std::uint64_t next = at + (std::uint64_t{1} << shifts_[level]);
        at = unmap_below(at, next, level);
        if (at != next) break;
      } else {
        break;
      }
    }
    return {at - begin, leaves && !smaller};
  }

  std::optional<Pa> iova_to_phys(std::uint64_t iova) const {
    const std::uint64_t address = iova - first_;
    if (address >> config_.input_bits != 0) return std::nullopt;
    const auto leaf = covering(address);
    if (!leaf) return std::nullopt;
    return Pa(leaf->second.pa + (address - leaf->first));
  }

  void trim() {
    for (std::size_t level = shifts_.size() - 1; level != 0; --level) {
      const std::uint64_t size = std::uint64_t{1} << shifts_[level - 1];
      std::erase_if(tables_, [&](const auto& table) {
        if (table.first != level) return false;
        const auto leaf = leaves_.lower_bound(table.second);
        const auto below = tables_.lower_bound({level + 1, table.second});
        return (leaf == leaves_.end() || leaf->first >= table.second + size) &&
               (below == tables_.end() || below->first != level + 1 ||
                below->second >= table.second + size);
      });
    }
  }

 private:
  bool is_size(std::uint64_t size) const {
    return (config_.page_sizes & size) != 0 && (size & (size - 1)) == 0;
  }
  // The level whose entries make up what is of this size.
  std::size_t level_of(std::uint64_t size) const {
    std::size_t level = 0;
    while (std::uint64_t{1} << shifts_[level] > size) ++level;
    return level;
  }
  // Where that begins which an entry of the level is for.
  std::uint64_t base_of(std::uint64_t address, std::size_t level) const {
    return address & ~((std::uint64_t{1} << shifts_[level]) - 1);
  }
  std::uint64_t room(std::uint64_t begin, std::size_t level) const {
    const unsigned bits = level == 0 ? config_.input_bits : shifts_[level - 1];
    const std::uint64_t all = std::uint64_t{1} << bits;
    return all - (begin & (all - 1));
  }
  std::optional<std::pair<std::uint64_t, Leaf>> covering(std::uint64_t address) const {
    auto leaf = leaves_.upper_bound(address);
    if (leaf == leaves_.begin()) return std::nullopt;
    --leaf;
    if (address - leaf->first >= leaf->second.size) return std::nullopt;
    return *leaf;
  }
  // All tables below an entry, with what they map.
  void forget_below(std::uint64_t begin, std::size_t level) {
    const std::uint64_t end = begin + (std::uint64_t{1} << shifts_[level]);
    if (!tables_.contains({level + 1, begin})) return;
    std::erase_if(tables_, [&](const auto& table) {
      return table.first > level && table.second >= begin && table.second < end;
    });
    std::erase_if(leaves_,
                  [&](const auto& leaf) { return leaf.first >= begin && leaf.first < end; });
  }
  // What is mapped from an address on without a hole, and the tables below an entry that are for
  // nothing else.  Returns where the hole is.
  std::uint64_t unmap_below(std::uint64_t begin, std::uint64_t end, std::size_t level) {
    std::uint64_t hole = begin;
    while (hole != end) {
      const auto leaf = leaves_.find(hole);
      if (leaf == leaves_.end()) break;
      hole += leaf->second.size;
      leaves_.erase(leaf);
    }
    std::erase_if(tables_, [&](const auto& table) {
      return table.first > level && table.second >= begin &&
             table.second + (std::uint64_t{1} << shifts_[table.first - 1]) <= hole;
    });
    return hole;
  }
  void split(std::uint64_t at, std::size_t level) {
    const Leaf leaf = leaves_.at(at);
    leaves_.erase(at);
    tables_.emplace(level + 1, at);
    const std::uint64_t size = std::uint64_t{1} << shifts_[level + 1];
    for (std::uint64_t offset = 0; offset != leaf.size; offset += size) {
      leaves_[at + offset] = {size, leaf.pa + offset, leaf.prot};
    }
  }

  const PgtableConfig config_;
  const std::uint64_t first_;
  std::vector<unsigned> shifts_;  // of each level's entries, the first table's first
  std::map<std::uint64_t, Leaf> leaves_;
  std::set<std::pair<std::size_t, std::uint64_t>> tables_;  // by level and first address
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_PGTABLE_TABLE_MODEL_H_
