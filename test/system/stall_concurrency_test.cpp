// Devices stall on their own threads while software answers, invalidates and turns the SMMU off.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "test/system/stalling_stream.h"

namespace smmu::testing::stall_concurrency_test {
namespace {

using emulator::Outcome;
using emulator::Stalled;
using v3::SMMU_IDR5;

// A device that makes one access after another, and waits for each.
class PatientDevice final : public emulator::StallClient {
 public:
  explicit PatientDevice(Board& board) : port_(board.smmu().add_port(*this)) {}

  void on_resumed(Stalled stalled, const Outcome& outcome) override {
    const std::lock_guard lock(mutex_);
    if (end_) ++errors_;
    end_.emplace(stalled, outcome);
    told_.notify_one();
  }

  // Until so many have stalled.
  void make_accesses(unsigned stalls) {
    emulator::Transaction transaction;
    transaction.stream = StallingStream::kStream;
    transaction.address = StallingStream::kUnmapped;
    std::array<std::byte, 8> bytes{};
    for (unsigned i = 0; stalls_ != stalls; ++i) {
      Outcome outcome;
      if (i % 2 == 0) {
        port_.translate(transaction, outcome);
      } else {
        outcome = port_.read(transaction, bytes).outcome;
      }
      if (const auto* stalled = std::get_if<Stalled>(&outcome)) {
        ++stalls_;
        std::unique_lock lock(mutex_);
        told_.wait(lock, [&] { return end_.has_value(); });
        if (end_->first != *stalled || std::holds_alternative<Stalled>(end_->second)) ++errors_;
        end_.reset();
      }
    }
  }
  unsigned errors() const { return errors_; }

 private:
  emulator::Port& port_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::optional<std::pair<Stalled, Outcome>> end_;
  std::atomic<unsigned> errors_{0};
  unsigned stalls_ = 0;
};

class StallConcurrency : public ::testing::TestWithParam<unsigned> {};

TEST_P(StallConcurrency, EveryStalledAccessEndsOnce) {  // few records and little room for them, too
  using S = StallingStream;
  Board::Options options;
  options.config.idr5.set(SMMU_IDR5::STALL_MAX, GetParam());
  options.log2_events = 1;
  S stream(options);
  Board& board = stream.board;
  constexpr unsigned kDevices = 3;
  constexpr unsigned kStalls = 300;
  std::vector<std::unique_ptr<PatientDevice>> devices;
  for (unsigned i = 0; i != kDevices; ++i) {
    devices.push_back(std::make_unique<PatientDevice>(board));
  }
  std::atomic<unsigned> running{kDevices};
  std::vector<std::thread> threads;
  for (const auto& device : devices) {
    threads.emplace_back([&] {
      device->make_accesses(kStalls);
      --running;
    });
  }
  unsigned choice = 0;
  while (running.load() != 0) {
    for (const Event& event : board.events()) {
      if (event.type() != v3::EventType::F_TRANSLATION) continue;
      const std::uint16_t tag = S::tag_of(event);
      switch (++choice % 7) {
        case 0:
          stream.repair();
          board.submit_and_sync(S::retry(tag));
          stream.table.unmap(S::kUnmapped);
          board.submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
          break;
        case 1:
          board.submit_and_sync(S::retry(tag));
          break;
        case 2:
          board.submit_and_sync(S::terminate_all());
          break;
        case 3:
          stream.enable(false);
          stream.enable(true);
          break;
        case 4:
          board.submit_and_sync(S::answer(tag));
          break;
        default:
          board.submit_and_sync(S::abort(tag));
      }
      while (!board.idle()) std::this_thread::yield();
    }
    std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
  for (const auto& device : devices) EXPECT_EQ(device->errors(), 0U);
  EXPECT_FALSE(stream.overflowed());
}

INSTANTIATE_TEST_SUITE_P(Records, StallConcurrency, ::testing::Values(1U, 2U, 64U));

}  // namespace
}  // namespace smmu::testing::stall_concurrency_test
