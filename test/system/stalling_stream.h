// A board with a stream whose stage 1 faults stall, and a device that waits.
#ifndef TEST_SYSTEM_STALLING_STREAM_H_
#define TEST_SYSTEM_STALLING_STREAM_H_

#include <cstdint>
#include <thread>
#include <vector>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {

// `page` is mapped at kMapped, and kUnmapped is the next page.
struct StallingStream {
  static constexpr StreamId kStream{9};
  static constexpr Iova kMapped{0x8000'0000};
  static constexpr Iova kUnmapped{0x8000'1000};

  explicit StallingStream(Board::Options options = {}) : board(options) {
    board.bring_up();
    page = board.allocate(4096);
    other_page = board.allocate(4096);
    table.map(kMapped, page, 4096);
    cd_address = board.attach(kStream, table);
    use(context(table).set(v3::CD::S, true));
  }

  // Gives the stream this CD.
  void use(const v3::CD& cd) {
    using v3::CMD_CFGI_CD;
    store(board.memory(), cd_address, cd);
    board.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
    board.settle();
  }
  // Maps what was unmapped.  No TLB keeps what was not there.
  void repair() { table.map(kUnmapped, other_page, 4096); }

  // The record of a stalled read of kUnmapped, as 7.3.13 prints it: number and
  // StreamID; STAG, Stall, RnW, CLASS IN; the address.
  static Event record(std::uint16_t tag) {
    return {{0x10 | std::uint64_t{kStream.value} << 32,
             tag | std::uint64_t{1} << 31 | std::uint64_t{0b1000 | 0b10 << 8} << 32,
             kUnmapped.value, 0}};
  }
  static std::uint16_t tag_of(const emulator::Outcome& outcome) {
    const auto* stalled = std::get_if<emulator::Stalled>(&outcome);
    EXPECT_NE(stalled, nullptr);
    return stalled != nullptr ? stalled->tag : 0;
  }
  static std::uint16_t tag_of(const Event& event) {
    using v3::F_TRANSLATION;
    EXPECT_TRUE(event.as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
    return static_cast<std::uint16_t>(event.as<F_TRANSLATION>()[F_TRANSLATION::STAG]);
  }

  // Answers to the stall of that tag.
  static v3::CMD_RESUME answer(std::uint16_t tag, StreamId stream = kStream) {
    using v3::CMD_RESUME;
    return command<CMD_RESUME>().set(CMD_RESUME::StreamID, stream.value).set(CMD_RESUME::STAG, tag);
  }
  static v3::CMD_RESUME retry(std::uint16_t tag, StreamId stream = kStream) {
    return answer(tag, stream).set(v3::CMD_RESUME::Ac, true);
  }
  static v3::CMD_RESUME abort(std::uint16_t tag) {
    return answer(tag).set(v3::CMD_RESUME::Ab, true);
  }
  static v3::CMD_STALL_TERM terminate_all(StreamId stream = kStream) {
    using v3::CMD_STALL_TERM;
    return command<CMD_STALL_TERM>().set(CMD_STALL_TERM::StreamID, stream.value);
  }

  void enable(bool smmu, bool events = true) {
    using v3::SMMU_CR0;
    const auto control = SMMU_CR0()
                             .set(SMMU_CR0::SMMUEN, smmu)
                             .set(SMMU_CR0::EVENTQEN, events)
                             .set(SMMU_CR0::CMDQEN, true);
    board.smmu().write(control);
    board.settle();
    // Another thread may be about it.
    while (board.smmu().read<v3::SMMU_CR0ACK>().raw() != control.raw()) std::this_thread::yield();
  }
  bool overflowed() {
    using v3::SMMU_EVENTQ_CONS;
    using v3::SMMU_EVENTQ_PROD;
    return board.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG] !=
           board.smmu().read<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::OVACKFLG];
  }

  Board board;
  PageTable table = board.page_table();
  Pa page;
  Pa other_page;
  Pa cd_address;
  Resumptions ends;
  DmaDevice device = board.device(kStream, ends);
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_STALLING_STREAM_H_
