// What a mapping allows, and what kind of memory is behind it.
#ifndef SMMU_IOMMU_PROT_H_
#define SMMU_IOMMU_PROT_H_

#include <cstdint>

namespace smmu::iommu {

enum class Prot : std::uint8_t {
  kNone = 0,
  kRead = 1 << 0,
  kWrite = 1 << 1,   // stage 1 has no right to write alone: the device may read as well
  kCache = 1 << 2,   // the device's accesses are coherent with caches
  kNoExec = 1 << 3,  // no instructions are fetched from here
  kMmio = 1 << 4,    // a device, a doorbell for instance: Device-nGnRE whatever kCache says
  // Data is for privileged accesses alone; stage 2 does not tell them apart.  Fetches are
  // kNoExec's.
  kPriv = 1 << 5,
};

constexpr Prot operator|(Prot a, Prot b) {
  return static_cast<Prot>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr Prot operator&(Prot a, Prot b) {
  return static_cast<Prot>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
// Whether all of `flags` are among `prot`.
constexpr bool has(Prot prot, Prot flags) { return (prot & flags) == flags; }

inline constexpr Prot kReadWrite = Prot::kRead | Prot::kWrite;

// Whether it says nothing but the above, and one of kRead and kWrite.
constexpr bool can_be_mapped(Prot prot) {
  constexpr auto kAll = static_cast<Prot>(2 * static_cast<unsigned>(Prot::kPriv) - 1);
  return prot <= kAll && (prot & kReadWrite) != Prot::kNone;
}

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PROT_H_
