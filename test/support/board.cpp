#include "smmu/testing/board.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"

namespace smmu::testing {

using v3::EventHeader;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_PRIQ_BASE;
using v3::SMMU_PRIQ_CONS;
using v3::SMMU_PRIQ_PROD;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;

void RecordingLine::pulse() {
  ++count_;
  if (handler_) handler_();
}

v3::EventType Event::type() const { return as<EventHeader>()[EventHeader::EventNumber]; }
StreamId Event::stream() const { return StreamId(as<EventHeader>()[EventHeader::StreamID]); }

std::ostream& operator<<(std::ostream& out, const Event& event) {
  for (const v3::EventLayout& layout : v3::kEvents) {
    if (layout.type == event.type()) out << layout.layout.name;
  }
  out << std::hex;
  for (const std::uint64_t word : event.words) out << " 0x" << word;
  return out << std::dec;
}

Board::Board(Options options)
    : options_(options),
      ram_(std::make_shared<emulator::Ram>()),
      next_free_(std::make_shared<std::uint64_t>(options.ram_base.value)),
      structures_(ram_.get()) {
  if (!ram_->add(options.ram_base, options.ram_size)) {
    std::cerr << "the board's RAM does not fit\n";
    std::abort();
  }
  smmu_ = make_smmu();
}

std::shared_ptr<emulator::SmmuV3> Board::make_smmu() {
  PhysicalMemory* memory = options_.smmu_memory != nullptr ? options_.smmu_memory : ram_.get();
  const std::vector<InterruptLine*> counter_lines(options_.config.counter_groups.size(),
                                                  &counter_line);
  auto made = emulator::SmmuV3::create(options_.config, {.memory = memory,
                                                         .secure_memory = options_.secure_memory,
                                                         .event_queue = &event_line,
                                                         .page_requests = &page_request_line,
                                                         .command_sync = &sync_line,
                                                         .global_error = &error_line,
                                                         .wake_up = &wake_up_line,
                                                         .secure_event_queue = &secure_event_line,
                                                         .secure_command_sync = &secure_sync_line,
                                                         .secure_global_error = &secure_error_line,
                                                         .counter_groups = counter_lines,
                                                         .root_complex = &fabric,
                                                         .observer = options_.observer});
  if (!made) {
    std::cerr << made.error() << '\n';
    std::abort();
  }
  std::shared_ptr<emulator::SmmuV3> smmu = *std::move(made);
  fabric.connect(*smmu);
  return smmu;
}

Board::Board(Board& board)
    : options_(board.options_),
      security_(SecurityState::kSecure),
      ram_(board.ram_),
      smmu_(board.smmu_),
      next_free_(board.next_free_),
      structures_(options_.secure_memory != nullptr ? options_.secure_memory : ram_.get()) {}

// IHI 0070, 6.2.1: the Secure Event queue's indices are in page 0.
std::uint32_t Board::offset_of(std::uint32_t offset) const {
  if (security_ == SecurityState::kNonSecure) return offset;
  constexpr std::uint32_t kPage1 = 0x10000;
  return v3::kSecureOffset + offset % kPage1;
}

void Board::replace_smmu() { smmu_ = make_smmu(); }

Pa Board::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t begin = (*next_free_ + alignment - 1) / alignment * alignment;
  *next_free_ = begin + bytes;
  EXPECT_LE(*next_free_, options_.ram_base.value + options_.ram_size) << "the board's RAM is full";
  return Pa(begin);
}

Allocator Board::allocator() {
  return
      [this](std::uint64_t bytes, std::uint64_t alignment) { return allocate(bytes, alignment); };
}

PageTable Board::page_table(PageTable::Options options) {
  return PageTable(*structures_, allocator(), options);
}

void Board::bring_up() {
  const auto room = [this](unsigned log2_bytes) {
    const std::uint64_t bytes = std::uint64_t{1} << log2_bytes;
    return allocate(bytes, std::max<std::uint64_t>(bytes, 4096));
  };
  commands_ = room(options_.log2_commands + 4);
  event_queue_ = room(options_.log2_events + 5);
  const Pa streams = room(options_.log2_streams + 6);
  streams_.emplace(*structures_, streams);

  write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, streams.value));
  write(SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, options_.log2_streams));
  write(SMMU_CMDQ_BASE()
            .set(SMMU_CMDQ_BASE::ADDR, commands_.value)
            .set(SMMU_CMDQ_BASE::LOG2SIZE, options_.log2_commands));
  write(SMMU_CMDQ_PROD());
  write(SMMU_CMDQ_CONS());
  write(SMMU_EVENTQ_BASE()
            .set(SMMU_EVENTQ_BASE::ADDR, event_queue_.value)
            .set(SMMU_EVENTQ_BASE::LOG2SIZE, options_.log2_events));
  write(SMMU_EVENTQ_PROD());
  write(SMMU_EVENTQ_CONS());
  produced_ = 0;

  // Queues before translation, so that the first fault has where to go; and
  // what the caches may hold is unknown (IHI 0070, 3.11).
  SMMU_CR0 control = SMMU_CR0().set(SMMU_CR0::CMDQEN, true);
  write(control);
  write(control.set(SMMU_CR0::EVENTQEN, true));
  settle();
  write(SMMU_IRQ_CTRL()
            .set(SMMU_IRQ_CTRL::GERROR_IRQEN, true)
            .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true));
  using v3::CMD_CFGI_STE_RANGE;
  const bool secure = security_ == SecurityState::kSecure;
  submit_and_sync(command<CMD_CFGI_STE_RANGE>()
                      .set(CMD_CFGI_STE_RANGE::SSec, secure)
                      .set(CMD_CFGI_STE_RANGE::Range, 31));
  // Without stage 2 there is one VMID, and no command for all of them.
  const bool one_vmid = secure && !options_.config.s_idr1[v3::SMMU_S_IDR1::SEL2];
  if (one_vmid) {
    submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
  } else if (secure) {
    submit_and_sync(command<v3::CMD_TLBI_SNH_ALL>());
  } else {
    submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  settle();
  write(control.set(SMMU_CR0::SMMUEN, true));
  settle();
}

