// What is mapped in a domain.
#include <bit>
#include <limits>

#include "lib/iommu/address_range.h"
#include "lib/iommu/page_sizes.h"
#include "smmu/iommu/domain.h"

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

// `bits`: those of all addresses and sizes that shall be multiples of the smallest page.
bool is_aligned(std::uint64_t sizes, std::uint64_t bits) {
  return (bits & (smallest_page(sizes) - 1)) == 0;
}

}  // namespace

inline bool Domain::touches_window(Iova iova, std::uint64_t size) const {
  if (window_.load(std::memory_order_acquire) == nullptr) [[likely]]
    return false;
  return size != 0 && !wraps(iova.value, size) && in_reserved_window(iova, size);
}

// Whether [iova, iova + size) can be mapped at all; `bits` are as above, `outputs` those of all
// addresses that something is mapped to.  Null: there is nothing to do.
inline Result<IoPgtable*, std::errc> Domain::tables_to_map(Iova iova, std::uint64_t size,
                                                           std::uint64_t bits,
                                                           std::uint64_t outputs, Prot prot) const {
  if (!is_paging()) return std::errc::invalid_argument;
  IoPgtable* const tables = driver_domain_->tables();
  const std::uint64_t sizes =
      tables != nullptr ? tables->page_sizes() : driver_domain_->page_sizes();
  if (!is_aligned(sizes, bits) || !can_be_mapped(prot)) {
    return std::errc::invalid_argument;
  }
  if (size == 0) return nullptr;
  if (wraps(iova.value, size)) return std::errc::invalid_argument;
  if (tables == nullptr) return std::errc::no_such_device;
  if (size != smallest_page(sizes)) {
    // The tables would find out, but maybe only after all pages that come before.
    const Geometry addresses = driver_domain_->geometry();
    if (iova < addresses.first || size - 1 > addresses.last.value - iova.value ||
        iova > addresses.last) {
      return std::errc::result_out_of_range;
    }
    if (static_cast<unsigned>(std::bit_width(outputs)) > tables->config().output_bits) {
      return std::errc::result_out_of_range;
    }
  }
  return tables;
}

// REQUIRES: what tables_to_map() has looked at.
inline Mapped Domain::map_pages(IoPgtable& tables, Iova iova, Pa pa, std::uint64_t size,
                                Prot prot) const {
  const std::uint64_t sizes = tables.page_sizes();
  std::uint64_t bytes = 0;
  do {
    const Iova at(iova.value + bytes);
    const Pa to(pa.value + bytes);
    const PageRun run = choose_pages(sizes, at.value, to.value, size - bytes);
    const Mapped mapped = tables.map(at, to, run.page_size, run.count, prot);
    bytes += mapped.bytes;
    if (mapped.error != std::errc{}) return {bytes, mapped.error};
    // Tables that map nothing would keep this thread here for ever.
    if (mapped.bytes == 0) return {bytes, std::errc::io_error};
  } while (bytes < size);
  return {bytes, std::errc{}};
}

// What was not mapped as a whole, or what the driver refuses, is not mapped at all.
inline Result<Done, std::errc> Domain::finish_map(IoPgtable& tables, Iova iova, std::uint64_t size,
                                                  const Mapped& mapped) {
  std::errc error = mapped.error;
  if (error == std::errc{}) [[likely]] {
    const Result<Done, std::errc> synced = driver_domain_->sync_map(iova, size);
    if (synced) [[likely]]
      return synced;
    error = synced.error();
  }
  if (mapped.bytes != 0) {
    // Devices may have used it already.
    UnmapBatch batch;
    unmap_pages(tables, iova, mapped.bytes, batch);
    sync(batch);
  }
  return error;
}

Result<Done, std::errc> Domain::map(Iova iova, Pa pa, std::uint64_t size, Prot prot) {
  if (touches_window(iova, size)) [[unlikely]]
    return std::errc::invalid_argument;
  return map_range(iova, pa, size, prot);
}

// The tables, if this is one page of the smallest size, as most calls are; else null: the long way
// finds out what it is.
inline IoPgtable* Domain::tables_of_page(std::uint64_t addresses, std::uint64_t size) const {
  // Known as soon as somebody has mapped here the long way.
  const std::uint64_t page_size = page_size_.load(std::memory_order_relaxed);
  if (size == 0 || size != page_size || (addresses & (size - 1)) != 0) return nullptr;
  return driver_domain_->tables();
}

void Domain::note_mapped(const IoPgtable& tables) {
  if (!was_mapped()) {
    page_size_.store(smallest_page(tables.page_sizes()), std::memory_order_relaxed);
  }
}

