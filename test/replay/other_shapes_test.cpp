// Captures of shapes that the committed ones do not have: other granules and first levels, linear
// Stream tables, a Stream table with one array for many streams.  Made by hand, from the formats of
// captures/README and DDI 0487, D8.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulator/cli/capture.h"
#include "emulator/cli/replay_checks.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli::other_shapes_test {
namespace {

using emulator::CachePolicy;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kStreamTable = 0x50000000;
constexpr std::uint64_t kArray = 0x51000000;
constexpr std::uint64_t kCd = 0x52000000;
constexpr std::uint64_t kCommandQueue = 0x53000000;
constexpr std::uint64_t kEventQueue = 0x54000000;
constexpr std::uint64_t kTables = 0x60000000;

struct Shape {
  const char* name;
  unsigned page_bits;
  unsigned t0sz;
  unsigned tg0;  // CD.TG0
  bool two_level;
  std::uint64_t stream;
  std::uint64_t iova;  // of the page that is mapped
  bool upper = false;  // TTB1, and t0sz and tg0 are T1SZ and TG1
  bool wide = false;   // 52 address bits, and tables and pages above the 48th
};

// A stream with one page at `iova` and, a block above it, one block at the level above.
class Builder {
 public:
  explicit Builder(const Shape& shape) : shape_(shape) {
    registers();
    configuration();
    tables();
  }
  Capture take() { return std::move(capture_); }

 private:
  void word(std::uint64_t address, std::uint64_t value) {
    capture_.memory.add_page(address & ~(kPageBytes - 1));
    capture_.memory.set(address, value);
  }
  void whole_table(std::uint64_t address) {
    for (std::uint64_t page = 0; page < std::uint64_t{1} << shape_.page_bits; page += kPageBytes) {
      capture_.memory.add_page(address + page);
    }
  }

  void registers() {
    capture_.folder = "made";
    capture_.name = shape_.name;
    const auto add = [this](std::uint32_t offset, std::uint64_t value) {
      capture_.registers.add(offset, value);
    };
    add(v3::SMMU_IDR0::kOffset, 0x0d40101a);
    add(v3::SMMU_IDR1::kOffset, 0x02730010);
    add(v3::SMMU_IDR3::kOffset, 0x1404);
    add(v3::SMMU_IDR5::kOffset, shape_.wide ? 0x76 : 0x74);
    add(v3::SMMU_AIDR::kOffset, 0x1);
    add(v3::SMMU_CR0::kOffset, 0xd);
    add(v3::SMMU_CR1::kOffset, 0xd75);
    add(v3::SMMU_CR2::kOffset, 0x2);
    add(v3::SMMU_STRTAB_BASE::kOffset, kStreamTable);
    // Linear with 2^9 STEs, or 2-level with SPLIT 10.
    add(v3::SMMU_STRTAB_BASE_CFG::kOffset, shape_.two_level ? 0x10000 | 10 << 6 | 16 : 9);
    add(v3::SMMU_CMDQ_BASE::kOffset, kCommandQueue | 8);
    add(v3::SMMU_EVENTQ_BASE::kOffset, kEventQueue | 7);
  }

  void configuration() {
    std::uint64_t ste = kStreamTable + shape_.stream * 64;
    if (shape_.two_level) {
      word(kStreamTable + (shape_.stream >> 10) * 8, kArray | 11);  // Span 11: 1024 STEs
      ste = kArray + (shape_.stream & 0x3ff) * 64;
    }
    word(ste, kCd | 0xb);
    word(ste + 8, 0xd6);
    // AA64, A, R, IPS 44 or 52 bits, V, EPD of the other half, ASID 5.
    const std::uint64_t common =
        std::uint64_t{5} << 48 | (shape_.wide ? 0x620680000000 : 0x620480000000);
    if (shape_.upper) {
      word(kCd, common | 1 << 14 | shape_.tg0 << 22 | shape_.t0sz << 16);
      word(kCd + 16, first_table_);
    } else {
      word(kCd, common | 1 << 30 | shape_.tg0 << 6 | shape_.t0sz);
      word(kCd + 8, first_table_);
    }
    word(kCd + 24, 0xff);
  }

