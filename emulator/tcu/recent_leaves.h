// The stage 2 leaves that a port's walks through both stages have just come to.
#ifndef SMMU_EMULATOR_TCU_RECENT_LEAVES_H_
#define SMMU_EMULATOR_TCU_RECENT_LEAVES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "emulator/walk/leaf.h"
#include "emulator/walk/snapshot.h"

namespace smmu::emulator {

// Direct-mapped, by 2 MiB of IPAs, of which one leaf is kept.  One thread at a
// time.
class RecentLeaves {
 public:
  // `stream`: who asks.  Null: none is known.
  const Stage2Leaf* find(const void* stream, std::uint64_t ipa) const {
    const Entry& entry = at(ipa);
    const bool same = entry.epoch == epoch_ && entry.stream == stream &&
                      entry.block == ipa >> entry.leaf.size_bits;
    return same ? &entry.leaf : nullptr;
  }

  const Stage2Leaf* keep(const void* stream, std::uint64_t ipa, const Stage2Leaf& leaf) {
    Entry& entry = entries_[index_of(ipa)];
    entry = {.epoch = epoch_, .stream = stream, .block = ipa >> leaf.size_bits, .leaf = leaf};
    return &entry.leaf;
  }

  void clear() { ++epoch_; }

  // `number_of(stream)`: who asks, as a number; or none if that asks no longer.
  // `stream_of(number)`: the same back; null if nobody has it.
  template <class Snapshot, class NumberOf, class StreamOf>
  void archive(Snapshot& snapshot, NumberOf&& number_of, StreamOf&& stream_of) {
    if constexpr (Snapshot::kReads) clear();
    for (Entry& entry : entries_) {
      auto number = entry.epoch == epoch_ ? number_of(entry.stream) : std::nullopt;
      snapshot(number);
      if (!number) continue;
      snapshot(entry.block, entry.leaf);
      snapshot.require(is_block(entry.leaf.output, entry.leaf.size_bits), "a leaf that cannot be");
      if constexpr (Snapshot::kReads) {
        entry.epoch = epoch_;
        entry.stream = stream_of(*number);
        snapshot.require(entry.stream != nullptr, "a stream that is not there");
      }
    }
  }

 private:
  struct Entry {
    std::uint64_t epoch = 0;
    const void* stream = nullptr;
    std::uint64_t block = 0;  // IPA / size
    Stage2Leaf leaf;
  };
  static constexpr std::size_t kEntries = 32;
  static constexpr unsigned kIndexBits = 21;

  static std::size_t index_of(std::uint64_t ipa) { return (ipa >> kIndexBits) % kEntries; }
  const Entry& at(std::uint64_t ipa) const { return entries_[index_of(ipa)]; }

  std::array<Entry, kEntries> entries_{};
  std::uint64_t epoch_ = 1;  // never 0, which is that of an entry nobody wrote
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_RECENT_LEAVES_H_
