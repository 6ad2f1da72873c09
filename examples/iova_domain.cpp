// Addresses for a device's DMA: a window that nobody is given, buffers, and what is left.
#include <cstdio>

#include "smmu/iommu/iova.h"

int main() {
  using namespace smmu::iommu;
  constexpr Pfn k32Bits = 0xfffff;  // the last page below 4 GiB

  const auto domain = IovaDomain::create(4096, 1);
  if (!domain || !(*domain)->reserve(0xfee00, 0xfeeff)) return 1;

  // Aligned as its size, as high as possible, and around the window.
  const auto ring = (*domain)->allocate(256, k32Bits);
  const auto rest = (*domain)->allocate(0x1000, k32Bits);
  if (!ring || !rest) return 1;
  std::printf("a ring of %ju pages from %#jx on, %ju more from %#jx on\n",
              std::uintmax_t{ring->pages()}, std::uintmax_t{ring->first()},
              std::uintmax_t{rest->pages()}, std::uintmax_t{rest->first()});

  // What comes and goes all the time is kept by the thread that frees it.
  const auto buffer = (*domain)->allocate_fast(3, k32Bits);
  if (!buffer || (*domain)->free_fast(*buffer, 3)) return 1;
  const auto again = (*domain)->allocate_fast(3, k32Bits);
  std::printf("a buffer at %#jx, and the next at the same place: %s\n", std::uintmax_t{*buffer},
              again && *again == *buffer ? "yes" : "no");

  const bool freed = (*domain)->free(*ring) && (*domain)->free(*rest);
  return freed && again && *again == *buffer ? 0 : 1;
}
