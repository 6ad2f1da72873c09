// Walks that do not look into caches: what they find is what was cleaned to memory.
#include <array>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::coherency_test {
namespace {

using Format = PgtableFormat;

// Memory as hardware sees it, of which what was never cleaned is garbage.
class Memory final : public CacheMaintenance {
 public:
  static constexpr Pa kBase{0x4000'0000};
  static constexpr std::uint64_t kSize = 1 << 20;
  static constexpr std::uint64_t kGarbage = 0xa5a5'a5a4'a5a5'a5a4;  // nothing valid

  Memory() {
    EXPECT_TRUE(written.add(kBase, kSize));
    EXPECT_TRUE(seen.add(kBase, kSize));
    for (std::uint64_t at = 0; at != kSize; at += 8) {
      EXPECT_EQ(seen.store64(Pa(kBase.value + at), kGarbage), BusResponse::kOkay);
      EXPECT_EQ(written.store64(Pa(kBase.value + at), kGarbage), BusResponse::kOkay);
    }
    pool = *PagePool::create(written, kBase, kSize);
  }

  void clean(Pa pa, std::uint64_t bytes) override {
    if (before_clean) std::exchange(before_clean, nullptr)();
    const std::lock_guard lock(mutex_);
    ++cleans;
    // The words that have something of this.
    for (std::uint64_t at = pa.value & ~std::uint64_t{7}; at < pa.value + bytes; at += 8) {
      EXPECT_EQ(seen.store64(Pa(at), *written.load64(Pa(at))), BusResponse::kOkay);
    }
    if (after_clean) after_clean();
  }
  // Memory that no table has is zeroed as well, and of no interest to hardware.
  bool all_cleaned() {
    const DirectRegion& memory = *seen.direct_region(kBase);
    const DirectRegion& caches = *written.direct_region(kBase);
    for (std::uint64_t at = kBase.value; at != kBase.value + kSize; at += 8) {
      const std::uint64_t found = memory.word(Pa(at));
      const std::uint64_t word = caches.word(Pa(at));
      if (found != word && !(found == kGarbage && word == 0)) {
        ADD_FAILURE() << std::hex << at << ": " << word << " is seen as " << found;
        return false;
      }
    }
    return true;
  }

  emulator::Ram written, seen;
  std::unique_ptr<PagePool> pool;
  std::function<void()> before_clean;  // once
  std::function<void()> after_clean;
  unsigned cleans = 0;

 private:
  std::mutex mutex_;
};

struct Shape {
  Format format;
  std::uint64_t sizes;
  unsigned bits;
  PgtableQuirks quirks = {};
};
const Shape kShapes[] = {
    {Format::kAArch64Stage1, kSizes4K, 48},
    {Format::kAArch64Stage2, kSizes4K, 40},
    {Format::kAArch64Stage1, kSizes16K, 48},
    {Format::kAArch32LongStage1, kSizes4K, 32},
    {Format::kAArch32Short, kSizesShort, 32},
    {Format::kAArch64Stage1, kSizes4K, 48, {.contiguous = true}},
    {Format::kAArch64Stage1, kSizes4K, 48, {.split_blocks = true}},
    {Format::kAArch64Stage1, kSizes4K, 48, {.contiguous = true, .split_blocks = true}},
};

PgtableConfig config(const Shape& shape, unsigned break_before_make = 0) {
  auto made = config_of(shape.format, shape.sizes, shape.bits,
                        shape.format == Format::kAArch32Short ? 32 : 40, shape.quirks);
  made.coherency = WalkCoherency::kNone;
  made.break_before_make = break_before_make;
  return made;
}

TEST(NonCoherentWalks, FindEverythingWhenACallReturnsAndNoGarbageBefore) {
  for (const Shape& shape : kShapes) {
    for (const unsigned level : {0U, 2U}) {
      SCOPED_TRACE(static_cast<int>(shape.format));
      Memory memory;
      RecordingInvalidation invalidation;
      const auto tables =
          *IoPgtable::create(config(shape, level), *memory.pool, invalidation, &memory);
      // A table is there before anything leads to it: hardware never comes to garbage, which the
      // walk would object to.
      const auto walk = [&] { return NaiveWalk(memory.seen, *tables).all(); };
      memory.after_clean = walk;
      invalidation.on_flush = [&](Iova iova, std::uint64_t) {
        walk();
        // But for a block that gives way in place, to pages that map the same.
        if (level == 2 && shape.quirks.split_blocks) return;
        EXPECT_FALSE(NaiveWalk(memory.seen, *tables).at(iova)) << "is not seen to be gone";
      };
      std::vector<std::uint64_t> sizes;
      for (std::uint64_t left = tables->page_sizes(); left != 0; left &= left - 1) {
        sizes.push_back(left & -left);
      }
      std::minstd_rand random(7);
      for (int i = 0; i != 120; ++i) {
        const std::uint64_t size = sizes[random() % sizes.size()];
        const std::uint64_t iova = (random() % (2 * sizes.back() / size)) * size;
        const std::uint64_t count = 1 + random() % 40;
        if (random() % 2 == 0) {
          (void)tables->map(Iova(iova), Pa(iova), size, count, kReadWrite);
        } else {
          (void)tables->unmap(Iova(iova), size, count);
        }
        ASSERT_TRUE(memory.all_cleaned());
        ASSERT_EQ(walk().in_pieces, 0U);
        if (i % 40 == 39) tables->trim();
        ASSERT_TRUE(memory.all_cleaned());
        if (::testing::Test::HasFailure()) return;
      }
      EXPECT_GT(memory.cleans, 100U);
    }
  }
}

// Where a table goes hardware has seen that before the SMMU is told to forget it.
TEST(NonCoherentWalks, DoNotFindATableThatIsForgotten) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(static_cast<int>(shape.format));
    Memory memory;
    RecordingInvalidation invalidation;
    const auto tables = *IoPgtable::create(config(shape), *memory.pool, invalidation, &memory);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    const std::uint64_t more = tables->page_sizes() & ~granule & ~k64K;
    const std::uint64_t block = more & -more;
    ASSERT_EQ(tables->map(Iova(block), Pa(0), granule, block / granule, kReadWrite), mapped(block));
    unsigned flushes = 0;
    invalidation.on_flush = [&](Iova iova, std::uint64_t) {
      ++flushes;
      EXPECT_FALSE(NaiveWalk(memory.seen, *tables).at(iova)) << "is not seen to be gone";
    };
    EXPECT_EQ(tables->unmap(Iova(block), block, 1), (Unmapped{block, false}));
    EXPECT_EQ(flushes, 1U);
    // And where pages go because a block is unmapped that they are a part of.
    ASSERT_EQ(tables->map(Iova(block), Pa(0), granule, 3, kReadWrite), mapped(3 * granule));
    EXPECT_EQ(tables->unmap(Iova(block), block, 1), (Unmapped{3 * granule, false}));
    EXPECT_EQ(flushes, 2U);
    EXPECT_TRUE(memory.all_cleaned());
  }
}

