// Memory of drivers that hardware reads: tables, queues, messages.
#ifndef SMMU_IOMMU_PAGE_POOL_H_
#define SMMU_IOMMU_PAGE_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "smmu/platform/memory.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Hands out blocks of one range of physical memory, which the caller sets aside for this: a block
// has a power of two of bytes, and begins at a multiple of them.  What the pool knows of its blocks
// it keeps elsewhere, so that no device that writes to one it should not have can mislead it.
//
// Every member function may be called from any number of threads at once.
class PagePool {
 public:
  // The smallest block; a request for less gets one.
  static constexpr unsigned kLog2Least = 10;

  // [base, base + size) of `memory`, which must outlive the pool.  Drivers reach their tables by
  // pointer, so it has to be one directly mapped region, or part of one.
  // invalid_argument: it is not, is empty, or an end is no multiple of the smallest block.
  // not_enough_memory.
  static Result<std::unique_ptr<PagePool>, std::errc> create(PhysicalMemory& memory, Pa base,
                                                             std::uint64_t size);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A block of 2^log2_size bytes, all zero.  not_enough_memory.
  Result<Pa, std::errc> allocate(unsigned log2_size);
  // REQUIRES: a block of allocate(log2_size) that was not freed yet, and that no hardware uses.
  void free(Pa block, unsigned log2_size);

  // Where the host finds a block, as little-endian words.
  // REQUIRES: `pa` is in a block of this pool, and a multiple of 8.
  std::uint64_t* words(Pa pa) const {
    return reinterpret_cast<std::uint64_t*>(host_ + (pa.value - base_));
  }
  // Whether that holds.
  bool contains(Pa pa, std::uint64_t bytes) const {
    const std::uint64_t offset = pa.value - base_;
    return offset < size_ && bytes <= size_ - offset;
  }
  // What a physical address of the pool is away from the host's, modulo 2^64: for code that goes
  // from table to table.
  std::uintptr_t host_offset() const { return reinterpret_cast<std::uintptr_t>(host_) - base_; }

  // The last byte of the range.
  Pa last() const { return Pa(base_ + (size_ - 1)); }

  // Blocks that were allocated and not freed yet.
  std::uint64_t live() const;
  // The bytes of these.
  std::uint64_t live_bytes() const;

  // For finding out what callers do when memory runs out: this many requests more are granted, all
  // others are refused.
  void grant(std::uint64_t requests);
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;
  // Requests so far, refused ones too.
  std::uint64_t requests() const;

 private:
  struct State;
  PagePool(Pa base, std::uint64_t size, std::byte* host, std::unique_ptr<State> state);

  const std::uint64_t base_;
  const std::uint64_t size_;
  std::byte* const host_;
  const std::unique_ptr<State> state_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PAGE_POOL_H_
