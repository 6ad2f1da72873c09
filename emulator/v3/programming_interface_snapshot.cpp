// What a snapshot says of a programming interface.
#include <algorithm>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/v3/programming_interface.h"

namespace smmu::emulator {

using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GBPA;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;
using v3::SMMU_S_CR0ACK;

bool ProgrammingInterface::quiet() const {
  const bool idle =
      std::ranges::all_of(ports_, [](const auto& port) { return port->in_flight().idle(); });
  const bool performing = config_.pace == Pace::kStepped ? stepping_ : draining_;
  return idle && !performing && (stalls_ == nullptr || stalls_->quiet());
}

template <class Snapshot>
void ProgrammingInterface::archive(Snapshot& snapshot) {
  snapshot.section("the registers");
  snapshot(registers_, operation_registers_);
  snapshot(tcu_);
  snapshot.section("the copies of the Stream table");
  snapshot(streams_);
  snapshot.section("the copies of tables of CDs");
  snapshot(contexts_);
  archive_queues(snapshot);
  archive_ports(snapshot);
  if constexpr (Snapshot::kReads) {
    if (!snapshot.ok()) return;
    snapshot.section("the effects that are pending");
    snapshot.require(consistent(), "what does not go with the rest");
    if (non_secure_ != nullptr) {
      const SMMU_S_CR0ACK cr0(registers_.get<SMMU_CR0ACK>().raw());
      non_secure_->forbid_stalls(cr0[SMMU_S_CR0ACK::NSSTALLD]);
    }
  }
}

template <class Snapshot>
void ProgrammingInterface::archive_queues(Snapshot& snapshot) {
  snapshot.section("the interrupts");
  snapshot(interrupts_);
  snapshot.section("the Event queue");
  snapshot(events_, pending_);
  snapshot.sequence(pending_records_, kMostPendingRecords);
  std::optional<std::uint32_t> committed;
  if (committed_) committed = static_cast<std::uint32_t>(*committed_);
  snapshot(committed);
  snapshot.require(!committed || *committed <= pending_records_.size(), "records that are not");
  if constexpr (Snapshot::kReads) committed_ = committed;
  snapshot.section("the messages to devices");
  snapshot(messages_);
  snapshot.section("the PRI queue");
  snapshot(page_requests_);
  snapshot.section("the Command queues");
  snapshot(commands_);
  if (enhanced_ != nullptr) snapshot(*enhanced_);
  consumer_.archive(snapshot, [this](std::uint32_t number) -> const SyncParticipant* {
    if (number == 0) return &commands_;
    return enhanced_ != nullptr ? enhanced_->find_by_number(number) : nullptr;
  });
}

template <class Snapshot>
void ProgrammingInterface::archive_ports(Snapshot& snapshot) {
  for (const auto& port : ports_) snapshot(*port);
  if (stalls_ == nullptr) return;
  std::vector<StallClient*> clients;
  for (const auto& port : stalling_ports_) clients.push_back(&port->client());
  stalls_->archive(snapshot, clients);
}

bool ProgrammingInterface::consistent() {
  std::uint32_t needed = 0;
  std::uint32_t possible = kUpdates | kRecords | kPageRequests | kEnhancedQueues;
  const auto cr0ack = registers_.get<SMMU_CR0ACK>();
  if (registers_.get<SMMU_CR0>().raw() != cr0ack.raw()) needed |= kCr0Update;
  if (registers_.get<SMMU_IRQ_CTRL>().raw() != registers_.get<SMMU_IRQ_CTRLACK>().raw()) {
    needed |= kIrqCtrlUpdate;
  }
  if (registers_.get<SMMU_GBPA>()[SMMU_GBPA::Update]) needed |= kGbpaUpdate;
  if (operation_registers_.busy(features_.security)) needed |= kOperations;
  if (!pending_records_.empty()) needed |= kRecords;
  if (page_requests_.waiting()) needed |= kPageRequests;
  if (stalls_ != nullptr) {
    possible |= kStalls;
    if (stalls_->work_left()) needed |= kStalls;
  }
  if (non_secure_ == nullptr) {
    possible &= ~kInvalidateAll;
  } else if (registers_.invalidates()) {
    needed |= kInvalidateAll;
  }
  // What the Secure interface asks about the other's streams is the other's to do.
  if (non_secure_ != nullptr && operation_registers_.busy(SecurityState::kNonSecure) &&
      (non_secure_->pending_.load(std::memory_order_relaxed) & kOperations) == 0) {
    return false;
  }
  const std::uint32_t pending = pending_.load(std::memory_order_relaxed);
  const bool open = tcu_.gate() == Tcu::Gate::kTranslate;
  return (pending & needed) == needed && (pending & ~possible) == 0 &&
         open == cr0ack[SMMU_CR0ACK::SMMUEN];
}

template void ProgrammingInterface::archive(SnapshotWriter& snapshot);
template void ProgrammingInterface::archive(SnapshotReader& snapshot);

}  // namespace smmu::emulator
