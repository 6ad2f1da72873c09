// What a snapshot is of, and when there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "smmu/arch/v3/pmcg_registers.h"
#include "test/system/moved.h"

namespace smmu::testing::snapshot_refusal_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v3::CMD_SYNC;

// What may not be: a part of an effect.
struct Doorbell final : emulator::DeviceRegion {
  BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kOkay; }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    ring();
    return BusResponse::kOkay;
  }
  std::function<void()> ring;
};

TEST(Snapshot, NeitherSavesNorRestoresInTheMiddleOfAnAccess) {
  Board board;
  Doorbell doorbell;
  ASSERT_TRUE(board.memory().add_device(Pa(0x1000'0000), 4096, doorbell));
  board.bring_up();
  board.attach(StreamId(9), bypass());
  const auto snapshot = saved(board.smmu());
  std::vector<std::string> errors;
  doorbell.ring = [&] {
    errors.push_back(board.smmu().save().error());
    errors.push_back(board.smmu().restore(snapshot).error());
  };
  board.device(StreamId(9)).write64(Iova(0x1000'0000), 1);
  // Nor of an effect.
  board.submit(command<CMD_SYNC>()
                   .set(CMD_SYNC::CS, SyncSignal::kIrq)
                   .set(CMD_SYNC::MSIAddress, 0x1000'0000));
  ASSERT_THAT(errors, SizeIs(4));
  for (const auto& error : errors) EXPECT_THAT(error, HasSubstr("in flight"));
  EXPECT_TRUE(board.smmu().save());
}

TEST(Snapshot, NeitherSavesNorRestoresWhileAnotherStepGoesOn) {
  Board board(options(Pace::kStepped));
  board.bring_up();
  board.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  std::string error;
  board.sync_line.on_pulse([&] { error = board.smmu().save().error(); });
  board.settle();
  EXPECT_THAT(error, HasSubstr("in flight"));
}

// Restores a snapshot of one SMMU into another; the error.
std::string refusal(const emulator::SmmuV3Config& from, const emulator::SmmuV3Config& into) {
  Board one({.config = from});
  Board other({.config = into});
  const auto before = saved(other.smmu());
  const auto restored = other.smmu().restore(saved(one.smmu()));
  EXPECT_TRUE(saved(other.smmu()) == before);
  return restored ? std::string() : restored.error();
}

TEST(Snapshot, IsOfOneConfiguration) {
  using Config = emulator::SmmuV3Config;
  const Config config = Config::everything();
  EXPECT_EQ(refusal(config, config), "");
  const auto changed = [&](auto&& change) {
    Config other = config;
    change(other);
    return refusal(config, other);
  };
  EXPECT_THAT(refusal(config, config.without_stage2()), HasSubstr("SMMU_IDR0"));
  EXPECT_THAT(changed([](Config& c) { c.idr1.set(v3::SMMU_IDR1::EVENTQS, 3); }),
              AllOf(HasSubstr("SMMU_IDR1"), HasSubstr("this one's")));
  EXPECT_THAT(changed([](Config& c) { c.iidr = v3::SMMU_IIDR(0x43b); }), HasSubstr("SMMU_IIDR"));
  EXPECT_THAT(changed([](Config& c) { c.id_block[11] = 1; }), HasSubstr("id_block"));
  EXPECT_THAT(changed([](Config& c) { c.gbpa_reset = 1U << 20; }), HasSubstr("gbpa_reset"));
  EXPECT_THAT(changed([](Config& c) { c.s_gbpa_reset = 1U << 20; }), HasSubstr("s_gbpa_reset"));
  EXPECT_THAT(changed([](Config& c) { c.most_stalled = 7; }), HasSubstr("most_stalled"));
  EXPECT_THAT(changed([](Config& c) { c.merging = emulator::EventMerging::kPermitted; }),
              HasSubstr("merging"));
  EXPECT_THAT(changed([](Config& c) { c.caching.policy = CachePolicy::kNone; }),
              HasSubstr("caching.policy"));
  EXPECT_THAT(changed([](Config& c) { c.caching.prefetch = emulator::SpeculativePrefetch::kOn; }),
              HasSubstr("caching.prefetch"));
  EXPECT_THAT(changed([](Config& c) { c.caching.main_tlb.ways = 2; }),
              HasSubstr("caching.main_tlb"));
  EXPECT_THAT(changed([](Config& c) { c.caching.configuration.sets = 2; }),
              HasSubstr("caching.configuration"));
  EXPECT_THAT(changed([](Config& c) { c.caching.stage2.sets = 2; }), HasSubstr("caching.stage2"));
  EXPECT_THAT(changed([](Config& c) { c.caching.walk.sets = 2; }), HasSubstr("caching.walk"));
  EXPECT_THAT(changed([](Config& c) { c.caching.cap = 2; }), HasSubstr("caching.cap"));
  EXPECT_THAT(changed([](Config& c) { c.pace = Pace::kStepped; }), HasSubstr("pace"));
  EXPECT_THAT(refusal(config, config.without_secure_state()), HasSubstr("SMMU_S_IDR"));
  EXPECT_THAT(
      changed([](Config& c) { c.s_idr6.set(v3::SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 3); }),
      HasSubstr("SMMU_S_IDR6"));
  EXPECT_THAT(
      changed([](Config& c) { c.counter_groups = {emulator::CounterGroupConfig::everything()}; }),
      HasSubstr("counter_groups"));
}

TEST(Snapshot, IsOfAsManyPortsOfTheSameKinds) {
  Board one;
  Board other;
  WaitingDevice client;
  one.smmu().add_port();
  one.smmu().add_port(client);
  const auto snapshot = saved(one.smmu());
  EXPECT_THAT(other.smmu().restore(snapshot).error(), HasSubstr("2 ports"));
  other.smmu().add_port();
  other.smmu().add_port();
  EXPECT_THAT(other.smmu().restore(snapshot).error(), HasSubstr("port 1"));
}

TEST(Snapshot, IsLittleEndianBytesOfAVersion) {
  Board board;
  const auto snapshot = saved(board.smmu());
  ASSERT_GE(snapshot.size(), 24U);
  const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(snapshot[at]); };
  std::string magic;
  for (std::size_t i = 0; i != 8; ++i) magic.push_back(static_cast<char>(byte(i)));
  EXPECT_EQ(magic, "SMMUsnap");
  EXPECT_EQ(byte(8), 2U);
  EXPECT_EQ(byte(9) | byte(10) | byte(11), 0U);
  EXPECT_EQ(byte(12) | byte(13) << 8 | byte(14) << 16, snapshot.size());
  // SMMU_IDR0
  EXPECT_EQ(byte(20) | byte(21) << 8 | byte(22) << 16 | byte(23) << 24,
            board.smmu().read<v3::SMMU_IDR0>().raw());
}

}  // namespace
}  // namespace smmu::testing::snapshot_refusal_test
