#include <gtest/gtest.h>

#include "smmu/iommu/fixed_window_controller.h"
#include "smmu/iommu/gicv2m_controller.h"
#include "smmu/iommu/msi_controller.h"
#include "test/msi/doorbells.h"

namespace smmu::iommu::isolation_test {
namespace {

class Spis final : public Mmio {
 public:
  std::uint32_t read32(std::uint32_t) override {
    return V2M_MSI_TYPER().set(V2M_MSI_TYPER::BASE_SPI, 64u).set(V2M_MSI_TYPER::NUM_SPI, 32u).raw();
  }
  std::uint64_t read64(std::uint32_t) override { return 0; }
  void write32(std::uint32_t, std::uint32_t) override {}
  void write64(std::uint32_t, std::uint64_t) override {}
};

TEST(MsiIsolation, OfAGroupIsThatOfAllItsDevicesControllers) {
  FakeIts its;
  EventLog handles;
  const auto window = *FixedWindowController::create({.handles = &handles});
  Spis registers;
  const auto frame = *GicV2mController::create(registers, Pa(0x802'0000));

  FakeSystem system;
  Device& nic = system.add("nic", {.msi_controller = its.its.get(), .msi_device = DeviceId(1)});
  EXPECT_TRUE(group_has_isolated_msi(nic.group()));
  Device& disk = system.add("disk", {.not_isolated_from = {&nic}, .msi_controller = window.get()});
  ASSERT_EQ(&disk.group(), &nic.group());
  EXPECT_TRUE(group_has_isolated_msi(nic.group()));
  Device& uart = system.add("uart", {.not_isolated_from = {&nic}, .msi_controller = frame.get()});
  EXPECT_FALSE(group_has_isolated_msi(nic.group())) << "one can raise the others' interrupts";
  system.iommu->remove_device(uart);
  EXPECT_TRUE(group_has_isolated_msi(nic.group()));
  system.add("mute", {.not_isolated_from = {&nic}});
  EXPECT_FALSE(group_has_isolated_msi(nic.group())) << "nobody vouches for that one";
  EXPECT_FALSE(
      group_has_isolated_msi(system.add("timer", {.msi_controller = frame.get()}).group()));
}

}  // namespace
}  // namespace smmu::iommu::isolation_test
