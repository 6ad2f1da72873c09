// Pages that were written to (DDI 0487, D8.5.2): DBM set and AP[2] taken away by the SMMU.
#include <random>
#include <set>
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::dirty_test {
namespace {

using Format = PgtableFormat;

constexpr std::uint64_t kReadOnly = 1 << 7;  // AP[2]
constexpr std::uint64_t kHint = std::uint64_t{1} << 52;

struct Sink : DirtySink {
  void dirty(Iova iova, std::uint64_t size) override { pages.emplace_back(iova.value, size); }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pages;
};
using Pages = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

class Dirty : public Pgtable {
 protected:
  static PgtableConfig config(PgtableQuirks quirks = {.dirty = true}) {
    return config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, quirks);
  }
  Pages read(IoPgtable& tables, std::uint64_t iova, std::uint64_t size,
             DirtyBits bits = DirtyBits::kClear) {
    Sink sink;
    EXPECT_TRUE(tables.read_and_clear_dirty(Iova(iova), size, bits, sink));
    return sink.pages;
  }
  // What an SMMU does with the first write to a page.
  void write(IoPgtable& tables, std::uint64_t iova) {
    const auto leaf = NaiveWalk(ram_, tables).at(Iova(iova));
    ASSERT_TRUE(leaf);
    EXPECT_EQ(ram_.store64(leaf->at, leaf->descriptor & ~kReadOnly), BusResponse::kOkay);
  }
};

TEST_F(Dirty, PagesAreToldOnceUntilTheyAreWrittenToAgain) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 4, kReadWrite), mapped(4 * k4K));
  // A new page may be written to without a note.
  EXPECT_EQ(read(*tables, 0, 4 * k4K),
            (Pages{{0, k4K}, {k4K, k4K}, {2 * k4K, k4K}, {3 * k4K, k4K}}));
  EXPECT_EQ(descriptor(*tables, 0) & kReadOnly, kReadOnly);
  EXPECT_EQ(read(*tables, 0, 4 * k4K), Pages{});
  write(*tables, 2 * k4K);
  EXPECT_EQ(read(*tables, 0, 4 * k4K, DirtyBits::kKeep), (Pages{{2 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 0, 4 * k4K, DirtyBits::kKeep), (Pages{{2 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 0, 2 * k4K), Pages{});
  EXPECT_EQ(read(*tables, 0, 4 * k4K), (Pages{{2 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 0, 4 * k4K), Pages{});
}

TEST_F(Dirty, PagesAreThoseThatMayBeWrittenTo) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, Prot::kRead), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k4K), Pa(0), k4K, 1, Prot::kWrite), mapped(k4K));
  EXPECT_EQ(read(*tables, 0, 2 * k4K), (Pages{{k4K, k4K}}));
  EXPECT_EQ(descriptor(*tables, 0) & kReadOnly, kReadOnly);
}

TEST_F(Dirty, BlocksAreToldWholeAndOnce) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(k2M), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(2 * k2M), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(read(*tables, k2M + 0x5123, k2M - 0x5123 + 1), (Pages{{k2M, k2M}, {2 * k2M, k4K}}));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k1G, 2, kReadWrite), mapped(2 * k1G));
  EXPECT_EQ(read(*tables, 2 * k1G - 1, 2), (Pages{{k1G, k1G}, {2 * k1G, k1G}}));
}

