#include "emulator/cli/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "emulator/cli/input.h"

namespace smmu::cli {

namespace {

// An extent of RAM costs the host a mapping, of which it has some tens of thousands.
constexpr std::size_t kMaxExtents = kMaxPages;

}  // namespace

void MemoryMap::add(std::uint64_t base, std::uint64_t bytes) {
  if (bytes == 0 || base >= kPhysicalLimit) return;
  const std::uint64_t end = base + std::min(bytes, kPhysicalLimit - base);
  const std::uint64_t first = base & ~(kPageBytes - 1);
  const std::uint64_t past = (end + kPageBytes - 1) & ~(kPageBytes - 1);
  // Addresses mostly come in order, many to a page.
  if (!extents_.empty() && first >= extents_.back().base &&
      past <= extents_.back().base + extents_.back().bytes) {
    return;
  }
  extents_.push_back({first, past - first});
}

void MemoryMap::add(const MemoryImage& image) {
  for (const auto& [address, page] : image.pages()) add(address, kPageBytes);
}

std::vector<Extent> MemoryMap::extents() const {
  std::vector<Extent> sorted = extents_;
  std::ranges::sort(sorted, {}, &Extent::base);
  std::vector<Extent> joined;
  for (const Extent& extent : sorted) {
    if (!joined.empty() && extent.base <= joined.back().base + joined.back().bytes) {
      joined.back().bytes =
          std::max(joined.back().bytes, extent.base + extent.bytes - joined.back().base);
    } else {
      joined.push_back(extent);
    }
  }
  return joined;
}

MachineBase::MachineBase(const MemoryMap& map, std::string_view source)
    : recorder_(std::make_unique<Recorder>()), memory_(std::make_unique<emulator::Ram>()) {
  const std::vector<Extent> extents = map.extents();
  if (extents.size() > kMaxExtents) {
    throw BadInput(fmt::format("{}: expected at most {} separate regions of memory, found {}.",
                               source, kMaxExtents, extents.size()));
  }
  for (const Extent& extent : extents) {
    const auto added = memory_->add(Pa(extent.base), extent.bytes);
    if (!added) {
      throw BadInput(fmt::format(
          "{}: expected memory that the host can hold, but {:#x} bytes at {:#x} "
          "are refused: {}.",
          source, extent.bytes, extent.base, std::make_error_code(added.error()).message()));
    }
  }
}

void MachineBase::refuse(std::string_view source, std::string_view sentence) {
  throw BadInput(fmt::format("{}: the model cannot be this SMMU: {}", source, sentence));
}

void MachineBase::load(const MemoryImage& image) {
  for (const auto& [address, page] : image.pages()) {
    for (std::size_t i = 0; i < page->size(); ++i) {
      if ((*page)[i] == 0) continue;
      // No RAM there is the caller's choice.
      (void)memory_->store64(Pa(address + 8 * i), (*page)[i]);
    }
  }
}

}  // namespace smmu::cli
