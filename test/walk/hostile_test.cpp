// Tables that were made to do harm.  Whatever is in memory, a walk ends in a
// translation or a fault, after no more reads than the architecture asks for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <vector>

#include "emulator/walk/permissions.h"
#include "emulator/walk/stage2.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator::hostile_test {
namespace {

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }

// Memory by rule: `word` says what an address nobody has written to holds, and
// nothing where it aborts.
class HostileMemory final : public PhysicalMemory {
 public:
  using Word = std::function<std::optional<std::uint64_t>(std::uint64_t address)>;
  // What an exchange finds there; nothing: as it should.
  using Found = std::function<std::optional<std::uint64_t>(std::uint64_t expected)>;

  explicit HostileMemory(Word word, Found found = {})
      : word_(std::move(word)), found_(std::move(found)) {}

  bool has_device = false;  // from which is read, but nothing is exchanged there
  bool forgets = false;     // somebody undoes what is exchanged
  unsigned reads = 0;
  unsigned exchanges = 0;
  unsigned lost = 0;

  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  std::optional<std::uint64_t> at(std::uint64_t address) const {
    const auto written = written_.find(address);
    return written == written_.end() ? word_(address) : written->second;
  }
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    EXPECT_EQ(pa.value % 8, 0U);
    ++reads;
    const auto word = at(pa.value);
    if (!word) return ExternalAbort{};
    return *word;
  }
  BusResponse store64_indirect(Pa, std::uint64_t) override {
    ADD_FAILURE() << "a walk does not store";
    return BusResponse::kAbort;
  }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa pa, std::uint64_t expected,
                                                                   std::uint64_t desired) override {
    ++exchanges;
    const auto word = at(pa.value);
    if (has_device || !word) return ExternalAbort{};
    const std::uint64_t found = found_ ? found_(expected).value_or(*word) : *word;
    if (found == expected) {
      if (!forgets) written_[pa.value] = desired;
    } else {
      ++lost;
    }
    return found;
  }

  const Word word_;
  const Found found_;
  std::map<std::uint64_t, std::uint64_t> written_;
};

// --- Regimes of every shape ---

struct Shape {
  Granule granule;
  unsigned input_bits;
  int first_level;
  unsigned output_bits;
  bool wide;
};

constexpr Shape kShapes[] = {
    {Granule::k4K, 52, -1, 52, true},  {Granule::k4K, 48, 0, 52, true},
    {Granule::k4K, 48, 0, 48, false},  {Granule::k4K, 39, 1, 40, false},
    {Granule::k4K, 30, 2, 32, false},  {Granule::k4K, 16, 3, 44, false},
    {Granule::k16K, 52, 0, 52, true},  {Granule::k16K, 48, 0, 48, false},
    {Granule::k16K, 47, 1, 36, false}, {Granule::k16K, 36, 2, 48, false},
    {Granule::k16K, 20, 3, 42, false}, {Granule::k64K, 52, 1, 52, true},
    {Granule::k64K, 48, 1, 48, false}, {Granule::k64K, 42, 2, 32, false},
    {Granule::k64K, 20, 3, 40, false},
};
// VMSAv8-32 comes after them.
constexpr unsigned kAArch32 = std::size(kShapes);

Tables tables_of(unsigned shape, std::uint64_t root, bool big_endian) {
  if (shape == kAArch32) return aarch32_long_tables(32, 1, root, 40, big_endian);
  const Shape& s = kShapes[shape];
  return tables({.granule = s.granule,
                 .input_bits = s.input_bits,
                 .first_level = s.first_level,
                 .output_bits = s.output_bits,
                 .root = root,
                 .wide = s.wide,
                 .big_endian = big_endian});
}

unsigned levels(const Tables& tables) { return static_cast<unsigned>(4 - tables.first_level); }

struct Settings {
  std::optional<unsigned> shape1 = std::nullopt, shape2 = std::nullopt;
  std::uint64_t root1 = 0, root2 = 0;
  bool big_endian = false;
  HardwareUpdate update1 = {}, update2 = {};
  bool device_walks_denied = false;
  bool access_flag_ignored = false;
};

