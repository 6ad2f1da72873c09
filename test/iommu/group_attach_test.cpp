#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::group_attach_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupAttach, ADeviceBeginsInAGroupOfItsOwnWhereTheDefaultIs) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Device& disk = system.add("disk");
  EXPECT_NE(&nic.group(), &disk.group());
  EXPECT_EQ(nic.group().number(), 0u);
  EXPECT_EQ(disk.group().number(), 1u);
  EXPECT_EQ(nic.group().domain(), &nic.group().default_domain());
  EXPECT_EQ(nic.group().default_domain().type(), DomainType::kIdentity);
  EXPECT_THAT(nic.group().devices(), ElementsAre(&nic));
  EXPECT_THAT(system.iommu->devices(), ElementsAre(&nic, &disk));
  EXPECT_THAT(system.iommu->groups(), ElementsAre(&nic.group(), &disk.group()));
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("add nic", "attach nic identity", "add disk", "attach disk identity"));
}

TEST(GroupAttach, AllDevicesGoToTheDomainAndBack) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Device& port = system.add("port", {.not_isolated_from = {&nic}});
  ASSERT_EQ(&nic.group(), &port.group());
  system.driver->take_calls();
  const auto domain = system.domain();
  ASSERT_TRUE(nic.group().attach(*domain));
  EXPECT_EQ(nic.group().domain(), domain.get());
  EXPECT_EQ(domain->attachments(), 1u);
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("attach nic unmanaged", "attach port unmanaged"));
  EXPECT_TRUE(nic.group().detach());
  EXPECT_EQ(nic.group().domain(), &nic.group().default_domain());
  EXPECT_EQ(domain->attachments(), 0u);
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("attach nic identity", "attach port identity"));
  EXPECT_TRUE(nic.group().detach());
  EXPECT_THAT(system.driver->take_calls(), IsEmpty());
}

TEST(GroupAttach, AGroupThatIsNotAtItsDefaultIsBusy) {
  FakeSystem system;
  Group& group = system.add("nic").group();
  const auto domain = system.domain();
  const auto other = system.domain();
  ASSERT_TRUE(group.attach(*domain));
  const auto before = system.driver->attached();
  EXPECT_EQ(group.attach(*other).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(group.attach(*domain).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(group.attach(group.default_domain()).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(system.driver->attached(), before);
  EXPECT_EQ(other->attachments(), 0u);
}

TEST(GroupAttach, ADomainOfAnotherIommuIsRefused) {
  FakeSystem system;
  FakeSystem other;
  Group& group = system.add("nic").group();
  const auto domain = other.domain();
  EXPECT_EQ(group.attach(*domain).error(), std::errc::invalid_argument);
  EXPECT_EQ(group.domain(), &group.default_domain());
}

TEST(GroupAttach, WhereOneDeviceFailsTheOthersGoBack) {
  FakeSystem system;
  Device& nic = system.add("nic");
  system.add("port", {.not_isolated_from = {&nic}});
  system.add("dma", {.not_isolated_from = {&nic}});
  const auto domain = system.domain();
  for (std::uint64_t n = 0; n < 3; ++n) {
    const auto before = system.driver->attached();
    system.driver->fail_attach(n, std::errc::no_space_on_device);
    EXPECT_EQ(nic.group().attach(*domain).error(), std::errc::no_space_on_device);
    EXPECT_EQ(system.driver->attached(), before);
    EXPECT_EQ(nic.group().domain(), &nic.group().default_domain());
    EXPECT_EQ(domain->attachments(), 0u);
  }
  EXPECT_TRUE(nic.group().attach(*domain));
}

TEST(GroupAttach, ADeviceThatCannotGoBackIsBlocked) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Device& port = system.add("port", {.not_isolated_from = {&nic}});
  const auto domain = system.domain();
  system.driver->fail_attach(1, std::errc::not_enough_memory, 2);
  EXPECT_EQ(nic.group().attach(*domain).error(), std::errc::not_enough_memory);
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  EXPECT_EQ(system.driver->attached().at(&port).kind, AttachKind::kIdentity);
}

TEST(GroupAttach, WhoCannotGoToTheDefaultIsBlockedUntilItIsAttachedAgain) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  ASSERT_TRUE(nic.group().attach(*domain));
  system.driver->fail_attach(0, std::errc::not_enough_memory, 2);
  EXPECT_TRUE(nic.group().detach());
  EXPECT_EQ(nic.group().domain(), nullptr);
  EXPECT_EQ(domain->attachments(), 0u);
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  EXPECT_TRUE(nic.group().attach(*domain));
  EXPECT_EQ(nic.group().domain(), domain.get());
}

TEST(GroupAttach, ADomainThatIsDestroyedIsDetachedFirst) {
  FakeSystem system;
  Group& nic = system.add("nic").group();
  Group& disk = system.add("disk").group();
  auto domain = system.domain();
  ASSERT_TRUE(nic.attach(*domain));
  ASSERT_TRUE(disk.attach(*domain));
  EXPECT_EQ(domain->attachments(), 2u);
  system.driver->take_calls();
  domain.reset();
  EXPECT_EQ(nic.domain(), &nic.default_domain());
  EXPECT_EQ(disk.domain(), &disk.default_domain());
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("attach nic identity", "attach disk identity"));
  EXPECT_EQ(system.driver->live_domains(), 0u);
}

