// What the SMMU tells of transactions: events, and requests for pages.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/smmu_v3/driver_v3.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/page_requests.h"
#include "smmu/iommu/device.h"

namespace smmu::iommu {

using v3::CMD_PRI_RESP;
using v3::CMD_RESUME;
using v3::PageResponse;
using v3::PPR;

namespace {

// Records that are copied out before anybody is told of them.
constexpr std::size_t kRecordsAtOnce = 16;
// How many times what a queue holds is served before the thread may go on with what it was doing: a
// device that asks without end keeps nobody for ever.
constexpr std::size_t kMostQueues = 16;

PageResponse response_of(PageAnswer answer) {
  switch (answer) {
    case PageAnswer::kSuccess:
      return PageResponse::kSuccess;
    case PageAnswer::kInvalid:
      return PageResponse::kInvalidRequest;
    case PageAnswer::kFailure:
    case PageAnswer::kLater:
      break;
  }
  return PageResponse::kResponseFailure;
}

}  // namespace

// REQUIRES: the mutex of Deliveries is held.
DomainV3* DriverV3::domain_of(const DeviceStreams& streams,
                              std::optional<SubstreamId> substream) const {
  if (substream) {
    for (const DeviceStreams::Pasid& pasid : streams.pasids) {
      if (pasid.substream == *substream) return pasid.attached->domain;
    }
    // A guest's own SubstreamIDs are its domain's.
    const bool guest =
        streams.attached != nullptr && streams.attached->domain->role() == DomainV3::Role::kNested;
    if (!guest) return nullptr;
  }
  return streams.attached != nullptr ? streams.attached->domain : nullptr;
}

// Behind all records of streams whose change the SMMU has been told of, with a CMD_SYNC (4.7.2.1).
std::uint64_t DriverV3::end_of_events() {
  // Without registers there is nothing new, and what there was is over.
  return queue_->is_on() ? events_.end(*core_.config.registers) : events_.taken();
}

// Whether a record is of what the stream was before: then an access that waited has ended.  So it
// has if the SMMU was off since.
// REQUIRES: the mutex of Deliveries is held.
bool DriverV3::is_over(const Known& known, std::uint64_t event) const {
  return event < known.events_from || event < events_.since();
}

// 4.7.1: not what was answered by CMD_STALL_TERM, and its STAG may be another access's.
bool DriverV3::may_resume(StreamId stream, std::uint64_t event) {
  const std::lock_guard guard(core_.deliveries.mutex());
  const Known* const known = find(stream);
  return known != nullptr && !is_over(*known, event);
}

void DriverV3::drain_events() {
  for (std::size_t served = 0; served < kMostQueues * events_.size();) {
    std::array<EventWords, kRecordsAtOnce> records;
    const auto taken = events_.take(*core_.config.registers, records);
    if (taken.lost) core_.log.say("SMMU_EVENTQ_PROD.OVFLG: events were lost");
    if (taken.nonsense) core_.log.say("SMMU_EVENTQ_PROD is beyond the queue: events were lost");
    if (taken.records == 0) return;
    for (std::size_t i = 0; i != taken.records; ++i) on_event(records[i], taken.first + i);
    served += taken.records;
  }
  ask_later(Service::kEvents);
}

void DriverV3::drain_page_requests() {
  if (!core_.features.page_requests) return;
  for (std::size_t served = 0; served < kMostQueues * page_requests_.size();) {
    std::array<std::array<std::uint64_t, 2>, kRecordsAtOnce> records;
    const auto taken = page_requests_.take(*core_.config.registers, records);
    // 8.1: whoever was dropped has been told to ask again.
    if (taken.lost) core_.log.say("SMMU_PRIQ_PROD.OVFLG: page requests were dropped");
    if (taken.nonsense) core_.log.say("SMMU_PRIQ_PROD is beyond the queue: requests were lost");
    if (taken.records == 0) return;
    for (std::size_t i = 0; i != taken.records; ++i) on_page_request(records[i]);
    served += taken.records;
  }
  ask_later(Service::kPageRequests);
}

void DriverV3::on_event(const EventWords& words, std::uint64_t position) {
  if (is_hint(words)) return;
  const Fault fault = decode_event(words);
  DeviceStreams* streams = nullptr;
  DomainV3* domain = nullptr;
  Deliveries::Call for_device;
  Deliveries::Call for_domain;
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    const Known* const known = find(fault.stream);
    if (known != nullptr && !is_over(*known, position)) {
      streams = known->streams;
      core_.deliveries.begin(for_device, streams);
      domain = domain_of(*streams, fault.substream);
      if (domain != nullptr) core_.deliveries.begin(for_domain, domain);
    }
  }
  FaultAction action = FaultAction::kNotMine;
  bool later = false;
  AddressSpace* const space = domain != nullptr ? domain->address_space() : nullptr;
  if (space != nullptr && fault.stalled) {
    const PageAnswer answer =
        space->on_page_fault({.stream = fault.stream,
                              .substream = fault.substream,
                              .iova = fault.iova,
                              .read = fault.direction == FaultDirection::kRead,
                              .write = fault.direction == FaultDirection::kWrite,
                              .instruction = fault.instruction,
                              .privileged = fault.privileged,
                              .last = true,
                              .group_index = fault.stall_tag,
                              .event = position});
    later = answer == PageAnswer::kLater;
    action = answer == PageAnswer::kSuccess ? FaultAction::kRetry : FaultAction::kTerminate;
  } else if (domain != nullptr && domain->faults() != nullptr) {
    action = domain->faults()->on_fault(&streams->device, fault);
  }
  if (action == FaultAction::kNotMine) core_.log.say(fault.record);
  // Whoever was told may have seen to it that it has ended.
  if (fault.stalled && !later && may_resume(fault.stream, position))
    resume_stalled(fault.stream, fault.stall_tag, action);
  core_.deliveries.end(for_domain);
  core_.deliveries.end(for_device);
}

