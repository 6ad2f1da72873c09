#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::default_domain_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum ReservedType;

constexpr std::uint64_t k4K = 4096;
constexpr std::uint64_t k2M = 1ull << 21;

ReservedRegion direct(std::uint64_t start, std::uint64_t size, ReservedType type = kDirect,
                      Prot prot = kReadWrite) {
  return {Iova(start), size, type, prot};
}

MapTables::Leaves pages(std::initializer_list<std::uint64_t> addresses) {
  MapTables::Leaves leaves;
  for (const std::uint64_t address : addresses) leaves[address] = {Pa(address), k4K, kReadWrite};
  return leaves;
}

MapTables::Leaves default_leaves(const Device& device) {
  return leaves(device.group().default_domain());
}

TEST(DefaultDomain, IsWhatTheConfigurationSays) {
  for (const DomainType type :
       {DomainType::kIdentity, DomainType::kBlocked, DomainType::kDma, DomainType::kDmaLazy}) {
    FakeSystem system(type);
    EXPECT_EQ(system.add("nic").group().default_domain().type(), type);
  }
}

TEST(DefaultDomain, OfAnotherTypeIsRefused) {
  for (const DomainType type : {DomainType::kUnmanaged, DomainType::kSva, DomainType::kNested}) {
    EXPECT_EQ(Iommu::create(std::make_unique<FakeDriver>(), {.default_domain = type}).error(),
              std::errc::invalid_argument);
  }
  EXPECT_EQ(Iommu::create(nullptr).error(), std::errc::invalid_argument);
}

TEST(DefaultDomain, IsWhatTheDriverPrefersForTheFirstDevice) {
  FakeSystem system(DomainType::kDmaLazy);
  system.driver->preferred = {{"nic", DomainType::kDma}, {"gpu", DomainType::kIdentity}};
  // Whether a flush is late is not for the driver to say.
  EXPECT_EQ(system.add("nic").group().default_domain().type(), DomainType::kDmaLazy);
  Device& gpu = system.add("gpu");
  EXPECT_EQ(gpu.group().default_domain().type(), DomainType::kIdentity);
  Device& audio = system.add("audio", {.not_isolated_from = {&gpu}});
  EXPECT_EQ(audio.group().default_domain().type(), DomainType::kIdentity);
  FakeSystem identity;
  identity.driver->preferred = {{"nic", DomainType::kDma}};
  EXPECT_EQ(identity.add("nic").group().default_domain().type(), DomainType::kDma);
}

TEST(DefaultDomain, IsNotLazyWhereTheDriverFlushesAtOnce) {
  FakeSystem system(DomainType::kDmaLazy);
  system.driver->deferred_flush = false;
  EXPECT_EQ(system.add("nic").group().default_domain().type(), DomainType::kDma);
}

TEST(DefaultDomain, HasTheRegionsOfFirmwareMappedBeforeTheDeviceIsAttached) {
  FakeSystem system(DomainType::kDma);
  bool attached = false;
  system.driver->on_attach = [&](Device&, const Attachment& to) {
    if (to.kind != AttachKind::kDomain) return;
    attached = true;
    EXPECT_EQ(static_cast<FakeDomain*>(to.domain)->leaves().leaves(), pages({0x1000, 0x4000}));
  };
  Device& nic = system.add("nic", {.reserved = {direct(0x1800, 0x10),
                                                direct(0x4000, k4K, kDirectRelaxable),
                                                {Iova(0x8000), k4K, kReserved}}});
  EXPECT_TRUE(attached);
  system.driver->on_attach = nullptr;
  EXPECT_EQ(default_leaves(nic), pages({0x1000, 0x4000}));
}

