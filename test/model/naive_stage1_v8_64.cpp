// VMSAv8-64 stage 1 (DDI 0487, D8.2 to D8.6), in the order of the fault
// checking sequence of D8.15.4.
#include <algorithm>

#include "test/model/naive_stages.h"

namespace smmu::model {

Result<Stage1Leaf, Fault> walk_stage1_v8_64(const Implementation& implementation,
                                            const Stage1& stage1, const Access& access,
                                            const FetchStage1& fetch) {
  const std::uint64_t va = access.address;
  const auto fault = [](FaultType type, int level) {
    return Fault{.type = type, .stage = 1, .level = level};
  };

  // D8.1.8: EL1&0 and EL2&0 have two VA ranges, and two privilege levels.
  const bool two_ranges = stage1.world == World::kEl1And0 || stage1.world == World::kEl2And0;

  // IHI 0070, 13.4.1: where there is one privilege level, PRIV is ignored.
  const bool privileged = two_ranges ? access.privileged : true;

  // D8.2.4: VA[55] selects the table base.
  const bool upper = two_ranges && ((va >> 55) & 1) != 0;
  const unsigned tnsz = upper ? stage1.t1sz : stage1.t0sz;

  // D8.2.4 (IZFSYQ).  IHI 0070, 5.4: EPDn is ignored in EL2 and EL3.
  // It comes first because it leaves TnSZ without a meaning (IHI 0070, 5.4.1.1).
  const bool epd = two_ranges && (upper ? stage1.epd1 : stage1.epd0);
  if (epd) return fault(FaultType::kTranslation, 0);

  // D8.15.1.1 (RVZZSZ): an address outside of the range is a level 0 fault.
  // IHI 0070, 3.4.1: with TBI VA[63:56] does not matter.
  const unsigned ia_bits = 64 - tnsz;
  const bool tbi = upper ? stage1.tbi1 : stage1.tbi0;
  const std::uint64_t significant = tbi ? 0x00ff'ffff'ffff'ffff : 0xffff'ffff'ffff'ffff;
  const std::uint64_t above = (va & significant) >> ia_bits;
  const std::uint64_t sign = upper ? significant >> ia_bits : 0;
  if (above != sign) return fault(FaultType::kTranslation, 0);

  // D8.2.4.1.  IHI 0070, 5.4: E0PDn does not apply to EL2 and EL3.
  const bool e0pd = two_ranges && (upper ? stage1.e0pd1 : stage1.e0pd0);
  if (e0pd && !privileged) return fault(FaultType::kTranslation, 0);

  // IHI 0070, 5.4: TG0 and TG1 encode the granule differently.
  unsigned granule = 12;
  if (!upper && stage1.tg0 == 0b01) granule = 16;
  if (!upper && stage1.tg0 == 0b10) granule = 14;
  if (upper && stage1.tg1 == 0b01) granule = 14;
  if (upper && stage1.tg1 == 0b11) granule = 16;

  // IHI 0070, 5.4: DS concerns the 4KB and 16KB granules.
  const bool ds = stage1.ds && granule != 16;

  // D8.1.7, Table D8-6, and IHI 0070, 5.4, IPS: capped to the OAS.
  unsigned ips = 52;
  if (stage1.ips == 0b000) ips = 32;
  if (stage1.ips == 0b001) ips = 36;
  if (stage1.ips == 0b010) ips = 40;
  if (stage1.ips == 0b011) ips = 42;
  if (stage1.ips == 0b100) ips = 44;
  if (stage1.ips == 0b101) ips = 48;
  const unsigned oa_bits = std::min(ips, implementation.oas);

  // D8.1.7 (RQQQSJ): what the table entries can express.
  const unsigned expressible = granule == 16 || ds ? 52 : 48;

  // D8.2.3: a base beyond the output size is a level 0 fault.
  const std::uint64_t ttb = upper ? stage1.ttb1 : stage1.ttb0;
  if ((ttb >> std::min(oa_bits, expressible)) != 0) return fault(FaultType::kAddressSize, 0);

  // Tables D8-18, D8-28 and D8-37: the initial lookup level.
  int level = 0;
  if (granule == 12) {
    if (tnsz <= 15) {
      level = -1;
    } else if (tnsz <= 24) {
      level = 0;
    } else if (tnsz <= 33) {
      level = 1;
    } else if (tnsz <= 42) {
      level = 2;
    } else {
      level = 3;
    }
  } else if (granule == 14) {
    if (tnsz <= 16) {
      level = 0;
    } else if (tnsz <= 27) {
      level = 1;
    } else if (tnsz <= 38) {
      level = 2;
    } else {
      level = 3;
    }
  } else {
    if (tnsz <= 21) {
      level = 1;
    } else if (tnsz <= 34) {
      level = 2;
    } else {
      level = 3;
    }
  }

  // Tables D8-16, D8-26 and D8-35: the lowest IA bit that a level resolves.
  const auto lowest_bit = [granule](int at) -> unsigned {
    if (granule == 12) {
      if (at == -1) return 48;
      if (at == 0) return 39;
      if (at == 1) return 30;
      if (at == 2) return 21;
      return 12;
    }
    if (granule == 14) {
      if (at == 0) return 47;
      if (at == 1) return 36;
      if (at == 2) return 25;
      return 14;
    }
    if (at == 1) return 42;
    if (at == 2) return 29;
    return 16;
  };

  // Tables D8-25, D8-34 and D8-42: the initial table is indexed by the rest of
  // the IA, and aligned to its size.  IHI 0070, 5.4, TTB0: bits below that are
  // treated as zero, and so are [5:0] if the effective IPS is 52 bits.
  unsigned index_bits = ia_bits - lowest_bit(level);
  unsigned alignment = index_bits + 3;
  if (oa_bits == 52) alignment = std::max(alignment, 6U);
  std::uint64_t table = ttb >> alignment << alignment;

  unsigned ap_table = 0;
  bool uxn_table = false;  // XNTable where there is one privilege level
  bool pxn_table = false;

  for (;;) {
    const std::uint64_t index = (va >> lowest_bit(level)) & ((std::uint64_t{1} << index_bits) - 1);
    const std::uint64_t address = table + index * 8;

    const Result<std::uint64_t, Fault> word = fetch(address, level);
    if (!word) return word.error();
    const std::uint64_t d = stage1.big_endian ? __builtin_bswap64(*word) : *word;

    // D8.3: bit [0] is Valid.
    if ((d & 1) == 0) return fault(FaultType::kTranslation, level);
    // D8.3, Table D8-48: bit [1] clear at level 3 is reserved, treated as invalid.
    if (level == 3 && (d & 2) == 0) return fault(FaultType::kTranslation, level);

    const bool is_table = level != 3 && (d & 2) != 0;
    if (level != 3 && !is_table) {
      // D8.15.1.1 (RKRMJZ): so is a Block where the level has none; the levels
      // are those of Tables D8-17, D8-27 and D8-36.
      bool block = false;
      if (granule == 12 && level == 0 && ds) block = true;
      if (granule == 12 && (level == 1 || level == 2)) block = true;
      if (granule == 14 && level == 1 && ds) block = true;
      if (granule == 14 && level == 2) block = true;
      if (granule == 16 && level == 1 && implementation.oas == 52) block = true;
      if (granule == 16 && level == 2) block = true;
      if (!block) return fault(FaultType::kTranslation, level);
    }

    // Tables D8-50 and D8-52: the address, of the next table or of the output.
    const unsigned low = is_table ? granule : lowest_bit(level);
    std::uint64_t out = (d & 0x0000'ffff'ffff'ffff) >> low << low;
    if (ds) {
      out |= d & 0x0003'0000'0000'0000;  // [49:48] are OA[49:48]
      out |= ((d >> 8) & 3) << 50;       // [9:8] are OA[51:50]
    }
    if (granule == 16) {
      if (implementation.oas == 52 || kCheckBits15To12Without52BitAddresses) {
        out |= ((d >> 12) & 0xf) << 48;  // [15:12] are OA[51:48]
      }
    }

    // D8.15.1.2 (RCVSBH): in a Table descriptor as in a Block or Page.
    if ((out >> oa_bits) != 0) return fault(FaultType::kAddressSize, level);

    if (is_table) {
      const bool had = upper ? stage1.had1 : stage1.had0;
      if (!had) {
        // D8.4.1.2, Table D8-50: [62:61] APTable, [60] UXNTable, [59] PXNTable.
        ap_table |= static_cast<unsigned>((d >> 61) & 3);
        if (((d >> 60) & 1) != 0) uxn_table = true;
        if (((d >> 59) & 1) != 0) pxn_table = true;
      }
      table = out;
      index_bits = granule - 3;
      ++level;
      continue;
    }

    // D8.5.1.1 (RSWTYY), and IHI 0070, 5.4: AFFD, which HA overrides.
    const bool af = ((d >> 10) & 1) != 0;
    if (!stage1.ha && !stage1.affd && !af) return fault(FaultType::kAccessFlag, level);

    // D8.5.2.1 (RXZFQH): with DBM, bit [51], a clear AP[2] is only pending.
    // IHI 0070, 5.4, HA: HD without HA does nothing.
    const bool dirty_managed = stage1.ha && stage1.hd && ((d >> 51) & 1) != 0;
    const bool ap2 = ((d >> 7) & 1) != 0;
    const bool ap1 = ((d >> 6) & 1) != 0;
    const bool read_only = ap2 && !dirty_managed;

    bool ur = false, uw = false, ux = false;
    bool pr = true, pw = !read_only, px = true;
    if (two_ranges) {
      // Table D8-63.
      ur = ap1;
      uw = ap1 && !read_only;
      // Table D8-64.
      if ((ap_table & 0b01) != 0) ur = uw = false;
      if ((ap_table & 0b10) != 0) uw = pw = false;
      // D8.4.1.2.3: [54] is UXN and [53] PXN.
      ux = ((d >> 54) & 1) == 0 && !uxn_table;
      px = ((d >> 53) & 1) == 0 && !pxn_table;
      // RVWLLR: what EL0 can write is not executable above it.
      if (uw) px = false;
      // RFYMXJ, RSYMMB.  D8.5.2.2 (RTTLCV): writable-clean counts as writable.
      if (stage1.wxn && uw) ux = false;
      if (stage1.wxn && pw) px = false;
      // D8.4.5 (RXTSQH, and EPAN below it).  PAN does not concern instructions (RPMTWB).
      if (stage1.pan && (ur || uw || (stage1.epan && ux))) pr = pw = false;
    } else {
      // Table D8-62; APTable[0] is RES0 (IPCLHM).
      if ((ap_table & 0b10) != 0) pw = false;
      // D8.4.1.2.3 (RTRZVM): [54] is XN.
      px = ((d >> 54) & 1) == 0 && !uxn_table;
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

    // D8.5.1.2 (RHDTRB) and D8.5.2.1 (RNSXRD); RPRHKD allows one update for both.
    std::uint64_t updated = d;
    if (stage1.ha && (allowed || kSetAccessFlagOnPermissionFault)) {
      updated |= std::uint64_t{1} << 10;
    }
    if (allowed && access.write && dirty_managed) updated &= ~(std::uint64_t{1} << 7);

    std::optional<Update> update;
    if (updated != d) {
      update = Update{.address = address,
                      .expected = *word,
                      .desired = stage1.big_endian ? __builtin_bswap64(updated) : updated,
                      .level = level};
    }

    if (!allowed) return fault(FaultType::kPermission, level);

    if (!kWritableCleanAllowsWrite && dirty_managed && ((updated >> 7) & 1) != 0) {
      uw = pw = false;
    }

    Stage1Leaf leaf{};
    leaf.level = level;
    leaf.update = update;
    leaf.size = std::uint64_t{1} << lowest_bit(level);
    leaf.address = out | (va & (leaf.size - 1));
    if (ur) leaf.permissions |= kUnprivilegedRead;
    if (uw) leaf.permissions |= kUnprivilegedWrite;
    if (ux) leaf.permissions |= kUnprivilegedExecute;
    if (pr) leaf.permissions |= kPrivilegedRead;
    if (pw) leaf.permissions |= kPrivilegedWrite;
    if (px) leaf.permissions |= kPrivilegedExecute;

    // D8.6.1: [4:2] is AttrIndx.
    leaf.type = mair_type(stage1.mair, static_cast<unsigned>((d >> 2) & 7));

    // D8.6.2: [9:8] is SH, but with DS the CD has it.  IHI 0070, 5.4, SH0.
    leaf.descriptor_shareability = static_cast<std::uint8_t>((d >> 8) & 3);
    if (leaf.descriptor_shareability == 0b01) {
      leaf.descriptor_shareability = kReservedShareability;
    }
    if (ds) {
      leaf.descriptor_shareability = static_cast<std::uint8_t>(upper ? stage1.sh1 : stage1.sh0);
      if (leaf.descriptor_shareability == 0b01) leaf.descriptor_shareability = 0b00;
    }
    // D8.6.2 (RPYFVQ), IHI 0070, 13.1.7: Device and Non-cacheable are Outer.
    leaf.shareability = leaf.descriptor_shareability;
    if (leaf.type < 0x10 || leaf.type == 0x44) leaf.shareability = 0b10;

    // Table D8-52: [11] is nG where there are two privilege levels.
    leaf.global = !two_ranges || ((d >> 11) & 1) == 0;
    return leaf;
  }
}

}  // namespace smmu::model
