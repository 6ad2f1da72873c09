#include "emulator/v3/ats_messages.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "smmu/arch/bits.h"
#include "smmu/arch/v3/commands_ats.h"

namespace smmu::emulator {

using v3::CMD_ATC_INV;
using v3::CMD_PRI_RESP;
using v3::CommandHeader;
using v3::Opcode;

namespace {

// 4.5.1, 4.5.2: without SubstreamIDs SSV 1 is taken as 0.
template <class C>
std::optional<SubstreamId> substream_of(const Features& features, const C& command) {
  if (!command[C::SSV] || features.substream_bits == 0) return std::nullopt;
  return SubstreamId(command[C::SubstreamID]);
}

PageResponseCode code_of(v3::PageResponse response) {
  switch (response) {
    case v3::PageResponse::kSuccess:
      return PageResponseCode::kSuccess;
    case v3::PageResponse::kInvalidRequest:
      return PageResponseCode::kInvalidRequest;
    case v3::PageResponse::kResponseFailure:
      break;
  }
  return PageResponseCode::kResponseFailure;
}

}  // namespace

void AtsMessages::send(const CommandWords& words, std::uint32_t queue) {
  if (CommandHeader(words)[CommandHeader::Opcode] == Opcode::CMD_ATC_INV) {
    return invalidate(CMD_ATC_INV(words), queue);
  }
  const CMD_PRI_RESP command(words);
  send(PageGroupResponse{.stream = StreamId(command[CMD_PRI_RESP::StreamID]),
                         .substream = substream_of(features_, command),
                         .group = static_cast<std::uint16_t>(command[CMD_PRI_RESP::PRGIndex]),
                         .code = code_of(command[CMD_PRI_RESP::Resp])});
}

void AtsMessages::send(const PageGroupResponse& response) {
  if (root_complex_ != nullptr) root_complex_->respond(response);
}

void AtsMessages::invalidate(const CMD_ATC_INV& command, std::uint32_t queue) {
  using C = CMD_ATC_INV;
  if (root_complex_ == nullptr) return;
  // 4096 * 2^Size bytes, aligned to that.
  const unsigned size_bits = 12 + command[C::Size];
  const std::uint64_t below = size_bits >= 64 ? ~std::uint64_t{0} : mask(size_bits - 1, 0);
  const auto substream = substream_of(features_, command);
  const AtcInvalidation invalidation{.stream = StreamId(command[C::StreamID]),
                                     .substream = substream,
                                     .global = substream && command[C::Global],
                                     .first = Iova(command[C::Address] & ~below),
                                     .last = Iova(command[C::Address] | below)};
  InvalidationTag tag;
  {
    const std::lock_guard lock(mutex_);
    tag = InvalidationTag(tags_++);
    waiting_.emplace(tag.value, queue);
    unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
  }
  root_complex_->invalidate(invalidation, tag);
}

bool AtsMessages::complete(InvalidationTag tag, InvalidationResult result) {
  const std::lock_guard lock(mutex_);
  const auto waiting = waiting_.find(tag.value);
  if (waiting == waiting_.end()) return false;
  // Before a CMD_SYNC may find that nothing is unanswered.
  if (result == InvalidationResult::kNotComplete) {
    failed_queues_.insert(waiting->second);
    failed_.store(true, std::memory_order_seq_cst);
  }
  waiting_.erase(waiting);
  unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
  return true;
}

std::size_t AtsMessages::unanswered_of(std::uint32_t queue) const {
  if (unanswered() == 0) return 0;
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count(waiting_, queue, [](const auto& waiting) { return waiting.second; }));
}

bool AtsMessages::take_failure(std::uint32_t queue) {
  if (!failed_.load(std::memory_order_seq_cst)) return false;
  const std::lock_guard lock(mutex_);
  const bool failed = failed_queues_.erase(queue) != 0;
  failed_.store(!failed_queues_.empty(), std::memory_order_seq_cst);
  return failed;
}

void AtsMessages::reset() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  failed_queues_.clear();
  unanswered_.store(0, std::memory_order_seq_cst);
  failed_.store(false, std::memory_order_seq_cst);
}

}  // namespace smmu::emulator
