// Copies of configuration structures, by stream and index.
#ifndef SMMU_EMULATOR_V3_STRUCTURE_CACHE_H_
#define SMMU_EMULATOR_V3_STRUCTURE_CACHE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/tcu.h"
#include "emulator/tlb/brief_mutex.h"
#include "emulator/tlb/set_associative.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

// Safe from any thread.
template <class S>
class StructureCache {
 public:
  // `tcu` says which copies may be kept.
  StructureCache(const Caching& caching, const Tcu& tcu)
      : keeps_(caching.policy != CachePolicy::kNone),
        tcu_(tcu),
        copies_(caching.configuration,
                caching.policy == CachePolicy::kAdversarial ? caching.cap : 0) {}

  struct Copy {
    S structure;
    Stamp stamp = 0;  // of the oldest of all that led to it

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      auto words = structure.words();
      snapshot(words, stamp);
      structure = S(words);
    }
  };

  std::optional<Copy> find(std::uint32_t stream, std::uint32_t index) {
    if (!keeps_) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const Copy* copy = copies_.find(Key(stream, index));
    if (copy == nullptr) return std::nullopt;
    return *copy;
  }

  void insert(std::uint32_t stream, std::uint32_t index, const Copy& copy, Reading read) {
    if (!keeps_) return;
    const std::lock_guard lock(mutex_);
    // Before the generation is looked at, and an invalidation advances it
    // before it looks here: it does not miss what goes in after all.
    inhabited_.store(true, std::memory_order_seq_cst);
    if (tcu_.unchanged_since(read.generation)) copies_.insert(Key(stream, index), copy);
  }

  // Perhaps there are copies.
  bool inhabited() const { return inhabited_.load(std::memory_order_seq_cst); }

  // Those for which `covered(stream, index)` holds: a visit to all of them.
  template <class Covered>
  void invalidate_if(Covered&& covered, Stamp before) {
    const std::lock_guard lock(mutex_);
    copies_.erase_if([&](const Key& key, const Copy& copy) {
      return covered(key.stream(), key.index()) && copy.stamp < before;
    });
    if (copies_.size() == 0) inhabited_.store(false, std::memory_order_relaxed);
  }
  void invalidate_one(std::uint32_t stream, std::uint32_t index, Stamp before) {
    const std::lock_guard lock(mutex_);
    copies_.erase(Key(stream, index), [&](const Copy& copy) { return copy.stamp < before; });
    if (copies_.size() == 0) inhabited_.store(false, std::memory_order_relaxed);
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    copies_.clear();
  }

  // `possible(index)`: whether a structure is filed under that.
  template <class Snapshot, class Possible>
  void archive(Snapshot& snapshot, Possible&& possible) {
    copies_.archive(snapshot, [&](const Key& key, const Copy&) { return possible(key.index()); });
    if constexpr (Snapshot::kReads) {
      inhabited_.store(copies_.size() != 0, std::memory_order_seq_cst);
    }
  }

 private:
  class Key {
   public:
    Key() = default;
    // Indices are less than 2^31, so no key has all bits set.
    Key(std::uint32_t stream, std::uint32_t index) : value_(std::uint64_t{index} << 32 | stream) {}

    bool vacant() const { return value_ == ~std::uint64_t{0}; }
    std::uint64_t hash() const { return value_ * 0x9e3779b97f4a7c15; }
    std::uint32_t stream() const { return static_cast<std::uint32_t>(value_); }
    std::uint32_t index() const { return static_cast<std::uint32_t>(value_ >> 32); }
    friend bool operator==(const Key&, const Key&) = default;

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(value_);
      snapshot.require(value_ >> 63 == 0, "an index that cannot be");
    }

   private:
    std::uint64_t value_ = ~std::uint64_t{0};
  };
  const bool keeps_;
  const Tcu& tcu_;
  BriefMutex mutex_;
  std::atomic<bool> inhabited_{false};
  SetAssociative<Key, Copy> copies_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_STRUCTURE_CACHE_H_
