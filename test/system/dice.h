// Numbers that look like chance, and are those of a seed.
#ifndef TEST_SYSTEM_DICE_H_
#define TEST_SYSTEM_DICE_H_

#include <random>

namespace smmu::testing {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  bool one_in(unsigned n) { return engine_() % n == 0; }
  unsigned below(unsigned n) { return static_cast<unsigned>(engine_() % n); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_DICE_H_
