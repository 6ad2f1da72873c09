#include "examples/msi_passthrough/machine.h"

#include "smmu/testing/driven_board.h"
#include "smmu/testing/driven_board_v2.h"

using namespace smmu;

namespace {

// Both boards have the same names for the same things.
template <class Board>
class BoardMachine final : public Machine {
 public:
  BoardMachine(emulator::Observer& observer, iommu::DriverLog& log)
      : board_(options(observer, log)) {}

  iommu::Iommu& iommu() override { return board_.iommu(); }
  emulator::Ram& bus() override { return board_.memory(); }
  Pa allocate(std::uint64_t bytes) override { return board_.allocate(bytes); }
  testing::DmaDevice device(StreamId stream) override { return board_.device(stream); }
  emulator::Port& add_port() override { return board_.smmu().add_port(); }

 private:
  static typename Board::Options options(emulator::Observer& observer, iommu::DriverLog& log) {
    typename Board::Options options;
    options.observer = &observer;
    options.driver.log = &log;
    return options;
  }

  Board board_;
};

}  // namespace

std::unique_ptr<Machine> make_machine(Generation generation, emulator::Observer& observer,
                                      iommu::DriverLog& log) {
  if (generation == Generation::kSmmuV2) {
    return std::make_unique<BoardMachine<testing::DrivenBoardV2>>(observer, log);
  }
  return std::make_unique<BoardMachine<testing::DrivenBoard>>(observer, log);
}
