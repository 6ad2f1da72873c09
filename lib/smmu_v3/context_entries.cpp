#include "lib/smmu_v3/context_entries.h"

#include <algorithm>
#include <new>
#include <utility>

namespace smmu::iommu {

using v3::CD;
using v3::CdTableFormat;
using v3::L1CD;
using v3::STE;

namespace {
constexpr unsigned kLog2CdBytes = 6;
constexpr unsigned kLog2DescriptorBytes = 3;
// 1024 entries, 64 KiB, in a leaf.
constexpr unsigned kLog2Leaf = 10;

constexpr std::size_t leaf_of(SubstreamId substream) { return substream.value >> kLog2Leaf; }
constexpr std::uint64_t place_in_leaf(SubstreamId substream) {
  return std::uint64_t{substream.value} % (1U << kLog2Leaf);
}
}  // namespace

Result<std::unique_ptr<ContextEntries>, std::errc> ContextEntries::create(
    const FeaturesV3& features, const StructureMemory& memory, unsigned substream_bits) {
  std::unique_ptr<ContextEntries> table(new (std::nothrow) ContextEntries(memory));
  if (table == nullptr) return std::errc::not_enough_memory;
  table->substream_bits_ = substream_bits;
  table->two_levels_ = features.two_level_contexts && substream_bits > kLog2Leaf;
  const unsigned log2_leaves = substream_bits - std::min(substream_bits, kLog2Leaf);
  const unsigned log2_bytes =
      table->two_levels_ ? log2_leaves + kLog2DescriptorBytes : substream_bits + kLog2CdBytes;
  if (table->two_levels_) {
    const std::size_t leaves = std::size_t{1} << log2_leaves;
    if (!table->leaves_.reserve(leaves)) return std::errc::not_enough_memory;
    for (std::size_t i = 0; i != leaves; ++i) table->leaves_.append(TableBlock());
  }
  auto top = TableBlock::allocate(memory, std::max(log2_bytes, PagePool::kLog2Least));
  if (!top) return top.error();
  table->top_ = *std::move(top);
  return table;
}

STE& ContextEntries::describe(STE& ste) const {
  return ste.set(STE::S1Fmt, two_levels_ ? CdTableFormat::kTwoLevel64KLeaf : CdTableFormat::kLinear)
      .set(STE::S1ContextPtr, top_.pa().value)
      .set(STE::S1CDMax, substream_bits_);
}

bool ContextEntries::in_range(SubstreamId substream) const {
  return std::uint64_t{substream.value} < std::uint64_t{1} << substream_bits_;
}

Result<ContextEntries::Made, std::errc> ContextEntries::make(SubstreamId substream) {
  if (!two_levels_) return Made::kNothing;
  const std::size_t index = leaf_of(substream);
  if (leaves_[index]) return Made::kNothing;
  auto leaf = TableBlock::allocate(memory_, kLog2Leaf + kLog2CdBytes);
  if (!leaf) return leaf.error();
  const Pa place(top_.pa().value + L1CD::kSize * index);
  memory_.store(place, L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, leaf->pa().value).word(0));
  memory_.clean(place, L1CD::kSize);
  leaves_[index] = *std::move(leaf);
  return Made::kDescriptor;
}

Pa ContextEntries::entry(SubstreamId substream) const {
  if (!two_levels_) return Pa(top_.pa().value + CD::kSize * std::uint64_t{substream.value});
  return Pa(leaves_[leaf_of(substream)].pa().value + CD::kSize * place_in_leaf(substream));
}

}  // namespace smmu::iommu