  void tables() {
    const unsigned index_bits = shape_.page_bits - 3;
    const auto shift = [&](unsigned level) { return shape_.page_bits + index_bits * (3 - level); };
    unsigned level = 3;
    while (shift(level) + index_bits < 64 - shape_.t0sz) --level;

    RecordedWalk walk{.line = 2,
                      .stream = static_cast<std::uint32_t>(shape_.stream),
                      .asid = 5,
                      .iova = shape_.iova + 0x18,
                      .pa = 0,
                      .allows = {.read = true, .write = true},
                      .steps = {}};
    std::uint64_t table = first_table_;
    std::uint64_t mask = (std::uint64_t{1} << (64 - shape_.t0sz)) - 1;
    for (; level <= 3; ++level) {
      whole_table(table);
      const std::uint64_t place = table + ((shape_.iova & mask) >> shift(level)) * 8;
      const std::uint64_t next = table + (std::uint64_t{1} << shape_.page_bits);
      // AP 0b01, SH 0b11, AF, nG.
      const std::uint64_t descriptor =
          level < 3 ? in_descriptor(next) | 3 : in_descriptor(page_) | 0xf43;
      word(place, descriptor);
      walk.steps.push_back({static_cast<int>(level), place, descriptor});
      if (level == 2) {
        // The neighbour is a block, which only its address must fit.
        const std::uint64_t pa = std::uint64_t{1} << shift(2);
        word(place ^ 8, pa | 0xf41);
        leaf((shape_.iova ^ pa) & ~(pa - 1), pa, pa, 2, pa | 0xf41, place ^ 8);
      }
      if (level == 3)
        leaf(shape_.iova, page_, std::uint64_t{1} << shape_.page_bits, 3, descriptor, place);
      mask = (std::uint64_t{1} << shift(level)) - 1;
      table = next;
    }
    walk.pa = page_ + 0x18;
    capture_.walks.push_back(walk);
    walk.asid = 6;  // of a domain that is gone
    capture_.walks.push_back(walk);
    capture_.faults.push_back({.line = 2,
                               .stream = walk.stream,
                               .iova = shape_.iova ^ std::uint64_t{1} << shape_.page_bits,
                               .event = v3::EventType::F_TRANSLATION,
                               .level = 3,
                               .write = true});
    capture_.events.push_back(
        {2,
         {shape_.stream << 32 | 0x10, 0, shape_.iova ^ std::uint64_t{1} << shape_.page_bits, 0}});
  }

  // DDI 0487, D8.3.1: with 52 bits and the 64 KiB granule, OA[51:48] is in bits [15:12].
  static std::uint64_t in_descriptor(std::uint64_t address) {
    return (address & 0xffffffffffff) | address >> 48 << 12;
  }

  void leaf(std::uint64_t iova, std::uint64_t pa, std::uint64_t size, std::uint64_t level,
            std::uint64_t descriptor, std::uint64_t address) {
    capture_.mappings.push_back({.line = 2,
                                 .stream = static_cast<std::uint32_t>(shape_.stream),
                                 .asid = 5,
                                 .iova = iova,
                                 .pa = pa,
                                 .size = size,
                                 .level = level,
                                 .descriptor = descriptor,
                                 .descriptor_address = address,
                                 .attrindx = 0,
                                 .mair_attr = 0xff,
                                 .sh = 3,
                                 .ap = 1,
                                 .af = 1,
                                 .ng = 1,
                                 .cont = 0,
                                 .dbm = 0,
                                 .pxn = 0,
                                 .xn = 0});
    capture_.translations.push_back({.line = 2,
                                     .stream = static_cast<std::uint32_t>(shape_.stream),
                                     .iova = iova + 0xffc,
                                     .pa = pa + 0xffc,
                                     .allows = {.read = true, .write = true}});
  }

