// Devices with a StreamID in common, as those behind a bridge of PCI are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::alias_test {
namespace {

using emulator::CachePolicy;
using iommu::DomainType;
using iommu::FaultAction;
using iommu::kReadWrite;

constexpr StreamId kBridge = StreamId(0x40);
constexpr StreamId kOwn = StreamId(0x41);
constexpr Iova kPage = Iova(0x1000);

DrivenBoard::Options with(CachePolicy policy) {
  DrivenBoard::Options options;
  options.config.caching.policy = policy;
  options.iommu.default_domain = DomainType::kBlocked;
  return options;
}

class Aliases : public ::testing::TestWithParam<CachePolicy> {
 protected:
  Aliases() { EXPECT_TRUE(domain->map(kPage, page, 4096, kReadWrite)); }
  iommu::Device& add_second() {
    return board.add(
        {.name = "second", .streams = {{kOwn}, {kBridge}}, .not_isolated_from = {&first}});
  }

  DrivenBoard board{with(GetParam())};
  const Pa page = board.allocate(4096);
  std::unique_ptr<iommu::Domain> domain = board.domain();
  iommu::Device& first = board.add({.name = "first", .streams = {{kBridge}}});
  const DmaDevice bridge = board.device(kBridge);
  const DmaDevice own = board.device(kOwn);
};

TEST_P(Aliases, AreOfOneGroupAndGoWhereItGoes) {
  ASSERT_TRUE(first.group().attach(*domain));
  EXPECT_THAT(bridge.translate(kPage), TranslatesTo(page));
  iommu::Device& second = add_second();
  EXPECT_EQ(&second.group(), &first.group());
  EXPECT_THAT(bridge.translate(kPage), TranslatesTo(page));
  EXPECT_THAT(own.translate(kPage), TranslatesTo(page));
  EXPECT_TRUE(first.group().detach());
  EXPECT_THAT(bridge.translate(kPage), Aborts());
  EXPECT_THAT(own.translate(kPage), Aborts());
  const auto other = board.domain();
  const Pa elsewhere = board.allocate(4096);
  ASSERT_TRUE(other->map(kPage, elsewhere, 4096, kReadWrite));
  ASSERT_TRUE(first.group().attach(*other));
  EXPECT_THAT(bridge.translate(kPage), TranslatesTo(elsewhere));
  EXPECT_EQ(other->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(bridge.translate(kPage), Aborts());
}

// Each has CDs of its own, and those of one that is gone are gone.
TEST_P(Aliases, TheOtherGoesOnWhicheverOfThemIsRemoved) {
  for (const bool first_goes : {true, false}) {
    DrivenBoard two(with(GetParam()));
    const auto space = two.domain();
    const Pa target = two.allocate(4096);
    ASSERT_TRUE(space->map(kPage, target, 4096, kReadWrite));
    iommu::Device& a = two.add({.streams = {{kBridge}}});
    ASSERT_TRUE(a.group().attach(*space));
    iommu::Device& b = two.add({.streams = {{kOwn}, {kBridge}}, .not_isolated_from = {&a}});
    const DmaDevice shared = two.device(kBridge);
    EXPECT_THAT(shared.translate(kPage), TranslatesTo(target));
    two.iommu().remove_device(first_goes ? a : b);
    EXPECT_THAT(shared.translate(kPage), TranslatesTo(target));
    const DmaDevice second = two.device(kOwn);
    if (first_goes) {
      EXPECT_THAT(second.translate(kPage), TranslatesTo(target));
    } else {
      EXPECT_THAT(second.translate(kPage), Aborts());
    }
    iommu::Device& left = first_goes ? b : a;
    EXPECT_EQ(space->unmap(kPage, 4096), 4096U);
    EXPECT_THAT(shared.translate(kPage), Aborts());
    two.iommu().remove_device(left);
    EXPECT_THAT(shared.translate(kPage), Aborts());
    EXPECT_EQ(space->attachments(), 0U);
  }
}

TEST_P(Aliases, AreRefusedUnlessTheyAreSaidNotToBeIsolated) {
  ASSERT_TRUE(first.group().attach(*domain));
  const std::uint64_t live = board.pool().live();
  const auto alone = board.iommu().add_device({.streams = {{StreamId(0x900)}, {kBridge}}});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error(), std::errc::invalid_argument);
  EXPECT_EQ(board.pool().live(), live);
  EXPECT_THAT(bridge.translate(kPage), TranslatesTo(page));
  iommu::Device& stranger = board.add(StreamId(3));
  const auto of_another =
      board.iommu().add_device({.streams = {{kBridge}}, .not_isolated_from = {&stranger}});
  ASSERT_FALSE(of_another);
  EXPECT_EQ(of_another.error(), std::errc::invalid_argument);
  EXPECT_THAT(bridge.translate(kPage), TranslatesTo(page));
}

// A group of more devices than one has no PASIDs; the refusal leaves those of the first alone.
TEST_P(Aliases, AreRefusedWhereTheFirstOneHasPasids) {
  for (const DomainType type : {DomainType::kBlocked, DomainType::kIdentity, DomainType::kDma}) {
    DrivenBoard::Options options = with(GetParam());
    options.iommu.default_domain = type;
    DrivenBoard alone(options);
    const auto space = alone.domain(DomainType::kUnmanaged, {.pasid = true});
    ASSERT_TRUE(space->map(kPage, page, 4096, kReadWrite));
    iommu::Device& device = alone.add({.streams = {{kBridge}}, .pasid_bits = 4});
    ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *space));
    const DmaDevice plain = alone.device(kBridge);
    const DmaDevice with_pasid = plain.substream(SubstreamId(3));
    EXPECT_THAT(with_pasid.translate(kPage), TranslatesTo(page));
    const auto refused =
        alone.iommu().add_device({.streams = {{kBridge}}, .not_isolated_from = {&device}});
    ASSERT_FALSE(refused);
    EXPECT_THAT(with_pasid.translate(kPage), TranslatesTo(page)) << name(type);
    EXPECT_EQ(std::holds_alternative<emulator::Translation>(plain.translate(Iova(0x7000))),
              type == DomainType::kIdentity);
    device.detach_pasid(SubstreamId(3));
    EXPECT_THAT(with_pasid.translate(kPage), Aborts());
  }
}

