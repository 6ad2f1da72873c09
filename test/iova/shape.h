// Domains of all shapes, and where in them the tests ask.
#ifndef SMMU_TEST_IOVA_SHAPE_H_
#define SMMU_TEST_IOVA_SHAPE_H_

#include <cstddef>
#include <cstdint>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"

namespace smmu::iommu {

// What may be asked of one domain.
struct Shape {
  std::uint64_t granule = 4096;
  Pfn start = 1;
  Pfn end = 0;
  Pfn boundary = 0;
  IovaConfig config;

  // Where requests and reservations mostly are, and how big and how many they are.
  Pfn low = 0;
  Pfn high = 0;
  std::uint64_t pages = 1;
  std::size_t ranges = 1;
};

inline Shape any_shape(Dice& dice, const IovaConfig& config) {
  constexpr std::uint64_t kGranules[] = {1, 4096, 65536};
  Shape shape;
  shape.config = config;
  shape.granule = kGranules[dice.below(3)];
  shape.boundary = (std::uint64_t{1} << 32) / shape.granule;
  shape.end = shape.granule == 1 ? ~Pfn{0} : ~Pfn{0} / shape.granule + 1;
  shape.ranges = dice.between(1, dice.one_in(8) ? 1500 : 120);
  shape.pages = std::uint64_t{1} << dice.below(9);

  // A few thousand pages, or many: around the boundary, at the bottom, at the top, anywhere.
  const std::uint64_t width = dice.one_in(4) ? dice.between(5000, shape.boundary / 2) : 4000;
  switch (dice.below(5)) {
    case 0:
      shape.low = 0;
      break;
    case 1:
      shape.low = shape.end - width;
      break;
    case 2:
      shape.low = dice.below(shape.end - width);
      break;
    default:
      shape.low = shape.boundary - dice.below(width);
      break;
  }
  shape.high = shape.low + width - 1;
  switch (dice.below(4)) {
    case 0:
      shape.start = 0;
      break;
    case 1:
      shape.start = 1;
      break;
    default:
      shape.start = shape.low + dice.below(width / 4);
      break;
  }
  return shape;
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_SHAPE_H_
