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
  if (registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::EVENTQ_IRQEN]) note(kEventQueue);
}

void Interrupts::page_requested() {
  if (registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::PRIQ_IRQEN]) note(kPageRequest);
}

void Interrupts::activate(SMMU_GERROR errors) {
  if (!registers_.activate(errors)) return;
  // 7.5.1: that the message about an error aborted is not worth another one.
  const bool only_own_abort = errors == SMMU_GERROR().set(SMMU_GERROR::MSI_GERROR_ABT_ERR, true);
  if (!only_own_abort && registers_.get<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::GERROR_IRQEN]) {
    note(kGlobalError);
  }
}

bool Interrupts::deliver() {
  if (take(kEventQueue)) {
    pulse(wires_.event_queue);
    if (!send_message(registers_.get<SMMU_EVENTQ_IRQ_CFG0>()[SMMU_EVENTQ_IRQ_CFG0::ADDR],
                      registers_.get<SMMU_EVENTQ_IRQ_CFG1>()[SMMU_EVENTQ_IRQ_CFG1::DATA])) {
      activate(SMMU_GERROR().set(SMMU_GERROR::MSI_EVENTQ_ABT_ERR, true));
    }
    return true;
  }
  if (take(kPageRequest)) {
    pulse(wires_.page_requests);
    if (!send_message(registers_.get<SMMU_PRIQ_IRQ_CFG0>()[SMMU_PRIQ_IRQ_CFG0::ADDR],
                      registers_.get<SMMU_PRIQ_IRQ_CFG1>()[SMMU_PRIQ_IRQ_CFG1::DATA])) {
      activate(SMMU_GERROR().set(SMMU_GERROR::MSI_PRIQ_ABT_ERR, true));
    }
    return true;
  }
  if (take(kGlobalError)) {
    pulse(wires_.global_error);
    if (!send_message(registers_.get<SMMU_GERROR_IRQ_CFG0>()[SMMU_GERROR_IRQ_CFG0::ADDR],
                      registers_.get<SMMU_GERROR_IRQ_CFG1>()[SMMU_GERROR_IRQ_CFG1::DATA])) {
      activate(SMMU_GERROR().set(SMMU_GERROR::MSI_GERROR_ABT_ERR, true));
    }
    return true;
  }
  return false;
}

void Interrupts::signal_sync(std::uint64_t msi_address, std::uint32_t msi_data) {
  pulse(wires_.command_sync);
  if (!send_message(msi_address, msi_data)) {
    activate(SMMU_GERROR().set(SMMU_GERROR::MSI_CMDQ_ABT_ERR, true));
  }
}

void Interrupts::wake_up() {
  if (features_.idr0[SMMU_IDR0::SEV]) pulse(wires_.wake_up);
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
