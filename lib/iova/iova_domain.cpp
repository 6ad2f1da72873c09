#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "lib/iova/iova_space.h"
#include "smmu/iommu/iova.h"

namespace smmu::iommu {

struct IovaDomain::State {
  State(unsigned log2_granule, Pfn start, Pfn end, const IovaConfig& config)
      : shift(log2_granule),
        threads(config.threads),
        space(start, end, shift <= 32 ? Pfn{1} << (32 - shift) : 0, config) {}

  // Does something with the ranges while nobody else does.
  template <class Do>
  auto with_space(Do something) {
    if (threads == Threads::kOne) return something(space);
    return locked(something);
  }
  template <class Do>
  [[gnu::noinline]] auto locked(Do something) {
    const std::lock_guard lock(mutex);
    return something(space);
  }

  const unsigned shift;
  const Threads threads;
  std::mutex mutex;
  IovaSpace space;
};

Result<std::unique_ptr<IovaDomain>, std::errc> IovaDomain::create(std::uint64_t granule, Pfn start,
                                                                  const IovaConfig& config) {
  if (!std::has_single_bit(granule)) return std::errc::invalid_argument;
  const auto shift = static_cast<unsigned>(std::countr_zero(granule));
  const Pfn end = shift == 0 ? ~Pfn{0} : Pfn{1} << (64 - shift);
  if (start >= end) return std::errc::invalid_argument;
  std::unique_ptr<State> state(new (std::nothrow) State(shift, start, end, config));
  if (!state) return std::errc::not_enough_memory;
  std::unique_ptr<IovaDomain> domain(new (std::nothrow) IovaDomain(std::move(state)));
  if (!domain) return std::errc::not_enough_memory;
  return domain;
}

IovaDomain::IovaDomain(std::unique_ptr<State> state) : state_(std::move(state)) {}
IovaDomain::~IovaDomain() = default;

std::uint64_t IovaDomain::granule() const { return std::uint64_t{1} << state_->shift; }
Pfn IovaDomain::start() const { return state_->space.start(); }
Pfn IovaDomain::last() const { return state_->space.end() - 1; }

Result<IovaRange, std::errc> IovaDomain::allocate(std::uint64_t pages, Pfn limit,
                                                  Alignment alignment) {
  return state_->with_space(
      [=](IovaSpace& space) { return space.allocate(pages, limit, alignment); });
}

bool IovaDomain::free(const IovaRange& range) {
  return state_->with_space([=](IovaSpace& space) { return space.free(range); });
}

Result<IovaRange, std::errc> IovaDomain::free(Pfn page) {
  return state_->with_space([=](IovaSpace& space) { return space.free(page); });
}

std::optional<IovaRange> IovaDomain::find(Pfn page) const {
  return state_->with_space([=](IovaSpace& space) { return space.find(page); });
}

std::optional<IovaRange> IovaDomain::find_from(Pfn page) const {
  return state_->with_space([=](IovaSpace& space) { return space.find_from(page); });
}

bool IovaDomain::is_reserved(const IovaRange& range) const {
  return state_->with_space([=](IovaSpace&) { return IovaSpace::is_reserved(range); });
}

Result<IovaRange, std::errc> IovaDomain::reserve(Pfn first, Pfn last) {
  return state_->with_space([=](IovaSpace& space) { return space.reserve(first, last); });
}

Result<std::uint64_t, std::errc> IovaDomain::reserve_from(const IovaDomain& other) {
  if (&other == this) return std::uint64_t{0};
  if (state_->shift != other.state_->shift) return std::errc::invalid_argument;
  auto own = std::unique_lock(state_->mutex, std::defer_lock);
  auto others = std::unique_lock(other.state_->mutex, std::defer_lock);
  std::lock(own, others);
  return state_->space.reserve_from(other.state_->space);
}

Result<IovaRemains, std::errc> IovaDomain::split_and_remove(const IovaRange& range, Pfn first,
                                                            Pfn last) {
  return state_->with_space(
      [=](IovaSpace& space) { return space.split_and_remove(range, first, last); });
}

void IovaDomain::reset() {
  state_->with_space([](IovaSpace& space) { space.reset(); });
}

IovaStatistics IovaDomain::statistics() const {
  return state_->with_space([=](IovaSpace& space) { return space.statistics(); });
}

}  // namespace smmu::iommu
