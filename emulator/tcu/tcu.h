// The translation control unit: what every port asks on a miss.  Configuration
// and translations are looked up here, and found in memory when no copy is
// kept.  It knows neither v2 nor v3.
#ifndef SMMU_EMULATOR_TCU_TCU_H_
#define SMMU_EMULATOR_TCU_TCU_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/context_cache.h"
#include "emulator/tcu/recent_tables.h"
#include "emulator/tcu/stream_context.h"
#include "emulator/tlb/brief_mutex.h"
#include "emulator/tlb/entries.h"
#include "emulator/tlb/set_associative.h"
#include "emulator/walk/physical_spaces.h"
#include "emulator/walk/plain.h"
#include "emulator/walk/walker.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Safe from any thread; no lock is held while memory, the source or the
// observer is called.
class Tcu {
 public:
  // What happens to a transaction before anything is looked up.
  enum class Gate : std::uint8_t {
    kAbort,      // the SMMU is off, and aborts
    kBypass,     // the SMMU is off, and lets through
    kOverride,   // the same, with attributes that bypass_overrides() changes
    kTranslate,  // it is on
    kCounted,    // no gate of the TCU's: a port has to tell of the transaction
  };

  // Counts whatever may make a copy of the TCU's answers wrong: twice each, so
  // that it is odd while that takes effect.
  using Generation = std::uint64_t;

  // What a TLB may do where a block and a table have been changed for one
  // another without a break (IHI 0070, 3.21.1: BBML).
  enum class Conflicts : std::uint8_t {
    kNever,     // level 2
    kNotOfNt,   // level 1: not where the block says nT
    kPossible,  // level 0
  };

  // `security`: of its streams.  `output_bits`: the width of a physical address.
  Tcu(const PhysicalSpaces& spaces, SecurityState security, ConfigurationSource& source,
      const Caching& caching, unsigned output_bits, Conflicts conflicts, Observer* observer);

  void set_gate(Gate gate, const Overrides& bypass_overrides = {});
  Gate gate() const { return gate_.load(std::memory_order_acquire); }
  Overrides bypass_overrides();

  // Whether ports tell their supervisor of every transaction.
  void set_counts(bool counts);
  bool counts() const { return counts_.load(std::memory_order_acquire); }

  // An answer may be used again for as long as this returns what it did before
  // the answer was asked for.
  // A port's access loads it after its InFlight has begun: together with the
  // waiter's store and look in the other order, both seq_cst, either the access
  // is seen to be in flight or it sees the change.
  Generation generation() const { return generation_.load(std::memory_order_seq_cst); }
  static constexpr Generation kNone = ~Generation{0};
  static Generation even(Generation generation) { return generation % 2 == 0 ? generation : kNone; }
  // What generation() was when a context, or the gate, changed last; and when
  // something else than leaves of stage 1 did.  What is known of those outlives
  // the invalidations that do not concern it.
  Generation configured() const { return configured_.load(std::memory_order_acquire); }
  Generation tables_changed() const { return tables_changed_.load(std::memory_order_acquire); }
  // Whether what has been read since may be kept.
  bool unchanged_since(Generation then) const { return then % 2 == 0 && generation() == then; }
  // What is read from now on is younger than every invalidation so far.
  Stamp stamp() const { return accepted_.load(std::memory_order_acquire); }
  // Whether the policy allows that.
  bool answers_keep() const { return caching_.policy != CachePolicy::kNone; }

  unsigned output_bits() const { return output_bits_; }
  SecurityState security() const { return security_; }
  Observer* observer() const { return observer_; }

  // What configuration says of a stream; from memory if no copy is kept.
  // `generation`: before the call.  `context`: the answer, and before, perhaps,
  // an earlier one.
  void find_context(StreamId stream, std::optional<SubstreamId> substream, Generation generation,
                    std::shared_ptr<const StreamContext>& context);

  // The same of a stream as such (ConfigurationSource::resolve_stream()).
  void find_stream_context(StreamId stream, Generation generation,
                           std::shared_ptr<const StreamContext>& context);

  // Whether a context that keeps is still what find_context() would find: by a
  // look into memory if it has been invalidated.
  bool holds(const StreamContext& stream, Generation generation) {
    return stream.state.load(std::memory_order_acquire) == StreamContext::State::kCurrent ||
           revive(stream, generation);
  }

