#include "smmu/iommu/dma_space.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

#include "lib/dma/mapping.h"
#include "lib/iommu/page_sizes.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

// What the flush queue knows of the domain.
class DmaSpace::Flusher final : public FlushQueueClient {
 public:
  explicit Flusher(Domain& domain) : domain_(domain) {}
  void flush() override { domain_.flush_all(); }
  void free_tables(void*) override {}  // IoPgtable frees its own, after a flush_walk()

 private:
  Domain& domain_;
};

// Whole pages, mapped for as long as somebody wants one of them.
struct DmaSpace::Doorbell {
  bool contains(Pa pa, std::uint64_t last) const {
    return pa >= first && last - first.value < size;
  }
  Iova iova_of(Pa pa) const { return Iova(iova.value + (pa.value - first.value)); }

  Pa first;
  std::uint64_t size;
  Prot prot;
  Iova iova;
  std::uint64_t references = 0;  // 0: it is being mapped or unmapped
  Doorbell* next = nullptr;
};

Result<std::unique_ptr<DmaSpace>, std::errc> DmaSpace::create(
    Domain& domain, std::span<const ReservedRegion> regions, const DmaConfig& config) {
  const bool lazy = domain.type() == DomainType::kDmaLazy;
  const std::uint64_t sizes = domain.page_sizes();
  if ((!lazy && domain.type() != DomainType::kDma) || sizes == 0 ||
      config.iova.threads != Threads::kMany) {
    return std::errc::invalid_argument;
  }
  // Its tables may have other sizes and addresses than those there would be now.
  if (domain.driver_domain().tables() == nullptr) return std::errc::no_such_device;
  if (domain.doorbell_space() != nullptr) return std::errc::file_exists;

  const std::uint64_t granule = smallest_page(sizes);
  const Geometry geometry = domain.geometry();
  // The first page of all is nobody's: an address of 0 looks like none.
  const Pfn start = std::max<Pfn>(1, geometry.first.value / granule);
  auto iovas = IovaDomain::create(granule, start, config.iova);
  if (!iovas) return iovas.error();
  std::unique_ptr<DmaSpace> space(new (std::nothrow)
                                      DmaSpace(domain, config, granule, *std::move(iovas)));
  if (!space) return std::errc::not_enough_memory;
  const Result<Done, std::errc> reserved = space->reserve(regions);
  if (!reserved) return reserved.error();

  if (lazy && domain.iommu().capable(Capability::kDeferredFlush)) {
    space->flusher_.reset(new (std::nothrow) Flusher(domain));
    auto queue = space->flusher_
                     ? FlushQueue::create(*space->iovas_, *space->flusher_, config.flush_queue)
                     : std::errc::not_enough_memory;
    // Without one, every unmap is strict: that takes longer and is as right.
    if (queue) {
      space->queue_ = *std::move(queue);
    } else if (queue.error() != std::errc::not_enough_memory) {
      return queue.error();
    }
  }
  // Another thread may have been faster.
  const Result<Done, std::errc> ours = domain.set_doorbell_space(*space);
  if (!ours) return ours.error();
  return space;
}

DmaSpace::DmaSpace(Domain& domain, const DmaConfig& config, std::uint64_t granule,
                   std::unique_ptr<IovaDomain> iovas)
    : domain_(domain),
      clock_(config.clock != nullptr ? *config.clock : host_clock_),
      recorder_(config.recorder),
      granule_(granule),
      shift_(static_cast<unsigned>(std::countr_zero(granule))),
      last_(domain.geometry().last.value / granule),
      checks_(config.unmap_check == UnmapCheck::kYes),
      iovas_(std::move(iovas)) {}

DmaSpace::~DmaSpace() {
  assert(doorbells_ == nullptr);
  domain_.clear_doorbell_space(*this);
}

Result<Done, std::errc> DmaSpace::reserve(std::span<const ReservedRegion> regions) {
  // Apart from what is given out, so that all of them are looked at before one is taken.
  const auto wanted =
      IovaDomain::create(granule_, 0, {.threads = Threads::kOne, .cache = {.sizes = 0}});
  if (!wanted) return wanted.error();
  for (const ReservedRegion& region : regions) {
    if (region.type == ReservedType::kSoftwareMsi || region.size == 0) continue;
    const auto one = (*wanted)->reserve(region.start.value / granule_, region.last() / granule_);
    if (!one) return one.error();
  }
  auto reserved = iovas_->reserve_from(**wanted, OverAllocated::kNever);
  if (!reserved && reserved.error() == std::errc::address_in_use) {
    // Maybe by what waits, or by what is kept for the next request.
    flush();
    iovas_->flush_caches();
    reserved = iovas_->reserve_from(**wanted, OverAllocated::kNever);
  }
  if (!reserved) return reserved.error();
  return Done{};
}

