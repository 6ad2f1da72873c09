// The single stages, one function per format.
#ifndef SMMU_TEST_MODEL_NAIVE_STAGES_H_
#define SMMU_TEST_MODEL_NAIVE_STAGES_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "test/model/naive_walker.h"

namespace smmu::model {

// A descriptor that is to be replaced, as the words are in memory.
struct Update {
  std::uint64_t address;
  std::uint64_t expected;
  std::uint64_t desired;
  int level;
};

struct Stage1Leaf {
  std::uint64_t address;
  std::uint64_t size;
  unsigned permissions;
  std::uint8_t type;
  std::uint8_t shareability;  // Outer for Device and Normal Non-cacheable memory
  std::uint8_t descriptor_shareability;
  bool global;
  int level;
  std::optional<Update> update;
};

struct Stage2Leaf {
  std::uint64_t address;
  std::uint64_t size;
  unsigned permissions;
  unsigned mem_attr;
  std::uint8_t shareability;
  int level;
};

// Reads the 64-bit word that holds the stage 1 descriptor at an IPA or PA.
using FetchStage1 = std::function<Result<std::uint64_t, Fault>(std::uint64_t address, int level)>;

// Whom a stage 2 walk is for.
struct Stage2Access {
  std::uint64_t ipa;
  bool write;
  bool instruction;
  bool privileged;
  FaultClass in;
};

Result<Stage1Leaf, Fault> walk_stage1_v8_64(const Implementation& implementation,
                                            const Stage1& stage1, const Access& access,
                                            const FetchStage1& fetch);
Result<Stage1Leaf, Fault> walk_stage1_v8_32_long(const Stage1& stage1, const Access& access,
                                                 const FetchStage1& fetch);
// `output_bits`: of an IPA where stage 2 translates, else the OAS.
Result<Stage1Leaf, Fault> walk_stage1_v8_32_short(unsigned output_bits, const Stage1& stage1,
                                                  const Access& access, const FetchStage1& fetch);

Result<Stage2Leaf, Fault> walk_stage2_v8_64(const Implementation& implementation,
                                            const Stage2& stage2, const Stage2Access& access,
                                            const Memory& memory);
Result<Stage2Leaf, Fault> walk_stage2_v8_32_long(const Implementation& implementation,
                                                 const Stage2& stage2, const Stage2Access& access,
                                                 const Memory& memory);

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_NAIVE_STAGES_H_
