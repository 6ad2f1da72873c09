// Registers of a device on the bus, as software finds them there.
#ifndef SMMU_TESTING_BUS_MMIO_H_
#define SMMU_TESTING_BUS_MMIO_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "smmu/platform/memory.h"
#include "smmu/platform/mmio.h"
#include "smmu/types.h"

namespace smmu::testing {

// An access that the bus refuses reads as all ones, and writes nothing.
class BusMmio final : public Mmio {
 public:
  // The bus outlives it.
  BusMmio(PhysicalMemory& bus, Pa base) : bus_(bus), base_(base) {}

  std::uint32_t read32(std::uint32_t offset) override { return read_word<std::uint32_t>(offset); }
  std::uint64_t read64(std::uint32_t offset) override { return read_word<std::uint64_t>(offset); }
  void write32(std::uint32_t offset, std::uint32_t value) override { write_word(offset, value); }
  void write64(std::uint32_t offset, std::uint64_t value) override { write_word(offset, value); }

 private:
  template <class Word>
  Word read_word(std::uint32_t offset) {
    std::array<std::byte, sizeof(Word)> bytes{};
    if (bus_.read(Pa(base_.value + offset), bytes) != BusResponse::kOkay) return ~Word{0};
    Word word = 0;
    for (std::size_t i = sizeof(Word); i-- != 0;) {
      word = static_cast<Word>(word << 8 | std::to_integer<Word>(bytes[i]));
    }
    return word;
  }
  template <class Word>
  void write_word(std::uint32_t offset, Word word) {
    std::array<std::byte, sizeof(Word)> bytes{};
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(word);
      word = static_cast<Word>(word >> 8);
    }
    (void)bus_.write(Pa(base_.value + offset), bytes);
  }

  PhysicalMemory& bus_;
  const Pa base_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_BUS_MMIO_H_
