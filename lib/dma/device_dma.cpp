#include <algorithm>
#include <bit>
#include <utility>

#include "lib/dma/mapping.h"

namespace smmu::iommu {
namespace {

// The last page that is below `mask` as a whole.
Pfn last_page(std::uint64_t mask, std::uint64_t granule, Pfn last) {
  const std::uint64_t end = mask / granule + ((mask & (granule - 1)) == granule - 1 ? 1 : 0);
  return end == 0 ? 0 : std::min(end - 1, last);
}

}  // namespace

DeviceDma::DeviceDma(DmaSpace& space, const DmaLimits& limits)
    : space_(space), limits_(limits), limit_([&] {
        const Pfn last = last_page(limits.mask, space.granule_, space.last_);
        const Pfn low = last_page(kLast32Bits, space.granule_, space.last_);
        const bool low_first = limits.preference == AddressPreference::kLow32Bits;
        return DmaLimit{.first = low_first ? std::min(low, last) : last, .last = last};
      }()) {}

Result<Iova, std::errc> DeviceDma::map_single(Pa pa, std::uint64_t size, DmaDirection direction) {
  return space_.map(*space_.iovas_, pa, size, prot_of(direction) | limits_.prot, limit_);
}

Result<Done, std::errc> DeviceDma::unmap_single(Iova iova, std::uint64_t size) {
  return space_.unmap(*space_.iovas_, iova, size);
}

// One range of addresses for all pieces, each of which begins a page of it: so that the SMMU is
// told once, and the allocator asked once.
Result<std::size_t, std::errc> DeviceDma::map_sg(std::span<const ScatterEntry> pieces,
                                                 DmaDirection direction,
                                                 std::span<DmaSegment> segments) {
  const auto bytes = bytes_of(pieces);
  if (!bytes) return bytes.error();
  if (segments.size() < pieces.size()) return std::errc::invalid_argument;
  const std::uint64_t granule = space_.granule_;
  const auto first = space_.allocate(*space_.iovas_, *bytes / granule, limit_);
  if (!first) return first.error();

  const Prot prot = prot_of(direction) | limits_.prot;
  std::uint64_t at = *first * granule;
  std::size_t count = 0;
  for (std::size_t i = 0; i != pieces.size(); ++i) {
    const ScatterEntry& piece = pieces[i];
    const PagesAround around = pages_around(piece.pa.value, piece.size, granule);
    at += bytes_to_boundary(at, around.bytes);
    const auto mapped =
        space_.domain_.map(Iova(at), Pa(piece.pa.value - around.offset), around.bytes, prot);
    if (!mapped) {
      UnmapBatch batch;
      unmap_segments(segments.first(count), batch);
      space_.domain_.sync(batch);
      space_.give_back(*space_.iovas_, *first, *bytes / granule);
      return mapped.error();
    }
    const DmaSegment next{Iova(at + around.offset), piece.size};
    if (count != 0 && joins(segments[count - 1], next)) {
      segments[count - 1].size += next.size;
    } else {
      segments[count++] = next;
    }
    at += around.bytes;
  }
  return count;
}

// Of the addresses that pieces take, with what is left out between them.
Result<std::uint64_t, std::errc> DeviceDma::bytes_of(std::span<const ScatterEntry> pieces) const {
  const std::uint64_t granule = space_.granule_;
  const std::uint64_t boundary = limits_.boundary;
  if (pieces.empty() || (boundary != 0 && (!std::has_single_bit(boundary) || boundary < granule))) {
    return std::errc::invalid_argument;
  }
  // As if they began at 0: a range is aligned as its size, so its boundaries are where the
  // addresses' are, or there is none in it.
  std::uint64_t bytes = 0;
  for (const ScatterEntry& piece : pieces) {
    const PagesAround around = pages_around(piece.pa.value, piece.size, granule);
    if (around.bytes == 0 || piece.size > limits_.longest_segment ||
        piece.pa.value + (piece.size - 1) < piece.pa.value ||
        (boundary != 0 && around.bytes > boundary)) {
      return std::errc::invalid_argument;
    }
    const std::uint64_t gap = bytes_to_boundary(bytes, around.bytes);
    if (gap + around.bytes > (UINT64_MAX >> 1) - bytes) return std::errc::invalid_argument;
    bytes += gap + around.bytes;
  }
  return bytes;
}

// How far pages at `at` are moved on, so that they have no multiple of the boundary inside of them.
std::uint64_t DeviceDma::bytes_to_boundary(std::uint64_t at, std::uint64_t size) const {
  if (limits_.boundary == 0) return 0;
  const std::uint64_t left = limits_.boundary - (at & (limits_.boundary - 1));
  return size <= left ? 0 : left;
}

bool DeviceDma::joins(const DmaSegment& segment, const DmaSegment& next) const {
  const std::uint64_t first = segment.iova.value;
  const std::uint64_t size = segment.size + next.size;
  return first + segment.size == next.iova.value && size <= limits_.longest_segment &&
         (limits_.boundary == 0 || ((first ^ (first + (size - 1))) & ~(limits_.boundary - 1)) == 0);
}

DeviceDma::Unmapped DeviceDma::unmap_segments(std::span<const DmaSegment> segments,
                                              UnmapBatch& batch) {
  Unmapped result;
  for (const DmaSegment& segment : segments) {
    const PagesAround around = pages_around(segment.iova.value, segment.size, space_.granule_);
    const Iova first(segment.iova.value - around.offset);
    const std::uint64_t bytes = space_.domain_.unmap(first, around.bytes, batch);
    result.bytes += bytes;
    result.all = result.all && bytes == around.bytes;
  }
  return result;
}

Result<Done, std::errc> DeviceDma::unmap_sg(std::span<const DmaSegment> segments) {
  if (segments.empty()) return std::errc::invalid_argument;
  const std::uint64_t granule = space_.granule_;
  const std::uint64_t first = segments.front().iova.value & ~(granule - 1);
  std::uint64_t end = first;  // of the pages before
  for (const DmaSegment& segment : segments) {
    const PagesAround around = pages_around(segment.iova.value, segment.size, granule);
    // Segments that were not joined may still be of one page and the next.
    if (around.bytes == 0 || segment.iova.value - around.offset < end) {
      return std::errc::invalid_argument;
    }
    end = segment.iova.value - around.offset + around.bytes;
  }
  const Pfn page = first / granule;
  const std::uint64_t pages = (end - first) / granule;
  if (space_.checks_ && !space_.was_mapped(segments)) return std::errc::invalid_argument;
  UnmapBatch batch(space_.is_lazy() ? UnmapBatch::Told::kByFlush : UnmapBatch::Told::kBySync);
  const Unmapped unmapped = unmap_segments(segments, batch);
  space_.domain_.sync(batch);
  if (!unmapped.all) return space_.refuse(unmapped.bytes);
  return space_.release(*space_.iovas_, page, pages);
}

Result<CoherentBuffer, std::errc> DeviceDma::alloc_coherent(PagePool& pool, std::uint64_t size) {
  const PagesAround around = pages_around(0, size, space_.granule_);
  if (around.bytes == 0) return std::errc::invalid_argument;
  const auto log2 = static_cast<unsigned>(std::bit_width(around.bytes - 1));
  const auto block = pool.allocate(log2);
  if (!block) return block.error();
  const auto iova = space_.map(*space_.iovas_, *block, size, kReadWrite | limits_.prot, limit_);
  if (!iova) {
    pool.free(*block, log2);
    return iova.error();
  }
  return CoherentBuffer{.iova = *iova, .pa = *block, .words = pool.words(*block), .size = size};
}

Result<Done, std::errc> DeviceDma::free_coherent(PagePool& pool, const CoherentBuffer& buffer) {
  const PagesAround around = pages_around(0, buffer.size, space_.granule_);
  const auto unmapped = unmap_single(buffer.iova, buffer.size);
  if (!unmapped) return unmapped;
  // The memory is somebody else's at once, so the SMMU must have forgotten it at once.
  space_.flush();
  pool.free(buffer.pa, static_cast<unsigned>(std::bit_width(around.bytes - 1)));
  return Done{};
}

Result<DmaQueue, std::errc> DeviceDma::add_queue() {
  auto queue = space_.iovas_->add_queue();
  if (!queue) return queue.error();
  return DmaQueue(space_, *std::move(queue), limit_, limits_.prot);
}

Result<Iova, std::errc> DmaQueue::map_single(Pa pa, std::uint64_t size, DmaDirection direction) {
  return space_->map(queue_, pa, size, prot_of(direction) | prot_, limit_);
}

Result<Done, std::errc> DmaQueue::unmap_single(Iova iova, std::uint64_t size) {
  return space_->unmap(queue_, iova, size);
}

}  // namespace smmu::iommu
