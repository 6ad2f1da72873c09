// The translation table walk.  It knows memory, a regime and an address; it
// knows no register, no stream and no queue.
#ifndef SMMU_EMULATOR_WALK_WALKER_H_
#define SMMU_EMULATOR_WALK_WALKER_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/fault.h"
#include "emulator/walk/leaf.h"
#include "emulator/walk/physical_spaces.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// An input address that a half of a regime covers, sign-extended from bit 55
// if the top byte is ignored.
struct CanonicalAddress {
  std::uint64_t value;
  unsigned half;
};

// What becomes of the updates of descriptors that a walk asks for.
enum class Updates : std::uint8_t {
  kMade,
  kAssumed,  // the answer is as if they had been made
};

// For whom a walk is made.
struct Access {
  Privilege privilege = Privilege::kUnprivileged;
  Direction direction = Direction::kRead;
  Content content = Content::kData;
  // Nobody's: it is not refused, and changes no descriptor.
  bool speculative = false;
  Updates updates = Updates::kMade;
  // Of the address, where a Secure stream has no stage 1 that would say.
  SecurityState space = SecurityState::kNonSecure;

  bool allowed_by(Permissions permissions) const {
    return permissions.allow(privilege, direction, content);
  }
};

// A table of the last level, and what led there.
struct LastTable {
  static constexpr std::uint64_t kUnknown = 1;  // where no table can be

  std::uint64_t table = kUnknown;
  std::uint64_t hierarchy = 0;  // the table descriptors on the way, or-ed

  bool known() const { return table != kUnknown; }
};

// A table of stage 1, where a walk may begin.
struct StartingTable {
  int level = 0;
  std::uint64_t table = 0;  // what its descriptor said: an IPA where stage 2 translates
  std::uint64_t hierarchy = 0;
};

// Copies of what walks read, which whoever drives a walker keeps for it.
class WalkCopies {
 public:
  virtual ~WalkCopies() = default;

  // False: there is none for that address.
  virtual bool find_stage2(Ipa ipa, Stage2Leaf& leaf) = 0;
  virtual void keep_stage2(Ipa ipa, const Stage2Leaf& leaf) = 0;

  // The table nearest to the leaf, if there is one.
  virtual bool find_table(std::uint64_t address, StartingTable& start) = 0;
  virtual void keep_table(std::uint64_t address, const StartingTable& table) = 0;
};

class Walker {
 public:
  explicit Walker(PhysicalMemory& memory, Observer* observer = nullptr)
      : Walker(PhysicalSpaces(memory), observer) {}
  explicit Walker(const PhysicalSpaces& spaces, Observer* observer = nullptr)
      : spaces_(spaces), memory_(spaces[SecurityState::kNonSecure]), observer_(observer) {}

  // The half that translates `address`, or none: the address is out of range
  // (IHI 0070, 3.4.1).  Whether that half is enabled is not looked at.  Without
  // stage 1 every address is an IPA.
  static std::optional<CanonicalAddress> canonical(const Regime& regime, Iova address) {
    if (!regime.simple || regime.stage1.range != InputRange::kSignExtended) [[unlikely]]
      return canonical_any(regime, address);
    return sign_extended(regime, address);
  }

  // Of an address that is canonical.
  static unsigned half_of(const Regime& regime, std::uint64_t canonical_address) {
    const auto found = canonical(regime, Iova(canonical_address));
    return found ? found->half : 0;
  }

  // Walks to the leaf that translates `address`, or says why there is none.
  // Faults come in the architecture's order, but for one: without stage 2 and
  // hardware updates the permissions of the leaf are the caller's to check.
  // `last`: where to begin, if that is known; else it will be, if the walk
  // comes to a table of the last level of stage 1 and there is no stage 2.
  // `copies`: or null.
  // REQUIRES: the half is enabled.
  std::optional<WalkFault> walk(const Regime& regime, CanonicalAddress address,
                                const Access& access, Leaf& leaf, LastTable& last,
                                WalkCopies* copies = nullptr) const;
  std::optional<WalkFault> walk(const Regime& regime, CanonicalAddress address,
                                const Access& access, Leaf& leaf,
                                WalkCopies* copies = nullptr) const {
    LastTable none;
    return walk(regime, address, access, leaf, none, copies);
  }

  // The same by way of `copies`, whatever the regime.
  std::optional<WalkFault> walk_with(const Regime& regime, CanonicalAddress address,
                                     const Access& access, Leaf& leaf, WalkCopies& copies) const {
    return walk_any(regime, address, access, leaf, &copies);
  }

  // Stage 1 alone, whose tables stage 2 translates if there is one: then the
  // leaf has an IPA.
  // REQUIRES: there is a stage 1, and the half is enabled.
  std::optional<WalkFault> walk_stage1(const Regime& regime, CanonicalAddress address,
                                       const Access& access, Leaf& leaf) const;

  // The plain case (plain.h).  All need the half enabled, and leave permissions
  // to the caller.
  // False: `fault` says why there is no leaf.
  template <unsigned kHalf>
  bool walk_plain(const Stage1& stage1, std::uint64_t address, Leaf& leaf, LastTable& last,
                  WalkFault& fault) const;
  // In plain.h.
  // REQUIRES: last.known().
  template <unsigned kHalf>
  bool walk_last(const Stage1& stage1, std::uint64_t address, Leaf& leaf, LastTable& last,
                 WalkFault& fault) const;
  // Stage 1 behind stage 2, in the lower half.  `last`: as in walk(), but by
  // its place in memory.  False: there may be no leaf, walk() will say.
  bool walk_nested_stage1(const Regime& regime, std::uint64_t address, Leaf& leaf,
                          LastTable& last) const;
  // And stage 2.
  bool walk_nested_stage2(const Stage2& stage2, std::uint64_t ipa, Stage2Leaf& leaf) const;

  // Stage 2 alone, which allows the access.
  std::optional<WalkFault> walk_stage2(const Stage2& stage2, Ipa ipa, Purpose purpose,
                                       const Access& access, Stage2Leaf& leaf,
                                       WalkCopies* copies = nullptr) const;

 private:
  static std::optional<CanonicalAddress> sign_extended(const Regime& regime, Iova address) {
    const unsigned half = static_cast<unsigned>(address.value >> 55) & 1;
    const Stage1Half& tables = regime.stage1.half[half];
    std::uint64_t value = address.value;
    if (tables.top_byte_ignored) {
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << 8) >> 8);
    }
    const std::int64_t above = static_cast<std::int64_t>(value) >> tables.tables.input_bits;
    if (above != -static_cast<std::int64_t>(half)) return std::nullopt;
    return CanonicalAddress{value, half};
  }
  static std::optional<CanonicalAddress> canonical_any(const Regime& regime, Iova address);
  static std::optional<CanonicalAddress> upstream(const Stage1& stage1, Iova address);
  std::optional<WalkFault> walk_any(const Regime& regime, CanonicalAddress address,
                                    const Access& access, Leaf& leaf, WalkCopies* copies) const;
  std::optional<WalkFault> descend_stage1(const Regime& regime, CanonicalAddress address,
                                          const Access& access, Leaf& leaf,
                                          WalkCopies* copies) const;

  const PhysicalSpaces spaces_;
  PhysicalMemory& memory_;  // Non-secure: that of plain walks
  Observer* observer_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_WALKER_H_
