#include "smmu/iommu/pinned_ram.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace smmu::iommu {

struct PinnedRam::State {
  std::uint64_t base = 0;
  std::uint64_t pages = 0;
  std::byte* host = nullptr;
  Pinning pinning = Pinning::kCount;
  std::uint64_t most = 0;  // pages
  std::unique_ptr<std::uint32_t[]> pins;

  mutable std::mutex mutex;
  std::uint64_t pinned = 0;  // pages

  std::uint64_t page_of(Pa pa) const { return (pa.value - base) / kPageSize; }

  // Calls visit(page, count) for each run of pages in [first, end) that nobody has pinned.
  template <class Visit>
  void for_each_free_run(std::uint64_t first, std::uint64_t end, const Visit& visit) const {
    const auto free = [](std::uint32_t count) { return count == 0; };
    const std::uint32_t* const last = pins.get() + end;
    for (const std::uint32_t* at = pins.get() + first; at != last;) {
      at = std::find_if(at, last, free);
      const std::uint32_t* const after = std::find_if_not(at, last, free);
      if (after != at) {
        visit(static_cast<std::uint64_t>(at - pins.get()), static_cast<std::uint64_t>(after - at));
      }
      at = after;
    }
  }
  bool lock(std::uint64_t page, std::uint64_t count) const {
    return pinning == Pinning::kCount || ::mlock(host + page * kPageSize, count * kPageSize) == 0;
  }
  void unlock(std::uint64_t page, std::uint64_t count) const {
    if (pinning == Pinning::kLock) (void)::munlock(host + page * kPageSize, count * kPageSize);
  }
};

Result<std::unique_ptr<PinnedRam>, std::errc> PinnedRam::create(PhysicalMemory& memory, Pa base,
                                                                std::uint64_t size, Pinning pinning,
                                                                std::uint64_t most) {
  if (size == 0 || (base.value | size) % kPageSize != 0) return std::errc::invalid_argument;
  const DirectRegion* const region = memory.direct_region(base);
  if (region == nullptr || !region->contains(base, size)) return std::errc::invalid_argument;
  std::byte* const host = region->host + (base.value - region->base.value);
  if (reinterpret_cast<std::uintptr_t>(host) % kPageSize != 0) return std::errc::invalid_argument;
  // What unlocks a part of one would unlock the rest of it, which may be pinned.
  if (pinning == Pinning::kLock && ::sysconf(_SC_PAGESIZE) != kPageSize) {
    return std::errc::operation_not_supported;
  }

  std::unique_ptr<State> state(new (std::nothrow) State);
  if (!state) return std::errc::not_enough_memory;
  state->base = base.value;
  state->pages = size / kPageSize;
  state->host = host;
  state->pinning = pinning;
  state->most = most / kPageSize;
  state->pins.reset(new (std::nothrow) std::uint32_t[state->pages]());
  if (!state->pins) return std::errc::not_enough_memory;
  std::unique_ptr<PinnedRam> made(new (std::nothrow) PinnedRam(std::move(state)));
  if (!made) return std::errc::not_enough_memory;
  return made;
}

PinnedRam::PinnedRam(std::unique_ptr<State> state) : state_(std::move(state)) {}

PinnedRam::~PinnedRam() {
  if (state_->pinned != 0) state_->unlock(0, state_->pages);
}

UserAddress PinnedRam::address_of(Pa pa) const {
  return UserAddress(reinterpret_cast<std::uintptr_t>(state_->host) + (pa.value - state_->base));
}

Result<PinnedRun, std::errc> PinnedRam::pin(UserAddress address, std::uint64_t size, Prot) {
  State& state = *state_;
  if (size == 0 || (address.value | size) % kPageSize != 0) return std::errc::invalid_argument;
  const std::uint64_t offset = address.value - reinterpret_cast<std::uintptr_t>(state.host);
  const std::uint64_t bytes = state.pages * kPageSize;
  if (offset >= bytes || size > bytes - offset) return std::errc::bad_address;
  const std::uint64_t first = offset / kPageSize;
  const std::uint64_t end = first + size / kPageSize;

  const std::lock_guard lock(state.mutex);
  std::uint32_t* const pins = state.pins.get();
  if (std::find(pins + first, pins + end, UINT32_MAX) != pins + end) {
    return std::errc::not_enough_memory;
  }
  std::uint64_t more = 0;
  state.for_each_free_run(first, end, [&](std::uint64_t, std::uint64_t count) { more += count; });
  if (more > state.most - state.pinned) return std::errc::not_enough_memory;
  bool is_locked = true;
  std::uint64_t tried = first;  // up to there
  state.for_each_free_run(first, end, [&](std::uint64_t page, std::uint64_t count) {
    if (!is_locked) return;
    is_locked = state.lock(page, count);
    tried = page + count;
  });
  if (!is_locked) {
    // Those before the one that failed are, and of that one some may be.
    state.for_each_free_run(
        first, tried, [&](std::uint64_t page, std::uint64_t count) { state.unlock(page, count); });
    return std::errc::not_enough_memory;
  }
  for (std::uint64_t page = first; page != end; ++page) ++pins[page];
  state.pinned += more;
  return PinnedRun{Pa(state.base + offset), size};
}

void PinnedRam::unpin(Pa pa, std::uint64_t size) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  const std::uint64_t bytes = state.pages * kPageSize;
  const std::uint64_t offset = pa.value - state.base;
  if (offset >= bytes) return;
  const std::uint64_t first = offset / kPageSize;
  const std::uint64_t end = first + std::min(size, bytes - offset) / kPageSize;
  std::uint64_t freed = first;  // from there on all have become free
  const auto unlock = [&](std::uint64_t up_to) {
    if (freed != up_to) state.unlock(freed, up_to - freed);
    state.pinned -= up_to - freed;
  };
  for (std::uint64_t page = first; page != end; ++page) {
    if (state.pins[page] != 0 && --state.pins[page] == 0) continue;
    unlock(page);
    freed = page + 1;
  }
  unlock(end);
}

std::uint64_t PinnedRam::pinned() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pinned * kPageSize;
}

std::uint32_t PinnedRam::pins(Pa pa) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pins[state_->page_of(pa)];
}

}  // namespace smmu::iommu
