// The address spaces whose translations a TLB holds side by side
// (IHI 0070, 3.17), each with a short tag that entries carry.
#ifndef SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_
#define SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "smmu/types.h"

namespace smmu::emulator {

// What an entry is tagged with.
struct AddressSpace {
  Vmid vmid;
  std::optional<Asid> asid;  // none: the global translations of the VMID

  friend constexpr bool operator==(const AddressSpace&, const AddressSpace&) = default;
};

// Hands out tags.  An address space has one tag at a time; retiring it makes
// every entry that carries the old tag unreachable at once.
class AddressSpaces {
 public:
  using Tag = std::uint32_t;
  using Index = std::uint32_t;

  // More address spaces than this are not cached.
  static constexpr unsigned kIndexBits = 18;

  struct Space {
    AddressSpace name;
    Tag tag = 0;
    std::uint64_t sizes = 0;  // bit n: an entry of 2^n bytes may exist
  };

  // The address space of that name, made if need be; none if there are too
  // many.
  std::optional<Index> intern(const AddressSpace& name);
  // The same, but never made.
  std::optional<Index> find(const AddressSpace& name) const;

  Space& operator[](Index index) { return spaces_[index]; }
  const Space& operator[](Index index) const { return spaces_[index]; }

  // Every address space of a VMID, the global one included.
  const std::vector<Index>& of(Vmid vmid) const;
  std::size_t size() const { return spaces_.size(); }

  bool alive(Tag tag) const { return spaces_[tag & kIndexMask].tag == tag; }
  // Gives the address space a new tag.  True: the tag has been in use before,
  // because tags are finite, and entries that carry it must be removed.
  [[nodiscard]] bool retire(Index index);
  static Index index_of(Tag tag) { return tag & kIndexMask; }

  void clear();

 private:
  static constexpr Tag kIndexMask = (Tag{1} << kIndexBits) - 1;

  std::vector<Space> spaces_;
  std::unordered_map<std::uint64_t, Index> by_name_;
  std::unordered_map<std::uint16_t, std::vector<Index>> by_vmid_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_ADDRESS_SPACE_H_
