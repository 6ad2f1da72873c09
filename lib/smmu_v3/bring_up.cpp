#include "lib/smmu_v3/bring_up.h"

#include <fmt/format.h>

#include "lib/smmu_v3/patience.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/queue_registers.h"

namespace smmu::iommu {

using v3::CMD_CFGI_STE_RANGE;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_CR1;
using v3::SMMU_CR2;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;

namespace {

constexpr std::uint32_t kDevice_nGnRE = 0b0001;  // STE.MemAttr's code
constexpr std::uint32_t kAllStreams = 31;        // CMD_CFGI_STE_RANGE.Range: that is CMD_CFGI_ALL

}  // namespace

std::optional<std::string> BringUpV3::set_control(SMMU_CR0 value) {
  registers_.write(value);
  const bool done = Patience(clock_, core_.config.timeout).until([&] {
    return registers_.read<SMMU_CR0ACK>().raw() == value.raw();
  });
  if (done) return std::nullopt;
  return fmt::format("SMMU_CR0ACK does not follow SMMU_CR0 to {:#x}", value.raw());
}

std::optional<std::string> BringUpV3::set_interrupts(SMMU_IRQ_CTRL value) {
  registers_.write(value);
  const bool done = Patience(clock_, core_.config.timeout).until([&] {
    return registers_.read<SMMU_IRQ_CTRLACK>().raw() == value.raw();
  });
  if (done) return std::nullopt;
  return fmt::format("SMMU_IRQ_CTRLACK does not follow SMMU_IRQ_CTRL to {:#x}", value.raw());
}

// 6.3.14: one write, while no update is going on.
std::optional<std::string> BringUpV3::set_bypass_abort(bool abort) {
  const auto settled = [&] { return !registers_.read<SMMU_GBPA>()[SMMU_GBPA::Update]; };
  if (!Patience(clock_, core_.config.timeout).until(settled))
    return std::string("SMMU_GBPA.Update stays 1");
  registers_.write(
      registers_.read<SMMU_GBPA>().set(SMMU_GBPA::ABORT, abort).set(SMMU_GBPA::Update, true));
  if (!Patience(clock_, core_.config.timeout).until(settled))
    return std::string("SMMU_GBPA.Update stays 1");
  return std::nullopt;
}

std::optional<std::string> BringUpV3::stop() {
  // Somebody has left it on: devices must not get through meanwhile.
  const bool on = registers_.read<SMMU_CR0>()[SMMU_CR0::SMMUEN];
  if (!protected_) {
    protected_ = on || registers_.read<SMMU_GBPA>()[SMMU_GBPA::ABORT];
    was_protected_ = *protected_;
  }
  if (on) {
    if (auto failure = set_bypass_abort(true)) return failure;
  }
  return set_control(SMMU_CR0());
}

std::optional<std::string> BringUpV3::forget_everything() {
  CommandQueue& queue = *core_.queue;
  const auto all = command_v3<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, kAllStreams);
  bool done = queue.submit_and_sync(all.words()).has_value();
  if (core_.features.hypervisor)
    done = done && queue.submit_and_sync(command_v3<v3::CMD_TLBI_EL2_ALL>().words()).has_value();
  done = done && queue.submit_and_sync(command_v3<v3::CMD_TLBI_NSNH_ALL>().words()).has_value();
  // A queue that has failed takes everything.
  if (done && queue.is_on()) return std::nullopt;
  return std::string("the SMMU does not carry out commands");
}

template <class Cfg0, class Cfg1, class Cfg2>
void BringUpV3::set_message(const std::optional<MessageAddress>& message) {
  registers_.write(Cfg0().set(Cfg0::ADDR, message->address.value));
  registers_.write(Cfg1().set(Cfg1::DATA, message->data));
  registers_.write(Cfg2().set(Cfg2::MemAttr, kDevice_nGnRE));
}

