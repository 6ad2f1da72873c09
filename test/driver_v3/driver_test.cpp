// The driver on the model: what devices see of attaching, faults, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "smmu/arch/v3/registers.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"

namespace smmu::testing::driver_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::FaultReason;
using iommu::kReadWrite;
using iommu::Prot;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr StreamId kNic = StreamId(0);
constexpr Iova kPage = Iova(0x1000);

class OfPreset : public ::testing::TestWithParam<SmmuV3Config (*)()> {};

TEST_P(OfPreset, DevicesReachWhatIsMappedFromAttachToDetach) {
  DrivenBoard::Options options;
  options.config = GetParam()();
  for (const auto policy : {CachePolicy::kNone, CachePolicy::kAdversarial}) {
    options.config.caching.policy = policy;
    DrivenBoard board(options);
    const DmaDevice nic = board.device(kNic);
    iommu::Device& device = board.add(kNic);
    EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x1000)));
    const auto domain = board.domain();
    const Pa page = board.allocate(3 * 4096);
    ASSERT_TRUE(domain->map(kPage, page, 3 * 4096, kReadWrite | Prot::kCache));
    ASSERT_TRUE(device.group().attach(*domain));
    EXPECT_TRUE(nic.write64(Iova(0x1008), 0x1122'3344'5566'7788).bytes == 8);
    EXPECT_EQ(nic.read64(Iova(0x1008)), 0x1122'3344'5566'7788U);
    EXPECT_THAT(nic.translate(Iova(0x4000)), Aborts());
    EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
    EXPECT_THAT(nic.translate(kPage), Aborts());
    EXPECT_THAT(nic.translate(Iova(0x2000)), TranslatesTo(Pa(page.value + 4096)));
    EXPECT_EQ(domain->unmap(Iova(0x2000), 2 * 4096), 2U * 4096);
    EXPECT_THAT(nic.translate(Iova(0x2000)), Aborts());
    EXPECT_TRUE(device.group().detach());
    EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x1000)));
    board.iommu().remove_device(device);
    EXPECT_THAT(nic.translate(kPage), Aborts());
    for (const std::string& sentence : board.log.sentences())
      EXPECT_THAT(sentence, ::testing::AnyOf(StartsWith("F_TRANSLATION"), "C_BAD_STREAMID"));
  }
}

INSTANTIATE_TEST_SUITE_P(Driver, OfPreset,
                         ::testing::Values(&SmmuV3Config::everything, &SmmuV3Config::mmu600,
                                           &SmmuV3Config::qemu_virt, &SmmuV3Config::minimal));

