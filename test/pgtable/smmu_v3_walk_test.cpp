// An SMMUv3 finds in the tables what was mapped: addresses, rights and memory types.
#include <fmt/format.h>

#include <optional>
#include <vector>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"
#include "test/pgtable/rig.h"

namespace smmu::iommu::smmu_v3_walk_test {
namespace {

using emulator::Direction;
using emulator::Outcome;
using emulator::Translation;
using testing::Aborts;
using testing::Board;
using testing::command;
using testing::DmaDevice;
using testing::TranslatesTo;
using v3::CD;
using v3::STE;
using Format = PgtableFormat;

constexpr StreamId kStream(9);

class SmmuV3Walk : public ::testing::Test {
 protected:
  SmmuV3Walk() : device_(board_.device(kStream)) {
    board_.bring_up();
    constexpr std::uint64_t kPool = 32 << 20;
    pool_ = *PagePool::create(board_.memory(), board_.allocate(kPool, kPool), kPool);
  }

  std::unique_ptr<IoPgtable> create(const PgtableConfig& config) {
    auto made = IoPgtable::create(config, *pool_, invalidation_);
    EXPECT_TRUE(made);
    return *std::move(made);
  }
  // What a driver makes of registers().  `also`: fields of the CD that are for more.
  void use(const IoPgtable& tables, CD also = CD()) {
    const PgtableRegisters& registers = tables.registers();
    const Format format = tables.config().format;
    if (is_stage2(format)) {
      const unsigned sl0 =
          registers.granule == TG0::k4K ? 2 - registers.start_level : 3 - registers.start_level;
      board_.attach(kStream, testing::bypass()
                                 .set(STE::Config, v3::SteConfig::kS2Translate)
                                 .set(STE::S2VMID, 1)
                                 .set(STE::S2T0SZ, registers.tsz)
                                 .set(STE::S2SL0, sl0)
                                 .set(STE::S2TG, registers.granule)
                                 .set(STE::S2PS, registers.output_size)
                                 .set(STE::S2IR0, registers.inner)
                                 .set(STE::S2OR0, registers.outer)
                                 .set(STE::S2SH0, registers.shareability)
                                 .set(STE::S2AA64, format == Format::kAArch64Stage2)
                                 .set(STE::S2R, true)
                                 .set(STE::S2TTB, registers.root.value));
    } else {
      CD cd = also.set(CD::V, true)
                  .set(CD::IPS, registers.output_size)
                  .set(CD::AA64, format == Format::kAArch64Stage1)
                  .set(CD::R, true)
                  .set(CD::A, true)
                  .set(CD::ASET, true)
                  .set(CD::ASID, 1)
                  .set(CD::MAIR0, static_cast<std::uint32_t>(registers.memory_attributes))
                  .set(CD::MAIR1, static_cast<std::uint32_t>(registers.memory_attributes >> 32));
      if (tables.config().quirks.ttbr1) {
        const TG1 granule = registers.granule == TG0::k4K    ? TG1::k4K
                            : registers.granule == TG0::k16K ? TG1::k16K
                                                             : TG1::k64K;
        cd.set(CD::EPD0, true)
            .set(CD::T1SZ, registers.tsz)
            .set(CD::TG1, granule)
            .set(CD::IR1, registers.inner)
            .set(CD::OR1, registers.outer)
            .set(CD::SH1, registers.shareability)
            .set(CD::TTB1, registers.root.value);
      } else {
        cd.set(CD::EPD1, true)
            .set(CD::T0SZ, registers.tsz)
            .set(CD::TG0, registers.granule)
            .set(CD::IR0, registers.inner)
            .set(CD::OR0, registers.outer)
            .set(CD::SH0, registers.shareability)
            .set(CD::TTB0, registers.root.value);
      }
      const Pa at = board_.allocate(CD::kSize, CD::kSize);
      testing::store(board_.memory(), at, cd);
      board_.attach(kStream, testing::translate(at));
    }
    forget();
  }
  void forget() { board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>()); }

  Outcome translate(std::uint64_t iova) { return device_.translate(Iova(iova)); }
  std::optional<Translation> found(const Outcome& outcome) {
    const auto* translation = std::get_if<Translation>(&outcome);
    return translation != nullptr ? std::optional(*translation) : std::nullopt;
  }

