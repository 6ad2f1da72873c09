// What a snapshot says of a TCU.
#include <mutex>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "emulator/tcu/tcu.h"

namespace smmu::emulator {

constexpr bool known(Tcu::Gate value) { return value <= Tcu::Gate::kTranslate; }

template <class Snapshot>
void Tcu::archive(Snapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  snapshot.section("what the TCU counts");
  snapshot(gate_, counts_, bypass_overrides_, accepted_, generation_, configured_, tables_changed_,
           gate_changes_);
  snapshot.require(generation_ % 2 == 0, "a change that is going on");
  snapshot.section("the TLB");
  snapshot(tlb_);
  snapshot.section("the copies of stage 2");
  snapshot(stage2_);
  snapshot.section("the copies of tables");
  snapshot(tables_);
  snapshot.section("the contexts");
  contexts_.archive(snapshot, [&](StreamContext& stream) {
    snapshot.require(source_.sound(stream.context), "a context that cannot be");
    tag(stream);
  });
  snapshot.section("the invalidations that wait");
  snapshot.sequence(waiting_, postpones_ ? kMostWaiting : 0);
}

// One that the TCU has is named, and not written again.
template <class Snapshot>
void Tcu::archive_held(Snapshot& snapshot, const ContextCache::Context* kept,
                       std::shared_ptr<const StreamContext>& context, Generation& checked) {
  enum : std::uint8_t { kKept, kOwn, kUseless };
  std::uint8_t which = kUseless;
  if constexpr (!Snapshot::kReads) {
    const bool alone = context->state == StreamContext::State::kUnknown;
    // Neither known to hold, nor to be revived.
    const bool useful = checked == configured_ || context->gate_changes == gate_changes_;
    if (kept != nullptr && *kept == context) {
      which = kKept;
    } else if (alone && useful) {
      which = kOwn;
    }
  }
  Generation last_checked = which == kUseless ? kNone : checked;
  snapshot(which, last_checked);
  snapshot.require(which <= kUseless && (which != kKept || kept != nullptr),
                   "a context that the TCU has not");
  if (which == kOwn) {
    emulator::archive(snapshot, context);
    // Nobody would invalidate it.
    snapshot.require(context->state == StreamContext::State::kUnknown,
                     "a context that the TCU should have");
    snapshot.require(source_.sound(context->context), "a context that cannot be");
  }
  if constexpr (Snapshot::kReads) {
    checked = which == kUseless ? kNone : last_checked;
    if (!snapshot.ok() || which == kUseless) {
      context = std::make_shared<StreamContext>();
    } else if (which == kKept) {
      context = *kept;
    } else {
      const std::lock_guard lock(mutex_);
      tag(const_cast<StreamContext&>(*context));
    }
  }
}

template void Tcu::archive(SnapshotWriter& snapshot);
template void Tcu::archive(SnapshotReader& snapshot);
template void Tcu::archive_held(SnapshotWriter&, const ContextCache::Context*,
                                std::shared_ptr<const StreamContext>&, Generation&);
template void Tcu::archive_held(SnapshotReader&, const ContextCache::Context*,
                                std::shared_ptr<const StreamContext>&, Generation&);

}  // namespace smmu::emulator
