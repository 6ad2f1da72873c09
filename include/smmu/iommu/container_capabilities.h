// What a container can do at the moment, for who is about to map.
#ifndef SMMU_IOMMU_CONTAINER_CAPABILITIES_H_
#define SMMU_IOMMU_CONTAINER_CAPABILITIES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Addresses from the first to the last.
struct IovaSpan {
  Iova first;
  Iova last;

  friend bool operator==(const IovaSpan&, const IovaSpan&) = default;
};

// A window for doorbells (Domain::alloc_reserved_iova_domain()).
struct MsiWindowCapability {
  // MSIs of a device in the container are translated, so that a window is needed for them to
  // arrive.
  bool required = false;
  // What its address and its size have to be multiples of.
  std::uint64_t alignment = 0;
  // Where a driver proposes one.
  std::optional<IovaSpan> proposed = std::nullopt;
  // Where there is one.
  std::optional<IovaSpan> window = std::nullopt;

  friend bool operator==(const MsiWindowCapability&, const MsiWindowCapability&) = default;
};

struct ContainerCapabilities {
  // Sizes of pages and blocks, one bit each.  Of the smallest one addresses and sizes are
  // multiples.
  std::uint64_t page_sizes = 0;
  // What can be mapped, by address.  Without a group everything can, and this is empty.
  std::vector<IovaSpan> ranges = {};
  bool has_groups = false;
  // Devices cannot opt out of coherency.
  bool enforces_coherency = false;
  // Of a bitmap of what was written to: pages that a bit may stand for, and the most bytes it may
  // have.  0, 0: there is none (ContainerVersion::kV1).
  std::uint64_t dirty_page_sizes = 0;
  std::uint64_t most_bitmap_bytes = 0;
  // Every device's writes are told by hardware; else all that is mapped counts as written to.
  bool tracks_writes = false;
  // Slots that can be added.
  std::uint32_t available = 0;
  MsiWindowCapability msi = {};
};

// Identities in the chain that write_chain() makes: those of VFIO, and one of this library alone.
inline constexpr std::uint16_t kCapabilityRanges = 1;
inline constexpr std::uint16_t kCapabilityMigration = 2;
inline constexpr std::uint16_t kCapabilityAvailable = 3;
inline constexpr std::uint16_t kCapabilityMsiWindow = 0x8001;

// Flags of the last of them.
inline constexpr std::uint32_t kMsiWindowRequired = 1 << 0;
inline constexpr std::uint32_t kMsiWindowProposed = 1 << 1;
inline constexpr std::uint32_t kMsiWindowPresent = 1 << 2;

// Writes what VFIO_IOMMU_GET_INFO answers, in the host's byte order, as a caller finds it who said
// that there are so many bytes (argsz): docs/container.md has the layout.  Where they are too few
// for the chain, what comes before it is written, with argsz saying how many there should be.
// Returns how many bytes all of it takes.  invalid_argument: too few for the page sizes, nothing is
// written.
Result<std::size_t, std::errc> write_chain(const ContainerCapabilities& capabilities,
                                           std::span<std::byte> bytes);

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_CONTAINER_CAPABILITIES_H_
