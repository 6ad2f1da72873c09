// Ports translate on their own threads while software invalidates.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator::concurrency_test {
namespace {

constexpr std::uint64_t kRam = 0x4000'0000;
constexpr std::uint64_t kCommands = kRam + 0x1'0000;
constexpr std::uint64_t kStreams = kRam + 0x2'0000;
constexpr std::uint64_t kContext = kRam + 0x3'0000;
constexpr std::uint64_t kTables = kRam + 0x4'0000;
constexpr std::uint64_t kPages[] = {kRam + 0x10'0000, kRam + 0x20'0000};
constexpr unsigned kLog2Commands = 8;

// One stream whose only page, at address 0, is one of two; the hexadecimal
// words are a legal STE, CD and 4 KiB tables of 39 bits.
class Concurrency : public ::testing::TestWithParam<CachePolicy> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ram_.add(Pa(kRam), 16 << 20));
    SmmuV3Config config = SmmuV3Config::everything();
    config.caching.policy = GetParam();
    auto made = SmmuV3::create(config, {.memory = &ram_});
    ASSERT_TRUE(made) << made.error();
    smmu_ = *std::move(made);

    store(kStreams, 0x1 | 0b101 << 1 | kContext);
    store(kContext, std::uint64_t{1} << 48 | 0x0000'6205'c000'3519);
    store(kContext + 8, kTables);
    store(kContext + 24, 0xff);
    store(kTables, (kTables + 0x1000) | 3);
    store(kTables + 0x1000, (kTables + 0x2000) | 3);
    point_at(0);

    smmu_->write(v3::SMMU_STRTAB_BASE(kStreams));
    smmu_->write(v3::SMMU_STRTAB_BASE_CFG());
    smmu_->write(v3::SMMU_CMDQ_BASE(kCommands | kLog2Commands));
    using v3::SMMU_CR0;
    smmu_->write(SMMU_CR0().set(SMMU_CR0::SMMUEN, true).set(SMMU_CR0::CMDQEN, true));
  }

  void store(std::uint64_t pa, std::uint64_t word) {
    ASSERT_EQ(ram_.store64(Pa(pa), word), BusResponse::kOkay);
  }
  // A writable page of everybody's, with the Access flag, not global.
  void point_at(unsigned page) { store(kTables + 0x2000, kPages[page] | 0xf43); }

  void submit(std::uint64_t low, std::uint64_t high) {
    const std::uint64_t entry = kCommands + 16 * (produced_ % (1U << kLog2Commands));
    store(entry, low);
    store(entry + 8, high);
    produced_ = (produced_ + 1) % (2U << kLog2Commands);
    smmu_->write(v3::SMMU_CMDQ_PROD(produced_));
  }
  void wait_until_consumed() {
    while (smmu_->read<v3::SMMU_CMDQ_CONS>()[v3::SMMU_CMDQ_CONS::RD] != produced_) {
      std::this_thread::yield();
    }
  }

  Ram ram_;
  std::unique_ptr<SmmuV3> smmu_;
  std::uint32_t produced_ = 0;
};

TEST_P(Concurrency, NoWriteReachesAPageAfterTheSyncThatFollowedItsInvalidation) {  // 4.7.3
  constexpr unsigned kDevices = 3;
  constexpr unsigned kRounds = 200;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> failures{0};
  std::vector<Port*> ports;
  for (unsigned i = 0; i != kDevices; ++i) ports.push_back(&smmu_->add_port());

  std::vector<std::thread> devices;
  for (unsigned i = 0; i != kDevices; ++i) {
    devices.emplace_back([&, i] {
      const std::array<std::byte, 4> ones{std::byte{1}, std::byte{1}, std::byte{1}, std::byte{1}};
      Transaction transaction;
      transaction.address = Iova(64 * i);
      while (!stop.load()) {
        if (ports[i]->write(transaction, ones).bytes != ones.size()) ++failures;
      }
    });
  }

  unsigned late = 0;
  for (unsigned round = 0; round != kRounds; ++round) {
    const unsigned old = round % 2;
    point_at(1 - old);
    submit(std::uint64_t{1} << 48 | 0x12, 0);  // CMD_TLBI_NH_VA, ASID 1, address 0
    submit(0x46, 0);                           // CMD_SYNC
    wait_until_consumed();
    for (unsigned i = 0; i != kDevices; ++i) store(kPages[old] + 64 * i, 0);
    for (unsigned spin = 0; spin != 20; ++spin) std::this_thread::yield();
    for (unsigned i = 0; i != kDevices; ++i) {
      const auto word = ram_.load64(Pa(kPages[old] + 64 * i));
      ASSERT_TRUE(word);
      if (*word != 0) ++late;
    }
  }
  stop = true;
  for (auto& device : devices) device.join();
  EXPECT_EQ(late, 0U);
  EXPECT_EQ(failures.load(), 0U);
}

INSTANTIATE_TEST_SUITE_P(EveryPolicy, Concurrency,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial),
                         [](const auto& policy) {
                           switch (policy.param) {
                             case CachePolicy::kNone:
                               return "None";
                             case CachePolicy::kRealistic:
                               return "Realistic";
                             case CachePolicy::kAdversarial:
                               return "Adversarial";
                           }
                           return "Unknown";
                         });

}  // namespace
}  // namespace smmu::emulator::concurrency_test
