// Every combination of the attribute bits of 64-bit descriptors, under every combination of the
// controls that bear on them, against the manual's tables typed in again (DDI 0487, D8.3 to D8.6
// and G5.6).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <span>

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/stage2.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator::descriptor_bits_test {
namespace {

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr bool is_set(std::uint64_t word, unsigned n) { return (word >> n & 1) != 0; }

// Spreads the low bits of `number` over the positions.
std::uint64_t spread(std::uint64_t number, std::span<const unsigned> positions) {
  std::uint64_t word = 0;
  for (const unsigned position : positions) {
    word |= (number & 1) << position;
    number >>= 1;
  }
  return word;
}

// The table that is walked, which starts at level 2, and the one of level 3.
constexpr std::uint64_t kAddress = 0x1234'5678;
constexpr std::uint64_t kTable = 0x8000'0000 + 8 * (kAddress >> 21);
constexpr std::uint64_t kPage = 0x9000'0000 + 8 * (kAddress >> 12 & 0x1ff);
constexpr std::uint64_t kOutput = 0x4'5678'9000;

class TwoWords final : public PhysicalMemory {
 public:
  std::uint64_t table = 0;
  std::uint64_t page = 0;

  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    if (pa.value == kTable) return table;
    if (pa.value == kPage) return page;
    return ExternalAbort{};
  }
  BusResponse store64_indirect(Pa, std::uint64_t) override { return BusResponse::kAbort; }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa pa, std::uint64_t expected,
                                                                   std::uint64_t desired) override {
    if (pa.value != kPage) return ExternalAbort{};
    const std::uint64_t found = page;
    if (found == expected) page = desired;
    return found;
  }
};

// r, w and x are what the unprivileged may do, R, W and X what the privileged may.
struct Letters {
  bool r = false, w = false, x = false, R = false, W = false, X = false;

  constexpr explicit Letters(const char* letters) {
    for (; *letters != 0; ++letters) {
      r |= *letters == 'r';
      w |= *letters == 'w';
      x |= *letters == 'x';
      R |= *letters == 'R';
      W |= *letters == 'W';
      X |= *letters == 'X';
    }
  }
  Permissions permissions() const { return {{r, w, x}, {R, W, X}}; }
};

// The six accesses of which permissions tell.
constexpr Access access_of(unsigned number) {
  const unsigned kind = number / 2;
  return {.privilege = number % 2 == 0 ? Privilege::kUnprivileged : Privilege::kPrivileged,
          .direction = kind == 1 ? Direction::kWrite : Direction::kRead,
          .content = kind == 2 ? Content::kInstruction : Content::kData};
}
constexpr unsigned kAccesses = 6;

// What a walk is to end in.
struct Expected {
  std::optional<FaultType> fault;
  Letters allowed{""};
  bool writable_clean = false;
  std::uint64_t page = 0;  // afterwards
};

// --- Stage 1 ---

constexpr unsigned kX = 2;  // 0 or 1

struct Row {
  unsigned uxn, pxn, ap, wxn;
  Letters letters;
};

// Table D8-65.  WXN leaves no PrivExecute where the table says PrivWXN, no
// UnprivExecute where it says UnprivWXN.
constexpr Row kTwoLevels[] = {
    {0, 0, 0b00, 0, Letters("RWX x")},  {0, 0, 0b00, 1, Letters("RW x")},
    {0, 0, 0b01, 0, Letters("RW rwx")}, {0, 0, 0b01, 1, Letters("RW rw")},
    {0, 0, 0b10, kX, Letters("RX x")},  {0, 0, 0b11, kX, Letters("RX rx")},
    {0, 1, 0b00, kX, Letters("RW x")},  {0, 1, 0b01, 0, Letters("RW rwx")},
    {0, 1, 0b01, 1, Letters("RW rw")},  {0, 1, 0b10, kX, Letters("R x")},
    {0, 1, 0b11, kX, Letters("R rx")},  {1, 0, 0b00, 0, Letters("RWX")},
    {1, 0, 0b00, 1, Letters("RW")},     {1, 0, 0b01, kX, Letters("RW rw")},
    {1, 0, 0b10, kX, Letters("RX")},    {1, 0, 0b11, kX, Letters("RX r")},
    {1, 1, 0b00, kX, Letters("RW")},    {1, 1, 0b01, kX, Letters("RW rw")},
    {1, 1, 0b10, kX, Letters("R")},     {1, 1, 0b11, kX, Letters("R r")},
};

