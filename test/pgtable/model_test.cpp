// Random calls of every format, against a model that has no tables, and a walk that knows the
// manual alone.
#include <fmt/format.h>

#include <random>

#include "test/pgtable/rig.h"
#include "test/pgtable/table_model.h"

namespace smmu::iommu::model_test {
namespace {

using Format = PgtableFormat;

struct Attributes {
  Prot prot;
  std::uint64_t stage1, stage2;         // without address and type
  std::uint32_t small, large, section;  // of short descriptors, with the type
};
constexpr Attributes kAttributes[] = {
    {kReadWrite | Prot::kCache, 0xf44, 0x7fc, 0xc7e, 0x1c3d, 0x3'1c0e},
    {Prot::kRead | Prot::kCache, 0xfc4, 0x77c, 0xe7e, 0x1e3d, 0x3'9c0e},
    {Prot::kWrite | Prot::kNoExec | Prot::kMmio, 0x0060'0000'0000'0e48, 0x0060'0000'0000'0684,
     0xc37, 0x8c35, 0x3'0c16},
};

class Model {
 public:
  static constexpr Pa kBase{0x4000'0000};
  static constexpr std::uint64_t kPool = 64 << 20;

  Model(const PgtableConfig& config, unsigned seed) : random_(seed) {
    EXPECT_TRUE(ram_.add(kBase, kPool));
    pool_ = *PagePool::create(ram_, kBase, kPool);
    tables_ = *IoPgtable::create(config, *pool_, invalidation_);
    model_.emplace(tables_->config(), tables_->registers().start_level);
    for (std::uint64_t left = tables_->page_sizes(); left != 0; left &= left - 1) {
      sizes_.push_back(left & -left);
    }
  }
  ~Model() {
    tables_.reset();
    EXPECT_EQ(pool_->live(), 0U);
  }

  void step() {
    const std::uint64_t size = sizes_[random_() % sizes_.size()];
    std::uint64_t iova = model_->first() + address();
    if (random_() % 4 != 0) iova &= ~(size - 1);
    constexpr std::uint64_t kCounts[] = {1, 1, 1, 2, 3, 16, 17, 40, 130, 600, 9000};
    const std::uint64_t count = kCounts[random_() % std::size(kCounts)];
    if (random_() % 2 == 0) {
      const Attributes& with = kAttributes[random_() % std::size(kAttributes)];
      // Often what lies alike, so that runs may be contiguous; sometimes what is beyond.
      const std::uint64_t most = std::uint64_t{1} << tables_->config().output_bits;
      std::uint64_t pa =
          random_() % 2 == 0 ? (iova - model_->first()) % most : (random_() * size) % most;
      if (random_() % 16 == 0) pa = most - size * (random_() % 3);
      const Mapped expected = model_->map(iova, pa, size, count, with.prot);
      EXPECT_EQ(tables_->map(Iova(iova), Pa(pa), size, count, with.prot), expected)
          << fmt::format("map {:#x} {:#x} {:#x} {}", iova, pa, size, count);
    } else {
      const Unmapped expected = model_->unmap(iova, size, count);
      EXPECT_EQ(tables_->unmap(Iova(iova), size, count), expected)
          << fmt::format("unmap {:#x} {:#x} {}", iova, size, count);
    }
    for (int i = 0; i != 4; ++i) {
      const std::uint64_t somewhere = model_->first() + address();
      const auto expected = model_->iova_to_phys(somewhere);
      EXPECT_EQ(tables_->iova_to_phys(Iova(somewhere)), expected)
          << fmt::format("{:#x}", somewhere);
      const auto leaf = NaiveWalk(ram_, *tables_).at(Iova(somewhere));
      EXPECT_EQ(leaf.has_value(), expected.has_value());
      if (leaf && expected) {
        EXPECT_EQ(leaf->pa + (somewhere & (leaf->size - 1)), expected->value);
      }
    }
    EXPECT_EQ(tables_->live_tables(), model_->tables());
  }
  void trim() {
    model_->trim();
    tables_->trim();
  }

  // All of the tables.
  void compare() {
    const auto found = NaiveWalk(ram_, *tables_).all();
    EXPECT_EQ(found.tables.size(), model_->tables());
    ASSERT_EQ(found.leaves.size(), model_->leaves().size());
    auto expected = model_->leaves().begin();
    for (const auto& [iova, leaf] : found.leaves) {
      ASSERT_EQ(iova - model_->first(), expected->first);
      ASSERT_EQ(leaf.size, expected->second.size);
      ASSERT_EQ(leaf.pa, expected->second.pa);
      ASSERT_EQ(leaf.descriptor & ~kHint, descriptor(leaf, expected->second))
          << fmt::format("{:#x} at {:#x}", leaf.descriptor, iova);
      if ((leaf.descriptor & kHint) != 0) check_run(found, iova, leaf);
      ++expected;
    }
  }

 private:
  static constexpr std::uint64_t kHint = std::uint64_t{1} << 52;

  // Close to the ends of tables, so that they are met.
  std::uint64_t address() {
    std::uint64_t address = 0;
    unsigned above = tables_->config().input_bits;
    for (const unsigned shift : model_->shifts()) {
      const std::uint64_t entries = std::uint64_t{1} << (above - shift);
      const std::uint64_t kChoices[] = {0, 1, 2, 15, 16, entries / 2, entries - 2, entries - 1};
      address |= (kChoices[random_() % std::size(kChoices)] & (entries - 1)) << shift;
      above = shift;
    }
    return address | (random_() % 4096);
  }

  std::uint64_t descriptor(const NaiveLeaf& leaf, const TableModel::Leaf& expected) const {
    const Attributes* with = kAttributes;
    while (with->prot != expected.prot) ++with;
    const std::uint64_t pa = expected.pa;
    switch (tables_->config().format) {
      case Format::kAArch32Short:
        switch (expected.size) {
          case k4K:
            return pa | with->small;
          case k64K:
            return pa | with->large;
          case k1M:
            return pa | with->section;
          default:
            return pa | with->section | 1 << 18;
        }
      case Format::kAArch64Stage2:
      case Format::kAArch32LongStage2:
        return address_bits(pa) | with->stage2 | (leaf.level == 3 ? 0b11 : 0b01);
      default:
        return address_bits(pa) | with->stage1 | (leaf.level == 3 ? 0b11 : 0b01);
    }
  }
  static std::uint64_t address_bits(std::uint64_t pa) {
    return (pa & 0xffff'ffff'ffff) | (pa >> 48 << 12);
  }
  // Table D8-104: all of the aligned run have the bit, and lie one after the other.
  void check_run(const NaiveTables& found, std::uint64_t iova, const NaiveLeaf& leaf) const {
    EXPECT_TRUE(tables_->config().quirks.contiguous);
    const std::uint64_t granule = tables_->page_sizes() & -tables_->page_sizes();
    const std::uint64_t run = granule == k4K         ? 16
                              : granule == k64K      ? 32
                              : leaf.size == granule ? 128
                                                     : 32;
    EXPECT_TRUE(granule != k64K || leaf.level != 1);
    const std::uint64_t first = iova & ~(run * leaf.size - 1);
    const std::uint64_t pa = leaf.pa & ~(run * leaf.size - 1);
    EXPECT_EQ(leaf.pa - pa, iova - first);
    for (std::uint64_t i = 0; i != run; ++i) {
      const auto other = found.leaves.find(first + i * leaf.size);
      ASSERT_TRUE(other != found.leaves.end());
      ASSERT_EQ(other->second.pa, pa + i * leaf.size);
      ASSERT_NE(other->second.descriptor & kHint, 0U);
    }
  }

  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  RecordingInvalidation invalidation_;
  std::unique_ptr<IoPgtable> tables_;
  std::optional<TableModel> model_;
  std::vector<std::uint64_t> sizes_;
  std::mt19937_64 random_;
};

struct Shape {
  const char* name;
  Format format;
  std::uint64_t sizes;
  unsigned input, output;
  PgtableQuirks quirks = {};
};
constexpr PgtableQuirks kUpper{.ttbr1 = true};
constexpr PgtableQuirks kRuns{.contiguous = true};
constexpr PgtableQuirks kSplits{.split_blocks = true};
constexpr PgtableQuirks kBoth{.contiguous = true, .split_blocks = true};
constexpr Format kS1 = Format::kAArch64Stage1, kS2 = Format::kAArch64Stage2;
constexpr Shape kShapes[] = {
    {"Stage1Of4K", kS1, kSizes4K, 48, 48},
    {"Stage1Of4KFromLevel1", kS1, kSizes4K, 39, 40},
    {"Stage1Of4KFromAPartOfLevel1", kS1, kSizes4K, 33, 36},
    {"Stage1Of4KFromLevel2", kS1, kSizes4K, 30, 32},
    {"Stage1Of4KWithoutBlocks", kS1, k4K, 48, 48},
    {"Stage1Of16K", kS1, kSizes16K, 48, 48},
    {"Stage1Of16KFromLevel3", kS1, kSizes16K, 25, 40},
    {"Stage1Of64K", kS1, kSizes64K, 48, 48},
    {"Stage1Of64KAnd52Bits", kS1, kSizes64K, 52, 52},
    {"Stage1Of4KAbove", kS1, kSizes4K, 48, 48, kUpper},
    {"Stage1Of64KAbove", kS1, kSizes64K, 42, 52, kUpper},
    {"Stage2Of4K", kS2, kSizes4K, 48, 48},
    {"Stage2Of4KConcatenated", kS2, kSizes4K, 42, 42},
    {"Stage2Of16K", kS2, kSizes16K, 48, 48},
    {"Stage2Of16KConcatenated", kS2, kSizes16K, 40, 40},
    {"Stage2Of64K", kS2, kSizes64K, 52, 52},
    {"Stage2Of64KConcatenated", kS2, kSizes64K, 43, 42},
    {"LongStage1", Format::kAArch32LongStage1, kSizes4K, 32, 40},
    {"LongStage1FromLevel2", Format::kAArch32LongStage1, kSizes4K, 28, 32},
    {"LongStage2", Format::kAArch32LongStage2, kSizes4K, 40, 40},
    {"LongStage2From34Bits", Format::kAArch32LongStage2, kSizes4K, 34, 40},
    {"Short", Format::kAArch32Short, kSizesShort, 32, 32},
    {"ShortWithoutSupersections", Format::kAArch32Short, k4K | k64K | k1M, 32, 32},
    {"ShortOf27Bits", Format::kAArch32Short, kSizesShort, 27, 32},
    {"ContiguousOf4K", kS1, kSizes4K, 48, 48, kRuns},
    {"ContiguousOf16K", kS2, kSizes16K, 48, 48, kRuns},
    {"ContiguousOf64K", kS1, kSizes64K, 52, 52, kRuns},
    {"SplitOf4K", kS1, kSizes4K, 39, 48, kSplits},
    {"SplitOf16K", kS1, kSizes16K, 36, 48, kSplits},
    {"SplitOf64K", kS2, k64K | k512M, 42, 48, kSplits},
    {"ContiguousAndSplitOf4K", kS2, kSizes4K, 39, 48, kBoth},
};

class EveryShape : public ::testing::TestWithParam<Shape> {};

TEST_P(EveryShape, MapsWhatTheModelMaps) {
  const Shape& shape = GetParam();
  for (const unsigned level : {0U, 2U}) {
    if (level == 2 && !shape.quirks.contiguous && !shape.quirks.split_blocks) continue;
    auto config = config_of(shape.format, shape.sizes, shape.input, shape.output, shape.quirks);
    config.break_before_make = level;
    Model model(config, 1000 + level);
    for (int i = 1; i != 601; ++i) {
      SCOPED_TRACE(i);
      model.step();
      if (i % 50 == 0) model.compare();
      if (i % 200 == 0) model.trim();
      if (::testing::Test::HasFailure()) return;
    }
    model.compare();
  }
}

INSTANTIATE_TEST_SUITE_P(Pgtable, EveryShape, ::testing::ValuesIn(kShapes),
                         [](const auto& shape) { return shape.param.name; });

}  // namespace
}  // namespace smmu::iommu::model_test
