// A regime, tables written by hand, and what a walk makes of them.
#ifndef SMMU_TEST_MODEL_WALK_BY_HAND_H_
#define SMMU_TEST_MODEL_WALK_BY_HAND_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "test/model/generator.h"
#include "test/model/naive_walker.h"

namespace smmu::model {

struct ByHand {
  Regime regime;
  Access access;
  SparseMemory memory{{}};

  ByHand& word(std::uint64_t address, std::uint64_t value, bool update_aborts = false) {
    std::vector<Word> words = memory.words();
    std::erase_if(words, [&](const Word& old) { return old.address == address; });
    words.push_back({address, value, update_aborts});
    memory = SparseMemory(words);
    return *this;
  }
  ByHand& read(std::uint64_t address, bool privileged = false) {
    access = {.address = address, .privileged = privileged};
    return *this;
  }
  ByHand& write(std::uint64_t address, bool privileged = false) {
    access = {.address = address, .write = true, .privileged = privileged};
    return *this;
  }
  ByHand& execute(std::uint64_t address, bool privileged = false) {
    access = {.address = address, .instruction = true, .privileged = privileged};
    return *this;
  }

  Result<Translation, Fault> walk() { return translate(regime, access, memory.memory()); }
  std::optional<std::uint64_t> at(std::uint64_t address) const { return memory.read(address); }

  // What the walk gives, with a failed expectation if it is of the other kind.
  Translation translation() {
    const Result<Translation, Fault> result = walk();
    if (result) return *result;
    ADD_FAILURE() << result.error();
    return {};
  }
  Fault fault() {
    const Result<Translation, Fault> result = walk();
    if (!result) return result.error();
    ADD_FAILURE() << *result;
    return {};
  }
};

inline Fault stage1_fault(FaultType type, int level) {
  return {.type = type, .stage = 1, .level = level};
}

inline Fault stage2_fault(FaultType type, int level, std::uint64_t ipa,
                          FaultClass in = FaultClass::kInput) {
  return {.type = type, .stage = 2, .level = level, .in = in, .ipa = ipa};
}

// r, w and x are the unprivileged permissions, R, W and X the privileged ones.
inline unsigned allows(const char* letters) {
  unsigned permissions = 0;
  for (; *letters != 0; ++letters) {
    if (*letters == 'r') permissions |= kUnprivilegedRead;
    if (*letters == 'w') permissions |= kUnprivilegedWrite;
    if (*letters == 'x') permissions |= kUnprivilegedExecute;
    if (*letters == 'R') permissions |= kPrivilegedRead;
    if (*letters == 'W') permissions |= kPrivilegedWrite;
    if (*letters == 'X') permissions |= kPrivilegedExecute;
  }
  return permissions;
}

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_WALK_BY_HAND_H_
