#include "emulator/tlb/address_space.h"

namespace smmu::emulator {
namespace {

// The VMID above an ASID of one bit more than it has: the additional value
// stands for none.
std::uint64_t key_of(const AddressSpace& name) {
  return std::uint64_t{name.vmid.value} << 32 | (name.asid ? name.asid->value : 0x10000U);
}

}  // namespace

std::optional<AddressSpaces::Index> AddressSpaces::intern(const AddressSpace& name) {
  if (const auto known = find(name)) return known;
  if (spaces_.size() > kIndexMask) return std::nullopt;
  const auto index = static_cast<Index>(spaces_.size());
  spaces_.push_back({.name = name, .tag = index, .sizes = 0});
  by_name_.emplace(key_of(name), index);
  by_vmid_[name.vmid.value].push_back(index);
  return index;
}

std::optional<AddressSpaces::Index> AddressSpaces::find(const AddressSpace& name) const {
  const auto found = by_name_.find(key_of(name));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

const std::vector<AddressSpaces::Index>& AddressSpaces::of(Vmid vmid) const {
  static const std::vector<Index> none;
  const auto found = by_vmid_.find(vmid.value);
  return found == by_vmid_.end() ? none : found->second;
}

bool AddressSpaces::retire(Index index) {
  Space& space = spaces_[index];
  space.sizes = 0;
  space.tag += Tag{1} << kIndexBits;  // wraps to the first tag after the last
  return space.tag == index;
}

void AddressSpaces::clear() {
  spaces_.clear();
  by_name_.clear();
  by_vmid_.clear();
}

}  // namespace smmu::emulator
