#include "smmu/emulator/its_doorbell.h"

#include <algorithm>

#include "emulator/gic/register_access.h"

namespace smmu::emulator {

ItsDoorbell::ItsDoorbell(const ItsDoorbellConfig& config, const InterruptTable::Limits& limits,
                         InterruptController& controller)
    : device_ids_(config.device_ids),
      controller_(controller),
      table_(limits),
      messages_(config.kept_messages) {}

Result<std::unique_ptr<ItsDoorbell>, std::errc> ItsDoorbell::create(
    const ItsDoorbellConfig& config, InterruptController& controller) {
  if (config.intid_bits > 32 || config.kept_messages > MessageLog::kMostKept) {
    return std::errc::invalid_argument;
  }
  const std::uint64_t intids = std::uint64_t{1} << config.intid_bits;
  const InterruptTable::Limits limits{.device_bits = config.device_bits,
                                      .event_bits = config.event_bits,
                                      .first_intid = kFirstLpi,
                                      .last_intid = static_cast<std::uint32_t>(intids - 1),
                                      .devices = config.devices,
                                      .events = config.events};
  if (!limits.are_sound()) return std::errc::invalid_argument;
  return std::unique_ptr<ItsDoorbell>(new ItsDoorbell(config, limits, controller));
}

BusResponse ItsDoorbell::read(std::uint64_t, std::span<std::byte> bytes) {
  std::ranges::fill(bytes, std::byte{0});
  return BusResponse::kOkay;
}

BusResponse ItsDoorbell::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return take(std::nullopt, offset, bytes);
}

BusResponse ItsDoorbell::write_for(const Requester& requester, std::uint64_t offset,
                                   std::span<const std::byte> bytes) {
  return take(requester, offset, bytes);
}

BusResponse ItsDoorbell::take(const std::optional<Requester>& requester, std::uint64_t offset,
                              std::span<const std::byte> bytes) {
  if (!touches(offset, bytes.size(), GITS_TRANSLATER::kOffset)) return BusResponse::kOkay;
  InterruptMessage message{.requester = requester, .device = device_ids_.of(requester)};
  const auto value = written(offset, bytes, GITS_TRANSLATER::kOffset);
  if (!value) {
    message.end = MessageEnd::kMalformed;
  } else if (!message.device) {
    message.data = *value;
    message.end = MessageEnd::kNoDeviceId;
  } else {
    const EventId event{GITS_TRANSLATER(*value)[GITS_TRANSLATER::EventID]};
    const InterruptTable::Found found = table_.find(*message.device, event);
    message.data = *value;
    message.end = found.end;
    message.intid = found.intid;
  }
  messages_.add(message);
  if (message.end == MessageEnd::kRaised) controller_.raise(message);
  return message.end == MessageEnd::kNoDeviceId ? BusResponse::kAbort : BusResponse::kOkay;
}

}  // namespace smmu::emulator
