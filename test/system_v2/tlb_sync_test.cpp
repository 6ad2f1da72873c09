// When a TLB synchronisation is over: not while an access that may use what was invalidated is
// still in flight, and not until software has been told so often that it is busy.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "test/system_v2/software.h"

namespace smmu::testing::tlb_sync_test {
namespace {

using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(5);
constexpr Iova kPage(0x9876'5000);
constexpr std::uint32_t kBank = 1;

bool is_active(const Software& software) {
  return software.gr0.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE];
}
bool is_active(const Software& software, std::uint32_t n) {
  return software.bank(n).read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE];
}

TEST(TlbSync, IsOverAtOnceWhenNothingIsInFlight) {
  V2Rig rig;
  const Software software(rig);
  software.synchronize();
  EXPECT_FALSE(is_active(software));
  software.synchronize(kBank);
  EXPECT_FALSE(is_active(software, kBank));
}

TEST(TlbSync, IsSaidToBeActiveAsOftenAsConfigured) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.busy_reads = 3;
  V2Rig rig(config);
  const Software software(rig);
  const Software secure(rig, SecurityState::kSecure);
  EXPECT_FALSE(is_active(software));
  software.synchronize();
  software.synchronize(kBank);
  for (int i = 0; i != 3; ++i) {
    EXPECT_TRUE(is_active(software)) << i;
    EXPECT_TRUE(is_active(software, kBank)) << i;
    EXPECT_FALSE(is_active(secure)) << "its own copy";
    EXPECT_FALSE(is_active(software, kBank + 1)) << "another bank";
  }
  EXPECT_FALSE(is_active(software));
  EXPECT_FALSE(is_active(software, kBank));
  software.synchronize();
  EXPECT_TRUE(secure.non_secure.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]);
}

// Memory behind a bus that lets an access wait until the test says so.
class SlowRegion final : public emulator::DeviceRegion {
 public:
  BusResponse read(std::uint64_t, std::span<std::byte> bytes) override {
    std::ranges::fill(bytes, std::byte{0});
    wait();
    return BusResponse::kOkay;
  }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    wait();
    return BusResponse::kOkay;
  }

  void wait_until_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    entered_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