Regime regime_of(const Settings& settings) {
  Regime regime;
  regime.has_stage1 = settings.shape1.has_value();
  regime.has_stage2 = settings.shape2.has_value();
  regime.simple = false;
  if (settings.shape1) {
    const bool aarch32 = *settings.shape1 == kAArch32;
    for (Stage1Half& half : regime.stage1.half) {
      half.enabled = true;
      half.tables = tables_of(*settings.shape1, settings.root1, settings.big_endian);
    }
    if (aarch32) {
      regime.stage1.range = InputRange::kAArch32;
    } else {
      regime.stage1.update = settings.update1;
      regime.simple = !settings.shape2 && !settings.update1.access_flag;
    }
    regime.stage1.permissions = stage1_permissions({});
    regime.stage1.attributes = stage1_attributes(0xff44'040c'bb00'f44f);
    regime.stage1.access_flag_ignored = settings.access_flag_ignored;
  }
  if (settings.shape2) {
    const bool aarch32 = *settings.shape2 == kAArch32;
    regime.stage2.tables = tables_of(*settings.shape2, settings.root2, settings.big_endian);
    regime.stage2.permissions = stage2_permissions(true, aarch32);
    if (!aarch32) regime.stage2.update = settings.update2;
    regime.stage2.device_walks_denied = settings.device_walks_denied;
    regime.stage2.access_flag_ignored = settings.access_flag_ignored;
  }
  return regime;
}

// A walk may begin anew after an exchange that was lost, so often.
unsigned most_reads(const Regime& regime, unsigned attempts) {
  const unsigned stage1 = regime.has_stage1 ? levels(regime.stage1.half[0].tables) : 0;
  if (!regime.has_stage2) return stage1 * attempts;
  const unsigned stage2 = levels(regime.stage2.tables);
  const unsigned update = regime.has_stage1 && regime.stage1.update.access_flag ? stage2 : 0;
  return (stage1 * (stage2 + 1) + stage2 + update) * attempts;
}

struct Ended {
  std::optional<WalkFault> fault;
  Leaf leaf;
};

// The walk, and what must hold of any.
Ended walk(const Regime& regime, HostileMemory& memory, std::uint64_t address,
           const Access& access) {
  memory.reads = memory.exchanges = memory.lost = 0;
  Ended ended;
  const auto canonical = Walker::canonical(regime, Iova(address));
  if (!canonical) {
    ended.fault = WalkFault{.type = FaultType::kTranslation,
                            .stage = Stage::k1,
                            .level = 0,
                            .purpose = Purpose::kInput,
                            .table_write = false,
                            .ipa = {},
                            .descriptor = {}};
    return ended;
  }
  ended.fault = Walker(memory).walk(regime, *canonical, access, ended.leaf);
  EXPECT_LE(memory.reads, most_reads(regime, 1 + memory.lost));
  if (ended.fault) {
    EXPECT_GE(ended.fault->level, -1);
    EXPECT_LE(ended.fault->level, 3);
    EXPECT_TRUE(ended.fault->stage == Stage::k1 ? regime.has_stage1 : regime.has_stage2);
  } else {
    EXPECT_GE(ended.leaf.size_bits, 12U);
    EXPECT_EQ(ended.leaf.output.value & mask(ended.leaf.size_bits - 1U, 0), 0U);
    EXPECT_EQ(ended.leaf.output.value >> 52, 0U);
  }
  return ended;
}

// --- Tables that point at themselves ---

TEST(Hostile, ATableThatIsItsOwnNextEndsAtTheLastLevel) {
  for (unsigned shape = 0; shape <= kAArch32; ++shape) {
    for (const bool second : {false, true}) {
      SCOPED_TRACE(fmt::format("shape {}, stage {}", shape, second ? 2 : 1));
      constexpr std::uint64_t kRoot = 0x1'0000;
      // AF, every permission of both stages, Write-Back.
      HostileMemory memory([](std::uint64_t) { return kRoot | 0x4ff; });
      const Regime regime = regime_of(second ? Settings{.shape2 = shape, .root2 = kRoot}
                                             : Settings{.shape1 = shape, .root1 = kRoot});
      const Access access{.privilege = Privilege::kPrivileged};
      const Ended ended = walk(regime, memory, 0x1234, access);
      ASSERT_FALSE(ended.fault);
      EXPECT_EQ(ended.leaf.output.value, kRoot);
      EXPECT_EQ(ended.leaf.level, 3);
      const Tables& tables = second ? regime.stage2.tables : regime.stage1.half[0].tables;
      EXPECT_EQ(memory.reads, levels(tables));
    }
  }
}

// Stage 1's tables, stage 2's and the page itself are one and the same: every
// descriptor points at the table it is in.
TEST(Hostile, StagesThatTranslateEachOtherWithOneTableEnd) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  for (unsigned shape1 = 0; shape1 <= kAArch32; ++shape1) {
    for (unsigned shape2 = 0; shape2 <= kAArch32; ++shape2) {
      SCOPED_TRACE(fmt::format("shapes {} and {}", shape1, shape2));
      HostileMemory memory([](std::uint64_t) { return kRoot | 0x4ff; });
      const Regime regime =
          regime_of({.shape1 = shape1, .shape2 = shape2, .root1 = kRoot, .root2 = kRoot});
      const Access access{.privilege = Privilege::kPrivileged};
      const Ended ended = walk(regime, memory, 0x1234, access);
      const unsigned input_bits = regime.stage2.tables.input_bits;
      if ((kRoot >> input_bits) != 0) {
        // Stage 2 covers less than where stage 1's table is.
        ASSERT_TRUE(ended.fault);
        EXPECT_EQ(memory.reads, 0U);
        continue;
      }
      ASSERT_FALSE(ended.fault);
      EXPECT_EQ(memory.reads, most_reads(regime, 1));
    }
  }
}

