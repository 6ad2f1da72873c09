#include "emulator/tcu/tcu.h"

#include <algorithm>

#include "smmu/arch/bits.h"

namespace smmu::emulator {
namespace {

// Invalidations that may wait for a CMD_SYNC: a guest that never sends one
// does not get more memory than this.
constexpr std::size_t kMostWaiting = 4096;

// A prefetch command is a hint, and one names up to 2^31 addresses.
constexpr std::uint32_t kMostPrefetched = 512;

// Descriptors in a 64-byte cache line.
constexpr std::uint64_t kNeighbours = 8;

}  // namespace

Tcu::Tcu(PhysicalMemory& memory, ConfigurationSource& source, const Caching& caching,
         unsigned output_bits, Observer* observer)
    : caching_(caching),
      output_bits_(output_bits),
      source_(source),
      observer_(observer),
      walker_(memory, observer),
      contexts_(caching.configuration,
                caching.policy == CachePolicy::kAdversarial ? caching.cap : 0),
      tlb_(caching) {}

Result<Translation, Fault> Tcu::translate(const Transaction& transaction) {
  const Gate gate = gate_.load(std::memory_order_acquire);
  if (gate != Gate::kTranslate) [[unlikely]] {
    if (gate == Gate::kAbort) return Fault(ConfiguredAbort{});
    return bypass(transaction, Route::kDisabled);
  }

  std::unique_lock lock(mutex_);
  const CachedContext* cached = contexts_.find(key_of(transaction.stream, transaction.substream));
  if (cached != nullptr) [[likely]]
    return look_up(*cached, transaction, lock);

  lock.unlock();
  const CachedContext context = resolve(transaction.stream, transaction.substream);
  lock.lock();
  return look_up(context, transaction, lock);
}

Result<Translation, Fault> Tcu::look_up(const CachedContext& cached, const Transaction& transaction,
                                        std::unique_lock<std::mutex>& lock) {
  switch (cached.context.action) {
    case Context::Action::kTranslate:
      break;
    case Context::Action::kAbort:
      return Fault(ConfiguredAbort{});
    case Context::Action::kFault:
      return Fault(cached.context.fault);
    case Context::Action::kBypass:
      lock.unlock();
      return bypass(transaction, Route::kBypass);
  }

  const Regime& regime = cached.context.regime;
  const auto address = Walker::canonical(regime, transaction.address);
  const unsigned half = static_cast<unsigned>(transaction.address.value >> 55) & 1;
  // E0PD is reported as a Translation fault whether or not the address is
  // mapped or cached (IHI 0070, 5.4).
  const bool denied =
      regime.half[half].unprivileged_denied && transaction.privilege == Privilege::kUnprivileged;
  if (!address || denied) [[unlikely]] {
    return translation_fault(cached.context, {.type = FaultType::kTranslation,
                                              .stage = Stage::k1,
                                              .level = regime.half[half].first_level,
                                              .descriptor = {}});
  }

  if (const auto found = tlb_.find(cached.spaces, address->value); found.entry != nullptr) {
    if (observer_ == nullptr) [[likely]] {
      return finish(cached.context, transaction, address->value, *found.entry);
    }
    const TlbEntryInfo hit = tlb_.describe(found.space, address->value, *found.entry);
    auto result = finish(cached.context, transaction, address->value, *found.entry);
    lock.unlock();
    observer_->on_tlb_hit(hit);
    return result;
  }

  const CachedContext context = cached;  // whose place in the cache may change now
  lock.unlock();
  return translate_with(context, transaction, *address);
}

Result<Translation, Fault> Tcu::translate_with(const CachedContext& cached,
                                               const Transaction& transaction,
                                               CanonicalAddress address) {
  const Context& context = cached.context;
  const Stage1Half& half = context.regime.half[address.half];
  if (!half.enabled) {
    return translation_fault(context, {.type = FaultType::kTranslation,
                                       .stage = Stage::k1,
                                       .level = half.first_level,
                                       .descriptor = {}});
  }

  const Stamp begun = stamp();
  const auto leaf = walker_.walk_stage1(context.regime, address);
  if (!leaf) return translation_fault(context, leaf.error());

  if (caching_.policy != CachePolicy::kNone && cached.spaces.cached) {
    cache(cached, address, *leaf, begun);
    if (caching_.prefetch == SpeculativePrefetch::kOn) prefetch_neighbours(cached, address, *leaf);
  }
  return finish(context, transaction, address.value,
                {.output = leaf->output,
                 .stamp = begun,
                 .size_bits = leaf->size_bits,
                 .level = leaf->level,
                 .granule_bits = static_cast<std::uint8_t>(leaf->granule),
                 .permissions = leaf->permissions,
                 .attributes = leaf->attributes});
}

Result<Translation, Fault> Tcu::finish(const Context& context, const Transaction& transaction,
                                       std::uint64_t address, const TlbEntry& entry) {
  if (!entry.permissions.allow(transaction.privilege, transaction.direction, transaction.content))
      [[unlikely]] {
    return translation_fault(context, {.type = FaultType::kPermission,
                                       .stage = Stage::k1,
                                       .level = entry.level,
                                       .descriptor = {}});
  }
  const std::uint64_t low = mask(entry.size_bits - 1U, 0);
  return Translation{.pa = Pa(entry.output.value | (address & low)),
                     .size = low + 1,
                     .attributes = entry.attributes,
                     .permissions = entry.permissions,
                     .route = Route::kTables};
}

Fault Tcu::translation_fault(const Context& context, const WalkFault& walk) {
  // 5.5: A, R and S do not concern an abort on a table access.
  if (walk.type == FaultType::kExternalAbort) {
    return TranslationFault{walk, Response::kAbort, Recording::kRecorded};
  }
  return TranslationFault{walk, context.response, context.recording};
}

Result<Translation, Fault> Tcu::bypass(const Transaction& transaction, Route route) const {
  const std::uint64_t address = transaction.address.value;
  if (output_bits_ < 64 && (address >> output_bits_) != 0) {
    // 3.4: an address that does not exist.  With the SMMU off there is nobody
    // to tell; through a stream's configuration it is an Address Size fault.
    if (route == Route::kDisabled) return Fault(ConfiguredAbort{});
    return Fault(TranslationFault{
        {.type = FaultType::kAddressSize, .stage = Stage::k1, .level = 0, .descriptor = {}},
        Response::kAbort,
        Recording::kRecorded});
  }
  return Translation{.pa = Pa(address),
                     .size = std::uint64_t{1} << output_bits_,
                     .attributes = transaction.attributes,
                     .permissions = Permissions::all(),
                     .route = route};
}

Tcu::CachedContext Tcu::resolve(StreamId stream, std::optional<SubstreamId> substream) {
  const Stamp begun = stamp();
  const ConfigurationSource::Resolution resolution = source_.resolve(stream, substream, begun);
  CachedContext cached{.context = resolution.context, .spaces = {}, .stamp = begun};
  if (caching_.policy == CachePolicy::kNone) return cached;

  const std::lock_guard lock(mutex_);
  if (cached.context.action == Context::Action::kTranslate) {
    cached.spaces = tlb_.spaces_of(cached.context.vmid, cached.context.asid);
  }
  if (resolution.cacheable && still_current(begun)) {
    contexts_.insert(key_of(stream, substream), cached, [](const ContextKey&) { return false; });
    if (substream) ++substreams_;
  }
  return cached;
}

void Tcu::cache(const CachedContext& cached, CanonicalAddress address, const Leaf& leaf,
                Stamp stamp) {
  std::unique_lock lock(mutex_);
  if (!still_current(stamp)) return;
  const auto space = leaf.global ? cached.spaces.global : cached.spaces.asid;
  const TlbEntry entry{.output = leaf.output,
                       .stamp = stamp,
                       .size_bits = leaf.size_bits,
                       .level = leaf.level,
                       .granule_bits = static_cast<std::uint8_t>(leaf.granule),
                       .permissions = leaf.permissions,
                       .attributes = leaf.attributes};
  const auto displaced = tlb_.insert(space, address.value, entry);
  if (observer_ == nullptr) [[likely]]
    return;

  const TlbEntryInfo filled = tlb_.describe(space, address.value, entry);
  std::optional<TlbEntryInfo> evicted;
  if (displaced) evicted = tlb_.describe(*displaced);
  lock.unlock();
  if (evicted) observer_->on_tlb_evict(*evicted, displaced->reason);
  observer_->on_tlb_fill(filled);
}

void Tcu::prefetch_neighbours(const CachedContext& cached, CanonicalAddress address,
                              const Leaf& leaf) {
  const Regime& regime = cached.context.regime;
  const std::uint64_t line = address.value & ~mask(leaf.size_bits + 2U, 0);
  for (std::uint64_t i = 0; i != kNeighbours; ++i) {
    const std::uint64_t neighbour = line + (i << leaf.size_bits);
    if (neighbour >> leaf.size_bits == address.value >> leaf.size_bits) continue;
    const auto canonical = Walker::canonical(regime, Iova(neighbour));
    if (!canonical || canonical->half != address.half) continue;
    const Stamp begun = stamp();
    if (const auto found = walker_.walk_stage1(regime, *canonical)) {
      cache(cached, *canonical, *found, begun);
    }
  }
}

void Tcu::prefetch(StreamId stream, std::optional<SubstreamId> substream) {
  if (caching_.policy == CachePolicy::kNone) return;
  if (gate_.load(std::memory_order_acquire) != Gate::kTranslate) return;
  {
    const std::lock_guard lock(mutex_);
    if (contexts_.find(key_of(stream, substream)) != nullptr) return;
  }
  resolve(stream, substream);
}

void Tcu::prefetch(StreamId stream, std::optional<SubstreamId> substream, Iova first,
                   std::uint64_t stride, std::uint32_t count) {
  if (caching_.policy == CachePolicy::kNone) return;
  if (gate_.load(std::memory_order_acquire) != Gate::kTranslate) return;
  const CachedContext cached = resolve(stream, substream);
  if (cached.context.action != Context::Action::kTranslate || !cached.spaces.cached) return;
  for (std::uint32_t i = 0; i != std::min(count, kMostPrefetched); ++i) {
    const auto address = Walker::canonical(cached.context.regime, Iova(first.value + i * stride));
    if (!address || !cached.context.regime.half[address->half].enabled) continue;
    const Stamp begun = stamp();
    if (const auto leaf = walker_.walk_stage1(cached.context.regime, *address)) {
      cache(cached, *address, *leaf, begun);
    }
  }
}

void Tcu::invalidate(const Invalidation& what) {
  std::unique_lock lock(mutex_);
  const Accepted accepted{what, accepted_.load(std::memory_order_relaxed) + 1};
  accepted_.store(accepted.before, std::memory_order_release);
  if (caching_.policy == CachePolicy::kAdversarial) {
    waiting_.push_back(accepted);
    const bool full = waiting_.size() >= kMostWaiting;
    lock.unlock();
    if (full) synchronize();
    return;
  }
  apply(accepted);
}

void Tcu::synchronize() {
  const std::lock_guard lock(mutex_);
  for (const Accepted& accepted : waiting_) apply(accepted);
  waiting_.clear();
}

void Tcu::apply(const Accepted& accepted) {
  applied_.store(accepted.before, std::memory_order_release);
  if (const auto* translations = std::get_if<TlbInvalidation>(&accepted.what)) {
    tlb_.invalidate(*translations, accepted.before);
  } else {
    const auto& configuration = std::get<ConfigurationInvalidation>(accepted.what);
    invalidate_contexts(configuration, accepted.before);
    source_.invalidate(configuration, accepted.before);
  }
}

void Tcu::invalidate_contexts(const ConfigurationInvalidation& what, Stamp before) {
  const auto old = [&](const CachedContext& cached) { return cached.stamp < before; };
  if (what.first == what.last) {
    // The CD at index 0 also serves transactions without a substream.
    if (!what.substream || what.substream->value == 0) {
      contexts_.erase(key_of(what.first, std::nullopt), old);
    }
    if (what.substream) {
      contexts_.erase(key_of(what.first, what.substream), old);
      return;
    }
    if (substreams_ == 0) return;
  }
  contexts_.erase_if([&](const ContextKey& key, const CachedContext& cached) {
    return key.stream >= what.first.value && key.stream <= what.last.value && old(cached);
  });
  if (contexts_.size() == 0) substreams_ = 0;
}

void Tcu::clear() {
  const std::lock_guard lock(mutex_);
  contexts_.clear();
  tlb_.clear();
  waiting_.clear();
  substreams_ = 0;
}

}  // namespace smmu::emulator
