#include "smmu/iommu/dma_space.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

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
  Pa first;
  std::uint64_t size;
  Prot prot;
  Iova iova;
  std::uint64_t references = 1;
  Doorbell* next = nullptr;
};

Result<std::unique_ptr<DmaSpace>, std::errc> DmaSpace::create(
    Domain& domain, std::span<const ReservedRegion> regions, const DmaConfig& config) {
  const bool lazy = domain.type() == DomainType::kDmaLazy;
  const std::uint64_t sizes = domain.page_sizes();
  if ((!lazy && domain.type() != DomainType::kDma) || sizes == 0) {
    return std::errc::invalid_argument;
  }
  if (domain.doorbell_space() != nullptr) return std::errc::file_exists;

  const std::uint64_t granule = sizes & (~sizes + 1);
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
    if (!space->flusher_) return std::errc::not_enough_memory;
    auto queue = FlushQueue::create(*space->iovas_, *space->flusher_, config.flush_queue);
    // Without one, every unmap is strict: that takes longer and is as right.
    if (queue) {
      space->queue_ = *std::move(queue);
    } else if (queue.error() != std::errc::not_enough_memory) {
      return queue.error();
    }
  }
  domain.set_doorbell_space(space.get());
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
  if (domain_.doorbell_space() == this) domain_.set_doorbell_space(nullptr);
}

Result<Done, std::errc> DmaSpace::reserve(std::span<const ReservedRegion> regions) {
  for (const ReservedRegion& region : regions) {
    if (region.type == ReservedType::kSoftwareMsi || region.size == 0) continue;
    const Pfn first = region.start.value / granule_;
    const auto reserved = iovas_->reserve(first, region.last() / granule_);
    if (!reserved) return reserved.error();
  }
  return Done{};
}

bool DmaSpace::is_taken(Pfn first, std::uint64_t pages) const {
  const auto range = iovas_->find(first);
  // A cache gives out powers of two, of which the caller has asked for some pages.
  return range && range->first() == first && !iovas_->is_reserved(*range) && pages != 0 &&
         pages <= range->pages() && pages > range->pages() / 2;
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

// Doorbells are few, and bound once for many interrupts: a list will do, and so will a lock that is
// held while one is mapped.  A driver's handlers bind none.
Result<Iova, std::errc> DmaSpace::bind_doorbell(Pa pa, std::uint64_t size, Prot prot) {
  const std::uint64_t last = pa.value + (size - 1);
  if (size == 0 || last < pa.value) return std::errc::invalid_argument;
  const std::lock_guard lock(mutex_);
  for (Doorbell* bell = doorbells_; bell != nullptr; bell = bell->next) {
    if (pa < bell->first || last - bell->first.value >= bell->size || bell->prot != prot) continue;
    ++bell->references;
    return Iova(bell->iova.value + (pa.value - bell->first.value));
  }
  const Pa first(pa.value & ~(granule_ - 1));
  const std::uint64_t bytes = (last | (granule_ - 1)) - first.value + 1;
  std::unique_ptr<Doorbell> bell(
      new (std::nothrow) Doorbell{.first = first, .size = bytes, .prot = prot, .iova = Iova(0)});
  if (!bell || bytes == 0) return std::errc::not_enough_memory;
  const auto pages = iovas_->allocate(bytes >> shift_, last_);
  if (!pages) return pages.error();
  bell->iova = Iova(pages->first() << shift_);
  const auto mapped = domain_.map(bell->iova, first, bytes, prot);
  if (!mapped) {
    iovas_->free(*pages);
    return mapped.error();
  }
  const Iova answer(bell->iova.value + (pa.value - first.value));
  bell->next = doorbells_;
  doorbells_ = bell.release();
  return answer;
}

void DmaSpace::unbind_doorbell(Iova iova) {
  const std::lock_guard lock(mutex_);
  for (Doorbell** link = &doorbells_; *link != nullptr; link = &(*link)->next) {
    Doorbell* const bell = *link;
    if (iova.value - bell->iova.value >= bell->size) continue;
    if (--bell->references != 0) return;
    *link = bell->next;
    const std::unique_ptr<Doorbell> gone(bell);
    domain_.unmap(bell->iova, bell->size);
    const auto freed = iovas_->free(bell->iova.value >> shift_);
    static_cast<void>(freed);
    return;
  }
}

}  // namespace smmu::iommu
