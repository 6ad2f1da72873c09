// The regime, the access and the plan of a random case.  All configurations
// are legal ones (IHI 0070, 5.2.2 and 5.4.2), for an SMMU with STT, and with
// VAX of 52 bits and DS if the OAS is 52 bits.
#include <algorithm>
#include <array>
#include <utility>

#include "test/model/random_case.h"

namespace smmu::model {
namespace {

// The range of TnSZ that starts at a level, and where it starts; empty if
// last < first.
struct SizeRange {
  unsigned first = 1;
  unsigned last = 0;
};

// DDI 0487, Tables D8-18, D8-28 and D8-37.
SizeRange stage1_sizes(unsigned granule, int level, bool large) {
  const unsigned least = large ? 12 : 16;
  if (granule == 12) {
    if (level == -1) return large ? SizeRange{12, 15} : SizeRange{};
    if (level == 0) return {16, 24};
    if (level == 1) return {25, 33};
    if (level == 2) return {34, 42};
    return {43, 48};
  }
  if (granule == 14) {
    if (level == -1) return {};
    if (level == 0) return {least, 16};
    if (level == 1) return {17, 27};
    if (level == 2) return {28, 38};
    return {39, 48};
  }
  if (level <= 0) return {};
  if (level == 1) return {least, 21};
  if (level == 2) return {22, 34};
  return {35, 47};
}

// DDI 0487, Tables D8-20 to D8-24, D8-30 to D8-33 and D8-39 to D8-41, with the
// physical address sizes of Table D8-9, and the IAS.
SizeRange stage2_sizes(unsigned granule, int level, bool large,
                       const Implementation& implementation) {
  const unsigned oas = implementation.oas;
  SizeRange range;
  if (granule == 12) {
    if (level == -1 && large) range = {12, 15};
    if (level == 0 && oas >= 44) range = {12, 24};
    if (level == 1) range = {21, 33};
    if (level == 2) range = {30, 42};
    if (level == 3) range = {39, 48};
  } else if (granule == 14) {
    if (level == 0 && large) range = {12, 16};
    if (level == 1 && oas >= 42) range = {large ? 13U : 16U, 27};
    if (level == 2) range = {24, 38};
    if (level == 3) range = {35, 48};
  } else {
    if (level == 1 && oas >= 44) range = {12, 21};
    if (level == 2) range = {18, 34};
    if (level == 3) range = {31, 47};
  }
  range.first = std::max(range.first, large ? 12U : 16U);
  range.first = std::max(range.first, 64 - implementation.ias());
  return range;
}

unsigned encode_tg0(unsigned granule) { return granule == 12 ? 0b00 : granule == 16 ? 0b01 : 0b10; }
unsigned encode_tg1(unsigned granule) { return granule == 12 ? 0b10 : granule == 16 ? 0b11 : 0b01; }

constexpr std::array<unsigned, 7> kSizes = {32, 36, 40, 42, 44, 48, 52};

// A start level for which sizes exist, not deeper than `deepest`.
template <class Sizes>
int start_level(Dice& dice, int deepest, const Sizes& sizes) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    const int level = dice.chance(30) ? deepest : static_cast<int>(dice.between(0, 4)) - 1;
    if (level > deepest) continue;
    const SizeRange range = sizes(level);
    if (range.first <= range.last) return level;
  }
  for (int level = deepest; level < 3; ++level) {
    const SizeRange range = sizes(level);
    if (range.first <= range.last) return level;
  }
  return 3;
}

std::uint64_t table_base(Dice& dice, unsigned bits) {
  // The structures hold [51:4]; what is below the alignment is to be ignored.
  std::uint64_t base = dice.bits(bits);
  if (dice.chance(70)) base &= ~std::uint64_t{0xffff};
  return base & ~std::uint64_t{0xf};
}

std::uint64_t memory_attributes(Dice& dice) {
  constexpr std::array<std::uint8_t, 12> kUsual = {0x00, 0x04, 0x08, 0x0c, 0x44, 0xbb,
                                                   0xff, 0xee, 0xaa, 0x4f, 0xf4, 0x77};
  std::uint64_t mair = 0;
  for (unsigned index = 0; index < 8; ++index) {
    const std::uint64_t attr = dice.chance(75) ? kUsual[dice.below(12)] : dice.bits(8);
    mair |= attr << (8 * index);
  }
  return mair;
}

