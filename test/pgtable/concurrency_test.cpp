// Threads that map and unmap at once, with addresses of their own and tables in common.
#include <array>
#include <atomic>
#include <barrier>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::concurrency_test {
namespace {

using Format = PgtableFormat;

constexpr unsigned kThreads = 4;

class Concurrency : public Pgtable {
 protected:
  // Each with a number.
  template <class Work>
  static void together(const Work& work) {
    std::barrier begin(kThreads);
    std::vector<std::thread> threads;
    for (unsigned n = 0; n != kThreads; ++n) {
      threads.emplace_back([&, n] {
        begin.arrive_and_wait();
        work(n);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  static std::vector<PgtableConfig> configs() {
    return {config_of(Format::kAArch64Stage1, kSizes4K),
            config_of(Format::kAArch64Stage2, kSizes4K, 40, 40),
            config_of(Format::kAArch64Stage1, kSizes16K),
            config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40),
            short_config(),
            config_of(Format::kAArch64Stage1, kSizes4K, 48, 48,
                      {.contiguous = true, .split_blocks = true})};
  }
};

// Every fourth page is a thread's, so all tables are everybody's.
TEST_F(Concurrency, ManyThreadsMapAndUnmapPagesOfSharedTables) {
  for (const auto& config : configs()) {
    SCOPED_TRACE(static_cast<int>(config.format));
    const auto tables = create(config);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    constexpr std::uint64_t kPages = 4096;
    std::array<std::set<std::uint64_t>, kThreads> live;
    std::array<unsigned, kThreads> wrong{};
    together([&](unsigned n) {
      std::minstd_rand random(n);
      for (int i = 0; i != 6000; ++i) {
        const std::uint64_t page = random() % (kPages / kThreads) * kThreads + n;
        const Iova iova(page * granule);
        const bool mapped_before = live[n].contains(page);
        const Mapped done = tables->map(iova, Pa(page * granule), granule, 1, kReadWrite);
        wrong[n] += done != (mapped_before ? refused(std::errc::file_exists) : mapped(granule));
        wrong[n] += tables->iova_to_phys(iova) != Pa(page * granule);
        live[n].insert(page);
        if (random() % 3 != 0) {
          wrong[n] += tables->unmap(iova, granule, 1) != Unmapped{granule, true};
          wrong[n] += tables->iova_to_phys(iova).has_value();
          live[n].erase(page);
        }
      }
    });
    EXPECT_EQ(wrong, (std::array<unsigned, kThreads>{}));
    const auto found = all(*tables);
    std::set<std::uint64_t> expected;
    for (const auto& pages : live) expected.insert(pages.begin(), pages.end());
    EXPECT_EQ(found.leaves.size(), expected.size());
    for (const auto& [iova, leaf] : found.leaves) {
      ASSERT_TRUE(expected.contains(iova / granule));
      ASSERT_EQ(leaf.pa, iova);
    }
    EXPECT_EQ(found.tables.size(), tables->live_tables());
    EXPECT_EQ(pool_->live(), tables->live_tables() + 1);
  }
}

// Blocks over tables, by threads whose blocks are neighbours.
TEST_F(Concurrency, ManyThreadsPutBlocksInThePlaceOfTables) {
  for (const auto& config : configs()) {
    SCOPED_TRACE(static_cast<int>(config.format));
    const auto tables = create(config);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    const std::uint64_t more = tables->page_sizes() & ~granule & ~k64K;
    const std::uint64_t block = more & -more;
    std::array<unsigned, kThreads> wrong{};
    together([&](unsigned n) {
      for (std::uint64_t i = 0; i != 400; ++i) {
        const std::uint64_t at = ((i % 4) * kThreads + n) * block;
        const std::uint64_t page = at + (i % 16) * granule;
        wrong[n] += tables->map(Iova(page), Pa(0), granule, 1, kReadWrite) != mapped(granule);
        wrong[n] +=
            tables->map(Iova(at), Pa(at), block, 1, kReadWrite) != refused(std::errc::file_exists);
        wrong[n] += tables->unmap(Iova(page), granule, 1) != Unmapped{granule, true};
        wrong[n] += tables->map(Iova(at), Pa(at), block, 1, kReadWrite) != mapped(block);
        wrong[n] += tables->iova_to_phys(Iova(page)) != Pa(page);
        wrong[n] += tables->unmap(Iova(at), block, 1) != Unmapped{block, true};
      }
    });
    EXPECT_EQ(wrong, (std::array<unsigned, kThreads>{}));
    EXPECT_TRUE(all(*tables).leaves.empty());
    EXPECT_EQ(all(*tables).tables.size(), tables->live_tables());
    tables->trim();
    EXPECT_EQ(tables->live_tables(), 0U);
    EXPECT_EQ(pool_->live(), 1U);
  }
}

// All come to the same missing tables, again and again: each table is there once.
TEST_F(Concurrency, ThreadsThatMeetAtAMissingTableMakeOne) {
  for (const auto& config : configs()) {
    SCOPED_TRACE(static_cast<int>(config.format));
    const auto tables = create(config);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    std::atomic<unsigned> wrong{0};
    std::barrier round(kThreads, [&]() noexcept {
      // The others wait: what was made is looked at, and goes.
      const auto found = all(*tables);
      if (found.leaves.size() != kThreads && !found.leaves.empty()) ++wrong;
      if (found.tables.size() != tables->live_tables()) ++wrong;
      if (pool_->live() != tables->live_tables() + 1) ++wrong;
      if (found.leaves.empty()) tables->trim();
    });
    together([&](unsigned n) {
      for (int i = 0; i != 150; ++i) {
        const Iova iova(n * granule);
        if (tables->map(iova, Pa(iova.value), granule, 1, kReadWrite) != mapped(granule)) ++wrong;
        round.arrive_and_wait();
        if (tables->unmap(iova, granule, 1) != Unmapped{granule, true}) ++wrong;
        round.arrive_and_wait();
      }
    });
    EXPECT_EQ(wrong, 0U);
  }
}

// The same, certainly: while a thread cleans its new table the other has linked one.
TEST_F(Concurrency, TheTableThatComesSecondIsFreed) {
  for (const auto& base : configs()) {
    SCOPED_TRACE(static_cast<int>(base.format));
    struct Caches : CacheMaintenance {
      void clean(Pa, std::uint64_t bytes) override {
        if (bytes > 8 && on_table) std::exchange(on_table, nullptr)();
      }
      std::function<void()> on_table;
    } caches;
    auto config = base;
    config.coherency = WalkCoherency::kNone;
    const auto tables = create(config, &caches);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    caches.on_table = [&] {
      std::thread other([&] {
        EXPECT_EQ(tables->map(Iova(granule), Pa(granule), granule, 1, kReadWrite), mapped(granule));
      });
      other.join();
    };
    if (config.quirks.contiguous) continue;  // threads wait for one another there
    EXPECT_EQ(tables->map(Iova(0), Pa(0), granule, 1, kReadWrite), mapped(granule));
    EXPECT_EQ(caches.on_table, nullptr);
    const auto found = all(*tables);
    EXPECT_EQ(found.leaves.size(), 2U);
    EXPECT_EQ(found.tables.size(), tables->live_tables());
    EXPECT_EQ(pool_->live(), tables->live_tables() + 1);
  }
}

// What comes second may be a block, which no table takes the place of.
TEST_F(Concurrency, ABlockThatCameFirstIsInTheWayOfATable) {
  for (const auto& base : {config_of(Format::kAArch64Stage1, kSizes4K), short_config()}) {
    struct Caches : CacheMaintenance {
      void clean(Pa, std::uint64_t bytes) override {
        if (bytes > 8 && on_table) std::exchange(on_table, nullptr)();
      }
      std::function<void()> on_table;
    } caches;
    auto config = base;
    config.coherency = WalkCoherency::kNone;
    const auto tables = create(config, &caches);
    const std::uint64_t block = config.page_sizes & k2M ? k2M : k1M;
    // The tables above are there.
    EXPECT_EQ(tables->map(Iova(block), Pa(0), block, 1, kReadWrite), mapped(block));
    const std::uint64_t before = tables->live_tables();
    caches.on_table = [&] {
      EXPECT_EQ(tables->map(Iova(0), Pa(block), block, 1, kReadWrite), mapped(block));
    };
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), refused(std::errc::file_exists));
    EXPECT_EQ(tables->live_tables(), before);
    EXPECT_EQ(tables->iova_to_phys(Iova(0)), Pa(block));
  }
}

}  // namespace
}  // namespace smmu::iommu::concurrency_test
