// Groups that come and go, the domains they share, and what they find there.
#include "test/vfio/container_system.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "smmu/iommu/msi_controller.h"

namespace smmu::iommu::container_groups_test {
namespace {

using std::errc;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct OnlyNics final : InterruptIsolation {
  bool is_isolated(const Group& group) override {
    return group.devices().front()->config().name == "nic";
  }
};

TEST(ContainerGroups, AGroupThatComesIsClaimedAndOneThatGoesIsReleased) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_TRUE(nic.is_owned());
  EXPECT_EQ(system.container->attach(nic).error(), errc::invalid_argument) << "it is here";
  ContainerSystem other;
  EXPECT_EQ(other.container->attach(nic).error(), errc::device_or_resource_busy);
  EXPECT_EQ(other.container->detach(nic).error(), errc::invalid_argument) << "it is not here";
  ASSERT_TRUE(system.container->detach(nic));
  EXPECT_FALSE(nic.is_owned());
  EXPECT_EQ(nic.domain(), &nic.default_domain());
}

TEST(ContainerGroups, InterruptsThatAreNotIsolatedAreRefusedUnlessAllowed) {
  OnlyNics isolation;
  ContainerSystem unknown(ContainerConfig{});
  EXPECT_EQ(unknown.container->attach(unknown.first.add("nic")).error(),
            errc::operation_not_permitted)
      << "nobody knows it to be isolated";
  ContainerSystem strict({.isolation = &isolation});
  Group& disk = strict.first.add("disk");
  EXPECT_EQ(strict.container->attach(disk).error(), errc::operation_not_permitted);
  EXPECT_FALSE(disk.is_owned());
  EXPECT_EQ(disk.domain(), &disk.default_domain());
  EXPECT_TRUE(strict.container->attach(strict.first.add("nic")));
  ContainerSystem lax({.isolation = &isolation, .unsafe_interrupts = UnsafeInterrupts::kAllow});
  EXPECT_TRUE(lax.container->attach(lax.first.add("disk")));
}

// Of a group that has got devices between the two times it is looked at.
TEST(ContainerGroups, AGroupIsLookedAtAgainWhenItIsClaimed) {
  struct OnceOnly final : InterruptIsolation {
    bool is_isolated(const Group& group) override {
      was_owned.push_back(group.is_owned());
      return was_owned.size() == 1;
    }
    std::vector<bool> was_owned;
  } isolation;
  ContainerSystem system({.isolation = &isolation});
  Group& nic = system.first.add("nic");
  EXPECT_EQ(system.container->attach(nic).error(), errc::operation_not_permitted);
  EXPECT_THAT(isolation.was_owned, ElementsAre(false, true));
  EXPECT_FALSE(nic.is_owned());
  EXPECT_EQ(nic.domain(), &nic.default_domain());
}

// A controller of which nothing is wanted but whether it isolates.
class Controller final : public MsiController {
 public:
  explicit Controller(bool isolates) : isolates_(isolates) {}
  Doorbell doorbell() const override { return {}; }
  bool isolates() const override { return isolates_; }
  Result<MsiRange, errc> allocate(DeviceId, std::uint32_t) override {
    return errc::no_space_on_device;
  }
  void free(DeviceId, MsiRange) override {}
  std::optional<std::uint32_t> interrupt(DeviceId, std::uint32_t) const override {
    return std::nullopt;
  }

