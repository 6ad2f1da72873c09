// A board with two physical address spaces, and a driver for each of its
// SMMU's programming interfaces.
#ifndef SMMU_TEST_SYSTEM_TWO_SPACES_H_
#define SMMU_TEST_SYSTEM_TWO_SPACES_H_

#include <cstdlib>
#include <memory>
#include <ostream>

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

// A stream with both stage 2 tables, whose tables are where they must be.
struct Spaces {
  bool s2sw, s2sa, s2nsw, s2nsa;
  friend void PrintTo(const Spaces& spaces, std::ostream* out) {
    *out << "SW " << spaces.s2sw << " SA " << spaces.s2sa << " NSW " << spaces.s2nsw << " NSA "
         << spaces.s2nsa;
  }
};

inline v3::STE with_both_trees(v3::STE ste, const PageTable& non_secure, const PageTable& secure,
                               Spaces spaces) {
  using v3::STE;
  const STE other = above_stage2(bypass(), secure);
  return above_stage2(ste, non_secure)
      .set(STE::S_S2T0SZ, other[STE::S2T0SZ])
      .set(STE::S_S2SL0, other[STE::S2SL0])
      .set(STE::S_S2TG, other[STE::S2TG])
      .set(STE::S_S2TTB, other[STE::S2TTB])
      .set(STE::S2SW, spaces.s2sw)
      .set(STE::S2SA, spaces.s2sa)
      .set(STE::S2NSW, spaces.s2nsw)
      .set(STE::S2NSA, spaces.s2nsa);
}

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
