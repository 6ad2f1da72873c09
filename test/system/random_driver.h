// A driver and devices that do what a seed says, right and wrong: whoever asks with the same seed
// sees the same, as far as the SMMU is the same.
#ifndef TEST_SYSTEM_RANDOM_DRIVER_H_
#define TEST_SYSTEM_RANDOM_DRIVER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_operation_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"
#include "test/system/enhanced_queue.h"
#include "test/system/moved.h"

namespace smmu::testing {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  bool one_in(unsigned n) { return engine_() % n == 0; }
  unsigned below(unsigned n) { return static_cast<unsigned>(engine_() % n); }

 private:
  std::mt19937_64 engine_;
};

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

  explicit RandomDriver(const Options& options)
      : options_(options), dice_(options.seed), pace_(options.seed + 1), board_(board_options()) {
    board_.bring_up();
    for (unsigned page = 0; page != kPages; ++page) {
      map(page);
      stage2_.map(Iova(kPage * page), Pa(pages_.value + kPage * page), kPage);
    }
    // What stage 1 and CDs need of stage 2.
    stage2_.map(Iova(kRam), Pa(kRam), kRamBytes);
    for (unsigned stream = 0; stream != kStreams; ++stream) configure(stream);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    if (options_.wide) prepare_wide();
    board_.settle();
    connect();
    if (options_.wide) {
      // It answers, and does nothing else.
      slow_device_ = std::make_unique<AtsDevice>(board_.fabric, *ports_[0], StreamId(kStreams));
      slow_device_->set_answers(AtsDevice::Answers::kLater);
    }
  }

  // Does one thing.
  void act() {
    if (!options_.config.counter_groups.empty() && one_in(5)) return change_counters();
    if (options_.wide && one_in(3)) return act_wide();
    switch (dice_.below(16)) {
      case 0:
        return change_table();
      case 1:
        return change_configuration();
      case 2:
        return command_something();
      case 3:
        return consume_events();
      case 4:
        return answer_stalls();
      case 5:
        return dice_.one_in(4) ? change_control() : access();
      case 6:
        return transfer();
      default:
        return access();
    }
  }

  // In stepped time: so many steps.
  void step(unsigned count) { board_.smmu().step(count); }
  unsigned some() { return pace_.below(4); }
  // Lets everything come to rest, and sees all there is to see.
  void settle() {
    while (pass()) {
    }
    consume_events();
    while (pass()) {
    }
  }

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
  std::array<unsigned, 9> interrupts() const {
    return {board_.event_line.count(),       board_.page_request_line.count(),
            board_.sync_line.count(),        board_.error_line.count(),
            board_.wake_up_line.count(),     board_.secure_event_line.count(),
            board_.secure_sync_line.count(), board_.secure_error_line.count(),
            board_.counter_line.count()};
  }
  // Every register, and all of memory.
  std::vector<std::uint32_t> registers() {
    std::vector<std::uint32_t> values;
    const auto read = [&](Mmio& from, std::uint32_t first) {
      for (std::uint32_t offset = first; offset != first + 0x1000; offset += 4) {
        values.push_back(from.read32(offset));
      }
    };
    read(smmu(), 0);
    read(smmu(), 0x1'0000);
    read(smmu().secure(), v3::kSecureOffset);
    for (std::size_t n = 0; n != options_.config.counter_groups.size(); ++n) {
      read(smmu().counter_group(n).secure(), 0);
      read(smmu().counter_group(n).secure(), 0x1'0000);
    }
    return values;
  }
  std::vector<std::byte> memory() {
    const std::uint64_t end = board_.allocate(0).value;
    std::vector<std::byte> bytes(end - kRam);
    EXPECT_EQ(board_.memory().read(Pa(kRam), bytes), BusResponse::kOkay);
    return bytes;
  }

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

  Board::Options board_options() const {
    Board::Options options;
    options.config = options_.config;
    options.ram_base = Pa(kRam);
    options.ram_size = kRamBytes;
    options.log2_events = options_.patient ? 8 : 4;
    options.log2_streams = 4;
    return options;
  }
  void connect() {
    for (unsigned i = 0; i != kPorts; ++i) {
      ports_[i] = i < 2 ? &smmu().add_port() : &smmu().add_port(*ends_[i - 2]);
    }
  }

  bool one_in(unsigned n) { return dice_.one_in(n); }
  unsigned below(unsigned n) { return dice_.below(n); }
  void see(std::uint64_t what) { seen_.push_back(what); }
  void see(const emulator::Outcome& outcome) {
    if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
      see(translation->pa.value);
      see(translation->size);
      see(std::uint64_t{translation->attributes.type} << 8 |
          static_cast<std::uint64_t>(translation->attributes.shareability));
      see(translation->permissions == emulator::Permissions::all());
    } else if (const auto* end = std::get_if<emulator::Terminated>(&outcome)) {
      see(0xdead'0000 + static_cast<std::uint64_t>(end->response));
    } else {
      see(0x57a1'0000 + std::get<emulator::Stalled>(outcome).tag);
    }
  }

  // As a driver does that polls: until `done`, or nothing goes on any more.
  void wait_until(const std::function<bool()>& done) {
    if (!options_.patient) return;
    while (!done() && smmu().step(1 + pace_.below(3)) != 0) {
    }
  }
  void wait_for_all() {
    wait_until([] { return false; });
  }
  // Whether anything went on.
  bool pass() { return smmu().step(1 + pace_.below(3)) != 0; }

  emulator::Transaction transaction() {
    emulator::Transaction access{.stream = StreamId(below(kStreams)), .address = {}};
    const std::uint64_t base = access.stream.value == 4 ? 0 : kBase;
    access.address = Iova(base + kPage * below(kPages) + 8 * below(512));
    access.direction = one_in(2) ? emulator::Direction::kRead : emulator::Direction::kWrite;
    access.privilege =
        one_in(2) ? emulator::Privilege::kPrivileged : emulator::Privilege::kUnprivileged;
    if (one_in(4)) access.substream = SubstreamId(below(3));
    if (one_in(8)) access.attributes.type = 0x44;
    return access;
  }
  void access() {
    const auto outcome = ports_[below(kPorts)]->translate(transaction());
    see(outcome);
    if (std::holds_alternative<emulator::Stalled>(outcome)) wait_for_all();
  }
  void transfer() {
    const emulator::Transaction access = transaction();
    std::array<std::byte, 24> bytes{};
    bytes.fill(static_cast<std::byte>(below(256)));
    emulator::Port& port = *ports_[below(kPorts)];
    const emulator::Transfer done = access.direction == emulator::Direction::kRead
                                        ? port.read(access, bytes)
                                        : port.write(access, bytes);
    see(done.bytes);
    see(done.outcome);
    for (const std::byte byte : bytes) see(static_cast<std::uint64_t>(byte));
    if (std::holds_alternative<emulator::Stalled>(done.outcome)) wait_for_all();
  }

  void map(unsigned page) {
    const Iova iova(kBase + kPage * page);
    table_.map(iova, Pa(pages_.value + kPage * below(kPages)), kPage,
               {.writable = !one_in(4),
                .unprivileged = !one_in(4),
                .global = one_in(4),
                .access_flag = !one_in(5)});
    const Pa at = table_.descriptor(iova);
    std::uint64_t descriptor = load(board_.memory(), at) | std::uint64_t{one_in(3)} << 51;
    if (one_in(6)) descriptor = 0;
    store(board_.memory(), at, descriptor);
  }
  void change_table() {
    const unsigned page = below(kPages);
    map(page);
    if (!options_.careful && one_in(3)) return;
    using v3::CMD_TLBI_NH_VAA;
    const std::uint64_t address = kBase + kPage * page;
    for (const unsigned vmid : {0U, 1U}) {
      submit(command<CMD_TLBI_NH_VAA>()
                 .set(CMD_TLBI_NH_VAA::VMID, vmid)
                 .set(CMD_TLBI_NH_VAA::Address, address)
                 .set(CMD_TLBI_NH_VAA::Leaf, one_in(2)));
    }
    if (options_.careful || !one_in(3)) synchronize();
  }

  // Streams: 0 and 1 stage 1, 2 substreams, 3 both stages, 4 stage 2, 5 whatever.
  v3::STE ste(unsigned stream) {
    using v3::STE;
    v3::STE entry = translate(cd_place(stream, 0));
    switch (stream) {
      case 2:
        entry.set(STE::S1CDMax, 1).set(STE::S1DSS, v3::DefaultSubstream::kCd0);
        break;
      case 3:
        entry = above_stage2(entry, stage2_);
        break;
      case 4:
        entry = translate_stage2(stage2_).set(STE::S2S, one_in(2));
        break;
      case 5:
        if (one_in(2)) entry = bypass().set(STE::SHCFG, ShareabilityOverride::kInnerShareable);
        if (one_in(4)) entry = v3::STE();
        break;
      default:
        break;
    }
    return entry;
  }
  Pa cd_place(unsigned stream, unsigned substream) const {
    return Pa(cds_.value + 128 * std::uint64_t{stream} + 64 * substream);
  }
  void write_cd(unsigned stream, unsigned substream) {
    using v3::CD;
    const bool stalls = one_in(2);
    const bool updates = one_in(3);
    store(board_.memory(), cd_place(stream, substream),
          context(table_, Asid(static_cast<std::uint16_t>(1 + below(2) + substream)))
              .set(CD::S, stalls)
              .set(CD::HA, updates)
              .set(CD::HD, updates && one_in(2))
              .set(CD::A, !one_in(3))
              .set(CD::R, !one_in(3))
              .set(CD::V, !one_in(16))
              .set(CD::MAIR0, one_in(2) ? 0xffU : 0x44U));
  }
  void configure(unsigned stream) {
    for (const unsigned substream : {0U, 1U}) write_cd(stream, substream);
    board_.streams().set(StreamId(stream), ste(stream));
  }
  void change_configuration() {
    const unsigned stream = below(kStreams);
    const bool whole = one_in(2);
    const unsigned substream = below(2);
    if (whole) {
      configure(stream);
    } else {
      write_cd(stream, substream);
    }
    if (!options_.careful && one_in(3)) return;
    using v3::CMD_CFGI_CD;
    using v3::CMD_CFGI_STE;
    if (whole) {
      submit(command<CMD_CFGI_STE>()
                 .set(CMD_CFGI_STE::StreamID, stream)
                 .set(CMD_CFGI_STE::Leaf, one_in(2)));
    } else {
      submit(command<CMD_CFGI_CD>()
                 .set(CMD_CFGI_CD::StreamID, stream)
                 .set(CMD_CFGI_CD::SubstreamID, substream)
                 .set(CMD_CFGI_CD::Leaf, true));
    }
    if (options_.careful) submit(command<v3::CMD_TLBI_NSNH_ALL>());
    if (options_.careful || !one_in(3)) synchronize();
  }

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
  void synchronize() {
    using v3::CMD_SYNC;
    const auto signal = static_cast<SyncSignal>(below(3));
    submit(command<CMD_SYNC>()
               .set(CMD_SYNC::CS, signal)
               .set(CMD_SYNC::MSIAddress, one_in(2) ? messages_.value + 4 * below(64) : 0)
               .set(CMD_SYNC::MSIData, below(1U << 16)));
  }
  void command_something() {
    using v3::CMD_TLBI_NH_ASID;
    using v3::CMD_TLBI_NH_VA;
    using v3::CMD_TLBI_S2_IPA;
    switch (below(6)) {
      case 0:
        submit(command<CMD_TLBI_NH_ASID>()
                   .set(CMD_TLBI_NH_ASID::VMID, below(2))
                   .set(CMD_TLBI_NH_ASID::ASID, 1 + below(3)));
        break;
      case 1:
        submit(command<CMD_TLBI_NH_VA>()
                   .set(CMD_TLBI_NH_VA::VMID, below(2))
                   .set(CMD_TLBI_NH_VA::ASID, 1 + below(3))
                   .set(CMD_TLBI_NH_VA::Address, kBase + kPage * below(kPages))
                   .set(CMD_TLBI_NH_VA::Leaf, true));
        break;
      case 2:
        submit(command<CMD_TLBI_S2_IPA>()
                   .set(CMD_TLBI_S2_IPA::VMID, 1)
                   .set(CMD_TLBI_S2_IPA::Address, kPage * below(kPages)));
        break;
      case 3:
        return make_an_error();
      case 4:
        submit(command<v3::CMD_TLBI_NSNH_ALL>());
        break;
      default:
        synchronize();
        break;
    }
  }
  // A command that there is not, and what a driver does about it.
  void make_an_error() {
    using v3::CommandHeader;
    submit(CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff)));
    wait_for_all();
    repair_commands();
  }
  void repair_commands() {
    using v3::SMMU_CMDQ_CONS;
    using v3::SMMU_GERROR;
    const auto errors = smmu().read<SMMU_GERROR>().raw();
    if (errors == smmu().read<v3::SMMU_GERRORN>().raw()) return;
    const auto at = smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD] % 256;
    store(board_.memory(), Pa(board_.command_queue().value + 16 * std::uint64_t{at}),
          command<v3::CMD_SYNC>());
    smmu().write(v3::SMMU_GERRORN(errors));
    wait_for_all();
  }

  void consume_events() {
    repair_commands();
    for (const Event& event : board_.events()) {
      events_.push_back(event);
      using v3::F_TRANSLATION;
      if (event.type() >= v3::EventType::F_TRANSLATION &&
          event.type() <= v3::EventType::F_PERMISSION &&
          event.as<F_TRANSLATION>()[F_TRANSLATION::Stall]) {
        stalled_.emplace_back(event.stream(), event.as<F_TRANSLATION>()[F_TRANSLATION::STAG]);
      }
    }
    wait_for_all();
  }
  void answer_stalls() {
    consume_events();
    using v3::CMD_RESUME;
    using v3::CMD_STALL_TERM;
    while (!stalled_.empty()) {
      const auto [stream, tag] = stalled_.back();
      stalled_.pop_back();
      if (one_in(16)) {
        submit(command<CMD_STALL_TERM>().set(CMD_STALL_TERM::StreamID, stream.value));
      } else {
        submit(command<CMD_RESUME>()
                   .set(CMD_RESUME::StreamID, stream.value)
                   .set(CMD_RESUME::STAG, tag)
                   .set(CMD_RESUME::Ac, one_in(2))
                   .set(CMD_RESUME::Ab, one_in(2)));
      }
      wait_for_all();
      if (one_in(3)) break;
    }
  }

  void change_control() {
    using v3::SMMU_CR0;
    using v3::SMMU_GBPA;
    using v3::SMMU_IRQ_CTRL;
    switch (below(3)) {
      case 0:
        smmu().write(SMMU_CR0()
                         .set(SMMU_CR0::SMMUEN, !one_in(3))
                         .set(SMMU_CR0::EVENTQEN, !one_in(4))
                         .set(SMMU_CR0::CMDQEN, true));
        break;
      case 1:
        smmu().write(SMMU_IRQ_CTRL()
                         .set(SMMU_IRQ_CTRL::GERROR_IRQEN, one_in(2))
                         .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, one_in(2)));
        break;
      default:
        smmu().write(SMMU_GBPA()
                         .set(SMMU_GBPA::ABORT, one_in(2))
                         .set(SMMU_GBPA::MTCFG, one_in(2))
                         .set(SMMU_GBPA::MemAttr, 0b0101)
                         .set(SMMU_GBPA::Update, true));
        break;
    }
    wait_until([&] {
      return smmu().read<v3::SMMU_CR0ACK>().raw() == smmu().read<SMMU_CR0>().raw() &&
             smmu().read<v3::SMMU_IRQ_CTRLACK>().raw() == smmu().read<SMMU_IRQ_CTRL>().raw() &&
             !smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update];
    });
    // What was stalled has ended, and its device knows.
    wait_for_all();
    stalled_.clear();
  }

  static constexpr std::uint32_t kSecureCommands = v3::kSecureOffset + v3::SMMU_CMDQ_PROD::kOffset;

  // What a wide driver has besides.
  struct Wide {
    std::array<EnhancedQueue, 3> queues;  // the last is the Secure driver's
    // Its registers are reached by way of the SMMU that is in place.
    Board secure;
    std::uint32_t produced = 0;  // by the Secure driver
  };

  void prepare_wide() {
    wide_ = std::unique_ptr<Wide>(
        new Wide{.queues = {EnhancedQueue(board_, 0, 0), EnhancedQueue(board_, 0, 3),
                            EnhancedQueue(board_, 0, 1, 4, SecurityState::kSecure)},
                 .secure = Board::secure(board_)});
    for (EnhancedQueue& queue : wide_->queues) {
      queue.write64(0, queue.entry(0).value | 4);
      queue.write32(0x8, EnhancedQueue::kEnable);
    }
    board_.bring_up_page_requests(2);
    wide_->secure.bring_up();
    wide_->produced = smmu().secure().read32(kSecureCommands);
    wide_->secure.streams().set(StreamId(0), translate(cd_place(0, 0)));
    wide_->secure.streams().set(StreamId(1), bypass());
  }
  void act_wide() {
    switch (below(8)) {
      case 0:
        return enhance();
      case 1:
        return operate();
      case 2:
        return request_translation();
      case 3:
        return request_page();
      case 4:
        return invalidate_device();
      case 5:
        return command_securely();
      case 6:
        return change_secure_control();
      default:
        return access_securely();
    }
  }
  void enhance() {
    EnhancedQueue& queue = wide_->queues[below(3)];
    if (one_in(12)) return queue.write32(0x8, queue.prod() ^ EnhancedQueue::kEnable);
    if (queue.in_error()) return queue.write32(0x8, queue.prod() ^ EnhancedQueue::kError);
    const std::uint32_t produced = queue.prod() & 0x1f;
    v3::CommandHeader what({one_in(10) ? 0xffU : 0x30U, 0});
    if (one_in(2)) what = v3::CommandHeader(command<v3::CMD_SYNC>().words());
    store(board_.memory(), queue.entry(produced), what.words()[0]);
    store(board_.memory(), Pa(queue.entry(produced).value + 8), what.words()[1]);
    queue.write32(0x8, (queue.prod() & ~0x1fU) | ((produced + 1) & 0x1f));
    see(queue.cons());
  }
  void operate() {
    const bool read = one_in(2);
    if (one_in(2)) return operate_securely(read);
    smmu().write(v3::SMMU_GATOS_SID().set(v3::SMMU_GATOS_SID::STREAMID, below(kStreams)));
    smmu().write(v3::SMMU_GATOS_ADDR()
                     .set(v3::SMMU_GATOS_ADDR::ADDR, kBase + kPage * below(kPages))
                     .set(v3::SMMU_GATOS_ADDR::TYPE, v3::TranslationType::kStage1)
                     .set(v3::SMMU_GATOS_ADDR::RnW, read));
    smmu().write(v3::SMMU_GATOS_CTRL().set(v3::SMMU_GATOS_CTRL::RUN, true));
    see(smmu().read<v3::SMMU_GATOS_PAR>().raw());
  }
  void operate_securely(bool read) {
    using v3::SMMU_S_GATOS_ADDR;
    using v3::SMMU_S_GATOS_SID;
    Mmio& secure = smmu().secure();
    const bool of_secure = one_in(2);
    const bool non_secure_ipa = one_in(2);
    secure.write(SMMU_S_GATOS_SID()
                     .set(SMMU_S_GATOS_SID::STREAMID, below(kStreams))
                     .set(SMMU_S_GATOS_SID::SSEC, of_secure));
    secure.write(SMMU_S_GATOS_ADDR()
                     .set(SMMU_S_GATOS_ADDR::ADDR, kBase + kPage * below(kPages))
                     .set(SMMU_S_GATOS_ADDR::TYPE, static_cast<v3::TranslationType>(below(4)))
                     .set(SMMU_S_GATOS_ADDR::NS, non_secure_ipa)
                     .set(SMMU_S_GATOS_ADDR::RnW, read));
    secure.write(v3::SMMU_S_GATOS_CTRL(1));
    see(secure.read<v3::SMMU_S_GATOS_PAR>().raw());
  }
  // A word of a counter group, whatever it does.
  void change_counters() {
    emulator::CounterGroup& group = smmu().counter_group(0);
    const std::uint32_t offset = 4 * below(one_in(3) ? 0x400 : 0x10);
    const std::uint32_t value = one_in(2) ? below(8) : ~below(8);
    group.secure().write32(one_in(4) ? offset : 0x400 + offset % 0x40, value);
    group.write32(0xc00, 0xff);  // CNTENSET
    group.write32(0xe04, 1);     // CR.E
    see(group.read32(offset));
  }
  void request_translation() {
    if (one_in(4)) {
      const bool on = one_in(2);
      smmu().write(smmu().read<v3::SMMU_CR0>().set(v3::SMMU_CR0::ATSCHK, on));
    }
    emulator::Transaction translated = transaction();
    if (one_in(2)) {
      translated.substream.reset();
      translated.address_type = emulator::AddressType::kTranslated;
      return see(ports_[below(kPorts)]->translate(translated));
    }
    const auto completion = ports_[below(kPorts)]->request_translation(
        {.stream = translated.stream, .address = translated.address});
    see(static_cast<std::uint64_t>(completion.status));
    for (const auto& range : completion.ranges()) {
      see(range.translated.value | range.size | std::uint64_t{range.read} << 1);
    }
  }
  void request_page() {
    const emulator::Transaction access = transaction();
    emulator::PageRequest request{.stream = access.stream, .address = access.address};
    request.read = true;
    request.last = one_in(2);
    request.group = static_cast<std::uint16_t>(below(512));
    if (one_in(3)) request.pasid = emulator::Pasid{.substream = SubstreamId(below(3))};
    ports_[below(kPorts)]->request_page(request);
    if (one_in(3)) {
      for (const v3::PPR& record : board_.page_requests()) see(record.words()[1]);
    }
    for (const auto& response : board_.fabric.responses()) see(response.group);
  }
  // The device behind the stream answers when it likes.
  void invalidate_device() {
    if (one_in(2)) {
      slow_device_->answer(one_in(4) ? emulator::InvalidationResult::kNotComplete
                                     : emulator::InvalidationResult::kComplete);
    } else {
      submit(command<v3::CMD_ATC_INV>().set(v3::CMD_ATC_INV::StreamID, kStreams));
      synchronize();
    }
    see(slow_device_->unanswered());
  }
  void command_securely() {
    Mmio& secure = smmu().secure();
    const std::uint32_t free = secure.read32(kSecureCommands + 4) & 0x1ff;
    if (((wide_->produced - free) & 0x1ff) == 0x100) return;
    v3::CommandHeader what({0x10, 0});
    if (one_in(5)) {
      what = v3::CommandHeader(
          command<v3::CMD_ATC_INV>().set(v3::CMD_ATC_INV::StreamID, kStreams).words());
    }
    if (one_in(2)) what = v3::CommandHeader(command<v3::CMD_SYNC>().words());
    if (one_in(3)) {
      what = v3::CommandHeader(command<v3::CMD_CFGI_STE>()
                                   .set(v3::CMD_CFGI_STE::SSec, one_in(2))
                                   .set(v3::CMD_CFGI_STE::StreamID, below(2))
                                   .words());
    }
    const Pa place(wide_->secure.command_queue().value +
                   16 * std::uint64_t{wide_->produced & 0xff});
    store(board_.memory(), place, what.words()[0]);
    store(board_.memory(), Pa(place.value + 8), what.words()[1]);
    wide_->produced = (wide_->produced + 1) & 0x1ff;
    secure.write32(kSecureCommands, wide_->produced);
    see(secure.read32(kSecureCommands + 4));
  }
  void change_secure_control() {
    Mmio& secure = smmu().secure();
    switch (below(3)) {
      case 0:
        secure.write32(v3::SMMU_S_CR0::kOffset, v3::SMMU_S_CR0()
                                                    .set(v3::SMMU_S_CR0::SMMUEN, !one_in(4))
                                                    .set(v3::SMMU_S_CR0::EVENTQEN, !one_in(4))
                                                    .set(v3::SMMU_S_CR0::CMDQEN, true)
                                                    .set(v3::SMMU_S_CR0::SIF, one_in(3))
                                                    .raw());
        break;
      case 1:
        secure.write32(v3::SMMU_S_GBPA::kOffset, v3::SMMU_S_GBPA()
                                                     .set(v3::SMMU_S_GBPA::ABORT, one_in(3))
                                                     .set(v3::SMMU_S_GBPA::Update, true)
                                                     .raw());
        break;
      default:
        secure.write32(v3::SMMU_S_INIT::kOffset, 1);
        break;
    }
    see(secure.read32(v3::SMMU_S_CR0ACK::kOffset));
  }
  void access_securely() {
    emulator::Transaction access = transaction();
    access.stream = StreamId(below(3));
    access.substream.reset();
    access.security = SecurityState::kSecure;
    see(ports_[below(kPorts)]->translate(access));
    see(smmu().secure().read32(v3::kSecureOffset + 0xA8));
  }

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