bool DmaSpace::was_mapped(std::span<const DmaSegment> segments) const {
  const Pfn first = segments.front().iova.value >> shift_;
  const auto range = iovas_->find(first);
  const IoPgtable* const tables = domain_.driver_domain().tables();
  if (!range || range->first() != first || iovas_->is_reserved(*range) || tables == nullptr ||
      is_doorbell(Iova(first << shift_))) {
    return false;
  }
  Pfn page = first;
  const auto all_are = [&](bool mapped, Pfn end) {
    for (; page != end; ++page) {
      if (tables->iova_to_phys(Iova(page << shift_)).has_value() != mapped) return false;
    }
    return true;
  };
  for (const DmaSegment& segment : segments) {
    const PagesAround around = pages_around(segment.iova.value, segment.size, granule_);
    const Pfn begin = segment.iova.value >> shift_;
    const Pfn end = begin + (around.bytes >> shift_);
    if (begin < page || end - 1 > range->last()) return false;
    if (!all_are(false, begin) || !all_are(true, end)) return false;
  }
  return all_are(false, range->last() + 1);
}

std::errc DmaSpace::refuse(std::uint64_t unmapped) {
  // These bytes do not wait, so nobody flushes for them.
  if (unmapped != 0 && is_lazy()) domain_.flush_all();
  return std::errc::invalid_argument;
}

std::optional<std::chrono::nanoseconds> DmaSpace::deadline() const {
  return queue_ ? queue_->deadline() : std::nullopt;
}

void DmaSpace::tick() {
  if (queue_) queue_->tick(clock_.now());
}

void DmaSpace::flush() {
  if (queue_) queue_->flush();
}

FlushQueueStatistics DmaSpace::flush_statistics() const {
  return queue_ ? queue_->statistics() : FlushQueueStatistics{};
}

// Doorbells are few, and bound once for many interrupts: a list will do.
DmaSpace::Doorbell* DmaSpace::find_doorbell(Pa pa, std::uint64_t last, Prot prot) const {
  for (Doorbell* bell = doorbells_; bell != nullptr; bell = bell->next) {
    if (bell->references != 0 && bell->prot == prot && bell->contains(pa, last)) return bell;
  }
  return nullptr;
}

// The lock is not held while something is mapped or unmapped: a driver's calls may come back here,
// and others want to know which doorbells there are.
Result<Iova, std::errc> DmaSpace::bind_doorbell(Pa pa, std::uint64_t size, Prot prot) {
  const std::uint64_t last = pa.value + (size - 1);
  if (size == 0 || last < pa.value) return std::errc::invalid_argument;
  std::unique_lock lock(mutex_);
  if (Doorbell* const shared = find_doorbell(pa, last, prot)) {
    ++shared->references;
    return shared->iova_of(pa);
  }
  lock.unlock();
  const Pa first(pa.value & ~(granule_ - 1));
  const std::uint64_t bytes = (last | (granule_ - 1)) - first.value + 1;
  std::unique_ptr<Doorbell> made(
      new (std::nothrow) Doorbell{.first = first, .size = bytes, .prot = prot, .iova = Iova(0)});
  if (!made || bytes == 0) return std::errc::not_enough_memory;
  // Devices of all masks may ring it, and some put no more than 32 bits into a message.
  const DmaLimit limit{.first = std::min(last_, kLast32Bits >> shift_), .last = last_};
  const auto page = allocate(*iovas_, bytes >> shift_, limit);
  if (!page) return page.error();
  made->iova = Iova(*page << shift_);

  lock.lock();
  Doorbell& bell = *made.release();
  bell.next = doorbells_;
  doorbells_ = &bell;
  lock.unlock();
  const auto mapped = domain_.map(bell.iova, first, bytes, prot);
  lock.lock();
  // Somebody else may have bound it meanwhile; then that is what everybody shares.
  Doorbell* const shared = mapped ? find_doorbell(pa, last, prot) : nullptr;
  if (mapped && shared == nullptr) {
    bell.references = 1;
    return bell.iova_of(pa);
  }
  const Iova answer = shared != nullptr ? shared->iova_of(pa) : Iova(0);
  if (shared != nullptr) ++shared->references;
  lock.unlock();
  if (mapped) domain_.unmap(bell.iova, bell.size);
  forget(bell);
  if (!mapped) return mapped.error();
  return answer;
}

bool DmaSpace::is_doorbell(Iova iova) const {
  const std::lock_guard lock(mutex_);
  for (const Doorbell* bell = doorbells_; bell != nullptr; bell = bell->next) {
    if (iova.value - bell->iova.value < bell->size) return true;
  }
  return false;
}

void DmaSpace::unbind_doorbell(Iova iova) {
  std::unique_lock lock(mutex_);
  Doorbell* bell = doorbells_;
  while (bell != nullptr &&
         (bell->references == 0 || iova.value - bell->iova.value >= bell->size)) {
    bell = bell->next;
  }
  if (bell == nullptr || --bell->references != 0) return;
  lock.unlock();
  domain_.unmap(bell->iova, bell->size);
  forget(*bell);
}

// Takes one that is not mapped off the list, and then its addresses are free.
void DmaSpace::forget(Doorbell& bell) {
  const std::unique_ptr<Doorbell> gone(&bell);
  {
    const std::lock_guard lock(mutex_);
    Doorbell** link = &doorbells_;
    while (*link != &bell) link = &(*link)->next;
    *link = bell.next;
  }
  give_back(*iovas_, bell.iova.value >> shift_, bell.size >> shift_);
}

}  // namespace smmu::iommu
