// What devices have written to.
#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "lib/vfio/container_state.h"

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kWordBits = 64;
constexpr std::uint64_t kMostPages = std::numeric_limits<std::int32_t>::max();

constexpr std::uint64_t words_for(std::uint64_t pages) {
  return pages / kWordBits + (pages % kWordBits != 0 ? 1 : 0);
}

// Marks what it is told of a slot in the bitmap of a range.
class Marker final : public DirtySink {
 public:
  // REQUIRES: the bitmap is for a range that begins at `first` and contains the slot.
  Marker(const DirtyBitmap& bitmap, Iova first, const Slot& slot)
      : bitmap_(bitmap), first_(first), slot_(slot) {}

  // Whatever a driver says, a slot has no pages but its own.
  void dirty(Iova iova, std::uint64_t size) override {
    if (size == 0 || wraps(iova.value, size)) return;
    const Iova begin = std::max(iova, slot_.first);
    const Iova last = std::min(Iova(iova.value + (size - 1)), slot_.last);
    if (begin <= last) mark(begin, last);
  }

 private:
  void mark(Iova begin, Iova last) {
    std::uint64_t page = (begin.value - first_.value) / bitmap_.page_size;
    const std::uint64_t end = (last.value - first_.value) / bitmap_.page_size + 1;
    while (page != end) {
      const std::uint64_t bit = page % kWordBits;
      const std::uint64_t bits = std::min(kWordBits - bit, end - page);
      bitmap_.words[page / kWordBits] |= ~std::uint64_t{0} >> (kWordBits - bits) << bit;
      page += bits;
    }
  }

  const DirtyBitmap& bitmap_;
  const Iova first_;
  const Slot& slot_;
};

bool can_be_written(const Slot& slot) {
  return slot.kind == SlotKind::kMemory && (slot.prot & Prot::kWrite) != Prot::kNone;
}

// Of whom nobody wants to know.
class Nobody final : public DirtySink {
 public:
  void dirty(Iova, std::uint64_t) override {}
};

}  // namespace

Result<Done, std::errc> Container::State::check(const DirtyBitmap& bitmap,
                                                std::uint64_t size) const {
  if (!logs_writes || bitmap.page_size != smallest_page()) return std::errc::invalid_argument;
  const std::uint64_t pages = size / bitmap.page_size;
  if (bitmap.words.size() < words_for(pages) || bitmap.words.size() > words_for(kMostPages)) {
    return std::errc::invalid_argument;
  }
  return Done{};
}

bool Container::State::tracks_writes() const {
  return std::all_of(mappings.domains().begin(), mappings.domains().end(),
                     [](const ContainerDomain& domain) { return domain.traits.tracks_writes; });
}

void Container::State::mark_all(const Slot& slot, Iova first, const DirtyBitmap& bitmap) const {
  if (!can_be_written(slot) || mappings.domains().empty()) return;
  Marker(bitmap, first, slot).dirty(slot.first, slot.size());
}

void Container::State::mark_written(Slot& slot, Iova first, const DirtyBitmap& bitmap) {
  if (!can_be_written(slot)) return;
  Marker marker(bitmap, first, slot);
  bool is_told = tracks_writes();
  for (ContainerDomain& domain : domains()) {
    if (!is_told) break;
    const auto told =
        domain.domain->read_and_clear_dirty(slot.first, slot.size(), DirtyBits::kClear, marker);
    // Who does not know says that it was.
    is_told = told.has_value();
  }
  // The tables were asked all the same, so that they do not tell of it again.
  if (std::exchange(slot.has_lost_writes, false)) {
    marker.dirty(slot.first, slot.size());
  } else if (!is_told) {
    mark_all(slot, first, bitmap);
  }
}

void Container::State::lose_writes() {
  if (!logs_writes) return;
  for (Slot& slot : slots) slot.has_lost_writes = true;
}

Result<Done, std::errc> Container::start_dirty_log() {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  if (state.config.version == ContainerVersion::kV1) return std::errc::permission_denied;
  if (state.logs_writes) return Done{};
  Mappings::Domains& domains = state.domains();
  for (auto domain = domains.begin(); domain != domains.end(); ++domain) {
    if (!domain->traits.tracks_writes) continue;
    const auto started = domain->domain->set_dirty_tracking(true);
    if (started) continue;
    while (domain != domains.begin()) {
      if ((--domain)->traits.tracks_writes) (void)domain->domain->set_dirty_tracking(false);
    }
    return started;
  }
  // What was written to before is no part of the log.
  for (Slot& slot : state.slots) slot.has_lost_writes = false;
  Nobody nobody;
  for (ContainerDomain& domain : domains) {
    if (!domain.traits.tracks_writes) continue;
    for (const Slot& slot : state.slots) {
      if (!can_be_written(slot)) continue;
      (void)domain.domain->read_and_clear_dirty(slot.first, slot.size(), DirtyBits::kClear, nobody);
    }
  }
  state.logs_writes = true;
  return Done{};
}

Result<Done, std::errc> Container::stop_dirty_log() {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  if (state.config.version == ContainerVersion::kV1) return std::errc::permission_denied;
  if (!state.logs_writes) return Done{};
  for (ContainerDomain& domain : state.domains()) {
    // Hardware that goes on telling does no harm.
    if (domain.traits.tracks_writes) (void)domain.domain->set_dirty_tracking(false);
  }
  state.logs_writes = false;
  return Done{};
}

Result<Done, std::errc> Container::dirty_pages(Iova iova, std::uint64_t size,
                                               const DirtyBitmap& bitmap) {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  if (state.config.version == ContainerVersion::kV1) return std::errc::permission_denied;
  if (size == 0) return std::errc::invalid_argument;
  if (wraps(iova.value, size)) return std::errc::value_too_large;
  if (!state.is_aligned(iova.value | size)) return std::errc::invalid_argument;
  const auto checked = state.check(bitmap, size);
  if (!checked) return checked;
  const Iova last(iova.value + (size - 1));
  if (state.bisects(iova, last)) return std::errc::invalid_argument;

  for (Slot* slot = state.slots.find(iova, last); slot != nullptr;
       slot = state.slots.next(*slot, last)) {
    state.mark_written(*slot, iova, bitmap);
  }
  return Done{};
}

}  // namespace smmu::iommu
