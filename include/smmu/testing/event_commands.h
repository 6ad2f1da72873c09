// How software gets its interrupts into the emulator's tables, where an ITS would have a command
// queue.
#ifndef SMMU_TESTING_EVENT_COMMANDS_H_
#define SMMU_TESTING_EVENT_COMMANDS_H_

#include <cstdint>
#include <system_error>

#include "smmu/emulator/interrupt_table.h"
#include "smmu/iommu/event_table.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::testing {

class EventCommands final : public iommu::EventTable {
 public:
  // The table outlives it.
  explicit EventCommands(emulator::InterruptTable& table) : table_(table) {}

  Result<Done, std::errc> map_device(DeviceId device, unsigned event_bits) override {
    return end_of(table_.map_device(device, event_bits));
  }
  void unmap_device(DeviceId device) override { (void)table_.unmap_device(device); }
  Result<Done, std::errc> map(DeviceId device, EventId event, std::uint32_t intid) override {
    return end_of(table_.map(device, event, intid));
  }
  void discard(DeviceId device, EventId event) override { (void)table_.discard(device, event); }

 private:
  static Result<Done, std::errc> end_of(
      const Result<emulator::InterruptTable::Changed, std::errc>& changed) {
    if (!changed) return changed.error();
    return Done{};
  }

  emulator::InterruptTable& table_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_EVENT_COMMANDS_H_
