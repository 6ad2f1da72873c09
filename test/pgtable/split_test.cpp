// Blocks of which a part is unmapped, with quirks.split_blocks.
#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::split_test {
namespace {

using Format = PgtableFormat;

constexpr std::uint64_t kHint = std::uint64_t{1} << 52;

class SplitBlocks : public Pgtable {
 protected:
  static PgtableConfig config(std::uint64_t sizes = kSizes4K, unsigned break_before_make = 0,
                              PgtableQuirks quirks = {.split_blocks = true}) {
    auto made = config_of(Format::kAArch64Stage1, sizes, 48, 52, quirks);
    made.break_before_make = break_before_make;
    return made;
  }
};

TEST_F(SplitBlocks, LeavesTheRestMappedAsItWas) {
  const struct {
    Format format;
    std::uint64_t sizes, page, block;
    unsigned bits;
  } kRows[] = {{Format::kAArch64Stage1, kSizes4K, k4K, k2M, 48},
               {Format::kAArch64Stage2, kSizes4K, k2M, k1G, 48},
               {Format::kAArch64Stage1, kSizes16K, k16K, k32M, 48},
               {Format::kAArch64Stage2, kSizes64K, k64K, k512M, 52},
               {Format::kAArch64Stage1, kSizes64K, k512M, k4T, 52}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.block);
    const PgtableQuirks quirks{.split_blocks = true};
    const auto tables = create(config_of(row.format, row.sizes, row.bits, row.bits, quirks));
    const Prot prot = Prot::kRead | Prot::kCache | Prot::kNoExec;
    const std::uint64_t pa = row.bits == 52 ? 3 * k4T + (std::uint64_t{0xf} << 48) : 5 * row.block;
    EXPECT_EQ(tables->map(Iova(3 * row.block), Pa(pa), row.block, 1, prot), mapped(row.block));
    const std::uint64_t block = descriptor(*tables, 3 * row.block);
    const std::uint64_t hole = 3 * row.block + 7 * row.page;
    EXPECT_EQ(tables->unmap(Iova(hole), row.page, 2), (Unmapped{2 * row.page, true}));
    EXPECT_EQ(invalidation_.take(),
              (std::vector<Flush>{{3 * row.block, row.block, row.sizes & -row.sizes}}));
    const auto found = all(*tables);
    EXPECT_EQ(found.leaves.size(), row.block / row.page - 2);
    EXPECT_EQ(found.tables.size(), tables->live_tables());
    // All but the address and the type is the block's.
    constexpr std::uint64_t kAttributes = 0xfff0'0000'0000'0ffc;
    for (const auto& [iova, leaf] : found.leaves) {
      ASSERT_EQ(leaf.size, row.page);
      ASSERT_EQ(leaf.pa, pa + (iova - 3 * row.block));
      ASSERT_EQ(leaf.descriptor & kAttributes, block & kAttributes);
      ASSERT_TRUE(iova < hole || iova >= hole + 2 * row.page);
    }
  }
}

TEST_F(SplitBlocks, SplitsWhatIsLeftOfASplitAgain) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(k1G), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->unmap(Iova(5 * k2M + 3 * k4K), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, k1G, k4K}, {5 * k2M, k2M, k4K}}));
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(all(*tables).leaves.size(), 511U + 511U);
  EXPECT_EQ(tables->iova_to_phys(Iova(5 * k2M + 3 * k4K)), std::nullopt);
  EXPECT_EQ(tables->iova_to_phys(Iova(5 * k2M + 4 * k4K)), Pa(k1G + 5 * k2M + 4 * k4K));
  EXPECT_EQ(tables->iova_to_phys(Iova(511 * k2M)), Pa(k1G + 511 * k2M));
  // A whole block goes as a whole.
  EXPECT_EQ(tables->unmap(Iova(6 * k2M), k2M, 1), (Unmapped{k2M, true}));
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(tables->unmap(Iova(0), k1G, 1), (Unmapped{5 * k2M + 3 * k4K, false}));
  EXPECT_EQ(invalidation_.take(),
            (std::vector<Flush>{{5 * k2M, 3 * k4K, k4K}, {0, 5 * k2M + 3 * k4K, k4K}}));
  EXPECT_EQ(tables->live_tables(), 3U);
}

