// Whatever the SMMU reads while an entry changes is the old one, the new one, or invalid.
#include "lib/smmu_v3/entry_update.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "lib/smmu_v3/entries.h"
#include "smmu/emulator/ram.h"

namespace smmu::iommu::entry_update_test {
namespace {

using v3::CD;
using v3::STE;

constexpr Pa kEntry = Pa(0x4000'0000);

std::unique_ptr<PagePool> make_pool(emulator::Ram& ram) {
  EXPECT_TRUE(ram.add(kEntry, 1 << 16));
  auto made = PagePool::create(ram, kEntry, 1 << 16);
  EXPECT_TRUE(made.has_value());
  return *std::move(made);
}

// An entry and the SMMU that reads it.  Between two syncs it may have any mixture of the words
// before and after.
template <class Entry>
class Reader final : public EntrySync {
 public:
  explicit Reader(const Entry& initial)
      : pool_(make_pool(ram_)), memory_(*pool_, nullptr), pa_(*memory_.allocate(10)) {
    for (std::size_t i = 0; i != initial.words().size(); ++i)
      memory_.store(Pa(pa_.value + 8 * i), initial.word(i));
    known_ = initial.words();
  }

  void change_to(const Entry& target) {
    old_ = Entry(known_);
    new_ = target;
    interrupted_ = false;
    syncs_ = 0;
    update_entry(memory_, pa_, target, *this);
    EXPECT_EQ(current(), target.words());
  }

  void sync() override {
    ++syncs_;
    const EntryWords now = current();
    for (unsigned mixture = 0; mixture != 1U << now.size(); ++mixture) {
      EntryWords seen{};
      for (std::size_t i = 0; i != seen.size(); ++i)
        seen[i] = (mixture & (1U << i)) != 0 ? now[i] : known_[i];
      judge(Entry(seen));
    }
    known_ = now;
  }

  bool interrupted() const { return interrupted_; }
  unsigned syncs() const { return syncs_; }

 private:
  static bool alike(const Entry& a, const Entry& b) {
    const EntryWords used = used_bits(a);
    if (used != used_bits(b)) return false;
    for (std::size_t i = 0; i != used.size(); ++i) {
      if (((a.word(i) ^ b.word(i)) & used[i]) != 0) return false;
    }
    return true;
  }
  void judge(const Entry& seen) {
    if (alike(seen, old_) || alike(seen, new_)) return;
    EXPECT_FALSE(seen[Entry::V]) << "neither the old entry nor the new one";
    interrupted_ = true;
  }
  EntryWords current() const {
    EntryWords words{};
    for (std::size_t i = 0; i != words.size(); ++i) words[i] = memory_.load(Pa(pa_.value + 8 * i));
    return words;
  }

  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  StructureMemory memory_;
  Pa pa_;
  EntryWords known_{};
  Entry old_;
  Entry new_;
  bool interrupted_ = false;
  unsigned syncs_ = 0;
};

FeaturesV3 features() {
  FeaturesV3 features;
  features.stage1 = features.stage2 = features.coherent = features.ats = true;
  features.type_overrides = true;
  features.stalls = StallModel::kStallOrTerminate;
  features.substream_bits = 8;
  return features;
}

// What streams are given, one kind after another.
std::vector<STE> entries(ContextEntries& contexts, ContextEntries& others) {
  const FeaturesV3 all = features();
  const auto world = SmmuV3DriverConfig::World::kEl1;
  const Stage2 stage2{.tables = {.root = Pa(0x5000'0000), .tsz = 24}, .vmid = Vmid(3)};
  const Stage2 another{.tables = {.root = Pa(0x6000'0000), .tsz = 24}, .vmid = Vmid(4)};
  const GuestStream guest{{0x7000'000b, 0xd6}};
  return {STE(),
          abort_entry(),
          bypass_entry(all),
          stage1_entry(all, world, contexts, v3::DefaultSubstream::kCd0, {}),
          stage1_entry(all, world, contexts, v3::DefaultSubstream::kBypass, {}),
          stage1_entry(all, world, contexts, v3::DefaultSubstream::kTerminate, {.ats = true}),
          stage1_entry(all, world, others, v3::DefaultSubstream::kCd0, {.stalls = true}),
          stage2_entry(all, stage2, {}),
          stage2_entry(all, another, {.ats = true}),
          nested_entry(all, guest, stage2, {})};
}

TEST(EntryUpdate, EverySteBecomesEveryOtherWithoutAThirdInBetween) {
  emulator::Ram ram;
  const auto pool = make_pool(ram);
  const StructureMemory memory(*pool, nullptr);
  const auto contexts = ContextEntries::create(features(), memory, 8);
  const auto others = ContextEntries::create(features(), memory, 8);
  ASSERT_TRUE(contexts && others);
  const std::vector<STE> all = entries(**contexts, **others);
  for (std::size_t from = 0; from != all.size(); ++from) {
    for (std::size_t to = 0; to != all.size(); ++to) {
      SCOPED_TRACE(::testing::Message() << from << " to " << to);
      Reader<STE> reader(all[from]);
      reader.change_to(all[to]);
      EXPECT_LE(reader.syncs(), from == to ? 0U : 3U);
    }
  }
}

TEST(EntryUpdate, WhatDiffersInOneWordIsNeverInvalidMeanwhile) {
  emulator::Ram ram;
  const auto pool = make_pool(ram);
  const StructureMemory memory(*pool, nullptr);
  const auto contexts = ContextEntries::create(features(), memory, 8);
  const auto others = ContextEntries::create(features(), memory, 8);
  ASSERT_TRUE(contexts && others);
  const std::vector<STE> all = entries(**contexts, **others);
  enum : std::size_t { kInvalid, kAbort, kBypass, kStage1, kStage1Bypass, kStage1Ats };
  const std::pair<std::size_t, std::size_t> pairs[] = {
      {kAbort, kBypass},        {kBypass, kAbort},        {kAbort, kStage1}, {kStage1, kAbort},
      {kBypass, kStage1},       {kStage1, kBypass},       {kAbort, 7},       {7, kAbort},
      {kStage1, kStage1Bypass}, {kStage1Bypass, kStage1}, {kAbort, 9}};
  for (const auto& [from, to] : pairs) {
    SCOPED_TRACE(::testing::Message() << from << " to " << to);
    Reader<STE> reader(all[from]);
    reader.change_to(all[to]);
    EXPECT_FALSE(reader.interrupted());
  }
}

TEST(EntryUpdate, ACdThatGetsNewTablesAndANewAsidFailsAccessesMeanwhile) {
  const FeaturesV3 all = features();
  const CD first =
      context(all, {.tables = {.root = Pa(0x5000'0000), .tsz = 16}, .asid = Asid(1)}, {});
  const CD second =
      context(all, {.tables = {.root = Pa(0x6000'0000), .tsz = 16}, .asid = Asid(2)}, {});
  Reader<CD> reader(first);
  reader.change_to(second);
  EXPECT_TRUE(reader.interrupted());
  Reader<CD> fresh{CD()};
  fresh.change_to(first);
  EXPECT_FALSE(fresh.interrupted());
  fresh.change_to(CD());
  EXPECT_FALSE(fresh.interrupted());
}

TEST(EntryUpdate, AnyBitsBecomeAnyOthers) {
  std::mt19937_64 random(7);
  for (int i = 0; i != 300; ++i) {
    const auto any = [&random](unsigned changed_words, EntryWords words) {
      for (unsigned n = 0; n != changed_words; ++n) words[random() % words.size()] = random();
      return words;
    };
    const EntryWords from = any(8, {});
    Reader<STE> streams{STE(from)};
    streams.change_to(STE(any(static_cast<unsigned>(random() % 4), from)));
    Reader<CD> contexts{CD(from)};
    contexts.change_to(CD(any(static_cast<unsigned>(random() % 4), from)));
  }
}

}  // namespace
}  // namespace smmu::iommu::entry_update_test
