#include "lib/smmu_v3/command_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "smmu/arch/v3/commands_completion.h"

namespace smmu::iommu {

using v3::CMD_SYNC;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using Signal = SmmuV3DriverConfig::SyncSignal;

namespace {

constexpr unsigned kLog2CommandBytes = 4;
constexpr std::uint64_t kCommandBytes = 16;
constexpr std::size_t kWordsOfCommand = 2;
constexpr unsigned kLog2MessageBytes = 3;
// STE.MemAttr's code of Normal, inner and outer write-back.
constexpr std::uint32_t kMessageAttributes = 0xf;

unsigned log2_bytes(unsigned log2_entries) {
  return std::max(log2_entries + kLog2CommandBytes, PagePool::kLog2Least);
}

}  // namespace

Result<std::unique_ptr<CommandQueue>, std::errc> CommandQueue::create(const Config& config,
                                                                      const StructureMemory& memory,
                                                                      Mmio& registers, Clock& clock,
                                                                      DriverLog& log,
                                                                      CommandQueueOwner& owner) {
  // What the SMMU has may be more than there is memory for.
  Config fitting = config;
  auto slots = TableBlock::allocate(memory, log2_bytes(fitting.log2_size));
  while (!slots && fitting.log2_size > PagePool::kLog2Least - kLog2CommandBytes) {
    --fitting.log2_size;
    slots = TableBlock::allocate(memory, log2_bytes(fitting.log2_size));
  }
  if (!slots) return slots.error();
  TableBlock message;
  if (config.sync == Signal::kMessage) {
    auto word = TableBlock::allocate(memory, kLog2MessageBytes);
    if (!word) return word.error();
    message = *std::move(word);
  }
  std::unique_ptr<CommandQueue> queue(new (std::nothrow) CommandQueue(
      fitting, memory, registers, clock, log, owner, *std::move(slots), std::move(message)));
  if (queue == nullptr) return std::errc::not_enough_memory;
  return queue;
}

CommandQueue::CommandQueue(const Config& config, const StructureMemory& memory, Mmio& registers,
                           Clock& clock, DriverLog& log, CommandQueueOwner& owner, TableBlock slots,
                           TableBlock message)
    : memory_(memory),
      registers_(registers),
      clock_(clock),
      log_(log),
      owner_(owner),
      log2_size_(config.log2_size),
      size_(std::uint64_t{1} << config.log2_size),
      signal_(config.sync),
      timeout_(config.timeout),
      slots_(std::move(slots)),
      words_(slots_.words()),
      message_(std::move(message)),
      sync_(common_sync()) {}

void CommandQueue::program() {
  lock_.lock();
  // On to where both indices are 0, so that who waits for an old position has it reached.
  produced_ = (produced_ + (2 * size_ - 1)) & ~(2 * size_ - 1);
  consumed_.store(produced_);
  registers_.write(SMMU_CMDQ_BASE()
                       .set(SMMU_CMDQ_BASE::LOG2SIZE, log2_size_)
                       .set(SMMU_CMDQ_BASE::ADDR, slots_.pa().value)
                       .set(SMMU_CMDQ_BASE::RA, true));
  registers_.write(SMMU_CMDQ_PROD());
  registers_.write(SMMU_CMDQ_CONS());
  leave();
}

void CommandQueue::turn(bool on) {
  lock_.lock();
  if (on) failed_.store(false);
  on_.store(on);
  leave();
}

void CommandQueue::fail() {
  lock_.lock();
  failed_.store(true);
  on_.store(false);
  leave();
}

Result<Done, std::errc> CommandQueue::submit(std::span<const CommandWords> commands) {
  return put(commands, Sync::kNo);
}

Result<Done, std::errc> CommandQueue::submit_and_sync(std::span<const CommandWords> commands) {
  return put(commands, Sync::kYes);
}

// The one that counts: a page was unmapped.
Result<Done, std::errc> CommandQueue::submit_and_sync(const CommandWords& command) {
  lock_.lock();
  if (!on_.load(std::memory_order_relaxed) || room() < 2) [[unlikely]] {
    leave();
    return put({&command, 1}, Sync::kYes);
  }
  put_one(command);
  const std::uint64_t end = produced_.load(std::memory_order_relaxed) + 1;
  put_one(sync_at(end));
  ring();
  const bool done = done_at_once(end);
  leave();
  if (done) [[likely]]
    return Done{};
  return wait_for(end);
}

Result<Done, std::errc> CommandQueue::put(std::span<const CommandWords> commands, Sync sync) {
  Patience patience(clock_, timeout_);
  while (true) {
    lock_.lock();
    if (!on_.load(std::memory_order_relaxed)) {
      leave();
      return Done{};
    }
    const std::size_t wanted = commands.size() + (sync == Sync::kYes ? 1 : 0);
    if (room() < wanted) learn();
    const std::size_t count = std::min<std::uint64_t>(room(), commands.size());
    for (const CommandWords& words : commands.first(count)) put_one(words);
    commands = commands.subspan(count);
    const bool syncs = sync == Sync::kYes && commands.empty() && room() != 0;
    if (syncs) put_one(sync_at(produced_ + 1));
    // From here on another submission may come in between, by this very thread.
    const std::uint64_t end = produced_;
    if (count != 0 || syncs) ring();
    const bool done = syncs && done_at_once(end);
    leave();
    if (done || (sync == Sync::kNo && commands.empty())) return Done{};
    if (syncs) return wait_for(end);
    if (count != 0) continue;
    owner_.look_for_errors();
    if (!patience.wait()) {
      log_.say("SMMU_CMDQ_CONS does not move: the Command queue stays full");
      return std::errc::timed_out;
    }
  }
}

void CommandQueue::put_one(const CommandWords& words) {
  const std::uint64_t position = produced_.load(std::memory_order_relaxed);
  std::uint64_t* const slot = words_ + kWordsOfCommand * (position & (size_ - 1));
  StructureMemory::store(slot + 1, words[1]);
  StructureMemory::store(slot, words[0]);
  memory_.clean(pa_of(position), kCommandBytes);
  produced_.store(position + 1, std::memory_order_relaxed);
}

CommandWords CommandQueue::common_sync() const {
  auto sync = command_v3<CMD_SYNC>();
  switch (signal_) {
    case Signal::kMessage:
      sync.set(CMD_SYNC::CS, SyncSignal::kIrq)
          .set(CMD_SYNC::MSH, Shareability::kInner)
          .set(CMD_SYNC::MSIAttr, kMessageAttributes)
          .set(CMD_SYNC::MSIAddress, message_.pa().value);
      break;
    case Signal::kInterrupt:
      sync.set(CMD_SYNC::CS, SyncSignal::kIrq);
      break;
    case Signal::kWakeUp:
      sync.set(CMD_SYNC::CS, SyncSignal::kSev);
      break;
    case Signal::kBest:
    case Signal::kPoll:
      break;
  }
  return sync.words();
}

// The message counts: it comes in the order of the commands, so that whoever finds it at his
// command or beyond knows (4.7.3).
CommandWords CommandQueue::sync_at(std::uint64_t end) const {
  if (signal_ != Signal::kMessage) return sync_;
  return CMD_SYNC(sync_).set(CMD_SYNC::MSIData, static_cast<std::uint32_t>(end)).words();
}

void CommandQueue::ring() {
  registers_.write(SMMU_CMDQ_PROD().set(SMMU_CMDQ_PROD::WR,
                                        index_of(produced_.load(std::memory_order_relaxed))));
}

void CommandQueue::leave() {
  if (lock_.unlock() && owner_.deferred.load(std::memory_order_relaxed)) owner_.after_commands();
}

// What SMMU_CMDQ_CONS says, if it can be: 3.5.1 leaves open what an SMMU does whose indices
// contradict each other.
void CommandQueue::learn() {
  const std::uint64_t known = consumed_.load(std::memory_order_relaxed);
  const std::uint64_t more = distance(known, registers_.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD]);
  if (more <= produced_ - known) consumed_.store(known + more, std::memory_order_release);
}