  Board board_;
  DmaDevice device_;
  std::unique_ptr<PagePool> pool_;
  RecordingInvalidation invalidation_;
};

// All sizes, at both ends of what there is, of every format and shape; and nothing beside them.
TEST_F(SmmuV3Walk, FindsEverySizeOfEveryShape) {
  constexpr PgtableQuirks kUpper{.ttbr1 = true}, kRuns{.contiguous = true};
  const PgtableConfig kConfigs[] = {
      config_of(Format::kAArch64Stage1, kSizes4K),
      config_of(Format::kAArch64Stage1, kSizes4K, 39, 44),
      config_of(Format::kAArch64Stage1, kSizes4K, 33, 40),
      config_of(Format::kAArch64Stage1, kSizes16K),
      config_of(Format::kAArch64Stage1, kSizes16K, 36, 40),
      config_of(Format::kAArch64Stage1, kSizes64K),
      config_of(Format::kAArch64Stage1, kSizes64K, 52, 52),
      config_of(Format::kAArch64Stage1, kSizes64K, 42, 52),
      config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, kUpper),
      config_of(Format::kAArch64Stage1, kSizes16K, 47, 48, kUpper),
      config_of(Format::kAArch64Stage1, kSizes64K, 48, 52, kUpper),
      config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, kRuns),
      config_of(Format::kAArch64Stage1, kSizes16K, 48, 48, kRuns),
      config_of(Format::kAArch64Stage1, kSizes64K, 52, 52, kRuns),
      config_of(Format::kAArch64Stage2, kSizes4K, 44, 44),
      config_of(Format::kAArch64Stage2, kSizes4K, 42, 42),
      config_of(Format::kAArch64Stage2, kSizes4K, 40, 40),
      config_of(Format::kAArch64Stage2, kSizes4K, 32, 32),
      config_of(Format::kAArch64Stage2, kSizes16K, 48, 48),
      config_of(Format::kAArch64Stage2, kSizes16K, 40, 40),
      config_of(Format::kAArch64Stage2, kSizes64K, 48, 52),
      config_of(Format::kAArch64Stage2, kSizes64K, 46, 42),
      config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40),
      config_of(Format::kAArch32LongStage1, kSizes4K, 30, 40),
      config_of(Format::kAArch32LongStage2, kSizes4K, 40, 40),
      config_of(Format::kAArch32LongStage2, kSizes4K, 33, 40),
      config_of(Format::kAArch32LongStage2, kSizes4K, 30, 40),
  };
  for (const PgtableConfig& config : kConfigs) {
    const auto tables = create(config);
    const PgtableConfig& real = tables->config();
    SCOPED_TRACE(fmt::format("format {} of {:#x}, {} to {} bits", static_cast<int>(real.format),
                             real.page_sizes, real.input_bits, real.output_bits));
    const std::uint64_t end = std::uint64_t{1} << real.input_bits;
    const std::uint64_t first = real.quirks.ttbr1 ? -end : 0;
    const std::uint64_t last_pa = (std::uint64_t{1} << real.output_bits) - 1;
    const std::uint64_t granule = real.page_sizes & -real.page_sizes;
    struct Leaf {
      std::uint64_t iova, pa, size;
    };
    std::vector<Leaf> leaves;
    const auto map = [&](std::uint64_t offset, std::uint64_t pa, std::uint64_t size) {
      const Mapped done = tables->map(Iova(first + offset), Pa(pa), size, 2, kReadWrite);
      ASSERT_EQ(done.error, std::errc());
      for (std::uint64_t i = 0; i != done.bytes; i += size) {
        leaves.push_back({first + offset + i, pa + i, size});
      }
    };
    map(0, last_pa + 1 - 2 * granule, granule);
    map(end - granule, granule, granule);
    for (std::uint64_t left = real.page_sizes & ~granule; left != 0; left &= left - 1) {
      const std::uint64_t size = left & -left;
      if (end > 8 * size) map(end / 2 + 2 * size, last_pa + 1 - 2 * size, size);
      if (end > 16 * size) map(end - 4 * size, 2 * size, size);
    }
    if (real.quirks.contiguous) {
      ASSERT_EQ(
          tables->map(Iova(first + 128 * granule), Pa(128 * granule), granule, 256, kReadWrite)
              .bytes,
          256 * granule);
      for (std::uint64_t i = 128; i != 384; ++i) {
        leaves.push_back({first + i * granule, i * granule, granule});
      }
    }
    use(*tables);
    for (const Leaf& leaf : leaves) {
      ASSERT_THAT(translate(leaf.iova), TranslatesTo(Pa(leaf.pa))) << std::hex << leaf.iova;
      ASSERT_THAT(translate(leaf.iova + leaf.size - 4), TranslatesTo(Pa(leaf.pa + leaf.size - 4)));
    }
    EXPECT_THAT(board_.events(), ::testing::IsEmpty());
    EXPECT_THAT(translate(first + 2 * granule), Aborts());
    EXPECT_THAT(translate(first + end / 2), Aborts());
    EXPECT_THAT(translate(real.quirks.ttbr1 ? 0 : end), Aborts());
    // A page that is unmapped, and forgotten, is gone; those around it are there.
    EXPECT_EQ(tables->unmap(Iova(first + granule), granule, 1), (Unmapped{granule, true}));
    forget();
    EXPECT_THAT(translate(first + granule), Aborts());
    EXPECT_THAT(translate(first), TranslatesTo(Pa(last_pa + 1 - 2 * granule)));
    board_.events();
  }
}

