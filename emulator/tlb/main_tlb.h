// The translation cache that all ports share.
#ifndef SMMU_EMULATOR_TLB_MAIN_TLB_H_
#define SMMU_EMULATOR_TLB_MAIN_TLB_H_

#include <cstdint>
#include <optional>

#include "emulator/tlb/address_space.h"
#include "emulator/tlb/set_associative.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// A point in the sequence of invalidations: how many had been accepted.  What
// was read from memory before one must not outlive it.
using Stamp = std::uint64_t;

struct TlbEntry {
  Pa output;
  Stamp stamp = 0;  // when the walk began that found it
  std::uint8_t size_bits = 0;
  std::int8_t level = 0;
  std::uint8_t granule_bits = 0;
  Permissions permissions;
  MemoryAttributes attributes;
};

// What a TLB invalidation covers.  An absent member does not restrict it.
struct TlbInvalidation {
  struct Range {
    std::uint64_t first;
    std::uint64_t last;             // the last byte
    std::uint8_t granule_bits = 0;  // only entries of that granule; 0: of any
    std::int8_t level = 0;          // only leaves of that level; 0: of any
  };

  std::optional<Vmid> vmid;
  std::optional<Asid> asid;  // global entries too if there is a range, else not
  std::optional<Range> range;
};

// The two address spaces whose entries a transaction can hit.
struct TlbSpaces {
  AddressSpaces::Index asid = 0;
  AddressSpaces::Index global = 0;
  bool cached = false;  // there were too many address spaces: nothing is cached
};

// Called with the TCU's lock held.
class MainTlb {
 public:
  struct Key {
    std::uint64_t page = 0;  // address / size
    AddressSpaces::Tag tag = 0;
    std::uint32_t size_bits = 0;

    bool vacant() const { return size_bits == 0; }
    std::uint64_t hash() const {
      const std::uint64_t mixed = page ^ (std::uint64_t{tag} << 32 | size_bits) * kMixTag;
      return mixed * kMixPage;
    }
    friend bool operator==(const Key&, const Key&) = default;

    // Odd constants without a pattern; the product's high bits depend on all
    // bits of the factor.
    static constexpr std::uint64_t kMixTag = 0xc2b2ae3d27d4eb4f;
    static constexpr std::uint64_t kMixPage = 0x9e3779b97f4a7c15;
  };

  using Displaced = SetAssociative<Key, TlbEntry>::Displaced;

  struct Found {
    const TlbEntry* entry;
    AddressSpaces::Index space;
  };

  explicit MainTlb(const Caching& caching);

  TlbSpaces spaces_of(Vmid vmid, Asid asid);

  // The entry that translates `address`, or null.
  Found find(const TlbSpaces& spaces, std::uint64_t address);

  // Returns the live entry that had to go, if one had to.
  std::optional<Displaced> insert(AddressSpaces::Index space, std::uint64_t address,
                                  const TlbEntry& entry);

  // Removes what `what` covers and was read before `before`.
  void invalidate(const TlbInvalidation& what, Stamp before);

  void clear();

  TlbEntryInfo describe(AddressSpaces::Index space, std::uint64_t address,
                        const TlbEntry& entry) const;
  TlbEntryInfo describe(const Displaced& displaced) const;

 private:
  void invalidate_space(AddressSpaces::Index space, Stamp before);
  void invalidate_range(AddressSpaces::Index space, const TlbInvalidation::Range& range,
                        Stamp before);

  const bool keeps_everything_;
  AddressSpaces spaces_;
  SetAssociative<Key, TlbEntry> entries_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_MAIN_TLB_H_
