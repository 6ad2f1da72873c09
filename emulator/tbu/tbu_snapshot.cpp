// What a snapshot says of a port.
#include <algorithm>
#include <optional>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/tbu/tbu.h"

namespace smmu::emulator {
namespace {

StreamId stream_of(Source source) { return StreamId(static_cast<std::uint32_t>(source)); }
std::optional<SubstreamId> substream_of(Source source) {
  if ((source & kHasSubstream) == 0) return std::nullopt;
  return SubstreamId(static_cast<std::uint32_t>((source & ~kHasSubstream) >> 32));
}

}  // namespace

// What a port remembers goes with it: it may be older than what the TCU has,
// and not be wrong for that.
template <class Snapshot>
void Tbu::archive(Snapshot& snapshot) {
  snapshot.section("a port");
  auto gate = static_cast<std::uint8_t>(gate_);
  snapshot(generation_, configured_, tables_changed_, gate, counted_, overrides_of_,
           bypass_overrides_);
  snapshot.require(
      gate <= static_cast<std::uint8_t>(Tcu::Gate::kTranslate) &&
          (configured_ != tcu_.configured() || gate == static_cast<std::uint8_t>(tcu_.gate())),
      "a gate that is not the TCU's");
  gate_ = static_cast<Tcu::Gate>(gate);
  for (Slot& slot : slots_) {
    snapshot(slot.source);
    if (slot.source == kNobody) {
      if constexpr (Snapshot::kReads) slot = {};
      continue;
    }
    tcu_.archive_held(snapshot, stream_of(slot.source), substream_of(slot.source), slot.context,
                      slot.checked);
  }
  auto speaker = static_cast<std::uint8_t>(
      speaker_ == &nobody_ ? kSlots : static_cast<std::size_t>(speaker_ - slots_.data()));
  snapshot(speaker);
  snapshot.require(speaker <= kSlots, "a speaker that is not there");
  if (!snapshot.ok()) return;

  const auto number_of = [this](const void* stream) -> std::optional<std::uint8_t> {
    for (std::uint8_t i = 0; i != kSlots; ++i) {
      if (slots_[i].source != kNobody && slots_[i].context.get() == stream) return i;
    }
    return std::nullopt;
  };
  const auto stream_numbered = [this](std::uint8_t number) -> const void* {
    return number < kSlots ? slots_[number].context.get() : nullptr;
  };
  recent_.archive(snapshot, number_of, stream_numbered);
  snapshot(translations_, ats_);
  // A walk writes what the regime has: the rest goes on into the TLB as it is.
  snapshot(found_);
  if constexpr (Snapshot::kReads) {
    speaker_ = speaker == kSlots ? &nobody_ : &slots_[speaker];
    keep_for_ = Tcu::even(generation_);
    find_way();
    // As it was when find_context() had made that the speaker.
    usual_ = way_ == Tcu::Gate::kTranslate && (speaker_->source == kNobody || speaks_usually());
    // An observer hears of every hit.
    if (!keeps_translations_) translations_.clear();
  }
}

template void Tbu::archive(SnapshotWriter& snapshot);
template void Tbu::archive(SnapshotReader& snapshot);

}  // namespace smmu::emulator