TEST_F(SmmuV3Walk, FindsTheMemoryTypesThatProtSays) {
  const struct {
    Prot prot;
    std::uint8_t type;
    Shareability shareability;
  } kRows[] = {
      {kReadWrite | Prot::kCache, 0xff, Shareability::kInner},
      {kReadWrite, 0x44, Shareability::kOuter},
      {kReadWrite | Prot::kMmio, 0x04, Shareability::kOuter},  // Device-nGnRE
      {kReadWrite | Prot::kMmio | Prot::kCache, 0x04, Shareability::kOuter},
  };
  for (const auto& config : {config_of(Format::kAArch64Stage1, kSizes4K),
                             config_of(Format::kAArch64Stage1, kSizes64K, 48, 52),
                             config_of(Format::kAArch64Stage2, kSizes4K, 44, 44),
                             config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40),
                             config_of(Format::kAArch32LongStage2, kSizes4K, 40, 40)}) {
    SCOPED_TRACE(static_cast<int>(config.format));
    const auto tables = create(config);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    std::uint64_t iova = 0;
    for (const auto& row : kRows) {
      EXPECT_EQ(tables->map(Iova(iova), Pa(iova), granule, 1, row.prot), mapped(granule));
      iova += granule;
    }
    use(*tables);
    iova = 0;
    for (const auto& row : kRows) {
      const auto translation = found(translate(iova));
      ASSERT_TRUE(translation);
      EXPECT_EQ(translation->attributes,
                (MemoryAttributes{.type = row.type, .shareability = row.shareability}));
      iova += granule;
    }
  }
}

TEST_F(SmmuV3Walk, FindsTheRightsThatProtSays) {
  struct Row {
    Prot prot;
    bool read, write, privileged_read, privileged_write;
    bool fetch, privileged_fetch;
  };
  // What unprivileged software may write to no privileged one executes (DDI 0487, D8.4.2).
  constexpr Row kStage1[] = {
      {Prot::kRead, true, false, true, false, true, true},
      {Prot::kWrite, true, true, true, true, true, false},
      {kReadWrite, true, true, true, true, true, false},
      {kReadWrite | Prot::kNoExec, true, true, true, true, false, false},
      {Prot::kRead | Prot::kNoExec, true, false, true, false, false, false},
      {kReadWrite | Prot::kPriv | Prot::kNoExec, false, false, true, true, false, false},
      {Prot::kRead | Prot::kPriv | Prot::kNoExec, false, false, true, false, false, false},
      // AP does not govern fetches (D8.4.2): kPriv alone leaves them.
      {kReadWrite | Prot::kPriv, false, false, true, true, true, true},
  };
  constexpr Row kStage2[] = {
      {Prot::kRead, true, false, true, false, true, true},
      {Prot::kWrite, false, true, false, true, true, true},
      {kReadWrite, true, true, true, true, true, true},
      {kReadWrite | Prot::kNoExec, true, true, true, true, false, false},
      {kReadWrite | Prot::kPriv | Prot::kNoExec, true, true, true, true, false, false},
  };
  const auto check = [&](const PgtableConfig& config, std::span<const Row> rows) {
    const auto tables = create(config);
    std::uint64_t iova = 0;
    for (const Row& row : rows) {
      EXPECT_EQ(tables->map(Iova(iova), Pa(iova), k4K, 1, row.prot), mapped(k4K));
      iova += k4K;
    }
    use(*tables);
    iova = 0;
    for (const Row& row : rows) {
      SCOPED_TRACE(fmt::format("format {}, prot {}", static_cast<int>(config.format),
                               static_cast<int>(row.prot)));
      const auto may = [&](const DmaDevice& device, Direction direction) {
        return found(device.translate(Iova(iova), direction)).has_value();
      };
      const DmaDevice privileged = device_.privileged();
      EXPECT_EQ(may(device_, Direction::kRead), row.read);
      EXPECT_EQ(may(device_, Direction::kWrite), row.write);
      EXPECT_EQ(may(privileged, Direction::kRead), row.privileged_read);
      EXPECT_EQ(may(privileged, Direction::kWrite), row.privileged_write);
      EXPECT_EQ(may(device_.fetching_instructions(), Direction::kRead), row.fetch);
      EXPECT_EQ(may(privileged.fetching_instructions(), Direction::kRead), row.privileged_fetch);
      iova += k4K;
    }
    board_.events();
  };
  check(config_of(Format::kAArch64Stage1, kSizes4K), kStage1);
  // This SMMU has XNX: without the quirk XN is 0b11, and forbids unprivileged fetches alone.
  constexpr Row kWithoutXnx[] = {
      {kReadWrite | Prot::kNoExec, true, true, true, true, false, true},
      {kReadWrite, true, true, true, true, true, true},
  };
  check(config_of(Format::kAArch64Stage2, kSizes4K, 44, 44), kWithoutXnx);
  check(config_of(Format::kAArch64Stage2, kSizes4K, 44, 44, {.xnx = true}), kStage2);
}