// 4.7.1: a CMD_SYNC would not wait for it, so none follows.
void DriverV3::resume_stalled(StreamId stream, std::uint16_t tag, FaultAction action) {
  const auto resumed = queue_->submit({{command_v3<CMD_RESUME>()
                                            .set(CMD_RESUME::StreamID, stream.value)
                                            .set(CMD_RESUME::STAG, tag)
                                            .set(CMD_RESUME::Ac, action == FaultAction::kRetry)
                                            .set(CMD_RESUME::Ab, action != FaultAction::kRetry)
                                            .words()}});
  if (!resumed) core_.log.say("an access that waits was not told what became of it");
}

void DriverV3::on_page_request(const std::array<std::uint64_t, 2>& words) {
  const PPR ppr(words);
  PageFault request{.stream = StreamId(ppr[PPR::StreamID]),
                    .substream = std::nullopt,
                    .iova = Iova(ppr[PPR::PageAddress]),
                    .read = ppr[PPR::R],
                    .write = ppr[PPR::W],
                    .instruction = ppr[PPR::X],
                    .privileged = ppr[PPR::Priv],
                    .last = ppr[PPR::Last],
                    .group_index = static_cast<std::uint16_t>(ppr[PPR::PRGIndex])};
  if (ppr[PPR::SSV]) request.substream = SubstreamId(ppr[PPR::SubstreamID]);
  // 8.1: a Stop Marker asks for nothing, and is not answered.
  if (request.substream && request.last && !request.read && !request.write) {
    groups_.stop(request.stream, request.substream);
    return;
  }
  DeviceStreams* streams = nullptr;
  DomainV3* domain = nullptr;
  Deliveries::Call for_device;
  Deliveries::Call for_domain;
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    if (const Known* known = find(request.stream)) {
      streams = known->streams;
      core_.deliveries.begin(for_device, streams);
      domain = domain_of(*streams, request.substream);
      if (domain != nullptr) core_.deliveries.begin(for_domain, domain);
    }
  }
  AddressSpace* const space = domain != nullptr ? domain->address_space() : nullptr;
  PageAnswer answer = PageAnswer::kInvalid;
  if (space != nullptr) {
    answer = space->on_page_fault(request);
  } else {
    core_.log.say(fmt::format("stream {:#x} asks for the page at {:#x}, which nobody pages",
                              request.stream.value, request.iova.value));
  }
  if (const auto whole = groups_.add(request, answer)) answer_group(request, *whole);
  core_.deliveries.end(for_domain);
  core_.deliveries.end(for_device);
}

void DriverV3::answer_group(const PageFault& request, PageAnswer answer) {
  auto response = command_v3<CMD_PRI_RESP>()
                      .set(CMD_PRI_RESP::StreamID, request.stream.value)
                      .set(CMD_PRI_RESP::PRGIndex, request.group_index)
                      .set(CMD_PRI_RESP::Resp, response_of(answer));
  if (request.substream) {
    response.set(CMD_PRI_RESP::SSV, true).set(CMD_PRI_RESP::SubstreamID, request.substream->value);
  }
  const CommandWords words = response.words();
  if (!queue_->submit({&words, 1})) core_.log.say("a page request was not answered");
}

void DriverV3::respond(Device& device, const PageFault& fault, PageAnswer answer) {
  // The others of its group are not answered; an answer that is none is for nobody.
  if (answer == PageAnswer::kLater || !fault.last) return;
  const auto& streams = static_cast<const DeviceStreams&>(*device.state());
  if (std::find(streams.ids.begin(), streams.ids.end(), fault.stream) == streams.ids.end()) return;
  // A record has a position, and a page request has none.
  if (fault.event == 0) {
    if (!streams.pages_by_requests || fault.group_index > (1U << 9) - 1) return;
    return answer_group(fault, groups_.finish(fault, answer));
  }
  if (!may_resume(fault.stream, fault.event)) return;
  resume_stalled(fault.stream, fault.group_index,
                 answer == PageAnswer::kSuccess ? FaultAction::kRetry : FaultAction::kTerminate);
}

}  // namespace smmu::iommu
