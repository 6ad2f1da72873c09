// The window against one that looks through a list, over random doorbells of all sizes and rights.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "lib/iommu/reserved_iova.h"
#include "test/iommu/naive_window.h"
#include "test/iommu/window_tables.h"

namespace smmu::iommu::reserved_iova_model_test {
namespace {

struct Shape {
  std::uint64_t seed;
  unsigned order;
  std::uint64_t granules;
  std::uint64_t places;   // of doorbells, a granule apart
  std::uint64_t longest;  // granules of one
};

class ReservedIovaModel : public ::testing::TestWithParam<Shape> {};

TEST_P(ReservedIovaModel, AnswersAsAListWould) {
  const Shape shape = GetParam();
  const std::uint64_t granule = std::uint64_t{1} << shape.order;
  std::mt19937_64 engine(shape.seed);
  const auto below = [&](std::uint64_t sides) { return engine() % sides; };
  constexpr Prot kRights[] = {Prot::kRead,
                              Prot::kWrite,
                              Prot::kWrite | Prot::kNoExec,
                              kReadWrite | Prot::kNoExec,
                              kReadWrite,
                              Prot::kWrite | Prot::kNoExec | Prot::kPriv,
                              kReadWrite | Prot::kPriv};

  WindowTables tables;
  ReservedIova reserved(tables);
  // It does not begin at a multiple of its size.
  const Iova base(0x5'0000'0000 + 3 * granule);
  const auto window = ReservedWindow::of(base, shape.granules * granule, shape.order, kReadWrite);
  ASSERT_TRUE(window);
  ASSERT_TRUE(reserved.alloc(*window));
  NaiveWindow naive(base, shape.granules, granule);

  std::vector<Iova> held;
  for (int step = 0; step < 20'000; ++step) {
    SCOPED_TRACE(step);
    // It fills up, and empties again.
    const bool filling = (step / 500) % 2 == 0;
    if (below(100) < (filling ? 65u : 35u)) {
      const Pa pa(0x1000'0000 + below(shape.places * granule));
      const std::uint64_t size = 1 + below(below(3) == 0 ? shape.longest * granule : 16);
      const Prot prot = kRights[below(std::size(kRights))];
      const auto expected = naive.get(pa, size, prot);
      const auto answer = reserved.get(pa, size, prot);
      ASSERT_EQ(answer.has_value(), expected.has_value());
      if (!answer) {
        ASSERT_EQ(answer.error(), std::errc::not_enough_memory);
        continue;
      }
      ASSERT_EQ(*answer, *expected);
      held.push_back(*answer);
    } else if (below(50) == 0) {
      const Iova anywhere(base.value + below((shape.granules + 2) * granule) - granule);
      // Not what is held: others count on it.
      if (naive.iova_to_phys(anywhere)) continue;
      naive.put(anywhere);
      reserved.put(anywhere);
    } else if (!held.empty()) {
      const std::uint64_t which = below(held.size());
      std::swap(held[which], held.back());
      naive.put(held.back());
      reserved.put(held.back());
      held.pop_back();
    }
    ASSERT_EQ(tables.mapped(), naive.bindings().size());
    ASSERT_EQ(tables.mistakes(), 0u);
    for (const Iova iova : held) {
      if (below(8) != 0) continue;
      ASSERT_EQ(tables.iova_to_phys(iova), naive.iova_to_phys(iova));
    }
  }
  reserved.free();
  EXPECT_EQ(tables.mapped(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ReservedIovaModel,
                         ::testing::Values(Shape{1, 12, 16, 4, 1}, Shape{2, 12, 64, 16, 4},
                                           Shape{3, 16, 33, 12, 7}, Shape{4, 14, 128, 3, 3},
                                           Shape{5, 12, 256, 64, 16}, Shape{6, 12, 1, 2, 1}));

}  // namespace
}  // namespace smmu::iommu::reserved_iova_model_test