TEST(GroupAttach, ABlockedDomainBlocks) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto blocked = system.domain(DomainType::kBlocked);
  ASSERT_TRUE(nic.group().attach(*blocked));
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  EXPECT_EQ(blocked->iova_to_phys(Iova(0x1000)), std::nullopt);
  EXPECT_EQ(nic.group().default_domain().iova_to_phys(Iova(0x1234)), Pa(0x1234));
}

TEST(GroupAttach, ADeviceThatFirmwareUsesMustNotBeBlocked) {
  FakeSystem system;
  Device& nic =
      system.add("nic", {.reserved = {{Iova(0x1000), 0x1000, ReservedType::kDirect, kReadWrite}}});
  Device& gpu = system.add(
      "gpu", {.reserved = {{Iova(0x1000), 0x1000, ReservedType::kDirectRelaxable, kReadWrite}}});
  const auto blocked = system.domain(DomainType::kBlocked);
  EXPECT_EQ(nic.group().attach(*blocked).error(), std::errc::invalid_argument);
  EXPECT_EQ(nic.group().claim(this).error(), std::errc::invalid_argument);
  EXPECT_FALSE(nic.group().is_owned());
  EXPECT_TRUE(gpu.group().attach(*blocked));
  const auto domain = system.domain();
  EXPECT_TRUE(nic.group().attach(*domain));
}

TEST(GroupAttach, ADeviceThatIsRemovedIsBlockedAndItsEmptyGroupIsGone) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Device& port = system.add("port", {.not_isolated_from = {&nic}});
  const auto domain = system.domain();
  Group& group = nic.group();
  ASSERT_TRUE(group.attach(*domain));
  system.driver->take_calls();
  system.iommu->remove_device(nic);
  EXPECT_THAT(system.driver->take_calls(), ElementsAre("attach nic blocked", "remove nic"));
  EXPECT_THAT(group.devices(), ElementsAre(&port));
  EXPECT_EQ(domain->attachments(), 1u);
  system.iommu->remove_device(port);
  EXPECT_THAT(system.iommu->groups(), IsEmpty());
  EXPECT_THAT(system.iommu->devices(), IsEmpty());
  EXPECT_EQ(domain->attachments(), 0u);
}

TEST(GroupAttach, AnIommuThatGoesRemovesItsDevicesAndThenShutsDown) {
  std::vector<std::string> calls;
  {
    FakeSystem system;
    system.driver->last_calls = &calls;
    system.add("nic");
    system.add("disk");
    system.driver->take_calls();
  }
  EXPECT_THAT(calls, ElementsAre("attach nic blocked", "remove nic", "attach disk blocked",
                                 "remove disk", "shut down"));
}

TEST(GroupAttach, WhatAttachesOrDetachesInsideAnAttachIsBusy) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Device& disk = system.add("disk", {.pasid_bits = 4});
  const auto domain = system.domain();
  int calls = 0;
  system.driver->on_attach = [&](Device&, const Attachment&) {
    ++calls;
    constexpr auto busy = std::errc::device_or_resource_busy;
    EXPECT_EQ(disk.group().attach(*domain).error(), busy);
    EXPECT_EQ(disk.group().detach().error(), busy);
    EXPECT_EQ(disk.group().claim(this).error(), busy);
    EXPECT_EQ(disk.attach_pasid(SubstreamId(1), *domain).error(), busy);
    EXPECT_EQ(system.iommu->add_device({.streams = {{StreamId(9)}}}).error(), busy);
    // To ask is allowed, and so is to map.
    EXPECT_EQ(disk.group().domain(), &disk.group().default_domain());
    EXPECT_TRUE(domain->map(Iova(0x1000), Pa(0x1000), 0x1000, kReadWrite));
    EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000u);
  };
  ASSERT_TRUE(nic.group().attach(*domain));
  EXPECT_EQ(calls, 1);
  system.driver->on_attach = nullptr;
  EXPECT_TRUE(disk.group().attach(*domain));
}

}  // namespace
}  // namespace smmu::iommu::group_attach_test
