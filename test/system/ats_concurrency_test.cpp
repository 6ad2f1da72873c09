// Devices translate for themselves, and ask for pages, on their own threads
// while software invalidates and answers.
#include <atomic>
#include <map>
#include <memory>
#include <ostream>
#include <thread>
#include <vector>

#include "smmu/arch/v3/queue_registers.h"
#include "test/system/ats_stream.h"

namespace smmu::testing::ats_concurrency_test {
namespace {

using emulator::CachePolicy;
using emulator::PageResponseCode;
using v3::AtsMode;
using v3::CMD_ATC_INV;
using v3::CMD_PRI_RESP;
using v3::CMD_TLBI_NH_ALL;
using v3::PPR;

struct Mode {
  CachePolicy policy;
  AtsMode eats;
};

void PrintTo(const Mode& mode, std::ostream* out) {
  *out << "policy " << static_cast<int>(mode.policy) << ", EATS " << static_cast<int>(mode.eats);
}

class AtsConcurrency : public ::testing::TestWithParam<Mode>, protected AtsStream {
 protected:
  static Board::Options with(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }
  AtsConcurrency() : AtsStream(with(GetParam().policy)) {}

  void wait() {
    while (!board.idle()) std::this_thread::yield();
  }
};

// 3.9.1, 4.5.1: an ATS invalidation comes after that of the SMMU's own caches;
// when both are complete nothing uses what was there before.
TEST_P(AtsConcurrency, NoWriteReachesAPageAfterTheSyncThatFollowedItsInvalidation) {
  constexpr unsigned kDevices = 3;
  constexpr unsigned kRounds = 60;
  check(true);
  const Pa other = board.allocate(4096);
  const std::uint64_t leaf = load(board.memory(), guest.descriptor(kAddress));
  const Iova ipas[] = {kPage, Iova(kPage.value + 0x1000)};
  const Pa pages[] = {page, other};
  host.map(ipas[1], other, 4096);
  std::vector<std::unique_ptr<AtsDevice>> devices;
  const v3::STE ste = nested(GetParam().eats);
  for (unsigned i = 0; i != kDevices; ++i) {
    const StreamId stream(20 + i);
    board.attach(stream, ste);
    devices.push_back(std::make_unique<AtsDevice>(board.fabric, board.smmu().add_port(), stream));
  }
  std::atomic<bool> stop{false};
  std::atomic<unsigned> written{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != kDevices; ++i) {
    threads.emplace_back([&, i] {
      while (!stop.load()) {
        if (devices[i]->write64(Iova(kAddress.value + 8 * i), 1)) ++written;
      }
    });
  }
  for (unsigned round = 0; round != kRounds && !HasFailure(); ++round) {
    const unsigned now = (round + 1) % 2;
    store(board.memory(), guest.descriptor(kAddress), leaf - kPage.value + ipas[now].value);
    board.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value));
    wait();
    for (unsigned i = 0; i != kDevices; ++i) {
      board.submit(command<CMD_ATC_INV>()
                       .set(CMD_ATC_INV::StreamID, 20 + i)
                       .set(CMD_ATC_INV::Address, kAddress.value));
    }
    board.submit_and_sync();
    wait();
    const Pa old = pages[1 - now];
    for (unsigned i = 0; i != kDevices; ++i)
      store(board.memory(), Pa(old.value + 8 * i), std::uint64_t{0});
    const unsigned before = written.load();
    while (written.load() == before) std::this_thread::yield();
    for (unsigned i = 0; i != kDevices; ++i) {
      EXPECT_EQ(load(board.memory(), Pa(old.value + 8 * i)), 0U) << "round " << round;
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

// Every last request of a group is answered once, whoever answers it.
TEST_P(AtsConcurrency, EveryGroupOfPageRequestsIsAnsweredOnce) {
  constexpr unsigned kDevices = 3;
  constexpr std::uint16_t kGroups = 200;
  board.bring_up_page_requests(3);
  std::vector<std::unique_ptr<AtsDevice>> devices;
  for (unsigned i = 0; i != kDevices; ++i) {
    devices.push_back(
        std::make_unique<AtsDevice>(board.fabric, board.smmu().add_port(), StreamId(20 + i)));
  }
  std::atomic<unsigned> left{kDevices};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != kDevices; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint16_t group = 0; group != kGroups; ++group) {
        devices[i]->ask_for_page(kAddress, group);
      }
      --left;
    });
  }
  const auto acknowledge = [&] {
    using v3::SMMU_PRIQ_CONS;
    const bool flag = board.smmu().read<v3::SMMU_PRIQ_PROD>()[v3::SMMU_PRIQ_PROD::OVFLG];
    board.smmu().write(board.smmu().read<SMMU_PRIQ_CONS>().set(SMMU_PRIQ_CONS::OVACKFLG, flag));
  };
  for (bool more = true; more;) {
    more = left.load() != 0;
    for (const PPR& request : board.page_requests()) {
      board.submit(command<CMD_PRI_RESP>()
                       .set(CMD_PRI_RESP::StreamID, request[PPR::StreamID])
                       .set(CMD_PRI_RESP::PRGIndex, request[PPR::PRGIndex])
                       .set(CMD_PRI_RESP::Resp, v3::PageResponse::kInvalidRequest));
      more = true;
    }
    acknowledge();
    wait();
  }
  for (std::thread& thread : threads) thread.join();
  // What another thread was still writing then.
  board.submit_and_sync();
  wait();
  for (const PPR& request : board.page_requests()) {
    board.submit(command<CMD_PRI_RESP>()
                     .set(CMD_PRI_RESP::StreamID, request[PPR::StreamID])
                     .set(CMD_PRI_RESP::PRGIndex, request[PPR::PRGIndex]));
  }
  wait();
  for (const auto& each : devices) {
    std::map<std::uint16_t, unsigned> answers;
    for (const auto& response : each->responses()) ++answers[response.group];
    EXPECT_EQ(answers.size(), kGroups);
    for (const auto& [group, count] : answers) EXPECT_EQ(count, 1U) << group;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, AtsConcurrency,
                         ::testing::Values(Mode{CachePolicy::kRealistic, AtsMode::kFull},
                                           Mode{CachePolicy::kAdversarial, AtsMode::kFull},
                                           Mode{CachePolicy::kNone, AtsMode::kFull},
                                           Mode{CachePolicy::kRealistic, AtsMode::kSplitStage},
                                           Mode{CachePolicy::kAdversarial, AtsMode::kSplitStage}));

}  // namespace
}  // namespace smmu::testing::ats_concurrency_test
