// Who is told which addresses are asked for and given back, in order: a trace of an allocator.
#ifndef SMMU_IOMMU_IOVA_RECORDER_H_
#define SMMU_IOMMU_IOVA_RECORDER_H_

#include <cstdint>
#include <optional>

#include "smmu/iommu/pfn.h"

namespace smmu::iommu {

// Told of the requests of buffers and doorbells, as they were made: a number of pages that
// magazines round up, for instance, is told as it was asked for.  Where a request is made again,
// because addresses below 4 GiB have run out or because of what waited, each is told.
//
// Not told of reserved windows (Domain::alloc_reserved_iova_domain()): what is bound there has an
// allocator of its own, which is as large as the window and is asked a few times for each device.
//
// Called from the threads that ask, several at once, with no lock of the library held.
class IovaRecorder {
 public:
  virtual ~IovaRecorder() = default;

  // So many pages were asked for, none above `limit`.  None: the request was refused.
  virtual void on_allocate(std::uint64_t pages, Pfn limit, std::optional<Pfn> first) = 0;
  // What on_allocate() told of is about to be given back, or to wait for a flush.
  virtual void on_free(Pfn first) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOVA_RECORDER_H_
