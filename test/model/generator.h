// Cases for walkers: a regime, an access, and a sparse memory that holds the
// tables along the path of the access.  A case follows from its seed alone.
//
// The tables are invented while the naive walker walks: a descriptor it asks
// for and that is not there yet is made up, for the stage and level it asks
// for.  What no walk of the access reads is not in memory and aborts.
#ifndef SMMU_TEST_MODEL_GENERATOR_H_
#define SMMU_TEST_MODEL_GENERATOR_H_

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <utility>
#include <vector>

#include "test/model/naive_walker.h"

namespace smmu::model {

struct Word {
  std::uint64_t address;       // a multiple of 8
  std::uint64_t value;         // as a little-endian bus master reads it
  bool update_aborts = false;  // to read it is fine, a compare-exchange aborts

  friend bool operator==(const Word&, const Word&) = default;
};

struct Case {
  std::uint64_t seed = 0;
  Regime regime;
  Access access;
  std::vector<Word> words;  // before the access
};

Case generate(std::uint64_t seed);

// Everything that is needed to rebuild the case by hand, a line for each part.
std::ostream& operator<<(std::ostream& out, const Case& test);
std::ostream& operator<<(std::ostream& out, const Translation& translation);
std::ostream& operator<<(std::ostream& out, const Fault& fault);

// The memory of one case, which an access may change.
class SparseMemory {
 public:
  explicit SparseMemory(std::vector<Word> words) : words_(std::move(words)) {}

  std::optional<std::uint64_t> read(std::uint64_t pa) const;
  std::optional<std::uint64_t> compare_exchange(std::uint64_t pa, std::uint64_t expected,
                                                std::uint64_t desired);
  const std::vector<Word>& words() const { return words_; }

  // Refers to this object.
  Memory memory();

 private:
  std::vector<Word> words_;
};

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_GENERATOR_H_
