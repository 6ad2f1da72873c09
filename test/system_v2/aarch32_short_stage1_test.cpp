// Stage 1 of AArch32 with Short descriptors: sections, pages, TEX remap and the access flag.
#include "test/system_v2/aarch32_tables.h"
#include "test/system_v2/bank.h"

namespace smmu::testing::aarch32_short_stage1_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;
using Sctlr = SMMU_CBn_SCTLR;
using Tcr = SMMU_CBn_TCR_Short;

// DDI 0487, G5.4.1: the bits of a Section, and of a Small page.
constexpr std::uint32_t kSection = 0b10, kSupersection = 1U << 18 | 0b10;
constexpr std::uint32_t kSectionFull = 0b11U << 10;  // AP[1:0]
constexpr std::uint32_t kSectionReadOnly = 1U << 15, kSectionNg = 1U << 17, kSectionNs = 1U << 19;
constexpr std::uint32_t kSectionXn = 1U << 4, kSectionPxn = 1U << 0;
constexpr std::uint32_t kSmallPage = 0b10, kLargePage = 0b01;
constexpr std::uint32_t kPageFull = 0b11U << 4;

struct Short {
  explicit Short(const SmmuV2Config& config = SmmuV2Config::generic(),
                 SecurityState owner = SecurityState::kNonSecure)
      : Short(V2Rig::Options{.config = config}, owner) {}
  Short(const V2Rig::Options& options, SecurityState owner)
      : rig(options),
        bank(rig, owner == SecurityState::kSecure ? 100 : 0, owner),
        device(rig.device(StreamId(5)).of(owner)) {
    rig.registers().global0().write(all_faults_abort());
    rig.secure_registers().global0().write(all_faults_abort());
    bank.become(Bank::stage1_alone());
    bank.become(SMMU_CBA2Rn());
    bank.take(StreamId(5));
    bank.write(Tcr());
    bank.page().write_low(SMMU_CBn_TTBR0_AArch64(table.root().value));
    bank.write(Bank::on());
  }

  void invalidate() {
    bank.write(SMMU_CBn_TLBIALL());
    bank.write(SMMU_CBn_TLBSYNC());
  }
  emulator::Outcome translate(std::uint64_t address) { return device.translate(Iova(address)); }

  V2Rig rig;
  ShortTable table{rig};
  Bank bank;
  DmaDevice device;
};

TEST(AArch32ShortStage1, MapsSectionsSupersectionsAndPages) {
  Short stage1;
  stage1.table.level1(0x1230'0000, 0x4560'0000 | kSection | kSectionFull);
  EXPECT_THAT(stage1.translate(0x1231'2345), TranslatesTo(Pa(0x4561'2345)));
  // Sixteen alike, of which bits [35:32] and [39:36] stand at [23:20] and [8:5].
  for (std::uint32_t i = 0; i != 16; ++i) {
    stage1.table.level1(0x2000'0000 + (i << 20),
                        0x5630'0000 | 0x7 << 5 | kSupersection | kSectionFull);
  }
  EXPECT_THAT(stage1.translate(0x20ab'cdef), TranslatesTo(Pa(0x73'56ab'cdef)));
  stage1.table.level2(0x3000'1000, 0x6789'a000 | kSmallPage | kPageFull);
  EXPECT_THAT(stage1.translate(0x3000'1234), TranslatesTo(Pa(0x6789'a234)));
  for (std::uint32_t i = 0; i != 16; ++i) {
    stage1.table.level2(0x3001'0000 + (i << 12), 0x6789'0000 | kLargePage | kPageFull);
  }
  EXPECT_THAT(stage1.translate(0x3001'8234), TranslatesTo(Pa(0x6789'8234)));
}