void invent_stage1_v8_64(RandomCase& random, Stage1& stage1) {
  Dice& dice = random.dice;
  const Implementation& implementation = random.test.regime.implementation;
  const Plan& plan = random.plan;
  const bool large = implementation.oas == 52;

  if (!random.test.regime.stage2) {
    constexpr std::array<World, 6> kWorlds = {World::kEl1And0, World::kEl1And0, World::kEl2,
                                              World::kEl2And0, World::kEl2And0, World::kEl3};
    stage1.world = kWorlds[dice.below(6)];
  }
  const bool two_ranges = stage1.world == World::kEl1And0 || stage1.world == World::kEl2And0;
  const bool upper = two_ranges && dice.chance(45);
  const unsigned granule = plan.granule1;
  const bool aimed = plan.stage == 1;

  stage1.ds = large && dice.chance(70);
  // Levels and blocks that need DS.
  if (large && aimed && granule == 12 && plan.level <= 0) stage1.ds = true;
  if (large && aimed && granule == 14 && plan.level == 1) stage1.ds = true;

  const auto invent_half = [&](bool high, unsigned half_granule, int deepest) {
    const bool half_large = large && (half_granule == 16 || stage1.ds);
    const auto sizes = [&](int level) { return stage1_sizes(half_granule, level, half_large); };
    const SizeRange range = sizes(start_level(dice, deepest, sizes));
    (high ? stage1.t1sz : stage1.t0sz) = dice.between(range.first, range.last);
    if (high) {
      stage1.tg1 = encode_tg1(half_granule);
    } else {
      stage1.tg0 = encode_tg0(half_granule);
    }
  };
  const unsigned other_granule = std::array<unsigned, 3>{12, 14, 16}[dice.below(3)];
  invent_half(upper, granule, aimed ? plan.level : 3);
  if (two_ranges) invent_half(!upper, other_granule, 3);

  stage1.ips = dice.below(7);
  if (aimed && plan.aim == Aim::kAddressSize) stage1.ips = dice.below(5);
  if (plan.stage == 2 && plan.aim == Aim::kRange) stage1.ips = 0b110;

  StageShape& shape = random.shape1;
  shape.granule = granule;
  shape.ds = stage1.ds && granule != 16;
  shape.oa_bits = std::min(kSizes[stage1.ips], implementation.oas);
  shape.expressible = granule == 16 || shape.ds ? 52 : 48;
  shape.ia_bits = 64 - (upper ? stage1.t1sz : stage1.t0sz);

  // IHI 0070, 5.4, TTB0: within the output size, and within 48 bits if a
  // granule smaller than 64KB goes without DS.
  const auto base = [&](unsigned half_granule) {
    const unsigned expressible = half_granule == 16 || stage1.ds ? 52 : 48;
    unsigned bits = std::min(shape.oa_bits, expressible);
    if (random.test.regime.stage2) bits = std::min(bits, random.shape2.ia_bits);
    return table_base(dice, bits);
  };
  (upper ? stage1.ttb1 : stage1.ttb0) = base(granule);
  if (two_ranges) (upper ? stage1.ttb0 : stage1.ttb1) = base(other_granule);

  stage1.sh0 = dice.below(4);
  stage1.sh1 = dice.below(4);
  stage1.tbi0 = dice.chance(30);
  stage1.tbi1 = two_ranges && dice.chance(30);
  stage1.e0pd0 = two_ranges && dice.chance(3);
  stage1.e0pd1 = two_ranges && dice.chance(3);
  stage1.epan = two_ranges && dice.chance(30);
  stage1.ha = dice.chance(35);
  stage1.hd = dice.chance(stage1.ha ? 70 : 3);
  if (aimed && plan.aim == Aim::kAccessFlag) stage1.ha = stage1.hd = false;
  shape.updates = stage1.ha;

  // EPDn is ignored where there is one range (IHI 0070, 5.4).
  (upper ? stage1.epd0 : stage1.epd1) = dice.chance(15);
  if (!two_ranges) stage1.epd0 = dice.chance(15);
  if (two_ranges && (upper ? stage1.epd0 : stage1.epd1) && dice.chance(50)) {
    // What EPDn disables may be anything (IHI 0070, 5.4.1.1).
    (upper ? stage1.t0sz : stage1.t1sz) = dice.below(64);
    (upper ? stage1.tg0 : stage1.tg1) = dice.below(4);
  }
  if (aimed && plan.aim == Aim::kDisabled) {
    if (dice.chance(50)) {
      (upper ? stage1.epd1 : stage1.epd0) = true;
    } else {
      (upper ? stage1.e0pd1 : stage1.e0pd0) = true;
      random.test.access.privileged = false;
    }
  }

  // The address (IHI 0070, 3.4.1).
  const unsigned ia_bits = shape.ia_bits;
  std::uint64_t va = dice.bits(ia_bits);
  if (upper) va |= ~((std::uint64_t{1} << ia_bits) - 1);
  if ((upper ? stage1.tbi1 : stage1.tbi0) && dice.chance(70)) {
    va = (va & 0x00ff'ffff'ffff'ffff) | dice.bits(8) << 56;
  }
  if (aimed && plan.aim == Aim::kRange) {
    va ^= std::uint64_t{1} << dice.between(ia_bits, 63);
    if (dice.chance(30)) va ^= dice.bits(64) >> ia_bits << ia_bits;
  }
  random.test.access.address = va;
}

void invent_stage1_v8_32(RandomCase& random, Stage1& stage1) {
  Dice& dice = random.dice;
  const Plan& plan = random.plan;
  const bool aimed = plan.stage == 1;
  const bool is_short = stage1.format == Stage1Format::kVmsa8_32Short;

  StageShape& shape = random.shape1;
  shape.granule = 12;
  shape.oa_bits = is_short ? 32 : 40;
  shape.expressible = is_short ? 32 : 48;
  shape.ia_bits = 32;

  if (!random.test.regime.stage2 && !is_short && dice.chance(30)) stage1.world = World::kEl2;
  const bool two_ranges = stage1.world == World::kEl1And0;

  stage1.t0sz = dice.chance(40) ? 0 : dice.below(8);
  stage1.t1sz = dice.chance(40) ? 0 : dice.below(8);
  if (aimed && plan.level == 1 && !is_short) {
    stage1.t0sz = dice.below(2);
    stage1.t1sz = dice.below(2);
  }
  stage1.n = dice.chance(30) ? 0 : dice.below(8);
  stage1.afe = dice.chance(60) || (aimed && plan.aim == Aim::kAccessFlag);
  stage1.tre = dice.chance(50);
  stage1.prrr = static_cast<std::uint32_t>(dice.bits(32));
  stage1.nmrr = static_cast<std::uint32_t>(dice.bits(32));
  stage1.check_domains = dice.chance(15) || (aimed && plan.aim == Aim::kDomain);
  stage1.dacr = 0x5555'5555;  // every domain is a Client
  if (dice.chance(30)) stage1.dacr |= static_cast<std::uint32_t>(dice.bits(32));
  if (aimed && plan.aim == Aim::kDomain) stage1.dacr = static_cast<std::uint32_t>(dice.bits(32));
  stage1.uwxn = dice.chance(20);
  // HTTU does not exist in this format, and HA and HD are ignored.
  stage1.ha = dice.chance(10);
  stage1.hd = dice.chance(10);

  // 3.4.3: a base beyond the OAS is left out, whether it is legal is not said.
  unsigned base_bits = is_short ? 32 : 40;
  base_bits =
      std::min(base_bits, random.test.regime.stage2 ? random.shape2.ia_bits
                                                    : random.test.regime.implementation.oas);
  stage1.ttb0 = table_base(dice, base_bits);
  stage1.ttb1 = table_base(dice, base_bits);

  std::uint64_t va = dice.bits(32);
  if (dice.chance(40)) va &= (std::uint64_t{1} << (32 - stage1.t0sz)) - 1;
  if (two_ranges && dice.chance(40)) {
    va |= 0xffff'ffff & ~((std::uint64_t{1} << (32 - stage1.t1sz)) - 1);
  }
  if (!two_ranges) va &= (std::uint64_t{1} << (32 - stage1.t0sz)) - 1;
  if (!two_ranges && !is_short && aimed && plan.aim == Aim::kRange && stage1.t0sz != 0) {
    va |= std::uint64_t{1} << 31;
  }
  if (aimed && plan.aim == Aim::kRange && dice.chance(50)) {
    va |= std::uint64_t{1} << dice.between(32, 63);
  }
  random.test.access.address = va;

  stage1.epd0 = dice.chance(2);
  stage1.epd1 = dice.chance(2);
  if (aimed && plan.aim == Aim::kDisabled) stage1.epd0 = stage1.epd1 = true;
}

void invent_stage1(RandomCase& random, Stage1Format format) {
  Dice& dice = random.dice;
  Stage1 stage1;
  stage1.format = format;
  stage1.big_endian = dice.chance(20);
  stage1.affd = dice.chance(20) && !(random.plan.stage == 1 && random.plan.aim == Aim::kAccessFlag);
  stage1.wxn = dice.chance(20);
  stage1.pan = dice.chance(25);
  stage1.had0 = dice.chance(25);
  stage1.had1 = dice.chance(25);
  stage1.mair = memory_attributes(dice);
  random.shape1.big_endian = stage1.big_endian;
  if (format == Stage1Format::kVmsa8_64) {
    invent_stage1_v8_64(random, stage1);
  } else {
    invent_stage1_v8_32(random, stage1);
  }
  random.shape1.af_matters = !stage1.affd && !random.shape1.updates;
  random.shape1.useful_bits = random.shape1.oa_bits;
  if (random.test.regime.stage2) {
    random.shape1.useful_bits = std::min(random.shape1.oa_bits, random.shape2.ia_bits);
  }
  random.test.regime.stage1 = stage1;
}

void invent_stage2(RandomCase& random, Stage2Format format) {
  Dice& dice = random.dice;
  const Plan& plan = random.plan;
  const bool aimed = plan.stage == 2;
  const Implementation& implementation = random.test.regime.implementation;
  StageShape& shape = random.shape2;

  Stage2 stage2;
  stage2.format = format;
  stage2.big_endian = dice.chance(20);
  stage2.affd = dice.chance(20) && !(aimed && plan.aim == Aim::kAccessFlag);
  stage2.ptw = dice.chance(40);
  const int deepest = aimed ? plan.level : 3;

  if (format == Stage2Format::kVmsa8_64) {
    const unsigned granule = plan.granule2;
    const bool has_52_bits = implementation.oas == 52;
    stage2.ds = granule != 16 && has_52_bits && dice.chance(70);
    if (has_52_bits && aimed && granule == 12 && plan.level <= 0) stage2.ds = true;
    if (has_52_bits && aimed && granule == 14 && plan.level <= 1) stage2.ds = true;
    const bool large = has_52_bits && (granule == 16 || stage2.ds);

    const auto sizes = [&](int level) {
      return stage2_sizes(granule, level, large, implementation);
    };
    const int level = start_level(dice, deepest, sizes);
    const SizeRange range = sizes(level);
    // A small range leaves a stage 1 in front of it little to point at.
    stage2.t0sz = dice.chance(50) ? range.first : dice.between(range.first, range.last);

    stage2.tg = encode_tg0(granule);
    if (granule == 12) {
      stage2.sl2 = level == -1 ? 1 : 0;
      stage2.sl0 = level == 0 ? 0b10 : level == 1 ? 0b01 : level == 3 ? 0b11 : 0b00;
      // Without DS there is no SL2.
      if (!stage2.ds) stage2.sl2 = dice.below(2);
    } else {
      stage2.sl0 = static_cast<unsigned>(3 - level);
    }
    stage2.ps = dice.below(7);
    if (aimed && plan.aim == Aim::kAddressSize) stage2.ps = dice.below(5);
    stage2.sh0 = dice.below(4);
    stage2.ha = dice.chance(35);
    stage2.hd = dice.chance(stage2.ha ? 70 : 3);
    if (aimed && plan.aim == Aim::kAccessFlag) stage2.ha = stage2.hd = false;
    stage2.fwb = dice.chance(40);

    shape.granule = granule;
    shape.ds = stage2.ds;
    shape.oa_bits = std::min(kSizes[stage2.ps], implementation.oas);
    shape.expressible = granule == 16 || stage2.ds ? 52 : 48;
    shape.ia_bits = 64 - stage2.t0sz;
    shape.updates = stage2.ha;
    stage2.ttb = table_base(dice, std::min(shape.oa_bits, shape.expressible));
  } else {
    // DDI 0487, Table G5-5.
    stage2.sl0 = deepest >= 2 && dice.chance(50) ? 0 : 1;
    const int t0sz = stage2.sl0 == 0 ? static_cast<int>(dice.between(0, 9)) - 2
                                     : static_cast<int>(dice.between(0, 9)) - 8;
    stage2.t0sz = static_cast<unsigned>(t0sz) & 0xf;
    shape.granule = 12;
    shape.oa_bits = 40;
    shape.expressible = 48;
    shape.ia_bits = static_cast<unsigned>(32 - t0sz);
    stage2.ttb = table_base(dice, std::min(40U, implementation.oas));
  }
  shape.big_endian = stage2.big_endian;
  shape.af_matters = !stage2.affd && !shape.updates;
  shape.useful_bits = shape.oa_bits;
  random.test.regime.stage2 = stage2;
}

}  // namespace

