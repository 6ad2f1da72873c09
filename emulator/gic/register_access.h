// How an access meets a register of 32 bits.
#ifndef SMMU_EMULATOR_GIC_REGISTER_ACCESS_H_
#define SMMU_EMULATOR_GIC_REGISTER_ACCESS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace smmu::emulator {

// Whether any of `size` bytes from `offset` on is the register's.
constexpr bool touches(std::uint64_t offset, std::size_t size, std::uint32_t at) {
  return offset < at + std::uint64_t{4} && offset + size > at;
}

// What a write makes of a doorbell's register: all of it, or its lower half,
// with zeros above that (DDI 0595, GITS_TRANSLATER).  None of any other write.
inline std::optional<std::uint32_t> written(std::uint64_t offset, std::span<const std::byte> bytes,
                                            std::uint32_t at) {
  if (offset != at || (bytes.size() != 4 && bytes.size() != 2)) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i != bytes.size(); ++i) {
    value |= std::to_integer<std::uint32_t>(bytes[i]) << 8 * i;
  }
  return value;
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_GIC_REGISTER_ACCESS_H_