// Table D8-66: XN for UXN, no PXN, AP[2] alone; who accesses is privileged
// (IHI 0070, 13.4.1).
constexpr Row kOneLevel[] = {
    {0, kX, 0b00, 0, Letters("RWX rwx")}, {0, kX, 0b00, 1, Letters("RW rw")},
    {0, kX, 0b10, kX, Letters("RX rx")},  {1, kX, 0b00, kX, Letters("RW rw")},
    {1, kX, 0b10, kX, Letters("R r")},
};

struct Stage1Case {
  Levels levels;
  bool wxn, uwxn, pan, epan;
  bool had, affd, ha, hd;
};

Letters find(std::span<const Row> rows, unsigned uxn, unsigned pxn, unsigned ap, unsigned wxn) {
  const auto same = [](unsigned printed, unsigned value) {
    return printed == kX || printed == value;
  };
  for (const Row& row : rows) {
    if (same(row.uxn, uxn) && same(row.pxn, pxn) && row.ap == ap && same(row.wxn, wxn)) {
      return row.letters;
    }
  }
  ADD_FAILURE() << "the table has no such row";
  return Letters("");
}

// Table G5-7, G5.6.3 and G5.6.3.2.
Letters find_aarch32(const Stage1Case& c, bool xn, bool pxn, unsigned ap) {
  static constexpr Letters kByAp[] = {Letters("RW"), Letters("RW rw"), Letters("R"),
                                      Letters("R r")};
  Letters letters = kByAp[ap];
  const bool writable = letters.W || letters.w;
  letters.x = letters.r && !xn && !(c.wxn && writable);
  letters.X = letters.R && !xn && !pxn && !(c.wxn && writable) && !(c.uwxn && letters.w);
  return letters;
}

// The rights by what descriptors say, once the tables' limits are counted in.
Letters stage1_letters(const Stage1Case& c, unsigned uxn, unsigned pxn, unsigned ap) {
  if (c.levels == Levels::kOne) return find(kOneLevel, uxn, pxn, ap & 0b10, c.wxn);
  Letters letters = c.levels == Levels::kTwo ? find(kTwoLevels, uxn, pxn, ap, c.wxn)
                                             : find_aarch32(c, uxn != 0, pxn != 0, ap);
  // D8.4.5 (RXTSQH, RZGCNT), G5.6.2.
  if (c.pan && (letters.r || letters.w || (c.epan && letters.x))) letters.R = letters.W = false;
  return letters;
}

