// Where descriptors are: read in the order of bytes that the tables have, and
// exchanged.
#ifndef SMMU_EMULATOR_WALK_DESCRIPTOR_MEMORY_H_
#define SMMU_EMULATOR_WALK_DESCRIPTOR_MEMORY_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/fault.h"
#include "emulator/walk/physical_spaces.h"
#include "smmu/arch/bits.h"
#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

class DescriptorMemory {
 public:
  DescriptorMemory(const PhysicalSpaces& spaces, SecurityState space, Observer* observer,
                   Stage stage, bool big_endian)
      : spaces_(spaces),
        memory_(&spaces[space]),
        observer_(observer),
        space_(space),
        stage_(stage),
        big_endian_(big_endian) {}

  // The physical address space of all that follows.
  void enter(SecurityState space) {
    space_ = space;
    memory_ = &spaces_[space];
  }

  // False: the read aborted.
  bool load(Pa where, int level, std::uint64_t& descriptor) {
    const auto word = memory_->load64(where);
    observe(where, level, word ? std::optional(*word) : std::nullopt);
    if (!word) return false;
    descriptor = in_order(*word);
    return true;
  }
  // The same of 32 bits, which are half of a word.
  bool load(Pa where, int level, std::uint32_t& descriptor) {
    constexpr std::uint64_t kUpperHalf = 4;
    const auto word = memory_->load64(Pa(where.value & ~mask(2, 0)));
    if (!word) {
      observe(where, level, std::nullopt);
      return false;
    }
    const bool upper = (where.value & kUpperHalf) != 0;
    const auto half = static_cast<std::uint32_t>(upper ? *word >> 32 : *word);
    observe(where, level, half);
    descriptor = big_endian_ ? __builtin_bswap32(half) : half;
    return true;
  }

  enum class Exchanged : std::uint8_t { kYes, kChangedMeanwhile, kAborted };
  [[gnu::noinline]] Exchanged exchange(Pa where, std::uint64_t expected, std::uint64_t desired) {
    const auto found = memory_->compare_exchange64(where, in_order(expected), in_order(desired));
    if (observer_ != nullptr) [[unlikely]] {
      observer_->on_table_update({.stage = static_cast<std::uint8_t>(stage_),
                                  .address = where,
                                  .space = space_,
                                  .expected = in_order(expected),
                                  .desired = in_order(desired),
                                  .found = found ? std::optional(*found) : std::nullopt});
    }
    if (!found) return Exchanged::kAborted;
    return *found == in_order(expected) ? Exchanged::kYes : Exchanged::kChangedMeanwhile;
  }

 private:
  // `found`: what is there, as a little-endian word.
  void observe(Pa where, int level, std::optional<std::uint64_t> found) {
    if (observer_ == nullptr) [[likely]]
      return;
    observer_->on_table_access({.stage = static_cast<std::uint8_t>(stage_),
                                .level = level,
                                .address = where,
                                .space = space_,
                                .descriptor = found});
  }
  std::uint64_t in_order(std::uint64_t word) const {
    return big_endian_ ? __builtin_bswap64(word) : word;
  }

  const PhysicalSpaces& spaces_;
  PhysicalMemory* memory_;
  Observer* observer_;
  SecurityState space_;
  Stage stage_;
  bool big_endian_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_DESCRIPTOR_MEMORY_H_