// HD: the SMMU takes AP[2] away itself, and that is what is told.
TEST_F(SmmuV3Walk, NotesWritesWhereTheyAreLookedFor) {
  struct Sink : DirtySink {
    void dirty(Iova iova, std::uint64_t) override { pages.push_back(iova.value); }
    std::vector<std::uint64_t> pages;
  };
  const auto tables = create(config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, {.dirty = true}));
  const Pa memory = board_.allocate(8 * k4K);
  EXPECT_EQ(tables->map(Iova(0), memory, k4K, 8, kReadWrite | Prot::kCache), mapped(8 * k4K));
  use(*tables, CD().set(CD::HA, true).set(CD::HD, true));
  const auto dirty = [&] {
    Sink sink;
    EXPECT_TRUE(tables->read_and_clear_dirty(Iova(0), 8 * k4K, DirtyBits::kClear, sink));
    forget();
    return sink.pages;
  };
  EXPECT_EQ(dirty().size(), 8U);
  EXPECT_EQ(dirty().size(), 0U);
  EXPECT_TRUE(device_.read64(Iova(3 * k4K)));
  EXPECT_EQ(dirty().size(), 0U);
  EXPECT_THAT(device_.write64(Iova(5 * k4K), 1), TranslatesTo(Pa(memory.value + 5 * k4K)));
  EXPECT_THAT(device_.write64(Iova(2 * k4K + 8), 1), TranslatesTo(Pa(memory.value + 2 * k4K + 8)));
  EXPECT_EQ(dirty(), (std::vector<std::uint64_t>{2 * k4K, 5 * k4K}));
  EXPECT_EQ(dirty().size(), 0U);
}

// A part of a block is unmapped: the rest goes on to be there.
TEST_F(SmmuV3Walk, FindsWhatASplitLeaves) {
  const auto tables =
      create(config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, {.split_blocks = true}));
  EXPECT_EQ(tables->map(Iova(0), Pa(k1G), k1G, 1, kReadWrite), mapped(k1G));
  use(*tables);
  invalidation_.on_flush = [&](Iova iova, std::uint64_t) {
    forget();
    EXPECT_THAT(translate(iova.value), Aborts());
  };
  EXPECT_THAT(translate(k2M), TranslatesTo(Pa(k1G + k2M)));
  EXPECT_EQ(tables->unmap(Iova(k2M + 3 * k4K), k4K, 1), (Unmapped{k4K, true}));
  forget();
  EXPECT_THAT(translate(k2M + 3 * k4K), Aborts());
  EXPECT_THAT(translate(k2M + 4 * k4K), TranslatesTo(Pa(k1G + k2M + 4 * k4K)));
  EXPECT_THAT(translate(k1G - 8), TranslatesTo(Pa(2 * k1G - 8)));
  EXPECT_EQ(invalidation_.take().size(), 2U);
}

}  // namespace
}  // namespace smmu::iommu::smmu_v3_walk_test
