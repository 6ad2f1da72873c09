// What a context was made of.
#ifndef SMMU_EMULATOR_TCU_ORIGIN_H_
#define SMMU_EMULATOR_TCU_ORIGIN_H_

#include <array>
#include <cstdint>

#include "emulator/walk/snapshot.h"
#include "smmu/platform/memory.h"
#include "smmu/types.h"

namespace smmu::emulator {

// The words of memory that led to a context, and where they are: as long as
// they are the same it would be made again, whatever has been invalidated.
class Origin {
 public:
  using Structure = std::array<std::uint64_t, 8>;
  using Descriptor = std::array<std::uint64_t, 1>;

  // REQUIRES: no more than two of each, the descriptors of the structures.
  void note(Pa address, const Structure& words) {
    structures_[num_structures_++] = {address, words};
    if (state_ == State::kNothing) state_ = State::kKnown;
  }
  void note(Pa address, const Descriptor& word) {
    descriptors_[num_descriptors_++] = {address, word};
  }
  // Not words alone led there.
  void spoil() { state_ = State::kSpoilt; }

  bool known() const { return state_ == State::kKnown; }
  // Whether memory says what it did.
  // REQUIRES: known().
  bool holds(PhysicalMemory& memory) const {
    const Words words(memory);
    for (unsigned i = 0; i != num_descriptors_; ++i) {
      if (!words.hold(descriptors_[i].address, descriptors_[i].words)) return false;
    }
    for (unsigned i = 0; i != num_structures_; ++i) {
      if (!words.hold(structures_[i].address, structures_[i].words)) return false;
    }
    return true;
  }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    auto state = static_cast<std::uint8_t>(state_);
    snapshot(num_structures_, num_descriptors_, state);
    if (!snapshot.require(num_structures_ <= structures_.size() &&
                              num_descriptors_ <= descriptors_.size() &&
                              state <= static_cast<std::uint8_t>(State::kSpoilt),
                          "structures that nothing is made of")) {
      num_structures_ = num_descriptors_ = 0;
      return;
    }
    state_ = static_cast<State>(state);
    for (unsigned i = 0; i != num_structures_; ++i) {
      snapshot(structures_[i].address, structures_[i].words);
      require_doubleword(snapshot, structures_[i].address.value);
    }
    for (unsigned i = 0; i != num_descriptors_; ++i) {
      snapshot(descriptors_[i].address, descriptors_[i].words);
      require_doubleword(snapshot, descriptors_[i].address.value);
    }
  }

 private:
  enum class State : std::uint8_t { kNothing, kKnown, kSpoilt };

  template <class Words>
  struct Part {
    Pa address;
    Words words{};
  };

  std::array<Part<Structure>, 2> structures_{};
  std::array<Part<Descriptor>, 2> descriptors_{};
  std::uint8_t num_structures_ = 0;
  std::uint8_t num_descriptors_ = 0;
  State state_ = State::kNothing;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_ORIGIN_H_