Expected expected_stage1(const Stage1Case& c, std::uint64_t table, std::uint64_t page,
                         const Access& access) {
  Expected expected;
  expected.page = page;
  // D8.5.1.1; IHI 0070, 5.4: AFFD, which HA overrides.
  if (!c.ha && !c.affd && !is_set(page, 10)) {
    expected.fault = FaultType::kAccessFlag;
    return expected;
  }
  // Table D8-50: APTable at [62:61], UXNTable at 60, PXNTable at 59.
  const unsigned aptable = c.had ? 0 : static_cast<unsigned>(table >> 61 & 3);
  const unsigned uxn = is_set(page, 54) || (!c.had && is_set(table, 60)) ? 1 : 0;
  const unsigned pxn = is_set(page, 53) || (!c.had && is_set(table, 59)) ? 1 : 0;
  // Table D8-64.
  const auto limited_ap = [&](unsigned ap) { return (ap & ~(aptable & 0b01)) | (aptable & 0b10); };
  const unsigned ap = static_cast<unsigned>(page >> 6 & 3);
  // D8.5.2: DBM has a write set AP[2] free; what APTable forbids stays forbidden.
  const bool pending =
      c.ha && c.hd && is_set(page, 51) && (ap & 0b10) != 0 && (aptable & 0b10) == 0;
  expected.allowed = stage1_letters(c, uxn, pxn, limited_ap(pending ? ap & 0b01 : ap));

  const bool write = access.direction == Direction::kWrite;
  if (c.ha) {
    if (!access.allowed_by(expected.allowed.permissions())) {
      expected.fault = FaultType::kPermission;
      return expected;
    }
    expected.page |= bit(10);
    if (pending && write) expected.page &= ~bit(7);
  }
  if (pending && !write) {
    expected.allowed.w = expected.allowed.W = false;
    expected.writable_clean = true;
  }
  return expected;
}

Regime stage1_regime(const Stage1Case& c, const Tables& tables) {
  Regime regime;
  Stage1& stage1 = regime.stage1;
  stage1.half[0] = {.enabled = true, .hierarchy_disabled = c.had, .tables = tables};
  stage1.half[1].tables.input_bits = tables.input_bits;
  stage1.permissions = stage1_permissions({.levels = c.levels,
                                           .write_implies_execute_never = c.wxn,
                                           .unprivileged_write_implies_execute_never = c.uwxn,
                                           .privileged_access_never = c.pan,
                                           .enhanced_pan = c.epan});
  stage1.access_flag_ignored = c.affd;
  stage1.update = {.access_flag = c.ha, .dirty_state = c.hd};
  regime.global = c.levels == Levels::kOne;
  regime.simple = c.levels == Levels::kTwo && !c.ha;
  return regime;
}

Tables small_tables(std::uint64_t root = 0x8000'0000) {
  return tables({.granule = Granule::k4K,
                 .input_bits = 30,
                 .first_level = 2,
                 .output_bits = 48,
                 .root = root});
}

std::optional<WalkFault> walk_stage1(TwoWords& memory, const Regime& regime, const Access& access,
                                     Leaf& leaf) {
  return Walker(memory).walk(regime, {.value = kAddress, .half = 0}, access, leaf);
}

std::string described(const Stage1Case& c, std::uint64_t table, std::uint64_t page,
                      unsigned access) {
  return fmt::format(
      "levels {} WXN {:d} UWXN {:d} PAN {:d} EPAN {:d} HAD {:d} AFFD {:d} HA {:d} HD {:d} table "
      "{:#x} page {:#x} access {}",
      static_cast<unsigned>(c.levels), c.wxn, c.uwxn, c.pan, c.epan, c.had, c.affd, c.ha, c.hd,
      table, page, access);
}

// What decides over access, of tables and pages: every combination, by every access.
void check_stage1_rights(const Stage1Case& c, const Tables& tables) {
  constexpr unsigned kTableBits[] = {59, 60, 61, 62, 63};   // PXNTable to NSTable
  constexpr unsigned kPageBits[] = {6, 7, 10, 51, 53, 54};  // AP, AF, DBM, PXN, UXN
  const Regime regime = stage1_regime(c, tables);
  TwoWords memory;
  for (unsigned i = 0; i != 1U << std::size(kTableBits); ++i) {
    memory.table = 0x9000'0003 | spread(i, kTableBits);
    for (unsigned j = 0; j != 1U << std::size(kPageBits); ++j) {
      const std::uint64_t page = kOutput | 0b11 | spread(j, kPageBits);
      for (unsigned k = 0; k != kAccesses; ++k) {
        const Access access = access_of(k);
        const Expected expected = expected_stage1(c, memory.table, page, access);
        memory.page = page;
        Leaf leaf;
        const auto fault = walk_stage1(memory, regime, access, leaf);
        bool good = fault.has_value() == expected.fault.has_value() && memory.page == expected.page;
        if (good && fault) {
          good = fault->type == *expected.fault && fault->stage == Stage::k1 && fault->level == 3;
        } else if (good) {
          good = leaf.permissions == expected.allowed.permissions() &&
                 leaf.writable_clean == expected.writable_clean;
        }
        ASSERT_TRUE(good) << described(c, memory.table, page, k);
      }
    }
  }
}

