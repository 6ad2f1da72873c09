#include "emulator/v3/page_request_queue.h"

#include <memory>
#include <mutex>
#include <optional>
#include <variant>

#include "emulator/tcu/attribution.h"

namespace smmu::emulator {

using v3::PPR;
using v3::SMMU_CR0ACK;
using v3::SMMU_GERROR;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_PRIQ_BASE;
using v3::SMMU_PRIQ_CONS;
using v3::SMMU_PRIQ_IRQ_CFG2;
using v3::SMMU_PRIQ_PROD;

namespace {

SMMU_GERROR abort_error() { return SMMU_GERROR().set(SMMU_GERROR::PRIQ_ABT_ERR, true); }

}  // namespace

PageRequestQueue::PageRequestQueue(const Features& features, RegisterFile& registers,
                                   Interrupts& interrupts, PhysicalMemory& memory, Tcu& tcu,
                                   AtsMessages& messages, PageRequestSupervisor& smmu,
                                   Observer* observer)
    : features_(features),
      registers_(registers),
      interrupts_(interrupts),
      memory_(memory),
      tcu_(tcu),
      messages_(messages),
      smmu_(smmu),
      observer_(observer) {}

void PageRequestQueue::enable() {
  const auto base = registers_.get<SMMU_PRIQ_BASE>();
  queue_ = Queue(base[SMMU_PRIQ_BASE::ADDR], base[SMMU_PRIQ_BASE::LOG2SIZE],
                 features_.idr1[SMMU_IDR1::PRIQS], kLog2EntryBytes, features_.output_bits);
}

bool PageRequestQueue::accept(const PageRequest& incoming) {
  PageRequest request = incoming;
  request.group &= kGroupMask;
  // Chapter 8: without SubstreamIDs nothing says that there was a PASID.
  if (features_.substream_bits == 0) request.pasid.reset();
  if (request.pasid) request.pasid->substream.value &= kPasidMask;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == kMostWaiting) return false;
  waiting_.push_back(request);
  return true;
}

bool PageRequestQueue::step() {
  PageRequest request;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    request = waiting_.front();
    waiting_.pop_front();
  }
  const PageRequestFate fate = perform(request);
  if (observer_ != nullptr) [[unlikely]] {
    observer_->on_page_request({.words = record_of(request).words(), .fate = fate});
  }
  return true;
}

void PageRequestQueue::finish() {
  mutex_.lock();
  std::size_t left = waiting_.size();
  mutex_.unlock();
  while (left-- != 0 && step()) {
  }
}

void PageRequestQueue::reset() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
}

PageRequestFate PageRequestQueue::perform(const PageRequest& request) {
  const auto control = registers_.get<SMMU_CR0ACK>();
  // 6.3.9.5: its effective value.
  if (!control[SMMU_CR0ACK::PRIQEN] || !control[SMMU_CR0ACK::SMMUEN]) {
    fail(request);
    return PageRequestFate::kQueueDisabled;
  }
  if (registers_.active(abort_error())) {
    fail(request);
    return PageRequestFate::kQueueAborted;
  }
  auto prod = registers_.get<SMMU_PRIQ_PROD>();
  const auto cons = registers_.get<SMMU_PRIQ_CONS>();
  const std::uint32_t write = prod[SMMU_PRIQ_PROD::WR];
  const std::uint32_t read = cons[SMMU_PRIQ_CONS::RD];
  const bool last_only = registers_.get<SMMU_PRIQ_IRQ_CFG2>()[SMMU_PRIQ_IRQ_CFG2::LO];
  const bool overflown = prod[SMMU_PRIQ_PROD::OVFLG] != cons[SMMU_PRIQ_CONS::OVACKFLG];
  // 3.5.1: indices that cannot be are treated as a full queue.
  const bool full = queue_.full(write, read) || !queue_.consistent(write, read);
  if (overflown || full) {
    // 8.1: until it is acknowledged nothing is written.
    if (!overflown) {
      registers_.set(prod.set(SMMU_PRIQ_PROD::OVFLG, !prod[SMMU_PRIQ_PROD::OVFLG]));
    }
    answer_overflow(request);
    if (last_only && request.last) interrupts_.page_requested();
    return PageRequestFate::kQueueFull;
  }

  const PPR record = record_of(request);
  const Words entry(memory_);
  const Pa where = queue_.entry(write);
  for (std::size_t i = 0; i != record.words().size(); ++i) {
    if (entry.store(Pa(where.value + 8 * i), record.word(i)) == BusResponse::kAbort) {
      // 8.2: synchronous.  The index stays.
      interrupts_.activate(abort_error());
      fail(request);
      return PageRequestFate::kQueueAborted;
    }
  }
  registers_.set(prod.set(SMMU_PRIQ_PROD::WR, queue_.next(write)));
  if (last_only ? request.last : queue_.empty(write, read)) interrupts_.page_requested();
  return PageRequestFate::kWritten;
}

// 8.2: a PASID is not named.
void PageRequestQueue::fail(const PageRequest& request) {
  if (request.is_stop_marker()) return;
  messages_.send(PageGroupResponse{.stream = request.stream,
                                   .substream = std::nullopt,
                                   .group = static_cast<std::uint16_t>(request.group & kGroupMask),
                                   .code = PageResponseCode::kResponseFailure});
}

// The device thinks that the page is there, finds that it is not, and asks
// again.
void PageRequestQueue::answer_overflow(const PageRequest& request) {
  if (!request.last || request.is_stop_marker()) return;
  PageGroupResponse response{.stream = request.stream,
                             .substream = std::nullopt,
                             .group = request.group,
                             .code = PageResponseCode::kSuccess};
  if (request.pasid) {
    bool names_substream = true;
    if (!features_.idr3[SMMU_IDR3::PPS]) {
      std::shared_ptr<const StreamContext> found;
      const Attribution attribution(request.stream, features_.security);
      tcu_.find_stream_context(request.stream, tcu_.generation(), found);
      const Context& context = found->context;
      if (context.ats == AtsGrant::kUnknown) {
        // No legal STE.
        if (const auto* fault = std::get_if<ConfigurationFault>(&context.fault)) {
          smmu_.on_page_request_fault(request, *fault);
        }
        return fail(request);
      }
      names_substream = context.page_response_names_substream;
    }
    if (names_substream) response.substream = request.pasid->substream;
  }
  messages_.send(response);
}

PPR PageRequestQueue::record_of(const PageRequest& request) const {
  PPR record = PPR()
                   .set(PPR::StreamID, request.stream.value)
                   .set(PPR::R, request.read)
                   .set(PPR::W, request.write)
                   .set(PPR::Last, request.last)
                   .set(PPR::PRGIndex, request.group)
                   .set(PPR::PageAddress, PPR::PageAddress.decode(request.address.value));
  if (request.pasid) {
    record.set(PPR::SSV, true)
        .set(PPR::SubstreamID, request.pasid->substream.value)
        .set(PPR::X, request.pasid->execute)
        .set(PPR::Priv, request.pasid->privilege == Privilege::kPrivileged);
  }
  return record;
}

}  // namespace smmu::emulator
