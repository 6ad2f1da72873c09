// A set-associative cache, the shape of every cache in the model.  A cache of
// a fixed size replaces an entry when a set is full; one that never evicts
// doubles its sets instead, up to a cap.
#ifndef SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_
#define SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"

namespace smmu::emulator {

// Key: default-constructed it names nothing and vacant() is true; hash() has
// its entropy in the high bits.  Not thread-safe.
template <class Key, class Value>
class SetAssociative {
 public:
  struct Displaced {
    Key key;
    Value value;
    EvictionReason reason;
  };

  // `cap`: entries that growing may not exceed; 0 for a fixed size.
  SetAssociative(CacheGeometry geometry, std::uint32_t cap)
      : ways_(geometry.ways), cap_(cap), initial_sets_(geometry.sets) {
    assert(std::has_single_bit(geometry.sets) && std::has_single_bit(geometry.ways));
    resize(initial_sets_);
  }

  std::size_t size() const { return size_; }

  Value* find(const Key& key) {
    const std::size_t first = set_of(key);
    for (std::size_t slot = first; slot != first + ways_; ++slot) {
      if (keys_[slot] == key) return &values_[slot];
    }
    return nullptr;
  }

  // Adds an entry or replaces the one with this key.  `dead(key)` says that an
  // entry can never be found again and its place is free.  Returns the live
  // entry that had to go, if one had to.
  template <class Dead>
  std::optional<Displaced> insert(const Key& key, const Value& value, Dead&& dead) {
    for (;;) {
      const std::size_t first = set_of(key);
      std::size_t free = kNone;
      for (std::size_t slot = first; slot != first + ways_; ++slot) {
        if (keys_[slot] == key) {
          values_[slot] = value;
          return std::nullopt;
        }
        if (free == kNone && (keys_[slot].vacant() || dead(keys_[slot]))) free = slot;
      }
      if (free != kNone) {
        if (keys_[free].vacant()) ++size_;
        put(free, key, value);
        return std::nullopt;
      }
      if (2 * keys_.size() <= cap_) {
        grow(dead);
        continue;
      }
      const std::size_t victim = first + (next_victim_++ & (ways_ - 1));
      Displaced displaced{keys_[victim], values_[victim],
                          cap_ != 0 ? EvictionReason::kCap : EvictionReason::kReplaced};
      put(victim, key, value);
      return displaced;
    }
  }

  // Removes the entry with this key if `condition(value)` holds.
  template <class Condition>
  void erase(const Key& key, Condition&& condition) {
    const std::size_t first = set_of(key);
    for (std::size_t slot = first; slot != first + ways_; ++slot) {
      if (keys_[slot] == key && condition(std::as_const(values_[slot]))) vacate(slot);
    }
  }

  // Removes every entry for which `condition(key, value)` holds: a visit to
  // the whole cache.
  template <class Condition>
  void erase_if(Condition&& condition) {
    if (size_ == 0) return;
    for (std::size_t slot = 0; slot != keys_.size(); ++slot) {
      if (!keys_[slot].vacant() && condition(keys_[slot], std::as_const(values_[slot]))) {
        vacate(slot);
      }
    }
  }

  void clear() {
    size_ = 0;
    resize(initial_sets_);
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t set_of(const Key& key) const {
    // Two shifts, because a single set wants all 64 bits shifted out.
    return static_cast<std::size_t>(key.hash() >> 1 >> hash_shift_) * ways_;
  }

  void resize(std::size_t sets) {
    hash_shift_ = 63U - static_cast<unsigned>(std::countr_zero(sets));
    keys_.assign(sets * ways_, Key{});
    values_.assign(sets * ways_, Value{});
  }

  void put(std::size_t slot, const Key& key, const Value& value) {
    keys_[slot] = key;
    values_[slot] = value;
  }

  void vacate(std::size_t slot) {
    keys_[slot] = Key{};
    --size_;
  }

  // Doubling splits each set in two, so whatever fitted before fits after.
  template <class Dead>
  void grow(Dead&& dead) {
    std::vector<Key> keys = std::move(keys_);
    std::vector<Value> values = std::move(values_);
    resize(2 * keys.size() / ways_);
    size_ = 0;
    for (std::size_t old = 0; old != keys.size(); ++old) {
      if (keys[old].vacant() || dead(keys[old])) continue;
      std::size_t slot = set_of(keys[old]);
      while (!keys_[slot].vacant()) ++slot;
      put(slot, keys[old], values[old]);
      ++size_;
    }
  }

  std::size_t ways_;
  std::size_t cap_;
  std::size_t initial_sets_;
  unsigned hash_shift_ = 0;
  std::size_t size_ = 0;  // occupied places, dead entries included
  std::size_t next_victim_ = 0;
  std::vector<Key> keys_;
  std::vector<Value> values_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_