TEST_P(Aliases, AFaultIsToldAsTheFirstOnes) {
  class Handler final : public iommu::FaultHandler {
   public:
    FaultAction on_fault(iommu::Domain&, iommu::Device* device, const iommu::Fault&) override {
      devices.push_back(device);
      return FaultAction::kTerminate;
    }
    std::vector<iommu::Device*> devices;
  } handler;
  iommu::Device& second = add_second();
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(first.group().attach(*domain));
  EXPECT_THAT(bridge.translate(Iova(0x5000)), Aborts());
  EXPECT_THAT(own.translate(Iova(0x5000)), Aborts());
  board.iommu().remove_device(first);
  EXPECT_THAT(bridge.translate(Iova(0x5000)), Aborts());
  EXPECT_THAT(handler.devices, ::testing::ElementsAre(&first, &second, &second));
  EXPECT_TRUE(second.group().detach());
  ASSERT_TRUE(domain->set_fault_handler(nullptr));
}

INSTANTIATE_TEST_SUITE_P(Driver, Aliases,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kAdversarial));

// The second one's entry is that of the first, which nobody invalidates.
TEST(AliasOrder, ASecondDeviceDisturbsNothing) {
  ScriptedBoard board;
  ASSERT_EQ(board.start(), "");
  iommu::Device& first = board.add({.streams = {{kBridge}}});
  const auto domain = board.domain(DomainType::kIdentity);
  ASSERT_TRUE(first.group().attach(*domain));
  board.smmu.story();
  iommu::Device& second = board.add({.streams = {{kBridge}}, .not_isolated_from = {&first}});
  EXPECT_THAT(board.smmu.story(), ::testing::IsEmpty());
  board.iommu->remove_device(second);
  EXPECT_THAT(board.smmu.story(), ::testing::IsEmpty());
}

TEST(AliasOrder, ASecondDeviceThatIsRefusedDisturbsNoPasid) {
  for (const auto kind : {iommu::AttachKind::kBlocked, iommu::AttachKind::kIdentity}) {
    ScriptedBoard board;
    ASSERT_EQ(board.start(), "");
    iommu::Device& first = board.add({.streams = {{kBridge}}, .pasid_bits = 4});
    const auto space = board.domain(DomainType::kUnmanaged, {.pasid = true});
    ASSERT_TRUE(board.driver->attach(first, {kind}));
    ASSERT_TRUE(first.attach_pasid(SubstreamId(3), *space));
    board.smmu.story();
    EXPECT_FALSE(board.iommu->add_device({.streams = {{kBridge}}, .not_isolated_from = {&first}}));
    EXPECT_THAT(board.smmu.story(), ::testing::IsEmpty());
    first.detach_pasid(SubstreamId(3));
  }
}

}  // namespace
}  // namespace smmu::testing::alias_test
