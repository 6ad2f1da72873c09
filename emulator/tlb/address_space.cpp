#include "emulator/tlb/address_space.h"

namespace smmu::emulator {

AddressSpaces::Space* AddressSpaces::intern(const AddressSpace& name) {
  if (Space* known = find(name)) return known;
  if (spaces_.size() > kIndexMask) return nullptr;
  const auto tag = static_cast<Tag>(spaces_.size());
  Space* space = spaces_
                     .emplace_back(std::make_unique<Space>(
                         Space{.name = name, .tag = tag, .sizes = 0, .splintered = 0}))
                     .get();
  last_name_ = kNoName;
  by_name_.emplace(key_of(name), space);
  by_holder_[holder_of(name.world, name.vmid)].push_back(space);
  return space;
}

AddressSpaces::Space* AddressSpaces::find(const AddressSpace& name) {
  const auto found = by_name_.find(key_of(name));
  return found == by_name_.end() ? nullptr : found->second;
}

AddressSpaces::Related AddressSpaces::related(StreamWorld world, Vmid vmid, Asid asid) {
  if (last_related(world, vmid, asid) == nullptr) {
    last_name_ = name_of(world, vmid, asid);
    const auto known = [&](const AddressSpace& name) {
      Space* space = find(name);
      return space != nullptr ? space : &nothing_;
    };
    last_related_ = {
        .own = known({.world = world, .vmid = vmid, .asid = asid}),
        .global = known({.world = world, .vmid = vmid, .set = AsidSet::kShared}),
        .non_shared_global = known({.world = world, .vmid = vmid, .set = AsidSet::kNonShared})};
  }
  return last_related_;
}

const std::vector<AddressSpaces::Space*>& AddressSpaces::of(StreamWorld world, Vmid vmid) const {
  static const std::vector<Space*> none;
  const auto found = by_holder_.find(holder_of(world, vmid));
  return found == by_holder_.end() ? none : found->second;
}

bool AddressSpaces::retire(Space& space) {
  any_retired_ = true;
  space.sizes = 0;
  space.splintered = 0;
  space.tag += Tag{1} << kIndexBits;  // wraps to the first tag after the last
  return space.tag >> kIndexBits == 0;
}

void AddressSpaces::clear() {
  any_retired_ = false;
  last_name_ = kNoName;
  spaces_.clear();
  by_name_.clear();
  by_holder_.clear();
}

}  // namespace smmu::emulator
