// The translations a port has just used, which it finds again without asking
// anybody.
#ifndef SMMU_EMULATOR_TBU_MICRO_TLB_H_
#define SMMU_EMULATOR_TBU_MICRO_TLB_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "emulator/tlb/entries.h"
#include "smmu/arch/bits.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// A stream or substream, as one number.
using Source = std::uint64_t;
inline constexpr Source kHasSubstream = Source{1} << 63;
inline constexpr Source kNobody = Source{1} << 62;  // no transaction's
inline Source source_of(const Transaction& transaction) {
  if (!transaction.substream) return transaction.stream.value;
  // None that is too large for a substream is one.
  const Source substream = std::min(transaction.substream->value, 0x7fff'ffffU);
  return kHasSubstream | substream << 32 | transaction.stream.value;
}

// Direct-mapped, by 4 KiB page: a larger translation is here once for each of
// its pages that was used.  One thread at a time.
class MicroTlb {
 public:
  // What a Translation ends with.
  struct Kind {
    MemoryAttributes attributes;
    Permissions permissions;
    Route route = Route::kTables;
  };
  struct Entry {
    // The page's address, and in the bits below it the epoch: an entry of
    // another epoch matches nothing.
    std::uint64_t page_and_epoch = 0;
    Source source = 0;
    std::uint64_t output = 0;  // of the page
    std::uint32_t word = 0;    // a Kind, which so is copied whole
    std::uint8_t size_bits = 0;

    Kind kind() const { return std::bit_cast<Kind>(word); }
  };

  const Entry* find(Source source, Iova address) const {
    const Entry& entry = entries_[index_of(source, address)];
    const bool same = entry.page_and_epoch == page_and_epoch(address) && entry.source == source;
    return same ? &entry : nullptr;
  }

  // `pa`: what the address is by `found`.  Returns what else `found` says.
  Kind insert(Source source, Iova address, Pa pa, const TlbEntry& found) {
    Entry& entry = entries_[index_of(source, address)];
    entry.page_and_epoch = page_and_epoch(address);
    entry.source = source;
    entry.output = pa.value & ~kOffset;
    entry.size_bits = found.size_bits;
    entry.word = std::bit_cast<std::uint32_t>(
        Kind{.attributes = found.attributes, .permissions = found.permissions});
    return entry.kind();
  }

  void clear() {
    epoch_ = (epoch_ + 1) & kOffset;
    if (epoch_ == 0) {
      entries_.fill({});
      epoch_ = 1;
    }
  }

  // What is there of this epoch.
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    if constexpr (Snapshot::kReads) clear();
    for (Entry& entry : entries_) {
      bool current = (entry.page_and_epoch & kOffset) == epoch_;
      snapshot(current);
      if (!current) continue;
      std::uint64_t page = entry.page_and_epoch & ~kOffset;
      Kind kind = entry.kind();
      snapshot(page, entry.source, entry.output, kind.attributes, kind.permissions, kind.route,
               entry.size_bits);
      require_size(snapshot, entry.size_bits);
      snapshot.require(((page | entry.output) & kOffset) == 0, "a page that cannot be");
      if constexpr (Snapshot::kReads) {
        entry.page_and_epoch = page | epoch_;
        entry.word = std::bit_cast<std::uint32_t>(kind);
      }
    }
  }

  static constexpr unsigned kPageBits = 12;
  static constexpr std::uint64_t kOffset = mask(kPageBits - 1, 0);

 private:
  static constexpr std::size_t kEntries = 256;

  static std::size_t index_of(Source source, Iova address) {
    return ((address.value >> kPageBits) + source) % kEntries;
  }
  std::uint64_t page_and_epoch(Iova address) const { return (address.value & ~kOffset) | epoch_; }

  std::array<Entry, kEntries> entries_{};
  std::uint64_t epoch_ = 1;  // never 0, which is that of an entry nobody wrote
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_MICRO_TLB_H_