// DDI 0487, D8.16, and IHI 0070, 3.21.1: without level 2 the block is invalid, and forgotten,
// before the table is there.  With it, it is forgotten afterwards, and devices find all pages.
TEST_F(SplitBlocks, MakesTheBlockInvalidFirstUnlessTheSizeMayChangeInPlace) {
  for (const unsigned level : {0U, 1U, 2U}) {
    const auto tables = create(config(kSizes4K, level));
    EXPECT_EQ(tables->map(Iova(k2M), Pa(k2M), k2M, 1, kReadWrite), mapped(k2M));
    unsigned calls = 0;
    invalidation_.on_flush = [&](Iova iova, std::uint64_t) {
      ++calls;
      EXPECT_EQ(descriptor(*tables, iova.value) != 0, level == 2);
    };
    EXPECT_EQ(tables->unmap(Iova(k2M), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_EQ(calls, 1U);
    invalidation_.on_flush = nullptr;
    invalidation_.take();
  }
}

TEST_F(SplitBlocks, LeavesABlockWhereThereIsNoMemoryForItsTable) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k1G, 1, kReadWrite), mapped(k1G));
  pool_->grant(0);
  EXPECT_EQ(tables->unmap(Iova(k4K), k4K, 1), (Unmapped{0, false}));
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(all(*tables).leaves.size(), 1U);
  // The second of two tables is missing: the first stays, and maps the same.
  pool_->grant(1);
  EXPECT_EQ(tables->unmap(Iova(k4K), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(all(*tables).leaves.size(), 512U);
  EXPECT_EQ(tables->iova_to_phys(Iova(k4K)), Pa(k4K));
  pool_->grant(PagePool::kUnlimited);
  EXPECT_EQ(tables->unmap(Iova(k4K), k4K, 1), (Unmapped{k4K, true}));
}

TEST_F(SplitBlocks, DoesNotMapIntoBlocks) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), refused(std::errc::file_exists));
  EXPECT_EQ(all(*tables).leaves.size(), 1U);
}

// A block of a run of contiguous ones is taken out of it first.
TEST_F(SplitBlocks, TakesTheContiguousBitFromTheRun) {
  for (const unsigned level : {0U, 2U}) {
    const auto tables = create(config(kSizes4K, level, {.contiguous = true, .split_blocks = true}));
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 16, kReadWrite), mapped(16 * k2M));
    EXPECT_NE(descriptor(*tables, 0) & kHint, 0U);
    EXPECT_EQ(tables->unmap(Iova(3 * k2M + k4K), k4K, 1), (Unmapped{k4K, true}));
    std::vector<Flush> flushes{{3 * k2M, k2M, k4K}};
    if (level != 2) flushes.insert(flushes.begin(), {0, 16 * k2M, k4K});
    EXPECT_EQ(invalidation_.take(), flushes);
    for (const auto& [iova, leaf] : all(*tables).leaves) {
      ASSERT_EQ(leaf.descriptor & kHint, 0U);
      ASSERT_EQ(leaf.pa, iova);
    }
  }
}