TEST(Driver, OnStage2AloneDomainsAreOfStage2) {
  DrivenBoard::Options options;
  options.config = SmmuV3Config::everything().without_stage1();
  DrivenBoard board(options);
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  const Pa page = board.allocate(4096);
  ASSERT_TRUE(domain->map(kPage, page, 4096, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(nic.translate(kPage), Aborts());
}

using Sync = iommu::SmmuV3DriverConfig::SyncSignal;
class OfSignal : public ::testing::TestWithParam<Sync> {};

TEST_P(OfSignal, TellsThatASyncIsComplete) {
  DrivenBoard::Options options;
  options.driver.sync = GetParam();
  DrivenBoard board(options);
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  for (int i = 0; i != 600; ++i) {
    ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
    ASSERT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x4000'0000)));
    ASSERT_EQ(domain->unmap(kPage, 4096), 4096U);
  }
  ASSERT_THAT(nic.translate(kPage), Aborts());
  EXPECT_EQ(board.driver().sync_signal(), GetParam() == Sync::kBest ? Sync::kMessage : GetParam());
  EXPECT_THAT(board.log.sentences(), ::testing::SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Driver, OfSignal,
                         ::testing::Values(Sync::kBest, Sync::kMessage, Sync::kWakeUp,
                                           Sync::kInterrupt, Sync::kPoll));

TEST(Driver, TheWorldOfEl2HasCommandsOfItsOwn) {
  DrivenBoard::Options options;
  options.driver.world = iommu::SmmuV3DriverConfig::World::kEl2;
  options.config.caching.policy = CachePolicy::kAdversarial;
  DrivenBoard board(options);
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 0x4000, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x4000'0000)));
  EXPECT_EQ(domain->unmap(kPage, 0x4000), 0x4000U);
  EXPECT_THAT(nic.translate(kPage), Aborts());
}

TEST(Driver, AFaultIsToldInTheWordsOfTheManual) {
  DrivenBoard board;
  const DmaDevice nic = board.device(kNic);
  iommu::Device& device = board.add(kNic);
  const auto domain = board.domain();
  RecordingHandler handler;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, Prot::kRead));
  ASSERT_TRUE(device.group().attach(*domain));
  EXPECT_THAT(nic.translate(Iova(0x5678), Direction::kWrite), Aborts());
  EXPECT_THAT(nic.privileged().translate(Iova(0x1004), Direction::kWrite), Aborts());
  ASSERT_EQ(handler.faults.size(), 2U);
  EXPECT_EQ(handler.devices.back(), &device);
  EXPECT_EQ(handler.faults[0].reason, FaultReason::kTranslation);
  EXPECT_EQ(handler.faults[0].stream, kNic);
  EXPECT_EQ(handler.faults[0].iova, Iova(0x5678));
  EXPECT_EQ(handler.faults[0].direction, iommu::FaultDirection::kWrite);
  EXPECT_FALSE(handler.faults[0].stalled || handler.faults[0].privileged);
  EXPECT_EQ(handler.faults[0].record, "F_TRANSLATION CLASS 0x2 InputAddr 0x5678");
  EXPECT_EQ(handler.faults[1].reason, FaultReason::kPermission);
  EXPECT_TRUE(handler.faults[1].privileged);
  EXPECT_THAT(board.log.sentences(), IsEmpty()) << "somebody has heard of them";
}

TEST(Driver, FaultsThatNobodyAsksAboutAreInTheLog) {
  DrivenBoard board;
  const DmaDevice unknown = board.device(StreamId(0x55));
  EXPECT_THAT(unknown.translate(kPage), Aborts());
  EXPECT_THAT(board.log.sentences(), Contains("C_BAD_STREAMID StreamID 0x55"));
}

TEST(Driver, PasidsGoToTheirDomainsAndTheRestDoesNot) {
  DrivenBoard::Options options;
  options.config.caching.policy = CachePolicy::kAdversarial;
  DrivenBoard board(options);
  const DmaDevice nic = board.device(kNic);
  iommu::Device& device = board.add({.streams = {{kNic}}, .pasid_bits = 12});
  const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
  EXPECT_THAT(nic.substream(SubstreamId(2000)).translate(kPage), Aborts());
  ASSERT_TRUE(device.attach_pasid(SubstreamId(2000), *domain));
  EXPECT_THAT(nic.substream(SubstreamId(2000)).translate(kPage), TranslatesTo(Pa(0x4000'0000)));
  EXPECT_THAT(nic.substream(SubstreamId(2001)).translate(kPage), Aborts());
  EXPECT_THAT(nic.substream(SubstreamId(0)).translate(kPage), Aborts());
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x1000))) << "identity";
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(nic.substream(SubstreamId(2000)).translate(kPage), Aborts());
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
  EXPECT_THAT(nic.substream(SubstreamId(2000)).translate(kPage), TranslatesTo(Pa(0x4000'0000)));
  device.detach_pasid(SubstreamId(2000));
  EXPECT_THAT(nic.substream(SubstreamId(2000)).translate(kPage), Aborts());
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x1000)));
}

TEST(Driver, ADeviceForgetsWhatItWasToldBeforeUnmapReturns) {
  DrivenBoard board;
  AtsDevice nic = board.ats_device(kNic);
  iommu::Device& device = board.add({.streams = {{kNic}}, .ats = true});
  const auto domain = board.domain();
  const Pa page = board.allocate(4096);
  ASSERT_TRUE(domain->map(kPage, page, 4096, kReadWrite));
  ASSERT_TRUE(device.group().attach(*domain));
  EXPECT_TRUE(nic.write64(kPage, 5));
  EXPECT_TRUE(nic.knows(kPage));
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_FALSE(nic.knows(kPage));
  EXPECT_FALSE(nic.write64(kPage, 5));
  ASSERT_TRUE(domain->map(kPage, page, 4096, kReadWrite));
  EXPECT_TRUE(nic.write64(kPage, 5));
  EXPECT_TRUE(device.group().detach());
  EXPECT_EQ(nic.known(), 0U);
  EXPECT_THAT(nic.access_translated(Iova(page.value)), Aborts()) << "ATSCHK";
}

// 3.9.2: beside a PASID, accesses without one go where they say, and the device is told so when it
// asks.
TEST(Driver, ADeviceForgetsThatAddressesWentWhereTheySay) {
  DrivenBoard board;
  AtsDevice nic = board.ats_device(kNic);
  iommu::Device& device = board.add({.streams = {{kNic}}, .pasid_bits = 4, .ats = true});
  const auto space = board.domain(DomainType::kUnmanaged, {.pasid = true});
  const auto domain = board.domain();
  const Iova page(board.allocate(4096).value);
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *space));
  EXPECT_TRUE(nic.write64(page, 5));
  EXPECT_TRUE(nic.knows(page));
  ASSERT_TRUE(device.group().attach(*domain));
  EXPECT_EQ(nic.known(), 0U);
  EXPECT_FALSE(nic.write64(page, 6));
  EXPECT_EQ(*board.memory().load64(Pa(page.value)), 5U);
  ASSERT_TRUE(domain->map(kPage, Pa(page.value), 4096, kReadWrite));
  EXPECT_TRUE(nic.write64(kPage, 7));
  EXPECT_TRUE(device.group().detach());
  EXPECT_EQ(nic.known(), 0U);
  EXPECT_FALSE(nic.write64(kPage, 8));
  // Without the last PASID it may not ask any more.
  EXPECT_TRUE(nic.write64(page, 9));
  device.detach_pasid(SubstreamId(3));
  EXPECT_EQ(nic.known(), 0U);
  EXPECT_FALSE(nic.write64(page, 10));
  EXPECT_EQ(*board.memory().load64(Pa(page.value)), 9U);
}

