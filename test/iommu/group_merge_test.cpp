#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/iommu/doorbell_space.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::group_merge_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kInvalid = std::errc::invalid_argument;

ReservedRegion direct(std::uint64_t start) {
  return {Iova(start), 4096, ReservedType::kDirect, kReadWrite};
}

// What a call that fails must leave as it was.
struct State {
  explicit State(const FakeSystem& system)
      : attached(system.driver->attached()), domains(system.driver->live_domains()) {
    for (Group* const group : system.iommu->groups()) {
      groups.emplace_back(group->number(), group->devices());
      at.push_back(group->domain());
      if (group->default_domain().is_paging()) mapped.push_back(leaves(group->default_domain()));
      for (const Device* const device : group->devices()) EXPECT_EQ(&device->group(), group);
    }
  }
  friend bool operator==(const State&, const State&) = default;

  std::map<const Device*, Attachment> attached;
  std::uint64_t domains;
  std::vector<std::pair<std::uint32_t, std::vector<Device*>>> groups;
  std::vector<Domain*> at;
  std::vector<MapTables::Leaves> mapped;
};

TEST(GroupMerge, ADeviceThatTheDriverCannotTellFromAnotherJoinsIt) {
  FakeSystem system;
  Device& nic = system.add("nic");
  system.driver->inseparable = {{"alias", "nic"}, {"nic", "nic"}};
  Device& alias = system.add("alias");
  EXPECT_EQ(&alias.group(), &nic.group());
  EXPECT_THAT(nic.group().devices(), ElementsAre(&nic, &alias));
}

TEST(GroupMerge, ADeviceGoesToWhereItsGroupIs) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  ASSERT_TRUE(nic.group().attach(*domain));
  Device& port = system.add("port", {.not_isolated_from = {&nic}});
  EXPECT_EQ(system.driver->attached().at(&port), system.driver->attached().at(&nic));
  EXPECT_EQ(domain->attachments(), 1u);
  EXPECT_TRUE(nic.group().detach());
  const auto blocked = system.domain(DomainType::kBlocked);
  ASSERT_TRUE(nic.group().attach(*blocked));
  Device& hub = system.add("hub", {.not_isolated_from = {&nic}});
  EXPECT_EQ(system.driver->attached().at(&hub).kind, AttachKind::kBlocked);
  // Nor could it be blocked if firmware uses it.
  const State before(system);
  EXPECT_EQ(system.iommu
                ->add_device({.name = "usb",
                              .streams = {{StreamId(9)}},
                              .reserved = {direct(0x1000)},
                              .not_isolated_from = {&nic}})
                .error(),
            kInvalid);
  EXPECT_EQ(State(system), before);
}

TEST(GroupMerge, GroupsThatADeviceJoinsBecomeTheFirstOfThem) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x1000), direct(0x3000)}});
  Device& disk = system.add("disk", {.reserved = {direct(0x1000), direct(0x2000)}});
  Device& other = system.add("other");
  Device& gpu = system.add("gpu", {.reserved = {direct(0x5000)}});
  system.driver->inseparable = {{"bridge", "gpu"}};
  Group& group = nic.group();
  system.driver->take_calls();
  Device& bridge = system.add("bridge", {.not_isolated_from = {&disk, &nic, &disk}});
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("add bridge", "attach disk DMA", "attach gpu DMA", "attach bridge DMA"));
  EXPECT_THAT(group.devices(), ElementsAre(&nic, &disk, &gpu, &bridge));
  for (const Device* const device : group.devices()) {
    EXPECT_EQ(&device->group(), &group);
    EXPECT_EQ(system.driver->attached().at(device).domain, &group.default_domain().driver_domain());
  }
  EXPECT_THAT(system.iommu->groups(), ElementsAre(&group, &other.group()));
  EXPECT_EQ(system.driver->live_domains(), 2u);
  EXPECT_EQ(leaves(group.default_domain()).size(), 4u);
}

TEST(GroupMerge, OfGroupsThatCannotBeOneNothingIsChanged) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic");
  Device& disk = system.add("disk", {.pasid_bits = 4});
  system.driver->preferred = {{"gpu", DomainType::kIdentity}};
  Device& gpu = system.add("gpu");
  const auto domain = system.domain();
  const auto join = [&](Device& a, Device& b) {
    const State before(system);
    EXPECT_EQ(system.iommu
                  ->add_device(
                      {.name = "bridge", .streams = {{StreamId(9)}}, .not_isolated_from = {&a, &b}})
                  .error(),
              kInvalid);
    EXPECT_EQ(State(system), before);
  };
  join(nic, gpu);
  ASSERT_TRUE(nic.group().attach(*domain));
  join(nic, disk);
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(disk.group().claim(this));
  join(nic, disk);
  disk.group().release(this);
  ASSERT_TRUE(disk.attach_pasid(SubstreamId(1), *domain));
  join(nic, disk);
  disk.detach_pasid(SubstreamId(1));
  system.add("bridge", {.not_isolated_from = {&nic, &disk}});
  EXPECT_EQ(system.iommu->groups().size(), 2u);
}