// Controls by the bits of a number.
Stage1Case stage1_case(Levels levels, unsigned number, HardwareUpdate update) {
  const bool aarch32 = levels == Levels::kTwoAArch32;
  const auto has = [number](unsigned n) { return (number >> n & 1) != 0; };
  return {.levels = levels,
          .wxn = has(0),
          .uwxn = aarch32 && has(1),
          .pan = has(2),
          .epan = !aarch32 && has(1),
          .had = has(3),
          .affd = has(4),
          .ha = update.access_flag,
          .hd = update.dirty_state};
}
constexpr unsigned kStage1Cases = 1U << 5;

constexpr HardwareUpdate kUpdates[] = {{}, {.access_flag = true}, {true, true}};

TEST(Stage1Bits, DecideOverAccessWithTwoPrivilegeLevels) {
  for (const HardwareUpdate& update : kUpdates) {
    for (unsigned i = 0; i != kStage1Cases; ++i) {
      check_stage1_rights(stage1_case(Levels::kTwo, i, update), small_tables());
    }
  }
}

TEST(Stage1Bits, DecideOverAccessWithOnePrivilegeLevel) {
  for (const HardwareUpdate& update : kUpdates) {
    for (unsigned i = 0; i != kStage1Cases; ++i) {
      check_stage1_rights(stage1_case(Levels::kOne, i, update), small_tables());
    }
  }
}