// DDI 0487, D8.5.2: until the block is gone the SMMU may note in it that it was written to.
TEST_F(SplitBlocks, KeepsWhatTheSmmuNotesMeanwhile) {
  constexpr std::uint64_t kReadOnly = 1 << 7;
  struct Caches : CacheMaintenance {
    void clean(Pa, std::uint64_t) override {
      if (on_clean) on_clean();
    }
    std::function<void()> on_clean;
  };
  struct Sink : DirtySink {
    void dirty(Iova, std::uint64_t size) override { bytes += size; }
    std::uint64_t bytes = 0;
  };
  for (const unsigned level : {0U, 2U}) {
    SCOPED_TRACE(level);
    Caches caches;
    auto wanted = config(kSizes4K, level, {.dirty = true, .split_blocks = true});
    wanted.coherency = WalkCoherency::kNone;
    const auto tables = create(wanted, &caches);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
    Sink ignored;
    ASSERT_TRUE(tables->read_and_clear_dirty(Iova(0), k2M, DirtyBits::kClear, ignored));
    const Pa at = NaiveWalk(ram_, *tables).at(Iova(0))->at;
    caches.on_clean = [&] {
      const std::uint64_t entry = load(at);
      if ((entry & 0b11) == 0b01) {  // still the block
        EXPECT_EQ(ram_.store64(at, entry & ~kReadOnly), BusResponse::kOkay);
      }
    };
    EXPECT_EQ(tables->unmap(Iova(k2M - k4K), k4K, 1), (Unmapped{k4K, true}));
    caches.on_clean = nullptr;
    Sink sink;
    ASSERT_TRUE(tables->read_and_clear_dirty(Iova(0), k2M - k4K, DirtyBits::kKeep, sink));
    EXPECT_EQ(sink.bytes, k2M - k4K);
  }
}

// Of what is in pieces nothing is free: what a fault handler maps there is refused, and what it
// unmaps stays so.
TEST_F(SplitBlocks, KeepsItsPlaceWhileItIsInPieces) {
  for (const bool contiguous : {false, true}) {
    SCOPED_TRACE(contiguous);
    const auto tables =
        create(config(kSizes4K, 0, {.contiguous = contiguous, .split_blocks = true}));
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 16, kReadWrite), mapped(16 * k2M));
    invalidation_.on_flush = [&](Iova iova, std::uint64_t) {
      const Iova page(3 * k2M + k4K);
      EXPECT_GE(page.value, iova.value);
      EXPECT_EQ(tables->map(page, Pa(k1G), k4K, 1, kReadWrite), refused(std::errc::file_exists));
      EXPECT_EQ(tables->map(Iova(3 * k2M), Pa(k1G), k2M, 1, kReadWrite),
                refused(std::errc::file_exists));
    };
    EXPECT_EQ(tables->unmap(Iova(3 * k2M), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_EQ(tables->live_tables(), 3U);
    EXPECT_EQ(all(*tables).leaves.size(), 15U + 511U);
    EXPECT_EQ(tables->iova_to_phys(Iova(3 * k2M + k4K)), Pa(3 * k2M + k4K));

    const std::uint64_t other = 32 * k2M, block = other + 5 * k2M;
    EXPECT_EQ(tables->map(Iova(other), Pa(0), k2M, 16, kReadWrite), mapped(16 * k2M));
    bool called = false;
    invalidation_.on_flush = [&](Iova, std::uint64_t) {
      if (std::exchange(called, true)) return;
      EXPECT_EQ(tables->unmap(Iova(block), k2M, 1), (Unmapped{k2M, true}));
    };
    EXPECT_EQ(tables->unmap(Iova(block), k4K, 1), (Unmapped{0, false}));
    invalidation_.on_flush = nullptr;
    EXPECT_EQ(tables->live_tables(), 3U);
    EXPECT_EQ(all(*tables).leaves.size(), 15U + 511U + 15U);
    EXPECT_EQ(tables->iova_to_phys(Iova(block)), std::nullopt);
  }
}

