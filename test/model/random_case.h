// What the generator's parts share: the dice, and what the case is meant for.
#ifndef SMMU_TEST_MODEL_RANDOM_CASE_H_
#define SMMU_TEST_MODEL_RANDOM_CASE_H_

#include <cstdint>
#include <optional>
#include <random>

#include "test/model/generator.h"

namespace smmu::model {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t word() { return engine_(); }
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  unsigned between(unsigned first, unsigned last) { return first + below(last - first + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  // A number of up to `bits` bits.
  std::uint64_t bits(unsigned bits) {
    const std::uint64_t any = engine_();
    return bits >= 64 ? any : any & ((std::uint64_t{1} << bits) - 1);
  }

 private:
  std::mt19937_64 engine_;
};

// What a case is to end in.  A plan may fail: then the case ends in whatever
// its tables say.
enum class Aim : std::uint8_t {
  kSuccess,
  kAnything,  // random descriptors
  kRange,     // the address given to the stage is out of its range
  kDisabled,  // EPDn or E0PDn
  kTranslation,
  kAddressSize,
  kAccessFlag,
  kPermission,
  kExternalAbort,
  kDomain,
};

struct Plan {
  Aim aim = Aim::kSuccess;
  unsigned stage = 1;
  FaultClass in = FaultClass::kInput;
  int level = 3;
  unsigned granule1 = 12, granule2 = 12;  // of VMSAv8-64 stages
};

// What the descriptors of one stage need to know of it.
struct StageShape {
  unsigned granule = 12;
  bool ds = false;
  bool big_endian = false;
  bool updates = false;       // HTTU may write descriptors
  bool af_matters = true;     // neither HA nor AFFD
  unsigned oa_bits = 48;      // beyond is an Address size fault
  unsigned expressible = 48;  // what a descriptor can say
  unsigned useful_bits = 48;  // what the next stage takes
  unsigned ia_bits = 48;
};

struct RandomCase {
  explicit RandomCase(std::uint64_t seed) : dice(seed) { test.seed = seed; }

  Dice dice;
  Case test;
  Plan plan;
  StageShape shape1, shape2;
};

// Fills in everything but the words.
void invent_regime(RandomCase& random);

// Makes up the 64-bit word at `fetch`, whatever its endianness; nothing if
// that word is to abort.
std::optional<std::uint64_t> invent_word(RandomCase& random, const Fetch& fetch);

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_RANDOM_CASE_H_
