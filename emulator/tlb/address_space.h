// The address spaces whose translations a TLB holds side by side
// (IHI 0070, 3.17), each with a short tag that entries carry.
#ifndef SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_
#define SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "smmu/emulator/observer.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What is translated: what a device says, or what stage 1 makes of it.
enum class Input : std::uint8_t {
  kVirtual,       // by stage 1, and by stage 2 where there is one
  kIntermediate,  // by stage 2 alone
};

// Of one privilege level, and so without ASIDs and an upper half.
constexpr bool is_one_level(StreamWorld world) {
  return world == StreamWorld::kNsEl2 || world == StreamWorld::kSEl2 || world == StreamWorld::kEl3;
}
constexpr bool is_el2_e2h(StreamWorld world) {
  return world == StreamWorld::kNsEl2E2h || world == StreamWorld::kSEl2E2h;
}
// Which stage 2 may be behind, so that there are VMIDs.
constexpr bool is_el1(StreamWorld world) {
  return world == StreamWorld::kNsEl1 || world == StreamWorld::kSecure;
}

// The sets of ASIDs (IHI 0070, 5.4: ASET), each with global translations of its
// own (3.17.1).
enum class AsidSet : std::uint8_t { kShared, kNonShared };

constexpr bool known(Input value) { return value <= Input::kIntermediate; }
constexpr bool known(AsidSet value) { return value <= AsidSet::kNonShared; }

// Whose the translations of a stage 1 are.
struct Owner {
  StreamWorld world = StreamWorld::kNsEl1;
  Vmid vmid = Vmid(0);  // 0 where the world has none
  Asid asid = Asid(0);  // of one level: ignored
  AsidSet set = AsidSet::kShared;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(world, vmid, asid, set);
  }
};

// What an entry is tagged with.
struct AddressSpace {
  StreamWorld world = StreamWorld::kNsEl1;
  Vmid vmid = Vmid(0);
  // None: the global translations, or the world has no ASIDs.
  std::optional<Asid> asid = std::nullopt;
  Input input = Input::kVirtual;
  // Of global translations in a world that has ASIDs; others belong to both.
  AsidSet set = AsidSet::kShared;

  friend constexpr bool operator==(const AddressSpace&, const AddressSpace&) = default;
};

// Hands out tags.  An address space has one tag at a time; retiring it makes
// every entry that carries the old tag unreachable at once.
class AddressSpaces {
 public:
  using Tag = std::uint32_t;

  // More address spaces than this are not cached.
  static constexpr unsigned kIndexBits = 18;

  struct Space {
    AddressSpace name;
    Tag tag = 0;
    std::uint64_t sizes = 0;       // bit n: an entry of 2^n bytes may exist
    std::uint64_t splintered = 0;  // bit n: ... that is a part of a block of 2^n bytes
  };

  // The address space of that name, made if need be; null if there are too
  // many.  It stays where it is until clear().
  Space* intern(const AddressSpace& name);
  // The same, but never made.
  Space* find(const AddressSpace& name);

  // The address space of that ASID, and those of what is global beside it; one
  // without entries where there is none.
  struct Related {
    Space* own;
    Space* global;             // of the shared set
    Space* non_shared_global;  // of the other one
  };
  Related related(StreamWorld world, Vmid vmid, Asid asid);
  // What related() answered last, if that was about these; else null.
  const Related* last_related(StreamWorld world, Vmid vmid, Asid asid) const {
    return name_of(world, vmid, asid) == last_name_ ? &last_related_ : nullptr;
  }

  // Every address space of a VMID, or of a world without.
  const std::vector<Space*>& of(StreamWorld world, Vmid vmid) const;
  const std::vector<std::unique_ptr<Space>>& all() const { return spaces_; }

  const Space& owner(Tag tag) const { return *spaces_[tag & kIndexMask]; }
  bool alive(Tag tag) const { return !any_retired_ || owner(tag).tag == tag; }
  bool all_alive() const { return !any_retired_; }
  // Gives the address space a new tag.  True: the tag has been in use before,
  // because tags are finite, and entries that carry it must be removed.
  [[nodiscard]] bool retire(Space& space);

  void clear();

  // Whether there is an address space that had or has the tag.
  bool owned(Tag tag) const { return (tag & kIndexMask) < spaces_.size(); }
  template <class Snapshot>
  void archive(Snapshot& snapshot);

 private:
  static constexpr Tag kIndexMask = (Tag{1} << kIndexBits) - 1;

  // The VMID above an ASID of one bit more than it has: the additional value
  // stands for none.
  static std::uint64_t key_of(const AddressSpace& name) {
    return std::uint64_t{holder_of(name.world, name.vmid)} << 32 |
           std::uint64_t{name.set == AsidSet::kNonShared} << 18 |
           std::uint64_t{name.input == Input::kVirtual} << 17 |
           (name.asid ? name.asid->value : 0x10000U);
  }
  static std::uint32_t holder_of(StreamWorld world, Vmid vmid) {
    return static_cast<std::uint32_t>(world) << 16 | vmid.value;
  }
  static std::uint64_t name_of(StreamWorld world, Vmid vmid, Asid asid) {
    return std::uint64_t{holder_of(world, vmid)} << 16 | asid.value;
  }

  bool any_retired_ = false;
  Space nothing_;  // stands for an address space that there is not
  // What related() was asked last, and answered.
  static constexpr std::uint64_t kNoName = ~std::uint64_t{0};
  std::uint64_t last_name_ = kNoName;
  Related last_related_{};
  std::vector<std::unique_ptr<Space>> spaces_;
  std::unordered_map<std::uint64_t, Space*> by_name_;
  std::unordered_map<std::uint32_t, std::vector<Space*>> by_holder_;
};

// The maps follow from the spaces, and nothing from what was asked last.
template <class Snapshot>
void AddressSpaces::archive(Snapshot& snapshot) {
  snapshot(any_retired_);
  auto count = static_cast<std::uint32_t>(spaces_.size());
  snapshot(count);
  if constexpr (Snapshot::kReads) {
    const bool retired = any_retired_;
    clear();
    any_retired_ = retired;
  }
  snapshot.require(count <= kIndexMask + 1, "more address spaces than there can be");
  for (std::uint32_t i = 0; i != count && snapshot.ok(); ++i) {
    Space read;
    Space& space = Snapshot::kReads ? read : *spaces_[i];
    auto& [name, tag, sizes, splintered] = space;
    auto& [world, vmid, asid, input, set] = name;
    snapshot(world, vmid, asid, input, set, tag, sizes, splintered);
    if constexpr (Snapshot::kReads) {
      const bool sound = (tag & kIndexMask) == i && (tag == i || any_retired_) &&
                         ((sizes | splintered) & 1) == 0 && find(name) == nullptr;
      if (snapshot.require(sound, "an address space that cannot be")) *intern(name) = space;
    }
  }
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_