TEST(AArch32ShortStage1, FaultsAtTheLevelWhereNothingIs) {
  Short stage1;
  EXPECT_THAT(stage1.translate(0x1230'0000), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 1));
  stage1.table.level2(0x3000'1000, 0);
  EXPECT_THAT(stage1.translate(0x3000'1000), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 2));
  // There are no addresses above 4 GiB.
  stage1.table.level1(0, kSection | kSectionFull);
  EXPECT_THAT(stage1.translate(0x1'0000'0000), Aborts());
  EXPECT_EQ(stage1.bank.take_fault().status, 2U);
}

// N: what of the topmost N bits is not all 0 is TTBR1's.
TEST(AArch32ShortStage1, DividesTheRangeByN) {
  for (unsigned n = 0; n != 8; ++n) {
    SCOPED_TRACE(n);
    Short stage1;
    ShortTable lower(stage1.rig, n);
    ShortTable whole(stage1.rig);
    stage1.bank.page().write_low(SMMU_CBn_TTBR0_AArch64(lower.root().value));
    stage1.bank.page().write_low(SMMU_CBn_TTBR1_AArch64(whole.root().value));
    stage1.bank.write(Tcr().set(Tcr::T0SZ, n));
    const std::uint64_t border = std::uint64_t{1} << (32 - n);
    const auto last = static_cast<std::uint32_t>(border - 1) & 0xfff0'0000;
    lower.level1(last, 0x4560'0000 | kSection | kSectionFull);
    EXPECT_THAT(stage1.translate(last), TranslatesTo(Pa(0x4560'0000)));
    if (n == 0) continue;
    whole.level1(static_cast<std::uint32_t>(border), 0x7890'0000 | kSection | kSectionFull);
    whole.level1(0xfff0'0000, 0x7990'0000 | kSection | kSectionFull);
    EXPECT_THAT(stage1.translate(border), TranslatesTo(Pa(0x7890'0000)));
    EXPECT_THAT(stage1.translate(0xfff0'0000), TranslatesTo(Pa(0x7990'0000)));
    stage1.invalidate();
    stage1.bank.write(Tcr().set(Tcr::T0SZ, n).set(Tcr::PD0, true));
    EXPECT_THAT(stage1.translate(last), Aborts());
    EXPECT_EQ(stage1.bank.take_fault().status, 2U);
    EXPECT_THAT(stage1.translate(border), TranslatesTo(Pa(0x7890'0000)));
    stage1.invalidate();
    stage1.bank.write(Tcr().set(Tcr::T0SZ, n).set(Tcr::PD1, true));
    EXPECT_THAT(stage1.translate(last), TranslatesTo(Pa(0x4560'0000)));
    EXPECT_THAT(stage1.translate(border), Aborts());
    EXPECT_EQ(stage1.bank.take_fault().status, 2U);
  }
}

// Table G5-9: AP[2:0] of all eight values, for both levels of privilege.
TEST(AArch32ShortStage1, PermitsWhatApSays) {
  struct Row {
    unsigned ap;
    bool privileged_read, privileged_write, read, write;
  };
  constexpr Row kRows[] = {{0b000, 0, 0, 0, 0}, {0b001, 1, 1, 0, 0}, {0b010, 1, 1, 1, 0},
                           {0b011, 1, 1, 1, 1}, {0b101, 1, 0, 0, 0}, {0b110, 1, 0, 1, 0},
                           {0b111, 1, 0, 1, 0}};
  Short stage1;
  for (const Row& row : kRows) {
    const std::uint32_t address = row.ap << 20;
    stage1.table.level1(address,
                        0x4560'0000 | kSection | (row.ap & 0b11) << 10 | (row.ap >> 2) << 15);
    stage1.table.level2(address | 0x1000'0000,
                        0x4560'0000 | kSmallPage | (row.ap & 0b11) << 4 | (row.ap >> 2) << 9);
    for (const std::uint32_t at : {address, address | 0x1000'0000U}) {
      const auto may = [&](const DmaDevice& device, Direction direction) {
        return std::holds_alternative<emulator::Translation>(device.translate(Iova(at), direction));
      };
      EXPECT_EQ(may(stage1.device, Direction::kRead), row.read) << row.ap;
      EXPECT_EQ(may(stage1.device, Direction::kWrite), row.write) << row.ap;
      EXPECT_EQ(may(stage1.device.privileged(), Direction::kRead), row.privileged_read) << row.ap;
      EXPECT_EQ(may(stage1.device.privileged(), Direction::kWrite), row.privileged_write) << row.ap;
    }
  }
}

TEST(AArch32ShortStage1, ExecutesByXnPxnWxnAndUwxn) {
  Short stage1;
  constexpr std::uint32_t kPlain = 0x100'0000, kXn = 0x110'0000, kPxn = 0x120'0000;
  constexpr std::uint32_t kRead = 0x130'0000, kKernel = 0x140'0000;
  stage1.table.level1(kPlain, kSection | kSectionFull);
  stage1.table.level1(kXn, kSection | kSectionFull | kSectionXn);
  stage1.table.level1(kPxn, kSection | kSectionFull | kSectionPxn);
  stage1.table.level1(kRead, kSection | kSectionFull | kSectionReadOnly);
  stage1.table.level1(kKernel, kSection | 0b01U << 10);
  const auto fetches = [&](std::uint32_t address, bool privileged) {
    const DmaDevice user = stage1.device.fetching_instructions();
    const auto outcome = (privileged ? user.privileged() : user).translate(Iova(address));
    return std::holds_alternative<emulator::Translation>(outcome);
  };
  for (const bool wxn : {false, true}) {
    for (const bool uwxn : {false, true}) {
      stage1.bank.write(Bank::on().set(Sctlr::WXN, wxn).set(Sctlr::UWXN, uwxn));
      stage1.invalidate();
      EXPECT_EQ(fetches(kPlain, false), !wxn);
      EXPECT_EQ(fetches(kPlain, true), !wxn && !uwxn);
      EXPECT_FALSE(fetches(kXn, false) || fetches(kXn, true));
      EXPECT_EQ(fetches(kPxn, false), !wxn);
      EXPECT_FALSE(fetches(kPxn, true));
      EXPECT_TRUE(fetches(kRead, false) && fetches(kRead, true));
      EXPECT_FALSE(fetches(kKernel, false)) << "to execute is to read";
      EXPECT_EQ(fetches(kKernel, true), !wxn);
    }
  }
}

// AFE: AP[0] is the access flag.
TEST(AArch32ShortStage1, KeepsAnAccessFlagWithAfe) {
  Short stage1;
  stage1.table.level1(0x100'0000, 0x4560'0000 | kSection | 0b10U << 10);
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x4560'0000)));
  stage1.invalidate();
  stage1.bank.set<Sctlr>(Sctlr::AFE, true);
  EXPECT_THAT(stage1.translate(0x100'0000), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::AFF, 1));
  stage1.table.level2(0x300'0000, 0x4567'8000 | kSmallPage | 0b10U << 4);
  EXPECT_THAT(stage1.translate(0x300'0000), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::AFF, 2));
  stage1.bank.set<Sctlr>(Sctlr::AFFD, true);
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x4560'0000)));
  EXPECT_THAT(stage1.device.translate(Iova(0x100'0000), Direction::kWrite),
              TranslatesTo(Pa(0x4560'0000)));
}

// Without TEX remap the descriptor says it all (Table G5-12).
TEST(AArch32ShortStage1, DescribesMemoryByTex) {
  struct Row {
    unsigned tex_c_b;
    std::uint8_t type;
  };
  constexpr Row kRows[] = {{0b00000, 0x00}, {0b00001, 0x04}, {0b00010, 0xaa}, {0b00011, 0xee},
                           {0b00100, 0x44}, {0b00111, 0xff}, {0b01000, 0x04}, {0b10001, 0x4f},
                           {0b11011, 0xae}, {0b11110, 0xea}};
  Short stage1;
  for (const Row& row : kRows) {
    const std::uint32_t address = row.tex_c_b << 20;
    stage1.table.level1(address, 0x4560'0000 | kSection | kSectionFull | (row.tex_c_b >> 2) << 12 |
                                     (row.tex_c_b & 0b11) << 2);
    EXPECT_EQ(translation_of(stage1.translate(address)).attributes.type, row.type) << row.tex_c_b;
  }
}

// With it PRRR and NMRR do, by TEX[0], C and B.
TEST(AArch32ShortStage1, DescribesMemoryByRemappedTex) {
  Short stage1;
  stage1.bank.set<Sctlr>(Sctlr::TRE, true);
  using Prrr = SMMU_CBn_PRRR;
  using Nmrr = SMMU_CBn_NMRR;
  stage1.bank.write(Prrr()
                        .set(Prrr::TR0, 0b00)
                        .set(Prrr::TR1, 0b01)
                        .set(Prrr::TR2, 0b10)
                        .set(Prrr::TR5, 0b10)
                        .set(Prrr::TR7, 0b10)
                        .set(Prrr::NS1, true)
                        .set(Prrr::NOS7, true));
  stage1.bank.write(Nmrr()
                        .set(Nmrr::IR2, 0b00)
                        .set(Nmrr::OR2, 0b00)
                        .set(Nmrr::IR5, 0b10)
                        .set(Nmrr::OR5, 0b11)
                        .set(Nmrr::IR7, 0b01)
                        .set(Nmrr::OR7, 0b01));
  const auto attributes = [&](unsigned n, bool s) {
    const std::uint32_t address = n << 20;
    stage1.table.level1(address, 0x4560'0000 | kSection | kSectionFull | (n >> 2) << 12 |
                                     (n & 0b11) << 2 | (s ? 1U << 16 : 0));
    stage1.invalidate();
    return translation_of(stage1.translate(address)).attributes;
  };
  EXPECT_EQ(attributes(0, false).type, 0x00);
  EXPECT_EQ(attributes(1, false).type, 0x04);
  EXPECT_EQ(attributes(2, true).type, 0x44);
  EXPECT_EQ(attributes(5, false),
            (MemoryAttributes{.type = 0xea, .shareability = Shareability::kNonShareable}));
  EXPECT_EQ(attributes(5, true),
            (MemoryAttributes{.type = 0xea, .shareability = Shareability::kOuter}));
  EXPECT_EQ(attributes(7, true),
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kInner}));
}

TEST(AArch32ShortStage1, TagsByTheAsidOfContextidr) {
  Short stage1;
  using Contextidr = SMMU_CBn_CONTEXTIDR_Short;
  stage1.bank.write(Contextidr().set(Contextidr::ASID, 0x42).set(Contextidr::PROCID, 0x1234));
  stage1.table.level1(0x100'0000, 0x4560'0000 | kSection | kSectionFull | kSectionNg);
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x4560'0000)));
  stage1.table.level1(0x100'0000, 0x7890'0000 | kSection | kSectionFull | kSectionNg);
  const auto invalidate = [&](unsigned asid) {
    stage1.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, asid));
    stage1.bank.write(SMMU_CBn_TLBSYNC());
  };
  invalidate(0x43);
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x4560'0000)));
  // The new number has no entries.
  stage1.bank.write(Contextidr().set(Contextidr::ASID, 0x43));
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x7890'0000)));
  stage1.bank.write(Contextidr().set(Contextidr::ASID, 0x42));
  invalidate(0x42);
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x7890'0000)));
}

// One address of what a descriptor maps stands for all of it.
TEST(AArch32ShortStage1, IsInvalidatedByAnyAddressOfALeaf) {
  using Operand = SMMU_CBn_TLBIVA_AArch32;
  struct Row {
    std::uint32_t address;
    std::uint64_t size;
  };
  constexpr Row kRows[] = {{0x2000'0000, 1 << 24}, {0x3000'0000, 1 << 20}, {0x3100'0000, 1 << 16}};
  for (const Row& row : kRows) {
    Short stage1;
    const auto map = [&](std::uint32_t to) {
      for (std::uint32_t i = 0; i != 16; ++i) {
        if (row.size == 1 << 24) {
          stage1.table.level1(row.address + (i << 20), to | kSupersection | kSectionFull);
        } else if (row.size == 1 << 16) {
          stage1.table.level2(row.address + (i << 12), to | kLargePage | kPageFull);
        }
      }
      if (row.size == 1 << 20) stage1.table.level1(row.address, to | kSection | kSectionFull);
    };
    map(0x4500'0000);
    const std::uint64_t last = row.address + row.size - 0x1000;
    EXPECT_THAT(stage1.translate(row.address), TranslatesTo(Pa(0x4500'0000)));
    map(0x7800'0000);
    EXPECT_THAT(stage1.translate(row.address), TranslatesTo(Pa(0x4500'0000)));
    stage1.bank.page().write_low(
        SMMU_CBn_TLBIVA_AArch64(Operand().set(Operand::VA, last & 0xffff'f000).raw()));
    stage1.bank.write(SMMU_CBn_TLBSYNC());
    EXPECT_THAT(stage1.translate(row.address), TranslatesTo(Pa(0x7800'0000)));
  }
}

TEST(AArch32ShortStage1, ReadsBigEndianTables) {
  Short stage1;
  stage1.table.level2(0x300'0000, __builtin_bswap32(0x4567'8000 | kSmallPage | kPageFull));
  // What level2() has put at level 1 is turned around as well.
  const Pa slot(stage1.table.root().value + 4 * 0x30);
  const auto word = static_cast<std::uint32_t>(load(stage1.rig.memory(), slot));
  store32(stage1.rig.memory(), slot, __builtin_bswap32(word));
  stage1.bank.set<Sctlr>(Sctlr::E, true);
  EXPECT_THAT(stage1.translate(0x300'0123), TranslatesTo(Pa(0x4567'8123)));
}

// A Supersection alone has more than 32 bits of address.
TEST(AArch32ShortStage1, RefusesSupersectionsThatAreTooFar) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::OAS, OutputSize::k36Bits);
  Short stage1(config);
  stage1.table.level1(0x2000'0000, 0x56f0'0000 | kSupersection | kSectionFull);
  EXPECT_THAT(stage1.translate(0x2000'0000), TranslatesTo(Pa(0xf'5600'0000)));
  stage1.table.level1(0x3000'0000, 0x56f0'0000 | 0x1 << 5 | kSupersection | kSectionFull);
  EXPECT_THAT(stage1.translate(0x3000'0000), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
}

// NS of a Section, and of the table of a page, says where a Secure bank leads.
TEST(AArch32ShortStage1, OfSecureBanksLeadsWhereNsSays) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  Short stage1(config, SecurityState::kSecure);
  stage1.table.level1(0x100'0000, kSection | kSectionFull);
  stage1.table.level1(0x110'0000, kSection | kSectionFull | kSectionNs);
  constexpr std::uint32_t kTableNs = 1U << 3;
  stage1.table.level2(0x200'0000, kSmallPage | kPageFull);
  stage1.table.level2(0x210'0000, kSmallPage | kPageFull, kTableNs);
  const auto space = [&](std::uint32_t address) {
    return translation_of(stage1.translate(address)).space;
  };
  EXPECT_EQ(space(0x100'0000), SecurityState::kSecure);
  EXPECT_EQ(space(0x110'0000), SecurityState::kNonSecure);
  EXPECT_EQ(space(0x200'0000), SecurityState::kSecure);
  EXPECT_EQ(space(0x210'0000), SecurityState::kNonSecure);
  // SIF: and no instructions are fetched from there.
  const auto fetches = [&](std::uint32_t address) {
    const auto outcome = stage1.device.fetching_instructions().translate(Iova(address));
    return std::holds_alternative<emulator::Translation>(outcome);
  };
  EXPECT_TRUE(fetches(0x100'0000) && fetches(0x110'0000) && fetches(0x210'0000));
  const RegisterPage secure = stage1.rig.secure_registers().global0();
  secure.write(secure.read<SMMU_SCR1>().set(SMMU_SCR1::SIF, true));
  stage1.invalidate();
  EXPECT_TRUE(fetches(0x100'0000) && fetches(0x200'0000));
  EXPECT_FALSE(fetches(0x110'0000) || fetches(0x210'0000));
}

// NSCFG: the tables of that half are in Non-secure memory, and so is all that they lead to,
// whatever NS says.  None of it is global.
TEST(AArch32ShortStage1, OfSecureBanksMayHaveNonSecureTables) {
  emulator::Ram secure_ram;
  ASSERT_TRUE(secure_ram.add(Pa(0x4000'0000), 1 << 20));
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  Short stage1({.config = config, .secure_memory = &secure_ram}, SecurityState::kSecure);
  // The same addresses in both memories: sections that differ.
  ShortTable lower(stage1.rig, 1);
  ShortTable upper(stage1.rig);
  const auto put = [&](const ShortTable& table, std::uint32_t address, std::uint32_t pa) {
    table.level1(address, pa | kSection | kSectionFull);
    store32(secure_ram, Pa(table.root().value + 4 * (address >> 20)),
            (pa + 0x10'0000) | kSection | kSectionFull);
  };
  put(lower, 0x100'0000, 0x4560'0000);
  put(upper, 0x8010'0000, 0x7890'0000);
  stage1.bank.page().write_low(SMMU_CBn_TTBR0_AArch64(lower.root().value));
  stage1.bank.page().write_low(SMMU_CBn_TTBR1_AArch64(upper.root().value));
  for (const bool nscfg0 : {false, true}) {
    for (const bool nscfg1 : {false, true}) {
      SCOPED_TRACE(::testing::Message() << nscfg0 << nscfg1);
      stage1.bank.write(Tcr().set(Tcr::T0SZ, 1).set(Tcr::NSCFG0, nscfg0).set(Tcr::NSCFG1, nscfg1));
      stage1.invalidate();
      const auto expect = [&](std::uint32_t address, std::uint64_t pa, bool non_secure) {
        const auto translation = translation_of(stage1.translate(address));
        EXPECT_EQ(translation.pa, Pa(non_secure ? pa : pa + 0x10'0000));
        EXPECT_EQ(translation.space,
                  non_secure ? SecurityState::kNonSecure : SecurityState::kSecure);
      };
      expect(0x100'0000, 0x4560'0000, nscfg0);
      expect(0x8010'0000, 0x7890'0000, nscfg1);
    }
  }
  // The lower half is Non-secure now: its translations are this ASID's alone.
  using Contextidr = SMMU_CBn_CONTEXTIDR_Short;
  put(lower, 0x100'0000, 0x1230'0000);
  put(upper, 0x8010'0000, 0x2340'0000);
  stage1.bank.write(Tcr().set(Tcr::T0SZ, 1).set(Tcr::NSCFG0, true));
  stage1.invalidate();
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x1230'0000)));
  EXPECT_THAT(stage1.translate(0x8010'0000), TranslatesTo(Pa(0x2350'0000)));
  put(lower, 0x100'0000, 0x3450'0000);
  put(upper, 0x8010'0000, 0x5670'0000);
  stage1.bank.write(Contextidr().set(Contextidr::ASID, 0x42));
  EXPECT_THAT(stage1.translate(0x100'0000), TranslatesTo(Pa(0x3450'0000)));
  EXPECT_THAT(stage1.translate(0x8010'0000), TranslatesTo(Pa(0x2350'0000))) << "is global";
}

}  // namespace
}  // namespace smmu::testing::aarch32_short_stage1_test
