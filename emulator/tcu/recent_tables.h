// The last-level tables a port's walks have just been to: a walk to another
// page of one of them begins there.
#ifndef SMMU_EMULATOR_TCU_RECENT_TABLES_H_
#define SMMU_EMULATOR_TCU_RECENT_TABLES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "emulator/tcu/recent_leaves.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {

// Direct-mapped, by what a last-level table covers.  One thread at a time.
class RecentTables {
 public:
  // `stream`: who asks.  `bits`: a table covers 2^bits bytes.
  LastTable& at(const void* stream, std::uint64_t address, unsigned bits) {
    Entry& entry = entries_[(address >> bits) % kEntries];
    const std::uint64_t region = (address >> bits << kEpochBits) | epoch_;
    if (entry.region_and_epoch != region || entry.stream != stream) {
      entry.region_and_epoch = region;
      entry.stream = stream;
      entry.table.table = LastTable::kUnknown;
    }
    return entry.table;
  }

  void clear() {
    epoch_ = (epoch_ + 1) % (1U << kEpochBits);
    if (epoch_ == 0) {
      entries_.fill({});
      epoch_ = 1;
    }
  }

  // As RecentLeaves.
  template <class Snapshot, class NumberOf, class StreamOf>
  void archive(Snapshot& snapshot, NumberOf&& number_of, StreamOf&& stream_of) {
    if constexpr (Snapshot::kReads) clear();
    for (Entry& entry : entries_) {
      const bool known = current(entry) && entry.table.known();
      auto number = known ? number_of(entry.stream) : std::nullopt;
      snapshot(number);
      if (!number) continue;
      std::uint64_t region = entry.region_and_epoch >> kEpochBits;
      snapshot(region, entry.table);
      if constexpr (Snapshot::kReads) {
        entry.region_and_epoch = region << kEpochBits | epoch_;
        entry.stream = stream_of(*number);
        snapshot.require(entry.stream != nullptr, "a stream that is not there");
      }
    }
  }

 private:
  struct Entry {
    std::uint64_t region_and_epoch = 0;
    const void* stream = nullptr;
    LastTable table;
  };
  bool current(const Entry& entry) const {
    return entry.region_and_epoch % (1U << kEpochBits) == epoch_;
  }
  static constexpr std::size_t kEntries = 64;
  static constexpr unsigned kEpochBits = 12;

  std::array<Entry, kEntries> entries_{};
  std::uint64_t epoch_ = 1;  // never 0, which is that of an entry nobody wrote
};

// What a port's walks have just come by.
struct Recent {
  RecentTables tables;
  RecentLeaves leaves;

  void clear() {
    tables.clear();
    leaves.clear();
  }

  template <class Snapshot, class NumberOf, class StreamOf>
  void archive(Snapshot& snapshot, NumberOf&& number_of, StreamOf&& stream_of) {
    tables.archive(snapshot, number_of, stream_of);
    leaves.archive(snapshot, number_of, stream_of);
  }
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_RECENT_TABLES_H_
