#include "smmu/emulator/fixed_msi_window.h"

#include <bit>

#include "emulator/gic/register_access.h"
#include "emulator/gic/window_port.h"

namespace smmu::emulator {

Result<std::unique_ptr<FixedMsiWindow>, std::errc> FixedMsiWindow::create(
    const FixedMsiWindowConfig& config, InterruptController& controller) {
  constexpr std::uint64_t kSmallest = 4096;
  if (!std::has_single_bit(config.size) || config.size < kSmallest ||
      config.base.value % config.size != 0 || !config.limits.are_sound() ||
      config.kept_messages > MessageLog::kMostKept) {
    return std::errc::invalid_argument;
  }
  return std::unique_ptr<FixedMsiWindow>(new FixedMsiWindow(config, controller));
}

FixedMsiWindow::FixedMsiWindow(const FixedMsiWindowConfig& config, InterruptController& controller)
    : base_(config.base),
      size_(config.size),
      device_ids_(config.device_ids),
      controller_(controller),
      table_(config.limits),
      messages_(config.kept_messages) {}

FixedMsiWindow::~FixedMsiWindow() = default;

Port& FixedMsiWindow::add_port(Port& port) {
  return *ports_.emplace_back(std::make_unique<WindowPort>(*this, port));
}

BusResponse FixedMsiWindow::write(const Transaction& transaction,
                                  std::span<const std::byte> bytes) {
  const Requester requester{.stream = transaction.stream,
                            .substream = transaction.substream,
                            .security = transaction.security,
                            .space = SecurityState::kNonSecure,
                            .attributes = transaction.attributes};
  InterruptMessage message{.requester = requester, .device = device_ids_.of(requester)};
  const bool is_word = bytes.size() == 4 && transaction.address.value % 4 == 0;
  if (!is_word) {
    message.end = MessageEnd::kMalformed;
  } else {
    message.data = *written(0, bytes, 0);
    message.end = MessageEnd::kNoDeviceId;
  }
  if (is_word && message.device) {
    const auto found = table_.find(*message.device, EventId(message.data));
    message.end = found.end;
    message.intid = found.intid;
  }
  messages_.add(message);
  if (message.end == MessageEnd::kRaised) controller_.raise(message);
  const bool refused =
      message.end == MessageEnd::kMalformed || message.end == MessageEnd::kNoDeviceId;
  return refused ? BusResponse::kAbort : BusResponse::kOkay;
}

}  // namespace smmu::emulator