// The same with hardware updates: each sets the flags of the descriptor that is
// next to be read, and of itself.
TEST(Hostile, StagesThatUpdateTheTableTheyAreReadFromEnd) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  constexpr HardwareUpdate kBoth{.access_flag = true, .dirty_state = true};
  for (unsigned shape1 = 0; shape1 != kAArch32; ++shape1) {
    for (unsigned shape2 = 0; shape2 != kAArch32; ++shape2) {
      for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
        SCOPED_TRACE(fmt::format("shapes {} and {}", shape1, shape2));
        // AF clear, DBM: to stage 1 read-only, to stage 2 writable-clean once
        // S2AP[1] is clear, which is stage 1's writable.
        for (const std::uint64_t page : {kRoot | 0x7f | bit(51), kRoot | 0xff | bit(51)}) {
          HostileMemory memory([page](std::uint64_t) { return page; });
          const Regime regime = regime_of({.shape1 = shape1,
                                           .shape2 = shape2,
                                           .root1 = kRoot,
                                           .root2 = kRoot,
                                           .update1 = kBoth,
                                           .update2 = kBoth});
          const Access access{.privilege = Privilege::kPrivileged, .direction = direction};
          walk(regime, memory, 0x1234, access);
          EXPECT_LE(memory.lost, 8U);
        }
      }
    }
  }
}

// --- Memory that is not there, or is no memory ---

TEST(Hostile, ATableOutsideOfMemoryIsAnAbortAtTheLevelThatReadsIt) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  constexpr std::uint64_t kOutside = 0x8000'0000;
  const Access access{.privilege = Privilege::kPrivileged};
  for (unsigned shape = 0; shape <= kAArch32; ++shape) {
    for (const bool second : {false, true}) {
      SCOPED_TRACE(fmt::format("shape {}, stage {}", shape, second ? 2 : 1));
      HostileMemory memory([](std::uint64_t address) -> std::optional<std::uint64_t> {
        if (address >= kOutside) return std::nullopt;
        return kOutside | 0x4ff;
      });
      const Regime regime = regime_of(second ? Settings{.shape2 = shape, .root2 = kRoot}
                                             : Settings{.shape1 = shape, .root1 = kRoot});
      const Tables& tables = second ? regime.stage2.tables : regime.stage1.half[0].tables;
      const Ended ended = walk(regime, memory, 0x1234, access);
      if (tables.first_level == 3) {
        EXPECT_FALSE(ended.fault);  // the page is outside, which is not the walk's business
        continue;
      }
      ASSERT_TRUE(ended.fault);
      EXPECT_EQ(ended.fault->type, FaultType::kExternalAbort);
      EXPECT_EQ(ended.fault->level, tables.first_level + 1);
      EXPECT_GE(ended.fault->descriptor.value, kOutside);
      EXPECT_EQ(memory.reads, 2U);
    }
  }
}