  const Shape shape_;
  const std::uint64_t first_table_ = shape_.wide ? kTables | std::uint64_t{9} << 48 : kTables;
  const std::uint64_t page_ = shape_.wide ? 0xa000076540000 : 0x76540000;
  Capture capture_;
};

class OtherShapes : public ::testing::TestWithParam<Shape> {};

TEST_P(OtherShapes, AgreeInEveryCheckUnderEveryPolicy) {
  const Capture capture = Builder(GetParam()).take();
  for (const CachePolicy policy :
       {CachePolicy::kNone, CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    const emulator::Caching caching{.policy = policy};
    std::vector<Check> checks = check_mappings(capture, caching);
    EXPECT_EQ(checks[1].compared, 2);
    checks.erase(checks.begin());  // streams.tsv is empty
    checks.push_back(check_translations(capture, caching));
    checks.push_back(check_faults(capture, caching));
    checks.push_back(check_events(capture, caching));
    checks.push_back(check_walks(capture, caching));
    checks.push_back(check_caching(capture, caching));
    for (const Check& check : checks) {
      EXPECT_THAT(check.details, IsEmpty()) << check.name;
      EXPECT_NE(check.compared, 0) << check.name;
    }
    EXPECT_THAT(checks[5].notes, Each(HasSubstr("1 with a CD made up")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Made, OtherShapes,
    ::testing::Values(
        Shape{"4K_48bit_linear", 12, 16, 0, false, 0x8, 0x7fff12345000},
        Shape{"4K_39bit_2level", 12, 25, 0, true, 0x1234, 0x7f12345000},
        Shape{"4K_32bit_linear", 12, 32, 0, false, 0x1ff, 0x12345000},
        Shape{"4K_25bit_linear", 12, 39, 0, false, 0x0, 0x1234000},
        Shape{"16K_47bit_2level", 14, 17, 2, true, 0xf8, 0x7fff12344000},
        Shape{"16K_36bit_linear", 14, 28, 2, false, 0x20, 0xf12344000},
        Shape{"16K_33bit_linear", 14, 31, 2, false, 0x20, 0x112344000},
        Shape{"64K_48bit_2level", 16, 16, 1, true, 0xffff, 0xffff12340000},
        Shape{"64K_42bit_linear", 16, 22, 1, false, 0x18, 0x3ff12340000},
        Shape{"64K_30bit_linear", 16, 34, 1, false, 0x18, 0x12340000},
        Shape{"4K_48bit_TTB1", 12, 16, 2, false, 0x8, 0xffffffff12345000, true},
        Shape{"4K_48bit_TTB1_low", 12, 16, 2, false, 0x8, 0xffff000012345000, true},
        Shape{"4K_39bit_TTB1", 12, 25, 2, true, 0x1234, 0xffffff8012345000, true},
        Shape{"4K_25bit_TTB1", 12, 39, 2, false, 0x0, 0xfffffffffe345000, true},
        Shape{"16K_47bit_TTB1", 14, 17, 1, true, 0xf8, 0xfffff01212344000, true},
        Shape{"64K_42bit_TTB1", 16, 22, 3, false, 0x18, 0xfffffc1f12340000, true},
        Shape{"64K_42bit_52bit_out_TTB1_top", 16, 22, 3, false, 0x18, 0xfffffffff2340000, true,
              true},
        Shape{"64K_48bit_52bit_out", 16, 16, 1, true, 0xffff, 0xffff12340000, false, true},
        Shape{"64K_42bit_52bit_out_TTB1", 16, 22, 3, false, 0x18, 0xfffffc1f12340000, true, true}),
    [](const auto& shape) { return std::string(shape.param.name); });

}  // namespace
}  // namespace smmu::cli::other_shapes_test
