// The addresses of a DMA domain: which are taken, and which wait until the SMMU has forgotten them.
#ifndef SMMU_IOMMU_DMA_SPACE_H_
#define SMMU_IOMMU_DMA_SPACE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>

#include "smmu/iommu/domain.h"
#include "smmu/iommu/doorbell_space.h"
#include "smmu/iommu/flush_queue.h"
#include "smmu/iommu/iova.h"
#include "smmu/iommu/iova_recorder.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/platform/clock.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Whether what is unmapped is looked up first, page by page: for finding out who unmaps what.
enum class UnmapCheck : std::uint8_t { kNo, kYes };

struct DmaConfig {
  IovaConfig iova = {};
  FlushQueueConfig flush_queue = {};  // of a domain of kDmaLazy
  UnmapCheck unmap_check = UnmapCheck::kNo;
  // For the flush queue.  Null: the time of the host.
  Clock* clock = nullptr;
  // Null: nobody is told.
  IovaRecorder* recorder = nullptr;
};

struct DmaSegment;

// The last pages that a device's addresses may be in: where they are looked for first, and then.
struct DmaLimit {
  Pfn first;
  Pfn last;
};

// One for a domain of kDma or kDmaLazy.  Devices map through a DeviceDma each.
//
// Every member function may be called from any number of threads at once.
class DmaSpace final : public DoorbellSpace {
 public:
  // `regions`, those of the domain's devices, are not given out, but for kSoftwareMsi; nor is the
  // first page.  The domain, the clock and the recorder outlive the space: Iommu::add_device()
  // takes no domain away that has one, Iommu::remove_device() does, with the last device of the
  // group.
  // invalid_argument: the domain is of another type, or a configuration that IovaDomain or
  // FlushQueue refuses.  no_such_device: the domain gets its tables when it is first attached.
  // file_exists: the domain has a space.  not_enough_memory.
  static Result<std::unique_ptr<DmaSpace>, std::errc> create(
      Domain& domain, std::span<const ReservedRegion> regions, const DmaConfig& config = {});
  // REQUIRES: all is unmapped that was mapped here, all doorbells are put back, and every DmaQueue
  // is gone.
  ~DmaSpace() override;
  DmaSpace(const DmaSpace&) = delete;
  DmaSpace& operator=(const DmaSpace&) = delete;

  Domain& domain() const { return domain_; }
  std::uint64_t granule() const { return granule_; }
  // Whether unmapped addresses wait: of kDmaLazy, unless the SMMU or memory does not allow it.
  bool is_lazy() const { return queue_ != nullptr; }
  // The same for regions of a device that came later, all of them or none.
  // address_in_use: something is mapped there, whatever the order of DmaConfig::iova.
  // invalid_argument: one wraps.  not_enough_memory.
  Result<Done, std::errc> reserve(std::span<const ReservedRegion> regions);

  // When tick() is to be called next; nothing: nobody waits.
  std::optional<std::chrono::nanoseconds> deadline() const;
  // Flushes if that time has come.
  void tick();
  // What was unmapped before the call is not reached by any device any more, and its addresses are
  // free.
  void flush();

  // A page of a doorbell is mapped once, whoever wants it.
  Result<Iova, std::errc> bind_doorbell(Pa pa, std::uint64_t size, Prot prot) override;
  void unbind_doorbell(Iova iova) override;

  IovaStatistics statistics() const { return iovas_->statistics(); }
  FlushQueueStatistics flush_statistics() const;

 private:
  friend class DeviceDma;
  friend class DmaQueue;
  class Flusher;
  struct Doorbell;

  DmaSpace(Domain& domain, const DmaConfig& config, std::uint64_t granule,
           std::unique_ptr<IovaDomain> iovas);

  // `Source`: who keeps addresses for one caller, the IovaDomain or an IovaQueue of it.
  template <class Source>
  Result<Pfn, std::errc> allocate(Source& source, std::uint64_t pages, const DmaLimit& limit);
  template <class Source>
  Result<Iova, std::errc> map(Source& source, Pa pa, std::uint64_t size, Prot prot,
                              const DmaLimit& limit);
  template <class Source>
  Result<Done, std::errc> unmap(Source& source, Iova iova, std::uint64_t size);
  template <class Source>
  Result<Pfn, std::errc> ask(Source& source, std::uint64_t pages, Pfn limit, FlushOnFailure flush);
  template <class Source>
  Result<Pfn, std::errc> allocate_elsewhere(Source& source, std::uint64_t pages,
                                            const DmaLimit& limit);
  // Whether these, and nothing else, are what was mapped of one range that was given out.
  // REQUIRES: there is one, and each has bytes and does not wrap.
  bool was_mapped(std::span<const DmaSegment> segments) const;
  bool is_doorbell(Iova iova) const;
  // One that is mapped and contains [pa, last]; null: none.
  // REQUIRES: the mutex.
  Doorbell* find_doorbell(Pa pa, std::uint64_t last, Prot prot) const;
  void forget(Doorbell& bell);
  // What an unmap answers that has found so many bytes and not all.
  std::errc refuse(std::uint64_t unmapped);
  // Pages that were unmapped: at once, or after a flush.
  template <class Source>
  Result<Done, std::errc> release(Source& source, Pfn first, std::uint64_t pages);
  template <class Source>
  void give_back(Source& source, Pfn first, std::uint64_t pages);

  Domain& domain_;
  Clock& clock_;
  IovaRecorder* const recorder_;
  const std::uint64_t granule_;
  const unsigned shift_;
  const Pfn last_;
  const bool checks_;
  HostClock host_clock_;
  std::unique_ptr<IovaDomain> iovas_;
  std::unique_ptr<Flusher> flusher_;
  std::unique_ptr<FlushQueue> queue_;
  mutable std::mutex mutex_;  // of the doorbells
  Doorbell* doorbells_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DMA_SPACE_H_
