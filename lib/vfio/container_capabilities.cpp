// What a container can do, as a value and as VFIO writes it down.
#include "smmu/iommu/container_capabilities.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lib/vfio/container_state.h"

namespace smmu::iommu {
namespace {

// That many pages have a bit, as many as VFIO lets have one.
constexpr std::uint64_t kMostBitmapBytes = std::uint64_t{1} << 28;

// Takes the addresses of a region out of ranges that are sorted, and stay so.
void subtract(std::vector<IovaSpan>& ranges, const ReservedRegion& region) {
  std::vector<IovaSpan> rest;
  rest.reserve(ranges.size() + 1);
  const Iova first = region.start;
  const Iova last(region.last());
  for (const IovaSpan& range : ranges) {
    if (range.last < first || range.first > last) {
      rest.push_back(range);
      continue;
    }
    if (range.first < first) rest.push_back({range.first, Iova(first.value - 1)});
    if (range.last > last) rest.push_back({Iova(last.value + 1), range.last});
  }
  ranges = std::move(rest);
}

}  // namespace

ContainerCapabilities Container::capabilities() const {
  State& state = *state_;
  const Call call(state);
  ContainerCapabilities found;
  found.page_sizes = state.page_sizes();
  const Mappings::Domains& domains = state.domains();
  found.has_groups = !domains.empty();
  found.enforces_coherency = found.has_groups;
  for (const ContainerDomain& domain : domains) {
    found.enforces_coherency = found.enforces_coherency && domain.enforces_coherency;
  }
  if (state.config.version == ContainerVersion::kV2) {
    found.dirty_page_sizes = state.smallest_page();
    found.most_bitmap_bytes = kMostBitmapBytes;
    found.tracks_writes = found.has_groups && state.tracks_writes();
  }
  const std::uint32_t slots = state.slots.size();
  found.available = state.config.most_slots - std::min(slots, state.config.most_slots);

  found.msi.alignment = state.smallest_page();
  if (const Slot* const window = state.slots.find_window()) {
    found.msi.window = IovaSpan{window->first, window->last};
  }
  if (!found.has_groups) return found;
  const IovaSpan all = state.aperture();
  if (all.first <= all.last) found.ranges.push_back(all);
  state.any_group([&](const ContainerGroup& group, const ContainerDomain&) {
    for (const ReservedRegion& region : group.regions()) {
      if (region.type == ReservedType::kDirectRelaxable) continue;
      subtract(found.ranges, region);
      if (region.type != ReservedType::kSoftwareMsi) continue;
      found.msi.required = true;
      if (!found.msi.proposed) {
        found.msi.proposed = IovaSpan{region.start, Iova(region.last())};
      }
    }
    return false;
  });
  return found;
}

namespace {

// The bytes of a VFIO structure, one field after the other.
class Chain {
 public:
  // The offset of the first byte: that many come before it.
  explicit Chain(std::size_t offset) : offset_(offset) {}

  // Begins a capability, which is at a multiple of 8 as its words are.
  void begin(std::uint16_t id) {
    while (bytes_.size() % alignof(std::uint64_t) != 0) bytes_.push_back(std::byte{0});
    const auto here = static_cast<std::uint32_t>(offset_ + bytes_.size());
    if (next_) std::memcpy(bytes_.data() + *next_, &here, sizeof here);
    put(id);
    put(kVersion);
    next_ = bytes_.size();
    put(std::uint32_t{0});  // the next one, if there is one
  }
  template <class Field>
  void put(Field field) {
    static_assert(std::is_unsigned_v<Field>);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof field);
    std::memcpy(bytes_.data() + at, &field, sizeof field);
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  static constexpr std::uint16_t kVersion = 1;

  const std::size_t offset_;
  std::vector<std::byte> bytes_;
  std::optional<std::size_t> next_;  // of the last capability
};

// struct vfio_iommu_type1_info: argsz, flags, iova_pgsizes, cap_offset, and what fills it up.
constexpr std::size_t kLeast = 16;       // without what chains have brought
constexpr std::size_t kWithOffset = 20;  // cap_offset is there
constexpr std::size_t kFixed = 24;
constexpr std::uint32_t kHasPageSizes = 1 << 0;
constexpr std::uint32_t kHasChain = 1 << 1;

void put_span(Chain& chain, const std::optional<IovaSpan>& span) {
  const IovaSpan value = span.value_or(IovaSpan{});
  chain.put(value.first.value);
  chain.put(value.last.value);
}

Chain chain_of(const ContainerCapabilities& capabilities) {
  Chain chain(kFixed);
  if (capabilities.most_bitmap_bytes != 0) {
    chain.begin(kCapabilityMigration);
    chain.put(std::uint32_t{0});  // flags
    chain.put(std::uint32_t{0});
    chain.put(capabilities.dirty_page_sizes);
    chain.put(capabilities.most_bitmap_bytes);
  }
  chain.begin(kCapabilityAvailable);
  chain.put(capabilities.available);
  if (!capabilities.ranges.empty()) {
    chain.begin(kCapabilityRanges);
    chain.put(static_cast<std::uint32_t>(capabilities.ranges.size()));
    chain.put(std::uint32_t{0});
    for (const IovaSpan& range : capabilities.ranges) put_span(chain, range);
  }
  const MsiWindowCapability& msi = capabilities.msi;
  chain.begin(kCapabilityMsiWindow);
  chain.put((msi.required ? kMsiWindowRequired : 0) | (msi.proposed ? kMsiWindowProposed : 0) |
            (msi.window ? kMsiWindowPresent : 0));
  chain.put(std::uint32_t{0});
  chain.put(msi.alignment);
  put_span(chain, msi.proposed);
  put_span(chain, msi.window);
  return chain;
}

}  // namespace

Result<std::size_t, std::errc> write_chain(const ContainerCapabilities& capabilities,
                                           std::span<std::byte> bytes) {
  if (bytes.size() < kLeast) return std::errc::invalid_argument;
  const Chain chain = chain_of(capabilities);
  const std::size_t needed = kFixed + chain.bytes().size();
  const bool has_room = bytes.size() >= needed;

  Chain fixed(0);
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  fixed.put(static_cast<std::uint32_t>(std::min(has_room ? bytes.size() : needed, kMost)));
  fixed.put(kHasPageSizes | kHasChain);
  fixed.put(capabilities.page_sizes);
  fixed.put(has_room ? static_cast<std::uint32_t>(kFixed) : 0);
  fixed.put(std::uint32_t{0});
  const std::size_t written = has_room                      ? kFixed
                              : bytes.size() >= kWithOffset ? kWithOffset
                                                            : kLeast;
  std::memcpy(bytes.data(), fixed.bytes().data(), written);
  if (has_room) {
    std::memcpy(bytes.data() + kFixed, chain.bytes().data(), chain.bytes().size());
  }
  return needed;
}

}  // namespace smmu::iommu