TEST(Stage1Bits, DecideOverAccessInVmsa8_32) {
  const Tables tables = aarch32_long_tables(30, 2, 0x8000'0000, 48, false);
  for (unsigned i = 0; i != kStage1Cases; ++i) {
    check_stage1_rights(stage1_case(Levels::kTwoAArch32, i, {}), tables);
  }
}

// One MAIR code for each AttrIndx, and whether it is always Outer Shareable (IHI 0070, 13.1.7).
constexpr std::uint64_t kMair = 0xff'44'0c'bb'04'f4'00'4f;
constexpr std::array<std::uint8_t, 8> kTypes = {0x4f, 0x00, 0xf4, 0x04, 0xbb, 0x0c, 0x44, 0xff};
constexpr std::array<bool, 8> kOuter = {false, true, false, true, false, true, true, false};
// D8.6.2: by SH.  0b01 is reserved.
constexpr std::array<Shareability, 4> kShareabilities = {
    Shareability::kNonShareable, Shareability::kNonShareable, Shareability::kOuter,
    Shareability::kInner};

// Everything a page may say, below everything a table may.  What neither means
// anything to the SMMU nor is an address changes nothing: the Contiguous bit, NS, GP, bits for
// software and RES0 ones.
TEST(Stage1Bits, EveryPageSaysWhatItSaysWhateverElseItSays) {
  // AttrIndx, AP, SH, AF, nG, DBM, Contiguous, PXN, UXN.
  constexpr unsigned kPageBits[] = {2, 3, 4, 6, 7, 8, 9, 10, 11, 51, 52, 53, 54};
  constexpr unsigned kTableBits[] = {59, 60, 61, 62, 63};
  constexpr std::uint64_t kIgnored = bit(5) | mask(50, 48) | mask(58, 55) | mask(62, 59) | bit(63);
  constexpr std::uint64_t kIgnoredOfTable = mask(11, 2) | mask(58, 48);
  for (const Levels levels : {Levels::kTwo, Levels::kOne}) {
    const Stage1Case c = stage1_case(levels, 0, {});
    Regime regime = stage1_regime(c, small_tables());
    regime.stage1.attributes = stage1_attributes(kMair);
    TwoWords memory;
    for (unsigned i = 0; i != 1U << std::size(kTableBits); ++i) {
      for (unsigned j = 0; j != 1U << std::size(kPageBits); ++j) {
        for (const bool ignored : {false, true}) {
          memory.table = 0x9000'0003 | spread(i, kTableBits) | (ignored ? kIgnoredOfTable : 0);
          const std::uint64_t page = spread(j, kPageBits);
          memory.page = kOutput | 0b11 | page | (ignored ? kIgnored : 0);
          const Expected expected = expected_stage1(c, memory.table, page, {});
          Leaf leaf;
          const auto fault = walk_stage1(memory, regime, {}, leaf);
          const auto attr_indx = page >> 2 & 7;
          const MemoryAttributes attributes{.type = kTypes[attr_indx],
                                            .shareability = kOuter[attr_indx]
                                                                ? Shareability::kOuter
                                                                : kShareabilities[page >> 8 & 3]};
          const bool good =
              fault ? fault->type == expected.fault
                    : !expected.fault && leaf.attributes == attributes &&
                          leaf.permissions == expected.allowed.permissions() &&
                          leaf.global == (levels == Levels::kOne || !is_set(page, 11)) &&
                          leaf.output.value == kOutput && leaf.size_bits == 12 && leaf.level == 3;
          ASSERT_TRUE(good) << described(c, memory.table, memory.page, 0);
        }
      }
    }
  }
}

// With DS [9:8] of every descriptor are address bits [51:50], and the CD has SH.
TEST(Stage1Bits, WithDsShareabilityIsTheCds) {
  for (unsigned sh = 0; sh != 4; ++sh) {
    Regime regime = stage1_regime(stage1_case(Levels::kTwo, 0, {}),
                                  tables({.granule = Granule::k4K,
                                          .input_bits = 30,
                                          .first_level = 2,
                                          .output_bits = 52,
                                          .root = 0x8000'0000,
                                          .wide = true,
                                          .shareability = static_cast<Shareability>(sh)}));
    regime.stage1.attributes = stage1_attributes(kMair);
    TwoWords memory;
    memory.table = 0x9000'0003;
    for (unsigned i = 0; i != 1U << 7; ++i) {
      constexpr unsigned kPageBits[] = {2, 3, 4, 8, 9, 48, 49};
      const std::uint64_t page = spread(i, kPageBits);
      memory.page = kOutput | 0x403 | page;
      Leaf leaf;
      ASSERT_FALSE(walk_stage1(memory, regime, {}, leaf));
      const auto attr_indx = page >> 2 & 7;
      EXPECT_EQ(leaf.output.value, kOutput | (page & mask(49, 48)) | (page >> 8 & 3) << 50);
      EXPECT_EQ(leaf.attributes.type, kTypes[attr_indx]);
      EXPECT_EQ(leaf.attributes.shareability,
                kOuter[attr_indx] ? Shareability::kOuter : kShareabilities[sh]);
    }
  }
}

// --- Stage 2 ---

struct Stage2Case {
  bool aarch32, xnx;
  bool affd, ptw, fwb, ha, hd;
};

// Tables D8-77 and D8-78, G5-10: whether XN[1:0] lets the unprivileged and the privileged execute.
struct Executes {
  bool x, X;
};
constexpr Executes kWithXnx[] = {{true, true}, {true, false}, {false, false}, {false, true}};
constexpr Executes kWithoutXnx[] = {{true, true}, {true, true}, {false, false}, {false, false}};

// Tables D8-96 and D8-100: whether MemAttr is a Device type, what is reserved
// among them as it is in STE.MemAttr (IHI 0070, 5.2).
constexpr bool kDevice[] = {true, true,  true,  true,  true, false, false, false,
                            true, false, false, false, true, false, false, false};
constexpr bool kDeviceWithFwb[] = {true, true, true, true, true, false, false, false,
                                   true, true, true, true, true, false, false, false};

Expected expected_stage2(const Stage2Case& c, std::uint64_t page, const Access& access,
                         Purpose purpose) {
  Expected expected;
  expected.page = page;
  if (!c.ha && !c.affd && !is_set(page, 10)) {
    expected.fault = FaultType::kAccessFlag;
    return expected;
  }
  // Table D8-76.
  static constexpr Letters kByS2ap[] = {Letters(""), Letters("rR"), Letters("wW"), Letters("rwRW")};
  const bool pending = c.ha && c.hd && is_set(page, 51) && !is_set(page, 7);
  expected.allowed = kByS2ap[(page >> 6 & 3) | (pending ? 0b10 : 0)];
  const auto xn = page >> 53 & 3;
  const Executes executes = c.xnx ? kWithXnx[xn] : kWithoutXnx[xn];
  // G5.6.3: to execute, read access is needed as well.
  expected.allowed.x = executes.x && (!c.aarch32 || expected.allowed.r);
  expected.allowed.X = executes.X && (!c.aarch32 || expected.allowed.R);

  const auto mem_attr = page >> 2 & 0xf;
  const bool device = c.fwb ? kDeviceWithFwb[mem_attr] : kDevice[mem_attr];
  const bool refused = purpose == Purpose::kTable && c.ptw && device;
  if (refused || !access.allowed_by(expected.allowed.permissions())) {
    expected.fault = FaultType::kPermission;
    return expected;
  }
  const bool write = access.direction == Direction::kWrite;
  if (c.ha) expected.page |= bit(10);
  if (pending && write) expected.page |= bit(7);
  if (pending && !write) {
    expected.allowed.w = expected.allowed.W = false;
    expected.writable_clean = true;
  }
  return expected;
}

Stage2 stage2_regime(const Stage2Case& c) {
  Stage2 stage2;
  stage2.tables = c.aarch32 ? aarch32_long_tables(30, 2, 0x8000'0000, 48, false) : small_tables();
  stage2.permissions = stage2_permissions(c.xnx, c.aarch32);
  stage2.access_flag_ignored = c.affd;
  stage2.device_walks_denied = c.ptw;
  if (c.fwb) stage2.mem_attr = MemAttrEncoding::kForcedWriteBack;
  stage2.update = {.access_flag = c.ha, .dirty_state = c.hd};
  return stage2;
}

void check_stage2_rights(const Stage2Case& c) {
  // MemAttr, S2AP, AF, DBM, XN.
  constexpr unsigned kPageBits[] = {2, 3, 4, 5, 6, 7, 10, 51, 53, 54};
  const Stage2 stage2 = stage2_regime(c);
  TwoWords memory;
  memory.table = 0x9000'0003;
  for (unsigned i = 0; i != 1U << std::size(kPageBits); ++i) {
    const std::uint64_t page = kOutput | 0b11 | spread(i, kPageBits);
    // The last two are the read and the update of a stage 1 descriptor.
    for (unsigned k = 0; k != kAccesses + 2; ++k) {
      const bool table = k >= kAccesses;
      const Access access = access_of(table ? 2 * (k - kAccesses) + 1 : k);
      const Purpose purpose = table ? Purpose::kTable : Purpose::kInput;
      const Expected expected = expected_stage2(c, page, access, purpose);
      memory.page = page;
      Stage2Leaf leaf;
      const auto fault = Walker(memory).walk_stage2(stage2, Ipa(kAddress), purpose, access, leaf);
      bool good = fault.has_value() == expected.fault.has_value() && memory.page == expected.page;
      if (good && fault) {
        good = fault->type == *expected.fault && fault->stage == Stage::k2 && fault->level == 3 &&
               fault->purpose == purpose && fault->ipa == Ipa(kAddress) &&
               fault->table_write == (table && access.direction == Direction::kWrite);
      } else if (good) {
        good = leaf.permissions == expected.allowed.permissions() &&
               leaf.writable_clean == expected.writable_clean;
      }
      ASSERT_TRUE(good) << fmt::format(
          "VMSAv8-32 {:d} XNX {:d} AFFD {:d} PTW {:d} FWB {:d} HA {:d} HD {:d} page {:#x} access "
          "{}",
          c.aarch32, c.xnx, c.affd, c.ptw, c.fwb, c.ha, c.hd, page, k);
    }
  }
}

TEST(Stage2Bits, DecideOverAccess) {
  for (unsigned i = 0; i != 1U << 4; ++i) {
    const auto has = [i](unsigned n) { return (i >> n & 1) != 0; };
    for (const HardwareUpdate& update : kUpdates) {
      check_stage2_rights({.aarch32 = false,
                           .xnx = has(0),
                           .affd = has(1),
                           .ptw = has(2),
                           .fwb = has(3),
                           .ha = update.access_flag,
                           .hd = update.dirty_state});
    }
  }
}

TEST(Stage2Bits, DecideOverAccessInVmsa8_32) {
  for (unsigned i = 0; i != 1U << 3; ++i) {
    const auto has = [i](unsigned n) { return (i >> n & 1) != 0; };
    check_stage2_rights({.aarch32 = true,
                         .xnx = has(0),
                         .affd = has(1),
                         .ptw = has(2),
                         .fwb = false,
                         .ha = false,
                         .hd = false});
  }
}

// As for stage 1.  Tables have no attributes in stage 2: bits [63:59] are RES0 (Table D8-51).
TEST(Stage2Bits, EveryPageSaysWhatItSaysWhateverElseItSays) {
  // MemAttr, S2AP, SH, AF, FnXS, DBM, Contiguous, XN.
  constexpr unsigned kPageBits[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 51, 52, 53, 54};
  constexpr unsigned kTableBits[] = {59, 60, 61, 62, 63};
  for (const bool fwb : {false, true}) {
    const Stage2Case c{.aarch32 = false,
                       .xnx = true,
                       .affd = false,
                       .ptw = false,
                       .fwb = fwb,
                       .ha = false,
                       .hd = false};
    const Stage2 stage2 = stage2_regime(c);
    TwoWords memory;
    for (unsigned i = 0; i != 1U << std::size(kTableBits); ++i) {
      memory.table = 0x9000'0003 | spread(i, kTableBits);
      for (unsigned j = 0; j != 1U << std::size(kPageBits); ++j) {
        const std::uint64_t page = spread(j, kPageBits);
        memory.page = kOutput | 0b11 | page | (j % 2 == 0 ? mask(50, 48) | mask(63, 55) : 0);
        const Access read{.privilege = Privilege::kPrivileged};
        const Expected expected = expected_stage2(c, page, read, Purpose::kInput);
        Stage2Leaf leaf;
        const auto fault =
            Walker(memory).walk_stage2(stage2, Ipa(kAddress), Purpose::kInput, read, leaf);
        const bool good =
            fault ? fault->type == expected.fault
                  : !expected.fault && leaf.permissions == expected.allowed.permissions() &&
                        leaf.memory.mem_attr == (page >> 2 & 0xf) &&
                        static_cast<unsigned>(leaf.memory.shareability) == (page >> 8 & 3) &&
                        leaf.memory.encoding == stage2.mem_attr && leaf.output.value == kOutput &&
                        leaf.size_bits == 12 && leaf.level == 3;
        ASSERT_TRUE(good) << fmt::format("FWB {:d} table {:#x} page {:#x}", fwb, memory.table,
                                         memory.page);
      }
    }
  }
}

}  // namespace
}  // namespace smmu::emulator::descriptor_bits_test
