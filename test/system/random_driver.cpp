#include "test/system/random_driver.h"

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {

RandomDriver::RandomDriver(const Options& options)
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

void RandomDriver::act() {
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

void RandomDriver::settle() {
  while (pass()) {
  }
  consume_events();
  while (pass()) {
  }
}

std::array<unsigned, 9> RandomDriver::interrupts() const {
  return {board_.event_line.count(),       board_.page_request_line.count(),
          board_.sync_line.count(),        board_.error_line.count(),
          board_.wake_up_line.count(),     board_.secure_event_line.count(),
          board_.secure_sync_line.count(), board_.secure_error_line.count(),
          board_.counter_line.count()};
}

std::vector<std::uint32_t> RandomDriver::registers() {
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

std::vector<std::byte> RandomDriver::memory() {
  const std::uint64_t end = board_.allocate(0).value;
  std::vector<std::byte> bytes(end - kRam);
  EXPECT_EQ(board_.memory().read(Pa(kRam), bytes), BusResponse::kOkay);
  return bytes;
}

Board::Options RandomDriver::board_options() const {
  Board::Options options;
  options.config = options_.config;
  options.ram_base = Pa(kRam);
  options.ram_size = kRamBytes;
  options.log2_events = options_.patient ? 8 : 4;
  options.log2_streams = 4;
  return options;
}

void RandomDriver::connect() {
  for (unsigned i = 0; i != kPorts; ++i) {
    ports_[i] = i < 2 ? &smmu().add_port() : &smmu().add_port(*ends_[i - 2]);
  }
}

void RandomDriver::see(const emulator::Outcome& outcome) {
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

void RandomDriver::wait_until(const std::function<bool()>& done) {
  if (!options_.patient) return;
  while (!done() && smmu().step(1 + pace_.below(3)) != 0) {
  }
}

emulator::Transaction RandomDriver::transaction() {
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

void RandomDriver::access() {
  const auto outcome = ports_[below(kPorts)]->translate(transaction());
  see(outcome);
  if (std::holds_alternative<emulator::Stalled>(outcome)) wait_for_all();
}

void RandomDriver::transfer() {
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

void RandomDriver::map(unsigned page) {
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

void RandomDriver::change_table() {
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

v3::STE RandomDriver::ste(unsigned stream) {
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

void RandomDriver::write_cd(unsigned stream, unsigned substream) {
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

void RandomDriver::change_configuration() {
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

void RandomDriver::synchronize() {
  using v3::CMD_SYNC;
  const auto signal = static_cast<SyncSignal>(below(3));
  submit(command<CMD_SYNC>()
             .set(CMD_SYNC::CS, signal)
             .set(CMD_SYNC::MSIAddress, one_in(2) ? messages_.value + 4 * below(64) : 0)
             .set(CMD_SYNC::MSIData, below(1U << 16)));
}

void RandomDriver::command_something() {
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

void RandomDriver::make_an_error() {
  using v3::CommandHeader;
  submit(CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff)));
  wait_for_all();
  repair_commands();
}

void RandomDriver::repair_commands() {
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

void RandomDriver::consume_events() {
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

void RandomDriver::answer_stalls() {
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

void RandomDriver::change_control() {
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

void RandomDriver::change_counters() {
  emulator::CounterGroup& group = smmu().counter_group(0);
  const std::uint32_t offset = 4 * below(one_in(3) ? 0x400 : 0x10);
  const std::uint32_t value = one_in(2) ? below(8) : ~below(8);
  group.secure().write32(one_in(4) ? offset : 0x400 + offset % 0x40, value);
  group.write32(0xc00, 0xff);  // CNTENSET
  group.write32(0xe04, 1);     // CR.E
  see(group.read32(offset));
}

}  // namespace smmu::testing