TEST_F(Dirty, TellsWhatComesBeforeAHole) {
  const auto tables = create(config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 2, kReadWrite), mapped(2 * k4K));
  EXPECT_EQ(tables->map(Iova(3 * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  Sink sink;
  EXPECT_EQ(tables->read_and_clear_dirty(Iova(0), 4 * k4K, DirtyBits::kClear, sink).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(sink.pages, (Pages{{0, k4K}, {k4K, k4K}}));
  EXPECT_EQ(tables->read_and_clear_dirty(Iova(k1G), 1, DirtyBits::kClear, sink).error(),
            std::errc::invalid_argument);
}

TEST_F(Dirty, RefusesRangesThatAreNone) {
  const auto tables = create(config());
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 48;
  EXPECT_EQ(tables->map(Iova(kEnd - k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  Sink sink;
  const auto refused = [&](std::uint64_t iova, std::uint64_t size) {
    const auto done = tables->read_and_clear_dirty(Iova(iova), size, DirtyBits::kClear, sink);
    return !done && done.error() == std::errc::invalid_argument && sink.pages.empty();
  };
  EXPECT_TRUE(refused(kEnd - k4K, 0));
  EXPECT_TRUE(refused(kEnd, 1));
  EXPECT_TRUE(refused(kEnd - k4K, k4K + 1));
  EXPECT_TRUE(refused(kEnd - k4K, ~std::uint64_t{0}));
  EXPECT_TRUE(refused(kEnd - k4K, std::uint64_t{0} - (kEnd - k4K) + k4K));
  EXPECT_EQ(read(*tables, kEnd - k4K, k4K), (Pages{{kEnd - k4K, k4K}}));
}

TEST_F(Dirty, TellsAddressesOfTheUpperHalf) {
  const auto tables = create(config({.ttbr1 = true, .dirty = true}));
  const std::uint64_t last = -k4K;
  EXPECT_EQ(tables->map(Iova(last), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(read(*tables, last, k4K), (Pages{{last, k4K}}));
  Sink sink;
  EXPECT_FALSE(tables->read_and_clear_dirty(Iova(last), k4K + 1, DirtyBits::kClear, sink));
}

TEST_F(Dirty, IsNotKnownWithoutTheQuirk) {
  for (const auto& made : {config_of(Format::kAArch64Stage1, kSizes4K),
                           config_of(Format::kAArch64Stage2, kSizes4K), short_config()}) {
    const auto tables = create(made);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
    Sink sink;
    EXPECT_EQ(tables->read_and_clear_dirty(Iova(0), k4K, DirtyBits::kClear, sink).error(),
              std::errc::operation_not_supported);
  }
}

// D8.5.5: the SMMU may note a write to any page of a contiguous run in one of its descriptors, and
// where one says so the others need not.
TEST_F(Dirty, OnePageOfAContiguousRunStandsForAll) {
  const auto tables = create(config({.dirty = true, .contiguous = true}));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 32, kReadWrite), mapped(32 * k4K));
  EXPECT_EQ(read(*tables, 0, 32 * k4K).size(), 32U);
  EXPECT_EQ(read(*tables, 0, 32 * k4K).size(), 0U);
  write(*tables, 5 * k4K);
  EXPECT_EQ(read(*tables, 2 * k4K, k4K, DirtyBits::kKeep), (Pages{{2 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 0, 32 * k4K).size(), 16U);
  EXPECT_EQ(read(*tables, 0, 32 * k4K).size(), 0U);
  // Only those that were asked for are cleared, and until all are they are told of again.
  write(*tables, 5 * k4K);
  EXPECT_EQ(read(*tables, 4 * k4K, k4K), (Pages{{4 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 4 * k4K, k4K), (Pages{{4 * k4K, k4K}}));
  // Its note is theirs, of whom nobody has been told.
  EXPECT_EQ(read(*tables, 5 * k4K, k4K), (Pages{{5 * k4K, k4K}}));
  EXPECT_EQ(read(*tables, 8 * k4K, 8 * k4K).size(), 8U);
  EXPECT_EQ(read(*tables, 0, 8 * k4K).size(), 7U);
  EXPECT_EQ(read(*tables, 0, 16 * k4K).size(), 0U);
}

// Whatever parts of a run are asked for, and in whatever order, nobody misses that it was written.
TEST_F(Dirty, NoPartOfARunIsClearedWithoutTheRestBeingKept) {
  const struct {
    std::uint64_t sizes, run;
  } kRows[] = {{kSizes4K, 16}, {kSizes16K, 128}, {kSizes64K, 32}};
  std::minstd_rand random(3);
  for (int round = 0; round != 300; ++round) {
    const auto& [sizes, run] = kRows[round % 3];
    const std::uint64_t page = sizes & -sizes;
    auto wanted = config({.dirty = true, .contiguous = true});
    wanted.page_sizes = sizes;
    const auto tables = create(wanted);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), page, 2 * run, kReadWrite), mapped(2 * run * page));
    read(*tables, 0, 2 * run * page);
    write(*tables, random() % run * page);
    std::set<std::uint64_t> told;
    for (int i = 0; i != 10'000 && told.size() != run; ++i) {
      const std::uint64_t first = random() % run;
      const std::uint64_t count = 1 + random() % (run + 4 - first);
      for (const auto& [iova, size] : read(*tables, first * page, count * page)) {
        EXPECT_LT(iova, run * page);
        told.insert(iova);
      }
    }
    EXPECT_EQ(told.size(), run);
    read(*tables, 0, run * page);
    EXPECT_EQ(read(*tables, 0, 2 * run * page).size(), 0U);
  }
}

// A page that has been told of may be written to while the rest is read.
TEST_F(Dirty, ANoteThatComesWhileARunIsReadIsKept) {
  const auto tables = create(config({.dirty = true, .contiguous = true}));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite), mapped(16 * k4K));
  read(*tables, 0, 16 * k4K);
  write(*tables, 0);
  struct WritesOn : DirtySink {
    void dirty(Iova iova, std::uint64_t) override {
      if (iova == Iova(0)) write();
    }
    std::function<void()> write;
  } sink;
  sink.write = [&] { write(*tables, 5 * k4K); };
  EXPECT_TRUE(tables->read_and_clear_dirty(Iova(0), 16 * k4K, DirtyBits::kClear, sink));
  EXPECT_EQ(read(*tables, 0, 16 * k4K).size(), 16U);
  EXPECT_EQ(read(*tables, 0, 16 * k4K).size(), 0U);
}

// What was cleared for the rest of a run is still to be told when the run is one no more.
TEST_F(Dirty, WhatIsUntoldOfARunIsToldWhenItIsTakenApart) {
  for (const unsigned level : {0U, 2U}) {
    auto with = config({.dirty = true, .contiguous = true, .split_blocks = true});
    with.break_before_make = level;
    const auto tables = create(with);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 16, kReadWrite), mapped(16 * k2M));
    read(*tables, 0, 16 * k2M);
    write(*tables, 5 * k2M);
    EXPECT_EQ(read(*tables, 4 * k2M, 2 * k2M).size(), 2U);
    EXPECT_EQ(tables->unmap(Iova(8 * k2M), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_EQ(read(*tables, 4 * k2M, 2 * k2M).size(), 0U);
    EXPECT_EQ(read(*tables, 0, 4 * k2M).size(), 4U);
    EXPECT_EQ(read(*tables, 8 * k2M + k4K, k2M - k4K).size(), 511U);
    EXPECT_EQ(read(*tables, 9 * k2M, 7 * k2M).size(), 7U);
    EXPECT_EQ(read(*tables, 8 * k2M + k4K, 8 * k2M - k4K).size(), 0U);
  }
}

TEST_F(Dirty, PagesOfARunStayDirtyWhenTheOneThatSaysSoGoes) {
  for (const unsigned level : {0U, 2U}) {
    auto with = config({.dirty = true, .contiguous = true});
    with.break_before_make = level;
    const auto tables = create(with);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 16, kReadWrite), mapped(16 * k4K));
    EXPECT_EQ(read(*tables, 0, 16 * k4K).size(), 16U);
    write(*tables, 5 * k4K);
    EXPECT_EQ(tables->unmap(Iova(5 * k4K), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_EQ(descriptor(*tables, 0) & kHint, 0U);
    EXPECT_EQ(read(*tables, 0, 5 * k4K).size(), 5U);
    EXPECT_EQ(read(*tables, 6 * k4K, 10 * k4K).size(), 10U);
    EXPECT_EQ(read(*tables, 0, 5 * k4K).size(), 0U);
  }
}

}  // namespace
}  // namespace smmu::iommu::dirty_test
