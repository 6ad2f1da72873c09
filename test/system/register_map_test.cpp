// Every word of both register pages: what it is after a reset, which of its bits software can
// change, and what else changes with them (IHI 0070, 6.2 and 6.3).
#include <algorithm>
#include <map>
#include <ostream>

#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::register_map_test {
namespace {

using emulator::SmmuV3Config;
using v3::SMMU_IDR0;

constexpr std::uint32_t kEnd = 0x2'0000;
constexpr std::uint32_t kAll = 0xffff'ffff;

struct Word {
  std::uint32_t writable = 0;  // with every enable off
  std::uint32_t reset = 0;
  // Another register that a write changes: an acknowledgement.
  std::uint32_t companion = kEnd;
};
using Map = std::map<std::uint32_t, Word>;

// What is not in here is RES0.
Map map_of(const SmmuV3Config& config) {
  Map map = {
      {0x00, {0, config.idr0.raw()}},
      {0x04, {0, config.idr1.raw()}},
      {0x08, {0, config.idr2.raw()}},
      {0x0c, {0, config.idr3.raw()}},
      {0x10, {0, config.idr4.raw()}},
      {0x14, {0, config.idr5.raw()}},
      {0x18, {0, config.iidr.raw()}},
      {0x1c, {0, config.aidr.raw()}},
      {0x20, {0xd, 0, 0x24}},                    // CR0, CR0ACK
      {0x28, {0xfff}},                           // CR1
      {0x2c, {0x2}},                             // CR2
      {0x44, {0x001f'3f1f, config.gbpa_reset}},  // GBPA, of which Update has gone
      {0x50, {0x5, 0, 0x54}},                    // IRQ_CTRL, IRQ_CTRLACK
      {0x64, {0x105}},                           // GERRORN
      {0x80, {0xffff'ffc0}},                     // STRTAB_BASE
      {0x84, {0x40ff'ffff}},
      {0x88, {0x3f}},         // STRTAB_BASE_CFG
      {0x90, {0xffff'ffff}},  // CMDQ_BASE
      {0x94, {0x40ff'ffff}},
      {0x98, {0x000f'ffff}},  // CMDQ_PROD
      {0x9c, {0x7f00'0001}},  // CMDQ_CONS: of RD a queue of one entry has a wrap bit
      {0xa0, {0xffff'ffff}},  // EVENTQ_BASE
      {0xa4, {0x40ff'ffff}},
      {0x1'00a8, {0x8000'0001}},  // EVENTQ_PROD: WR as RD
      {0x1'00ac, {0x800f'ffff}},  // EVENTQ_CONS
  };
  if (config.idr0[SMMU_IDR0::ATOS]) {
    const auto low_bits = [](unsigned n) { return static_cast<std::uint32_t>((1ULL << n) - 1); };
    const unsigned ssidsize = config.idr1[v3::SMMU_IDR1::SSIDSIZE];
    // GATOS_CTRL cannot be written while the SMMU is off.
    map[0x108] = {low_bits(config.idr1[v3::SMMU_IDR1::SIDSIZE])};  // GATOS_SID
    map[0x10c] = {low_bits(ssidsize) | (ssidsize != 0 ? 0x0010'0000U : 0)};
    map[0x110] = {0xffff'ffc0};  // GATOS_ADDR
    map[0x114] = {0xffff'ffff};
  }
  if (config.idr0[SMMU_IDR0::VATOS]) {
    map[0x180] = {config.idr0[SMMU_IDR0::VMID16] ? 0xffffU : 0xffU};  // VATOS_SEL
  }
  if (config.idr0[SMMU_IDR0::VMW]) map[0x20].writable |= 0x1c0;
  if (config.idr0[SMMU_IDR0::Hyp]) map[0x2c].writable |= 0x1;        // E2H
  if (config.idr0[SMMU_IDR0::ATS]) map[0x20].writable |= 0x10;       // ATSCHK
  if (config.idr0[SMMU_IDR0::ATSRECERR]) map[0x2c].writable |= 0x8;  // REC_CFG_ATS
  if (config.idr0[SMMU_IDR0::PRI]) {
    map[0x20].writable |= 0x2;  // PRIQEN
    map[0x50].writable |= 0x2;  // PRIQ_IRQEN
    map[0x64].writable |= 0x8;  // PRIQ_ABT_ERR
    map[0xc0] = {0xffff'ffff};  // PRIQ_BASE
    map[0xc4] = {0x40ff'ffff};
    map[0x1'00c8] = {0x8000'0001};  // PRIQ_PROD
    map[0x1'00cc] = {0x800f'ffff};  // PRIQ_CONS
  }
  // 6.3.25: FMT and SPLIT.
  if (config.idr0[SMMU_IDR0::ST_LEVEL] != 0) map[0x88].writable |= 0x0003'07c0;
  if (config.idr0[SMMU_IDR0::MSI]) {
    map[0x64].writable |= 0xb0;  // MSI_*_ABT_ERR
    for (const std::uint32_t cfg0 : {0x68U, 0xb0U}) {
      map[cfg0] = {0xffff'fffc};
      map[cfg0 + 4] = {0x00ff'ffff};
      map[cfg0 + 8] = {0xffff'ffff};
      map[cfg0 + 12] = {0x3f};
    }
    if (config.idr0[SMMU_IDR0::PRI]) {
      map[0x64].writable |= 0x40;  // MSI_PRIQ_ABT_ERR
      map[0xd0] = {0xffff'fffc};
      map[0xd4] = {0x00ff'ffff};
      map[0xd8] = {0xffff'ffff};
      map[0xdc] = {0x8000'003f};  // with LO
    }
  }
  if (config.idr1[v3::SMMU_IDR1::ECMDQ]) {
    map[0x64].writable |= 0x200;  // CMDQP_ERR
    map[0x190] = {0, config.idr6.raw()};
    // 6.3.49 to 6.3.51, of two pages; the pages are in enhanced_queue_registers_test.
    for (std::uint32_t page = 0; page != 2; ++page) {
      map[0x4000 + 32 * page] = {0, 0x10'0003 + (page << 16)};
      map[0x4008 + 32 * page] = {0, 1};
      map[0x400c + 32 * page] = {0, 1};
    }
  }
  for (std::uint32_t i = 0; i != config.id_block.size(); ++i) {
    map[0xfd0 + 4 * i] = {0, config.id_block[i]};
  }
  return map;
}

struct Named {
  const char* name;
  SmmuV3Config config;
};
void PrintTo(const Named& named, std::ostream* out) { *out << named.name; }

SmmuV3Config few_features() {
  auto config = SmmuV3Config::everything().without_secure_state();
  config.idr0.set(SMMU_IDR0::MSI, false).set(SMMU_IDR0::ST_LEVEL, 0).set(SMMU_IDR0::VATOS, false);
  config.idr1.set(v3::SMMU_IDR1::SIDSIZE, 6)
      .set(v3::SMMU_IDR1::SSIDSIZE, 5)
      .set(v3::SMMU_IDR1::ECMDQ, false);
  config.idr6 = v3::SMMU_IDR6();
  config.iidr = v3::SMMU_IIDR(0x1234'543b);
  config.gbpa_reset = 0x0010'1000;
  return config;
}

SmmuV3Config without_pri() {
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::PRI, false).set(SMMU_IDR0::ATSRECERR, false);
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  return config;
}

// The Secure registers, at the offsets of the others.
Map secure_map_of(const SmmuV3Config& config) {
  Map map;
  if (!config.s_idr1[v3::SMMU_S_IDR1::SECURE_IMPL]) return map;
  auto like = config;
  like.idr0.set(SMMU_IDR0::MSI, config.s_idr0[v3::SMMU_S_IDR0::MSI])
      .set(SMMU_IDR0::ATS, false)
      .set(SMMU_IDR0::PRI, false)
      .set(SMMU_IDR0::ATSRECERR, false)
      .set(SMMU_IDR0::VATOS, config.idr0[SMMU_IDR0::VATOS] && config.s_idr1[v3::SMMU_S_IDR1::SEL2]);
  // Of either kind of StreamID, in S_GATOS_SID.
  const bool ecmdq = config.s_idr0[v3::SMMU_S_IDR0::ECMDQ];
  like.idr1.set(v3::SMMU_IDR1::ECMDQ, false)
      .set(v3::SMMU_IDR1::SIDSIZE, std::max(config.idr1[v3::SMMU_IDR1::SIDSIZE],
                                            config.s_idr1[v3::SMMU_S_IDR1::S_SIDSIZE]));
  map = map_of(like);
  for (std::uint32_t offset = 0; offset != 0x20; offset += 4) map.erase(offset);
  for (std::uint32_t i = 0; i != config.id_block.size(); ++i) map.erase(0xfd0 + 4 * i);
  map[0x00] = {0, config.s_idr0.raw()};
  map[0x04] = {0, config.s_idr1.raw()};
  map[0x08] = {0, config.s_idr2.raw()};
  map[0x0c] = {0, config.s_idr3.raw()};
  if (ecmdq) {
    map[0x64].writable |= 0x200;  // CMDQP_ERR
    map[0x190] = {0, config.s_idr6.raw()};
    map[0x4000] = {0, 0x110'0003};  // one page
    map[0x4008] = {0, 1};
    map[0x400c] = {0, 1};
  }
  map[0x20] = {0x2d, 0, 0x24};  // S_CR0 with SIF, without ATSCHK and PRIQEN
  if (config.s_idr0[v3::SMMU_S_IDR0::STALL_MODEL] == StallModel::kStallOrTerminate) {
    map[0x20].writable |= 0x200;  // NSSTALLD
  }
  const bool sel2 = config.s_idr1[v3::SMMU_S_IDR1::SEL2];
  if (config.idr0[SMMU_IDR0::VMW]) map[0x20].writable |= 0x1c0;
  if (config.idr0[SMMU_IDR0::ATOS]) {
    map[0x10c].writable |= 0x0020'0000;            // S_GATOS_SID.SSEC
    if (sel2) map[0x110].writable |= 0x0000'0010;  // S_GATOS_ADDR.NS
  }
  map[0x2c] = {sel2 ? 0x3U : 0x2U};                   // S_CR2: E2H is of EL2
  map[0x44] = {0x001f'ff1f, config.s_gbpa_reset};     // S_GBPA with NSCFG
  for (const std::uint32_t index : {0xa8U, 0xacU}) {  // both in page 0
    map[index] = map[0x1'0000 + index];
    map.erase(0x1'0000 + index);
  }
  return map;
}

class RegisterMap : public ::testing::TestWithParam<Named> {
 protected:
  emulator::SmmuV3& smmu() { return *smmu_; }
  Word at(std::uint32_t offset) const {
    const auto found = map_.find(offset);
    return found == map_.end() ? Word{} : found->second;
  }
  // What a word is after a reset and a write of ones.
  std::uint32_t written(std::uint32_t offset) const {
    return at(offset).reset | at(offset).writable;
  }
  // Whatever is defined and not what it is after a reset.
  std::map<std::uint32_t, std::uint32_t> changed() {
    std::map<std::uint32_t, std::uint32_t> words;
    for (std::uint32_t offset = 0; offset != 0x240; offset += 4) {
      if (smmu().read32(offset) != at(offset).reset) words[offset] = smmu().read32(offset);
    }
    for (std::uint32_t offset = 0x1'00a0; offset != 0x1'00e0; offset += 4) {
      if (smmu().read32(offset) != at(offset).reset) words[offset] = smmu().read32(offset);
    }
    return words;
  }
  // What should be after a write of ones there.
  std::map<std::uint32_t, std::uint32_t> expected(std::initializer_list<std::uint32_t> offsets) {
    std::map<std::uint32_t, std::uint32_t> words;
    for (const std::uint32_t offset : offsets) {
      if (written(offset) == at(offset).reset) continue;
      words[offset] = written(offset);
      const std::uint32_t companion = at(offset).companion;
      if (companion != kEnd) words[companion] = written(offset);
    }
    return words;
  }

  Board board_{{.config = GetParam().config}};
  emulator::SmmuV3* smmu_ = &board_.smmu();
  Map map_ = map_of(GetParam().config);
};

TEST_P(RegisterMap, IsThatOfTheManualAfterAReset) {
  for (std::uint32_t offset = 0; offset != kEnd; offset += 4) {
    ASSERT_EQ(smmu().read32(offset), at(offset).reset) << std::hex << offset;
  }
}

TEST_P(RegisterMap, TakesWritesWhereItHasBitsForThem) {
  for (std::uint32_t offset = 0; offset != kEnd; offset += 4) {
    smmu().reset(emulator::Reset::kWarm);
    smmu().write32(offset, kAll);
    ASSERT_EQ(changed(), expected({offset})) << std::hex << offset;
    smmu().write32(offset, 0);
    // GBPA keeps it, for want of Update.
    const std::uint32_t left =
        offset == 0x44 ? written(offset) : at(offset).reset & ~at(offset).writable;
    ASSERT_EQ(smmu().read32(offset), left) << std::hex << offset;
  }
}

// 6.2: two registers of 32 bits take both halves.
TEST_P(RegisterMap, IsTheSameInDoublewords) {
  for (std::uint32_t offset = 0; offset != kEnd; offset += 8) {
    smmu().reset(emulator::Reset::kWarm);
    ASSERT_EQ(smmu().read64(offset), std::uint64_t{at(offset + 4).reset} << 32 | at(offset).reset)
        << std::hex << offset;
    smmu().write64(offset, ~std::uint64_t{0});
    if (offset == 0x98) continue;  // PROD and CONS together: CONS follows
    ASSERT_EQ(changed(), expected({offset, offset + 4})) << std::hex << offset;
    ASSERT_EQ(smmu().read64(offset),
              std::uint64_t{smmu().read32(offset + 4)} << 32 | smmu().read32(offset))
        << std::hex << offset;
  }
}

// 6.2: RAZ/WI, of the behaviours that are permitted.
TEST_P(RegisterMap, IsNotReachedByMisalignedAccesses) {
  // Something to be seen, where there can be.
  for (const auto& [offset, word] : map_) {
    if (offset != 0x20 && offset != 0x50) smmu().write32(offset, kAll);
  }
  const auto before = changed();
  for (std::uint32_t offset = 0; offset != kEnd; ++offset) {
    if (offset % 8 != 0) {
      ASSERT_EQ(smmu().read64(offset), 0U) << std::hex << offset;
      smmu().write64(offset, 0x0123'4567'89ab'cdef);
    }
    if (offset % 4 != 0) {
      ASSERT_EQ(smmu().read32(offset), 0U) << std::hex << offset;
      smmu().write32(offset, 0x89ab'cdef);
    }
  }
  EXPECT_EQ(changed(), before);
}

class SecureRegisterMap : public ::testing::TestWithParam<Named> {
 protected:
  static constexpr std::uint32_t kPage = 0x8000;

  Mmio& registers() { return board_.smmu().secure(); }
  std::uint32_t read(std::uint32_t offset) { return registers().read32(kPage + offset); }
  Word at(std::uint32_t offset) const {
    const auto found = map_.find(offset);
    return found == map_.end() ? Word{} : found->second;
  }
  std::map<std::uint32_t, std::uint32_t> changed() {
    std::map<std::uint32_t, std::uint32_t> words;
    for (std::uint32_t offset = 0; offset != 0x240; offset += 4) {
      if (read(offset) != at(offset).reset) words[offset] = read(offset);
    }
    return words;
  }

  Board board_{{.config = GetParam().config}};
  Map map_ = secure_map_of(GetParam().config);
};

TEST_P(SecureRegisterMap, IsThatOfTheManualAfterAReset) {
  for (std::uint32_t offset = 0; offset != kPage; offset += 4) {
    ASSERT_EQ(read(offset), at(offset).reset) << std::hex << offset;
    ASSERT_EQ(board_.smmu().read32(kPage + offset), 0U) << std::hex << offset;
  }
}

TEST_P(SecureRegisterMap, TakesWritesWhereItHasBitsForThem) {
  for (std::uint32_t offset = 0; offset != kPage; offset += 4) {
    board_.smmu().reset(emulator::Reset::kWarm);
    board_.smmu().write32(kPage + offset, kAll);
    ASSERT_TRUE(changed().empty()) << std::hex << offset;
    registers().write32(kPage + offset, kAll);
    const std::uint32_t written = at(offset).reset | at(offset).writable;
    std::map<std::uint32_t, std::uint32_t> expected;
    if (written != at(offset).reset) {
      expected[offset] = written;
      if (at(offset).companion != kEnd) expected[at(offset).companion] = written;
    }
    ASSERT_EQ(changed(), expected) << std::hex << offset;
    registers().write32(kPage + offset, 0);
    const std::uint32_t left = offset == 0x44 ? written : at(offset).reset & ~at(offset).writable;
    ASSERT_EQ(read(offset), left) << std::hex << offset;
  }
}

TEST_P(SecureRegisterMap, IsNotReachedByMisalignedAccesses) {
  const auto before = changed();
  for (std::uint32_t offset = 0; offset != 0x240; ++offset) {
    if (offset % 8 != 0) {
      ASSERT_EQ(registers().read64(kPage + offset), 0U) << std::hex << offset;
      registers().write64(kPage + offset, 0x0123'4567'89ab'cdef);
    }
    if (offset % 4 != 0) {
      ASSERT_EQ(registers().read32(kPage + offset), 0U) << std::hex << offset;
      registers().write32(kPage + offset, 0x89ab'cdef);
    }
  }
  EXPECT_EQ(changed(), before);
}

SmmuV3Config secure_without_el2() {
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::STALL_MODEL, StallModel::kStallForced);
  config.s_idr0.set(v3::SMMU_S_IDR0::MSI, false)
      .set(v3::SMMU_S_IDR0::ECMDQ, false)
      .set(v3::SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced);
  config.s_idr6 = {};
  config.s_idr1.set(v3::SMMU_S_IDR1::SEL2, false);
  config.s_idr2 = {};
  config.s_gbpa_reset = 0x0010'c000;
  return config;
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, SecureRegisterMap,
    ::testing::Values(Named{"everything", SmmuV3Config::everything()},
                      Named{"without EL2", secure_without_el2()},
                      Named{"none", SmmuV3Config::everything().without_secure_state()}));

INSTANTIATE_TEST_SUITE_P(Configurations, RegisterMap,
                         ::testing::Values(Named{"everything", SmmuV3Config::everything()},
                                           Named{"mmu600", SmmuV3Config::mmu600()},
                                           Named{"qemu_virt", SmmuV3Config::qemu_virt()},
                                           Named{"minimal", SmmuV3Config::minimal()},
                                           Named{"without PRI", without_pri()},
                                           Named{"few features", few_features()}));

}  // namespace
}  // namespace smmu::testing::register_map_test
