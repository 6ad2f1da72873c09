#include "lib/smmu_v3/stream_entries.h"

#include <algorithm>
#include <new>
#include <utility>

namespace smmu::iommu {

using v3::L1STD;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

namespace {
constexpr unsigned kLog2SteBytes = 6;
constexpr unsigned kLog2DescriptorBytes = 3;
// 2^17 descriptors, 1 MiB, in a first level.
constexpr unsigned kMostBits = StreamEntries::kLog2Part + 17;

constexpr std::uint32_t part_of(StreamId stream) {
  return stream.value >> StreamEntries::kLog2Part;
}
constexpr std::uint64_t place_in_part(StreamId stream) {
  return std::uint64_t{stream.value} % (1U << StreamEntries::kLog2Part);
}
}  // namespace

Result<std::unique_ptr<StreamEntries>, std::errc> StreamEntries::create(
    const FeaturesV3& features, const StructureMemory& memory, const STE& initial) {
  std::unique_ptr<StreamEntries> table(new (std::nothrow) StreamEntries(memory, initial));
  if (table == nullptr) return std::errc::not_enough_memory;
  table->two_levels_ = features.two_level_streams && features.stream_bits > kLog2Part;
  table->stream_bits_ =
      table->two_levels_ ? std::min(features.stream_bits, kMostBits) : features.stream_bits;
  const unsigned log2_bytes = table->two_levels_
                                  ? table->stream_bits_ - kLog2Part + kLog2DescriptorBytes
                                  : table->stream_bits_ + kLog2SteBytes;
  auto top = TableBlock::allocate(memory, std::max(log2_bytes, PagePool::kLog2Least));
  if (!top) return top.error();
  table->top_ = *std::move(top);
  if (!table->two_levels_) table->fill(table->top_, std::uint64_t{1} << table->stream_bits_);
  table->configuration_.set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, table->stream_bits_);
  if (table->two_levels_) {
    table->configuration_.set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel)
        .set(SMMU_STRTAB_BASE_CFG::SPLIT, kLog2Part);
  }
  return table;
}

SMMU_STRTAB_BASE StreamEntries::base() const {
  return SMMU_STRTAB_BASE()
      .set(SMMU_STRTAB_BASE::ADDR, top_.pa().value)
      .set(SMMU_STRTAB_BASE::RA, true);
}

bool StreamEntries::in_range(StreamId stream) const {
  return std::uint64_t{stream.value} < std::uint64_t{1} << stream_bits_;
}

void StreamEntries::fill(const TableBlock& block, std::uint64_t entries) const {
  for (std::uint64_t i = 0; i != entries; ++i) {
    std::uint64_t* const entry = block.words() + i * initial_.words().size();
    for (std::size_t word = 0; word != initial_.words().size(); ++word) {
      StructureMemory::store(entry + word, initial_.word(word));
    }
  }
  memory_.clean(block.pa(), entries * STE::kSize);
}

std::size_t StreamEntries::find(std::uint32_t index) const {
  const Part* const found =
      std::lower_bound(parts_.begin(), parts_.end(), index,
                       [](const Part& part, std::uint32_t wanted) { return part.index < wanted; });
  return static_cast<std::size_t>(found - parts_.begin());
}

Pa StreamEntries::place_of_descriptor(std::uint32_t index) const {
  return Pa(top_.pa().value + L1STD::kSize * index);
}

Result<Done, std::errc> StreamEntries::make(StreamId stream) {
  if (!two_levels_) return Done{};
  const std::uint32_t index = part_of(stream);
  const std::size_t at = find(index);
  if (at != parts_.size() && parts_[at].index == index) return Done{};

  if (!parts_.reserve(1)) return std::errc::not_enough_memory;
  auto block = TableBlock::allocate(memory_, kLog2Part + kLog2SteBytes);
  if (!block) return block.error();
  fill(*block, std::uint64_t{1} << kLog2Part);
  parts_.insert(at, Part{.index = index, .block = *std::move(block)});
  return Done{};
}

StreamEntries::Published StreamEntries::publish(StreamId stream) {
  if (!two_levels_) return Published::kBefore;
  const std::uint32_t index = part_of(stream);
  Part& part = parts_[find(index)];
  if (part.published) return Published::kBefore;
  part.published = true;
  const auto descriptor =
      L1STD().set(L1STD::Span, kLog2Part + 1).set(L1STD::L2Ptr, part.block.pa().value);
  const Pa place = place_of_descriptor(index);
  // The entries are there before anything points to them.
  memory_.store(place, descriptor.word(0));
  memory_.clean(place, L1STD::kSize);
  return Published::kNow;
}

bool StreamEntries::unpublish(StreamId stream) {
  if (!two_levels_) return false;
  const std::uint32_t index = part_of(stream);
  Part& part = parts_[find(index)];
  if (!part.published) return false;
  part.published = false;
  const Pa place = place_of_descriptor(index);
  memory_.store(place, 0);
  memory_.clean(place, L1STD::kSize);
  return true;
}

void StreamEntries::drop_unpublished() {
  for (std::size_t at = parts_.size(); at != 0; --at) {
    if (!parts_[at - 1].published) parts_.erase(at - 1);
  }
}

Pa StreamEntries::entry(StreamId stream) const {
  if (!two_levels_) return Pa(top_.pa().value + STE::kSize * std::uint64_t{stream.value});
  const TableBlock& block = parts_[find(part_of(stream))].block;
  return Pa(block.pa().value + STE::kSize * place_in_part(stream));
}

}  // namespace smmu::iommu
