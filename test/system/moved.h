// What happens to an SMMU whose simulator is saved, and started again elsewhere.
#ifndef TEST_SYSTEM_MOVED_H_
#define TEST_SYSTEM_MOVED_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "smmu/testing/board.h"

namespace smmu::testing {

inline std::vector<std::byte> saved(emulator::SmmuV3& smmu) {
  auto snapshot = smmu.save();
  EXPECT_TRUE(snapshot) << snapshot.error();
  return snapshot ? *std::move(snapshot) : std::vector<std::byte>();
}

inline Board::Options options(emulator::Pace pace, unsigned log2_events = 8) {
  Board::Options options;
  options.config.pace = pace;
  options.log2_events = log2_events;
  return options;
}

// Another SMMU of the same configuration takes the place of the board's, and
// goes on where that was.  `connect` makes the same ports.
template <class Connect>
void move(Board& board, Connect&& connect) {
  const std::vector<std::byte> snapshot = saved(board.smmu());
  board.replace_smmu();
  connect();
  const auto restored = board.smmu().restore(snapshot);
  EXPECT_TRUE(restored) << restored.error();
  EXPECT_TRUE(saved(board.smmu()) == snapshot);
}
inline void move(Board& board) {
  move(board, [] {});
}

// A device that can wait, and knows what does.
class WaitingDevice final : public emulator::StallClient {
 public:
  void on_resumed(emulator::Stalled stalled, const emulator::Outcome& outcome) override {
    ended.emplace_back(stalled, outcome);
  }
  void on_restored(emulator::Stalled stalled, const emulator::Transaction& access) override {
    restored.emplace_back(stalled, access);
  }

  std::vector<std::pair<emulator::Stalled, emulator::Outcome>> ended;
  std::vector<std::pair<emulator::Stalled, emulator::Transaction>> restored;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_MOVED_H_
