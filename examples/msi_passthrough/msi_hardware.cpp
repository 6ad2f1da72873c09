#include "examples/msi_passthrough/msi_hardware.h"

#include "examples/msi_passthrough/bus_probe.h"
#include "smmu/emulator/fixed_msi_window.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/its_doorbell.h"
#include "smmu/iommu/fixed_window_controller.h"
#include "smmu/iommu/gicv2m_controller.h"
#include "smmu/iommu/its_controller.h"
#include "smmu/testing/bus_mmio.h"
#include "smmu/testing/event_commands.h"

using namespace smmu;

namespace {

// DeviceIDs are StreamIDs and this.
constexpr std::uint32_t kFirstDeviceId = 0x100;

class GicV2m final : public MsiHardware {
 public:
  GicV2m(Machine& machine, emulator::InterruptController& processors)
      : frame_(*emulator::GicV2mFrame::create({.first_spi = 64, .spis = 64}, processors)),
        probe_(*frame_, kBase) {
    if (!machine.bus().add_device(kBase, kV2mFrameSize, probe_)) std::abort();
    testing::BusMmio registers(machine.bus(), kBase);
    controller_ = *iommu::GicV2mController::create(registers, kBase);
  }
  iommu::MsiController& controller() override { return *controller_; }
  bool as_device() const override { return probe_.as_device(); }

 private:
  static constexpr Pa kBase{0x802'0000};
  std::unique_ptr<emulator::GicV2mFrame> frame_;
  BusProbe probe_;
  std::unique_ptr<iommu::GicV2mController> controller_;
};

class Its final : public MsiHardware {
 public:
  Its(Machine& machine, emulator::InterruptController& processors)
      : its_(*emulator::ItsDoorbell::create({.device_ids = {.first = kFirstDeviceId}}, processors)),
        probe_(*its_, kFrame),
        commands_(its_->table()),
        controller_(
            *iommu::ItsController::create({.translation_frame = kFrame, .events = &commands_})) {
    if (!machine.bus().add_device(kFrame, kItsTranslationFrameSize, probe_)) std::abort();
  }
  iommu::MsiController& controller() override { return *controller_; }
  bool as_device() const override { return probe_.as_device(); }

 private:
  static constexpr Pa kFrame{0x809'0000};
  std::unique_ptr<emulator::ItsDoorbell> its_;
  BusProbe probe_;
  testing::EventCommands commands_;
  std::unique_ptr<iommu::ItsController> controller_;
};

class FixedWindow final : public MsiHardware {
 public:
  explicit FixedWindow(emulator::InterruptController& processors)
      : window_(*emulator::FixedMsiWindow::create({.device_ids = {.first = kFirstDeviceId}},
                                                  processors)),
        commands_(window_->table()),
        controller_(*iommu::FixedWindowController::create({.handles = &commands_})) {}
  iommu::MsiController& controller() override { return *controller_; }
  bool as_device() const override { return true; }  // nothing is
  std::vector<iommu::ReservedRegion> reserved() const override { return {controller_->region()}; }
  // In front of the SMMU.
  testing::DmaDevice device(Machine& machine, StreamId stream) override {
    return testing::DmaDevice(window_->add_port(machine.add_port()), stream);
  }

 private:
  std::unique_ptr<emulator::FixedMsiWindow> window_;
  testing::EventCommands commands_;
  std::unique_ptr<iommu::FixedWindowController> controller_;
};

}  // namespace

std::unique_ptr<MsiHardware> make_msi_hardware(Interrupts interrupts, Machine& machine,
                                               emulator::InterruptController& processors) {
  switch (interrupts) {
    case Interrupts::kGicV2m:
      return std::make_unique<GicV2m>(machine, processors);
    case Interrupts::kIts:
      return std::make_unique<Its>(machine, processors);
    case Interrupts::kFixedWindow:
      break;
  }
  return std::make_unique<FixedWindow>(processors);
}
