#include "smmu/iommu/fixed_window_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/msi/event_log.h"

namespace smmu::iommu::fixed_window_controller_test {
namespace {

using ::testing::ElementsAre;

TEST(FixedWindowController, MessagesAreHandlesAtTheStartOfTheWindow) {
  EventLog handles;
  const auto made = FixedWindowController::create({.handles = &handles});
  ASSERT_TRUE(made);
  FixedWindowController& controller = **made;
  EXPECT_EQ(controller.doorbell(), (Doorbell{Pa(0xfee0'0000), 4, DoorbellPath::kBypasses}));
  EXPECT_EQ(controller.region(),
            (ReservedRegion{Iova(0xfee0'0000), 0x10'0000, ReservedType::kMsi, Prot::kNone}));
  EXPECT_TRUE(controller.isolates()) << "by the table of the remapping hardware";
  const auto range = *controller.allocate(DeviceId(7), 2);
  EXPECT_THAT(handles.take_calls(), ElementsAre("device 7 11 bits", "7:0 is 32", "7:1 is 33"));
  EXPECT_EQ(controller.interrupt(DeviceId(7), 1), 33u);
  controller.free(DeviceId(7), range);
}

TEST(FixedWindowController, AWindowThatCannotBeIsRefused) {
  EventLog handles;
  const auto refused = [&](FixedWindowControllerConfig config) {
    const auto made = FixedWindowController::create(config);
    return !made && made.error() == std::errc::invalid_argument;
  };
  EXPECT_TRUE(refused({.handles = nullptr}));
  EXPECT_TRUE(refused({.size = 0, .handles = &handles}));
  EXPECT_TRUE(refused({.base = Pa(2), .handles = &handles}));
  EXPECT_TRUE(refused({.base = Pa(UINT64_MAX - 3), .size = 8, .handles = &handles}));
  EXPECT_TRUE(refused({.handles = &handles, .handle_bits = 17}));
  EXPECT_TRUE(refused({.handles = &handles, .vectors = 0}));
  EXPECT_FALSE(refused({.base = Pa(UINT64_MAX - 3), .size = 4, .handles = &handles}));
}

}  // namespace
}  // namespace smmu::iommu::fixed_window_controller_test