TEST(GroupMerge, ADefaultDomainOfWhichSomebodyGivesAddressesOutStays) {
  class NoDoorbells final : public DoorbellSpace {
   public:
    Result<Iova, std::errc> bind_doorbell(Pa, std::uint64_t, Prot) override {
      return std::errc::not_enough_memory;
    }
    void unbind_doorbell(Iova) override {}
  } space;
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x1000)}});
  Device& disk = system.add("disk", {.reserved = {direct(0x2000)}});
  system.add("tape", {.not_isolated_from = {&disk}});
  Domain& goes = disk.group().default_domain();
  ASSERT_TRUE(goes.set_doorbell_space(space));
  const DeviceConfig config{
      .name = "bridge", .streams = {{StreamId(9)}}, .not_isolated_from = {&nic, &disk}};
  const State before(system);
  EXPECT_EQ(system.iommu->add_device(config).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(State(system), before);
  goes.clear_doorbell_space(space);
  // That of the group that all become part of is not touched.
  ASSERT_TRUE(nic.group().default_domain().set_doorbell_space(space));
  EXPECT_TRUE(system.iommu->add_device(config));
  EXPECT_EQ(&disk.group(), &nic.group());
  nic.group().default_domain().clear_doorbell_space(space);
}

// A page is mapped once, and both have to get along with that.
TEST(GroupMerge, ARegionThatNeedsMoreRightsThanAnothersAtTheSameAddressIsRefused) {
  FakeSystem system(DomainType::kDma);
  const auto region = [](Prot prot) {
    return ReservedRegion{Iova(0x1000), 4096, ReservedType::kDirect, prot};
  };
  Device& nic = system.add("nic", {.reserved = {region(Prot::kRead)}});
  const State before(system);
  for (const Prot more : {kReadWrite, Prot::kRead | Prot::kMmio}) {
    EXPECT_EQ(system.iommu
                  ->add_device({.name = "port",
                                .streams = {{StreamId(70)}},
                                .reserved = {region(more)},
                                .not_isolated_from = {&nic}})
                  .error(),
              kInvalid);
    EXPECT_EQ(State(system), before);
  }
  EXPECT_EQ(&system
                 .add("less", {.reserved = {region(Prot::kRead | Prot::kNoExec)},
                               .not_isolated_from = {&nic}})
                 .group(),
            &nic.group());
}

TEST(GroupMerge, WhereAnAttachFailsTheGroupsStayTwo) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.reserved = {direct(0x1000)}});
  Device& disk = system.add("disk", {.reserved = {direct(0x1000), direct(0x2000)}});
  system.add("tape", {.reserved = {direct(0x4000)}, .not_isolated_from = {&disk}});
  const State before(system);
  const DeviceConfig config{.name = "bridge",
                            .streams = {{StreamId(9)}},
                            .reserved = {direct(0x8000)},
                            .not_isolated_from = {&nic, &disk}};
  for (std::uint64_t n = 0; n < 3; ++n) {
    system.driver->fail_attach(n, std::errc::no_space_on_device);
    EXPECT_EQ(system.iommu->add_device(config).error(), std::errc::no_space_on_device);
    EXPECT_EQ(State(system), before);
  }
  EXPECT_TRUE(system.iommu->add_device(config));
  EXPECT_EQ(system.iommu->groups().size(), 1u);
}

TEST(GroupMerge, WhereARegionCannotBeMappedTheGroupsStayTwo) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic");
  Device& disk = system.add("disk", {.reserved = {direct(0x1000)}});
  system.add("tape", {.reserved = {direct(0x4000)}, .not_isolated_from = {&disk}});
  ASSERT_TRUE(nic.group().default_domain().map(Iova(0x4000), Pa(0), 4096, Prot::kRead));
  const State before(system);
  EXPECT_EQ(
      system.iommu
          ->add_device(
              {.name = "bridge", .streams = {{StreamId(9)}}, .not_isolated_from = {&nic, &disk}})
          .error(),
      std::errc::file_exists);
  EXPECT_EQ(State(system), before);
}

TEST(GroupMerge, WhoIsAtTheDefaultDomainOfAGroupThatGoesIsDetached) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic");
  Device& disk = system.add("disk");
  Device& guest = system.add("guest");
  ASSERT_TRUE(guest.group().attach(disk.group().default_domain()));
  system.add("bridge", {.not_isolated_from = {&nic, &disk}});
  EXPECT_EQ(guest.group().domain(), &guest.group().default_domain());
}

