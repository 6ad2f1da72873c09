// What a device driver does for DMA: buffers are mapped for a device, and unmapped after use.
#ifndef SMMU_IOMMU_DMA_H_
#define SMMU_IOMMU_DMA_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "smmu/iommu/device.h"
#include "smmu/iommu/dma_space.h"
#include "smmu/iommu/iova.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

enum class DmaDirection : std::uint8_t {
  kToDevice = static_cast<std::uint8_t>(Prot::kRead),     // the device reads
  kFromDevice = static_cast<std::uint8_t>(Prot::kWrite),  // the device writes
  kBidirectional = static_cast<std::uint8_t>(kReadWrite),
};

// Where addresses are looked for first.
enum class AddressPreference : std::uint8_t {
  kHighest,
  kLow32Bits,  // below 4 GiB, as long as there is room: bridges and devices are quicker there
};

// What a device can do.
struct DmaLimits {
  std::uint64_t mask = UINT64_MAX;  // the highest address it can put on the bus
  AddressPreference preference = AddressPreference::kHighest;
  // Of map_sg(): no piece is longer, and none has a multiple of `boundary` inside of it (0: any).
  std::uint64_t longest_segment = UINT64_MAX;
  std::uint64_t boundary = 0;  // a power of two
  Prot prot = Prot::kNone;     // beside what the direction says: kCache of a coherent device
};

// A piece of what a device is to be told of.
struct DmaSegment {
  Iova iova;
  std::uint64_t size = 0;  // bytes
  friend bool operator==(const DmaSegment&, const DmaSegment&) = default;
};

// Memory that device and software use at the same time.
struct CoherentBuffer {
  Iova iova;
  Pa pa;
  std::uint64_t* words = nullptr;  // where the host finds it
  std::uint64_t size = 0;          // bytes, as they were asked for
};

// Addresses that one thread at a time keeps for itself: see DeviceDma::add_queue().  It is gone
// before its space is.
class DmaQueue {
 public:
  // The same as of DeviceDma.
  Result<Iova, std::errc> map_single(Pa pa, std::uint64_t size, DmaDirection direction);
  Result<Done, std::errc> unmap_single(Iova iova, std::uint64_t size);

 private:
  friend class DeviceDma;
  DmaQueue(DmaSpace& space, IovaQueue queue, const DmaLimit& limit, Prot prot)
      : space_(&space), queue_(std::move(queue)), limit_(limit), prot_(prot) {}

  DmaSpace* space_;
  IovaQueue queue_;
  DmaLimit limit_;
  Prot prot_;
};

// One device's way to map in the space of its domain.  Any number of threads may use one.
//
// An unmap that was told a size or an address that was not mapped so is invalid_argument, and
// changes nothing, if DmaConfig::unmap_check says so.  Without, it is if not all of it is mapped:
// what is, from there on, is unmapped, no device reaches it any more, and its addresses are lost.
// What is mapped, but not so, is unmapped, and may have two buffers share an address later.
class DeviceDma {
 public:
  // The space outlives it.
  DeviceDma(DmaSpace& space, const DmaLimits& limits);

  // Maps [pa, pa + size), whatever its alignment; the answer is where the device finds `pa`.
  // invalid_argument: no bytes, or they wrap.  not_enough_memory: no address is left below the
  // device's limit.  And those of Domain::map().
  Result<Iova, std::errc> map_single(Pa pa, std::uint64_t size, DmaDirection direction);
  // Strict: when it returns, no device reaches the buffer.  Lazy: none does after a flush, and
  // until then the address is not given out.  Where the SMMU does not answer an invalidation, that
  // is logged, and the address is given out all the same.
  Result<Done, std::errc> unmap_single(Iova iova, std::uint64_t size);

  // Maps pieces of any alignment.  The device finds them in `segments`, of which the number is
  // returned: pieces that the device sees as following one another are one segment as far as its
  // limits allow.  invalid_argument: also if there are fewer segments than pieces, or a piece is
  // longer than the longest segment.
  Result<std::size_t, std::errc> map_sg(std::span<const ScatterEntry> pieces,
                                        DmaDirection direction, std::span<DmaSegment> segments);
  // REQUIRES: all segments of one map_sg(), in their order.
  Result<Done, std::errc> unmap_sg(std::span<const DmaSegment> segments);

  // Memory of `pool`, zero, mapped for both directions.  invalid_argument: no bytes.
  // not_enough_memory.
  Result<CoherentBuffer, std::errc> alloc_coherent(PagePool& pool, std::uint64_t size);
  Result<Done, std::errc> free_coherent(PagePool& pool, const CoherentBuffer& buffer);

  // For a queue of the device with a thread of its own.  not_enough_memory.
  // The space outlives it.
  Result<DmaQueue, std::errc> add_queue();

 private:
  Result<std::uint64_t, std::errc> bytes_of(std::span<const ScatterEntry> pieces) const;
  std::uint64_t bytes_to_boundary(std::uint64_t at, std::uint64_t size) const;
  bool joins(const DmaSegment& segment, const DmaSegment& next) const;
  struct Unmapped {
    std::uint64_t bytes = 0;
    bool all = true;  // of what they have was mapped
  };
  Unmapped unmap_segments(std::span<const DmaSegment> segments, UnmapBatch& batch);

  DmaSpace& space_;
  const DmaLimits limits_;
  const DmaLimit limit_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DMA_H_
