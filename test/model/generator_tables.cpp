// The descriptors of a random case.
#include <algorithm>

#include "test/model/random_case.h"

namespace smmu::model {
namespace {

constexpr std::uint64_t bit(unsigned position) { return std::uint64_t{1} << position; }

// The lowest address bit that a level resolves, in a table with granule `g`.
unsigned lowest_bit(unsigned granule, int level) {
  return granule + static_cast<unsigned>(3 - level) * (granule - 3);
}

bool is_aimed_at(RandomCase& random, const Fetch& fetch) {
  const Plan& plan = random.plan;
  if (plan.stage != fetch.stage || plan.level != fetch.level) return false;
  if (fetch.stage == 1) return true;
  // Stage 2 is walked for every stage 1 table; any of them may be the one.
  return plan.in == fetch.in && (fetch.in == FaultClass::kInput || random.dice.chance(60));
}

// An address that the next stage, if any, can take.
std::uint64_t invent_address(RandomCase& random, const StageShape& shape, bool aimed) {
  Dice& dice = random.dice;
  std::uint64_t address = dice.bits(std::min(shape.useful_bits, shape.expressible));
  if (aimed && random.plan.aim == Aim::kAddressSize && shape.oa_bits < shape.expressible) {
    address |= bit(dice.between(shape.oa_bits, shape.expressible - 1));
  }
  if (random.plan.aim == Aim::kRange && random.plan.stage == 2 && &shape == &random.shape1 &&
      shape.useful_bits < shape.oa_bits && dice.chance(50)) {
    address |= bit(dice.between(shape.useful_bits, shape.oa_bits - 1));
  }
  return address;
}

// The bits that decide over data and instruction accesses at stage 1 in the
// Long formats, set so that the access passes, or does not.
std::uint64_t invent_stage1_permissions(RandomCase& random, bool aimed) {
  Dice& dice = random.dice;
  const Access& access = random.test.access;
  const Stage1& stage1 = *random.test.regime.stage1;
  constexpr std::uint64_t kPermissions =
      bit(54) | bit(53) | bit(51) | bit(7) | bit(6);  // UXN, PXN, DBM, AP[2:1]
  std::uint64_t d = dice.word() & kPermissions;

  if (aimed && random.plan.aim == Aim::kPermission) {
    if (access.write) return (d | bit(7)) & ~bit(51);
    if (access.instruction) return d | bit(53) | bit(54);
    return d & ~bit(6);
  }
  if (!dice.chance(85)) return d;

  if (access.write) {
    // A clean page that HTTU will make dirty, or a writable one.
    d = stage1.ha && stage1.hd && dice.chance(50) ? d | bit(51) | bit(7) : d & ~bit(7);
    d = access.privileged && stage1.pan ? (d & ~bit(6)) | bit(54) : d | bit(6);
  } else if (access.instruction) {
    d = (d | bit(7)) & ~(bit(53) | bit(54) | bit(51));
    if (!access.privileged) d |= bit(6);
  } else {
    d = access.privileged && stage1.pan ? (d & ~bit(6)) | bit(54) : d | bit(6);
  }
  return d;
}

// Likewise at stage 2: XN[1:0], DBM, S2AP.
std::uint64_t invent_stage2_permissions(RandomCase& random, const Fetch& fetch, bool aimed) {
  Dice& dice = random.dice;
  const Regime& regime = random.test.regime;
  const Access& access = random.test.access;
  std::uint64_t d = dice.word() & (bit(54) | bit(53) | bit(51) | bit(7) | bit(6));
  const bool table = fetch.in == FaultClass::kTable;

  if (aimed && random.plan.aim == Aim::kPermission) {
    if (table && regime.stage1->ha && dice.chance(50)) return (d | bit(6)) & ~(bit(7) | bit(51));
    if (table) return d & ~bit(6);
    if (access.write) return d & ~(bit(7) | bit(51));
    if (access.instruction) return (d | bit(54)) & ~bit(53);
    return d & ~bit(6);
  }
  if (table) {
    if (!dice.chance(95)) return d;
    d |= bit(6);
    if (regime.stage1->ha) d |= dice.chance(50) ? bit(7) : bit(51);
    return d;
  }
  if (!dice.chance(85)) return d;
  if (access.write) return d | (regime.stage2->hd && dice.chance(50) ? bit(51) : bit(7));
  if (access.instruction) return (d | bit(6)) & ~(bit(54) | bit(53));
  return d | bit(6);
}

// The block sizes that exist (DDI 0487, Tables D8-17, D8-27, D8-36, G5-3).
bool block_exists(const StageShape& shape, int level, bool is_64, unsigned oas) {
  if (level == 3) return true;
  if (!is_64) return true;
  if (shape.granule == 12) return level >= 1 || (level == 0 && shape.ds);
  if (shape.granule == 14) return level == 2 || (level == 1 && shape.ds);
  return level == 2 || (level == 1 && oas == 52);
}

std::uint64_t invent_long(RandomCase& random, const Fetch& fetch) {
  Dice& dice = random.dice;
  const Plan& plan = random.plan;
  const StageShape& shape = fetch.stage == 1 ? random.shape1 : random.shape2;
  const Regime& regime = random.test.regime;
  const bool is_64 = fetch.stage == 1 ? regime.stage1->format == Stage1Format::kVmsa8_64
                                      : regime.stage2->format == Stage2Format::kVmsa8_64;
  const bool aimed = is_aimed_at(random, fetch);
  const bool blocks = block_exists(shape, fetch.level, is_64, regime.implementation.oas);
  const bool wants_leaf = aimed && (plan.aim == Aim::kAccessFlag || plan.aim == Aim::kPermission);
  const bool goes_deeper = plan.stage == fetch.stage && plan.level > fetch.level &&
                           (fetch.stage == 1 || plan.in == fetch.in) && plan.aim > Aim::kAnything;

  bool leaf = fetch.level == 3;
  if (fetch.level != 3 && blocks) leaf = wants_leaf || dice.chance(goes_deeper ? 3 : 35);

  std::uint64_t address = invent_address(random, shape, aimed);
  if (!leaf && dice.chance(4)) address = fetch.pa;  // a table that points at itself
  const unsigned low = leaf ? lowest_bit(shape.granule, fetch.level) : shape.granule;
  address = address >> low << low;

  std::uint64_t d = address & 0x0000'ffff'ffff'f000;
  if (is_64 && shape.granule == 16) d |= ((address >> 48) & 0xf) << 12;
  if (is_64 && shape.ds) d |= (address & 0x0003'0000'0000'0000) | ((address >> 50) & 3) << 8;
  d |= fetch.level == 3 || !leaf ? 0b11 : 0b01;

  // What is ignored may be anything; what is RES0 is so now and then.
  const std::uint64_t attribute_bits = is_64 && shape.ds ? 0xcfc : 0xffc;  // [9:8] are OA[51:50]
  d |= dice.word() & attribute_bits;
  d |= dice.word() & (std::uint64_t{0xf} << 55);
  if (dice.chance(8)) d |= dice.word() & bit(50);
  if (dice.chance(8) && !(is_64 && shape.ds)) d |= dice.word() & (std::uint64_t{3} << 48);

  if (!leaf) {
    if (dice.chance(50)) d |= dice.word() & (std::uint64_t{7} << 52);
    if (dice.chance(fetch.stage == 1 ? 25 : 10)) d |= dice.word() & (std::uint64_t{0x1f} << 59);
  } else {
    if (dice.chance(30)) d |= dice.word() & (std::uint64_t{0x1f} << 59);
    if (dice.chance(25)) d |= bit(52);  // Contiguous
    const bool access_flag_set = !dice.chance(shape.af_matters ? 2 : 40);
    d = access_flag_set ? d | bit(10) : d & ~bit(10);
    if (aimed && plan.aim == Aim::kAccessFlag) d &= ~bit(10);

    constexpr std::uint64_t kPermissions = bit(54) | bit(53) | bit(51) | bit(7) | bit(6);
    d &= ~kPermissions;
    d |= fetch.stage == 1 ? invent_stage1_permissions(random, aimed)
                          : invent_stage2_permissions(random, fetch, aimed);
    if (!(is_64 && shape.ds) && ((d >> 8) & 3) == 0b01 && dice.chance(90)) d |= bit(9);
    // A Device type for a stage 1 table, MemAttr 0b00xx, only now and then.
    if (fetch.stage == 2 && !dice.chance(30)) d |= std::uint64_t{0b0101} << 2;
    if (fetch.stage == 2 && fetch.in == FaultClass::kTable && regime.stage2->ptw) {
      if (!dice.chance(4)) d |= std::uint64_t{0b0101} << 2;
    }
  }

  if (aimed && plan.aim == Aim::kTranslation) {
    // Invalid, or a Block where there is none.
    d &= !blocks && dice.chance(50)            ? ~bit(1)
         : fetch.level == 3 && dice.chance(50) ? ~bit(1)
                                               : ~bit(0);
  }

  if (plan.aim == Aim::kAnything && dice.chance(40)) {
    d = dice.word();
    if (dice.chance(80)) d |= 0b01;
    if (dice.chance(60)) d |= 0b10;
    if (dice.chance(70)) d &= ~(std::uint64_t{0xffff} << 36);
  }
  return d;
}

std::uint32_t invent_short(RandomCase& random, const Fetch& fetch) {
  Dice& dice = random.dice;
  const Plan& plan = random.plan;
  const Access& access = random.test.access;
  const Stage1& stage1 = *random.test.regime.stage1;
  const bool aimed = is_aimed_at(random, fetch);
  const unsigned useful = random.shape1.useful_bits;
  const bool wants_leaf = aimed && (plan.aim == Aim::kAccessFlag || plan.aim == Aim::kPermission ||
                                    plan.aim == Aim::kDomain);
  const bool goes_deeper = plan.stage == 1 && plan.level == 2 && plan.aim > Aim::kAnything;

  auto d = static_cast<std::uint32_t>(dice.bits(32));
  if (plan.aim == Aim::kAnything && dice.chance(60)) return d;

  const auto address = static_cast<std::uint32_t>(invent_address(random, random.shape1, false));
  const bool beyond = !dice.chance(95);  // of what stage 2 takes

  // AP[2:0], so that the access passes, or does not (DDI 0487, Table G5-9).
  unsigned ap = dice.below(8);
  bool xn = dice.chance(40);
  bool pxn = dice.chance(40);
  if (dice.chance(85)) {
    ap = access.write ? 0b011 : 0b111;
    if (access.privileged && (stage1.pan || dice.chance(30))) ap &= 0b101;
    if (access.instruction) xn = pxn = false;
  }
  if (stage1.afe) ap = dice.chance(97) ? ap | 1 : ap & 0b110;
  if (aimed && plan.aim == Aim::kAccessFlag) ap &= 0b110;
  if (aimed && plan.aim == Aim::kPermission) {
    ap = access.write ? ap | 0b100 : 0b001;
    if (access.privileged && !access.write && !stage1.afe && dice.chance(50)) ap = 0b000;
    xn = true;
  }

  if (fetch.level == 1) {
    bool section = wants_leaf || dice.chance(goes_deeper ? 3 : 45);
    if (aimed && plan.aim != Aim::kAnything && !wants_leaf) section = dice.chance(50);
    // Only the 40 bits of a Supersection can be too many.
    const bool out_of_range = aimed && plan.aim == Aim::kAddressSize;
    if (out_of_range) section = true;
    d = section ? (d & ~3U) | 0b10 : (d & ~3U) | 0b01;
    if (section) {
      d = (d & ~((1U << 15) | (3U << 10) | (1U << 4))) | (ap & 4) << 13 | (ap & 3) << 10;
      if (xn) d |= 1U << 4;
      if (pxn) d |= 1U;
      d = dice.chance(25) || out_of_range ? d | 1U << 18 : d & ~(1U << 18);
      if (out_of_range) {
        d |= 0xfU << 5;
      } else if ((d >> 18 & 1) != 0) {
        // The 40-bit address of a Supersection.
        if (!dice.chance(25) || useful < 40) d &= ~((0xfU << 20) | (0xfU << 5));
        if (!beyond) d = (d & 0x00ff'ffff) | (address & 0xff00'0000);
      } else if (!beyond) {
        d = (d & 0x000f'ffff) | (address & 0xfff0'0000);
      }
    } else {
      d = pxn ? d | 4U : d & ~4U;
      if (!beyond) d = (d & 0x0000'03ff) | (address & 0xffff'fc00);
    }
  } else {
    const bool large = dice.chance(40);
    d = (d & ~3U) | (large ? 0b01U : 0b10U);
    d = (d & ~((1U << 9) | (3U << 4))) | (ap & 4) << 7 | (ap & 3) << 4;
    if (large) {
      d = xn ? d | 1U << 15 : d & ~(1U << 15);
      if (!beyond) d = (d & 0x0000'ffff) | (address & 0xffff'0000);
    } else {
      if (xn) d |= 1U;
      if (!beyond) d = (d & 0x0000'0fff) | (address & 0xffff'f000);
    }
  }
  if (aimed && plan.aim == Aim::kTranslation) d &= ~3U;
  return d;
}

}  // namespace

std::optional<std::uint64_t> invent_word(RandomCase& random, const Fetch& fetch) {
  Dice& dice = random.dice;
  const Plan& plan = random.plan;
  const bool aborts = plan.aim == Aim::kExternalAbort && is_aimed_at(random, fetch);
  if (aborts) return std::nullopt;
  if (plan.aim == Aim::kAnything && dice.chance(3)) return std::nullopt;

  const StageShape& shape = fetch.stage == 1 ? random.shape1 : random.shape2;
  if (fetch.stage == 1 && random.test.regime.stage1->format == Stage1Format::kVmsa8_32Short) {
    std::uint32_t d = invent_short(random, fetch);
    if (shape.big_endian) d = __builtin_bswap32(d);
    const std::uint64_t neighbour = dice.bits(32);
    if ((fetch.pa & 4) != 0) return std::uint64_t{d} << 32 | neighbour;
    return neighbour << 32 | d;
  }
  const std::uint64_t d = invent_long(random, fetch);
  return shape.big_endian ? __builtin_bswap64(d) : d;
}

}  // namespace smmu::model
