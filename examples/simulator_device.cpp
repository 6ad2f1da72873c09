// A simulator gives a device of its own a port into an SMMU.
#include <array>
#include <cstddef>
#include <cstdio>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

using namespace smmu;

struct Line : InterruptLine {
  void pulse() override { std::puts("interrupt"); }
};

int main() {
  emulator::Ram ram;
  if (!ram.add(Pa(0x4000'0000), 1 << 20)) return 1;
  Line line;
  const auto config = emulator::SmmuV3Config::everything();
  auto smmu = emulator::SmmuV3::create(config, {.memory = &ram, .event_queue = &line});
  if (!smmu) return 1;
  emulator::Port& port = (*smmu)->add_port();
  const std::array<std::byte, 4> bytes{std::byte{'D'}, std::byte{'M'}, std::byte{'A'}};
  const auto off = port.write({.stream = StreamId(7), .address = Iova(0x4000'0100)}, bytes);
  (*smmu)->write(v3::SMMU_STRTAB_BASE(0x4008'0000));  // no STE there is valid
  (*smmu)->write(v3::SMMU_CR0().set(v3::SMMU_CR0::SMMUEN, true));
  const auto on = port.write({.stream = StreamId(7), .address = Iova(0x4000'0100)}, bytes);
  std::printf("written: %zu bytes with the SMMU off, %zu with it on\n", off.bytes, on.bytes);
  return off.bytes == 4 && on.bytes == 0 ? 0 : 1;
}