void invent_regime(RandomCase& random) {
  Dice& dice = random.dice;
  Plan& plan = random.plan;

  // Which stages, in which formats.
  const unsigned shape = dice.below(100);
  std::optional<Stage1Format> format1;
  std::optional<Stage2Format> format2;
  if (shape < 62) format1 = Stage1Format::kVmsa8_64;
  if (shape >= 20 && shape < 62) format2 = Stage2Format::kVmsa8_64;
  if (shape >= 44 && shape < 62) format1.reset();
  if (shape >= 62 && shape < 80) format1 = Stage1Format::kVmsa8_32Long;
  if (shape >= 80 && shape < 94) format1 = Stage1Format::kVmsa8_32Short;
  if ((shape >= 68 && shape < 73) || (shape >= 85 && shape < 89)) {
    format2 = Stage2Format::kVmsa8_64;
  }
  if ((shape >= 73 && shape < 80) || shape >= 89) format2 = Stage2Format::kVmsa8_32Long;

  // What for.
  const unsigned aim = dice.below(100);
  if (aim < 44) {
    plan.aim = Aim::kSuccess;
  } else if (aim < 49) {
    plan.aim = Aim::kAnything;
  } else if (aim < 52) {
    plan.aim = Aim::kRange;
  } else if (aim < 53) {
    plan.aim = Aim::kDisabled;
  } else {
    constexpr std::array<Aim, 5> kAims = {Aim::kTranslation, Aim::kAddressSize, Aim::kAccessFlag,
                                          Aim::kPermission, Aim::kExternalAbort};
    plan.aim = kAims[dice.below(5)];
  }
  plan.stage = format2 && (!format1 || dice.chance(75)) ? 2 : 1;
  plan.in = format1 && plan.stage == 2 && dice.chance(76) ? FaultClass::kTable : FaultClass::kInput;
  plan.granule1 = std::array<unsigned, 3>{12, 14, 16}[dice.below(3)];
  plan.granule2 = std::array<unsigned, 3>{12, 14, 16}[dice.below(3)];
  const unsigned granule = plan.stage == 1 ? plan.granule1 : plan.granule2;

  int highest = 1;  // the lowest number that a level can have
  const bool is_64 =
      plan.stage == 1 ? format1 == Stage1Format::kVmsa8_64 : format2 == Stage2Format::kVmsa8_64;
  if (is_64 && granule == 12) highest = -1;
  if (is_64 && granule == 14) highest = 0;
  const bool needs_leaf = plan.aim == Aim::kAccessFlag || plan.aim == Aim::kPermission;
  if (is_64 && granule != 16 && needs_leaf) ++highest;
  int lowest = 3;
  if (plan.stage == 1 && format1 == Stage1Format::kVmsa8_32Short) lowest = 2;
  plan.level = highest + static_cast<int>(dice.below(static_cast<unsigned>(lowest - highest + 1)));
  if (plan.aim == Aim::kSuccess || plan.aim == Aim::kAnything) plan.level = 3;
  if (lowest == 2 && plan.aim == Aim::kPermission && dice.chance(45)) plan.aim = Aim::kDomain;

  Implementation& implementation = random.test.regime.implementation;
  implementation.oas = dice.chance(45) ? 52 : kSizes[dice.below(7)];
  // Short descriptors have addresses of 40 bits at most.
  if (lowest == 2 && plan.aim == Aim::kAddressSize) implementation.oas = kSizes[dice.below(2)];
  const bool wants_52 = is_64 && (granule == 16 ? plan.level == 1 && needs_leaf
                                                : plan.level <= (granule == 12 ? 0 : 1));
  if (wants_52 && dice.chance(85)) implementation.oas = 52;
  implementation.aarch32 = dice.chance(70) || format2 == Stage2Format::kVmsa8_32Long ||
                           (format1 && format1 != Stage1Format::kVmsa8_64);
  implementation.xnx = dice.chance(75);

  Access& access = random.test.access;
  access.write = dice.chance(40);
  access.instruction = dice.chance(25);
  access.privileged = dice.chance(50);
  if (plan.aim == Aim::kPermission && plan.stage == 1 && access.privileged) {
    // Hardly anything forbids a privileged read.
    access.write = dice.chance(60);
    access.instruction = true;
  }
  access.type = dice.chance(50) ? 0xff : mair_type(memory_attributes(dice), 0);
  access.shareability = std::array<std::uint8_t, 3>{0b00, 0b10, 0b11}[dice.below(3)];

  if (format2) invent_stage2(random, *format2);
  if (format1) {
    invent_stage1(random, *format1);
  } else {
    access.address = dice.bits(random.shape2.ia_bits);
    if (plan.aim == Aim::kRange) {
      access.address |= std::uint64_t{1} << dice.between(random.shape2.ia_bits, 55);
    }
  }
}

}  // namespace smmu::model
