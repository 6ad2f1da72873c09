// VMSAv8-32 Long-descriptor stage 1 (DDI 0487, G5.5 to G5.7), in the order of
// the priorities of G5.11.6.
#include "test/model/naive_stages.h"

namespace smmu::model {

Result<Stage1Leaf, Fault> walk_stage1_v8_32_long(const Stage1& stage1, const Access& access,
                                                 const FetchStage1& fetch) {
  const std::uint64_t va = access.address;
  const auto fault = [](FaultType type, int level) {
    return Fault{.type = type, .stage = 1, .level = level};
  };

  // IHI 0070, 3.4.1: the upper 32 bits of the address must be zero.
  if ((va >> 32) != 0) return fault(FaultType::kTranslation, 1);

  // G5.5.3.1, G5.5.3.2: EL2 has one range and one privilege level.
  const bool two_ranges = stage1.world == World::kEl1And0;
  const bool privileged = two_ranges ? access.privileged : true;

  // IHI 0070, 5.4, T0SZ: [2:0] only.
  const unsigned t0sz = stage1.t0sz & 7;
  const unsigned t1sz = stage1.t1sz & 7;
  const std::uint64_t top0 = std::uint64_t{1} << (32 - t0sz);
  const std::uint64_t bottom1 = (std::uint64_t{1} << 32) - (std::uint64_t{1} << (32 - t1sz));

  // G5.5.5, Table G5-2: which base translates an address.
  const auto translated_by = [&](std::uint64_t address) {
    if (!two_ranges) return address < top0 ? 0 : -1;
    if (t0sz == 0 && t1sz == 0) return 0;
    if (t0sz != 0 && t1sz == 0) return address < top0 ? 0 : 1;
    if (t0sz == 0 && t1sz != 0) return address < bottom1 ? 0 : 1;
    if (address < top0) return 0;
    if (address >= bottom1) return 1;
    return -1;
  };
  const int base = translated_by(va);

  // G5.11.1.2: an address that no base translates is a level 1 fault.
  if (base == -1) return fault(FaultType::kTranslation, 1);
  const bool upper = base == 1;

  // G5.3.4.  IHI 0070, 5.4: EPDn is ignored in EL2.
  if (two_ranges && (upper ? stage1.epd1 : stage1.epd0)) {
    return fault(FaultType::kTranslation, 1);
  }

  // G5.5.7: a base beyond 40 bits is an Address size fault; G5.11.3.1.1 has
  // level 0 stand for the base register.
  const std::uint64_t ttb = upper ? stage1.ttb1 : stage1.ttb0;
  if ((ttb >> 40) != 0) return fault(FaultType::kAddressSize, 0);

  // G5.5.7.1: more than 2^30 bytes start at level 1.
  const unsigned tnsz = upper ? t1sz : t0sz;
  int level = tnsz < 2 ? 1 : 2;

  // G5.5.8, Table G5-6.  IHI 0070, 5.4, TTB0: lower bits are treated as zero.
  unsigned x = level == 1 ? 5 - tnsz : 14 - tnsz;
  std::uint64_t table = ttb >> x << x;

  unsigned ap_table = 0;
  bool xn_table = false;
  bool pxn_table = false;

  for (;;) {
    // Table G5-3 and Table G5-6: IA[y:30], IA[y:21] or IA[20:12].
    const unsigned lowest_bit = level == 1 ? 30 : level == 2 ? 21 : 12;
    const std::uint64_t index = (va >> lowest_bit) & ((std::uint64_t{1} << (x - 3)) - 1);
    const std::uint64_t address = table + index * 8;

    const Result<std::uint64_t, Fault> word = fetch(address, level);
    if (!word) return word.error();
    const std::uint64_t d = stage1.big_endian ? __builtin_bswap64(*word) : *word;

    // G5.5.2.1.1, G5.5.2.2: at level 3 bit [1] must be set too.
    if ((d & 1) == 0) return fault(FaultType::kTranslation, level);
    if (level == 3 && (d & 2) == 0) return fault(FaultType::kTranslation, level);
    const bool is_table = level != 3 && (d & 2) != 0;

    // G5.5.2.1.1: nonzero [47:40], of a table as of a block or page.
    if (((d >> 40) & 0xff) != 0) return fault(FaultType::kAddressSize, level);

    const std::uint64_t address_bits = d & 0x0000'00ff'ffff'ffff;

    if (is_table) {
      if (!(upper ? stage1.had1 : stage1.had0)) {
        // G5.5.3.1: [62:61] APTable, [60] XNTable, [59] PXNTable.
        ap_table |= static_cast<unsigned>((d >> 61) & 3);
        if (((d >> 60) & 1) != 0) xn_table = true;
        if (((d >> 59) & 1) != 0) pxn_table = true;
      }
      table = address_bits >> 12 << 12;
      x = 12;
      ++level;
      continue;
    }

    // G5.6.5; IHI 0070, 5.4: AFFD.  HA is ignored in this format.
    if (!stage1.affd && ((d >> 10) & 1) == 0) return fault(FaultType::kAccessFlag, level);

    // Table G5-7: AP[2:1] are [7:6].
    const bool ap2 = ((d >> 7) & 1) != 0;
    const bool ap1 = ((d >> 6) & 1) != 0;
    const bool xn = ((d >> 54) & 1) != 0 || xn_table;
    const bool pxn = ((d >> 53) & 1) != 0 || pxn_table;

    bool ur = false, uw = false, ux = false;
    bool pr = true, pw = !ap2, px = true;
    if (two_ranges) {
      ur = ap1;
      uw = ap1 && !ap2;
      // Table G5-8.
      if ((ap_table & 0b01) != 0) ur = uw = false;
      if ((ap_table & 0b10) != 0) uw = pw = false;
      // G5.6.3: to execute, read access is needed as well.
      ux = ur && !xn;
      px = pr && !xn && !pxn;
      // G5.6.3.2.
      if (stage1.wxn && (pw || uw)) ux = px = false;
      if (stage1.uwxn && uw) px = false;
      // G5.6.2: instruction accesses are not concerned.
      if (stage1.pan && (ur || uw)) pr = pw = false;
    } else {
      // G5.6.6: APTable[0], PXNTable and PXN are reserved, AP[1] counts as 1.
      if ((ap_table & 0b10) != 0) pw = false;
      px = !xn;
      if (stage1.wxn && pw) px = false;
      ur = pr;
      uw = pw;
      ux = px;
    }

    bool allowed = false;
    if (access.write) {
      allowed = privileged ? pw : uw;
    } else if (access.instruction) {
      allowed = privileged ? px : ux;
    } else {
      allowed = privileged ? pr : ur;
    }
    if (!allowed) return fault(FaultType::kPermission, level);

    Stage1Leaf leaf{};
    leaf.level = level;
    leaf.size = std::uint64_t{1} << lowest_bit;
    leaf.address = (address_bits >> lowest_bit << lowest_bit) | (va & (leaf.size - 1));

    // G5.5.5.1: a block may straddle the border of its range.  That is allowed
    // not to fault, but only the part inside of the range maps linearly.
    for (;;) {
      const std::uint64_t first = va & ~(leaf.size - 1);
      if (translated_by(first) == base && translated_by(first + leaf.size - 1) == base) break;
      leaf.size /= 2;
    }

    if (ur) leaf.permissions |= kUnprivilegedRead;
    if (uw) leaf.permissions |= kUnprivilegedWrite;
    if (ux) leaf.permissions |= kUnprivilegedExecute;
    if (pr) leaf.permissions |= kPrivilegedRead;
    if (pw) leaf.permissions |= kPrivilegedWrite;
    if (px) leaf.permissions |= kPrivilegedExecute;

    // G5.7.4: [4:2] is AttrIndx.
    leaf.type = mair_type(stage1.mair, static_cast<unsigned>((d >> 2) & 7));

    // G5.7.4.1, Table G5-16.
    leaf.descriptor_shareability = static_cast<std::uint8_t>((d >> 8) & 3);
    if (leaf.descriptor_shareability == 0b01) {
      leaf.descriptor_shareability = kReservedShareability;
    }
    leaf.shareability = leaf.descriptor_shareability;
    if (leaf.type < 0x10 || leaf.type == 0x44) leaf.shareability = 0b10;

    // G5.5.3.2: [11] is nG, but not in EL2.
    leaf.global = !two_ranges || ((d >> 11) & 1) == 0;
    return leaf;
  }
}

}  // namespace smmu::model