 private:
  const bool isolates_;
};

TEST(ContainerGroups, WhereNobodyElseSaysSoTheMsiControllersDo) {
  Controller frame(false);
  Controller its(true);
  ContainerSystem system(ContainerConfig{});
  Group& nic = system.first.add("nic", {.msi_controller = &its});
  Group& disk = system.first.add("disk", {.msi_controller = &frame});
  EXPECT_TRUE(system.container->attach(nic));
  EXPECT_EQ(system.container->attach(disk).error(), errc::operation_not_permitted);
  EXPECT_FALSE(disk.is_owned());
}

TEST(ContainerGroups, ADomainIsSharedByWhatIsAlike) {
  ContainerSystem system;
  FakeSmmu& smmu = *system.first.smmu;
  smmu.incoherent = {"old", "older"};
  smmu.unsociable = {"hermit"};
  smmu.dirty_tracking = {"writer"};
  Group& nic = system.first.add("nic");
  Group& disk = system.first.add("disk");
  Group& old = system.first.add("old");
  Group& older = system.first.add("older");
  Group& hermit = system.first.add("hermit");
  Group& writer = system.first.add("writer");
  Group& elsewhere = system.second.add("elsewhere");
  for (Group* const group : {&nic, &disk, &old, &older, &hermit, &writer, &elsewhere}) {
    ASSERT_TRUE(system.container->attach(*group));
  }
  EXPECT_EQ(nic.domain(), disk.domain());
  EXPECT_EQ(old.domain(), older.domain());
  EXPECT_NE(nic.domain(), old.domain()) << "coherency differs";
  EXPECT_NE(nic.domain(), writer.domain()) << "so does what tables tell";
  EXPECT_NE(nic.domain(), elsewhere.domain()) << "so does the SMMU";
  EXPECT_NE(nic.domain(), hermit.domain()) << "the driver wants it so";
  EXPECT_NE(old.domain(), hermit.domain());
  EXPECT_EQ(nic.domain()->attachments(), 2u);
}

TEST(ContainerGroups, SlotsFromBeforeAreThereForWhoComes) {
  ContainerSystem system;
  ASSERT_TRUE(system.map(0x10, 1, 9));
  ASSERT_TRUE(system.map(0x30, 20, 2, MapFlags::kRead));
  EXPECT_EQ(system.memory.pinned(), 0u) << "nobody uses it";
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_EQ(system.memory.pinned(), 11u);
  ASSERT_TRUE(system.container->attach(disk));
  EXPECT_EQ(system.memory.pinned(), 11u);
  EXPECT_EQ(pages(nic), pages(disk));
  EXPECT_THAT(pages(disk), SizeIs(11));
  EXPECT_TRUE(system.finds(disk, 0x10, 1, 9));
  EXPECT_TRUE(system.finds(disk, 0x30, 20, 2));
}

TEST(ContainerGroups, SlotsStayUntilTheLastGroupIsGone) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  ASSERT_TRUE(system.map(0x10, 1, 9));
  ASSERT_TRUE(system.container->detach(nic));
  EXPECT_EQ(system.first.smmu->live_domains(), 0u);
  EXPECT_TRUE(system.finds(disk, 0x10, 1, 9));
  EXPECT_EQ(system.memory.pinned(), 9u);
  ASSERT_TRUE(system.container->detach(disk));
  EXPECT_EQ(system.container->slots(), 0u);
  EXPECT_EQ(system.memory.pinned(), 0u);
  EXPECT_EQ(system.second.smmu->live_domains(), 0u);
  EXPECT_TRUE(system.map(0x10, 1, 9)) << "it begins anew";
}

