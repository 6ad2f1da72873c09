#include "emulator/v3/command_queue.h"

#include <algorithm>

#include "emulator/v3/queue.h"

namespace smmu::emulator {

using v3::CMD_SYNC;
using v3::CommandError;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0ACK;
using v3::SMMU_GERROR;
using v3::SMMU_IDR1;

namespace {

Queue queue_of(const Features& features, const RegisterFile& registers) {
  const auto base = registers.get<SMMU_CMDQ_BASE>();
  constexpr unsigned kLog2EntryBytes = 4;
  return {base[SMMU_CMDQ_BASE::ADDR], base[SMMU_CMDQ_BASE::LOG2SIZE],
          features.idr1[SMMU_IDR1::CMDQS], kLog2EntryBytes, features.output_bits};
}

SMMU_GERROR command_error() { return SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true); }

}  // namespace

CommandQueue::CommandQueue(const Features& features, RegisterFile& registers,
                           Interrupts& interrupts, Tcu& tcu, PhysicalMemory& memory,
                           const Ports& ports, std::atomic<bool>& awaited, Observer* observer)
    : features_(features),
      registers_(registers),
      interrupts_(interrupts),
      tcu_(tcu),
      memory_(memory),
      ports_(ports),
      awaited_(awaited),
      observer_(observer) {}

bool CommandQueue::ready() const {
  const std::uint32_t write = registers_.get<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR];
  const std::uint32_t read = registers_.get<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
  if (write == read) return false;
  if (!registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::CMDQEN]) return false;
  if (registers_.active(command_error())) return false;
  const Queue queue = queue_of(features_, registers_);
  // 3.5.1: from indices that cannot be, nothing is consumed.
  if (queue.empty(write, read) || !queue.consistent(write, read)) return false;
  return !awaited_.load(std::memory_order_seq_cst) || !accesses_in_flight();
}

void CommandQueue::consume() {
  const Queue queue = queue_of(features_, registers_);
  const Position at{.read = registers_.get<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD],
                    .write = registers_.get<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR]};
  const std::uint32_t index = queue.position(at.read);

  CommandWords words{};
  const Pa entry = queue.entry(at.read);
  const auto low = memory_.load64(entry);
  const auto high = memory_.load64(Pa(entry.value + 8));
  if (!low || !high) {
    stop(at.read, CommandError::CERROR_ABT);
    report(index, words, CommandError::CERROR_ABT);
    return;
  }
  words = {*low, *high};

  const CommandOutcome outcome = perform(words, features_, tcu_);
  if (std::holds_alternative<IllegalCommand>(outcome)) {
    stop(at.read, CommandError::CERROR_ILL);
    report(index, words, CommandError::CERROR_ILL);
    return;
  }
  if (const auto* sync = std::get_if<Synchronization>(&outcome)) {
    // Entered again, from the top, when the accesses it waits for have ended.
    if (!awaited_.load(std::memory_order_seq_cst)) begin_sync();
    if (accesses_in_flight()) return;
    awaited_.store(false, std::memory_order_seq_cst);
    // 4.7.3: that the command is consumed is visible before its signal.
    advance(at);
    report(index, words, CommandError::CERROR_NONE);
    if ((*sync)[CMD_SYNC::CS] == SyncSignal::kIrq) {
      interrupts_.signal_sync((*sync)[CMD_SYNC::MSIAddress], (*sync)[CMD_SYNC::MSIData]);
    } else if ((*sync)[CMD_SYNC::CS] == SyncSignal::kSev) {
      interrupts_.wake_up();
    }
    return;
  }
  // Software may have put this in the place of a CMD_SYNC that was waiting.
  abandon_sync();
  advance(at);
  report(index, words, CommandError::CERROR_NONE);
}

void CommandQueue::advance(const Position& at) {
  const Queue queue = queue_of(features_, registers_);
  registers_.set(registers_.get<SMMU_CMDQ_CONS>().set(SMMU_CMDQ_CONS::RD, queue.next(at.read)));
  // 4.1.2: a waiter for space is woken when a full queue no longer is.
  if (queue.full(at.write, at.read)) interrupts_.wake_up();
}

void CommandQueue::stop(std::uint32_t read, CommandError error) {
  // 7.1: the reason is there before the error is.
  registers_.set(registers_.get<SMMU_CMDQ_CONS>()
                     .set(SMMU_CMDQ_CONS::RD, read)
                     .set(SMMU_CMDQ_CONS::ERR, error));
  interrupts_.activate(command_error());
}

void CommandQueue::begin_sync() {
  tcu_.synchronize();
  awaited_.store(true, std::memory_order_seq_cst);
  for (const auto& port : ports_) port->in_flight().mark();
}

bool CommandQueue::accesses_in_flight() const {
  return !std::ranges::all_of(ports_,
                              [](const auto& port) { return port->in_flight().mark_outlived(); });
}

void CommandQueue::report(std::uint32_t index, const CommandWords& words, CommandError error) {
  if (observer_ == nullptr) [[likely]]
    return;
  observer_->on_command(
      {.index = index, .words = words, .error = static_cast<std::uint8_t>(error)});
}

}  // namespace smmu::emulator
