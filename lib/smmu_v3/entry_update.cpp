#include "lib/smmu_v3/entry_update.h"

#include <cstddef>

namespace smmu::iommu {

namespace {

class EntryInMemory {
 public:
  EntryInMemory(const StructureMemory& memory, Pa pa, EntrySync& sync)
      : memory_(memory), pa_(pa), sync_(sync) {
    for (std::size_t i = 0; i != words_.size(); ++i) words_[i] = memory_.load(at(i));
  }

  const EntryWords& words() const { return words_; }

  // Words [first, last) become those of `target`; syncs if that is a change.
  void set(const EntryWords& target, std::size_t first, std::size_t last) {
    bool changed = false;
    for (std::size_t i = first; i != last; ++i) {
      if (words_[i] == target[i]) continue;
      words_[i] = target[i];
      memory_.store(at(i), target[i]);
      changed = true;
    }
    if (!changed) return;
    memory_.clean(pa_, sizeof words_);
    sync_.sync();
  }

 private:
  Pa at(std::size_t word) const { return Pa(pa_.value + sizeof(std::uint64_t) * word); }

  const StructureMemory& memory_;
  const Pa pa_;
  EntrySync& sync_;
  EntryWords words_{};
};

}  // namespace

template <class Entry>
void update_entry(const StructureMemory& memory, Pa pa, const Entry& target, EntrySync& sync) {
  EntryInMemory entry(memory, pa, sync);
  const EntryWords& wanted = target.words();
  const EntryWords used_before = used_bits(Entry(entry.words()));
  const EntryWords used_after = used_bits(target);

  // With the bits of the new entry wherever the old one does not look.
  EntryWords between{};
  std::size_t differing = 0;
  std::size_t critical = 0;
  for (std::size_t i = 0; i != wanted.size(); ++i) {
    between[i] = (entry.words()[i] & used_before[i]) | (wanted[i] & ~used_before[i]);
    if (((between[i] ^ wanted[i]) & used_after[i]) == 0) continue;
    ++differing;
    critical = i;
  }

  if (differing > 1) {
    // Bit 0 of the first word is V in both; nothing else of the entry counts after this.
    EntryWords invalid = entry.words();
    invalid[0] = Entry(entry.words()).set(Entry::V, false).word(0);
    entry.set(invalid, 0, 1);
    entry.set(wanted, 1, wanted.size());
    entry.set(wanted, 0, 1);
    return;
  }
  if (differing == 1) {
    between[critical] = entry.words()[critical];
    entry.set(between, 0, between.size());
    entry.set(wanted, critical, critical + 1);
  }
  entry.set(wanted, 0, wanted.size());
}

template void update_entry(const StructureMemory&, Pa, const v3::STE&, EntrySync&);
template void update_entry(const StructureMemory&, Pa, const v3::CD&, EntrySync&);

}  // namespace smmu::iommu
