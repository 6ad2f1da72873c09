// RAM, an SMMU and what a driver does to bring it up.
#ifndef SMMU_TESTING_BOARD_H_
#define SMMU_TESTING_BOARD_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/events.h"
#include "smmu/arch/v3/page_requests.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/testing/ats_device.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/tables.h"

namespace smmu::testing {

// Counts its pulses, and calls a handler if it has one.
class RecordingLine final : public InterruptLine {
 public:
  void pulse() override;
  unsigned count() const { return count_; }
  void on_pulse(std::function<void()> handler) { handler_ = std::move(handler); }

 private:
  unsigned count_ = 0;
  std::function<void()> handler_;
};

// A record as it was found in the Event queue.
struct Event {
  std::array<std::uint64_t, 4> words{};

  v3::EventType type() const;
  StreamId stream() const;
  // As the layout of its type: event.as<v3::F_TRANSLATION>().
  template <class E>
  E as() const {
    return E(words);
  }

  friend bool operator==(const Event&, const Event&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Event& event);
};

// A command, complete: command<v3::CMD_SYNC>().set(...).
template <class C>
C command() {
  return C().set(C::Opcode, C::kOpcode);
}

// A board, seen by the driver of one of the SMMU's programming interfaces.
class Board {
 public:
  struct Options {
    emulator::SmmuV3Config config = emulator::SmmuV3Config::everything();
    Pa ram_base = Pa(0x4000'0000);
    std::uint64_t ram_size = std::uint64_t{128} << 20;
    PhysicalMemory* smmu_memory = nullptr;  // what the SMMU sees; null: this board's RAM
    // The Secure physical address space, where its driver finds its structures;
    // null: the same RAM.
    PhysicalMemory* secure_memory = nullptr;
    emulator::Observer* observer = nullptr;
    unsigned log2_commands = 8;
    unsigned log2_events = 8;
    unsigned log2_streams = 8;
  };

  Board() : Board(Options{}) {}
  explicit Board(Options options);
  // The same board, which must outlive this, for the Secure driver.
  static Board secure(Board& board) { return Board(board); }

  emulator::SmmuV3& smmu() { return *smmu_; }
  // A new SMMU of the same configuration takes its place; the ports go with the
  // old one.
  void replace_smmu();
  emulator::Ram& memory() { return *ram_; }
  // A device with a port of its own.
  DmaDevice device(StreamId stream) { return DmaDevice(smmu_->add_port(), stream).of(security_); }
  // The same for one that can wait.
  DmaDevice device(StreamId stream, emulator::StallClient& client) {
    return DmaDevice(smmu_->add_port(client), stream).of(security_);
  }

  // One with ATS: `fabric` is its root complex.
  AtsDevice ats_device(StreamId stream) { return AtsDevice(fabric, smmu_->add_port(), stream); }

  // Memory nobody else has, zeroed.
  Pa allocate(std::uint64_t bytes, std::uint64_t alignment = 4096);
  Allocator allocator();
  PageTable page_table() { return page_table({}); }
  PageTable page_table(PageTable::Options options);

  // Makes queues and a linear Stream table of invalid entries, and enables
  // them, the interrupts and translation.
  void bring_up();
  // Invalid until bring_up().
  StreamTable& streams() { return *streams_; }
  Pa command_queue() const { return commands_; }
  Pa event_queue() const { return event_queue_; }

  // In stepped time: steps until nothing is left to do.  bring_up() and attach()
  // end with it.
  void settle();

  // Gives the stream an STE, or tables, and invalidates what was there.
  void attach(StreamId stream, const v3::STE& ste);
  // Returns where the CD is.
  Pa attach(StreamId stream, const PageTable& table, Asid asid = Asid(1));

  // A register of this driver's, by its Non-secure name.
  template <class R>
  void write(R value) {
    if constexpr (sizeof(typename R::Value) == 8) {
      registers().write64(offset_of(R::kOffset), value.raw());
    } else {
      registers().write32(offset_of(R::kOffset), value.raw());
    }
  }
  template <class R>
  R read() {
    if constexpr (sizeof(typename R::Value) == 8) {
      return R(registers().read64(offset_of(R::kOffset)));
    } else {
      return R(registers().read32(offset_of(R::kOffset)));
    }
  }

  // Puts commands into the queue and rings the doorbell once, or whenever the
  // queue is full.  Where other threads use the SMMU they may be the ones that
  // consume them, later: before a queue is full of such, wait for idle().
  template <class... C>
  void submit(const C&... commands) {
    (enqueue(commands.words()), ...);
    ring();
  }
  // The same, followed by a CMD_SYNC.
  template <class... C>
  void submit_and_sync(const C&... commands) {
    submit(commands..., command<v3::CMD_SYNC>());
  }
  // Whether all commands were consumed.
  bool idle();

  // The records that came since the last call, and makes room for others.
  std::vector<Event> events();

  // The same of page requests.  First makes a PRI queue of 2^log2_size entries,
  // and enables it and its interrupt.
  void bring_up_page_requests(unsigned log2_size = 4);
  std::vector<v3::PPR> page_requests();
  Pa page_request_queue() const { return page_request_queue_; }

  Fabric fabric;
  RecordingLine event_line;
  RecordingLine page_request_line;
  RecordingLine sync_line;
  RecordingLine error_line;
  RecordingLine wake_up_line;
  RecordingLine secure_event_line;
  RecordingLine secure_sync_line;
  RecordingLine secure_error_line;
  RecordingLine counter_line;  // of every counter group

 private:
  explicit Board(Board& board);

  Mmio& registers() { return security_ == SecurityState::kNonSecure ? *smmu_ : smmu_->secure(); }
  std::uint32_t offset_of(std::uint32_t offset) const;
  std::shared_ptr<emulator::SmmuV3> make_smmu();
  void enqueue(const std::array<std::uint64_t, 2>& words);
  void ring();

  Options options_;
  SecurityState security_ = SecurityState::kNonSecure;
  std::shared_ptr<emulator::Ram> ram_;
  std::shared_ptr<emulator::SmmuV3> smmu_;
  std::shared_ptr<std::uint64_t> next_free_;
  PhysicalMemory* structures_;  // where the driver's are
  Pa commands_;
  Pa event_queue_;
  Pa page_request_queue_;
  unsigned log2_page_requests_ = 0;
  std::uint32_t produced_ = 0;
  std::uint32_t waiting_ = 0;  // commands that the doorbell has not told of
  std::optional<StreamTable> streams_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_BOARD_H_
