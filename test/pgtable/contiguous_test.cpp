// The Contiguous bit (DDI 0487, D8.7.1): given to whole runs, and taken from all of a run at once.
#include <atomic>
#include <thread>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::contiguous_test {
namespace {

using Format = PgtableFormat;

constexpr std::uint64_t kHint = std::uint64_t{1} << 52;

class Contiguous : public Pgtable {
 protected:
  static PgtableConfig config(std::uint64_t sizes, unsigned break_before_make = 0,
                              PgtableQuirks quirks = {.contiguous = true}) {
    auto made = config_of(Format::kAArch64Stage1, sizes, 48, 52, quirks);
    made.break_before_make = break_before_make;
    return made;
  }
  bool hint(const IoPgtable& tables, std::uint64_t iova) {
    return (descriptor(tables, iova) & kHint) != 0;
  }
  std::uint64_t hints(const IoPgtable& tables) {
    std::uint64_t count = 0;
    for (const auto& [iova, leaf] : all(tables).leaves) count += (leaf.descriptor & kHint) != 0;
    return count;
  }
};

// Table D8-104.
TEST_F(Contiguous, IsGivenToRunsOfEachSize) {
  const struct {
    std::uint64_t sizes, size, run;
  } kRows[] = {{kSizes4K, k4K, 16},    {kSizes4K, k2M, 16},   {kSizes4K, k1G, 16},
               {kSizes16K, k16K, 128}, {kSizes16K, k32M, 32}, {kSizes64K, k64K, 32},
               {kSizes64K, k512M, 32}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.size);
    const auto tables = create(config(row.sizes));
    const std::uint64_t at = 2 * row.run * row.size;
    // From the middle of a run to the middle of another: the whole one between has the bit.
    const std::uint64_t first = at - row.run / 2 * row.size;
    EXPECT_EQ(tables->map(Iova(first), Pa(first), row.size, 2 * row.run, kReadWrite),
              mapped(2 * row.run * row.size));
    for (std::uint64_t i = 0; i != 2 * row.run; ++i) {
      const std::uint64_t iova = first + i * row.size;
      EXPECT_EQ(hint(*tables, iova), iova >= at && iova < at + row.run * row.size) << i;
      EXPECT_EQ(tables->iova_to_phys(Iova(iova)), Pa(iova));
    }
  }
}

// D8.7.1: RES0 in a block of level 1 with granules of 64K.
TEST_F(Contiguous, IsNotGivenToBlocksOf4TiB) {
  auto with = config(kSizes64K);
  with.input_bits = 52;
  const auto tables = create(with);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4T, 64, kReadWrite), mapped(64 * k4T));
  EXPECT_EQ(hints(*tables), 0U);
}

TEST_F(Contiguous, IsNotGivenToWhatIsShortOrDoesNotLieAlike) {
  const auto tables = create(config(kSizes4K));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 15, kReadWrite), mapped(15 * k4K));
  EXPECT_EQ(tables->map(Iova(15 * k4K), Pa(15 * k4K), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(32 * k4K), Pa(33 * k4K), k4K, 32, kReadWrite), mapped(32 * k4K));
  EXPECT_EQ(tables->map(Iova(65 * k4K), Pa(k2M + 65 * k4K), k4K, 30, kReadWrite), mapped(30 * k4K));
  EXPECT_EQ(hints(*tables), 0U);
  const auto without = create(config(kSizes4K, 0, {}));
  EXPECT_EQ(without->map(Iova(0), Pa(0), k4K, 64, kReadWrite), mapped(64 * k4K));
  EXPECT_EQ(hints(*without), 0U);
}

// An entry that changed its Contiguous bit would have to be made invalid in between (D8.16): it has
// it from the beginning.
TEST_F(Contiguous, IsThereFromTheFirstMomentOn) {
  const auto tables = create(config(kSizes4K));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite), mapped(k64K));
  const Pa at = NaiveWalk(ram_, *tables).at(Iova(0))->at;
  std::atomic<bool> over{false};
  std::uint64_t without = 0;
  std::thread hardware([&] {
    while (!over) {
      const std::uint64_t entry = load(at);
      without += entry != 0 && (entry & kHint) == 0;
    }
  });
  for (int i = 0; i != 20'000; ++i) {
    if (tables->unmap(Iova(0), k4K, 16).bytes != k64K) break;
    if (tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite).bytes != k64K) break;
  }
  over = true;
  hardware.join();
  EXPECT_EQ(without, 0U);
  EXPECT_EQ(hints(*tables), 16U);
}

