// Errors in the middle of a call: whatever fails, all is as it was.
#include "test/vfio/container_system.h"

#include <gmock/gmock.h>

#include <functional>
#include <utility>

#include "test/heap/heap.h"

namespace smmu::iommu::container_failure_test {
namespace {

using std::errc;

// All that a user, a device or the memory's owner could see.
struct Seen {
  std::uint32_t slots;
  std::vector<IovaSpan> ranges;
  std::uint64_t page_sizes;
  std::optional<IovaSpan> window;
  std::map<std::uint64_t, std::uint64_t> pins;
  std::vector<FakeTables::Pages> pages;
  std::vector<const Domain*> domains;
  std::vector<bool> owned;
  std::vector<bool> windows;
  std::uint64_t live_domains;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen see(const ContainerSystem& system, const std::vector<Group*>& groups) {
  const ContainerCapabilities found = system.container->capabilities();
  Seen seen{system.container->slots(),
            found.ranges,
            found.page_sizes,
            found.msi.window,
            system.memory.pins(),
            {},
            {},
            {},
            {},
            system.first.smmu->live_domains() + system.second.smmu->live_domains()};
  for (const Group* const group : groups) {
    const Domain* const domain = group->domain();
    seen.domains.push_back(domain);
    seen.owned.push_back(group->is_owned());
    const bool pages = domain != nullptr && domain->is_paging();
    seen.pages.push_back(pages ? iommu::pages(*group) : FakeTables::Pages{});
    seen.windows.push_back(pages && domain->in_reserved_window(Iova(0), UINT64_MAX));
  }
  return seen;
}

// Two SMMUs, each with two devices.
struct Fallible : ContainerSystem {
  Fallible() {
    for (FakeSmmu* const smmu : {first.smmu, second.smmu}) smmu->incoherent = {"old"};
    groups = {&first.add("nic"), &first.add("old"), &second.add("disk"), &second.add("net")};
  }
  Seen seen() const { return see(*this, groups); }
  std::vector<Group*> groups;
};

// Lets `refuse(n)` refuse the n-th and later requests of what `act` does, for every n until there
// was nothing to refuse, and returns how often that was.
int with_failures(Fallible& system, const std::function<void(std::uint64_t)>& refuse,
                  const std::function<void()>& relent, errc expected,
                  const std::function<Result<Done, errc>()>& act) {
  for (int n = 0;; ++n) {
    const Seen before = system.seen();
    refuse(static_cast<std::uint64_t>(n));
    const auto done = act();
    relent();
    if (done) return n;
    EXPECT_EQ(done.error(), expected) << n;
    EXPECT_EQ(system.seen(), before) << n;
    if (::testing::Test::HasFailure() || n == 200) return n;
  }
}

struct ContainerFailure : ::testing::Test {
  int with_map_refused(const std::function<Result<Done, errc>()>& act, FakeSmmu* smmu) {
    return with_failures(
        system, [&](std::uint64_t n) { smmu->fail_map(n, errc::no_space_on_device); },
        [&] { smmu->fail_map(UINT64_MAX / 2, errc{}); }, errc::no_space_on_device, act);
  }
  int with_pin_refused(const std::function<Result<Done, errc>()>& act) {
    return with_failures(
        system, [&](std::uint64_t n) { system.memory.grant(n); },
        [&] { system.memory.grant(UINT64_MAX); }, errc::not_enough_memory, act);
  }
  int with_heap_refused(const std::function<Result<Done, errc>()>& act) {
    std::optional<HeapRefusal> refusal;
    return with_failures(
        system, [&](std::uint64_t n) { refusal.emplace(n); }, [&] { refusal.reset(); },
        errc::not_enough_memory, act);
  }
  int with_attach_refused(const std::function<Result<Done, errc>()>& act, FakeSmmu* smmu) {
    return with_failures(
        system, [&](std::uint64_t n) { smmu->fail_attach(n, errc::no_space_on_device); },
        [&] { smmu->fail_attach(UINT64_MAX / 2, errc{}); }, errc::no_space_on_device, act);
  }
  // Two domains in the first SMMU and one in the second, and a slot.
  void attach_three() {
    for (const int n : {0, 1, 2}) {
      ASSERT_TRUE(system.container->attach(*system.groups[static_cast<std::size_t>(n)]));
    }
    ASSERT_TRUE(system.map(0x1000, 100, 3));
  }
  Fallible system;
};

TEST_F(ContainerFailure, AMapThatADriverRefusesSomewhereMapsNothing) {
  attach_three();
  // 10 pages from the third of a run on: 2, 4 and 4.
  const auto map = [&] { return system.map(0x10, 2, 10); };
  EXPECT_EQ(with_map_refused(map, system.first.smmu), 6) << "three runs, two domains";
  ASSERT_TRUE(system.unmap(0x10, 10));
  EXPECT_EQ(with_map_refused(map, system.second.smmu), 3);
  EXPECT_TRUE(system.finds(*system.groups[0], 0x10, 2, 10));
  EXPECT_TRUE(system.finds(*system.groups[2], 0x10, 2, 10));
}

TEST_F(ContainerFailure, AMapWhoseMemoryIsRefusedMapsNothing) {
  attach_three();
  EXPECT_EQ(with_pin_refused([&] { return system.map(0x10, 2, 10); }), 3);
  EXPECT_TRUE(system.finds(*system.groups[1], 0x10, 2, 10));
}

TEST_F(ContainerFailure, AMapThatLeavesTheProgramsMemoryMapsNothing) {
  attach_three();
  const Seen before = system.seen();
  const std::uint64_t last = FakeMemory::kSize / kPage - 6;
  EXPECT_EQ(system.map(0x10, last, 10).error(), errc::bad_address);
  EXPECT_EQ(system.seen(), before);
}

TEST_F(ContainerFailure, AMapWithoutMemoryForItsSlotMapsNothing) {
  attach_three();
  EXPECT_EQ(with_heap_refused([&] { return system.map(0x10, 2, 10); }), 1);
}

TEST_F(ContainerFailure, AWindowThatOneDomainRefusesIsOpenInNone) {
  attach_three();
  EXPECT_GE(with_heap_refused([&] { return system.open_window(0x8000, 16); }), 4)
      << "the slot, and something for each domain";
  for (const int n : {0, 1, 2}) {
    EXPECT_TRUE(system.groups[static_cast<std::size_t>(n)]->domain()->in_reserved_window(
        Iova(0x800'0000), kPage));
  }
}

TEST_F(ContainerFailure, ARunThatIsNoneIsAnErrorOfItsOwner) {
  attach_three();
  const Seen before = system.seen();
  const Pa pa(0x9'0000'0000);
  for (const PinnedRun run :
       {PinnedRun{pa, 0}, PinnedRun{pa, 5 * kPage}, PinnedRun{pa, 100}, PinnedRun{Pa(8), kPage},
        PinnedRun{Pa(UINT64_MAX - 0xfff), 2 * kPage}}) {
    system.memory.answer = run;
    EXPECT_EQ(system.map(0x10, 0, 4).error(), errc::io_error) << run.size;
    EXPECT_EQ(system.seen(), before);
  }
}

TEST_F(ContainerFailure, AGroupThatTheDriverRefusesSomewhereIsNotThere) {
  ASSERT_TRUE(system.map(0x10, 2, 10));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  const auto attach = [&](std::size_t n) {
    return [&, n] { return system.container->attach(*system.groups[n]); };
  };
  EXPECT_EQ(with_attach_refused(attach(0), system.first.smmu), 2) << "claimed, attached";
  EXPECT_EQ(system.memory.pinned(), 10u);
  EXPECT_EQ(with_attach_refused(attach(1), system.first.smmu), 2)
      << "the other one's domain is not for it";
  EXPECT_EQ(with_attach_refused(attach(2), system.second.smmu), 2);
  EXPECT_EQ(system.memory.pinned(), 10u);
}

TEST_F(ContainerFailure, AGroupWithWhichTheDriverRefusesToShareHasADomainOfItsOwn) {
  attach_three();
  system.second.smmu->fail_attach(1, errc::no_space_on_device);
  ASSERT_TRUE(system.container->attach(*system.groups[3]));
  EXPECT_NE(system.groups[3]->domain(), system.groups[2]->domain());
  EXPECT_TRUE(system.finds(*system.groups[3], 0x1000, 100, 3));
}

TEST_F(ContainerFailure, AReplayThatIsRefusedSomewhereLeavesNothing) {
  ASSERT_TRUE(system.map(0x10, 2, 10));
  ASSERT_TRUE(system.map(0x30, 40, 2));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  const auto attach = [&](std::size_t n) {
    return [&, n] { return system.container->attach(*system.groups[n]); };
  };
  // Of the first group, whose memory is pinned only now.
  EXPECT_EQ(with_pin_refused(attach(0)), 4);
  ASSERT_TRUE(system.map(0x40, 50, 2));  // so that there is something left
  EXPECT_EQ(with_map_refused(attach(1), system.first.smmu), 5);
  EXPECT_EQ(with_map_refused(attach(2), system.second.smmu), 5);
  EXPECT_TRUE(system.finds(*system.groups[2], 0x10, 2, 10));
}

TEST_F(ContainerFailure, AFirstReplayThatADriverRefusesUnpinsAll) {
  ASSERT_TRUE(system.map(0x10, 2, 10));
  ASSERT_TRUE(system.map(0x30, 40, 2));
  EXPECT_EQ(with_map_refused([&] { return system.container->attach(*system.groups[0]); },
                             system.first.smmu),
            4);
  EXPECT_EQ(system.container->slots(), 2u);
}

TEST_F(ContainerFailure, AGroupWithoutMemoryForWhatIsKeptOfItIsNotThere) {
  ASSERT_TRUE(system.map(0x10, 2, 10));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  for (const std::size_t n : {0u, 1u, 2u}) {
    EXPECT_GE(with_heap_refused([&] { return system.container->attach(*system.groups[n]); }), 4);
  }
  EXPECT_TRUE(system.groups[2]->domain()->in_reserved_window(Iova(0x800'0000), kPage));
}

TEST_F(ContainerFailure, AGroupThatCanShareGoesThereEvenWithoutMemoryForADomain) {
  attach_three();
  EXPECT_EQ(with_heap_refused([&] { return system.container->attach(*system.groups[3]); }), 4)
      << "what is kept of it, and its regions, before it is claimed and after";
  EXPECT_EQ(system.groups[3]->domain(), system.groups[2]->domain());
}

TEST_F(ContainerFailure, ADomainThatCannotBeMadeIsNoGroup) {
  system.first.smmu->create_error = errc::operation_not_supported;
  const Seen before = system.seen();
  EXPECT_EQ(system.container->attach(*system.groups[0]).error(), errc::operation_not_supported);
  EXPECT_EQ(system.seen(), before);
}

// A device that is in use is not even for a moment blocked.
TEST_F(ContainerFailure, WhereASlotOrInterruptsForbidAGroupTheDriverIsNotAsked) {
  ASSERT_TRUE(system.map(0x100, 0, 16));
  FakeSmmu& smmu = *system.first.smmu;
  Group& nic = system.first.add(
      "reserving", {.reserved = {{Iova(0x10'f000), 0x1000, ReservedType::kReserved, kReadWrite}}});
  smmu.fail_attach(0, errc::io_error);
  EXPECT_EQ(system.container->attach(nic).error(), errc::invalid_argument);
  const auto careful = *Container::create(system.memory);
  EXPECT_EQ(careful->attach(*system.groups[0]).error(), errc::operation_not_permitted);
  EXPECT_EQ(system.container->attach(*system.groups[0]).error(), errc::io_error)
      << "it would have been asked here for the first time";
}

TEST_F(ContainerFailure, AGroupThatTheDriverDoesNotTakeBackIsBlocked) {
  FakeSmmu& smmu = *system.first.smmu;
  smmu.create_error = errc::operation_not_supported;
  smmu.fail_attach(1, errc::io_error);  // claimed, and then
  Group& nic = *system.groups[0];
  EXPECT_EQ(system.container->attach(nic).error(), errc::operation_not_supported);
  EXPECT_FALSE(nic.is_owned());
  EXPECT_EQ(nic.domain(), nullptr);
  smmu.create_error.reset();
  EXPECT_TRUE(system.container->attach(nic)) << "it can be had all the same";
}

TEST_F(ContainerFailure, ToDetachAndToUnmapNeedsNoMemory) {
  attach_three();
  ASSERT_TRUE(system.open_window(0x8000, 16));
  const HeapRefusal refusal;
  EXPECT_TRUE(system.unmap(0x1000, 3));
  EXPECT_TRUE(system.container->detach(*system.groups[0]));
  EXPECT_TRUE(system.unmap(0x8000, 16));
  EXPECT_TRUE(system.container->detach(*system.groups[1]));
  EXPECT_TRUE(system.container->detach(*system.groups[2]));
  EXPECT_EQ(refusal.refused(), 0u);
}

TEST(ContainerFailureAlone, AContainerWithoutMemoryIsNone) {
  FakeMemory memory;
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = Container::create(memory);
    if (made) break;
    ASSERT_EQ(made.error(), errc::not_enough_memory);
  }
  EXPECT_EQ(granted, 2u);
}

}  // namespace
}  // namespace smmu::iommu::container_failure_test
