// Addresses at which a device's writes are interrupts and never reach its SMMU,
// as on an x86: what isolates devices there is a table of its own.
#ifndef SMMU_EMULATOR_FIXED_MSI_WINDOW_H_
#define SMMU_EMULATOR_FIXED_MSI_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

#include "smmu/emulator/device_ids.h"
#include "smmu/emulator/interrupt_message.h"
#include "smmu/emulator/interrupt_table.h"
#include "smmu/emulator/message_log.h"
#include "smmu/emulator/port.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::emulator {

struct FixedMsiWindowConfig {
  Iova base = Iova(0xfee0'0000);
  std::uint64_t size = 0x10'0000;
  DeviceIds device_ids{};
  // What table() may have: handles are EventIDs, vectors INTIDs.
  InterruptTable::Limits limits{.device_bits = 16,
                                .event_bits = 11,
                                .first_intid = 16,
                                .last_intid = 255,
                                .devices = 1024,
                                .events = 65536};
  std::size_t kept_messages = 256;
};

// One window for all devices, each of which uses a port of it.
//
// A write of 32 bits, aligned, in the window is a message; its data is the
// handle.  What the table does not have is dropped: the device sees success.
// Every other access in the window aborts, and so does a message without a
// DeviceID.  No access in the window is the SMMU's to see, translate or record.
class FixedMsiWindow {
 public:
  // std::errc::invalid_argument if the size is not a power of two of 4096 at
  // least, or the base not a multiple of it, or the limits are not sound, or too
  // many messages are to be kept.
  static Result<std::unique_ptr<FixedMsiWindow>, std::errc> create(
      const FixedMsiWindowConfig& config, InterruptController& controller);
  ~FixedMsiWindow();

  // A port in front of the SMMU's `port`, which must outlive its use.  Before any
  // thread makes accesses.
  //
  // Outside the window it is as that port is, but what it says of blocks ends
  // where the window begins.  translate() of a write in the window answers that
  // it goes on unchanged, past the SMMU; a Translation Request there is told of
  // no access.
  Port& add_port(Port& port);

  // Which vector a handle is.
  InterruptTable& table() { return table_; }
  const MessageLog& messages() const { return messages_; }

  // For a bus that has no ports: what is in the window, and a write there.
  Iova base() const { return base_; }
  std::uint64_t size() const { return size_; }
  bool contains(Iova address) const { return address.value - base_.value < size_; }
  // REQUIRES: contains(transaction.address).
  BusResponse write(const Transaction& transaction, std::span<const std::byte> bytes);

 private:
  FixedMsiWindow(const FixedMsiWindowConfig& config, InterruptController& controller);

  const Iova base_;
  const std::uint64_t size_;
  const DeviceIds device_ids_;
  InterruptController& controller_;
  InterruptTable table_;
  MessageLog messages_;
  std::vector<std::unique_ptr<Port>> ports_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_FIXED_MSI_WINDOW_H_
