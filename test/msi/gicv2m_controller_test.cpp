#include "smmu/iommu/gicv2m_controller.h"

#include <gtest/gtest.h>

#include <set>

#include "smmu/arch/gic.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/ram.h"
#include "smmu/testing/bus_mmio.h"
#include "smmu/testing/recording_controller.h"
#include "test/heap/heap.h"

namespace smmu::iommu::gicv2m_controller_test {
namespace {

constexpr Pa kFrame{0x802'0000};
constexpr DeviceId kNic{7};

// A frame that says what it is told to.
class Frame final : public Mmio {
 public:
  explicit Frame(std::uint32_t type) : type_(type) {}
  std::uint32_t read32(std::uint32_t offset) override {
    EXPECT_EQ(offset, V2M_MSI_TYPER::kOffset);
    return type_;
  }
  std::uint64_t read64(std::uint32_t) override { return ADD_FAILURE(), 0; }
  void write32(std::uint32_t, std::uint32_t) override { ADD_FAILURE(); }
  void write64(std::uint32_t, std::uint64_t) override { ADD_FAILURE(); }

 private:
  const std::uint32_t type_;
};

Result<std::unique_ptr<GicV2mController>, std::errc> made_of(std::uint32_t first,
                                                             std::uint32_t count) {
  Frame frame(
      V2M_MSI_TYPER().set(V2M_MSI_TYPER::BASE_SPI, first).set(V2M_MSI_TYPER::NUM_SPI, count).raw());
  return GicV2mController::create(frame, kFrame);
}

TEST(GicV2mController, MessagesNameSpisOfTheFrameAtItsSetspiRegister) {
  testing::RecordingController gic;
  const auto frame = *emulator::GicV2mFrame::create({.first_spi = 80, .spis = 16}, gic);
  emulator::Ram bus;
  ASSERT_TRUE(bus.add_device(kFrame, kV2mFrameSize, *frame));
  testing::BusMmio registers(bus, kFrame);
  const auto made = GicV2mController::create(registers, kFrame);
  ASSERT_TRUE(made);
  GicV2mController& controller = **made;
  EXPECT_EQ(controller.doorbell(), (Doorbell{Pa(0x802'0040), 4, DoorbellPath::kTranslated}));
  EXPECT_FALSE(controller.isolates());
  EXPECT_EQ(*controller.allocate(kNic, 16), (MsiRange{80, 16})) << "all that TYPER speaks of";

  registers.write32(V2M_MSI_SETSPI_NS::kOffset, 83);
  ASSERT_EQ(gic.intids(), std::vector<std::uint32_t>{83});
  EXPECT_EQ(controller.interrupt(kNic, 83), 83u);
}

TEST(GicV2mController, SpisAreGivenOnceWhateverTheDevice) {
  const auto controller = *made_of(64, 4);
  EXPECT_EQ(*controller->allocate(kNic, 1), (MsiRange{64, 1}));
  EXPECT_EQ(*controller->allocate(DeviceId(8), 1), (MsiRange{65, 1}));
  EXPECT_EQ(*controller->allocate(kNic, 2), (MsiRange{66, 2}));
  EXPECT_EQ(controller->allocate(kNic, 1).error(), std::errc::no_space_on_device);
  EXPECT_EQ(controller->interrupt(kNic, 65), 65u);
  controller->free(DeviceId(8), {65, 1});
  EXPECT_EQ(controller->interrupt(kNic, 65), std::nullopt);
  EXPECT_EQ(controller->interrupt(kNic, 63), std::nullopt);
  EXPECT_EQ(*controller->allocate(kNic, 1), (MsiRange{65, 1}));
}

TEST(GicV2mController, NoneAndMoreThanThereAreAreRefused) {
  const auto controller = *made_of(64, 4);
  EXPECT_EQ(controller->allocate(kNic, 0).error(), std::errc::invalid_argument);
  EXPECT_EQ(controller->allocate(kNic, 5).error(), std::errc::invalid_argument);
  EXPECT_EQ(controller->allocate(kNic, UINT32_MAX).error(), std::errc::invalid_argument);
}

TEST(GicV2mController, AFrameOfNonsenseIsRefused) {
  struct {
    std::uint32_t first, count;
    bool sound;
  } constexpr kFrames[] = {{0, 0, false},    {64, 0, false},   {0, 32, false},     {31, 1, false},
                           {32, 1, true},    {32, 988, true},  {32, 989, false},   {1019, 1, true},
                           {1019, 2, false}, {1020, 1, false}, {1023, 1023, false}};
  for (const auto& frame : kFrames) {
    const auto made = made_of(frame.first, frame.count);
    EXPECT_EQ(bool(made), frame.sound) << frame.first << ' ' << frame.count;
    if (made) continue;
    EXPECT_EQ(made.error(), std::errc::no_such_device);
  }
  Frame all_ones(UINT32_MAX);  // what a bus answers where nothing is
  EXPECT_EQ(GicV2mController::create(all_ones, kFrame).error(), std::errc::no_such_device);
}

TEST(GicV2mController, IsNotMadeWithoutMemory) {
  for (std::uint64_t granted = 0;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = made_of(64, 32);
    if (made) {
      EXPECT_EQ(granted, 3u);
      break;
    }
    EXPECT_EQ(made.error(), std::errc::not_enough_memory);
  }
}

}  // namespace
}  // namespace smmu::iommu::gicv2m_controller_test
