// The largest and the smallest range of input addresses of each granule (IHI 0070, 3.4.1 and 5.4;
// DDI 0487, D8.2).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::input_range_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::SMMU_IDR3;

constexpr StreamId kStream(9);

// Input ranges: T0SZ, the granule.
struct Range {
  unsigned granule_bits;
  unsigned t0sz;
  unsigned levels;  // of tables
};

void PrintTo(const Range& range, std::ostream* out) {
  *out << (1U << (range.granule_bits - 10)) << "K granule, T0SZ " << range.t0sz;
}

// Counts descriptors, to tell at which level a walk starts.
class Walks final : public emulator::Observer {
 public:
  void on_table_access(const emulator::TableAccess&) override { ++descriptors; }
  unsigned descriptors = 0;
};

class InputRanges : public ::testing::TestWithParam<Range> {
 protected:
  static emulator::SmmuV3Config uncached() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = emulator::CachePolicy::kNone;
    return config;
  }
  void SetUp() override { board_.bring_up(); }

  Walks walks_;
  Board board_{{.config = uncached(), .observer = &walks_}};
};

TEST_P(InputRanges, GoFromTheFirstPageToTheLastAndNoFurther) {  // 3.4.1; DDI 0487, D8.2.8 to 10
  const auto [granule_bits, t0sz, levels] = GetParam();
  const std::uint64_t granule = std::uint64_t{1} << granule_bits;
  const std::uint64_t end = std::uint64_t{1} << (64 - t0sz);
  PageTable table = board_.page_table({.granule_bits = granule_bits, .t0sz = t0sz});
  const Pa first(granule * 3);
  const Pa last(granule * 5);
  table.map(Iova(0), first, granule);
  table.map(Iova(end - granule), last, granule);
  board_.attach(kStream, table);

  const DmaDevice device = board_.device(kStream);
  EXPECT_THAT(device.translate(Iova(0)), TranslatesTo(first));
  EXPECT_EQ(walks_.descriptors, levels);
  EXPECT_THAT(device.translate(Iova(end - 1)), TranslatesTo(Pa(last.value + granule - 1)));
  EXPECT_THAT(board_.events(), IsEmpty());
  walks_.descriptors = 0;
  EXPECT_THAT(device.translate(Iova(end)), Aborts());
  EXPECT_EQ(walks_.descriptors, 0U);
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(end))));
}

TEST_P(InputRanges, OfTheUpperHalfEndAtTheTop) {  // 5.4, T1SZ
  const auto [granule_bits, t1sz, levels] = GetParam();
  const std::uint64_t granule = std::uint64_t{1} << granule_bits;
  const std::uint64_t begin = ~std::uint64_t{0} << (64 - t1sz);
  PageTable table = board_.page_table({.granule_bits = granule_bits, .t0sz = t1sz});
  const Pa first(granule * 3);
  table.map(Iova(begin), first, granule);
  const Pa cd = board_.attach(kStream, table);
  store(board_.memory(), cd,
        CD(context(table))
            .set(CD::EPD0, true)
            .set(CD::EPD1, false)
            .set(CD::T1SZ, t1sz)
            .set(CD::TG1, granule_bits == 12   ? TG1::k4K
                          : granule_bits == 14 ? TG1::k16K
                                               : TG1::k64K)
            .set(CD::TTB1, table.root().value));
  const DmaDevice device = board_.device(kStream);
  EXPECT_THAT(device.translate(Iova(begin)), TranslatesTo(first));
  EXPECT_EQ(walks_.descriptors, levels);
  EXPECT_THAT(device.translate(Iova(begin - 1)), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(begin - 1))));
}

// The largest and the smallest range, and both sides of each step between levels (DDI 0487, Tables
// D8-18, D8-28 and D8-37).
INSTANTIATE_TEST_SUITE_P(Every, InputRanges,
                         ::testing::Values(Range{12, 16, 4}, Range{12, 24, 4}, Range{12, 25, 3},
                                           Range{12, 33, 3}, Range{12, 34, 2}, Range{12, 39, 2},
                                           Range{12, 40, 2}, Range{12, 42, 2}, Range{12, 43, 1},
                                           Range{12, 48, 1}, Range{14, 16, 4}, Range{14, 17, 3},
                                           Range{14, 27, 3}, Range{14, 28, 2}, Range{14, 38, 2},
                                           Range{14, 39, 1}, Range{14, 48, 1}, Range{16, 16, 3},
                                           Range{16, 21, 3}, Range{16, 22, 2}, Range{16, 34, 2},
                                           Range{16, 35, 1}, Range{16, 39, 1}, Range{16, 47, 1}));

// What a CD may not say.
TEST(T0sz, HasALeastAndAMost) {  // 5.4, T0SZ: 48-bit addresses; STT
  for (const bool small_tables : {true, false}) {
    auto config = emulator::SmmuV3Config::everything();
    config.idr3.set(SMMU_IDR3::STT, small_tables);
    for (const unsigned granule_bits : {12U, 14U, 16U}) {
      const unsigned most = !small_tables ? 39 : granule_bits == 16 ? 47 : 48;
      for (const unsigned t0sz : {0U, 12U, 15U, 16U, most, most + 1, 63U}) {
        SCOPED_TRACE(::testing::Message() << granule_bits << " bits, T0SZ " << t0sz);
        Board board({.config = config});
        board.bring_up();
        // 52 bits with the 64 KiB granule; with the others they take CD.DS.
        const unsigned least = granule_bits == 16 ? 12 : 16;
        const bool legal = t0sz >= least && t0sz <= most;
        PageTable table =
            board.page_table({.granule_bits = granule_bits, .t0sz = legal ? t0sz : 16});
        const std::uint64_t granule = std::uint64_t{1} << granule_bits;
        table.map(Iova(0), Pa(granule), granule);
        const Pa cd = board.attach(kStream, table);
        store(board.memory(), cd, context(table).set(CD::T0SZ, t0sz));
        const auto outcome = board.device(kStream).translate(Iova(0));
        if (legal) {
          EXPECT_THAT(outcome, TranslatesTo(Pa(granule)));
        } else {
          EXPECT_THAT(outcome, Aborts());
          EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace smmu::testing::input_range_test