// What cannot be exchanged cannot be updated: the write aborts (IHI 0070, 3.13).
TEST(Hostile, AnUpdateInADeviceIsAnAbort) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  const Access access{.privilege = Privilege::kPrivileged};
  for (unsigned shape = 0; shape != kAArch32; ++shape) {
    for (const bool second : {false, true}) {
      SCOPED_TRACE(fmt::format("shape {}, stage {}", shape, second ? 2 : 1));
      HostileMemory memory([](std::uint64_t) { return kRoot | 0x0ff; });  // AF clear
      memory.has_device = true;
      Settings settings;
      (second ? settings.shape2 : settings.shape1) = shape;
      (second ? settings.root2 : settings.root1) = kRoot;
      (second ? settings.update2 : settings.update1) = {.access_flag = true};
      const Ended ended = walk(regime_of(settings), memory, 0x1234, access);
      ASSERT_TRUE(ended.fault);
      EXPECT_EQ(ended.fault->type, FaultType::kExternalAbort);
      EXPECT_EQ(ended.fault->level, 3);
      EXPECT_EQ(memory.exchanges, 1U);
    }
  }
}

// IHI 0070, 5.2: S2PTW.
TEST(Hostile, AStage1TableInDeviceMemoryIsAPermissionFaultIfThatIsDenied) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  const Access access{.privilege = Privilege::kPrivileged};
  for (unsigned mem_attr = 0; mem_attr != 16; ++mem_attr) {
    // To stage 1 MemAttr is AttrIndx and, at [5], NS.
    const std::uint64_t word = kRoot | 0x4c3 | mem_attr << 2;
    HostileMemory memory([word](std::uint64_t) { return word; });
    const Ended ended = walk(regime_of({.shape1 = 2U,
                                        .shape2 = 2U,
                                        .root1 = kRoot,
                                        .root2 = kRoot,
                                        .device_walks_denied = true}),
                             memory, 0x1234, access);
    const bool device = (mem_attr & 0b1100) == 0 || (mem_attr & 0b0011) == 0;
    ASSERT_EQ(ended.fault.has_value(), device) << mem_attr;
    if (!device) continue;
    EXPECT_EQ(ended.fault->type, FaultType::kPermission);
    EXPECT_EQ(ended.fault->stage, Stage::k2);
    EXPECT_EQ(ended.fault->purpose, Purpose::kTable);
    EXPECT_EQ(memory.reads, 4U);
  }
}

// --- Memory that changes ---

// Somebody always gets there first.
TEST(Hostile, AnExchangeThatIsAlwaysLostEnds) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  const Access access{.privilege = Privilege::kPrivileged};
  for (unsigned shape = 0; shape != kAArch32; ++shape) {
    for (const bool second : {false, true}) {
      SCOPED_TRACE(fmt::format("shape {}, stage {}", shape, second ? 2 : 1));
      HostileMemory memory([](std::uint64_t) { return kRoot | 0x0ff; },
                           [](std::uint64_t expected) { return expected ^ bit(55); });
      Settings settings;
      (second ? settings.shape2 : settings.shape1) = shape;
      (second ? settings.root2 : settings.root1) = kRoot;
      (second ? settings.update2 : settings.update1) = {.access_flag = true};
      const Regime regime = regime_of(settings);
      const Ended ended = walk(regime, memory, 0x1234, access);
      ASSERT_TRUE(ended.fault);
      EXPECT_EQ(ended.fault->type, FaultType::kExternalAbort);
      EXPECT_EQ(ended.fault->stage, second ? Stage::k2 : Stage::k1);
      EXPECT_EQ(memory.exchanges, kMostAttempts);
      EXPECT_EQ(memory.reads, most_reads(regime, kMostAttempts));
    }
  }
}

