#include "emulator/tcu/tcu.h"

#include <algorithm>
#include <mutex>

#include "emulator/tcu/attribution.h"
#include "emulator/tcu/tcu_copies.h"
#include "smmu/arch/bits.h"

namespace smmu::emulator {
namespace {

// A prefetch command is a hint, and one names up to 2^31 addresses.
constexpr std::uint32_t kMostPrefetched = 512;

// Descriptors in a 64-byte cache line.
constexpr std::uint64_t kNeighbours = 8;

// A cache that is not wanted holds nothing, but has a place.
CacheGeometry or_one(const CacheGeometry& geometry) {
  return geometry.sets != 0 ? geometry : CacheGeometry{.sets = 1, .ways = 1};
}

// What a port may be told of an entry, and remember: it does not know of E0PD.
void deny_unprivileged(TlbEntry& entry) {
  constexpr Rights kAll{.read = true, .write = true, .execute = true};
  entry.permissions = entry.permissions & Permissions({}, kAll);
}

}  // namespace

Tcu::Tcu(const PhysicalSpaces& spaces, SecurityState security, ConfigurationSource& source,
         const Caching& caching, unsigned output_bits, Conflicts conflicts, Observer* observer)
    : caching_(caching),
      output_bits_(output_bits),
      // Only the policy that keeps all that may be kept keeps such entries.
      conflicts_(caching.policy == CachePolicy::kAdversarial ? conflicts : Conflicts::kNever),
      security_(security),
      memory_(spaces[security]),
      source_(source),
      observer_(observer),
      postpones_(caching.policy == CachePolicy::kAdversarial),
      watched_(observer != nullptr || conflicts_ != Conflicts::kNever),
      walker_(spaces, observer),
      contexts_(caching),
      tlb_(caching.policy, caching.main_tlb, caching.cap),
      stage2_(caching.policy, or_one(caching.stage2), caching.cap),
      tables_(caching.policy, or_one(caching.walk), caching.cap) {}

void Tcu::set_gate(Gate gate, const Overrides& bypass_overrides) {
  const std::lock_guard lock(mutex_);
  advance_configuration();
  bypass_overrides_ = bypass_overrides;
  gate_.store(gate, std::memory_order_release);
  gate_changes_.fetch_add(1, std::memory_order_acq_rel);
  advance_configuration();
}

void Tcu::set_counts(bool counts) {
  const std::lock_guard lock(mutex_);
  if (counts_.load(std::memory_order_relaxed) == counts) return;
  advance_configuration();
  counts_.store(counts, std::memory_order_release);
  advance_configuration();
}

Overrides Tcu::bypass_overrides() {
  const std::lock_guard lock(mutex_);
  return bypass_overrides_;
}

void Tcu::find_context(StreamId stream, std::optional<SubstreamId> substream, Generation generation,
                       std::shared_ptr<const StreamContext>& context) {
  {
    const std::lock_guard lock(mutex_);
    const auto* kept = contexts_.find(stream, substream);
    if (kept != nullptr && context != *kept) context = *kept;
    if (kept == nullptr) context = nullptr;
  }
  if (context != nullptr && holds(*context, generation)) return;
  context = resolve(stream, substream, generation);
}

void Tcu::find_stream_context(StreamId stream, Generation generation,
                              std::shared_ptr<const StreamContext>& context) {
  {
    const std::lock_guard lock(mutex_);
    const auto* kept = contexts_.find_stream(stream);
    context = kept != nullptr ? *kept : nullptr;
  }
  if (context != nullptr && holds(*context, generation)) return;
  context =
      resolve_by([&](const Reading& now) { return source_.resolve_stream(stream, now); },
                 [&](const auto& found) { contexts_.keep_stream(stream, found); }, generation);
}

std::shared_ptr<const StreamContext> Tcu::resolve(StreamId stream,
                                                  std::optional<SubstreamId> substream,
                                                  Generation generation) {
  return resolve_by([&](const Reading& now) { return source_.resolve(stream, substream, now); },
                    [&](const auto& found) { contexts_.keep(stream, substream, found); },
                    generation);
}

void Tcu::tag(StreamContext& stream) {
  const Context& context = stream.context;
  if (context.action != Context::Action::kTranslate || !context.shares_translations) return;
  const Regime& regime = context.regime;
  // A Secure stream has two kinds of IPAs, and no copies of what stage 2 alone
  // makes of them.
  const bool one_kind = security_ == SecurityState::kNonSecure;
  if (regime.has_stage1) {
    stream.spaces = tlb_.spaces_of(context.owner);
  } else if (one_kind) {
    stream.spaces = tlb_.intermediate_space_of(context.owner.vmid);
  }
  if (regime.has_stage1 && regime.has_stage2 && one_kind && caching_.stage2.sets != 0) {
    stream.stage2_spaces = stage2_.intermediate_space_of(context.stage2_vmid);
  }
  // A port has tables of its own, for plain walks; but those last no longer
  // than until something changes.
  const bool adversarial = caching_.policy == CachePolicy::kAdversarial;
  if (regime.has_stage1 && (!regime.simple || adversarial) && caching_.walk.sets != 0) {
    stream.table_spaces = tables_.spaces_of(context.owner);
  }
  stream.plain_below = plain_below(stream);
}

template <class Resolve, class Keep>
inline std::shared_ptr<const StreamContext> Tcu::resolve_by(Resolve&& resolve, Keep&& keep,
                                                            Generation generation) {
  auto found = std::make_shared<StreamContext>();
  found->gate_changes = gate_changes_.load(std::memory_order_acquire);
  const ConfigurationSource::Resolution resolution =
      resolve(Reading{stamp(), generation, found->origin});
  found->context = resolution.context;
  found->stamp = resolution.oldest;
  if (!answers_keep()) return found;

  found->keeps = resolution.cacheable;
  const std::lock_guard lock(mutex_);
  tag(*found);
  if (found->keeps && unchanged_since(generation)) keep(found);
  return found;
}

bool Tcu::revive(const StreamContext& stream, Generation generation) {
  // Where tables of configuration begin, and what else registers say of a
  // context, changes with the gate closed; and an observer hears of fetches.
  if (!stream.origin.known() || observer_ != nullptr ||
      stream.gate_changes != gate_changes_.load(std::memory_order_acquire) ||
      !stream.origin.holds(memory_)) {
    return false;
  }
  using State = StreamContext::State;
  const std::lock_guard lock(mutex_);
  // One that the TCU does not have any more would not be invalidated again.
  if (unchanged_since(generation) && stream.state == State::kInvalid) {
    stream.state.store(State::kCurrent, std::memory_order_release);
  }
  return true;
}

std::uint64_t Tcu::plain_below(const StreamContext& stream) const {
  const bool kept = caching_.policy == CachePolicy::kRealistic &&
                    caching_.prefetch == SpeculativePrefetch::kOff && stream.keeps &&
                    stream.spaces.cached() && observer_ == nullptr;
  if (!kept || stream.context.overrides.any() || security_ == SecurityState::kSecure) return 0;
  return emulator::plain_below(stream.context.regime);
}

bool Tcu::walk_nested(const StreamContext& stream, const Transaction& transaction, TlbEntry& entry,
                      Recent& recent) const {
  const Regime& regime = stream.context.regime;
  const auto allowed = [&](Permissions permissions) {
    return permissions.allow(transaction.privilege, transaction.direction, transaction.content);
  };
  const std::uint64_t address = transaction.address.value;
  LastTable none;
  LastTable& last =
      stream.table_spaces.cached()
          ? recent.tables.at(&stream, address, regime.stage1.half[0].tables.last_table_bits)
          : none;
  if (!walker_.walk_nested_stage1(regime, address, entry, last)) return false;
  // Before stage 2 sees it.
  if (!allowed(entry.permissions)) return false;
  const std::uint64_t ipa = entry.output.value | (address & mask(entry.size_bits - 1U, 0));
  const bool keeps = stream.stage2_spaces.cached();
  const Stage2Leaf* leaf = keeps ? recent.leaves.find(&stream, ipa) : nullptr;
  Stage2Leaf found;
  if (leaf == nullptr) {
    if (!walker_.walk_nested_stage2(regime.stage2, ipa, found)) return false;
    leaf = keeps ? recent.leaves.keep(&stream, ipa, found) : &found;
  }
  if (!allowed(leaf->permissions)) return false;
  put_behind(entry, ipa, *leaf);
  return true;
}

std::optional<Fault> Tcu::translate(const StreamContext& stream, const Transaction& transaction,
                                    TlbEntry& entry, Recent& recent, Generation generation) {
  const Regime& regime = stream.context.regime;
  const auto address = Walker::canonical(regime, transaction.address);
  if (!address) return input_fault(stream.context, 0);
  // E0PD is reported as a Translation fault whether or not the address is
  // mapped or cached (IHI 0070, 5.4).
  if (regime.stage1.half[address->half].unprivileged_denied) [[unlikely]] {
    if (transaction.privilege == Privilege::kUnprivileged) {
      return input_fault(stream.context, address->half);
    }
    auto fault = find_or_walk(stream, transaction, *address, entry, recent, generation);
    deny_unprivileged(entry);
    return fault;
  }
  return find_or_walk(stream, transaction, *address, entry, recent, generation);
}

std::optional<Fault> Tcu::find_or_walk(const StreamContext& stream, const Transaction& transaction,
                                       CanonicalAddress address, TlbEntry& entry, Recent& recent,
                                       Generation generation) {
  Missed missed{.searched = {}, .generation = generation};
  if (stream.spaces.cached()) {
    std::unique_lock lock(mutex_);
    if (const TlbEntry* found = tlb_.find(stream.spaces, address.value, missed.searched)) {
      entry = *found;
      lock.unlock();
      return watched_ ? examine_hit(stream, address, entry) : std::nullopt;
    }
  }
  return walk(stream, transaction, address, entry, missed, recent);
}

std::optional<Fault> Tcu::examine_hit(const StreamContext& stream, CanonicalAddress address,
                                      const TlbEntry& entry) {
  if (conflicts_ != Conflicts::kNever) {
    const std::lock_guard lock(mutex_);
    if (tlb_.conflict(stream.spaces, address.value)) return conflict(stream, address);
  }
  if (observer_ != nullptr) {
    const AddressSpaces::Space& space = entry.global ? *stream.spaces.global : *stream.spaces.asid;
    observer_->on_tlb_hit(describe(space, address.value, entry));
  }
  return std::nullopt;
}

// 7.3.17
Fault Tcu::conflict(const StreamContext& stream, CanonicalAddress address) {
  const bool stage1 = stream.context.regime.has_stage1;
  return TranslationFault{{.type = FaultType::kTlbConflict,
                           .stage = stage1 ? Stage::k1 : Stage::k2,
                           .level = 0,
                           .purpose = Purpose::kInput,
                           .table_write = false,
                           .ipa = stage1 ? Ipa(0) : Ipa(address.value),
                           .descriptor = {}},
                          Response::kAbort,
                          Recording::kRecorded,
                          stream.context.mergeable,
                          stream.context.banks};
}

void Tcu::cache(const StreamContext& stream, CanonicalAddress address, const TlbEntry& entry,
                const Missed& missed) {
  AddressSpaces::Space& space = entry.global ? *stream.spaces.global : *stream.spaces.asid;
  if (observer_ != nullptr) [[unlikely]]
    return report_fill(space, address, entry, missed.generation);
  const std::lock_guard lock(mutex_);
  if (unchanged_since(missed.generation)) {
    tlb_.fill(space, address.value, entry, missed.searched);
  }
}

std::optional<Fault> Tcu::walk(const StreamContext& stream, const Transaction& transaction,
                               CanonicalAddress address, TlbEntry& entry, const Missed& missed,
                               Recent& recent) {
  const Context& context = stream.context;
  const Regime& regime = context.regime;
  const Stage1Half& half = regime.stage1.half[address.half];
  if (!half.enabled && regime.has_stage1) [[unlikely]]
    return input_fault(context, address.half);

  entry.stamp = stamp();
  const Access access{.privilege = transaction.privilege,
                      .direction = transaction.direction,
                      .content = transaction.content,
                      .speculative = false,
                      .space = regime.security == SecurityState::kSecure
                                   ? transaction.space
                                   : SecurityState::kNonSecure};
  std::optional<WalkFault> fault;
  if (stream.keeps && observer_ == nullptr && regime.simple && !stream.table_spaces.cached())
      [[likely]] {
    LastTable& last = recent.tables.at(&stream, address.value, half.tables.last_table_bits);
    fault = walker_.walk(regime, address, access, entry, last);
  } else {
    Copies copies(*this, stream, entry.stamp, missed.generation);
    fault = walker_.walk_with(regime, address, access, entry, copies);
  }
  if (fault) [[unlikely]]
    return translation_fault(context, *fault);

  const bool kept = conflicts_ != Conflicts::kNotOfNt || !entry.no_translation;
  if (stream.spaces.cached() && kept) {
    cache(stream, address, entry, missed);
    if (caching_.prefetch == SpeculativePrefetch::kOn) {
      prefetch_neighbours(stream, address, entry, missed.generation);
    }
  }
  return std::nullopt;
}

std::optional<Fault> Tcu::translate_again(const StreamContext& stream,
                                          const Transaction& transaction, TlbEntry& entry,
                                          Generation generation) {
  const auto address = Walker::canonical(stream.context.regime, transaction.address);
  if (!address) return input_fault(stream.context, 0);
  Recent none;
  auto fault = walk(stream, transaction, *address, entry, {{}, generation}, none);
  if (stream.context.regime.stage1.half[address->half].unprivileged_denied) {
    deny_unprivileged(entry);
  }
  return fault;
}

Fault Tcu::permission_fault(const StreamContext& stream, const Transaction& transaction,
                            const TlbEntry& entry) {
  const bool by_stage1 = stream.context.regime.has_stage1 &&
                         (!stream.context.regime.has_stage2 ||
                          !entry.stage1_permissions.allow(
                              transaction.privilege, transaction.direction, transaction.content));
  const std::uint64_t within = transaction.address.value & mask(entry.size_bits - 1U, 0);
  return translation_fault(stream.context,
                           {.type = FaultType::kPermission,
                            .stage = by_stage1 ? Stage::k1 : Stage::k2,
                            .level = entry.level,
                            .purpose = Purpose::kInput,
                            .table_write = false,
                            .ipa = by_stage1 ? Ipa(0) : Ipa(entry.ipa.value | within),
                            .descriptor = {}});
}

Fault Tcu::translation_fault(const Context& context, const WalkFault& walk) {
  // 5.5: A, R and S do not concern an abort on a table access, nor an address
  // that is too large for a stage 1 that does not translate.
  const bool unconditional = walk.type == FaultType::kExternalAbort ||
                             (walk.stage == Stage::k1 && !context.regime.has_stage1);
  if (unconditional) {
    return TranslationFault{walk, Response::kAbort, Recording::kRecorded, context.mergeable,
                            context.banks};
  }
  if (walk.stage == Stage::k2) {
    return TranslationFault{walk, Response::kAbort, context.stage2_recording, context.mergeable,
                            context.banks};
  }
  return TranslationFault{walk, context.response, context.recording, context.mergeable,
                          context.banks};
}

// No table translates the address.
Fault Tcu::input_fault(const Context& context, unsigned half) {
  const Tables& tables = context.regime.stage1.half[half].tables;
  return translation_fault(context, {.type = fault_of(tables.refusal),
                                     .stage = Stage::k1,
                                     .level = tables.no_level,
                                     .purpose = Purpose::kInput,
                                     .table_write = false,
                                     .ipa = {},
                                     .descriptor = {}});
}

void Tcu::report_fill(AddressSpaces::Space& space, CanonicalAddress address, const TlbEntry& entry,
                      Generation generation) {
  std::optional<std::pair<TlbEntryInfo, EvictionReason>> evicted;
  TlbEntryInfo filled;
  {
    const std::lock_guard lock(mutex_);
    if (!unchanged_since(generation)) return;
    tlb_.insert(
        space, address.value, entry,
        [&](const AddressSpaces::Space& owner, std::uint64_t at, const TlbEntry& victim,
            EvictionReason reason) { evicted.emplace(describe(owner, at, victim), reason); });
    filled = describe(space, address.value, entry);
  }
  if (evicted) observer_->on_tlb_evict(evicted->first, evicted->second);
  observer_->on_tlb_fill(filled);
}

void Tcu::prefetch_neighbours(const StreamContext& stream, CanonicalAddress address,
                              const TlbEntry& entry, Generation generation) {
  const std::uint64_t line = address.value & ~mask(entry.size_bits + 2U, 0);
  for (std::uint64_t i = 0; i != kNeighbours; ++i) {
    const std::uint64_t neighbour = line + (i << entry.size_bits);
    if (neighbour >> entry.size_bits == address.value >> entry.size_bits) continue;
    const auto canonical = Walker::canonical(stream.context.regime, Iova(neighbour));
    if (canonical && canonical->half == address.half) {
      prefetch(stream, *canonical, generation);
    }
  }
}

void Tcu::prefetch(const StreamContext& stream, CanonicalAddress address, Generation generation) {
  const Regime& regime = stream.context.regime;
  if (regime.has_stage1 && !regime.stage1.half[address.half].enabled) return;
  Missed missed{.searched = {}, .generation = generation};
  {
    // What is kept stays: it may be older than what is in memory now.
    const std::lock_guard lock(mutex_);
    if (tlb_.find(stream.spaces, address.value, missed.searched) != nullptr) return;
  }
  TlbEntry entry;
  entry.stamp = stamp();
  Copies copies(*this, stream, entry.stamp, generation);
  if (!walker_.walk_with(regime, address, {.speculative = true}, entry, copies)) {
    cache(stream, address, entry, missed);
  }
}

void Tcu::prefetch(StreamId stream, std::optional<SubstreamId> substream) {
  const Generation now = generation();
  if (!answers_keep() || gate() != Gate::kTranslate) return;
  const Attribution attribution(stream, security_);
  std::shared_ptr<const StreamContext> found;
  find_context(stream, substream, now, found);
}

void Tcu::prefetch(StreamId stream, std::optional<SubstreamId> substream, Iova first,
                   std::uint64_t stride, std::uint32_t count) {
  const Generation now = generation();
  if (!answers_keep() || gate() != Gate::kTranslate) return;
  const Attribution attribution(stream, security_);
  std::shared_ptr<const StreamContext> context;
  find_context(stream, substream, now, context);
  const StreamContext& found = *context;
  if (found.context.action != Context::Action::kTranslate || !found.spaces.cached()) return;
  for (std::uint32_t i = 0; i != std::min(count, kMostPrefetched); ++i) {
    const auto address = Walker::canonical(found.context.regime, Iova(first.value + i * stride));
    if (address) prefetch(found, *address, now);
  }
}

void Tcu::invalidate(const TlbInvalidation& what) {
  if (postpones_) return postpone(what);
  const std::lock_guard lock(mutex_);
  apply(what, accept());
  // Never odd: who looks into these caches, or fills them, has the lock.
  advance_translations(what.input == Input::kVirtual && what.range && what.range->leaf_only);
}

void Tcu::invalidate_leaf(Vmid vmid, Asid asid, std::uint64_t address) {
  if (postpones_) [[unlikely]]
    return postpone_leaf(vmid, asid, address);
  const std::lock_guard lock(mutex_);
  accept();
  if (tlb_.size() != 0) tlb_.invalidate_address(vmid, asid, address);
  advance_translations(true);
}

void Tcu::invalidate(const ConfigurationInvalidation& what) {
  if (postpones_) return postpone(what);
  const std::lock_guard lock(mutex_);
  // The source has locks of its own: what is read while they are taken one
  // after the other is of no generation.
  advance_configuration();
  apply(what, accepted_.load(std::memory_order_relaxed) + 1);
  accept();
  advance_configuration();
}

[[gnu::noinline]] void Tcu::postpone_leaf(Vmid vmid, Asid asid, std::uint64_t address) {
  const TlbInvalidation::Range range{
      .first = address, .last = address, .granule = {}, .level = 0, .leaf_only = true};
  postpone(TlbInvalidation{.vmid = vmid, .asid = asid, .range = range});
}

void Tcu::reconfigure() {
  const std::lock_guard lock(mutex_);
  advance_configuration();
  // Whoever still has a context may not revive it.
  gate_changes_.fetch_add(1, std::memory_order_acq_rel);
  contexts_.clear();
  advance_configuration();
}

template <class Which>
void Tcu::apply_postponed(Which&& which) {
  const std::lock_guard lock(mutex_);
  if (std::ranges::none_of(waiting_, which)) return;
  advance_configuration();
  for (const Accepted& accepted : waiting_) {
    if (!which(accepted)) continue;
    std::visit([&](const auto& what) { apply(what, accepted.before); }, accepted.what);
  }
  std::erase_if(waiting_, which);
  advance_configuration();
}

void Tcu::postpone(const std::variant<TlbInvalidation, ConfigurationInvalidation>& what) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({what, accept(), served_.load(std::memory_order_relaxed)});
    full = waiting_.size() >= kMostWaiting;
  }
  if (full) synchronize_all();
}

