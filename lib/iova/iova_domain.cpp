#include <bit>
#include <new>
#include <utility>

#include "lib/iova/guarded_space.h"
#include "lib/iova/iova_caches.h"
#include "smmu/iommu/iova.h"

namespace smmu::iommu {

struct IovaDomain::State {
  State(std::uint64_t number, unsigned log2_granule, Pfn start, Pfn end, const IovaConfig& config)
      : shift(log2_granule),
        space(start, end, shift <= 32 ? Pfn{1} << (32 - shift) : 0, config),
        caches(number, space, config.cache) {}

  const unsigned shift;
  GuardedSpace space;
  IovaCaches caches;
};

std::string_view name(FreeFault fault) {
  switch (fault) {
    case FreeFault::kWrongSize:
      return "wrong size";
    case FreeFault::kDoubleFree:
      return "double free";
    case FreeFault::kForeignPfn:
      return "foreign pfn";
  }
  return "";
}

Result<std::unique_ptr<IovaDomain>, std::errc> IovaDomain::create(std::uint64_t granule, Pfn start,
                                                                  const IovaConfig& config) {
  if (!std::has_single_bit(granule)) return std::errc::invalid_argument;
  const auto shift = static_cast<unsigned>(std::countr_zero(granule));
  const Pfn end = shift == 0 ? ~Pfn{0} : Pfn{1} << (64 - shift);
  if (start >= end) return std::errc::invalid_argument;
  constexpr unsigned kLargestMagazine = 65536;
  if (config.cache.sizes > IovaCache::kMostSizes || config.cache.magazine == 0 ||
      config.cache.magazine > kLargestMagazine) {
    return std::errc::invalid_argument;
  }
  const std::uint64_t number = ThreadCaches::new_domain();
  std::unique_ptr<State> state(new (std::nothrow) State(number, shift, start, end, config));
  if (!state) return std::errc::not_enough_memory;
  std::unique_ptr<IovaDomain> domain(new (std::nothrow) IovaDomain(number, std::move(state)));
  if (!domain) return std::errc::not_enough_memory;
  return domain;
}

IovaDomain::IovaDomain(std::uint64_t number, std::unique_ptr<State> state)
    : number_(number), state_(std::move(state)) {}
IovaDomain::~IovaDomain() = default;

std::uint64_t IovaDomain::granule() const { return std::uint64_t{1} << state_->shift; }
Pfn IovaDomain::start() const { return state_->space.unguarded().start(); }
Pfn IovaDomain::last() const { return state_->space.unguarded().end() - 1; }

Result<IovaRange, std::errc> IovaDomain::allocate(std::uint64_t pages, Pfn limit,
                                                  Alignment alignment) {
  // Not by with(): what is captured would be stored before it is known whether it is wanted.
  if (IovaSpace* const own = state_->space.alone()) return own->allocate(pages, limit, alignment);
  return state_->space.with(
      [=](IovaSpace& space) { return space.allocate(pages, limit, alignment); });
}

bool IovaDomain::free(const IovaRange& range) {
  return state_->space.with([&](IovaSpace& space) { return space.free(range); });
}

Result<IovaRange, std::errc> IovaDomain::free(Pfn page) {
  return state_->space.with([=](IovaSpace& space) { return space.free(page); });
}

std::optional<IovaRange> IovaDomain::find(Pfn page) const {
  return state_->space.with([=](IovaSpace& space) { return space.find(page); });
}

std::optional<IovaRange> IovaDomain::find_from(Pfn page) const {
  return state_->space.with([=](IovaSpace& space) { return space.find_from(page); });
}

bool IovaDomain::is_reserved(const IovaRange& range) const {
  return state_->space.with([&](IovaSpace& space) { return space.is_reserved(range); });
}

Result<IovaRange, std::errc> IovaDomain::reserve(Pfn first, Pfn last) {
  return state_->space.with([=](IovaSpace& space) { return space.reserve(first, last); });
}

Result<std::uint64_t, std::errc> IovaDomain::reserve_from(const IovaDomain& other,
                                                          OverAllocated over) {
  if (&other == this) {
    return state_->space.with([=](IovaSpace& space) { return space.reserve_from(space, over); });
  }
  if (state_->shift != other.state_->shift) return std::errc::invalid_argument;
  return state_->space.with_other(
      other.state_->space,
      [=](IovaSpace& own, const IovaSpace& others) { return own.reserve_from(others, over); });
}

Result<IovaRemains, std::errc> IovaDomain::split_and_remove(const IovaRange& range, Pfn first,
                                                            Pfn last) {
  return state_->space.with(
      [&](IovaSpace& space) { return space.split_and_remove(range, first, last); });
}

void IovaDomain::reset() {
  state_->caches.forget();
  state_->space.with([](IovaSpace& space) { space.reset(); });
}

Result<Pfn, std::errc> IovaDomain::allocate_otherwise(std::uint64_t pages, Pfn limit,
                                                      FlushOnFailure flush) {
  return state_->caches.allocate(pages, limit, flush);
}

std::optional<FreeFault> IovaDomain::free_otherwise(Pfn first, std::uint64_t pages) {
  return state_->caches.free(first, pages);
}

Result<IovaQueue, std::errc> IovaDomain::add_queue() {
  IovaCache* const cache = state_->caches.add();
  if (!cache) return std::errc::not_enough_memory;
  return IovaQueue(&state_->caches, cache);
}

IovaQueue::~IovaQueue() {
  if (cache_) home_->remove(cache_);
}

Result<Pfn, std::errc> IovaQueue::allocate_otherwise(std::uint64_t pages, Pfn limit,
                                                     FlushOnFailure flush) {
  return home_->allocate(cache_, pages, limit, flush);
}

std::optional<FreeFault> IovaQueue::free_otherwise(Pfn first, std::uint64_t pages) {
  return home_->free(cache_, first, pages);
}

std::uint64_t IovaDomain::trim(std::uint64_t magazines) { return state_->caches.trim(magazines); }

void IovaDomain::flush_caches() { state_->caches.flush(); }

IovaStatistics IovaDomain::statistics() const {
  IovaStatistics statistics =
      state_->space.with([](const IovaSpace& space) { return space.statistics(); });
  statistics.bytes += state_->caches.bytes();
  return statistics;
}

}  // namespace smmu::iommu