// A handler may ask for all that is around what is in pieces: no table goes that the call which
// waits is in.
TEST_F(SplitBlocks, NoTableGoesFromUnderACallThatWaits) {
  for (const bool contiguous : {false, true}) {
    SCOPED_TRACE(contiguous);
    const auto tables =
        create(config(kSizes4K, 0, {.contiguous = contiguous, .split_blocks = true}));
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 512, kReadWrite), mapped(k1G));
    const std::uint64_t live = tables->live_tables();
    bool called = false;
    invalidation_.on_flush = [&](Iova, std::uint64_t) {
      if (std::exchange(called, true)) return;
      std::uint64_t bytes = 0;
      while (bytes != k1G) {
        const std::uint64_t more = tables->unmap(Iova(bytes), bytes == 0 ? k1G : k2M, 1).bytes;
        if (more == 0) break;
        bytes += more;
      }
      EXPECT_EQ(bytes, k1G);
      EXPECT_EQ(tables->map(Iova(0), Pa(k1G), k1G, 1, kReadWrite), refused(std::errc::file_exists));
      EXPECT_EQ(tables->live_tables(), live + 1) << "the one that is being made";
      EXPECT_EQ(tables->map(Iova(3 * k2M), Pa(k1G), k4K, 1, kReadWrite), mapped(k4K));
    };
    EXPECT_EQ(tables->unmap(Iova(3 * k2M + k4K), k4K, 1), (Unmapped{0, false}));
    invalidation_.on_flush = nullptr;
    const auto found = all(*tables);
    EXPECT_EQ(found.leaves.size(), 1U);
    EXPECT_EQ(found.tables.size(), tables->live_tables());
    EXPECT_EQ(tables->iova_to_phys(Iova(3 * k2M)), Pa(k1G));
  }
}

// What a fault handler maps where a block is to take the place of an empty table stays.
TEST_F(SplitBlocks, DoesNotReplaceWhatAHandlerHasMapped) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
  invalidation_.on_flush = [&](Iova, std::uint64_t) {
    EXPECT_EQ(tables->map(Iova(k4K), Pa(k1G), k4K, 1, kReadWrite), mapped(k4K));
  };
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 1, kReadWrite), refused(std::errc::file_exists));
  EXPECT_EQ(tables->iova_to_phys(Iova(k4K)), Pa(k1G));
  EXPECT_EQ(tables->live_tables(), 3U);
}

// Nor where it is in the second of two tables, while the first is taken away.
TEST_F(SplitBlocks, DoesNotReplaceWhatAHandlerHasMappedBehind) {
  for (const PgtableConfig& shape : {config(), short_config()}) {
    const std::uint64_t block = shape.format == Format::kAArch32Short ? k1M : k2M;
    for (const bool behind : {false, true}) {
      SCOPED_TRACE(behind);
      const auto tables = create(shape);
      for (const std::uint64_t at : {std::uint64_t{0}, block}) {
        EXPECT_EQ(tables->map(Iova(at), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
        EXPECT_EQ(tables->unmap(Iova(at), k4K, 1), (Unmapped{k4K, true}));
      }
      const Iova page(behind ? block + k4K : k4K);
      bool called = false;
      invalidation_.on_flush = [&](Iova, std::uint64_t) {
        if (std::exchange(called, true)) return;
        EXPECT_EQ(tables->map(page, Pa(k1M), k4K, 1, kReadWrite), mapped(k4K));
      };
      EXPECT_EQ(tables->map(Iova(0), Pa(0), block, 2, kReadWrite), refused(std::errc::file_exists));
      invalidation_.on_flush = nullptr;
      EXPECT_EQ(tables->iova_to_phys(page), Pa(k1M));
      EXPECT_EQ(all(*tables).tables.size(), tables->live_tables());
    }
  }
}

// What another thread asks of the rest of the block while it is in pieces waits.
TEST_F(SplitBlocks, LetsNobodyFindTheBlockGone) {
  struct Sink : DirtySink {
    void dirty(Iova, std::uint64_t) override {}
  } sink;
  const auto tables = create(config(kSizes4K, 0, {.dirty = true, .split_blocks = true}));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  std::future<Result<Done, std::errc>> dirty;
  std::future<std::optional<Pa>> address;
  invalidation_.on_flush = [&](Iova, std::uint64_t) {
    dirty = std::async(std::launch::async, [&] {
      return tables->read_and_clear_dirty(Iova(k4K), k4K, DirtyBits::kKeep, sink);
    });
    address = std::async(std::launch::async, [&] { return tables->iova_to_phys(Iova(k4K)); });
    dirty.wait_for(std::chrono::milliseconds(20));
    address.wait_for(std::chrono::milliseconds(20));
  };
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_TRUE(dirty.get());
  EXPECT_EQ(address.get(), Pa(k4K));
}

}  // namespace
}  // namespace smmu::iommu::split_test