void Tcu::apply_postponed() {
  const std::uint32_t queue = served_.load(std::memory_order_relaxed);
  apply_postponed([queue](const Accepted& accepted) { return accepted.queue == queue; });
}

void Tcu::synchronize_all() {
  if (postpones_) apply_postponed([](const Accepted&) { return true; });
}

void Tcu::apply(const TlbInvalidation& what, Stamp before) {
  tlb_.invalidate(what, before);
  if (what.input != Input::kVirtual) stage2_.invalidate(what, before);
  if (what.input != Input::kIntermediate && tables_.size() != 0) {
    if (!what.range) {
      tables_.invalidate(what, before);
    } else if (!what.range->leaf_only) {
      // 4.4.1: TTL is about the leaf, and tables go at every level.
      TlbInvalidation tables = what;
      tables.range->granule = std::nullopt;
      tables.range->level = 0;
      tables_.invalidate(tables, before);
    }
  }
}

void Tcu::apply(const ConfigurationInvalidation& what, Stamp before) {
  contexts_.invalidate(what, before);
  source_.invalidate(what, before);
}

void Tcu::clear() {
  const std::lock_guard lock(mutex_);
  advance_configuration();
  // A port that still has one may not revive it: its address spaces go, too.
  gate_changes_.fetch_add(1, std::memory_order_acq_rel);
  contexts_.clear();
  tlb_.clear();
  stage2_.clear();
  tables_.clear();
  waiting_.clear();
  advance_configuration();
}

}  // namespace smmu::emulator
