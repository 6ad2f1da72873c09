// A guest gets a device whose interrupts are messages.  A message is a write, so the SMMU
// translates it, as it does everything that the device writes: somebody has to map the doorbell,
// at an address that the guest has no use for, and tell the device that address.
//
// Without arguments: for both generations and each way to take messages, the message arrives.
// --without-binding: the doorbell is not mapped when the device writes, and what the SMMU says.
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "examples/msi_passthrough/machine.h"
#include "examples/msi_passthrough/msi_hardware.h"
#include "smmu/iommu/container.h"
#include "smmu/iommu/msi_vectors.h"
#include "smmu/iommu/pinned_ram.h"
#include "smmu/testing/dma_device.h"

using namespace smmu;
using emulator::InterruptMessage;

namespace {

constexpr StreamId kNicStream(7);
constexpr DeviceId kNicId(0x107);
constexpr std::uint64_t kGuestRamSize = 4 << 20;
constexpr Iova kWindow(0x0800'0000);  // where the guest has no RAM
constexpr std::uint64_t kWindowSize = 1 << 20;

enum class Binding : bool { kRemoved, kKept };

// The value, or the end of the program.
template <class T>
T must(Result<T, std::errc> result, std::string_view what) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}: {}\n", what, std::make_error_code(result.error()).message());
  std::exit(1);
}

// Where interrupts end.
class Processors final : public emulator::InterruptController {
 public:
  void raise(const InterruptMessage& message) override { raised_ = message; }
  std::optional<InterruptMessage> take() { return std::exchange(raised_, std::nullopt); }

 private:
  std::optional<InterruptMessage> raised_;
};

// What the SMMU makes of addresses.
class Watcher final : public emulator::Observer {
 public:
  void on_tlb_fill(const emulator::TlbEntryInfo& entry) override {
    fmt::print("  SMMU      IOVA {:#011x} is PA {:#011x}, {:#x} bytes\n", entry.address.value,
               entry.pa.value, entry.size);
  }
};

class Log final : public iommu::DriverLog {
 public:
  void say(std::string_view sentence) override { fmt::print("  driver    {}\n", sentence); }
};

// The device writes to the guest's RAM.  Whether that is what the guest finds there.
bool reaches_ram(const testing::DmaDevice& device, Machine& machine, Pa ram) {
  std::array<std::byte, 16> sent;
  for (std::size_t i = 0; i != sent.size(); ++i) sent[i] = static_cast<std::byte>(0xa0 + i);
  std::array<std::byte, 16> found{};
  const bool written = device.write(Iova(ram.value), sent).bytes == sent.size() &&
                       machine.bus().read(ram, found) == BusResponse::kOkay;
  const bool same = written && found == sent;
  fmt::print("  guest     PA   {:#011x}, {} bytes of the device {}\n", ram.value, sent.size(),
             same ? "are there" : "are not there");
  return same;
}

// Whether the device's message has arrived as its own, and as a write to a device; and its DMA.
bool pass_through(Generation generation, Interrupts interrupts, Binding binding) {
  Processors processors;
  Watcher watcher;
  Log log;
  std::unique_ptr<MsiHardware> msi;  // its controller is there as long as there are devices
  const auto machine = make_machine(generation, watcher, log);
  msi = make_msi_hardware(interrupts, *machine, processors);
  const testing::DmaDevice nic_hardware = msi->device(*machine, kNicStream);

  // The host finds the device.
  iommu::Device& nic = *must(machine->iommu().add_device({.name = "nic",
                                                          .streams = {{kNicStream}},
                                                          .reserved = msi->reserved(),
                                                          .msi_controller = &msi->controller(),
                                                          .msi_device = kNicId}),
                             "add_device");

  // A program gives it to a guest, whose RAM is where it is in the host, too.
  const Pa guest_ram = machine->allocate(kGuestRamSize);
  const auto memory =
      must(iommu::PinnedRam::create(machine->bus(), guest_ram, kGuestRamSize), "PinnedRam");
  // It takes devices that cannot raise each other's interrupts, unless it is told otherwise.
  const auto container =
      must(iommu::Container::create(*memory,
                                    {// Any device raises any interrupt of a GICv2m.
                                     .unsafe_interrupts = msi->controller().isolates()
                                                              ? iommu::UnsafeInterrupts::kRefuse
                                                              : iommu::UnsafeInterrupts::kAllow}),
           "Container");
  must(container->attach(nic.group()), "attach");
  must(container->map_dma({.flags = iommu::MapFlags::kRead | iommu::MapFlags::kWrite,
                           .address = memory->address_of(guest_ram),
                           .iova = Iova(guest_ram.value),
                           .size = kGuestRamSize}),
       "map_dma");
  const bool needs_window = container->capabilities().msi.required;
  if (needs_window) {
    must(container->map_dma({.flags = iommu::MapFlags::kMsiWindow,
                             .address = {},
                             .iova = kWindow,
                             .size = kWindowSize}),
         "map_dma of the window");
  }

  if (!reaches_ram(nic_hardware, *machine, guest_ram)) return false;

  // The guest enables an interrupt of the device, and the host lets it have one.
  auto vectors = must(iommu::MsiVectors::create(nic, 1), "MsiVectors");
  const iommu::MsiMessage message = must(vectors.message(0), "message");
  fmt::print("  host      IOVA {:#011x}, data {:#x}, {}\n", message.address.value, message.data,
             needs_window ? "in the window of the container" : "no window asked for, none used");
  if (binding == Binding::kRemoved) vectors.unbind();

  // The device raises it.
  std::array<std::byte, 4> data;
  for (unsigned i = 0; i != 4; ++i) data[i] = static_cast<std::byte>(message.data >> 8 * i);
  nic_hardware.write(message.address, data);

  const std::optional<InterruptMessage> raised = processors.take();
  if (!raised) {
    fmt::print("  doorbell  silent\n");
    return false;
  }
  fmt::print("  doorbell  interrupt {} of {}\n", raised->intid,
             raised->device ? fmt::format("DeviceID {:#x}", raised->device->value)
                            : "any device: this one knows none");
  return raised->intid == vectors.interrupt(0) && (!raised->device || raised->device == kNicId) &&
         msi->as_device();
}

}  // namespace

int main(int argc, char** argv) {
  Binding binding = Binding::kKept;
  if (argc == 2 && argv[1] == std::string_view("--without-binding")) {
    binding = Binding::kRemoved;
  } else if (argc != 1) {
    fmt::print(stderr, "usage: {} [--without-binding]\n", argv[0]);
    return 2;
  }
  constexpr struct {
    std::string_view name;
    Generation generation;
    Interrupts interrupts;
  } kMachines[] = {
      {"SMMUv2, GICv2m", Generation::kSmmuV2, Interrupts::kGicV2m},
      {"SMMUv2, ITS", Generation::kSmmuV2, Interrupts::kIts},
      {"SMMUv3, GICv2m", Generation::kSmmuV3, Interrupts::kGicV2m},
      {"SMMUv3, ITS", Generation::kSmmuV3, Interrupts::kIts},
      {"SMMUv3, fixed window of an x86", Generation::kSmmuV3, Interrupts::kFixedWindow},
  };
  bool all = true;
  for (const auto& machine : kMachines) {
    fmt::print("{}\n", machine.name);
    all = pass_through(machine.generation, machine.interrupts, binding) && all;
  }
  return all ? 0 : 1;
}
