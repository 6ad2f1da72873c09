// Memory type and shareability of an access, in MAIR's encoding (DDI 0487,
// MAIR_EL1), which can express every type that the architecture has.
#ifndef SMMU_ARCH_MEMORY_ATTRIBUTES_H_
#define SMMU_ARCH_MEMORY_ATTRIBUTES_H_

#include <cstdint>

namespace smmu {

enum class Shareability : std::uint8_t { kNonShareable = 0, kOuter = 2, kInner = 3 };

struct MemoryAttributes {
  std::uint8_t type = kWriteBack;  // MAIR code: outer attributes in [7:4], inner in [3:0]
  Shareability shareability = Shareability::kNonShareable;

  static constexpr std::uint8_t kDevice_nGnRnE = 0x00;
  static constexpr std::uint8_t kNonCacheable = 0x44;
  static constexpr std::uint8_t kWriteBack = 0xff;  // inner and outer, read- and write-allocate

  constexpr bool is_device() const { return type < 0x10; }

  friend constexpr bool operator==(MemoryAttributes, MemoryAttributes) = default;
};

}  // namespace smmu

#endif  // SMMU_ARCH_MEMORY_ATTRIBUTES_H_