  // The translation of the transaction's address, or why there is none.
  // Whether it permits the access is left to ask.  `recent` is the port's, and
  // of the same `generation` as the context.
  // REQUIRES: the context is of the transaction's stream, and translates.
  std::optional<Fault> translate(const StreamContext& stream, const Transaction& transaction,
                                 TlbEntry& entry, Recent& recent, Generation generation);
  // The same in the plain case.  `keep_for`: the generation, if it is even; else
  // kNone.  False: translate() will say.
  // REQUIRES: the address is below stream.plain_below.
  [[gnu::always_inline]] bool translate_plain(const StreamContext& stream,
                                              const Transaction& transaction, TlbEntry& entry,
                                              Recent& recent, Generation keep_for,
                                              WalkFault& fault) {
    const std::uint64_t address = transaction.address.value;
    MainTlb::Searched searched;
    mutex_.lock();
    const TlbEntry* found = tlb_.find(stream.spaces, address, searched);
    if (found != nullptr) {
      entry = *found;
      mutex_.unlock();
      return true;
    }
    mutex_.unlock();
    // The stamp may be of an earlier walk: what is kept here is kept for this
    // generation, and older than whatever ends it.
    const bool walked = stream.context.regime.simple
                            ? walk_plain(stream, address, entry, recent, fault)
                            : walk_nested(stream, transaction, entry, recent);
    if (!walked) [[unlikely]]
      return false;
    AddressSpaces::Space& space = entry.global ? *stream.spaces.global : *stream.spaces.asid;
    mutex_.lock();
    if (generation_.load(std::memory_order_relaxed) == keep_for) [[likely]]
      tlb_.fill(space, address, entry, searched);
    mutex_.unlock();
    return true;
  }
  // What translate_plain() has not found for a regime of stage 1 alone.
  static Fault translation_fault(const Context& context, const WalkFault& walk);
  // The same for a write that `entry` does not permit, but might if the
  // descriptor's dirty state were set: in memory.
  std::optional<Fault> translate_again(const StreamContext& stream, const Transaction& transaction,
                                       TlbEntry& entry, Generation generation);
  // What it is if `entry` does not permit the access.
  static Fault permission_fault(const StreamContext& stream, const Transaction& transaction,
                                const TlbEntry& entry);

  // What the source answers has changed: no context that was made before is used
  // again.  Translations stay.
  void reconfigure();

  // Accepts an invalidation.  It takes effect at once, or, if the caching
  // policy keeps all that may be kept, at the next synchronize().
  void invalidate(const TlbInvalidation& what);
  void invalidate(const ConfigurationInvalidation& what);
  // The same for the leaves about one address of one ASID of EL1: what drivers send
  // most.
  void invalidate_leaf(Vmid vmid, Asid asid, std::uint64_t address);
  void synchronize() {
    if (postpones_) apply_postponed();
  }
  // From which of several queues the invalidations that come next are.  What
  // waits for synchronize() waits for that of its own queue.  At first 0.
  void serve(std::uint32_t queue) { served_.store(queue, std::memory_order_relaxed); }
  // What waits takes effect, whoever's it is: nothing has to wait.
  void synchronize_all();

  // Reads configuration, and translations of `count` addresses at `stride`,
  // into the caches; reports no fault.
  void prefetch(StreamId stream, std::optional<SubstreamId> substream);
  void prefetch(StreamId stream, std::optional<SubstreamId> substream, Iova first,
                std::uint64_t stride, std::uint32_t count);

  // Empties every cache that is the TCU's own.
  void clear();

  // With nobody else there.  In tcu_snapshot.cpp.
  template <class Snapshot>
  void archive(Snapshot& snapshot);
  // A context that a port holds on to: of that stream or substream, or of a
  // stream as such.  `checked`: what configured() was when it was last known to
  // hold; kNone if it is of no use any more, and does not hold.
  template <class Snapshot>
  void archive_held(Snapshot& snapshot, StreamId stream, std::optional<SubstreamId> substream,
                    std::shared_ptr<const StreamContext>& context, Generation& checked) {
    archive_held(snapshot, contexts_.find(stream, substream), context, checked);
  }
  template <class Snapshot>
  void archive_held_stream(Snapshot& snapshot, StreamId stream,
                           std::shared_ptr<const StreamContext>& context, Generation& checked) {
    archive_held(snapshot, contexts_.find_stream(stream), context, checked);
  }

