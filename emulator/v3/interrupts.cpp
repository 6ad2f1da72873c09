#include "emulator/v3/interrupts.h"

#include <array>

namespace smmu::emulator {

using v3::SMMU_EVENTQ_IRQ_CFG0;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_GERROR;
using v3::SMMU_GERROR_IRQ_CFG0;
using v3::SMMU_GERROR_IRQ_CFG1;
using v3::SMMU_IDR0;
using v3::SMMU_IRQ_CTRLACK;
using v3::SMMU_PRIQ_IRQ_CFG0;
using v3::SMMU_PRIQ_IRQ_CFG1;

namespace {

void pulse(InterruptLine* line) {
  if (line != nullptr) line->pulse();
}

}  // namespace

void Interrupts::event_queue_non_empty() {
  if (registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::EVENTQ_IRQEN]) waiting_ |= kEventQueue;
}

void Interrupts::page_requested() {
  if (registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::PRIQ_IRQEN]) waiting_ |= kPageRequest;
}

void Interrupts::activate(SMMU_GERROR errors) {
  if (!registers_.activate(errors)) return;
  // 7.5.1: that the message about an error aborted is not worth another one.
  const bool only_own_abort = errors == SMMU_GERROR().set(SMMU_GERROR::MSI_GERROR_ABT_ERR, true);
  if (!only_own_abort && registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::GERROR_IRQEN]) {
    waiting_ |= kGlobalError;
  }
}

void Interrupts::sync_completed(std::uint64_t msi_address, std::uint32_t msi_data) {
  sync_address_ = msi_address;
  sync_data_ = msi_data;
  waiting_ |= kSync;
}

void Interrupts::wake_up() {
  if (features_.idr0[SMMU_IDR0::SEV]) waiting_ |= kWakeUp;
}

bool Interrupts::deliver() {
  if (waiting_ == 0) return false;
  const auto next = static_cast<std::uint8_t>(waiting_ & -waiting_);
  waiting_ &= static_cast<std::uint8_t>(~next);
  switch (next) {
    case kSync:
      pulse(wires_.command_sync);
      if (!send_message(sync_address_, sync_data_)) {
        activate(SMMU_GERROR().set(SMMU_GERROR::MSI_CMDQ_ABT_ERR, true));
      }
      break;
    case kWakeUp:
      pulse(wires_.wake_up);
      break;
    case kEventQueue:
      pulse(wires_.event_queue);
      if (!send_message(registers_.get<SMMU_EVENTQ_IRQ_CFG0>()[SMMU_EVENTQ_IRQ_CFG0::ADDR],
                        registers_.get<SMMU_EVENTQ_IRQ_CFG1>()[SMMU_EVENTQ_IRQ_CFG1::DATA])) {
        activate(SMMU_GERROR().set(SMMU_GERROR::MSI_EVENTQ_ABT_ERR, true));
      }
      break;
    case kPageRequest:
      pulse(wires_.page_requests);
      if (!send_message(registers_.get<SMMU_PRIQ_IRQ_CFG0>()[SMMU_PRIQ_IRQ_CFG0::ADDR],
                        registers_.get<SMMU_PRIQ_IRQ_CFG1>()[SMMU_PRIQ_IRQ_CFG1::DATA])) {
        activate(SMMU_GERROR().set(SMMU_GERROR::MSI_PRIQ_ABT_ERR, true));
      }
      break;
    default:
      pulse(wires_.global_error);
      if (!send_message(registers_.get<SMMU_GERROR_IRQ_CFG0>()[SMMU_GERROR_IRQ_CFG0::ADDR],
                        registers_.get<SMMU_GERROR_IRQ_CFG1>()[SMMU_GERROR_IRQ_CFG1::DATA])) {
        activate(SMMU_GERROR().set(SMMU_GERROR::MSI_GERROR_ABT_ERR, true));
      }
      break;
  }
  return true;
}

bool Interrupts::send_message(std::uint64_t address, std::uint32_t data) {
  if (!features_.idr0[SMMU_IDR0::MSI] || address == 0) return true;
  std::array<std::byte, 4> bytes{};
  for (unsigned i = 0; i != bytes.size(); ++i) bytes[i] = static_cast<std::byte>(data >> 8 * i);
  // 3.4.3: an address that is too large is truncated.
  const Pa target(address & mask(features_.output_bits - 1, 0));
  return wires_.memory->write(target, bytes) == BusResponse::kOkay;
}

}  // namespace smmu::emulator
