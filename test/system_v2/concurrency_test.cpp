// Threads that use an SMMUv2 at once: devices, and software that changes tables, invalidates, and
// deals with faults.
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::concurrency_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using emulator::Outcome;
using emulator::SmmuV2Config;
using emulator::Translation;
using namespace v2;

constexpr Iova kPage(0x12'3456'7000);
constexpr std::uint32_t kBanks = 3;  // each with a device

SmmuV2Config with(CachePolicy policy) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.caching.policy = policy;
  config.idr1.set(SMMU_IDR1::NUMCB, 8).set(SMMU_IDR1::NUMPAGENDXB, 2);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 8);
  return config;
}

class SystemV2Concurrency : public ::testing::TestWithParam<CachePolicy> {
 protected:
  void set_up_banks(SMMU_CBn_SCTLR control) {
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      software.stage1(n, table, {.asid = n + 1, .control = control});
      software.lead(StreamId(n), n);
    }
    software.enable();
  }
  // What becomes of an access: its outcome or, if it stalls, what it waits for.
  static Outcome end_of(const Outcome& outcome, Resumptions& client) {
    if (!std::holds_alternative<emulator::Stalled>(outcome)) return outcome;
    std::optional<Outcome> end;
    while (!(end = client.take(outcome))) std::this_thread::yield();
    return *end;
  }
  void synchronize(std::uint32_t n) const {
    software.synchronize(n);
    while (software.bank(n).read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) {
      std::this_thread::yield();
    }
  }

  V2Rig rig{with(GetParam())};
  Software software{rig};
  PageTable table = rig.page_table(stage1_tables());
};

// Devices that write one word, each in a thread of its own, until they are stopped.
class Writers {
 public:
  Writers(const std::vector<DmaDevice>& devices, Iova address) : ended_(devices.size()) {
    for (std::size_t n = 0; n != devices.size(); ++n) {
      threads_.emplace_back([this, n, device = devices[n], address] {
        while (!stop_) {
          EXPECT_EQ(device.write64(address, 1).bytes, 8U);
          ++ended_[n];
        }
      });
    }
  }
  ~Writers() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  // Each of them has ended two writes, of which the second has begun since.
  void wait_for_writes() const {
    std::vector<std::uint64_t> before(ended_.begin(), ended_.end());
    for (std::size_t n = 0; n != ended_.size(); ++n) {
      while (ended_[n] < before[n] + 2) std::this_thread::yield();
    }
  }

 private:
  std::vector<std::atomic<std::uint64_t>> ended_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

// Once a page has been unmapped, invalidated and synchronised, no access is made to it any more.
TEST_P(SystemV2Concurrency, NothingReachesAPageAfterItsSynchronization) {
  set_up_banks(translating());
  const Pa one = rig.allocate(4096);
  const Pa two = rig.allocate(4096);
  table.map(kPage, one, 4096);
  std::vector<DmaDevice> devices;
  for (std::uint32_t n = 0; n != kBanks; ++n) devices.push_back(rig.device(StreamId(n)));
  const Writers writers(devices, kPage);
  for (int round = 0; round != 20 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    const Pa from = round % 2 == 0 ? one : two;
    // The page is in use, and in every TLB that keeps it.
    writers.wait_for_writes();
    EXPECT_EQ(load(rig.memory(), from), 1U);
    table.map(kPage, round % 2 == 0 ? two : one, 4096);
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      using Tlbi = SMMU_CBn_TLBIVAL_AArch64;
      software.bank(n).write(Tlbi().set(Tlbi::Address, kPage.value >> 12).set(Tlbi::ASID, n + 1));
      synchronize(n);
    }
    store(rig.memory(), from, std::uint64_t{0});
    writers.wait_for_writes();
    EXPECT_EQ(load(rig.memory(), from), 0U);
  }
}

// Devices that wait, and a handler in a thread of its own: every access comes to an end.
TEST_P(SystemV2Concurrency, EveryStalledAccessComesToAnEnd) {
  set_up_banks(stalling());
  constexpr int kAccesses = 200;
  std::atomic<std::uint32_t> running{kBanks};
  std::vector<std::unique_ptr<Resumptions>> clients;
  std::vector<DmaDevice> devices;
  for (std::uint32_t n = 0; n != kBanks; ++n) {
    clients.push_back(std::make_unique<Resumptions>());
    devices.push_back(rig.device(StreamId(n), *clients.back()));
  }
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kBanks; ++n) {
    threads.emplace_back([&, n] {
      for (int i = 0; i != kAccesses; ++i) {
        const Outcome outcome = devices[n].translate(kPage);
        EXPECT_THAT(end_of(outcome, *clients[n]), Aborts());
      }
      --running;
    });
  }
  while (running != 0) {
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      const RegisterPage bank = software.bank(n);
      const auto fsr = bank.read<SMMU_CBn_FSR>();
      if (fsr.raw() == 0) continue;
      bank.write(fsr);
      // As drivers do: what has not stalled is not resumed.
      if (fsr[SMMU_CBn_FSR::SS]) bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    }
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t n = 0; n != kBanks; ++n) EXPECT_EQ(clients[n]->size(), 0U);
}