 private:
  struct Accepted {
    std::variant<TlbInvalidation, ConfigurationInvalidation> what;
    Stamp before;
    std::uint32_t queue;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(what, before, queue);
    }
  };
  // Invalidations that may wait for a CMD_SYNC: a guest that never sends one
  // does not get more memory than this.
  static constexpr std::size_t kMostWaiting = 4096;

  template <class Snapshot>
  void archive_held(Snapshot& snapshot, const ContextCache::Context* kept,
                    std::shared_ptr<const StreamContext>& context, Generation& checked);

  static Fault conflict(const StreamContext& stream, CanonicalAddress address);
  static Fault input_fault(const Context& context, unsigned half);

  // What is known when a walk has to be made: where the TLB was searched, and
  // of which generation the answer will be.
  struct Missed {
    MainTlb::Searched searched;
    Generation generation;
  };

  // `resolve(reading)`: from the source.  `keep(context)`: in the cache.
  template <class Resolve, class Keep>
  std::shared_ptr<const StreamContext> resolve_by(Resolve&& resolve, Keep&& keep,
                                                  Generation generation);
  std::shared_ptr<const StreamContext> resolve(StreamId stream,
                                               std::optional<SubstreamId> substream,
                                               Generation generation);
  bool revive(const StreamContext& stream, Generation generation);
  // Gives a context that keeps the tags of its translations.  Called with the
  // lock.
  void tag(StreamContext& stream);
  std::uint64_t plain_below(const StreamContext& stream) const;
  [[gnu::always_inline]] bool walk_plain(const StreamContext& stream, std::uint64_t address,
                                         TlbEntry& entry, Recent& recent, WalkFault& fault) const {
    const Stage1& stage1 = stream.context.regime.stage1;
    LastTable& last = recent.tables.at(&stream, address, stage1.half[0].tables.last_table_bits);
    if (last.known()) return walker_.walk_last<0>(stage1, address, entry, last, fault);
    return walker_.walk_plain<0>(stage1, address, entry, last, fault);
  }
  bool walk_nested(const StreamContext& stream, const Transaction& transaction, TlbEntry& entry,
                   Recent& recent) const;
  std::optional<Fault> find_or_walk(const StreamContext& stream, const Transaction& transaction,
                                    CanonicalAddress address, TlbEntry& entry, Recent& recent,
                                    Generation generation);
  std::optional<Fault> walk(const StreamContext& stream, const Transaction& transaction,
                            CanonicalAddress address, TlbEntry& entry, const Missed& missed,
                            Recent& recent);
  void cache(const StreamContext& stream, CanonicalAddress address, const TlbEntry& entry,
             const Missed& missed);
  class Copies;
  std::optional<Fault> examine_hit(const StreamContext& stream, CanonicalAddress address,
                                   const TlbEntry& entry);
  void report_fill(AddressSpaces::Space& space, CanonicalAddress address, const TlbEntry& entry,
                   Generation generation);
  void prefetch_neighbours(const StreamContext& stream, CanonicalAddress address,
                           const TlbEntry& entry, Generation generation);
  // Walks for the caches only, if they have not got it.
  void prefetch(const StreamContext& stream, CanonicalAddress address, Generation generation);

  // Called with the lock.
  Stamp accept() {
    const Stamp before = accepted_.load(std::memory_order_relaxed) + 1;
    accepted_.store(before, std::memory_order_release);
    return before;
  }
  void apply_postponed();
  template <class Which>
  void apply_postponed(Which&& which);
  void postpone_leaf(Vmid vmid, Asid asid, std::uint64_t address);
  void postpone(const std::variant<TlbInvalidation, ConfigurationInvalidation>& what);
  void apply(const TlbInvalidation& what, Stamp before);
  void apply(const ConfigurationInvalidation& what, Stamp before);
  // Called with the lock, before configuration changes and after; and after
  // translations have been invalidated.
  void advance_configuration() {
    const Generation next = generation_.load(std::memory_order_relaxed) + 1;
    configured_.store(next, std::memory_order_release);
    tables_changed_.store(next, std::memory_order_release);
    generation_.store(next, std::memory_order_seq_cst);
  }
  void advance_translations(bool leaf_only) {
    const Generation next = generation_.load(std::memory_order_relaxed) + 2;
    if (!leaf_only) tables_changed_.store(next, std::memory_order_release);
    generation_.store(next, std::memory_order_seq_cst);
  }

  const Caching caching_;
  const unsigned output_bits_;
  const Conflicts conflicts_;
  const SecurityState security_;
  PhysicalMemory& memory_;  // where configuration is
  ConfigurationSource& source_;
  Observer* const observer_;
  const bool postpones_;  // invalidations, to the next synchronize()
  const bool watched_;    // hits are: by an observer, or for conflicts
  const Walker walker_;

  std::atomic<Gate> gate_{Gate::kBypass};
  std::atomic<bool> counts_{false};
  std::atomic<Stamp> accepted_{0};  // invalidations
  std::atomic<Generation> generation_{0};
  std::atomic<Generation> configured_{0};
  std::atomic<Generation> tables_changed_{0};
  std::atomic<std::uint64_t> gate_changes_{0};

  BriefMutex mutex_;  // guards what follows
  Overrides bypass_overrides_;
  ContextCache contexts_;
  MainTlb tlb_;
  Stage2Cache stage2_;
  WalkCache tables_;
  std::vector<Accepted> waiting_;  // for synchronize()

  std::atomic<std::uint32_t> served_{0};  // a queue: of whoever invalidates
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_TCU_H_
