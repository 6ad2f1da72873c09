// The driver on the SMMUv2 of the other half: what devices reach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "test/driver_v2/attached.h"

namespace smmu::testing::emulated_test {
namespace {

using emulator::CachePolicy;
using emulator::Outcome;
using emulator::SmmuV2Config;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace iommu;

constexpr StreamId kStream = Attached::kStream;
constexpr Iova kIova(0x1234'5000);
constexpr std::uint64_t kPage = Attached::kPage;
using Stage = SmmuV2DriverConfig::Stage;
using Stalls = SmmuV2DriverConfig::Stalls;

TEST(DriverV2, ADeviceReachesWhatIsMappedAndNothingElse) {
  for (const Preset& preset : presets()) {
    for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
      DrivenBoardV2::Options options{.config = preset.smmu};
      options.driver.implementation = preset.implementation;
      options.driver.stage = stage;
      Attached it(options);
      const Pa page = it.map(kIova);
      const DmaDevice device = it.board.device(kStream);
      EXPECT_THAT(device.translate(Iova(kIova.value + 0x678)),
                  TranslatesTo(Pa(page.value + 0x678)));
      EXPECT_EQ(it.domain->iova_to_phys(Iova(kIova.value + 0x678)), Pa(page.value + 0x678));
      EXPECT_THAT(it.board.log.sentences(), IsEmpty());
      EXPECT_THAT(device.translate(Iova(kIova.value + kPage)), Aborts());
      EXPECT_EQ(it.domain->iova_to_phys(Iova(kIova.value + kPage)), std::nullopt);
      EXPECT_THAT(it.board.log.sentences(), SizeIs(1)) << "nobody handles the fault";
      // The fault is not outstanding any more.
      EXPECT_THAT(device.translate(kIova), TranslatesTo(page));
    }
  }
}

TEST(DriverV2, WhatIsUnmappedIsForgottenByAnSmmuThatKeepsAllItMay) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    DrivenBoardV2::Options options;
    options.config.caching.policy = CachePolicy::kAdversarial;
    options.driver.stage = stage;
    Attached it(options);
    RecordingHandler quiet;
    ASSERT_TRUE(it.domain->set_fault_handler(&quiet));
    const DmaDevice device = it.board.device(kStream);
    for (const std::uint64_t size : {kPage, 5 * kPage, 700 * kPage, std::uint64_t{4} << 20}) {
      const Pa pa = it.board.allocate(size, std::uint64_t{2} << 20);
      const Iova iova(0x4000'0000);
      const Iova last(iova.value + size - kPage);
      ASSERT_TRUE(it.domain->map(iova, pa, size, kReadWrite));
      EXPECT_THAT(device.translate(iova), TranslatesTo(pa));
      EXPECT_THAT(device.translate(last), TranslatesTo(Pa(pa.value + size - kPage)));
      EXPECT_EQ(it.domain->unmap(iova, size), size);
      EXPECT_THAT(device.translate(iova), Aborts()) << size;
      EXPECT_THAT(device.translate(last), Aborts()) << size;
    }
    EXPECT_THAT(it.board.log.sentences(), IsEmpty());
  }
}

// Where only the end is beyond: known before the first table.
TEST(DriverV2, AMapBeyondPhysicalAddressesAddsNoTable) {
  Attached it;
  const IoPgtable& tables = *it.domain->driver_domain().tables();
  const std::uint64_t end = std::uint64_t{1} << tables.config().output_bits;
  const std::uint64_t before = tables.live_tables();
  const auto map = [&](std::uint64_t pa, std::uint64_t size) {
    const auto mapped = it.domain->map(kIova, Pa(pa), size, kReadWrite);
    return mapped ? std::errc{} : mapped.error();
  };
  EXPECT_EQ(map(end - kPage, 2 * kPage), std::errc::result_out_of_range);
  EXPECT_EQ(map(end, kPage), std::errc::result_out_of_range);
  const ScatterEntry pieces[] = {{Pa(0x4000'0000), kPage}, {Pa(end - kPage), 2 * kPage}};
  const auto mapped = it.domain->map_sg(kIova, pieces, kReadWrite);
  ASSERT_FALSE(mapped);
  EXPECT_EQ(mapped.error(), std::errc::result_out_of_range);
  EXPECT_EQ(tables.live_tables(), before);
  EXPECT_EQ(map(end - 2 * kPage, 2 * kPage), std::errc{});
}

TEST(DriverV2, AStreamNobodyHasIsBlockedAndSaid) {
  Attached it;
  EXPECT_THAT(it.board.device(StreamId(8)).translate(kIova), Aborts());
  EXPECT_THAT(it.board.log.sentences(),
              ::testing::ElementsAre(::testing::StartsWith("no device has the stream 0x8")));
  it.board.iommu().remove_device(*it.added);
  EXPECT_THAT(it.board.device(kStream).translate(kIova), Aborts());
}

// One that was removed is a stream nobody has.
TEST(DriverV2, ARemovedDeviceIsBlockedUnlessWhatNobodyHasBypasses) {
  using Unknown = SmmuV2DriverConfig::Unknown;
  for (const Unknown unknown : {Unknown::kFault, Unknown::kBypass}) {
    DrivenBoardV2::Options options;
    options.driver.unknown = unknown;
    Attached it(options);
    const DmaDevice device = it.board.device(kStream);
    EXPECT_THAT(device.translate(kIova), Aborts());
    it.board.iommu().remove_device(*it.added);
    if (unknown == Unknown::kBypass) {
      EXPECT_THAT(device.translate(kIova), TranslatesTo(Pa(kIova.value)));
    } else {
      EXPECT_THAT(device.translate(kIova), Aborts());
    }
    // Its group is free for others.
    iommu::Device& again = it.board.add(kStream);
    ASSERT_TRUE(again.group().attach(*it.domain));
    EXPECT_THAT(device.translate(kIova), Aborts());
  }
}

TEST(DriverV2, DevicesGoWhereTheirDomainIs) {
  DrivenBoardV2 board;
  iommu::Device& added = board.add(kStream);
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(Iova(0x4000'0000)), TranslatesTo(Pa(0x4000'0000))) << "identity";
  const auto blocked = board.domain(DomainType::kBlocked);
  ASSERT_TRUE(added.group().attach(*blocked));
  EXPECT_THAT(device.translate(Iova(0x4000'0000)), Aborts());
  EXPECT_TRUE(added.group().detach());
  EXPECT_THAT(device.translate(Iova(0x4000'0000)), TranslatesTo(Pa(0x4000'0000)));
}

TEST(DriverV2, DevicesWithOneStreamMappingGroupAreInseparable) {
  DrivenBoardV2 board;
  iommu::Device& wide = board.add({.name = "wide", .streams = {{StreamId(0x10), 0xf}}});
  iommu::Device& inside = board.add({.name = "inside", .streams = {{StreamId(0x13)}}});
  iommu::Device& same = board.add({.name = "same", .streams = {{StreamId(0x10), 0xf}}});
  iommu::Device& other = board.add({.name = "other", .streams = {{StreamId(0x20)}}});
  EXPECT_EQ(&wide.group(), &inside.group());
  EXPECT_EQ(&wide.group(), &same.group());
  EXPECT_NE(&wide.group(), &other.group());
  // In part another's: two groups would match.
  const auto overlapping =
      board.iommu().add_device({.name = "o", .streams = {{StreamId(0x18), 0x1f}}});
  ASSERT_FALSE(overlapping);
  EXPECT_EQ(overlapping.error(), std::errc::invalid_argument);
  // All of its streams are led.
  const auto domain = board.domain();
  ASSERT_TRUE(wide.group().attach(*domain));
  const Pa page = board.allocate(kPage);
  ASSERT_TRUE(domain->map(kIova, page, kPage, kReadWrite));
  for (const std::uint32_t stream : {0x10U, 0x13U, 0x1fU}) {
    EXPECT_THAT(board.device(StreamId(stream)).translate(kIova), TranslatesTo(page));
  }
  // The group stays as long as one of them does.
  board.iommu().remove_device(wide);
  board.iommu().remove_device(same);
  EXPECT_THAT(board.device(StreamId(0x1f)).translate(kIova), TranslatesTo(page));
  board.iommu().remove_device(inside);
  EXPECT_THAT(board.device(StreamId(0x1f)).translate(kIova), Aborts());
}

// It would go where one of the groups goes, and take streams of the other one along.
TEST(DriverV2, ADeviceBetweenTwoGroupsIsRefusedUnlessItSaysSo) {
  DrivenBoardV2 board;
  iommu::Device& a = board.add({.name = "a", .streams = {{StreamId(0x0), 0x7}}});
  iommu::Device& b = board.add({.name = "b", .streams = {{StreamId(0x8), 0x7}}});
  const std::vector<StreamMatch> both = {{StreamId(7)}, {StreamId(9)}};
  const auto domain = board.domain();
  ASSERT_TRUE(b.group().attach(*domain));
  const auto refused = board.iommu().add_device({.name = "both", .streams = both});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::invalid_argument);
  EXPECT_NE(&a.group(), &b.group());
  EXPECT_THAT(board.device(StreamId(9)).translate(kIova), Aborts());
  EXPECT_THAT(board.device(StreamId(7)).translate(kIova), TranslatesTo(Pa(kIova.value)));
  EXPECT_TRUE(b.group().detach());
  iommu::Device& third =
      board.add({.name = "both", .streams = both, .not_isolated_from = {&a, &b}});
  EXPECT_EQ(&a.group(), &b.group());
  EXPECT_EQ(&a.group(), &third.group());
  // What was refused has given its streams back.
  board.iommu().remove_device(third);
  board.iommu().remove_device(a);
  EXPECT_THAT(board.device(StreamId(7)).translate(kIova), Aborts());
}

TEST(DriverV2, ADeviceWithAStreamIdThatIsNotThereIsRefused) {
  DrivenBoardV2 board;
  for (const StreamMatch stream :
       {StreamMatch{StreamId(0x1'0000)}, StreamMatch{StreamId(0xffff'ffff)},
        StreamMatch{StreamId(1), 0x1'0000}}) {
    const auto added = board.iommu().add_device({.name = "wide", .streams = {stream}});
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), std::errc::invalid_argument);
  }
  const auto with_pasids =
      board.iommu().add_device({.name = "pasid", .streams = {{kStream}}, .pasid_bits = 8});
  ASSERT_FALSE(with_pasids);
  EXPECT_EQ(with_pasids.error(), std::errc::invalid_argument);
}

TEST(DriverV2, StreamMappingGroupsRunOut) {
  DrivenBoardV2 board(SmmuV2Config::mmu500_zynqmp());
  std::vector<iommu::Device*> devices;
  for (std::uint32_t n = 0; n != 48; ++n) devices.push_back(&board.add(StreamId(n)));
  const auto none = board.iommu().add_device({.name = "last", .streams = {{StreamId(48)}}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), std::errc::no_space_on_device);
  // A device that cannot have all of its groups gets none.
  board.iommu().remove_device(*devices.back());
  const auto two =
      board.iommu().add_device({.name = "two", .streams = {{StreamId(48)}, {StreamId(49)}}});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error(), std::errc::no_space_on_device);
  board.add(StreamId(50));
}

TEST(DriverV2, ContextBanksRunOut) {
  DrivenBoardV2 board(SmmuV2Config::mmu500_zynqmp());
  iommu::Device& added = board.add(kStream);
  std::vector<std::unique_ptr<Domain>> domains;
  for (unsigned n = 0; n != 16; ++n) {
    domains.push_back(board.domain());
    ASSERT_TRUE(added.group().attach(*domains.back()));
    EXPECT_TRUE(added.group().detach());
  }
  const auto last = board.domain();
  const auto none = added.group().attach(*last);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), std::errc::no_space_on_device);
  EXPECT_THAT(board.device(kStream).translate(Iova(0x4000'0000)), TranslatesTo(Pa(0x4000'0000)));
  domains.pop_back();
  EXPECT_TRUE(added.group().attach(*last));
}

TEST(DriverV2, ADomainOfAnotherSmmuIsRefused) {
  DrivenBoardV2 board;
  DrivenBoardV2 other;
  iommu::Device& added = board.add(kStream);
  const auto foreign = other.domain();
  const auto attached =
      board.driver().attach(added, {AttachKind::kDomain, &foreign->driver_domain()});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error(), std::errc::invalid_argument);
}

TEST(DriverV2, WhatADomainWillBeIsToldBeforeItHasTables) {
  for (const Preset& preset : presets()) {
    for (const std::uint64_t granule :
         {std::uint64_t{0x1000}, std::uint64_t{0x4000}, std::uint64_t{0x1'0000}}) {
      DrivenBoardV2::Options options{.config = preset.smmu};
      options.driver.preferred_granule = granule;
      DrivenBoardV2 board(options);
      iommu::Device& added = board.add(kStream);
      for (const bool nesting : {false, true}) {
        const auto domain = board.domain();
        ASSERT_TRUE(domain->set_nesting(nesting));
        EXPECT_EQ(domain->driver_domain().tables(), nullptr);
        const std::uint64_t sizes = domain->page_sizes();
        const Geometry geometry = domain->geometry();
        EXPECT_NE(sizes, 0U);
        ASSERT_TRUE(added.group().attach(*domain));
        ASSERT_NE(domain->driver_domain().tables(), nullptr);
        EXPECT_EQ(domain->page_sizes(), sizes);
        EXPECT_EQ(domain->geometry(), geometry);
        EXPECT_EQ(geometry, (Geometry{Iova(0), Iova(0xffff'ffff'ffff)}));
        EXPECT_TRUE(added.group().detach());
      }
    }
  }
}

TEST(DriverV2, NestingIsChosenBeforeTheFirstAttach) {
  Attached it;
  const auto late = it.domain->set_nesting(true);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), std::errc::operation_not_permitted);
  EXPECT_FALSE(it.domain->nesting());
  const auto quirks = it.domain->set_quirks({.ttbr1 = true});
  ASSERT_FALSE(quirks);
  EXPECT_EQ(quirks.error(), std::errc::operation_not_permitted);

  const auto parent = it.board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  EXPECT_TRUE(parent->nesting());
  EXPECT_TRUE(it.added->group().detach());
  ASSERT_TRUE(it.added->group().attach(*parent));
  EXPECT_EQ(parent->driver_domain().tables()->config().format, PgtableFormat::kAArch64Stage2);
}

TEST(DriverV2, TheUpperHalfOfAddressesIsTranslatedByTtbr1) {
  DrivenBoardV2 board;
  iommu::Device& added = board.add(kStream);
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_quirks({.ttbr1 = true}));
  ASSERT_TRUE(added.group().attach(*domain));
  const Iova iova(0xffff'8000'1234'5000);
  EXPECT_EQ(domain->geometry(), (Geometry{Iova(0xffff'0000'0000'0000), Iova(UINT64_MAX)}));
  const Pa page = board.allocate(kPage);
  ASSERT_TRUE(domain->map(iova, page, kPage, kReadWrite));
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(iova), TranslatesTo(page));
  EXPECT_EQ(domain->iova_to_phys(iova), page);
  EXPECT_EQ(domain->iova_to_phys(kIova), std::nullopt);
  EXPECT_EQ(domain->unmap(iova, kPage), kPage);
  EXPECT_THAT(device.translate(iova), Aborts());
}

TEST(DriverV2, StreamsIndexWhereTheyAreNotMatched) {
  DrivenBoardV2::Options options;
  options.config.idr0.set(v2::SMMU_IDR0::SMS, false).set(v2::SMMU_IDR0::NUMSIDB, 7);
  options.config.idr0.set(v2::SMMU_IDR0::EXIDS, false).set(v2::SMMU_IDR0::NUMSMRG, 0);
  Attached it(options);
  const Pa page = it.map(kIova);
  EXPECT_THAT(it.board.device(kStream).translate(kIova), TranslatesTo(page));
  const auto beyond = it.board.iommu().add_device({.name = "b", .streams = {{StreamId(128)}}});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error(), std::errc::invalid_argument);
}

TEST(DriverV2, AllIsBackAfterPowerWasLost) {
  Attached it;
  const Pa page = it.map(kIova);
  const DmaDevice device = it.board.device(kStream);
  ASSERT_TRUE(it.board.driver().suspend());
  it.board.smmu().reset(emulator::Reset::kPowerOn);
  const Pa late = it.map(Iova(0x9000));
  EXPECT_EQ(it.domain->iova_to_phys(Iova(0x9000)), late);
  ASSERT_TRUE(it.board.driver().resume());
  EXPECT_THAT(device.translate(kIova), TranslatesTo(page));
  EXPECT_THAT(device.translate(Iova(0x9000)), TranslatesTo(late));
  EXPECT_THAT(device.translate(Iova(0xa000)), Aborts());
  EXPECT_THAT(it.board.log.sentences(), SizeIs(1));
}

TEST(DriverV2, AfterTheEndTrafficIsNotTranslated) {
  DrivenBoardV2 board;
  const DmaDevice device = board.device(StreamId(99));
  EXPECT_THAT(device.translate(Iova(0x4000'0000)), Aborts());
  board.driver().shut_down();
  EXPECT_THAT(device.translate(Iova(0x4000'0000)), TranslatesTo(Pa(0x4000'0000)));
}

TEST(DriverV2, ASlowSmmuIsWaitedFor) {
  for (const std::uint32_t busy : {3U, 50U}) {
    DrivenBoardV2::Options options;
    options.config.busy_reads = busy;
    Attached it(options);
    const Pa page = it.map(kIova);
    EXPECT_EQ(it.domain->iova_to_phys(kIova), page);
    EXPECT_EQ(it.domain->unmap(kIova, kPage), kPage);
    EXPECT_THAT(it.board.log.sentences(), IsEmpty()) << busy;
  }
}

TEST(DriverV2, AnSmmuThatGoesStepByStepIsWaitedFor) {
  DrivenBoardV2::Options options;
  options.config.pace = emulator::Pace::kStepped;
  options.config.caching.policy = CachePolicy::kAdversarial;
  options.driver.stalls = Stalls::kWhereDevicesCan;
  Attached it(options, {.can_stall = true});
  const Pa page = it.map(kIova);
  Resumptions client;
  const DmaDevice device = it.board.device(kStream, client);
  EXPECT_THAT(device.translate(kIova), TranslatesTo(page));
  EXPECT_EQ(it.domain->iova_to_phys(kIova), page);
  EXPECT_EQ(it.domain->unmap(kIova, kPage), kPage);
  RecordingHandler handler([&](Domain&, const Fault& fault) {
    EXPECT_TRUE(it.domain->map(fault.iova, page, kPage, kReadWrite));
    return FaultAction::kRetry;
  });
  ASSERT_TRUE(it.domain->set_fault_handler(&handler));
  const Outcome outcome = device.translate(kIova);
  EXPECT_FALSE(end_of(outcome, client));
  for (int i = 0; i != 4; ++i) {
    it.board.smmu().step(100);
    it.board.driver().handle_interrupts();
  }
  const auto end = end_of(outcome, client);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(page));
  EXPECT_THAT(it.board.log.sentences(), IsEmpty());
}

TEST(DriverV2, DoorbellsMayBeMappedWhereTheConfigurationSays) {
  DrivenBoardV2 board;
  const auto regions = board.driver().reserved_regions(board.add(kStream));
  ASSERT_EQ(regions.size(), 1U);
  EXPECT_EQ(regions[0].start, Iova(0x0800'0000));
  EXPECT_EQ(regions[0].size, 0x10'0000U);
  EXPECT_EQ(regions[0].type, ReservedType::kSoftwareMsi);
  DrivenBoardV2::Options options;
  options.driver.software_msi.size = 0;
  DrivenBoardV2 none(options);
  EXPECT_TRUE(none.driver().reserved_regions(none.add(kStream)).empty());
}

TEST(DriverV2, WhatAnSmmuV2HasNotIsRefused) {
  DrivenBoardV2 board;
  for (const DomainOptions& options :
       {DomainOptions{.dirty_tracking = true}, DomainOptions{.pasid = true}}) {
    const auto made = board.iommu().create_domain(DomainType::kUnmanaged, options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), std::errc::operation_not_supported);
  }
  for (const Capability capability :
       {Capability::kDirtyTracking, Capability::kPciAts, Capability::kEnforceCacheCoherency}) {
    EXPECT_FALSE(board.iommu().capable(capability));
  }
  for (const Capability capability :
       {Capability::kNoExec, Capability::kDeferredFlush, Capability::kCacheCoherency}) {
    EXPECT_TRUE(board.iommu().capable(capability));
  }
}

}  // namespace
}  // namespace smmu::testing::emulated_test
