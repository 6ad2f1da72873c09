// How slots come and go.
#include <memory>
#include <new>

#include "lib/vfio/container_state.h"

namespace smmu::iommu {
namespace {

constexpr bool has(MapFlags flags, MapFlags flag) { return (flags & flag) == flag; }
constexpr bool has(UnmapFlags flags, UnmapFlags flag) { return (flags & flag) == flag; }

// Devices read, write or both; or it is one of the other two things.
bool is_valid(MapFlags flags) {
  const MapFlags rights = flags & (MapFlags::kRead | MapFlags::kWrite);
  return flags == MapFlags::kAddress || flags == MapFlags::kMsiWindow ||
         (flags == rights && rights != MapFlags::kNone);
}

bool is_valid(UnmapFlags flags) {
  constexpr UnmapFlags kKnown = UnmapFlags::kDirtyBitmap | UnmapFlags::kAll | UnmapFlags::kAddress;
  if ((flags & kKnown) != flags) return false;
  return !has(flags, UnmapFlags::kDirtyBitmap) || flags == UnmapFlags::kDirtyBitmap;
}

Prot rights(MapFlags flags) {
  Prot prot = Prot::kNone;
  if (has(flags, MapFlags::kRead)) prot = prot | Prot::kRead;
  if (has(flags, MapFlags::kWrite)) prot = prot | Prot::kWrite;
  return prot;
}

}  // namespace

Result<Done, std::errc> Container::map_dma(const DmaMap& map) {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  const bool is_window = map.flags == MapFlags::kMsiWindow;
  const UserAddress address = is_window ? UserAddress(0) : map.address;
  if (!is_valid(map.flags) || map.size == 0) return std::errc::invalid_argument;
  if (wraps(map.iova.value, map.size) || wraps(address.value, map.size)) {
    return std::errc::value_too_large;
  }
  if (!state.is_aligned(map.iova.value | address.value | map.size)) {
    return std::errc::invalid_argument;
  }
  const Iova last(map.iova.value + (map.size - 1));

  Slot* const there = state.slots.find(map.iova, last);
  if (map.flags == MapFlags::kAddress) {
    if (there == nullptr) return std::errc::no_such_file_or_directory;
    if (there->has_address || there->first != map.iova || there->last != last) {
      return std::errc::invalid_argument;
    }
    there->address = address;
    there->has_address = true;
    --state.without_address;
    return Done{};
  }
  if (there != nullptr) return std::errc::file_exists;
  if (is_window && state.slots.find_window() != nullptr) return std::errc::file_exists;
  if (state.slots.size() >= state.config.most_slots) return std::errc::no_space_on_device;
  const SlotKind kind = is_window ? SlotKind::kMsiWindow : SlotKind::kMemory;
  if (!state.is_valid(kind, map.iova, last)) return std::errc::invalid_argument;
  // No domain that comes later would take it.
  if (is_window && map.size / state.smallest_page() > Domain::kMostWindowPages) {
    return std::errc::invalid_argument;
  }

  std::unique_ptr<Slot> slot(new (std::nothrow)
                                 Slot(kind, map.iova, last, address, rights(map.flags)));
  if (!slot) return std::errc::not_enough_memory;
  const auto added = state.mappings.add(*slot);
  if (!added) return added;
  state.slots.insert(*slot.release());
  return Done{};
}

Result<std::uint64_t, std::errc> Container::unmap_dma(const DmaUnmap& unmap) {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  const bool is_all = has(unmap.flags, UnmapFlags::kAll);
  const bool tells_dirty = has(unmap.flags, UnmapFlags::kDirtyBitmap);
  if (!is_valid(unmap.flags)) return std::errc::invalid_argument;
  if (is_all ? unmap.iova.value != 0 || unmap.size != 0 : unmap.size == 0) {
    return std::errc::invalid_argument;
  }
  if (!is_all && wraps(unmap.iova.value, unmap.size)) return std::errc::value_too_large;
  if (!state.is_aligned(unmap.iova.value | unmap.size)) return std::errc::invalid_argument;
  if (tells_dirty) {
    const auto checked = state.check(unmap.bitmap, unmap.size);
    if (!checked) return checked.error();
  }
  const Iova first = unmap.iova;
  const Iova last(is_all ? UINT64_MAX : first.value + (unmap.size - 1));
  if (state.config.version == ContainerVersion::kV2 && state.bisects(first, last)) {
    return std::errc::invalid_argument;
  }

  Slot* slot = state.slots.find(first, last);
  if (slot != nullptr && slot->first < first) return std::uint64_t{0};  // kV1
  if (has(unmap.flags, UnmapFlags::kAddress)) return state.forget_addresses(slot, last);
  std::uint64_t bytes = 0;
  while (slot != nullptr) {
    Slot* const next = state.slots.next(*slot, last);
    // A device may write until it is unmapped, and no table tells of it after that.
    if (tells_dirty) state.mark_all(*slot, first, unmap.bitmap);
    bytes += slot->size();
    state.remove(*slot);
    slot = next;
  }
  return bytes;
}

// Of the slot and those after it up to `last`, or of none.
Result<std::uint64_t, std::errc> Container::State::forget_addresses(Slot* first, Iova last) {
  for (Slot* slot = first; slot != nullptr; slot = slots.next(*slot, last)) {
    if (!slot->has_address) return std::errc::invalid_argument;
  }
  std::uint64_t bytes = 0;
  for (Slot* slot = first; slot != nullptr; slot = slots.next(*slot, last)) {
    if (slot->kind != SlotKind::kMemory) continue;
    slot->has_address = false;
    ++without_address;
    bytes += slot->size();
  }
  return bytes;
}

}  // namespace smmu::iommu