TEST(DefaultDomain, ThatGetsItsTablesLateHasTheRegionsAllTheSame) {
  FakeSystem system(DomainType::kDma);
  system.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  Device& nic = system.add("nic", {.reserved = {direct(0x1000, k4K)}});
  EXPECT_EQ(default_leaves(nic), pages({0x1000}));
  system.driver->fail_attach(0, std::errc::no_space_on_device);
  const auto refused = system.iommu->add_device(
      {.name = "gpu", .streams = {{StreamId(7)}}, .reserved = {direct(0x1000, k4K)}});
  EXPECT_EQ(refused.error(), std::errc::no_space_on_device);
  // Only once it is attached does it show that there are no rights to map it with.
  system.driver->take_calls();
  const auto late = system.iommu->add_device(
      {.name = "hub",
       .streams = {{StreamId(8)}},
       .reserved = {direct(0x1000, k4K), direct(0x8000, k4K, kDirectRelaxable, Prot::kNone)}});
  EXPECT_EQ(late.error(), std::errc::invalid_argument);
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("add hub", "attach hub DMA", "attach hub blocked", "remove hub"));
  EXPECT_EQ(system.iommu->groups().size(), 1u);
  EXPECT_EQ(system.driver->live_domains(), 1u);
}

TEST(DefaultDomain, ThatDoesNotPageMapsNoRegions) {
  FakeSystem system(DomainType::kIdentity);
  EXPECT_EQ(system.add("nic", {.reserved = {direct(0x1000, k4K)}}).group().default_domain().type(),
            DomainType::kIdentity);
}

TEST(DefaultDomain, MapsWhatSeveralDevicesUseOnce) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x2000, 2 * k4K)}});
  Device& port = system.add("port", {.reserved = {direct(0x1000, 4 * k4K), direct(0x9000, 1)},
                                     .not_isolated_from = {&nic}});
  EXPECT_EQ(default_leaves(nic), pages({0x1000, 0x2000, 0x3000, 0x4000, 0x9000}));
  // What the other one uses as well stays.
  system.iommu->remove_device(nic);
  EXPECT_EQ(default_leaves(port), pages({0x1000, 0x2000, 0x3000, 0x4000, 0x9000}));
  Device& again =
      system.add("nic", {.reserved = {direct(0x4000, 2 * k4K)}, .not_isolated_from = {&port}});
  EXPECT_EQ(default_leaves(port), pages({0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x9000}));
  system.iommu->remove_device(port);
  EXPECT_EQ(default_leaves(again), pages({0x4000, 0x5000}));
}

TEST(DefaultDomain, MapsPagesThatRegionsOfOneDeviceShareOnce) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x1000, 0x10), direct(0x1800, 0x1000),
                                                direct(0x1004, 0x2000, kDirectRelaxable)}});
  EXPECT_EQ(default_leaves(nic), pages({0x1000, 0x2000, 0x3000}));
}

TEST(DefaultDomain, MapsRegionsThatTouchAsEachOfThemSays) {
  FakeSystem system(DomainType::kDma);
  constexpr Prot kDoorbells = kReadWrite | Prot::kPriv | Prot::kMmio;
  Device& nic = system.add(
      "nic", {.reserved = {direct(0x1000, k4K), direct(0x2000, k4K, kDirect, kDoorbells)}});
  EXPECT_EQ(default_leaves(nic), (MapTables::Leaves{{0x1000, {Pa(0x1000), k4K, kReadWrite}},
                                                    {0x2000, {Pa(0x2000), k4K, kDoorbells}}}));
}