// A part of a run goes: the others lose the bit, after the SMMU has forgotten all of them, unless
// it may change in place.
TEST_F(Contiguous, IsTakenFromTheRunThatLosesAPart) {
  for (const unsigned level : {0U, 1U, 2U}) {
    SCOPED_TRACE(level);
    const auto tables = create(config(kSizes4K, level));
    EXPECT_EQ(tables->map(Iova(k2M), Pa(k2M), k4K, 64, kReadWrite), mapped(64 * k4K));
    EXPECT_EQ(hints(*tables), 64U);
    unsigned calls = 0;
    invalidation_.on_flush = [&](Iova iova, std::uint64_t size) {
      ++calls;
      for (std::uint64_t at = iova.value; at != iova.value + size; at += k4K) {
        EXPECT_EQ(descriptor(*tables, at), 0U);
      }
    };
    EXPECT_EQ(tables->unmap(Iova(k2M + 20 * k4K), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_EQ(invalidation_.take(), level == 2
                                        ? std::vector<Flush>{}
                                        : (std::vector<Flush>{{k2M + 16 * k4K, 16 * k4K, k4K}}));
    for (std::uint64_t i = 0; i != 64; ++i) {
      const std::uint64_t iova = k2M + i * k4K;
      EXPECT_EQ(hint(*tables, iova), i < 16 || i >= 32) << i;
      EXPECT_EQ(tables->iova_to_phys(Iova(iova)), i == 20 ? std::nullopt : std::optional(Pa(iova)));
    }
    // Of two runs the ends; the whole one between goes without being asked.
    EXPECT_EQ(tables->map(Iova(k2M + 20 * k4K), Pa(k2M + 20 * k4K), k4K, 1, kReadWrite),
              mapped(k4K));
    EXPECT_EQ(tables->map(Iova(k2M + 64 * k4K), Pa(k2M + 64 * k4K), k4K, 48, kReadWrite),
              mapped(48 * k4K));
    EXPECT_EQ(tables->unmap(Iova(k2M + 40 * k4K), k4K, 40), (Unmapped{40 * k4K, true}));
    EXPECT_EQ(invalidation_.take(), level == 2
                                        ? std::vector<Flush>{}
                                        : (std::vector<Flush>{{k2M + 32 * k4K, 16 * k4K, k4K}}));
    EXPECT_EQ(hints(*tables), 16U + 32U);
    // Both ends in one run.
    EXPECT_EQ(tables->unmap(Iova(k2M + 2 * k4K), k4K, 10), (Unmapped{10 * k4K, true}));
    EXPECT_EQ(invalidation_.take().size(), level == 2 ? 0U : 1U);
    EXPECT_EQ(hints(*tables), 32U);
    // Two runs, each at one end.
    EXPECT_EQ(tables->unmap(Iova(k2M + 90 * k4K), k4K, 12), (Unmapped{12 * k4K, true}));
    EXPECT_EQ(invalidation_.take().size(), level == 2 ? 0U : 2U);
    EXPECT_EQ(hints(*tables), 0U);
    invalidation_.on_flush = nullptr;
  }
}

TEST_F(Contiguous, GoesWithAWholeRunWithoutAFlush) {
  const auto tables = create(config(kSizes4K));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 32, kReadWrite), mapped(32 * k4K));
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 16), (Unmapped{16 * k4K, true}));
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(hints(*tables), 16U);
}

// A hole ends it before the second run.
TEST_F(Contiguous, StaysInARunThatIsNotReached) {
  const auto tables = create(config(kSizes4K));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite), mapped(16 * k4K));
  EXPECT_EQ(tables->map(Iova(32 * k4K), Pa(32 * k4K), k4K, 16, kReadWrite), mapped(16 * k4K));
  EXPECT_EQ(tables->unmap(Iova(8 * k4K), k4K, 30), (Unmapped{8 * k4K, true}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, 16 * k4K, k4K}}));
  EXPECT_EQ(hints(*tables), 16U);
}

TEST_F(Contiguous, IsTakenFromBlocksAndInTheUpperHalf) {
  const auto tables = create(config(kSizes4K, 0, {.ttbr1 = true, .contiguous = true}));
  const std::uint64_t first = ~std::uint64_t{0} << 48;
  EXPECT_EQ(tables->map(Iova(first), Pa(0), k2M, 32, kReadWrite), mapped(32 * k2M));
  EXPECT_EQ(hints(*tables), 32U);
  EXPECT_EQ(tables->unmap(Iova(first + 17 * k2M + 5), k2M, 1), (Unmapped{k2M, true}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{first + 16 * k2M, 16 * k2M, k4K}}));
  EXPECT_EQ(hints(*tables), 16U);
}

// The device may come while entries are missing: what flush_walk() does is to map and unmap, too.
TEST_F(Contiguous, LetsTheFlushUseTheTables) {
  const auto tables = create(config(kSizes4K));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite), mapped(16 * k4K));
  invalidation_.on_flush = [&](Iova, std::uint64_t) {
    invalidation_.on_flush = nullptr;
    EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
    EXPECT_EQ(tables->unmap(Iova(k1G), k4K, 1), (Unmapped{k4K, true}));
  };
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
}

}  // namespace
}  // namespace smmu::iommu::contiguous_test