bool CommandQueue::reached(std::uint64_t end) const {
  const std::uint64_t known = consumed_.load(std::memory_order_acquire);
  if (known >= end) return true;
  // The SMMU has consumed `known` commands and maybe more than a queue of them since: then this is
  // too little, never too much.
  const std::uint64_t more = distance(known, registers_.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD]);
  return known + more >= end && more <= produced_.load(std::memory_order_relaxed) - known;
}

bool CommandQueue::message_came(std::uint64_t end) const {
  if (signal_ != Signal::kMessage) return false;
  const auto came = static_cast<std::uint32_t>(StructureMemory::load(message_.words()));
  return static_cast<std::int32_t>(came - static_cast<std::uint32_t>(end)) >= 0;
}

Result<Done, std::errc> CommandQueue::wait_for(std::uint64_t end) {
  if (message_came(end)) return Done{};
  Patience patience(clock_, timeout_);
  std::uint32_t wake_ups = wake_ups_.load(std::memory_order_relaxed);
  while (true) {
    // A message may be lost, and so may an interrupt.
    if (message_came(end) || reached(end)) return Done{};
    if (!on_.load()) {
      if (failed_.load()) return std::errc::timed_out;
      return Done{};
    }
    owner_.look_for_errors();
    const std::uint32_t now = wake_ups_.load(std::memory_order_relaxed);
    if (now != std::exchange(wake_ups, now)) patience.hurry();
    if (!patience.wait()) break;
  }
  if (reached(end)) return Done{};
  log_.say(fmt::format("a CMD_SYNC did not complete in {} ms: SMMU_CMDQ_CONS is {:#x}",
                       std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count(),
                       registers_.read<SMMU_CMDQ_CONS>().raw()));
  return std::errc::timed_out;
}

void CommandQueue::replace_command_at(std::uint32_t index) {
  // The SMMU stands at this slot, so nobody puts anything there.
  std::uint64_t* const slot = words_ + kWordsOfCommand * (index & (size_ - 1));
  const CommandWords sync = command_v3<CMD_SYNC>().words();
  StructureMemory::store(slot + 1, sync[1]);
  StructureMemory::store(slot, sync[0]);
  memory_.clean(pa_of(index), kCommandBytes);
}

}  // namespace smmu::iommu
