// A reserved window in a domain: what it may not be in the way of, and what stays out of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "test/heap/heap.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::domain_reserved_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kBlock = 2 << 20;
constexpr Iova kWindow{0x800'0000};
constexpr std::uint64_t kWindowSize = 16 * kPage;
constexpr Pa kDoorbell{0x8'0020'0040};

class DomainReserved : public ::testing::Test {
 protected:
  void attach(DeviceConfig config = {}) {
    ASSERT_TRUE(system_.add("nic", std::move(config)).group().attach(*domain_));
  }
  Result<Done, std::errc> alloc(Iova iova = kWindow, std::uint64_t size = kWindowSize,
                                unsigned order = 12) {
    return domain_->alloc_reserved_iova_domain(iova, size, order);
  }
  void expect_refused(Iova iova, std::uint64_t size, unsigned order = 12) {
    const auto made = alloc(iova, size, order);
    ASSERT_FALSE(made) << iova.value << ' ' << size << ' ' << order;
    EXPECT_EQ(made.error(), std::errc::invalid_argument);
    EXPECT_FALSE(domain_->in_reserved_window(Iova(0), ~std::uint64_t{0}));
  }

  FakeSystem system_;
  std::unique_ptr<Domain> domain_ = system_.domain();
};

TEST_F(DomainReserved, ADoorbellIsMappedInTheTablesOfTheDomainAndForgottenByTheSmmu) {
  attach();
  ASSERT_TRUE(alloc());
  const auto iova = domain_->get_reserved_iova(kDoorbell, 4);
  ASSERT_TRUE(iova);
  EXPECT_EQ(domain_->iova_to_phys(*iova), kDoorbell);
  const auto mapped = leaves(*domain_);
  ASSERT_THAT(mapped, SizeIs(1));
  EXPECT_EQ(mapped.begin()->second.prot, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
  EXPECT_THAT(fake(*domain_).take_synced_maps(), SizeIs(1)) << "the driver was told";

  fake(*domain_).take_synced();
  domain_->put_reserved_iova(*iova);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_THAT(fake(*domain_).take_synced(),
              ::testing::ElementsAre(FakeDomain::Range{iova->value & ~(kPage - 1), kPage, kPage}));
}

TEST_F(DomainReserved, ALargeGranuleIsMappedInPagesOfTheTables) {
  attach();
  ASSERT_TRUE(alloc(kWindow, 4 * 0x1'0000, 16));
  const auto iova = domain_->get_reserved_iova(kDoorbell, 4);
  ASSERT_TRUE(iova);
  EXPECT_THAT(leaves(*domain_), SizeIs(16)) << "64 KiB of pages of 4 KiB";
  EXPECT_EQ(domain_->iova_to_phys(Iova(iova->value ^ 0x40)), Pa(kDoorbell.value ^ 0x40));
  domain_->put_reserved_iova(*iova);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(DomainReserved, TheUserOfTheDomainStaysOutOfTheWindow) {
  attach();
  ASSERT_TRUE(alloc());
  const auto iova = domain_->get_reserved_iova(kDoorbell, 4);
  const Iova before(kWindow.value - kPage);
  const Iova after(kWindow.value + kWindowSize);
  EXPECT_EQ(domain_->map(before, Pa(0), 2 * kPage, kReadWrite).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(domain_->map(Iova(after.value - kPage), Pa(0), 2 * kPage, kReadWrite).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(domain_->map(kWindow, Pa(0), kPage, kReadWrite).error(), std::errc::invalid_argument);
  const ScatterEntry pieces[] = {{Pa(0x1000), kPage}, {Pa(0x9000), kPage}};
  EXPECT_EQ(domain_->map_sg(before, pieces, kReadWrite).error(), std::errc::invalid_argument);
  EXPECT_EQ(domain_->unmap(Iova(iova->value & ~(kPage - 1)), kPage), 0u);
  UnmapBatch batch;
  EXPECT_EQ(domain_->unmap(kWindow, kWindowSize, batch), 0u);
  EXPECT_EQ(domain_->iova_to_phys(*iova), kDoorbell) << "nobody touched it";

  EXPECT_TRUE(domain_->map(before, Pa(0), kPage, kReadWrite));
  EXPECT_TRUE(domain_->map(after, Pa(0), kPage, kReadWrite));
  domain_->free_reserved_iova_domain();
  EXPECT_EQ(domain_->iova_to_phys(*iova), std::nullopt);
  EXPECT_TRUE(domain_->map(kWindow, Pa(0), kWindowSize, kReadWrite));
}

TEST_F(DomainReserved, AWindowThatDoesNotFitThePagesIsRefused) {
  attach();
  expect_refused(kWindow, kWindowSize, 11);
  expect_refused(kWindow, kWindowSize, 0);
  expect_refused(kWindow, kWindowSize, 64);
  expect_refused(kWindow, kWindowSize, ~0u);
  expect_refused(kWindow, 0);
  expect_refused(Iova(kWindow.value + 1), kWindowSize);
  expect_refused(kWindow, kPage + 1);
  expect_refused(Iova(~std::uint64_t{0} - kPage + 1), 2 * kPage);
  for (const Prot prot : {Prot::kNoExec, kReadWrite | static_cast<Prot>(0x40)}) {
    EXPECT_EQ(domain_->alloc_reserved_iova_domain(kWindow, kWindowSize, 12, prot).error(),
              std::errc::invalid_argument);
  }
  EXPECT_TRUE(alloc(Iova(0x8'0000'0000), 0x1'0000'0000, 32))
      << "a granule that is no size of the tables is mapped in many of theirs";
}

TEST_F(DomainReserved, AWindowOutsideTheApertureIsRefused) {
  attach();
  const std::uint64_t end = domain_->geometry().last.value + 1;
  expect_refused(Iova(end), kPage);
  expect_refused(Iova(end - kPage), 2 * kPage);
  expect_refused(Iova(~std::uint64_t{0} - kPage + 1), kPage);
  EXPECT_TRUE(alloc(Iova(end - kPage), kPage));
}

TEST_F(DomainReserved, AWindowOfTooManyPagesIsRefused) {
  attach();
  expect_refused(Iova(0), (Domain::kMostWindowPages + 1) * kPage);
  EXPECT_TRUE(alloc(Iova(0), Domain::kMostWindowPages * kPage));
}

TEST_F(DomainReserved, AWindowOverWhatIsMappedIsRefused) {
  attach();
  for (const std::uint64_t page : {0ull, 7ull, 15ull}) {
    const Iova iova(kWindow.value + page * kPage);
    ASSERT_TRUE(domain_->map(iova, Pa(0x1000), kPage, kReadWrite));
    expect_refused(kWindow, kWindowSize);
    ASSERT_EQ(domain_->unmap(iova, kPage), kPage);
  }
  const Iova block(kWindow.value & ~(kBlock - 1));
  ASSERT_TRUE(domain_->map(block, Pa(0), kBlock, kReadWrite));
  expect_refused(Iova(block.value + kBlock - kPage), 2 * kPage);
  EXPECT_TRUE(alloc(Iova(block.value + kBlock), kWindowSize)) << "it touches nothing";
}

TEST_F(DomainReserved, AWindowOverAReservedRegionOfADeviceIsRefused) {
  attach({.reserved = {{Iova(0x800'8000), kPage, ReservedType::kReserved, Prot::kNone},
                       {Iova(0xa00'0000), kPage, ReservedType::kSoftwareMsi, Prot::kNone},
                       {Iova(0xb00'0000), kPage, ReservedType::kDirectRelaxable, kReadWrite}}});
  expect_refused(kWindow, kWindowSize);
  expect_refused(Iova(0x800'8000), kPage);
  expect_refused(Iova(0xb00'0000), kPage);
  EXPECT_TRUE(alloc(Iova(0xa00'0000), kWindowSize)) << "that is what a software region is for";
}

TEST_F(DomainReserved, ADeviceWhoseReservedRegionIsInTheWindowIsNotAttached) {
  ASSERT_TRUE(alloc());
  Device& nic = system_.add(
      "nic",
      {.reserved = {{Iova(kWindow.value + kPage), kPage, ReservedType::kReserved, Prot::kNone}}});
  EXPECT_EQ(nic.group().attach(*domain_).error(), std::errc::invalid_argument);
  EXPECT_EQ(domain_->attachments(), 0u);
  domain_->free_reserved_iova_domain();
  EXPECT_TRUE(nic.group().attach(*domain_));
}

// reserved_regions.h: until somebody takes the device over.
TEST_F(DomainReserved, ARelaxableRegionIsInTheWayUntilItsGroupIsOwned) {
  Device& nic = system_.add(
      "nic", {.reserved = {{kWindow, kPage, ReservedType::kDirectRelaxable, kReadWrite},
                           {Iova(0xa00'0000), kPage, ReservedType::kReserved, Prot::kNone}}});
  const int owner = 0;
  Group& group = nic.group();
  ASSERT_TRUE(alloc());
  EXPECT_EQ(group.attach(*domain_).error(), std::errc::invalid_argument);
  ASSERT_TRUE(group.claim(&owner));
  EXPECT_TRUE(group.attach(*domain_, &owner));
  domain_->free_reserved_iova_domain();
  EXPECT_TRUE(alloc()) << "nor is it when the group comes first";
  domain_->free_reserved_iova_domain();
  expect_refused(Iova(0xa00'0000), kPage);
  ASSERT_TRUE(group.detach(&owner));
  group.release(&owner);
  ASSERT_TRUE(group.attach(*domain_));
  expect_refused(kWindow, kWindowSize);
}

TEST_F(DomainReserved, ADomainHasOneWindow) {
  attach();
  ASSERT_TRUE(alloc());
  EXPECT_EQ(alloc().error(), std::errc::file_exists);
  ASSERT_TRUE(domain_->get_reserved_iova(kDoorbell, 4));
  EXPECT_EQ(alloc().error(), std::errc::file_exists) << "whatever is mapped in it";
  EXPECT_EQ(alloc(Iova(0x900'0000)).error(), std::errc::file_exists);
  domain_->free_reserved_iova_domain();
  domain_->free_reserved_iova_domain();
  EXPECT_TRUE(alloc());
}

TEST_F(DomainReserved, DomainsThatTheirUserDoesNotMapHaveNone) {
  for (const DomainType type :
       {DomainType::kIdentity, DomainType::kBlocked, DomainType::kDma, DomainType::kDmaLazy}) {
    const auto domain = system_.domain(type);
    EXPECT_EQ(domain->alloc_reserved_iova_domain(kWindow, kWindowSize, 12).error(),
              std::errc::invalid_argument);
    EXPECT_EQ(domain->get_reserved_iova(kDoorbell, 4).error(), std::errc::invalid_argument);
  }
}

TEST_F(DomainReserved, WithoutAWindowNothingIsFound) {
  attach();
  EXPECT_EQ(domain_->get_reserved_iova(kDoorbell, 4).error(), std::errc::invalid_argument);
  domain_->put_reserved_iova(kWindow);
  domain_->free_reserved_iova_domain();
  EXPECT_FALSE(domain_->in_reserved_window(Iova(0), ~std::uint64_t{0}));
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(DomainReserved, AnErrorOfTheTablesOrTheDriverIsHandedOnAndNothingIsLost) {
  attach();
  ASSERT_TRUE(alloc(kWindow, kPage));
  fake(*domain_).leaves().fail_map(fake(*domain_).leaves().maps(), std::errc::not_enough_memory);
  EXPECT_EQ(domain_->get_reserved_iova(kDoorbell, 4).error(), std::errc::not_enough_memory);
  fake(*domain_).sync_map_error = std::errc::io_error;
  EXPECT_EQ(domain_->get_reserved_iova(kDoorbell, 4).error(), std::errc::io_error);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_TRUE(domain_->get_reserved_iova(kDoorbell, 4)) << "the only page of the window is free";
}

TEST_F(DomainReserved, ADomainWithoutTablesHasAWindowThatNothingIsMappedInYet) {
  system_.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  domain_ = system_.domain();
  ASSERT_TRUE(alloc());
  EXPECT_EQ(domain_->get_reserved_iova(kDoorbell, 4).error(), std::errc::no_such_device);
  attach();
  EXPECT_TRUE(domain_->get_reserved_iova(kDoorbell, 4));
}

TEST_F(DomainReserved, TheGeometryIsThatOfTheWindowOrOfTheSoftwareRegion) {
  EXPECT_EQ(domain_->msi_geometry(), std::nullopt) << "nothing is attached";
  attach({.reserved = {{Iova(0xa00'0000), 0x10'0000, ReservedType::kSoftwareMsi, Prot::kNone}}});
  EXPECT_EQ(domain_->msi_geometry(),
            (MsiGeometry{Iova(0xa00'0000), Iova(0xa0f'ffff), kPage, true}));
  ASSERT_TRUE(alloc(kWindow, 4 * 0x1'0000, 16));
  EXPECT_EQ(domain_->msi_geometry(), (MsiGeometry{kWindow, Iova(0x803'ffff), 0x1'0000, true}));
  domain_->free_reserved_iova_domain();
  EXPECT_EQ(domain_->msi_geometry()->first, Iova(0xa00'0000));
}

TEST_F(DomainReserved, WhereInterruptsAreNotTranslatedNobodyHasToMapADoorbell) {
  attach({.reserved = {{Iova(0xfee0'0000), 0x10'0000, ReservedType::kMsi, Prot::kNone}}});
  EXPECT_EQ(domain_->msi_geometry(), std::nullopt);
  ASSERT_TRUE(alloc());
  EXPECT_FALSE(domain_->msi_geometry()->required);
}

TEST_F(DomainReserved, ADomainThatGoesTakesItsWindowAlong) {
  attach();
  ASSERT_TRUE(alloc());
  ASSERT_TRUE(domain_->get_reserved_iova(kDoorbell, 4));
  std::vector<FakeDomain::Range> synced;
  fake(*domain_).on_sync = [&](const UnmapBatch& batch) {
    synced.push_back({batch.first().value, batch.size(), batch.granule()});
  };
  domain_.reset();
  EXPECT_THAT(synced,
              ::testing::ElementsAre(FakeDomain::Range{kWindow.value + 15 * kPage, kPage, kPage}))
      << "a device that was attached does not reach the doorbell";
}

TEST_F(DomainReserved, ADriverThatCallsBackWhileItForgetsFindsTheWindowInOrder) {
  attach();
  ASSERT_TRUE(alloc());
  const auto iova = domain_->get_reserved_iova(kDoorbell, 4);
  ASSERT_TRUE(iova);
  bool called = false;
  fake(*domain_).on_sync = [&](const UnmapBatch&) {
    if (called) return;
    called = true;
    EXPECT_TRUE(domain_->in_reserved_window(*iova, 1));
    const auto other = domain_->get_reserved_iova(kDoorbell, 4);
    ASSERT_TRUE(other);
    EXPECT_NE(*other, *iova) << "a device may reach the old address still";
    domain_->put_reserved_iova(*other);
  };
  domain_->put_reserved_iova(*iova);
  EXPECT_TRUE(called);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

// Either the window is made or the device is attached, whoever is first.
TEST_F(DomainReserved, AWindowAndADeviceThatIsInItsWayAreNeverBothThere) {
  Device& nic =
      system_.add("nic", {.reserved = {{kWindow, kPage, ReservedType::kReserved, Prot::kNone}}});
  std::atomic<bool> done{false};
  std::thread thread([&] {
    while (!done) {
      if (!nic.group().attach(*domain_)) continue;
      EXPECT_TRUE(nic.group().detach());
    }
  });
  for (int round = 0; round < 2000; ++round) {
    if (!alloc()) continue;
    EXPECT_EQ(domain_->attachments(), 0u);
    domain_->free_reserved_iova_domain();
  }
  done = true;
  thread.join();
}

TEST_F(DomainReserved, AWindowThatGetsNoMemoryIsNotThere) {
  attach();
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = alloc();
    if (made) break;
    ASSERT_EQ(made.error(), std::errc::not_enough_memory);
    ASSERT_FALSE(domain_->in_reserved_window(kWindow, 1));
    ASSERT_EQ(domain_->get_reserved_iova(kDoorbell, 4).error(), std::errc::invalid_argument);
  }
  EXPECT_GE(granted, 2u) << "there was something to refuse";
}

TEST_F(DomainReserved, AWindowAndAFaultHandlerKeepEachOtherOut) {
  class Nobody final : public FaultHandler {
    FaultAction on_fault(Domain&, Device*, const Fault&) override { return FaultAction::kNotMine; }
  } handler;
  attach();
  ASSERT_TRUE(domain_->set_fault_handler(&handler));
  EXPECT_EQ(alloc().error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(domain_->msi_geometry(), std::nullopt);
  ASSERT_TRUE(domain_->set_fault_handler(nullptr));
  ASSERT_TRUE(alloc());
  EXPECT_EQ(domain_->set_fault_handler(&handler).error(), std::errc::device_or_resource_busy);
  EXPECT_TRUE(domain_->set_fault_handler(nullptr));
  domain_->free_reserved_iova_domain();
  ASSERT_TRUE(domain_->set_fault_handler(&handler));
  ASSERT_TRUE(domain_->set_fault_handler(nullptr));
}

TEST_F(DomainReserved, OfTwoThreadsOneGetsItsWindowOrTheOtherItsHandler) {
  class Nobody final : public FaultHandler {
    FaultAction on_fault(Domain&, Device*, const Fault&) override { return FaultAction::kNotMine; }
  } handler;
  attach();
  for (int round = 0; round != 2000; ++round) {
    std::atomic<int> ready{0};
    bool window = false;
    std::thread other([&] {
      for (++ready; ready != 2;) std::this_thread::yield();
      window = alloc().has_value();
    });
    for (++ready; ready != 2;) std::this_thread::yield();
    // Sooner or later in what the other one does.
    for (std::atomic<int> wait(round % 100 * 5); wait > 0;) --wait;
    const bool handles = domain_->set_fault_handler(&handler).has_value();
    other.join();
    ASSERT_NE(window, handles) << round;
    ASSERT_TRUE(domain_->set_fault_handler(nullptr));
    domain_->free_reserved_iova_domain();
  }
}

TEST_F(DomainReserved, WhatIsBoundInOneDomainIsNothingOfAnother) {
  const auto other = system_.domain();
  attach();
  ASSERT_TRUE(alloc());
  ASSERT_TRUE(other->alloc_reserved_iova_domain(kWindow, kWindowSize, 12));
  const auto here = domain_->bind_in_window(kDoorbell, 4);
  const auto there = other->bind_in_window(kDoorbell, 4);
  ASSERT_TRUE(here && there);
  EXPECT_EQ(here->iova, there->iova);
  EXPECT_NE(here->window, there->window);
  EXPECT_TRUE(domain_->is_in_window(*here));
  EXPECT_FALSE(other->is_in_window(*here));
  other->put(*here);
  EXPECT_THAT(leaves(*other), SizeIs(1));
  // Which domain it was need not be known.
  system_.iommu->put(*here);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_THAT(leaves(*other), SizeIs(1));
}

TEST_F(DomainReserved, WhatWasBoundInADomainThatIsGoneIsPutBackNowhere) {
  const auto other = system_.domain();
  ASSERT_TRUE(alloc());
  ASSERT_TRUE(other->alloc_reserved_iova_domain(kWindow, kWindowSize, 12));
  const auto gone = domain_->bind_in_window(kDoorbell, 4);
  ASSERT_TRUE(gone);
  domain_.reset();
  ASSERT_TRUE(other->bind_in_window(kDoorbell, 4));
  system_.iommu->put(*gone);
  EXPECT_THAT(leaves(*other), SizeIs(1));
}

// By PASID a device reaches the window as it does without.
TEST_F(DomainReserved, AndRegionsOfDevicesAttachedByPasidDoNotMeet) {
  Device& nic = system_.add(
      "nic",
      {.pasid_bits = 4,
       .reserved = {{Iova(kWindow.value + kPage), kPage, ReservedType::kReserved, Prot::kNone}}});
  ASSERT_TRUE(nic.attach_pasid(SubstreamId(3), *domain_));
  expect_refused(kWindow, kWindowSize);
  nic.detach_pasid(SubstreamId(3));
  ASSERT_TRUE(alloc());
  EXPECT_EQ(nic.attach_pasid(SubstreamId(3), *domain_).error(), std::errc::invalid_argument);
  EXPECT_EQ(nic.pasid_domain(SubstreamId(3)), nullptr);
  EXPECT_THAT(system_.driver->attached_pasids(), IsEmpty());
  domain_->free_reserved_iova_domain();
  EXPECT_TRUE(nic.attach_pasid(SubstreamId(3), *domain_));
}

TEST_F(DomainReserved, ADeviceWithARegionThereDoesNotBecomePartOfAGroup) {
  Device& nic = system_.add("nic");
  ASSERT_TRUE(nic.group().attach(*domain_));
  ASSERT_TRUE(alloc());
  const DeviceConfig port{.name = "port",
                          .streams = {{StreamId(50)}},
                          .reserved = {{kWindow, kPage, ReservedType::kReserved, Prot::kNone}},
                          .not_isolated_from = {&nic}};
  const auto refused = system_.iommu->add_device(port);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::invalid_argument);
  EXPECT_THAT(nic.group().devices(), ::testing::ElementsAre(&nic));
  EXPECT_THAT(system_.driver->attached(), SizeIs(1));
  domain_->free_reserved_iova_domain();
  EXPECT_TRUE(system_.iommu->add_device(port));
}

}  // namespace
}  // namespace smmu::iommu::domain_reserved_test
