// A board with two physical address spaces, and a driver for each of its
// SMMU's programming interfaces.
#ifndef SMMU_TEST_SYSTEM_TWO_SPACES_H_
#define SMMU_TEST_SYSTEM_TWO_SPACES_H_

#include <cstdlib>
#include <memory>

#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {

inline constexpr std::uint64_t kRamSize = std::uint64_t{64} << 20;

class TwoSpaces {
 public:
  explicit TwoSpaces(const emulator::SmmuV3Config& config = emulator::SmmuV3Config::everything())
      : board_({.config = config, .ram_size = kRamSize, .secure_memory = &secure_ram_}),
        secure_(Board::secure(board_)) {
    // At the same addresses as the board's own.
    if (!secure_ram_.add(Board::Options().ram_base, kRamSize)) std::abort();
  }

  void bring_up() {
    board_.bring_up();
    secure_.bring_up();
  }

  Board& non_secure() { return board_; }
  Board& secure() { return secure_; }
  emulator::SmmuV3& smmu() { return board_.smmu(); }
  emulator::Ram& memory(SecurityState space) {
    return space == SecurityState::kSecure ? secure_ram_ : board_.memory();
  }

 private:
  emulator::Ram secure_ram_;
  Board board_;
  Board secure_;
};

inline SecurityState space_of(const emulator::Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  EXPECT_NE(translation, nullptr) << "the access was not let through";
  return translation != nullptr ? translation->space : SecurityState::kNonSecure;
}

MATCHER_P2(TranslatesTo, pa, space, "") {
  const emulator::Outcome& outcome = outcome_of(arg);
  if (result_listener->IsInterested()) describe(outcome, result_listener->stream());
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  return translation != nullptr && translation->pa == pa && translation->space == space;
}

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_TWO_SPACES_H_
