// Little-endian bytes, as a device puts them on the bus.
#ifndef SMMU_TEST_GIC_WORDS_H_
#define SMMU_TEST_GIC_WORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace smmu::emulator {

template <std::size_t kBytes>
std::array<std::byte, kBytes> bytes_of(std::uint64_t value) {
  std::array<std::byte, kBytes> bytes{};
  for (std::size_t i = 0; i != kBytes; ++i) bytes[i] = static_cast<std::byte>(value >> 8 * i);
  return bytes;
}

template <std::size_t kBytes>
std::uint64_t value_of(const std::array<std::byte, kBytes>& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i != kBytes; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << 8 * i;
  }
  return value;
}

}  // namespace smmu::emulator

#endif  // SMMU_TEST_GIC_WORDS_H_