// Of a block nothing can be taken while a device uses a part of it.
TEST(DefaultDomain, KeepsOfALargeRegionWhatAnotherDeviceHasInIt) {
  FakeSystem system(DomainType::kDma);
  const DeviceConfig large{.streams = {{StreamId(70)}}, .reserved = {direct(k2M, k2M)}};
  Device& nic = system.add("nic", large);
  EXPECT_EQ(default_leaves(nic).size(), 512u);
  Device& port = system.add("port", {.reserved = {direct(k2M + k4K, k4K), direct(k2M + 3 * k4K, 1)},
                                     .not_isolated_from = {&nic}});
  fake(port.group().default_domain()).take_synced();
  system.iommu->remove_device(nic);
  EXPECT_EQ(default_leaves(port), pages({k2M + k4K, k2M + 3 * k4K}));
  // Nor was it taken and put back.
  for (const auto& forgotten : fake(port.group().default_domain()).take_synced()) {
    for (const std::uint64_t kept : {k2M + k4K, k2M + 3 * k4K}) {
      EXPECT_TRUE(kept < forgotten.first || kept >= forgotten.first + forgotten.size);
    }
  }
  DeviceConfig again = large;
  again.not_isolated_from = {&port};
  Device& back = system.add("nic", again);
  EXPECT_EQ(default_leaves(port).size(), 512u);
  system.iommu->remove_device(port);
  EXPECT_EQ(default_leaves(back).size(), 512u);
}

TEST(DefaultDomain, ARegionThatCannotBeMappedLeavesNothingOfTheDevice) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x2000, k4K)}});
  ASSERT_TRUE(nic.group().default_domain().map(Iova(0x8000), Pa(0), k4K, kReadWrite));
  const auto before = default_leaves(nic);
  const auto attached = system.driver->attached();
  const ReservedRegion bad[] = {direct(0x8000, k4K),  // the DMA layer has it
                                direct(0x9000, k4K, kDirectRelaxable, Prot::kNone),  // no rights
                                direct(1ull << 60, k4K), direct(0, UINT64_MAX)};     // out of range
  const std::errc errors[] = {std::errc::file_exists, std::errc::invalid_argument,
                              std::errc::result_out_of_range, std::errc::result_out_of_range};
  for (std::size_t n = 0; n < std::size(bad); ++n) {
    system.driver->take_calls();
    DeviceConfig config{.name = "port", .streams = {{StreamId(9)}}, .not_isolated_from = {&nic}};
    if (n != 3) config.reserved = {direct(0x1000, 3 * k4K)};
    config.reserved.push_back(bad[n]);
    EXPECT_EQ(system.iommu->add_device(config).error(), errors[n]) << n;
    EXPECT_THAT(system.driver->take_calls(), ElementsAre("add port", "remove port"));
    EXPECT_EQ(default_leaves(nic), before);
    EXPECT_EQ(system.driver->attached(), attached);
    EXPECT_THAT(nic.group().devices(), ElementsAre(&nic));
  }
}

TEST(DefaultDomain, ThatBlocksIsNotForADeviceThatFirmwareUses) {
  FakeSystem system(DomainType::kBlocked);
  EXPECT_EQ(system.iommu
                ->add_device(
                    {.name = "nic", .streams = {{StreamId(0)}}, .reserved = {direct(0x1000, k4K)}})
                .error(),
            std::errc::invalid_argument);
  EXPECT_THAT(system.iommu->groups(), IsEmpty());
  EXPECT_THAT(system.driver->attached(), IsEmpty());
}

TEST(DefaultDomain, WithoutItThereIsNoDevice) {
  FakeSystem system(DomainType::kDma);
  system.driver->create_error = std::errc::operation_not_supported;
  EXPECT_EQ(system.iommu->add_device({.name = "nic", .streams = {{StreamId(0)}}}).error(),
            std::errc::operation_not_supported);
  EXPECT_THAT(system.driver->take_calls(), ElementsAre("add nic", "remove nic"));
  system.driver->create_error.reset();
  system.driver->add_error = std::errc::invalid_argument;
  EXPECT_EQ(system.iommu->add_device({.name = "nic", .streams = {{StreamId(0)}}}).error(),
            std::errc::invalid_argument);
  system.driver->add_error.reset();
  EXPECT_EQ(system.iommu->add_device({.name = "nic"}).error(), std::errc::invalid_argument);
  EXPECT_THAT(system.driver->take_calls(), ElementsAre("add nic"));
  EXPECT_THAT(system.iommu->groups(), IsEmpty());
  EXPECT_EQ(system.add("nic").group().number(), 0u);
}

}  // namespace
}  // namespace smmu::iommu::default_domain_test