std::optional<std::string> BringUpV3::enable_interrupts() {
  if (auto failure = set_interrupts(SMMU_IRQ_CTRL())) return failure;
  const FeaturesV3& features = core_.features;
  if (features.messages) {
    // 6.3.21: an old address is somebody else's memory.
    registers_.write(v3::SMMU_GERROR_IRQ_CFG0());
    registers_.write(v3::SMMU_EVENTQ_IRQ_CFG0());
    if (features.page_requests) registers_.write(v3::SMMU_PRIQ_IRQ_CFG0());
    const SmmuV3DriverConfig& config = core_.config;
    if (config.event_queue_message)
      set_message<v3::SMMU_EVENTQ_IRQ_CFG0, v3::SMMU_EVENTQ_IRQ_CFG1, v3::SMMU_EVENTQ_IRQ_CFG2>(
          config.event_queue_message);
    if (config.global_error_message)
      set_message<v3::SMMU_GERROR_IRQ_CFG0, v3::SMMU_GERROR_IRQ_CFG1, v3::SMMU_GERROR_IRQ_CFG2>(
          config.global_error_message);
    if (config.page_request_message && features.page_requests)
      set_message<v3::SMMU_PRIQ_IRQ_CFG0, v3::SMMU_PRIQ_IRQ_CFG1, v3::SMMU_PRIQ_IRQ_CFG2>(
          config.page_request_message);
  }
  return set_interrupts(SMMU_IRQ_CTRL()
                            .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true)
                            .set(SMMU_IRQ_CTRL::GERROR_IRQEN, true)
                            .set(SMMU_IRQ_CTRL::PRIQ_IRQEN, features.page_requests));
}

std::optional<std::string> BringUpV3::enable(const StreamEntries& streams, EventQueueV3& events,
                                             PageRequestQueueV3& page_requests) {
  if (auto failure = stop()) return failure;
  // An error that nobody has acknowledged would stop the new queue as it did the old one.
  const auto errors = registers_.read<SMMU_GERROR>();
  const SMMU_GERROR active(errors.raw() ^ registers_.read<SMMU_GERRORN>().raw());
  // 12.3: this one lasts until a reset.
  if (active[SMMU_GERROR::SFM_ERR])
    return std::string("SMMU_GERROR.SFM_ERR: the SMMU is in Service Failure Mode");
  if (active.raw() != 0) registers_.write(SMMU_GERRORN(errors.raw()));

  registers_.write(SMMU_CR1()
                       .set(SMMU_CR1::QUEUE_IC, Cacheability::kWriteBack)
                       .set(SMMU_CR1::QUEUE_OC, Cacheability::kWriteBack)
                       .set(SMMU_CR1::QUEUE_SH, Shareability::kInner)
                       .set(SMMU_CR1::TABLE_IC, Cacheability::kWriteBack)
                       .set(SMMU_CR1::TABLE_OC, Cacheability::kWriteBack)
                       .set(SMMU_CR1::TABLE_SH, Shareability::kInner));
  registers_.write(SMMU_CR2()
                       .set(SMMU_CR2::PTM, true)
                       .set(SMMU_CR2::RECINVSID, true)
                       .set(SMMU_CR2::E2H, core_.config.world == SmmuV3DriverConfig::World::kEl2));
  registers_.write(streams.base());
  registers_.write(streams.configuration());

  core_.queue->program();
  SMMU_CR0 control = SMMU_CR0().set(SMMU_CR0::CMDQEN, true);
  if (auto failure = set_control(control)) return failure;
  core_.queue->turn(true);
  if (auto failure = forget_everything()) return failure;

  events.program(registers_);
  if (auto failure = set_control(control.set(SMMU_CR0::EVENTQEN, true))) return failure;
  if (core_.features.page_requests) {
    page_requests.program(registers_);
    if (auto failure = set_control(control.set(SMMU_CR0::PRIQEN, true))) return failure;
  }
  if (core_.features.ats) {
    if (auto failure = set_control(control.set(SMMU_CR0::ATSCHK, true))) return failure;
  }
  if (auto failure = enable_interrupts()) return failure;
  return set_control(control.set(SMMU_CR0::SMMUEN, true));
}

std::optional<std::string> BringUpV3::disable() {
  const bool abort = core_.config.unknown == SmmuV3DriverConfig::Unknown::kAbort;
  auto failure = set_bypass_abort(abort);
  if (auto other = set_interrupts(SMMU_IRQ_CTRL()); other && !failure) failure = other;
  core_.queue->turn(false);
  if (auto other = set_control(SMMU_CR0()); other && !failure) failure = other;
  return failure;
}

}  // namespace smmu::iommu