// The same while others are held up, by a fault of their own bank and by a stall of any.
TEST_P(SystemV2Concurrency, EveryHeldAccessComesToAnEnd) {
  set_up_banks(stalling().set(SMMU_CBn_SCTLR::HUPCF, false));
  software.enable(everything_faults().set(SMMU_sCR0::GSE, true));
  const Pa page = rig.allocate(4096);
  table.map(kPage, page, 4096);
  constexpr int kAccesses = 100;
  std::atomic<std::uint32_t> held{0};  // because of other accesses
  std::atomic<std::uint32_t> running{kBanks};
  std::vector<std::unique_ptr<Resumptions>> clients;
  std::vector<DmaDevice> devices;
  for (std::uint32_t n = 0; n != kBanks; ++n) {
    clients.push_back(std::make_unique<Resumptions>());
    devices.push_back(rig.device(StreamId(n), *clients.back()));
  }
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kBanks; ++n) {
    threads.emplace_back([&, n] {
      // On a busy machine, until one of them has met another.
      for (int i = 0; i < kAccesses || (held == 0 && i < 100 * kAccesses); ++i) {
        const bool missing = i % 3 == 0;
        const Outcome outcome =
            devices[n].translate(Iova(missing ? kPage.value + 4096 : kPage.value));
        if (!missing && std::holds_alternative<emulator::Stalled>(outcome)) ++held;
        const Outcome end = end_of(outcome, *clients[n]);
        if (missing) {
          EXPECT_THAT(end, Aborts());
        } else {
          EXPECT_THAT(end, TranslatesTo(page));
        }
      }
      --running;
    });
  }
  while (running != 0) {
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      const RegisterPage bank = software.bank(n);
      const auto fsr = bank.read<SMMU_CBn_FSR>();
      if (fsr.raw() == 0) continue;
      bank.write(fsr);
      if (fsr[SMMU_CBn_FSR::SS]) bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    }
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t n = 0; n != kBanks; ++n) EXPECT_EQ(clients[n]->size(), 0U);
  EXPECT_GT(held.load(), 0U) << "nothing was held up";
}

// Registers of all kinds are written and read by several, while devices work.
TEST_P(SystemV2Concurrency, RegistersMayBeUsedByAll) {
  set_up_banks(translating());
  table.map(kPage, rig.allocate(4096), 4096);
  std::atomic<bool> stop{false};
  std::vector<DmaDevice> devices;
  for (std::uint32_t n = 0; n != kBanks; ++n) devices.push_back(rig.device(StreamId(n)));
  std::vector<std::thread> threads;
  for (const DmaDevice& device : devices) {
    threads.emplace_back([&stop, device] {
      while (!stop) {
        device.translate(kPage);
        device.translate(Iova(kPage.value + 4096), Direction::kWrite);
      }
    });
  }
  for (std::uint32_t n = 0; n != 2; ++n) {
    threads.emplace_back([&, n] {
      const RegisterPage bank = software.bank(n);
      for (int i = 0; i != 300; ++i) {
        bank.write(translating().set(SMMU_CBn_SCTLR::CFIE, i % 2 == 0));
        bank.write(SMMU_CBn_ATS1PR(kPage.value));
        bank.read<SMMU_CBn_PAR_Long>();
        bank.write(SMMU_CBn_FSR(all_faults()));
        bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, n + 1));
        synchronize(n);
        software.gr0.write(n, SMMU_S2CRn_Translation().set(SMMU_S2CRn_Translation::CBNDX, n));
        rig.smmu().invalidate({.stages = emulator::BroadcastInvalidation::Stages::kBoth});
        rig.smmu().synchronize_broadcasts();
      }
    });
  }
  for (std::size_t i = kBanks; i != threads.size(); ++i) threads[i].join();
  stop = true;
  for (std::size_t i = 0; i != kBanks; ++i) threads[i].join();
  for (std::uint32_t n = 0; n != kBanks; ++n) {
    software.bank(n).write(all_faults());
    EXPECT_EQ(software.bank(n).read<SMMU_CBn_FSR>(), SMMU_CBn_FSR());
  }
  EXPECT_TRUE(rig.quiet());
}

INSTANTIATE_TEST_SUITE_P(Policies, SystemV2Concurrency,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

}  // namespace
}  // namespace smmu::testing::concurrency_test