// Between a thread's linking a table and cleaning the entry, another maps a page in it: when that
// is done hardware finds the page.
TEST(NonCoherentWalks, FindPagesInATableThatAnotherThreadHasNotCleanedYet) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(static_cast<int>(shape.format));
    Memory memory;
    RecordingInvalidation invalidation;
    const auto tables = *IoPgtable::create(config(shape), *memory.pool, invalidation, &memory);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    // Cleans of a new table come first; then those of entries.
    unsigned inner = 0;
    const std::function<void()> other = [&] {
      if (inner == 8) return;
      const std::uint64_t iova = ++inner * granule;
      EXPECT_EQ(tables->map(Iova(iova), Pa(0), granule, 1, kReadWrite), mapped(granule));
      EXPECT_TRUE(NaiveWalk(memory.seen, *tables).at(Iova(iova)));
      memory.before_clean = other;
    };
    memory.before_clean = other;
    EXPECT_EQ(tables->map(Iova(0), Pa(0), granule, 1, kReadWrite), mapped(granule));
    EXPECT_GE(inner, 3U);
    memory.before_clean = nullptr;
    EXPECT_TRUE(memory.all_cleaned());
  }
}

TEST(NonCoherentWalks, FindWhatTwoThreadsMap) {
  for (const Shape& shape : kShapes) {
    Memory memory;
    RecordingInvalidation invalidation;
    const auto tables = *IoPgtable::create(config(shape), *memory.pool, invalidation, &memory);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    std::array<unsigned, 2> missing{};
    const auto map = [&](std::uint64_t which) {
      for (std::uint64_t i = 0; i != 300; ++i) {
        const Iova iova((2 * i + which) * granule);
        (void)tables->map(iova, Pa(iova.value), granule, 1, kReadWrite);
        missing[which] += !NaiveWalk(memory.seen, *tables).at(iova);
      }
    };
    std::thread other(map, 1);
    map(0);
    other.join();
    EXPECT_EQ(missing, (std::array<unsigned, 2>{}));
    EXPECT_TRUE(memory.all_cleaned());
  }
}

TEST(NonCoherentWalks, FindCleanedDirtyBits) {
  struct Sink : DirtySink {
    void dirty(Iova, std::uint64_t) override {}
  } sink;
  Memory memory;
  RecordingInvalidation invalidation;
  const auto tables =
      *IoPgtable::create(config({Format::kAArch64Stage1, kSizes4K, 48, {.dirty = true}}),
                         *memory.pool, invalidation, &memory);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 8, kReadWrite), mapped(8 * k4K));
  ASSERT_TRUE(tables->read_and_clear_dirty(Iova(0), 8 * k4K, DirtyBits::kClear, sink));
  EXPECT_TRUE(memory.all_cleaned());
}

TEST(Coherency, OfWalksThatLookIntoCachesCleansNothing) {
  Memory memory;
  RecordingInvalidation invalidation;
  auto tables = IoPgtable::create(config_of(Format::kAArch64Stage1, kSizes4K), *memory.pool,
                                  invalidation, &memory);
  ASSERT_TRUE(tables);
  EXPECT_EQ((*tables)->map(Iova(0), Pa(0), k4K, 1, kReadWrite).bytes, k4K);
  EXPECT_EQ((*tables)->unmap(Iova(0), k4K, 1).bytes, k4K);
  EXPECT_EQ(memory.cleans, 0U);
}

}  // namespace
}  // namespace smmu::iommu::coherency_test