TEST(Driver, ADeviceThatDoesNotForgetIsSaidAndNobodyWaitsForEver) {
  DrivenBoard::Options options;
  options.driver.timeout = std::chrono::milliseconds(20);
  DrivenBoard board(options);
  AtsDevice nic = board.ats_device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
  ASSERT_TRUE(board.add({.streams = {{kNic}}, .ats = true}).group().attach(*domain));
  EXPECT_TRUE(nic.write64(kPage, 5));
  nic.set_answers(AtsDevice::Answers::kNever);
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(board.log.sentences(), Contains(HasSubstr("CMD_SYNC did not complete")));
  nic.set_answers(AtsDevice::Answers::kAtOnce);
  nic.answer(emulator::InvalidationResult::kNotComplete);
  EXPECT_THAT(board.log.sentences(), Contains(StartsWith("CERROR_ATC_INV_SYNC")));
  board.log.sentences();
  domain->flush_all();
  EXPECT_THAT(board.log.sentences(), IsEmpty()) << "the queue has gone on";
}

TEST(Driver, StreamsOfADeviceThatWasRemovedAreAsIfNobodyHadAddedIt) {
  for (const unsigned stream_bits : {8U, 25U}) {
    for (const bool bypass : {false, true}) {
      DrivenBoard::Options options;
      options.driver.stream_bits = stream_bits;
      options.driver.unknown = bypass ? iommu::SmmuV3DriverConfig::Unknown::kBypass
                                      : iommu::SmmuV3DriverConfig::Unknown::kAbort;
      DrivenBoard board(options);
      const auto goes_through = [&](std::uint32_t stream) {
        const auto outcome = board.device(StreamId(stream)).translate(kPage);
        return std::holds_alternative<emulator::Translation>(outcome);
      };
      const auto domain = board.domain();
      iommu::Device& near = board.add(StreamId(1));
      iommu::Device& device = board.add({.streams = {{StreamId(3)}, {StreamId(4)}}});
      iommu::Device& alias =
          board.add({.streams = {{StreamId(4)}}, .not_isolated_from = {&device}});
      ASSERT_TRUE(near.group().attach(*domain));
      ASSERT_TRUE(device.group().attach(*domain));
      EXPECT_EQ(goes_through(2), bypass);
      EXPECT_FALSE(goes_through(3) || goes_through(4));
      board.iommu().remove_device(device);
      EXPECT_EQ(goes_through(3), bypass);
      EXPECT_FALSE(goes_through(4)) << "another device has it";
      board.iommu().remove_device(alias);
      EXPECT_EQ(goes_through(4), bypass);
      EXPECT_FALSE(goes_through(1));
      board.iommu().remove_device(near);
      EXPECT_EQ(goes_through(1), bypass && stream_bits == 8)
          << "all 256 are gone, if there are two levels";
    }
  }
}