void Board::settle() {
  // What answers itself for ever ends here, too.
  constexpr std::uint32_t kEnough = 1U << 21;
  smmu_->step(kEnough);
}

void Board::bring_up_page_requests(unsigned log2_size) {
  log2_page_requests_ = log2_size;
  const std::uint64_t bytes = std::uint64_t{16} << log2_size;
  page_request_queue_ = allocate(bytes, std::max<std::uint64_t>(bytes, 4096));
  smmu_->write(SMMU_PRIQ_BASE()
                   .set(SMMU_PRIQ_BASE::ADDR, page_request_queue_.value)
                   .set(SMMU_PRIQ_BASE::LOG2SIZE, log2_size));
  smmu_->write(SMMU_PRIQ_PROD());
  smmu_->write(SMMU_PRIQ_CONS());
  smmu_->write(smmu_->read<SMMU_IRQ_CTRL>().set(SMMU_IRQ_CTRL::PRIQ_IRQEN, true));
  smmu_->write(smmu_->read<SMMU_CR0>().set(SMMU_CR0::PRIQEN, true));
}

std::vector<v3::PPR> Board::page_requests() {
  const std::uint32_t entries = 1U << log2_page_requests_;
  const std::uint32_t produced = smmu_->read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::WR];
  auto consumer = smmu_->read<SMMU_PRIQ_CONS>();
  std::uint32_t consumed = consumer[SMMU_PRIQ_CONS::RD];
  std::vector<v3::PPR> requests;
  while (consumed != produced) {
    const std::uint64_t entry = page_request_queue_.value + 16 * std::uint64_t{consumed % entries};
    requests.push_back(v3::PPR({load(*ram_, Pa(entry)), load(*ram_, Pa(entry + 8))}));
    consumed = (consumed + 1) % (2 * entries);
  }
  smmu_->write(consumer.set(SMMU_PRIQ_CONS::RD, consumed));
  return requests;
}

void Board::attach(StreamId stream, const v3::STE& ste) {
  using v3::CMD_CFGI_STE;
  streams_->set(stream, ste);
  submit_and_sync(command<CMD_CFGI_STE>()
                      .set(CMD_CFGI_STE::SSec, security_ == SecurityState::kSecure)
                      .set(CMD_CFGI_STE::StreamID, stream.value)
                      .set(CMD_CFGI_STE::Leaf, true));
  settle();
}

Pa Board::attach(StreamId stream, const PageTable& table, Asid asid) {
  const Pa cd = allocate(v3::CD::kSize, v3::CD::kSize);
  store(*structures_, cd, context(table, asid));
  attach(stream, translate(cd));
  return cd;
}

void Board::enqueue(const std::array<std::uint64_t, 2>& words) {
  const std::uint32_t entries = 1U << options_.log2_commands;
  if (waiting_ == entries) ring();
  ++waiting_;
  const std::uint64_t entry = commands_.value + 16 * std::uint64_t{produced_ % entries};
  store(*structures_, Pa(entry), words[0]);
  store(*structures_, Pa(entry + 8), words[1]);
  produced_ = (produced_ + 1) % (2 * entries);
}

void Board::ring() {
  write(SMMU_CMDQ_PROD().set(SMMU_CMDQ_PROD::WR, produced_));
  waiting_ = 0;
}

bool Board::idle() { return read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD] == produced_; }

std::vector<Event> Board::events() {
  const std::uint32_t entries = 1U << options_.log2_events;
  const std::uint32_t produced = read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::WR];
  auto consumer = read<SMMU_EVENTQ_CONS>();
  std::uint32_t consumed = consumer[SMMU_EVENTQ_CONS::RD];
  std::vector<Event> events;
  while (consumed != produced) {
    Event event;
    for (std::size_t i = 0; i != event.words.size(); ++i) {
      const std::uint64_t entry = event_queue_.value + 32 * std::uint64_t{consumed % entries};
      event.words[i] = load(*structures_, Pa(entry + 8 * i));
    }
    events.push_back(event);
    consumed = (consumed + 1) % (2 * entries);
  }
  write(consumer.set(SMMU_EVENTQ_CONS::RD, consumed));
  return events;
}

}  // namespace smmu::testing
