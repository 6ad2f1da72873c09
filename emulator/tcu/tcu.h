// The translation control unit: what every port asks on a miss.  Configuration
// and translations are looked up here, and found in memory when no copy is
// kept.  It knows neither v2 nor v3.
#ifndef SMMU_EMULATOR_TCU_TCU_H_
#define SMMU_EMULATOR_TCU_TCU_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tlb/main_tlb.h"
#include "emulator/tlb/set_associative.h"
#include "emulator/walk/walker.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"

namespace smmu::emulator {

using Invalidation = std::variant<TlbInvalidation, ConfigurationInvalidation>;

// Safe from any thread; no lock is held while memory, the source or the
// observer is called.
class Tcu {
 public:
  // What happens to a transaction before anything is looked up.
  enum class Gate : std::uint8_t {
    kAbort,      // the SMMU is off, and aborts
    kBypass,     // the SMMU is off, and lets through
    kTranslate,  // it is on
  };

  // `output_bits`: the width of a physical address.
  Tcu(PhysicalMemory& memory, ConfigurationSource& source, const Caching& caching,
      unsigned output_bits, Observer* observer);

  void set_gate(Gate gate) { gate_.store(gate, std::memory_order_release); }

  Result<Translation, Fault> translate(const Transaction& transaction);

  // Accepts an invalidation.  It takes effect at once, or, if the caching
  // policy keeps all that may be kept, at the next synchronize().
  void invalidate(const Invalidation& what);
  void synchronize();

  // Reads configuration, and translations of `count` addresses at `stride`,
  // into the caches; reports no fault.
  void prefetch(StreamId stream, std::optional<SubstreamId> substream);
  void prefetch(StreamId stream, std::optional<SubstreamId> substream, Iova first,
                std::uint64_t stride, std::uint32_t count);

  // Empties every cache that is the TCU's own.
  void clear();

  // A stamp for copies that the source keeps, and whether a copy with that
  // stamp may be kept now.
  Stamp stamp() const { return accepted_.load(std::memory_order_acquire); }
  bool still_current(Stamp stamp) const {
    return stamp >= applied_.load(std::memory_order_acquire);
  }

 private:
  struct ContextKey {
    std::uint64_t stream = ~std::uint64_t{0};
    std::uint64_t substream = 0;  // 0: none, else one more than its number

    bool vacant() const { return stream == ~std::uint64_t{0}; }
    std::uint64_t hash() const {
      return (stream ^ substream * 0xc2b2ae3d27d4eb4f) * 0x9e3779b97f4a7c15;
    }
    friend bool operator==(const ContextKey&, const ContextKey&) = default;
  };
  struct CachedContext {
    Context context;
    TlbSpaces spaces;
    Stamp stamp = 0;
  };
  struct Accepted {
    Invalidation what;
    Stamp before;
  };

  static ContextKey key_of(StreamId stream, std::optional<SubstreamId> substream) {
    return {.stream = stream.value,
            .substream = substream ? std::uint64_t{substream->value} + 1 : 0};
  }
  static Fault translation_fault(const Context& context, const WalkFault& walk);
  static Result<Translation, Fault> finish(const Context& context, const Transaction& transaction,
                                           std::uint64_t address, const TlbEntry& entry);

  // The context of a transaction, from memory if no copy is kept.
  CachedContext resolve(StreamId stream, std::optional<SubstreamId> substream);
  // Called with the lock; lets go of it when the answer takes more than the
  // caches.
  Result<Translation, Fault> look_up(const CachedContext& cached, const Transaction& transaction,
                                     std::unique_lock<std::mutex>& lock);
  Result<Translation, Fault> translate_with(const CachedContext& context,
                                            const Transaction& transaction,
                                            CanonicalAddress address);
  Result<Translation, Fault> bypass(const Transaction& transaction, Route route) const;
  void cache(const CachedContext& context, CanonicalAddress address, const Leaf& leaf, Stamp stamp);
  void prefetch_neighbours(const CachedContext& context, CanonicalAddress address,
                           const Leaf& leaf);
  void apply(const Accepted& accepted);
  void invalidate_contexts(const ConfigurationInvalidation& what, Stamp before);

  const Caching caching_;
  const unsigned output_bits_;
  ConfigurationSource& source_;
  Observer* const observer_;
  const Walker walker_;

  std::atomic<Gate> gate_{Gate::kBypass};
  // Invalidations are counted as they are accepted and as they take effect.
  // A copy whose reading began before one that has taken effect is not kept.
  std::atomic<Stamp> accepted_{0};
  std::atomic<Stamp> applied_{0};

  std::mutex mutex_;  // guards what follows
  SetAssociative<ContextKey, CachedContext> contexts_;
  std::size_t substreams_ = 0;  // contexts of substreams ever cached since empty
  MainTlb tlb_;
  std::vector<Accepted> waiting_;  // for synchronize()
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_TCU_H_
