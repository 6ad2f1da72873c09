// Which pages and blocks a range is mapped or unmapped in.
#ifndef SMMU_LIB_IOMMU_PAGE_SIZES_H_
#define SMMU_LIB_IOMMU_PAGE_SIZES_H_

#include <bit>
#include <cstdint>

namespace smmu::iommu {

// So many pages or blocks of one size.
struct PageRun {
  std::uint64_t page_size;
  std::uint64_t count;

  friend bool operator==(const PageRun&, const PageRun&) = default;
};

// The smallest of a set of sizes, one bit each; 0 of none.
constexpr std::uint64_t smallest_page(std::uint64_t sizes) { return sizes & (~sizes + 1); }

// What to begin with: the largest size that both addresses are multiples of and that fits, as often
// as it fits; but if a larger size fits further on, where both addresses are multiples of that,
// only up to there.  To unmap, both addresses are the one there is. REQUIRES: the addresses and the
// size are multiples of the smallest page, and the size is not 0.
constexpr PageRun choose_pages(std::uint64_t sizes, std::uint64_t iova, std::uint64_t pa,
                               std::uint64_t size) {
  const std::uint64_t smallest = smallest_page(sizes);
  if (size == smallest) return {smallest, 1};

  // Two to the power of the lowest address bit that is 1, and all sizes below; no bit: all sizes.
  const std::uint64_t addresses = iova | pa;
  const std::uint64_t aligned = addresses ^ (addresses - 1);
  const std::uint64_t fits = ~std::uint64_t{0} >> std::countl_zero(size);
  const std::uint64_t page_size = std::bit_floor(sizes & aligned & fits);

  const std::uint64_t next = smallest_page(sizes & ~(page_size | (page_size - 1)));
  if (next != 0 && ((iova ^ pa) & (next - 1)) == 0) {
    const std::uint64_t before = next - (iova & (next - 1));
    if (before < size && size - before >= next) size = before;
  }
  return {page_size, size >> std::countr_zero(page_size)};
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_PAGE_SIZES_H_
