// A set-associative cache, the shape of every cache in the model.  A cache of
// a fixed size replaces an entry when a set is full; one with a cap doubles its
// sets instead, and replaces an entry when it holds as many as that.
#ifndef SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_
#define SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
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
  // `cap`: the entries it may hold, not more than 2^20; 0 for a fixed size.
  SetAssociative(CacheGeometry geometry, std::uint32_t cap)
      : ways_(cap == 0 ? geometry.ways : kWaysToGrow),
        cap_(cap),
        initial_sets_(cap == 0 ? geometry.sets : 1) {
    assert(std::has_single_bit(geometry.sets) && std::has_single_bit(geometry.ways));
    resize(initial_sets_);
  }

  std::size_t size() const { return size_; }

  Value* find(const Key& key) { return find(key, set_of(key)); }

  // A set, by its first slot, and what changes() was when it was named.
  struct Place {
    std::size_t first;
    std::uint64_t changes;
  };
  std::size_t set_of(const Key& key) const {
    return static_cast<std::size_t>(key.hash() >> hash_shift_) & set_mask_;
  }
  Value* find(const Key& key, std::size_t first) {
    const Key* const keys = keys_.data() + first;
    const Key* const end = keys + ways_;
    const Key* at = keys;
    do {
      if (*at == key) return values_.data() + first + (at - keys);
    } while (++at != end);
    return nullptr;
  }
  std::uint64_t changes() const { return changes_; }
  // Puts an entry that is not there in the place of another of its set, if
  // that is what insert() would do and nothing has changed since.
  // REQUIRES: no entry is dead.
  [[gnu::always_inline]] bool replace(const Place& place, const Key& key, const Value& value) {
    if (place.changes != changes_ || !full_) [[unlikely]]
      return false;
    put(place.first + (next_victim_++ & (ways_ - 1)), key, value);
    return true;
  }
  // The same into a place that is vacant.
  bool occupy(const Place& place, const Key& key, const Value& value) {
    if (place.changes != changes_ || cap_ != 0) return false;
    for (std::size_t slot = place.first; slot != place.first + ways_; ++slot) {
      if (!keys_[slot].vacant()) continue;
      count_one();
      put(slot, key, value);
      return true;
    }
    return false;
  }

  // Adds an entry or replaces the one with this key.  `dead(key)` says that an
  // entry can never be found again and its place is free.  If a live entry has
  // to go, `evict(key, value, reason)` hears of it before.
  template <class Dead, class Evict>
  void insert(const Key& key, const Value& value, Dead&& dead, Evict&& evict) {
    for (;;) {
      const std::size_t first = set_of(key);
      Key* keys = keys_.data() + first;
      std::size_t free = kNone;
      for (std::size_t way = 0; way != ways_; ++way) {
        if (keys[way] == key) {
          values_[first + way] = value;
          return;
        }
        if (free == kNone && (keys[way].vacant() || dead(keys[way]))) free = way;
      }
      if (free != kNone) {
        if (keys[free].vacant()) {
          if (cap_ != 0 && size_ == cap_) remove_one(first, evict);
          count_one();
        }
        return put(first + free, key, value);
      }
      if (grows_) {
        grow(dead);
        continue;
      }
      const std::size_t victim = first + (next_victim_++ & (ways_ - 1));
      evict(std::as_const(keys_[victim]), std::as_const(values_[victim]),
            cap_ != 0 ? EvictionReason::kCap : EvictionReason::kReplaced);
      return put(victim, key, value);
    }
  }
  void insert(const Key& key, const Value& value) {
    insert(
        key, value, [](const Key&) { return false; },
        [](const Key&, const Value&, EvictionReason) {});
  }

  // Removes the entry with this key if `condition(value)` holds.
  template <class Condition>
  void erase(const Key& key, Condition&& condition) {
    const std::size_t first = set_of(key);
    for (std::size_t slot = first; slot != first + ways_; ++slot) {
      if (keys_[slot] == key && condition(std::as_const(values_[slot]))) vacate(keys_[slot]);
    }
  }

  void erase(const Key& key) {
    Key* at = keys_.data() + set_of(key);
    Key* const end = at + ways_;
    do {
      if (*at == key) return vacate(*at);
    } while (++at != end);
  }

  // Removes every entry for which `condition(key, value)` holds: a visit to
  // the whole cache.
  template <class Condition>
  void erase_if(Condition&& condition) {
    if (size_ == 0) return;
    for (std::size_t slot = 0; slot != keys_.size(); ++slot) {
      if (!keys_[slot].vacant() && condition(keys_[slot], std::as_const(values_[slot]))) {
        vacate(keys_[slot]);
      }
    }
  }

  void clear() {
    size_ = 0;
    resize(initial_sets_);
  }

  // With every entry in its place: what has to go next is the same.
  // `sound(key, value)`: whether there can be such an entry.  A snapshot has the
  // cache take no more memory than entries could.
  template <class Snapshot, class Sound>
  void archive(Snapshot& snapshot, Sound&& sound);

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kMostSlots = std::size_t{1} << 24;
  // With an eighth of the slots in use no set of so many ways is full.
  static constexpr std::size_t kWaysToGrow = 16;
  static constexpr std::size_t kMostSlotsPerEntry = 8;

  // Whether a cache of its kind can have that many.
  bool possible(std::uint64_t sets) const {
    if (sets == initial_sets_) return true;
    // It has grown from half of them.
    const std::uint64_t before = sets / 2 * ways_;
    return cap_ != 0 && std::has_single_bit(sets) && sets <= kMostSlots &&
           before < kMostSlotsPerEntry * cap_ && before < kMostSlots;
  }

  void resize(std::size_t sets) {
    ++changes_;
    full_ = false;
    const std::size_t slots = sets * ways_;
    // Of a single slot no bit is wanted, and the mask takes the one there is.
    hash_shift_ = std::min(63U, 64U - static_cast<unsigned>(std::countr_zero(slots)));
    set_mask_ = slots - ways_;
    grows_ = slots < kMostSlotsPerEntry * cap_ && slots < kMostSlots;
    keys_.assign(sets * ways_, Key{});
    values_.assign(sets * ways_, Value{});
  }

  void count_one() {
    ++size_;
    full_ = cap_ == 0 && size_ == keys_.size();
  }

  void put(std::size_t slot, const Key& key, const Value& value) {
    ++changes_;
    keys_[slot] = key;
    values_[slot] = value;
  }

  void vacate(Key& key) {
    ++changes_;
    key = Key{};
    --size_;
    full_ = false;
  }

  // Removes the entry at `slot`, or the next one after it.
  template <class Evict>
  void remove_one(std::size_t slot, Evict&& evict) {
    while (keys_[slot].vacant()) slot = (slot + 1) % keys_.size();
    evict(std::as_const(keys_[slot]), std::as_const(values_[slot]), EvictionReason::kCap);
    vacate(keys_[slot]);
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

  std::uint64_t changes_ = 0;
  std::size_t ways_;
  std::size_t cap_;
  std::size_t initial_sets_;
  unsigned hash_shift_ = 0;
  std::size_t set_mask_ = 0;
  bool grows_ = false;    // when a set is full
  bool full_ = false;     // for good: it does not grow
  std::size_t size_ = 0;  // occupied places, dead entries included
  std::vector<Key> keys_;
  std::vector<Value> values_;
  std::size_t next_victim_ = 0;
};

