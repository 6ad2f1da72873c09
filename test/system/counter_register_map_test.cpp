// Every word of both pages of a counter group: what it is after a reset, which of its bits software
// can change, and what else changes with them (IHI 0070, 10.5 and 10.6).
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <ostream>
#include <random>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::testing::counter_register_map_test {
namespace {

using emulator::CounterGroup;
using emulator::CounterGroupConfig;
using emulator::Pace;
using emulator::SmmuV3;
using emulator::SmmuV3Config;
using v3::SMMU_PMCG_AIDR;
using v3::SMMU_PMCG_CFGR;

constexpr std::uint32_t kPage1 = 0x1'0000;
constexpr std::uint32_t kAll = 0xffff'ffff;
constexpr std::uint32_t kScr = 0xdf8;

enum class Kind {
  kPlain,
  kSet,    // what is written as 1 is set; `companion` clears it, and reads the same
  kClear,  // the other one
};

struct Word {
  std::uint32_t writable = 0;
  std::uint32_t reset = 0;
  Kind kind = Kind::kPlain;
  std::uint32_t companion = 0;  // reads the same, or acknowledges; 0: there is none
};
using Map = std::map<std::uint32_t, Word>;

// What is not in here is RES0.
Map map_of(const CounterGroupConfig& config, std::uint32_t ceid) {
  const SMMU_PMCG_CFGR cfgr = config.cfgr;
  const std::uint32_t count = cfgr[SMMU_PMCG_CFGR::NCTR] + 1U;
  const unsigned bits = static_cast<unsigned>(cfgr[SMMU_PMCG_CFGR::SIZE]) + 1;
  const bool capture = cfgr[SMMU_PMCG_CFGR::CAPTURE];
  const std::uint32_t page = cfgr[SMMU_PMCG_CFGR::RELOC_CTRS] ? kPage1 : 0;
  const auto low_bits = [](unsigned n) {
    return n >= 32 ? kAll : static_cast<std::uint32_t>((1ULL << n) - 1);
  };
  Map map = {
      {0xe00, {0, cfgr.raw()}},
      {0xe04, {1}},  // CR
      {0xe08, {0, config.iidr.raw()}},
      {0xe20, {0, ceid}},                    // CEID0
      {0xe50, {1, 0, Kind::kPlain, 0xe54}},  // IRQ_CTRL, IRQ_CTRLACK
      {0xe70, {0, config.aidr.raw()}},
  };
  for (std::uint32_t n = 0; n != count; ++n) {
    if (bits == 32) {
      map[page + 4 * n] = {kAll};
    } else {
      map[page + 8 * n] = {kAll};
      map[page + 8 * n + 4] = {low_bits(bits - 32)};
    }
    const bool filtered = n == 0 || !cfgr[SMMU_PMCG_CFGR::SID_FILTER_TYPE];
    map[0x400 + 4 * n] = {0xffffU | (capture ? 0x8000'0000 : 0) | (filtered ? 0x2000'0000 : 0) |
                          (filtered && config.secure_state ? 0x4000'0000 : 0)};
    if (filtered) map[0xa00 + 4 * n] = {low_bits(config.stream_bits)};
  }
  const auto bitmap = [&](std::uint32_t set, std::uint32_t clear) {
    for (std::uint32_t half = 0; half != 2; ++half) {
      const std::uint32_t there =
          half == 0 ? low_bits(count) : low_bits(count < 32 ? 0 : count - 32);
      map[set + 4 * half] = {there, 0, Kind::kSet, clear + 4 * half};
      map[clear + 4 * half] = {there, 0, Kind::kClear, set + 4 * half};
    }
  };
  bitmap(0xc00, 0xc20);                // CNTENSET0, CNTENCLR0
  bitmap(0xc40, 0xc60);                // INTENSET0, INTENCLR0
  bitmap(page + 0xcc0, page + 0xc80);  // OVSSET0, OVSCLR0
  if (config.secure_state)
    map[kScr] = {cfgr[SMMU_PMCG_CFGR::MSI] ? 7U : 3U,
                 cfgr[SMMU_PMCG_CFGR::MSI] ? 0x8000'0006 : 0x8000'0002};
  if (cfgr[SMMU_PMCG_CFGR::MSI]) {
    map[0xe58] = {0xffff'fffc};  // IRQ_CFG0: addresses have 48 bits here
    map[0xe5c] = {0x0000'ffff};
    map[0xe60] = {kAll};
    map[0xe64] = {0x3f};
  }
  for (std::uint32_t i = 0; i != config.id_block.size(); ++i) {
    map[0xfb0 + 4 * i] = {0, config.id_block[i]};
  }
  return map;
}

struct Named {
  const char* name;
  CounterGroupConfig config;
  SmmuV3Config smmu = SmmuV3Config::everything();
  std::uint32_t ceid = 0xfe;
};
void PrintTo(const Named& named, std::ostream* out) { *out << named.name; }

CounterGroupConfig few_features() {
  CounterGroupConfig config;
  using CounterSize = SMMU_PMCG_CFGR::CounterSize;
  config.cfgr =
      SMMU_PMCG_CFGR().set(SMMU_PMCG_CFGR::NCTR, 3).set(SMMU_PMCG_CFGR::SIZE, CounterSize::k32Bits);
  config.stream_bits = 5;
  return config;
}

CounterGroupConfig one_filter() {
  auto config = CounterGroupConfig::everything();
  config.cfgr.set(SMMU_PMCG_CFGR::NCTR, 32)
      .set(SMMU_PMCG_CFGR::SIZE, SMMU_PMCG_CFGR::CounterSize::k36Bits)
      .set(SMMU_PMCG_CFGR::MSI, false)
      .set(SMMU_PMCG_CFGR::SID_FILTER_TYPE, true);
  config.iidr = v3::SMMU_PMCG_IIDR(0x4832'243b);
  config.aidr = SMMU_PMCG_AIDR(0);
  return config;
}

CounterGroupConfig in_one_page() {
  auto config = CounterGroupConfig::everything();
  config.cfgr.set(SMMU_PMCG_CFGR::RELOC_CTRS, false)
      .set(SMMU_PMCG_CFGR::SIZE, SMMU_PMCG_CFGR::CounterSize::k48Bits);
  config.secure_state = false;
  return config;
}

SmmuV3Config without_ats() {
  auto config = SmmuV3Config::everything();
  config.idr0.set(v3::SMMU_IDR0::ATS, false)
      .set(v3::SMMU_IDR0::PRI, false)
      .set(v3::SMMU_IDR0::ATSRECERR, false);
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  config.s_idr3 = {};
  config.pace = Pace::kStepped;
  return config;
}

// Software's Secure accesses: all there is.
class CounterRegisterMap : public ::testing::TestWithParam<Named> {
 protected:
  CounterRegisterMap() {
    SmmuV3Config config = GetParam().smmu;
    config.idr5.set(v3::SMMU_IDR5::OAS, OutputSize::k48Bits);
    config.counter_groups = {GetParam().config};
    auto made = SmmuV3::create(config, {.memory = &ram_});
    EXPECT_TRUE(made) << made.error();
    smmu_ = *std::move(made);
  }

  CounterGroup& group() { return smmu_->counter_group(0); }
  Mmio& registers() { return group().secure(); }
  // A write, and what comes of it.
  void write32(std::uint32_t offset, std::uint32_t value) {
    registers().write32(offset, value);
    smmu_->step(10);
  }
  void write64(std::uint32_t offset, std::uint64_t value) {
    registers().write64(offset, value);
    smmu_->step(10);
  }
  Word at(std::uint32_t offset) const {
    const auto found = map_.find(offset);
    return found == map_.end() ? Word{} : found->second;
  }
  using Words = std::map<std::uint32_t, std::uint32_t>;
  // Whatever is not what it is after a reset.
  Words changed() {
    Words words;
    for (const std::uint32_t page : {0U, kPage1}) {
      for (std::uint32_t offset = page; offset != page + 0x1000; offset += 4) {
        const std::uint32_t value = registers().read32(offset);
        if (value != at(offset).reset) words[offset] = value;
      }
    }
    return words;
  }
  // What should be, after a write of ones there.
  void expect_written(Words& words, std::uint32_t offset) const {
    const Word word = at(offset);
    const std::uint32_t written = word.reset | word.writable;
    if (word.kind == Kind::kClear || written == word.reset) return;
    words[offset] = written;
    if (word.companion != 0) words[word.companion] = written;
  }

  emulator::Ram ram_;
  std::unique_ptr<SmmuV3> smmu_;
  const Map map_ = map_of(GetParam().config, GetParam().ceid);
};

TEST_P(CounterRegisterMap, IsThatOfTheManualAfterAReset) {
  for (std::uint32_t offset = 0; offset != 2 * kPage1; offset += 4) {
    ASSERT_EQ(registers().read32(offset), at(offset).reset) << std::hex << offset;
  }
}

TEST_P(CounterRegisterMap, TakesWritesWhereItHasBitsForThem) {
  for (const std::uint32_t page : {0U, kPage1}) {
    for (std::uint32_t offset = page; offset != page + 0x1000; offset += 4) {
      group().reset();
      write32(offset, kAll);
      Words expected;
      expect_written(expected, offset);
      ASSERT_EQ(changed(), expected) << std::hex << offset;
      write32(offset, 0);
      const Word word = at(offset);
      const std::uint32_t left =
          word.kind == Kind::kSet ? word.writable : word.reset & ~word.writable;
      ASSERT_EQ(registers().read32(offset), left) << std::hex << offset;
    }
  }
}

TEST_P(CounterRegisterMap, EndsWhereItsPagesEnd) {
  const auto before = changed();
  for (std::uint32_t offset = 0x1000; offset != kPage1; offset += 4) write32(offset, kAll);
  for (std::uint32_t offset = kPage1 + 0x1000; offset != 2 * kPage1; offset += 4) {
    write32(offset, kAll);
  }
  for (const std::uint32_t offset : {0xffff'fffcU, 0x8000'0e04U, 0x10'0000U}) write32(offset, kAll);
  EXPECT_EQ(changed(), before);
}

// 6.2: a register of 64 bits at once, and two of 32.
TEST_P(CounterRegisterMap, IsTheSameInDoublewords) {
  for (const std::uint32_t page : {0U, kPage1}) {
    for (std::uint32_t offset = page; offset != page + 0x1000; offset += 8) {
      group().reset();
      ASSERT_EQ(registers().read64(offset),
                std::uint64_t{at(offset + 4).reset} << 32 | at(offset).reset)
          << std::hex << offset;
      write64(offset, ~std::uint64_t{0});
      Words expected;
      expect_written(expected, offset);
      expect_written(expected, offset + 4);
      ASSERT_EQ(changed(), expected) << std::hex << offset;
      ASSERT_EQ(registers().read64(offset),
                std::uint64_t{registers().read32(offset + 4)} << 32 | registers().read32(offset))
          << std::hex << offset;
    }
  }
}

TEST_P(CounterRegisterMap, ClearsBitByBit) {  // 10.5.2.6, 10.5.2.8, 10.5.2.9
  for (const auto& [offset, word] : map_) {
    if (word.kind != Kind::kClear || word.writable == 0) continue;
    group().reset();
    write32(word.companion, kAll);
    write32(offset, 0x5555'5555);
    EXPECT_EQ(registers().read32(offset), word.writable & 0xaaaa'aaaa) << std::hex << offset;
    EXPECT_EQ(registers().read32(word.companion), word.writable & 0xaaaa'aaaa);
    write32(word.companion, 0x1);
    EXPECT_EQ(registers().read32(offset), (word.writable & 0xaaaa'aaaa) | 1) << std::hex << offset;
  }
}

// 6.2: RAZ/WI, of the behaviours that are permitted.
TEST_P(CounterRegisterMap, IsNotReachedByMisalignedAccesses) {
  for (const auto& [offset, word] : map_) {
    if (word.kind != Kind::kClear && offset != 0xe50) write32(offset, kAll);
  }
  const auto before = changed();
  ASSERT_FALSE(before.empty());
  for (const std::uint32_t page : {0U, kPage1}) {
    for (std::uint32_t offset = page; offset != page + 0x1000; ++offset) {
      if (offset % 8 != 0) {
        ASSERT_EQ(registers().read64(offset), 0U) << std::hex << offset;
        registers().write64(offset, 0x0123'4567'89ab'cdef);
      }
      if (offset % 4 != 0) {
        ASSERT_EQ(registers().read32(offset), 0U) << std::hex << offset;
        registers().write32(offset, 0x89ab'cdef);
      }
    }
  }
  EXPECT_EQ(changed(), before);
}

// 10.5.2.21: in the interval between a write of IRQEN and its acknowledgement as well.
TEST_P(CounterRegisterMap, KeepsTheMessageThatIsInUse) {
  write32(0xe50, 1);
  const auto before = changed();
  for (std::uint32_t offset = 0xe58; offset != 0xe68; offset += 4) write32(offset, kAll);
  EXPECT_EQ(changed(), before);
  registers().write32(0xe50, 0);
  if (GetParam().smmu.pace == Pace::kStepped) {
    for (std::uint32_t offset = 0xe58; offset != 0xe68; offset += 4) {
      registers().write32(offset, kAll);
      EXPECT_EQ(registers().read32(offset), 0U);
    }
  }
  smmu_->step(10);
  write32(0xe60, 0x1234);
  EXPECT_EQ(registers().read32(0xe60), 0x1234 & at(0xe60).writable);
}

TEST_P(CounterRegisterMap, IsOfNonSecureSoftwareToo) {  // 10.5.2.12: but for SCR
  for (const std::uint32_t page : {0U, kPage1}) {
    for (std::uint32_t offset = page; offset != page + 0x1000; offset += 4) {
      group().reset();
      const std::uint32_t there = offset == kScr ? 0 : at(offset).reset;
      ASSERT_EQ(group().read32(offset), there) << std::hex << offset;
      group().write32(offset, kAll);
      smmu_->step(10);
      Words expected;
      if (offset != kScr) expect_written(expected, offset);
      ASSERT_EQ(changed(), expected) << std::hex << offset;
      if (offset != kScr) {
        ASSERT_EQ(group().read32(offset), registers().read32(offset)) << std::hex << offset;
      }
    }
  }
}

TEST_P(CounterRegisterMap, IsHiddenFromNonSecureSoftwareWithoutNsra) {  // 10.6
  if (!GetParam().config.secure_state) {
    // There is no such thing.
    write32(kScr, 0);
    EXPECT_EQ(group().read32(0xe00), GetParam().config.cfgr.raw());
    return;
  }
  write32(kScr, 0);
  for (const auto& [offset, word] : map_) {
    if (word.kind != Kind::kClear && offset != 0xe50 && offset != kScr) write32(offset, kAll);
  }
  const auto before = changed();
  for (const std::uint32_t page : {0U, kPage1}) {
    for (std::uint32_t offset = page; offset != page + 0x1000; offset += 4) {
      ASSERT_EQ(group().read32(offset), 0U) << std::hex << offset;
      group().write32(offset, 0);
      group().write32(offset, 0x1357'9bdf);
    }
  }
  EXPECT_EQ(group().read64(0xe00), 0U);
  group().write64(0xc20, ~std::uint64_t{0});
  EXPECT_EQ(changed(), before);
}

TEST_P(CounterRegisterMap, OutlivesAResetOfTheSmmu) {  // 10.2
  for (const auto& [offset, word] : map_) {
    if (word.kind != Kind::kClear) write32(offset, kAll);
  }
  const auto before = changed();
  for (const auto kind : {emulator::Reset::kWarm, emulator::Reset::kPowerOn}) {
    smmu_->reset(kind);
    EXPECT_EQ(changed(), before);
  }
  group().reset();
  EXPECT_EQ(changed(), Words());
}

INSTANTIATE_TEST_SUITE_P(Configurations, CounterRegisterMap,
                         ::testing::Values(Named{"everything", CounterGroupConfig::everything()},
                                           Named{"few features", few_features()},
                                           Named{"one filter", one_filter()},
                                           Named{"in one page", in_one_page()},
                                           Named{"without ATS, stepped",
                                                 CounterGroupConfig::everything(), without_ats(),
                                                 0x3f}));

TEST(CounterRegisters, IdentifyWhatTheyAre) {  // 10.5.2.29
  emulator::Ram ram;
  SmmuV3Config config = SmmuV3Config::everything();
  config.counter_groups = {CounterGroupConfig::everything()};
  const auto smmu = SmmuV3::create(config, {.memory = &ram});
  ASSERT_TRUE(smmu);
  Mmio& group = (*smmu)->counter_group(0);
  EXPECT_EQ(group.read32(0xe00), 0x0070'3f3fU);
  EXPECT_EQ(group.read32(0xe70), 4U);
  EXPECT_EQ(group.read32(0xfb8), 0U);  // PMAUTHSTATUS, which is deprecated (2.8)
  EXPECT_EQ(group.read32(0xfbc), 0x4770'2a56U);
  EXPECT_EQ(group.read32(0xfcc), 0x56U);
  EXPECT_EQ(group.read32(0xfe8), 0x08U);
  EXPECT_EQ(group.read32(0xff0), 0x0dU);
  EXPECT_EQ(group.read32(0xff4), 0x90U);
  EXPECT_EQ(group.read32(0xff8), 0x05U);
  EXPECT_EQ(group.read32(0xffc), 0xb1U);
}

// Whatever software writes, wherever, and whatever comes in between.
TEST(CounterRegisters, StayWhatTheyCanBe) {
  for (const CounterGroupConfig& one : {few_features(), one_filter(), in_one_page()}) {
    emulator::Ram ram;
    SmmuV3Config config = SmmuV3Config::everything();
    config.idr5.set(v3::SMMU_IDR5::OAS, OutputSize::k48Bits);
    config.counter_groups = {one};
    auto made = SmmuV3::create(config, {.memory = &ram});
    ASSERT_TRUE(made) << made.error();
    CounterGroup& group = (*made)->counter_group(0);
    emulator::Port& port = (*made)->add_port();
    const Map map = map_of(one, 0xfe);
    std::mt19937_64 random(1);
    const auto any_offset = [&] {
      const auto bits = static_cast<std::uint32_t>(random());
      return (bits & 0x0001'0fff) | (bits % 64 == 0 ? bits : 0);
    };
    const auto any_value = [&] {
      const std::uint64_t kinds[] = {random(), ~std::uint64_t{0}, 0, random() & 7,
                                     random() | ~std::uint64_t{7}};
      return kinds[random() % 5];
    };
    for (unsigned i = 0; i != 20'000; ++i) {
      Mmio& registers = random() % 2 == 0 ? static_cast<Mmio&>(group) : group.secure();
      if (random() % 2 == 0) {
        registers.write32(any_offset(), static_cast<std::uint32_t>(any_value()));
      } else {
        registers.write64(any_offset() & ~7U, any_value());
      }
      port.translate({.stream = StreamId(static_cast<std::uint32_t>(any_value())),
                      .address = Iova(any_value())});
      registers.read64(any_offset());
    }
    for (const auto& [offset, word] : map) {
      if (offset == 0xe54) continue;
      EXPECT_EQ(group.secure().read32(offset) & ~word.writable, word.reset & ~word.writable)
          << std::hex << offset;
    }
  }
}

}  // namespace
}  // namespace smmu::testing::counter_register_map_test
