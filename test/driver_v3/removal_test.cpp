// Devices and groups go while other threads handle their faults, and these call what they like.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "smmu/testing/driven_board.h"

namespace smmu::testing::removal_test {
namespace {

using iommu::DomainType;

constexpr StreamId kNic = StreamId(7);
constexpr StreamId kDisk = StreamId(8);

// Does once, in the middle of a fault, what the test says.
class Once final : public iommu::FaultHandler {
 public:
  using Act = std::function<void(iommu::Domain&, iommu::Device&)>;
  explicit Once(Act act) : act_(std::move(act)) {}
  iommu::FaultAction on_fault(iommu::Domain& domain, iommu::Device* device,
                              const iommu::Fault&) override {
    if (device == nullptr || inside.exchange(true)) return iommu::FaultAction::kTerminate;
    act_(domain, *device);
    done = true;
    return iommu::FaultAction::kTerminate;
  }
  void wait_until_inside() const {
    while (!inside) std::this_thread::yield();
  }
  std::atomic<bool> inside{false};
  std::atomic<bool> done{false};

 private:
  const Act act_;
};

TEST(Removal, AHandlerAttachesTheGroupOfADeviceThatGoes) {
  DrivenBoard board;
  const auto domain = board.domain();
  const auto other = board.domain();
  Once handler([&](iommu::Domain& told, iommu::Device& device) {
    while (!board.iommu().groups().empty()) std::this_thread::yield();
    EXPECT_EQ(&told, domain.get());
    EXPECT_EQ(told.attachments(), 0U);
    EXPECT_TRUE(device.group().devices().empty());
    EXPECT_TRUE(device.group().attach(*other));
    EXPECT_FALSE(device.attach_pasid(SubstreamId(1), *other));
    EXPECT_FALSE(board.iommu().add_device(
        {.name = "late", .streams = {{kDisk}}, .not_isolated_from = {&device}}));
  });
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  iommu::Device& added = board.add(kNic);
  ASSERT_TRUE(added.group().attach(*domain));
  const DmaDevice nic = board.device(kNic);
  std::thread faulting([&] { static_cast<void>(nic.translate(Iova(0x9000))); });
  handler.wait_until_inside();
  board.iommu().remove_device(added);
  EXPECT_TRUE(handler.done) << "the device is there until its handler has returned";
  EXPECT_EQ(other->attachments(), 0U) << "the group is gone";
  faulting.join();
}

// The group outlives those that are in it.
TEST(Removal, AHandlerKnowsTheGroupThatOthersHaveLeftToo) {
  DrivenBoard board;
  const auto domain = board.domain();
  std::atomic<bool> alone{false};
  Once handler([&](iommu::Domain&, iommu::Device& device) {
    while (!alone) std::this_thread::yield();
    EXPECT_TRUE(device.group().devices().empty());
    EXPECT_EQ(device.group().number(), 0U);
  });
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  iommu::Device& added = board.add(kNic);
  iommu::Device& beside =
      board.add({.name = "beside", .streams = {{kDisk}}, .not_isolated_from = {&added}});
  ASSERT_EQ(&added.group(), &beside.group());
  ASSERT_TRUE(added.group().attach(*domain));
  const DmaDevice nic = board.device(kNic);
  std::thread faulting([&] { static_cast<void>(nic.translate(Iova(0x9000))); });
  handler.wait_until_inside();
  std::thread removing([&] { board.iommu().remove_device(added); });
  while (board.iommu().devices().size() != 1) std::this_thread::yield();
  board.iommu().remove_device(beside);
  EXPECT_TRUE(board.iommu().groups().empty());
  alone = true;
  removing.join();
  faulting.join();
  EXPECT_TRUE(handler.done);
}

TEST(Removal, AHandlerAsksADefaultDomainThatGoesWithItsGroup) {
  DrivenBoard::Options options;
  options.iommu.default_domain = DomainType::kDma;
  DrivenBoard board(options);
  iommu::Device& first = board.add(kDisk);
  iommu::Device& second = board.add(kNic);
  Once handler([&](iommu::Domain& told, iommu::Device&) {
    while (board.iommu().groups().size() != 1) std::this_thread::yield();
    EXPECT_EQ(told.attachments(), 0U);
    EXPECT_FALSE(told.iova_to_phys(Iova(0x9000)));
  });
  ASSERT_TRUE(second.group().default_domain().set_fault_handler(&handler));
  const DmaDevice nic = board.device(kNic);
  std::thread faulting([&] { static_cast<void>(nic.translate(Iova(0x9000))); });
  handler.wait_until_inside();
  iommu::Device& bridge = board.add(
      {.name = "bridge", .streams = {{StreamId(9)}}, .not_isolated_from = {&first, &second}});
  EXPECT_TRUE(handler.done) << "the default domain is there until its handler has returned";
  EXPECT_EQ(&bridge.group(), &second.group());
  faulting.join();
}

}  // namespace
}  // namespace smmu::testing::removal_test