// Of both stages, always, or all but every n-th time, and undone again or not.
// One stage 1 descriptor takes a walk of stage 2 that may lose so often.
TEST(Hostile, ExchangesOfBothStagesThatAreLostEnd) {
  constexpr std::uint64_t kRoot = 0x1'0000;
  const Regime regime = regime_of({.shape1 = 2U,
                                   .shape2 = 2U,
                                   .root1 = kRoot,
                                   .root2 = kRoot,
                                   .update1 = {.access_flag = true, .dirty_state = true},
                                   .update2 = {.access_flag = true, .dirty_state = true}});
  const unsigned walks = levels(regime.stage1.half[0].tables) + 1;  // of stage 2, an attempt
  const unsigned most = kMostAttempts * (walks * kMostAttempts + 1) + kMostAttempts;
  for (const bool forgets : {false, true}) {
    for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
      for (const unsigned every : {0U, 1U, 2U, 3U, 63U, 64U, 65U}) {
        unsigned count = 0;
        HostileMemory memory([](std::uint64_t) { return kRoot | 0x0ff; },
                             [&](std::uint64_t expected) -> std::optional<std::uint64_t> {
                               const bool won = every != 0 && ++count % every == 0;
                               return won ? expected : expected ^ bit(55);
                             });
        memory.forgets = forgets;
        walk(regime, memory, 0x1234, {.privilege = Privilege::kPrivileged, .direction = direction});
        EXPECT_LE(memory.exchanges, most);
        // Stage 2 gives up first, and then it is over.
        if (every == 0) {
          EXPECT_EQ(memory.exchanges, kMostAttempts);
        }
      }
    }
  }
}

// --- Anything ---

// Words as an address and a seed have them: every field of a descriptor holds
// every value, reserved ones too.
TEST(Hostile, RandomWordsEndInATranslationOrAFault) {
  std::mt19937_64 dice(0x40'571e);
  constexpr HardwareUpdate kUpdates[] = {{}, {.access_flag = true}, {true, true}};
  unsigned translations = 0;
  std::map<FaultType, unsigned> faults;
  for (unsigned i = 0; i != 200'000; ++i) {
    const std::uint64_t seed = dice();
    Settings settings;
    const unsigned stages = static_cast<unsigned>(dice() % 3);
    if (stages != 1) settings.shape1 = static_cast<unsigned>(dice() % (kAArch32 + 1));
    if (stages != 0) settings.shape2 = static_cast<unsigned>(dice() % (kAArch32 + 1));
    settings.root1 = dice() & mask(31, 0);
    settings.root2 = dice() & mask(31, 0);
    settings.big_endian = seed % 4 == 0;
    settings.update1 = kUpdates[dice() % 3];
    settings.update2 = kUpdates[dice() % 3];
    settings.device_walks_denied = dice() % 4 == 0;
    settings.access_flag_ignored = dice() % 2 == 0;
    const bool tame = dice() % 2 == 0;
    HostileMemory memory([&](std::uint64_t address) -> std::optional<std::uint64_t> {
      std::mt19937_64 words(seed ^ address * 0x9e37'79b9'7f4a'7c15);
      if (words() % 64 == 0) return std::nullopt;
      std::uint64_t word = words();
      if (tame) {
        // A descriptor with an address that all take, and access as a rule.
        word = (word & ~mask(49, 28)) | 0b01 | (words() % 8 != 0 ? 0b10 : 0);
        if (words() % 8 != 0) word |= 0x440;
      }
      return settings.big_endian ? __builtin_bswap64(word) : word;
    });
    std::uint64_t address = dice();
    if (dice() % 4 != 0) address &= mask(15, 0);
    const auto from = [&](unsigned n) { return (seed >> n & 1) != 0; };
    const Access access{.privilege = from(8) ? Privilege::kPrivileged : Privilege::kUnprivileged,
                        .direction = from(9) ? Direction::kWrite : Direction::kRead,
                        .content = from(10) && from(11) ? Content::kInstruction : Content::kData,
                        .speculative = from(12) && from(13)};
    const Regime regime = regime_of(settings);
    if (!settings.shape1 && (address >> 52) != 0) continue;
    const Ended ended = walk(regime, memory, address, access);
    if (access.speculative) {
      EXPECT_EQ(memory.exchanges, 0U);
    }
    if (ended.fault) {
      ++faults[ended.fault->type];
    } else {
      ++translations;
    }
    ASSERT_FALSE(HasFailure()) << fmt::format("case {}, seed {:#x}", i, seed);
  }
  // The dice have shown every face.
  EXPECT_GT(translations, 1000U);
  for (const FaultType type :
       {FaultType::kTranslation, FaultType::kAddressSize, FaultType::kAccessFlag,
        FaultType::kPermission, FaultType::kExternalAbort}) {
    EXPECT_GT(faults[type], 1000U) << static_cast<unsigned>(type);
  }
}

}  // namespace
}  // namespace smmu::emulator::hostile_test
