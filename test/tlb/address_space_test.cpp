// Tags of address spaces: who shares one, and what retiring it does (IHI 0070, 3.17).
#include "emulator/tlb/address_space.h"

#include <gtest/gtest.h>

namespace smmu::emulator::address_space_test {
namespace {

AddressSpace name(std::uint16_t vmid, std::uint16_t asid) {
  return {.vmid = Vmid(vmid), .asid = Asid(asid)};
}
AddressSpace global(std::uint16_t vmid, AsidSet set = AsidSet::kShared) {
  return {.vmid = Vmid(vmid), .asid = std::nullopt, .set = set};
}
AddressSpace of_world(StreamWorld world, std::optional<Asid> asid = {}) {
  return {.world = world, .vmid = Vmid(0), .asid = asid};
}
AddressSpace intermediate(std::uint16_t vmid) {
  return {.vmid = Vmid(vmid), .asid = std::nullopt, .input = Input::kIntermediate};
}

TEST(AddressSpaces, OneNameIsOneSpace) {
  AddressSpaces spaces;
  EXPECT_EQ(spaces.find(name(1, 2)), nullptr);
  AddressSpaces::Space* space = spaces.intern(name(1, 2));
  ASSERT_NE(space, nullptr);
  EXPECT_EQ(spaces.intern(name(1, 2)), space);
  EXPECT_EQ(spaces.find(name(1, 2)), space);
}

TEST(AddressSpaces, EveryPartOfANameCounts) {
  AddressSpaces spaces;
  const AddressSpace names[] = {name(1, 2),
                                name(2, 1),
                                name(1, 0),
                                global(1),
                                global(2),
                                name(0, 1),
                                global(0),
                                name(0xffff, 0xffff),
                                intermediate(1),
                                intermediate(2),
                                name(0, 0),
                                global(1, AsidSet::kNonShared),
                                of_world(StreamWorld::kNsEl2),
                                of_world(StreamWorld::kNsEl2E2h),
                                of_world(StreamWorld::kNsEl2E2h, Asid(0)),
                                of_world(StreamWorld::kNsEl2E2h, Asid(1))};
  for (const AddressSpace& one : names) spaces.intern(one);
  EXPECT_EQ(spaces.all().size(), std::size(names));
  for (const AddressSpace& one : names) {
    ASSERT_NE(spaces.find(one), nullptr);
    EXPECT_EQ(spaces.find(one)->name, one);
  }
}

TEST(AddressSpaces, AVmidKnowsItsOwn) {
  AddressSpaces spaces;
  const auto* own = spaces.intern(name(1, 2));
  const auto* all = spaces.intern(global(1));
  const auto* ipas = spaces.intern(intermediate(1));
  spaces.intern(name(2, 2));
  spaces.intern({.world = StreamWorld::kNsEl2E2h, .vmid = Vmid(1), .asid = Asid(2)});
  EXPECT_EQ(spaces.of(StreamWorld::kNsEl1, Vmid(1)),
            (std::vector<AddressSpaces::Space*>{const_cast<AddressSpaces::Space*>(own),
                                                const_cast<AddressSpaces::Space*>(all),
                                                const_cast<AddressSpaces::Space*>(ipas)}));
  EXPECT_TRUE(spaces.of(StreamWorld::kNsEl1, Vmid(3)).empty());
}

TEST(AddressSpaces, GlobalTranslationsAreOfAnAsidSet) {
  AddressSpaces spaces;
  constexpr StreamWorld kEl1 = StreamWorld::kNsEl1;
  auto* shared = spaces.intern(global(1));
  const AddressSpace other{.vmid = Vmid(1), .asid = {}, .set = AsidSet::kNonShared};
  EXPECT_EQ(spaces.find(other), nullptr);
  auto* non_shared = spaces.intern(other);
  EXPECT_NE(non_shared, shared);
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).global, shared);
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).non_shared_global, non_shared);
}

TEST(AddressSpaces, RelatedFollowsWhatIsMadeLater) {
  AddressSpaces spaces;
  constexpr StreamWorld kEl1 = StreamWorld::kNsEl1;
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).own->sizes, 0U);
  auto* own = spaces.intern(name(1, 2));
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).own, own);
  EXPECT_NE(spaces.related(kEl1, Vmid(1), Asid(2)).global, own);
  auto* all = spaces.intern(global(1));
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).global, all);
  own->sizes = 1U << 12;
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(3)).own->sizes, 0U);
  EXPECT_EQ(spaces.related(StreamWorld::kNsEl2E2h, Vmid(1), Asid(2)).own->sizes, 0U);
  EXPECT_EQ(spaces.related(kEl1, Vmid(1), Asid(2)).own, own);
}

TEST(AddressSpaces, ARetiredTagIsDeadAndTheSpaceHasAnother) {
  AddressSpaces spaces;
  auto* space = spaces.intern(name(1, 2));
  auto* other = spaces.intern(name(1, 3));
  const AddressSpaces::Tag before = space->tag;
  space->sizes = 1U << 12;
  EXPECT_TRUE(spaces.all_alive());
  EXPECT_FALSE(spaces.retire(*space));
  EXPECT_FALSE(spaces.all_alive());
  EXPECT_FALSE(spaces.alive(before));
  EXPECT_TRUE(spaces.alive(space->tag));
  EXPECT_TRUE(spaces.alive(other->tag));
  EXPECT_EQ(&spaces.owner(before), space);
  EXPECT_EQ(space->sizes, 0U);
}

TEST(AddressSpaces, SayWhenTagsBeginAgain) {
  AddressSpaces spaces;
  spaces.intern(name(1, 1));
  auto* space = spaces.intern(name(1, 2));
  const AddressSpaces::Tag first = space->tag;
  unsigned retirements = 1;
  while (!spaces.retire(*space)) ++retirements;
  EXPECT_EQ(retirements, 1U << (32 - AddressSpaces::kIndexBits));
  EXPECT_EQ(space->tag, first);
}

TEST(AddressSpaces, AreNotWithoutEnd) {
  AddressSpaces spaces;
  const std::uint32_t most = 1U << AddressSpaces::kIndexBits;
  for (std::uint32_t i = 0; i != most; ++i) {
    ASSERT_NE(
        spaces.intern(name(static_cast<std::uint16_t>(i >> 16), static_cast<std::uint16_t>(i))),
        nullptr);
  }
  EXPECT_EQ(spaces.intern(name(0x7fff, 1)), nullptr);
  spaces.clear();
  EXPECT_NE(spaces.intern(name(0x7fff, 1)), nullptr);
}

}  // namespace
}  // namespace smmu::emulator::address_space_test
