// A driver and devices that do what a seed says, right and wrong: whoever asks with the same seed
// sees the same, as far as the SMMU is the same.
#ifndef TEST_SYSTEM_RANDOM_DRIVER_H_
#define TEST_SYSTEM_RANDOM_DRIVER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "smmu/testing/board.h"
#include "test/system/dice.h"
#include "test/system/enhanced_queue.h"
#include "test/system/moved.h"

namespace smmu::testing {

class RandomDriver {
 public:
  struct Options {
    emulator::SmmuV3Config config = emulator::SmmuV3Config::everything();
    unsigned seed = 1;
    // It waits for what it has asked for, as its manual tells it to.
    bool patient = false;
    // Forgets no invalidation.
    bool careful = false;
    // There is more than streams and commands: Enhanced Command queues, address translation
    // operations, ATS, page requests, and Secure streams.
    bool wide = false;
  };

  explicit RandomDriver(const Options& options);

  // Does one thing.
  void act();

  // In stepped time: so many steps.
  void step(unsigned count) { board_.smmu().step(count); }
  unsigned some() { return pace_.below(4); }
  // Lets everything come to rest, and sees all there is to see.
  void settle();

  emulator::SmmuV3& smmu() { return board_.smmu(); }
  // Another SMMU takes the place of the one there was, with the same ports.
  void replace_smmu() {
    board_.replace_smmu();
    connect();
  }
  // Another one takes its place and goes on where it was.
  void move() {
    testing::move(board_, [this] { connect(); });
  }

  // What has been seen: of accesses, events, ends of stalls, interrupts.
  const std::vector<std::uint64_t>& seen() const { return seen_; }
  const std::vector<Event>& events() const { return events_; }
  // How often each line was pulsed.
  std::array<unsigned, 9> interrupts() const;
  // Every register, and all of memory.
  std::vector<std::uint32_t> registers();
  std::vector<std::byte> memory();

 private:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint64_t kRam = 0x4000'0000;
  static constexpr std::uint64_t kRamBytes = std::uint64_t{16} << 20;
  static constexpr unsigned kPages = 24;
  static constexpr unsigned kStreams = 6;
  static constexpr unsigned kPorts = 4;  // two of them of devices that can wait
  static constexpr std::uint64_t kBase = 0x8000'0000;

  // Tells of the end of stalls.
  class Ends final : public emulator::StallClient {
   public:
    Ends(RandomDriver& driver, unsigned number) : driver_(driver), number_(number) {}
    void on_resumed(emulator::Stalled stalled, const emulator::Outcome& outcome) override {
      driver_.see(number_ << 16 | stalled.tag);
      driver_.see(outcome);
    }

   private:
    RandomDriver& driver_;
    unsigned number_;
  };

  Board::Options board_options() const;
  void connect();

  bool one_in(unsigned n) { return dice_.one_in(n); }
  unsigned below(unsigned n) { return dice_.below(n); }
  void see(std::uint64_t what) { seen_.push_back(what); }
  void see(const emulator::Outcome& outcome);

  // As a driver does that polls: until `done`, or nothing goes on any more.
  void wait_until(const std::function<bool()>& done);
  void wait_for_all() {
    wait_until([] { return false; });
  }
  // Whether anything went on.
  bool pass() { return smmu().step(1 + pace_.below(3)) != 0; }

  emulator::Transaction transaction();
  void access();
  void transfer();

  void map(unsigned page);
  void change_table();

  // Streams: 0 and 1 stage 1, 2 substreams, 3 both stages, 4 stage 2, 5 whatever.
  v3::STE ste(unsigned stream);
  Pa cd_place(unsigned stream, unsigned substream) const {
    return Pa(cds_.value + 128 * std::uint64_t{stream} + 64 * substream);
  }
  void write_cd(unsigned stream, unsigned substream);
  void configure(unsigned stream) {
    for (const unsigned substream : {0U, 1U}) write_cd(stream, substream);
    board_.streams().set(StreamId(stream), ste(stream));
  }
  void change_configuration();

  template <class C>
  void submit(const C& what) {
    // Not more than there is room for.
    if (!board_.idle()) wait_for_all();
    if (submitted_ >= kMostSubmitted && !board_.idle()) return;
    if (board_.idle()) submitted_ = 0;
    ++submitted_;
    board_.submit(what);
    wait_until([&] { return board_.idle(); });
  }
  void synchronize();
  void command_something();
  // A command that there is not, and what a driver does about it.
  void make_an_error();
  void repair_commands();

  void consume_events();
  void answer_stalls();

  void change_control();
  // A word of a counter group, whatever it does.
  void change_counters();

  // What a wide driver has besides.
  struct Wide {
    std::array<EnhancedQueue, 3> queues;  // the last is the Secure driver's
    // Its registers are reached by way of the SMMU that is in place.
    Board secure;
    std::uint32_t produced = 0;  // by the Secure driver
  };

  // In random_driver_wide.cpp.
  void prepare_wide();
  void act_wide();
  void enhance();
  void operate();
  void operate_securely(bool read);
  void request_translation();
  void request_page();
  // The device behind the stream answers when it likes.
  void invalidate_device();
  void command_securely();
  void change_secure_control();
  void access_securely();

  // Fewer than the queue has room for.
  static constexpr unsigned kMostSubmitted = 200;

  const Options options_;
  Dice dice_;
  Dice pace_;  // of waiting alone
  Board board_;
  PageTable table_ = board_.page_table({.t0sz = 25});
  PageTable stage2_ = board_.page_table({.t0sz = 25, .stage = 2});
  Pa pages_ = board_.allocate(kPages * kPage);
  Pa cds_ = board_.allocate(kPage);
  Pa messages_ = board_.allocate(kPage);
  std::array<std::unique_ptr<Ends>, 2> ends_{std::make_unique<Ends>(*this, 1U),
                                             std::make_unique<Ends>(*this, 2U)};
  std::array<emulator::Port*, kPorts> ports_{};
  std::unique_ptr<Wide> wide_;
  std::unique_ptr<AtsDevice> slow_device_;
  unsigned submitted_ = 0;
  std::vector<std::uint64_t> seen_;
  std::vector<Event> events_;
  std::vector<std::pair<StreamId, std::uint32_t>> stalled_;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_RANDOM_DRIVER_H_
