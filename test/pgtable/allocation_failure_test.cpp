// Memory that runs out: every request for a table, and the heap of create().
#include "test/heap/heap.h"
#include "test/pgtable/rig.h"

namespace smmu::iommu::allocation_failure_test {
namespace {

using Format = PgtableFormat;

constexpr Mapped kNoMemory = refused(std::errc::not_enough_memory);

class AllocationFailure : public Pgtable {};

TEST_F(AllocationFailure, OfAnyTableMapsNothingAndTheNextCallGoesOn) {
  const struct {
    PgtableConfig config;
    std::uint64_t size, tables;
  } kRows[] = {{config_of(Format::kAArch64Stage1, kSizes4K), k4K, 3},
               {config_of(Format::kAArch64Stage1, kSizes4K), k2M, 2},
               {config_of(Format::kAArch64Stage1, kSizes4K), k1G, 1},
               {config_of(Format::kAArch64Stage1, kSizes16K), k16K, 3},
               {config_of(Format::kAArch64Stage2, kSizes64K, 52, 52), k64K, 2},
               {config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40), k4K, 2},
               {short_config(), k4K, 1},
               {short_config(), k64K, 1}};
  for (const auto& row : kRows) {
    for (const std::uint64_t count : {1U, 5U}) {
      for (std::uint64_t granted = 0; granted != row.tables; ++granted) {
        const auto tables = create(row.config);
        pool_->grant(granted);
        EXPECT_EQ(tables->map(Iova(row.size), Pa(0), row.size, count, kReadWrite), kNoMemory);
        EXPECT_EQ(tables->iova_to_phys(Iova(row.size)), std::nullopt);
        EXPECT_EQ(tables->live_tables(), granted);
        EXPECT_EQ(tables->unmap(Iova(row.size), row.size, 1), (Unmapped{0, false}));
        pool_->grant(PagePool::kUnlimited);
        EXPECT_EQ(tables->map(Iova(row.size), Pa(0), row.size, count, kReadWrite),
                  mapped(count * row.size));
        EXPECT_EQ(tables->live_tables(), row.tables);
        EXPECT_EQ(all(*tables).tables.size(), row.tables);
      }
      // What fits into the tables there are needs none.
      const auto tables = create(row.config);
      EXPECT_EQ(tables->map(Iova(row.size), Pa(0), row.size, 1, kReadWrite), mapped(row.size));
      pool_->grant(0);
      EXPECT_EQ(tables->map(Iova(3 * row.size), Pa(0), row.size, 2, kReadWrite),
                mapped(2 * row.size));
      pool_->grant(PagePool::kUnlimited);
    }
  }
}

TEST_F(AllocationFailure, OfTheFirstTableIsThatOfCreate) {
  pool_->grant(0);
  for (const auto& config :
       {config_of(Format::kAArch64Stage1, kSizes4K), config_of(Format::kAArch64Stage1, kSizes16K),
        config_of(Format::kAArch64Stage2, kSizes64K), short_config()}) {
    EXPECT_EQ(refusal(config), std::errc::not_enough_memory);
  }
}

TEST_F(AllocationFailure, OfTheHeapIsThatOfCreateAndKeepsNothing) {
  for (const auto& config :
       {config_of(Format::kAArch64Stage1, kSizes4K), config_of(Format::kAArch64Stage1, kSizes16K),
        config_of(Format::kAArch64Stage2, kSizes64K), short_config()}) {
    std::errc error{};
    {
      const HeapRefusal refusal_of_heap;
      error = refusal(config);
      EXPECT_EQ(refusal_of_heap.refused(), 1U);
    }
    EXPECT_EQ(error, std::errc::not_enough_memory);
    EXPECT_EQ(pool_->live(), 0U);
  }
}

// Where a driver maps, it may hold locks and have no memory: only the pool is asked.
TEST_F(AllocationFailure, OfTheHeapCannotHappenAfterCreate) {
  for (const auto& config : {config_of(Format::kAArch64Stage1, kSizes4K, 48, 48,
                                       {.contiguous = true, .split_blocks = true}),
                             short_config()}) {
    struct Silent : PgtableInvalidation {
      void flush_walk(Iova, std::uint64_t, std::uint64_t) override {}
    } silent;
    const auto tables = *IoPgtable::create(config, *pool_, silent);
    const std::uint64_t before = heap_counts().asked;
    const Mapped pages = tables->map(Iova(0), Pa(0), k4K, 32, kReadWrite);
    const Mapped block =
        tables->map(Iova(4 * k16M), Pa(0), config.page_sizes & k2M ? k2M : k1M, 1, kReadWrite);
    const auto pa = tables->iova_to_phys(Iova(0));
    const Unmapped page = tables->unmap(Iova(0), k4K, 1);
    tables->trim();
    const std::uint64_t after = heap_counts().asked;
    EXPECT_EQ(after, before);
    EXPECT_EQ(pages, mapped(32 * k4K));
    EXPECT_EQ(block.error, std::errc());
    EXPECT_EQ(pa, Pa(0));
    EXPECT_EQ(page, (Unmapped{k4K, true}));
  }
}

}  // namespace
}  // namespace smmu::iommu::allocation_failure_test