TEST(ContainerGroups, AGroupWhoseDevicesHaveARegionWhereASlotIsIsRefused) {
  ContainerSystem system;
  ASSERT_TRUE(system.map(0x100, 0, 16));
  const auto refuse = [&](ReservedType type) {
    Group& nic = system.first.add(fmt::format("nic {}", static_cast<int>(type)),
                                  {.reserved = {{Iova(0x10'f000), 0x1000, type, kReadWrite}}});
    const auto attached = system.container->attach(nic);
    EXPECT_EQ(nic.is_owned(), attached.has_value());
    return attached ? errc{} : attached.error();
  };
  EXPECT_EQ(refuse(ReservedType::kReserved), errc::invalid_argument);
  EXPECT_EQ(refuse(ReservedType::kMsi), errc::invalid_argument);
  EXPECT_EQ(refuse(ReservedType::kSoftwareMsi), errc::invalid_argument);
  EXPECT_EQ(refuse(ReservedType::kDirectRelaxable), errc{});
}

TEST(ContainerGroups, ADeviceThatMustNotBeBlockedIsNotForTaking) {
  ContainerSystem system;
  auto made =
      Iommu::create(std::make_unique<FakeSmmu>(), {.default_domain = DomainType::kIdentity});
  ASSERT_TRUE(made);
  const auto device = (*made)->add_device(
      {.name = "display",
       .streams = {{StreamId(1)}},
       .reserved = {{Iova(0x10'0000), 0x1000, ReservedType::kDirect, kReadWrite}}});
  ASSERT_TRUE(device);
  EXPECT_EQ(system.container->attach((*device)->group()).error(), errc::invalid_argument);
  EXPECT_FALSE((*device)->group().is_owned());
}

TEST(ContainerGroups, AnApertureThatIsTooSmallOrElsewhereIsRefused) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  Group& disk = system.second.add("disk");
  system.second.smmu->geometry = {Iova(1ull << 48), Iova((1ull << 49) - 1)};
  EXPECT_EQ(system.container->attach(disk).error(), errc::invalid_argument) << "nothing in common";
  system.second.smmu->geometry = {Iova(0), Iova(0xffff'ffff)};
  ASSERT_TRUE(system.map(0x100000, 0, 1));
  EXPECT_EQ(system.container->attach(disk).error(), errc::invalid_argument) << "a slot is beyond";
  ASSERT_TRUE(system.unmap(0x100000, 1));
  ASSERT_TRUE(system.container->attach(disk));
  EXPECT_EQ(system.map(0x100000, 0, 1).error(), errc::invalid_argument);
  EXPECT_THAT(system.container->capabilities().ranges,
              ElementsAre(IovaSpan{Iova(0), Iova(0xffff'ffff)}));
}

TEST(ContainerGroups, PageSizesAreThoseThatAllDomainsHave) {
  ContainerSystem system;
  EXPECT_EQ(system.container->capabilities().page_sizes, ~std::uint64_t{0xfff});
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  system.second.smmu->page_sizes = 1 << 16 | 1 << 29;
  EXPECT_EQ(system.container->attach(disk).error(), errc::invalid_argument) << "none in common";
  EXPECT_FALSE(disk.is_owned());
  system.second.smmu->page_sizes = 1 << 21;
  ASSERT_TRUE(system.map(1, 0, 1));
  EXPECT_EQ(system.container->attach(disk).error(), errc::invalid_argument) << "a slot is smaller";
  ASSERT_TRUE(system.unmap(1, 1));
  ASSERT_TRUE(system.container->attach(disk));
  EXPECT_EQ(system.container->capabilities().page_sizes, 1u << 21);
  EXPECT_EQ(system.map(1, 0, 1).error(), errc::invalid_argument);
  ASSERT_TRUE(system.container->detach(disk));
  EXPECT_TRUE(system.map(1, 0, 1));
}

// Of 64 KB, which one of the SMMUs makes up of smaller ones.
TEST(ContainerGroups, PagesThatAreSmallerThanThoseOfTheMemoryMakeUpOneOfThat) {
  for (const bool is_finer_first : {true, false}) {
    // All of the memory in one piece, which begins at a multiple of such a page.
    ContainerSystem system({.page_size = 1 << 16, .unsafe_interrupts = UnsafeInterrupts::kAllow},
                           FakeMemory::kSize / kPage);
    system.first.smmu->page_sizes = 1 << 12 | 1 << 21 | 1 << 30;
    system.second.smmu->page_sizes = 1 << 16 | 1 << 29;
    Group& fine = system.first.add("fine");
    Group& coarse = system.second.add("coarse");
    ASSERT_TRUE(system.container->attach(is_finer_first ? fine : coarse));
    EXPECT_EQ(system.container->capabilities().page_sizes,
              is_finer_first ? 1u << 16 | 1u << 21 | 1u << 30 : 1u << 16 | 1u << 29);
    ASSERT_TRUE(system.map(0x10, 0x20, 16)) << "before the other one comes";
    ASSERT_TRUE(system.container->attach(is_finer_first ? coarse : fine));
    EXPECT_EQ(system.container->capabilities().page_sizes, 1u << 16);
    EXPECT_EQ(system.map(0x41, 0x40, 16).error(), errc::invalid_argument);
    ASSERT_TRUE(system.map(0x40, 0x40, 32));
    for (const Group* const group : {&fine, &coarse}) {
      EXPECT_TRUE(system.finds(*group, 0x10, 0x20, 16));
      EXPECT_TRUE(system.finds(*group, 0x40, 0x40, 32));
    }
    EXPECT_EQ(*system.unmap(0x10, 16), 16 * kPage);
    EXPECT_EQ(system.memory.pinned(), 32u);
  }
}

TEST(ContainerGroups, AContainerThatGoesLeavesNothingBehind) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  ASSERT_TRUE(system.map(0x10, 0, 100));
  system.container.reset();
  EXPECT_EQ(system.memory.pinned(), 0u);
  EXPECT_FALSE(nic.is_owned());
  EXPECT_FALSE(disk.is_owned());
  EXPECT_EQ(system.first.smmu->live_domains(), 0u);
}

}  // namespace
}  // namespace smmu::iommu::container_groups_test
