// The window for doorbells of a container.
#include "test/vfio/container_system.h"

#include <gmock/gmock.h>

namespace smmu::iommu::container_window_test {
namespace {

using std::errc;

constexpr Pa kDoorbell{0x0802'0040};

TEST(ContainerWindow, ItIsOpenInEveryDomainThereIsAndThatComesLater) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  ASSERT_TRUE(system.container->attach(disk));
  for (Group* const group : {&nic, &disk}) {
    Domain& domain = *group->domain();
    EXPECT_TRUE(domain.in_reserved_window(Iova(0x800'0000), 0x10000));
    const auto iova = domain.get_reserved_iova(kDoorbell, 4);
    ASSERT_TRUE(iova);
    EXPECT_GE(iova->value, 0x800'0000u);
    EXPECT_LT(iova->value, 0x801'0000u);
    EXPECT_EQ(domain.iova_to_phys(*iova), kDoorbell);
    EXPECT_EQ(fake(*group).own_tables().pages().begin()->second.prot,
              Prot::kWrite | Prot::kNoExec | Prot::kMmio);
  }
  EXPECT_EQ(system.memory.pinned(), 0u) << "nothing of the program's is behind it";
  EXPECT_EQ(*system.unmap(0x8000, 16), 16 * kPage);
  for (Group* const group : {&nic, &disk}) {
    EXPECT_FALSE(group->domain()->in_reserved_window(Iova(0x800'0000), 0x10000));
    EXPECT_TRUE(pages(*group).empty()) << "what was bound is unmapped";
  }
}

TEST(ContainerWindow, OneThatWasThereBeforeAnyGroupIsOpened) {
  ContainerSystem system;
  ASSERT_TRUE(system.open_window(0x8000, 16));
  ASSERT_TRUE(system.map(0x10, 0, 4));
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_TRUE(nic.domain()->get_reserved_iova(kDoorbell, 4));
  EXPECT_TRUE(system.finds(nic, 0x10, 0, 4));
}

TEST(ContainerWindow, ItsSlotCollidesWithOthersAndThereIsOneOnly) {
  ContainerSystem system;
  ASSERT_TRUE(system.open_window(0x8000, 16));
  EXPECT_EQ(system.map(0x800f, 0, 1).error(), errc::file_exists);
  EXPECT_EQ(system.map(0x7fff, 0, 32).error(), errc::file_exists);
  EXPECT_EQ(system.open_window(0x8000, 16).error(), errc::file_exists);
  EXPECT_EQ(system.open_window(0x9000, 16).error(), errc::file_exists) << "the second one";
  ASSERT_TRUE(system.map(0x8010, 0, 1));
  EXPECT_EQ(system.unmap(0x8008, 4).error(), errc::invalid_argument) << "a part of it";
  ASSERT_TRUE(system.unmap(0x8000, 16));
  EXPECT_EQ(system.open_window(0x8001, 16).error(), errc::file_exists) << "a slot is there";
  EXPECT_TRUE(system.open_window(0x9000, 16));
}

TEST(ContainerWindow, ItMayBeWhereADriverProposesItAndNotWhereADeviceHasARegion) {
  ContainerSystem system;
  system.first.smmu->regions = {{Iova(0x800'0000), 0x10'0000, ReservedType::kSoftwareMsi}};
  Group& nic =
      system.first.add("nic", {.reserved = {{Iova(0x900'0000), 0x1000, ReservedType::kReserved}}});
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_EQ(system.open_window(0x9000, 16).error(), errc::invalid_argument);
  EXPECT_EQ(system.open_window(1ull << 36, 16).error(), errc::invalid_argument) << "the aperture";
  EXPECT_TRUE(system.open_window(0x8000, 16));
  EXPECT_TRUE(system.container->detach(nic));
  ASSERT_TRUE(system.open_window(0x9000, 16)) << "now nobody knows better";
  EXPECT_EQ(system.container->attach(nic).error(), errc::invalid_argument);
  EXPECT_FALSE(nic.is_owned());
}

// Firmware has no use for what is there any more, so the address is one of those that can be
// mapped; and nothing is refused that was promised before the group is taken.
TEST(ContainerWindow, ItMayBeWhereFirmwareGivesUpWhatItHadOfADevice) {
  const DeviceConfig config{
      .reserved = {{Iova(0x900'8000), 0x1000, ReservedType::kDirectRelaxable, kReadWrite}}};
  ContainerSystem system;
  Group& nic = system.first.add("nic", config);
  Group& disk = system.first.add("disk", config);
  Group& other = system.second.add("other", config);
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_THAT(system.container->capabilities().ranges, ::testing::SizeIs(1));
  ASSERT_TRUE(system.open_window(0x9000, 16)) << "the group was there first";
  ASSERT_TRUE(system.container->attach(disk)) << "it shares the domain that has the window";
  ASSERT_TRUE(system.container->attach(other)) << "it gets the window with its domain";
  EXPECT_EQ(nic.domain(), disk.domain());
  for (Group* const group : {&nic, &other}) {
    EXPECT_TRUE(group->domain()->get_reserved_iova(kDoorbell, 4));
  }
  for (Group* const group : {&nic, &disk, &other}) {
    ASSERT_TRUE(system.container->detach(*group));
    EXPECT_EQ(group->domain(), &group->default_domain());
  }
}

TEST(ContainerWindow, OneDeviceWhoseMsisAreTranslatedNeedsItWhateverItsGroupHas) {
  ContainerSystem system;
  const ReservedRegion software{Iova(0x800'0000), 0x10'0000, ReservedType::kSoftwareMsi};
  system.first.smmu->regions = {software};
  Group& group =
      system.first.add("a", {.reserved = {{Iova(0xfee0'0000), 0x10'0000, ReservedType::kMsi}}});
  ASSERT_TRUE(system.container->attach(group));
  EXPECT_FALSE(system.container->capabilities().msi.required);
  ASSERT_TRUE(system.container->detach(group));

  system.first.add("b", {.not_isolated_from = {group.devices().front()}});
  ASSERT_THAT(group.devices(), ::testing::SizeIs(2));
  ASSERT_TRUE(system.container->attach(group));
  const ContainerCapabilities found = system.container->capabilities();
  EXPECT_TRUE(group.domain()->msi_geometry()->required);
  EXPECT_TRUE(found.msi.required);
  EXPECT_EQ(found.msi.proposed, (IovaSpan{software.start, Iova(software.last())}));
  EXPECT_EQ(system.map(0x8000, 0, 1).error(), errc::invalid_argument) << "b has a region there";
  EXPECT_TRUE(system.open_window(0x8000, 16));
}

TEST(ContainerWindow, OneOfMorePagesThanADomainTakesIsRefusedAtOnce) {
  ContainerSystem system;
  EXPECT_EQ(system.open_window(0, Domain::kMostWindowPages + 1).error(), errc::invalid_argument);
  ASSERT_TRUE(system.open_window(0, Domain::kMostWindowPages));
  EXPECT_TRUE(system.container->attach(system.first.add("nic")));
}

// One of the two is all that a domain has room for.
TEST(ContainerWindow, ItIsRefusedAsLongAsADomainHasAFaultHandler) {
  struct Deaf final : FaultHandler {
    FaultAction on_fault(Domain&, Device*, const Fault&) override { return FaultAction::kNotMine; }
  } handler;
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  ASSERT_TRUE(disk.domain()->set_fault_handler(&handler));
  EXPECT_EQ(system.open_window(0x8000, 16).error(), errc::device_or_resource_busy);
  EXPECT_EQ(system.container->slots(), 0u);
  EXPECT_FALSE(nic.domain()->in_reserved_window(Iova(0x800'0000), 0x10000));
  ASSERT_TRUE(disk.domain()->set_fault_handler(nullptr));
  EXPECT_TRUE(system.open_window(0x8000, 16));
}

TEST(ContainerWindow, ItTakesTheGranuleOfEachDomain) {
  ContainerSystem system;
  system.second.smmu->page_sizes = 1 << 21;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  EXPECT_EQ(system.container->capabilities().msi.alignment, 1u << 21);
  EXPECT_EQ(system.open_window(0x8000, 16).error(), errc::invalid_argument);
  ASSERT_TRUE(system.open_window(0x8000, 512));
  EXPECT_EQ(nic.domain()->msi_geometry()->granule, kPage);
  EXPECT_EQ(disk.domain()->msi_geometry()->granule, 1u << 21);
}

TEST(ContainerWindow, ItStaysForOthersWhenAGroupGoes) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  ASSERT_TRUE(system.container->detach(nic));
  EXPECT_TRUE(disk.domain()->get_reserved_iova(kDoorbell, 4));
  EXPECT_EQ(system.container->capabilities().msi.window,
            (IovaSpan{Iova(0x800'0000), Iova(0x800'ffff)}));
  ASSERT_TRUE(system.container->detach(disk));
  EXPECT_EQ(system.container->slots(), 0u);
}

}  // namespace
}  // namespace smmu::iommu::container_window_test