Result<Done, std::errc> Domain::map_range(Iova iova, Pa pa, std::uint64_t size, Prot prot) {
  if (IoPgtable* const page = tables_of_page(iova.value | pa.value, size)) [[likely]] {
    const Mapped mapped = page->map(iova, pa, size, 1, prot);
    if (mapped.bytes != 0) [[likely]]
      return finish_map(*page, iova, size, {size, std::errc{}});
    return mapped.error != std::errc{} ? mapped.error : std::errc::io_error;
  }
  if (size != 0 && wraps(pa.value, size)) return std::errc::invalid_argument;
  const std::uint64_t outputs = size == 0 ? 0 : pa.value | (pa.value + size - 1);
  const auto tables = tables_to_map(iova, size, iova.value | pa.value | size, outputs, prot);
  if (!tables) return tables.error();
  if (*tables == nullptr) return Done{};
  const auto done = finish_map(**tables, iova, size, map_pages(**tables, iova, pa, size, prot));
  if (done) note_mapped(**tables);
  return done;
}

Result<std::uint64_t, std::errc> Domain::map_sg(Iova iova, std::span<const ScatterEntry> entries,
                                                Prot prot) {
  std::uint64_t bits = iova.value;
  std::uint64_t outputs = 0;
  std::uint64_t size = 0;
  for (const ScatterEntry& entry : entries) {
    if (entry.size == 0) continue;
    if (wraps(entry.pa.value, entry.size) || entry.size > kLast - size) {
      return std::errc::invalid_argument;
    }
    bits |= entry.pa.value | entry.size;
    outputs |= entry.pa.value | (entry.pa.value + entry.size - 1);
    size += entry.size;
  }
  const auto tables = tables_to_map(iova, size, bits, outputs, prot);
  if (!tables) return tables.error();
  if (*tables == nullptr) return std::uint64_t{0};
  if (touches_window(iova, size)) [[unlikely]]
    return std::errc::invalid_argument;

  Mapped all{0, std::errc{}};
  for (std::size_t n = 0; n < entries.size() && all.error == std::errc{};) {
    ScatterEntry piece = entries[n++];
    if (piece.size == 0) continue;
    for (; n < entries.size(); ++n) {
      const ScatterEntry& next = entries[n];
      if (next.size == 0) continue;
      if (next.pa.value == 0 || next.pa.value != piece.pa.value + piece.size) break;
      piece.size += next.size;
    }
    const Mapped mapped =
        map_pages(**tables, Iova(iova.value + all.bytes), piece.pa, piece.size, prot);
    all.bytes += mapped.bytes;
    all.error = mapped.error;
  }
  const Result<Done, std::errc> done = finish_map(**tables, iova, size, all);
  if (!done) return done.error();
  note_mapped(**tables);
  return size;
}

inline void Domain::add(UnmapBatch& batch, Iova iova, std::uint64_t size, std::uint64_t granule) {
  if (batch.told() == UnmapBatch::Told::kByFlush) return;
  if (!batch.takes(iova, size, granule)) [[unlikely]]
    sync(batch);
  batch.add(iova, size, granule);
}

// REQUIRES: the addresses and the size are multiples of the smallest page.
inline std::uint64_t Domain::unmap_pages(IoPgtable& tables, Iova iova, std::uint64_t size,
                                         UnmapBatch& batch) {
  const std::uint64_t sizes = tables.page_sizes();
  std::uint64_t bytes = 0;
  while (bytes < size) {
    const Iova at(iova.value + bytes);
    const PageRun run = choose_pages(sizes, at.value, at.value, size - bytes);
    const Unmapped unmapped = tables.unmap(at, run.page_size, run.count);
    if (unmapped.bytes == 0) break;
    bytes += unmapped.bytes;
    // What comes behind the last whole one was smaller, and is forgotten.
    if (unmapped.leaves) add(batch, at, unmapped.bytes & ~(run.page_size - 1), run.page_size);
  }
  return bytes;
}

std::uint64_t Domain::unmap(Iova iova, std::uint64_t size, UnmapBatch& batch) {
  if (touches_window(iova, size)) [[unlikely]]
    return 0;
  return unmap_range(iova, size, batch);
}

std::uint64_t Domain::unmap(Iova iova, std::uint64_t size) {
  UnmapBatch batch;
  const std::uint64_t bytes = unmap(iova, size, batch);
  sync(batch);
  return bytes;
}

std::uint64_t Domain::unmap_range(Iova iova, std::uint64_t size, UnmapBatch& batch) {
  if (IoPgtable* const page = tables_of_page(iova.value, size)) [[likely]] {
    const Unmapped unmapped = page->unmap(iova, size, 1);
    if (unmapped.leaves) [[likely]]
      add(batch, iova, unmapped.bytes, size);
    return unmapped.bytes;
  }
  IoPgtable* const tables = driver_domain_->tables();
  if (tables == nullptr || !is_paging()) return 0;
  if (!is_aligned(tables->page_sizes(), iova.value | size)) return 0;
  if (size == 0 || wraps(iova.value, size)) return 0;
  return unmap_pages(*tables, iova, size, batch);
}

void Domain::unmap_range(Iova iova, std::uint64_t size) {
  UnmapBatch batch;
  unmap_range(iova, size, batch);
  sync(batch);
}

void Domain::trim() {
  if (IoPgtable* const tables = driver_domain_->tables()) tables->trim();
}

void Domain::sync(UnmapBatch& batch) {
  if (batch.empty()) return;
  driver_domain_->sync(batch);
  batch.clear();
}

}  // namespace smmu::iommu
