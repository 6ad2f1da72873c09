// A buddy allocator whose notes lie outside the memory it hands out.
#include "smmu/iommu/page_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <mutex>
#include <new>

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kUnit = std::uint64_t{1} << PagePool::kLog2Least;
constexpr unsigned kOrders = 32;
constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::uint8_t kNotFree = UINT8_MAX;

// Of each unit of the range, what is known if a free block begins there.
struct Unit {
  std::uint32_t next = kNone;
  std::uint32_t previous = kNone;
  std::uint8_t order = kNotFree;
};

}  // namespace

struct PagePool::State {
  // Blocks are aligned as physical memory is, so a buddy is found by numbers of units from 0 on.
  std::uint64_t first = 0;  // that of the range
  std::uint32_t count = 0;
  std::unique_ptr<Unit[]> units;
  std::array<std::uint32_t, kOrders> heads{};

  mutable std::mutex mutex;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t granted = kUnlimited;
  std::uint64_t requests = 0;

  void link(std::uint32_t unit, unsigned order) {
    units[unit] = {
        .next = heads[order], .previous = kNone, .order = static_cast<std::uint8_t>(order)};
    if (heads[order] != kNone) units[heads[order]].previous = unit;
    heads[order] = unit;
  }
  void unlink(std::uint32_t unit) {
    const Unit& free = units[unit];
    if (free.next != kNone) units[free.next].previous = free.previous;
    (free.previous != kNone ? units[free.previous].next : heads[free.order]) = free.next;
    units[unit].order = kNotFree;
  }

  // The number of the block, or kNone.
  std::uint32_t take(unsigned order) {
    unsigned larger = order;
    while (larger != kOrders && heads[larger] == kNone) ++larger;
    if (larger == kOrders) return kNone;
    const std::uint32_t unit = heads[larger];
    unlink(unit);
    while (larger != order) {
      --larger;
      link(unit + (std::uint32_t{1} << larger), larger);
    }
    return unit;
  }
  void give(std::uint32_t unit, unsigned order) {
    for (; order + 1 != kOrders; ++order) {
      const std::uint64_t buddy = ((first + unit) ^ (std::uint64_t{1} << order)) - first;
      if (buddy >= count || units[buddy].order != order) break;
      unlink(static_cast<std::uint32_t>(buddy));
      unit = std::min(unit, static_cast<std::uint32_t>(buddy));
    }
    link(unit, order);
  }
  // All of the range is free, in the largest blocks that are aligned.
  void carve() {
    std::fill(heads.begin(), heads.end(), kNone);
    std::uint32_t unit = 0;
    while (unit != count) {
      const auto aligned = static_cast<unsigned>(std::countr_zero(first + unit));
      const auto fitting = static_cast<unsigned>(std::bit_width(count - unit)) - 1;
      const unsigned order = std::min({aligned, fitting, kOrders - 1});
      link(unit, order);
      unit += std::uint32_t{1} << order;
    }
  }
};

Result<std::unique_ptr<PagePool>, std::errc> PagePool::create(PhysicalMemory& memory, Pa base,
                                                              std::uint64_t size) {
  const std::uint64_t units = size / kUnit;
  if (size == 0 || size % kUnit != 0 || base.value % kUnit != 0 || units >= kNone) {
    return std::errc::invalid_argument;
  }
  const DirectRegion* const region = memory.direct_region(base);
  if (region == nullptr || !region->contains(base, size)) return std::errc::invalid_argument;

  std::unique_ptr<State> state(new (std::nothrow) State);
  if (!state) return std::errc::not_enough_memory;
  state->first = base.value / kUnit;
  state->count = static_cast<std::uint32_t>(units);
  state->units.reset(new (std::nothrow) Unit[units]);
  if (!state->units) return std::errc::not_enough_memory;
  state->carve();

  std::byte* const host = region->host + (base.value - region->base.value);
  std::unique_ptr<PagePool> pool(new (std::nothrow) PagePool(base, size, host, std::move(state)));
  if (!pool) return std::errc::not_enough_memory;
  return pool;
}

PagePool::PagePool(Pa base, std::uint64_t size, std::byte* host, std::unique_ptr<State> state)
    : base_(base.value), size_(size), host_(host), state_(std::move(state)) {}

PagePool::~PagePool() = default;

Result<Pa, std::errc> PagePool::allocate(unsigned log2_size) {
  const unsigned order = log2_size > kLog2Least ? log2_size - kLog2Least : 0;
  if (order >= kOrders) return std::errc::not_enough_memory;
  std::uint32_t unit = kNone;
  {
    const std::lock_guard lock(state_->mutex);
    ++state_->requests;
    if (state_->granted == 0) return std::errc::not_enough_memory;
    unit = state_->take(order);
    if (unit == kNone) return std::errc::not_enough_memory;
    if (state_->granted != kUnlimited) --state_->granted;
    ++state_->blocks;
    state_->bytes += kUnit << order;
  }
  // By the unit: for more, memset() takes an instruction that is slow to begin.
  for (std::uint64_t i = 0; i != std::uint64_t{1} << order; ++i) {
    std::memset(host_ + (unit + i) * kUnit, 0, kUnit);
  }
  return Pa(base_ + unit * kUnit);
}

void PagePool::free(Pa block, unsigned log2_size) {
  const unsigned order = log2_size > kLog2Least ? log2_size - kLog2Least : 0;
  assert(contains(block, kUnit << order) && block.value % (kUnit << order) == 0);
  const std::lock_guard lock(state_->mutex);
  --state_->blocks;
  state_->bytes -= kUnit << order;
  state_->give(static_cast<std::uint32_t>((block.value - base_) / kUnit), order);
}

std::uint64_t PagePool::live() const {
  const std::lock_guard lock(state_->mutex);
  return state_->blocks;
}

std::uint64_t PagePool::live_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes;
}

void PagePool::grant(std::uint64_t requests) {
  const std::lock_guard lock(state_->mutex);
  state_->granted = requests;
}

std::uint64_t PagePool::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

}  // namespace smmu::iommu
