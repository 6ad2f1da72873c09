// The translation frame of an ITS: a doorbell that is told whose a write is, and
// raises only what software has mapped for that device.
#ifndef SMMU_EMULATOR_ITS_DOORBELL_H_
#define SMMU_EMULATOR_ITS_DOORBELL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "smmu/arch/gic.h"
#include "smmu/emulator/device_ids.h"
#include "smmu/emulator/interrupt_message.h"
#include "smmu/emulator/interrupt_table.h"
#include "smmu/emulator/message_log.h"
#include "smmu/emulator/ram.h"
#include "smmu/result.h"

namespace smmu::emulator {

struct ItsDoorbellConfig {
  DeviceIds device_ids{};
  unsigned device_bits = 16;   // of DeviceIDs
  unsigned event_bits = 16;    // of the EventIDs of any device
  unsigned intid_bits = 16;    // of LPIs: from 8192 to below 2^intid_bits
  std::size_t devices = 1024;  // mapped at once
  std::size_t events = 65536;  // of all of them
  std::size_t kept_messages = 256;
};

// To be added to memory with kItsTranslationFrameSize bytes.  Any number of
// threads.
//
// GITS_TRANSLATER takes writes of 32 bits, and of 16 (DDI 0595).  What is not
// mapped is ignored: the device sees success.  A write of another size, or
// across the register, is malformed and ignored too.  A message without a
// DeviceID aborts.  All else is RAZ/WI.
//
// Not modelled: the control frame.  The ITS is enabled, software fills table()
// itself in place of its commands, and has no collections: an LPI is raised, and
// not at a processor.
class ItsDoorbell final : public DeviceRegion {
 public:
  // std::errc::invalid_argument if a number has more than 32 bits, or there are
  // no LPIs, or too many messages are to be kept.
  static Result<std::unique_ptr<ItsDoorbell>, std::errc> create(const ItsDoorbellConfig& config,
                                                                InterruptController& controller);

  // Which LPI an event is.
  InterruptTable& table() { return table_; }

  BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) override;
  BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  BusResponse write_for(const Requester& requester, std::uint64_t offset,
                        std::span<const std::byte> bytes) override;

  const MessageLog& messages() const { return messages_; }

 private:
  ItsDoorbell(const ItsDoorbellConfig& config, const InterruptTable::Limits& limits,
              InterruptController& controller);

  BusResponse take(const std::optional<Requester>& requester, std::uint64_t offset,
                   std::span<const std::byte> bytes);

  const DeviceIds device_ids_;
  InterruptController& controller_;
  InterruptTable table_;
  MessageLog messages_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_ITS_DOORBELL_H_