template <class Key, class Value>
template <class Snapshot, class Sound>
void SetAssociative<Key, Value>::archive(Snapshot& snapshot, Sound&& sound) {
  std::uint64_t sets = keys_.size() / ways_;
  std::uint64_t victim = next_victim_ & (ways_ - 1);
  auto count = static_cast<std::uint32_t>(size_);
  snapshot(sets, victim, count);
  if constexpr (!Snapshot::kReads) {
    for (std::size_t slot = 0; slot != keys_.size(); ++slot) {
      if (keys_[slot].vacant()) continue;
      auto number = static_cast<std::uint32_t>(slot);
      snapshot(number, keys_[slot], values_[slot]);
    }
  } else {
    const bool fits = possible(sets) && count <= sets * ways_ && (cap_ == 0 || count <= cap_);
    if (!snapshot.require(fits, "a cache that cannot be")) return;
    struct Entry {
      std::uint32_t slot = 0;
      Key key;
      Value value{};
    };
    // Room is made when all are known.
    std::vector<Entry> entries;
    for (std::uint32_t i = 0; i != count && snapshot.ok(); ++i) {
      Entry& entry = entries.emplace_back();
      snapshot(entry.slot, entry.key, entry.value);
      const bool in_order = i == 0 || entries[i - 1].slot < entry.slot;
      snapshot.require(in_order && entry.slot < sets * ways_ && !entry.key.vacant() &&
                           sound(std::as_const(entry.key), std::as_const(entry.value)),
                       "an entry that cannot be");
    }
    if (!snapshot.ok()) return;
    resize(sets);
    size_ = count;
    next_victim_ = victim & (ways_ - 1);
    for (const Entry& entry : entries) {
      const std::size_t first = set_of(entry.key);
      const bool placed = entry.slot - entry.slot % ways_ == first && find(entry.key) == nullptr;
      if (!snapshot.require(placed, "an entry in a place that is not its own")) return clear();
      put(entry.slot, entry.key, entry.value);
    }
    full_ = cap_ == 0 && size_ == keys_.size();
  }
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_SET_ASSOCIATIVE_H_