TEST(Driver, ASmmuThatHasLostItsRegistersIsBroughtBack) {
  DrivenBoard board;
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  ASSERT_TRUE(board.driver().suspend());
  EXPECT_THAT(nic.translate(kPage), Aborts());
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U) << "nothing is waited for";
  ASSERT_TRUE(domain->map(Iova(0x2000), Pa(0x4000'1000), 4096, kReadWrite));
  board.smmu().reset(emulator::Reset::kPowerOn);
  ASSERT_TRUE(board.driver().resume());
  EXPECT_THAT(nic.translate(kPage), Aborts());
  EXPECT_THAT(nic.translate(Iova(0x2000)), TranslatesTo(Pa(0x4000'1000)));
}

TEST(Driver, ADeviceForgetsWhatWasUnmappedWhileTheSmmuWasOff) {
  DrivenBoard board;
  AtsDevice nic = board.ats_device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(kPage, board.allocate(4096), 4096, kReadWrite));
  ASSERT_TRUE(board.add({.streams = {{kNic}}, .ats = true}).group().attach(*domain));
  EXPECT_TRUE(nic.write64(kPage, 5));
  ASSERT_TRUE(board.iommu().suspend());
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_TRUE(nic.knows(kPage));
  board.smmu().reset(emulator::Reset::kPowerOn);
  ASSERT_TRUE(board.iommu().resume());
  EXPECT_FALSE(nic.knows(kPage));
  EXPECT_FALSE(nic.write64(kPage, 5));
}

TEST(Driver, WrittenPagesAreTold) {
  struct Sink final : iommu::DirtySink {
    void dirty(Iova iova, std::uint64_t) override { pages.push_back(iova.value); }
    std::vector<std::uint64_t> pages;
  };
  DrivenBoard::Options options;
  options.config.caching.policy = CachePolicy::kAdversarial;
  DrivenBoard board(options);
  ASSERT_TRUE(board.iommu().capable(iommu::Capability::kDirtyTracking));
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain(DomainType::kUnmanaged, {.dirty_tracking = true});
  ASSERT_TRUE(domain->set_dirty_tracking(true));
  ASSERT_TRUE(domain->map(kPage, board.allocate(3 * 4096), 3 * 4096, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  Sink sink;
  // New pages count as written to.
  ASSERT_TRUE(domain->read_and_clear_dirty(kPage, 3 * 4096, iommu::DirtyBits::kClear, sink));
  EXPECT_EQ(sink.pages.size(), 3U);
  sink.pages.clear();
  EXPECT_TRUE(nic.read64(kPage));
  EXPECT_EQ(nic.write64(Iova(0x2000), 1).bytes, 8U);
  ASSERT_TRUE(domain->read_and_clear_dirty(kPage, 3 * 4096, iommu::DirtyBits::kClear, sink));
  EXPECT_THAT(sink.pages, ::testing::ElementsAre(0x2000));
  EXPECT_EQ(nic.write64(Iova(0x2000), 1).bytes, 8U);
  EXPECT_EQ(nic.write64(Iova(0x3000), 1).bytes, 8U);
  sink.pages.clear();
  ASSERT_TRUE(domain->read_and_clear_dirty(kPage, 3 * 4096, iommu::DirtyBits::kClear, sink));
  EXPECT_THAT(sink.pages, ::testing::ElementsAre(0x2000, 0x3000));
  // A block is forgotten as a block.
  constexpr std::uint64_t kBlock = 2 << 20;
  const Pa block = board.allocate(kBlock, kBlock);
  ASSERT_TRUE(domain->map(Iova(kBlock), block, kBlock, kReadWrite));
  for (int i = 0; i != 3; ++i) {
    sink.pages.clear();
    EXPECT_EQ(nic.write64(Iova(kBlock + 8), 1).bytes, 8U);
    ASSERT_TRUE(domain->read_and_clear_dirty(Iova(kBlock), kBlock, iommu::DirtyBits::kClear, sink));
    EXPECT_THAT(sink.pages, ::testing::ElementsAre(kBlock)) << "for the " << i << "th time";
  }
  DrivenBoard::Options without;
  without.config = SmmuV3Config::qemu_virt();
  DrivenBoard other(without);
  EXPECT_FALSE(other.iommu().create_domain(DomainType::kUnmanaged, {.dirty_tracking = true}));
}

// With SMMU_IDR3.BBML 2 a block gives way to its pages in place, and the SMMU has to forget it all
// the same.
TEST(Driver, APageOfABlockIsNotReachedOnceItIsUnmapped) {
  DrivenBoard::Options options;
  options.config.caching.policy = CachePolicy::kAdversarial;
  DrivenBoard board(options);
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_quirks({.split_blocks = true}));
  constexpr std::uint64_t kBlock = 2 << 20;
  ASSERT_TRUE(domain->map(Iova(kBlock), board.allocate(kBlock, kBlock), kBlock, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  EXPECT_TRUE(nic.read64(Iova(kBlock + 0x1000)));
  EXPECT_EQ(domain->unmap(Iova(kBlock + 0x1000), 4096), 4096U);
  EXPECT_FALSE(nic.read64(Iova(kBlock + 0x1000)));
  EXPECT_TRUE(nic.read64(Iova(kBlock + 0x2000)));
}

TEST(Driver, CoherencyIsEnforcedWhereFirmwareSaysThatItCanBe) {
  using iommu::Capability;
  for (const bool forced_write_back : {false, true}) {
    DrivenBoard::Options options;
    if (!forced_write_back) options.config = SmmuV3Config::mmu600();
    ASSERT_EQ(options.config.idr3[v3::SMMU_IDR3::FWB], forced_write_back);
    DrivenBoard board(options);
    iommu::Device& free = board.add({.streams = {{kNic}}, .pasid_bits = 2});
    iommu::Device& bound = board.add({.streams = {{StreamId(1)}}, .snoop_enforced = true});
    EXPECT_FALSE(free.capable(Capability::kEnforceCacheCoherency));
    EXPECT_TRUE(bound.capable(Capability::kEnforceCacheCoherency));
    EXPECT_FALSE(board.iommu().capable(Capability::kEnforceCacheCoherency));
    const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
    ASSERT_TRUE(free.group().attach(*domain));
    EXPECT_FALSE(domain->enforce_cache_coherency());
    EXPECT_TRUE(free.group().detach());
    ASSERT_TRUE(bound.group().attach(*domain));
    EXPECT_TRUE(domain->enforce_cache_coherency());
    const auto refused = free.group().attach(*domain);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::invalid_argument);
    EXPECT_EQ(free.attach_pasid(SubstreamId(1), *domain).error(), std::errc::invalid_argument);
    EXPECT_TRUE(bound.group().detach());
    ASSERT_TRUE(bound.group().attach(*domain));
    EXPECT_TRUE(bound.group().detach());
    // A guest says what is cacheable, unless stage 2 does.
    const auto parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
    EXPECT_EQ(parent->enforce_cache_coherency(), forced_write_back);
    const auto guest = board.domain(DomainType::kNested, {.parent = parent.get()});
    EXPECT_EQ(free.group().attach(*guest).has_value(), !forced_write_back);
    EXPECT_TRUE(free.group().detach());
  }
}

TEST(Driver, OfALargeRegionOfFirmwareStaysWhatAnotherDeviceHasInIt) {
  DrivenBoard::Options options;
  options.iommu.default_domain = DomainType::kDma;
  DrivenBoard board(options);
  constexpr std::uint64_t kLarge = 2 << 20;
  constexpr StreamId kPort = StreamId(1);
  const auto direct = [](std::uint64_t start, std::uint64_t size) {
    return iommu::ReservedRegion{Iova(start), size, iommu::ReservedType::kDirect, kReadWrite};
  };
  iommu::Device& nic =
      board.add({.name = "nic", .streams = {{kNic}}, .reserved = {direct(kLarge, kLarge)}});
  iommu::Device& port = board.add({.name = "port",
                                   .streams = {{kPort}},
                                   .reserved = {direct(kLarge + 0x1000, 0x1000)},
                                   .not_isolated_from = {&nic}});
  board.iommu().remove_device(nic);
  const DmaDevice from = board.device(kPort);
  EXPECT_THAT(from.translate(Iova(kLarge + 0x1234)), TranslatesTo(Pa(kLarge + 0x1234)));
  EXPECT_THAT(from.translate(Iova(kLarge + 0x5000)), Aborts());
  EXPECT_TRUE(board.iommu().add_device({.name = "nic",
                                        .streams = {{kNic}},
                                        .reserved = {direct(kLarge, kLarge)},
                                        .not_isolated_from = {&port}}));
  EXPECT_THAT(from.translate(Iova(kLarge + 0x5000)), TranslatesTo(Pa(kLarge + 0x5000)));
}

TEST(Driver, CapabilitiesAreThoseOfTheSmmuAndTheDevice) {
  DrivenBoard board;
  iommu::Device& plain = board.add({.streams = {{kNic}}, .coherent = false});
  using iommu::Capability;
  EXPECT_TRUE(board.iommu().capable(Capability::kCacheCoherency));
  EXPECT_FALSE(plain.capable(Capability::kCacheCoherency));
  EXPECT_TRUE(plain.capable(Capability::kNoExec) && plain.capable(Capability::kDeferredFlush));
  EXPECT_TRUE(board.iommu().capable(Capability::kPciAts));
  EXPECT_FALSE(plain.capable(Capability::kPciAts));
  EXPECT_FALSE(plain.capable(Capability::kPreBootProtection));
  ASSERT_EQ(plain.reserved_regions().size(), 1U);
  EXPECT_EQ(plain.reserved_regions()[0].start, Iova(0x800'0000));
  EXPECT_EQ(plain.reserved_regions()[0].size, 0x10'0000U);
}

}  // namespace
}  // namespace smmu::testing::driver_test
