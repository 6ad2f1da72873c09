// What a wide driver does beside streams and commands: Enhanced Command queues, address translation
// operations, ATS, page requests, and the Secure driver's work.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_operation_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"
#include "smmu/testing/matchers.h"
#include "test/system/random_driver.h"

namespace smmu::testing {

namespace {

constexpr std::uint32_t kSecureCommands = v3::kSecureOffset + v3::SMMU_CMDQ_PROD::kOffset;

}  // namespace

void RandomDriver::prepare_wide() {
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

void RandomDriver::act_wide() {
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

void RandomDriver::enhance() {
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

void RandomDriver::operate() {
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

void RandomDriver::operate_securely(bool read) {
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

void RandomDriver::request_translation() {
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

void RandomDriver::request_page() {
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

void RandomDriver::invalidate_device() {
  if (one_in(2)) {
    slow_device_->answer(one_in(4) ? emulator::InvalidationResult::kNotComplete
                                   : emulator::InvalidationResult::kComplete);
  } else {
    submit(command<v3::CMD_ATC_INV>().set(v3::CMD_ATC_INV::StreamID, kStreams));
    synchronize();
  }
  see(slow_device_->unanswered());
}

void RandomDriver::command_securely() {
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
  const Pa place(wide_->secure.command_queue().value + 16 * std::uint64_t{wide_->produced & 0xff});
  store(board_.memory(), place, what.words()[0]);
  store(board_.memory(), Pa(place.value + 8), what.words()[1]);
  wide_->produced = (wide_->produced + 1) & 0x1ff;
  secure.write32(kSecureCommands, wide_->produced);
  see(secure.read32(kSecureCommands + 4));
}

void RandomDriver::change_secure_control() {
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

void RandomDriver::access_securely() {
  emulator::Transaction access = transaction();
  access.stream = StreamId(below(3));
  access.substream.reset();
  access.security = SecurityState::kSecure;
  see(ports_[below(kPorts)]->translate(access));
  see(smmu().secure().read32(v3::kSecureOffset + 0xA8));
}

}  // namespace smmu::testing
