#include "lib/smmu_v3/global_errors.h"

#include <fmt/format.h>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"

namespace smmu::iommu {

using v3::CommandError;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;

namespace {
// How often one command may stop the queue before nothing more is tried: a queue that cannot be
// read would be read for ever.
constexpr unsigned kMostTimes = 8;
}  // namespace

GlobalErrors::CommandQueueState GlobalErrors::recover(CommandQueue& queue) {
  const auto consumer = registers_.read<SMMU_CMDQ_CONS>();
  const std::uint32_t index = consumer[SMMU_CMDQ_CONS::RD];
  const CommandError error = consumer[SMMU_CMDQ_CONS::ERR];
  const std::uint64_t position = queue.position_of(index);
  times_ = position == stopped_at_ ? times_ + 1 : 1;
  stopped_at_ = position;
  if (times_ > kMostTimes) {
    if (times_ == kMostTimes + 1)
      log_.say(fmt::format("the Command queue does not get beyond index {:#x}: error {:#x}", index,
                           static_cast<unsigned>(error)));
    return CommandQueueState::kStuck;
  }
  switch (error) {
    case CommandError::CERROR_NONE:
      log_.say("SMMU_GERROR.CMDQ_ERR without an error in SMMU_CMDQ_CONS");
      return CommandQueueState::kGoesOn;
    case CommandError::CERROR_ABT:
      log_.say(fmt::format("CERROR_ABT: the command at index {:#x} could not be read", index));
      return CommandQueueState::kGoesOn;
    case CommandError::CERROR_ATC_INV_SYNC:
      // 4.7.3: the CMD_SYNC is tried again; which device did not answer is not told.
      log_.say("CERROR_ATC_INV_SYNC: a device has not answered a CMD_ATC_INV");
      return CommandQueueState::kGoesOn;
    case CommandError::CERROR_ILL:
      break;
  }
  log_.say(fmt::format("{} at index {:#x}: the command is left out",
                       error == CommandError::CERROR_ILL ? "CERROR_ILL" : "an unknown error",
                       index));
  queue.replace_command_at(index);
  return CommandQueueState::kGoesOn;
}

GlobalErrors::Outcome GlobalErrors::look(CommandQueue& queue) {
  const auto left = one_.ask([&] {
    const auto reported = registers_.read<SMMU_GERROR>();
    const auto acknowledged = registers_.read<SMMU_GERRORN>();
    const SMMU_GERROR active(reported.raw() ^ acknowledged.raw());
    if (active.raw() == 0) return;
    SMMU_GERRORN answer(reported.raw());

    if (active[SMMU_GERROR::SFM_ERR]) {
      log_.say("SMMU_GERROR.SFM_ERR: Service Failure Mode, the SMMU is disabled");
      service_failure_ = true;
    }
    if (active[SMMU_GERROR::MSI_GERROR_ABT_ERR])
      log_.say("SMMU_GERROR.MSI_GERROR_ABT_ERR: a global error's message was not delivered");
    if (active[SMMU_GERROR::MSI_PRIQ_ABT_ERR])
      log_.say("SMMU_GERROR.MSI_PRIQ_ABT_ERR: the PRI queue's message was not delivered");
    if (active[SMMU_GERROR::MSI_EVENTQ_ABT_ERR])
      log_.say("SMMU_GERROR.MSI_EVENTQ_ABT_ERR: the Event queue's message was not delivered");
    if (active[SMMU_GERROR::MSI_CMDQ_ABT_ERR])
      log_.say("SMMU_GERROR.MSI_CMDQ_ABT_ERR: a CMD_SYNC's message was not delivered");
    if (active[SMMU_GERROR::PRIQ_ABT_ERR])
      log_.say("SMMU_GERROR.PRIQ_ABT_ERR: a page request could not be written, and is lost");
    if (active[SMMU_GERROR::EVENTQ_ABT_ERR])
      log_.say("SMMU_GERROR.EVENTQ_ABT_ERR: an event could not be written, and is lost");
    if (active[SMMU_GERROR::CMDQP_ERR])
      log_.say("SMMU_GERROR.CMDQP_ERR: an Enhanced Command queue, which nobody uses, has stopped");
    if (active[SMMU_GERROR::DPT_ERR]) log_.say("SMMU_GERROR.DPT_ERR");
    if (active[SMMU_GERROR::CMDQ_ERR] && recover(queue) == CommandQueueState::kStuck) {
      answer.set(SMMU_GERRORN::CMDQ_ERR, acknowledged[SMMU_GERRORN::CMDQ_ERR]);
    }
    // Last: with this the Command queue goes on.
    if (answer != acknowledged) registers_.write(answer);
  });
  if (service_failure_) return Outcome::kService;
  return left == OneAtATime::Left::kMore ? Outcome::kMore : Outcome::kOn;
}

}  // namespace smmu::iommu
