#include "emulator/v3/ats_messages.h"

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

void AtsMessages::send(const CommandWords& words) {
  if (CommandHeader(words)[CommandHeader::Opcode] == Opcode::CMD_ATC_INV) {
    return invalidate(CMD_ATC_INV(words));
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

void AtsMessages::invalidate(const CMD_ATC_INV& command) {
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
    waiting_.insert(tag.value);
    unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
  }
  root_complex_->invalidate(invalidation, tag);
}

bool AtsMessages::complete(InvalidationTag tag, InvalidationResult result) {
  const std::lock_guard lock(mutex_);
  if (waiting_.erase(tag.value) == 0) return false;
  // Before a CMD_SYNC may find that nothing is unanswered.
  if (result == InvalidationResult::kNotComplete) failed_.store(true, std::memory_order_seq_cst);
  unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
  return true;
}

void AtsMessages::reset() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  unanswered_.store(0, std::memory_order_seq_cst);
  failed_.store(false, std::memory_order_seq_cst);
}

}  // namespace smmu::emulator