// A device whose write hangs on the bus, made by a thread of its own.
class Hanging {
 public:
  static constexpr Pa kSlow{0x8000'0000};

  Hanging() {
    EXPECT_TRUE(rig.memory().add_device(kSlow, 4096, region_));
    table_.map(kPage, kSlow, 4096);
    software.stage1(kBank, table_, {.asid = 1});
    software.lead(kStream, kBank);
    software.enable();
    thread_ = std::thread([this] { EXPECT_EQ(device_.write64(kPage, 1).bytes, 8U); });
    region_.wait_until_entered();
  }
  ~Hanging() { finish(); }

  void finish() {
    region_.let_go();
    if (thread_.joinable()) thread_.join();
  }

  V2Rig rig;
  Software software{rig};

 private:
  SlowRegion region_;
  PageTable table_ = rig.page_table(stage1_tables());
  DmaDevice device_ = rig.device(kStream);
  std::thread thread_;
};

TEST(TlbSyncConcurrency, WaitsForAccessesInFlight) {
  Hanging hanging;
  const Software& software = hanging.software;
  software.gr0.write(SMMU_TLBIALLNSNH());
  software.synchronize();
  software.synchronize(kBank);
  for (int i = 0; i != 10; ++i) {
    EXPECT_TRUE(is_active(software));
    EXPECT_TRUE(is_active(software, kBank));
  }
  // Other software is not asking.
  EXPECT_FALSE(is_active(software, kBank + 1));
  hanging.finish();
  EXPECT_FALSE(is_active(software));
  EXPECT_FALSE(is_active(software, kBank));
}

TEST(TlbSyncConcurrency, OfBroadcastsWaitsForAccessesInFlight) {
  Hanging hanging;
  hanging.rig.smmu().invalidate({.stages = emulator::BroadcastInvalidation::Stages::kBoth});
  EXPECT_FALSE(hanging.rig.smmu().synchronize_broadcasts());
  EXPECT_FALSE(hanging.rig.smmu().synchronize_broadcasts());
  hanging.finish();
  EXPECT_TRUE(hanging.rig.smmu().synchronize_broadcasts());
}

// What began after the first time it was asked for cannot use what was invalidated before.
TEST(TlbSyncConcurrency, OfBroadcastsDoesNotWaitForAccessesThatCameLater) {
  Hanging first;
  SlowRegion slow;
  constexpr Pa kOther(0x9000'0000);
  constexpr StreamId kBypassing(0x77);
  EXPECT_TRUE(first.rig.memory().add_device(kOther, 4096, slow));
  using S2cr = SMMU_S2CRn_Translation;
  first.software.lead(kBypassing, S2cr().set(S2cr::TYPE, StreamType::kBypass));
  const DmaDevice device = first.rig.device(kBypassing);
  first.rig.smmu().invalidate({.stages = emulator::BroadcastInvalidation::Stages::kBoth});
  EXPECT_FALSE(first.rig.smmu().synchronize_broadcasts());
  std::thread second([&] { EXPECT_EQ(device.write64(Iova(kOther.value), 1).bytes, 8U); });
  slow.wait_until_entered();
  first.finish();
  EXPECT_TRUE(first.rig.smmu().synchronize_broadcasts());
  // Of what is invalidated now it may be a user.
  first.rig.smmu().invalidate({.stages = emulator::BroadcastInvalidation::Stages::kBoth});
  EXPECT_FALSE(first.rig.smmu().synchronize_broadcasts());
  slow.let_go();
  second.join();
  EXPECT_TRUE(first.rig.smmu().synchronize_broadcasts());
}

// A device that is never idle: what waits is about accesses of before, not of now.
TEST(TlbSyncConcurrency, OfBroadcastsEndsWhileDevicesGoOn) {
  V2Rig rig;
  Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  constexpr std::uint64_t kBytes = 1 << 20;
  table.map(kPage, rig.allocate(kBytes), kBytes);
  software.stage1(kBank, table, {.asid = 1});
  software.lead(kStream, kBank);
  software.enable();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> done{0};
  // Long accesses, one after the other.
  std::thread device([&] {
    const DmaDevice dma = rig.device(kStream);
    std::vector<std::byte> bytes(kBytes);
    while (!stop) {
      EXPECT_EQ(dma.write(kPage, bytes).bytes, kBytes);
      ++done;
    }
  });
  while (done == 0) std::this_thread::yield();
  for (int i = 0; i != 20; ++i) {
    rig.smmu().invalidate({.stages = emulator::BroadcastInvalidation::Stages::kBoth});
    // Once the access of then is over, one that has begun since is in flight.
    const std::uint64_t before = done;
    bool over = rig.smmu().synchronize_broadcasts();
    while (!over && done < before + 50) {
      std::this_thread::yield();
      over = rig.smmu().synchronize_broadcasts();
    }
    EXPECT_TRUE(over) << "fifty accesses later";
  }
  stop = true;
  device.join();
}

TEST(TlbSyncConcurrency, OfRegistersEndsWhileDevicesGoOn) {
  V2Rig rig;
  Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  constexpr std::uint64_t kBytes = 1 << 20;
  table.map(kPage, rig.allocate(kBytes), kBytes);
  software.stage1(kBank, table, {.asid = 1});
  software.lead(kStream, kBank);
  software.enable();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> done{0};
  std::thread device([&] {
    const DmaDevice dma = rig.device(kStream);
    std::vector<std::byte> bytes(kBytes);
    while (!stop) {
      EXPECT_EQ(dma.write(kPage, bytes).bytes, kBytes);
      ++done;
    }
  });
  while (done == 0) std::this_thread::yield();
  for (int i = 0; i != 20; ++i) {
    software.gr0.write(SMMU_TLBIALLNSNH());
    software.synchronize();
    const std::uint64_t before = done;
    while (is_active(software) && done < before + 50) std::this_thread::yield();
    EXPECT_FALSE(is_active(software)) << "fifty accesses later";
  }
  stop = true;
  device.join();
}

}  // namespace
}  // namespace smmu::testing::tlb_sync_test
