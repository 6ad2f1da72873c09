// Mapping and unmapping in a DMA space, for devices and for their queues.
#ifndef SMMU_LIB_DMA_MAPPING_H_
#define SMMU_LIB_DMA_MAPPING_H_

#include <cstdint>
#include <optional>

#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"

namespace smmu::iommu {

// The last address that has 32 bits.
inline constexpr std::uint64_t kLast32Bits = 0xffff'ffff;

inline Prot prot_of(DmaDirection direction) { return static_cast<Prot>(direction); }

// The whole pages around some bytes.
struct PagesAround {
  std::uint64_t offset;  // of the bytes in the first
  std::uint64_t bytes;   // 0: there are none, or they wrap
};

inline PagesAround pages_around(std::uint64_t address, std::uint64_t size, std::uint64_t granule) {
  const std::uint64_t offset = address & (granule - 1);
  const std::uint64_t last = offset + (size - 1);
  if (last < offset) [[unlikely]]
    return {0, 0};
  // 0, too, of no bytes at offset 0.
  return {offset, (last | (granule - 1)) + 1};
}

template <class Source>
[[gnu::always_inline]] inline Result<Pfn, std::errc> DmaSpace::allocate(Source& source,
                                                                        std::uint64_t pages,
                                                                        const DmaLimit& limit) {
  const bool again = limit.first != limit.last;
  const auto first =
      ask(source, pages, limit.first, again ? FlushOnFailure::kNo : FlushOnFailure::kYes);
  if (first) [[likely]]
    return first;
  return allocate_elsewhere(source, pages, limit);
}

template <class Source>
[[gnu::always_inline]] inline Result<Pfn, std::errc> DmaSpace::ask(Source& source,
                                                                   std::uint64_t pages, Pfn limit,
                                                                   FlushOnFailure flush) {
  const auto first = source.allocate_fast(pages, limit, flush);
  if (recorder_ != nullptr) [[unlikely]]
    recorder_->on_allocate(pages, limit, first ? std::optional<Pfn>(*first) : std::nullopt);
  return first;
}

// After a refusal where addresses are looked for first.
template <class Source>
Result<Pfn, std::errc> DmaSpace::allocate_elsewhere(Source& source, std::uint64_t pages,
                                                    const DmaLimit& limit) {
  if (limit.first != limit.last) {
    const auto first = ask(source, pages, limit.last, FlushOnFailure::kYes);
    if (first) return first;
  }
  // Nobody uses what waits.
  if (queue_ == nullptr || queue_->statistics().waiting == 0) return std::errc::not_enough_memory;
  queue_->flush();
  return ask(source, pages, limit.last, FlushOnFailure::kYes);
}

// Addresses that nothing was mapped at.
template <class Source>
void DmaSpace::give_back(Source& source, Pfn first, std::uint64_t pages) {
  if (recorder_ != nullptr) recorder_->on_free(first);
  const auto fault = source.free_fast(first, pages);
  static_cast<void>(fault);  // they are this call's own
}

template <class Source>
[[gnu::always_inline]] inline Result<Done, std::errc> DmaSpace::release(Source& source, Pfn first,
                                                                        std::uint64_t pages) {
  if (recorder_ != nullptr) [[unlikely]]
    recorder_->on_free(first);
  if (queue_ != nullptr) {
    queue_->add(first, pages, nullptr, clock_);
  } else if (source.free_fast(first, pages)) [[unlikely]] {
    return std::errc::invalid_argument;
  }
  return Done{};
}

template <class Source>
[[gnu::always_inline]] inline Result<Iova, std::errc> DmaSpace::map(Source& source, Pa pa,
                                                                    std::uint64_t size, Prot prot,
                                                                    const DmaLimit& limit) {
  const PagesAround around = pages_around(pa.value, size, granule_);
  if (around.bytes == 0) [[unlikely]]
    return std::errc::invalid_argument;
  const auto first = allocate(source, around.bytes >> shift_, limit);
  if (!first) [[unlikely]]
    return first.error();
  const Iova iova(*first << shift_);
  const auto mapped = domain_.map(iova, Pa(pa.value - around.offset), around.bytes, prot);
  if (!mapped) [[unlikely]] {
    give_back(source, *first, around.bytes >> shift_);
    return mapped.error();
  }
  return Iova(iova.value + around.offset);
}

template <class Source>
[[gnu::always_inline]] inline Result<Done, std::errc> DmaSpace::unmap(Source& source, Iova iova,
                                                                      std::uint64_t size) {
  const PagesAround around = pages_around(iova.value, size, granule_);
  if (around.bytes == 0) [[unlikely]]
    return std::errc::invalid_argument;
  const Iova first(iova.value - around.offset);
  const std::uint64_t pages = around.bytes >> shift_;
  if (checks_) [[unlikely]] {
    const DmaSegment segment{iova, size};
    if (!was_mapped({&segment, 1})) return std::errc::invalid_argument;
  }
  // What a flush will tell the SMMU of is not in the batch.
  UnmapBatch batch(queue_ != nullptr ? UnmapBatch::Told::kByFlush : UnmapBatch::Told::kBySync);
  const std::uint64_t unmapped = domain_.unmap(first, around.bytes, batch);
  domain_.sync(batch);
  if (unmapped != around.bytes) [[unlikely]]
    return refuse(unmapped);
  return release(source, first.value >> shift_, pages);
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_DMA_MAPPING_H_