TEST(GroupMerge, ADeviceOfAnotherIommuIsNoNeighbour) {
  FakeSystem system;
  FakeSystem other;
  Device& nic = other.add("nic");
  for (Device* const neighbour : {&nic, static_cast<Device*>(nullptr)}) {
    EXPECT_EQ(
        system.iommu->add_device({.streams = {{StreamId(1)}}, .not_isolated_from = {neighbour}})
            .error(),
        kInvalid);
  }
  EXPECT_THAT(system.driver->take_calls(), IsEmpty());
}

TEST(GroupOwner, HasAllBlockedButWhatItAttaches) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Group& group = nic.group();
  const auto domain = system.domain();
  ASSERT_TRUE(group.claim(this));
  EXPECT_TRUE(group.is_owned());
  EXPECT_EQ(group.domain(), nullptr);
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  const int another = 0;
  for (const void* const owner :
       {static_cast<const void*>(nullptr), static_cast<const void*>(&another)}) {
    EXPECT_EQ(group.attach(*domain, owner).error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  }
  ASSERT_TRUE(group.attach(*domain, this));
  for (const void* const owner :
       {static_cast<const void*>(nullptr), static_cast<const void*>(&another)}) {
    EXPECT_EQ(group.detach(owner).error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(group.domain(), domain.get());
    EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kDomain);
  }
  EXPECT_TRUE(group.detach(this));
  EXPECT_EQ(group.domain(), nullptr);
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
  group.release(this);
  EXPECT_FALSE(group.is_owned());
  EXPECT_EQ(group.domain(), &group.default_domain());
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kIdentity);
}

TEST(GroupOwner, IsOnlyOne) {
  FakeSystem system;
  Group& group = system.add("nic").group();
  const int another = 0;
  ASSERT_TRUE(group.claim(this));
  EXPECT_EQ(group.claim(this).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(group.claim(&another).error(), std::errc::device_or_resource_busy);
  group.release(&another);
  EXPECT_TRUE(group.is_owned());
  group.release(this);
  EXPECT_EQ(group.claim(nullptr).error(), kInvalid);
  group.release(nullptr);
  EXPECT_FALSE(group.is_owned());
}

// It has looked at the regions and interrupts of the devices it took, and of no other ones.
TEST(GroupOwner, GetsNoDeviceThatItHasNotTaken) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  ASSERT_TRUE(nic.group().claim(this));
  ASSERT_TRUE(nic.group().attach(*domain, this));
  const State before(system);
  EXPECT_EQ(
      system.iommu
          ->add_device({.name = "hub", .streams = {{StreamId(77)}}, .not_isolated_from = {&nic}})
          .error(),
      std::errc::device_or_resource_busy);
  EXPECT_EQ(State(system), before);
  EXPECT_TRUE(nic.group().detach(this));
  nic.group().release(this);
  EXPECT_EQ(&system.add("hub", {.not_isolated_from = {&nic}}).group(), &nic.group());
}

TEST(GroupOwner, FindsTheGroupUnused) {
  FakeSystem system;
  Device& nic = system.add("nic", {.pasid_bits = 4});
  Group& group = nic.group();
  const auto domain = system.domain();
  ASSERT_TRUE(group.attach(*domain));
  EXPECT_EQ(group.claim(this).error(), std::errc::device_or_resource_busy);
  EXPECT_TRUE(group.detach());
  ASSERT_TRUE(nic.attach_pasid(SubstreamId(3), *domain));
  EXPECT_EQ(group.claim(this).error(), std::errc::device_or_resource_busy);
  nic.detach_pasid(SubstreamId(3));
  system.driver->fail_attach(0, std::errc::timed_out);
  EXPECT_EQ(group.claim(this).error(), std::errc::timed_out);
  EXPECT_FALSE(group.is_owned());
  EXPECT_EQ(group.domain(), &group.default_domain());
  EXPECT_TRUE(group.claim(this));
}

TEST(GroupOwner, WhoseDomainGoesIsLeftWithABlockedGroup) {
  FakeSystem system;
  Device& nic = system.add("nic");
  auto domain = system.domain();
  ASSERT_TRUE(nic.group().claim(this));
  ASSERT_TRUE(nic.group().attach(*domain, this));
  domain.reset();
  EXPECT_EQ(nic.group().domain(), nullptr);
  EXPECT_EQ(system.driver->attached().at(&nic).kind, AttachKind::kBlocked);
}

}  // namespace
}  // namespace smmu::iommu::group_merge_test
