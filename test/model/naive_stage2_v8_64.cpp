// VMSAv8-64 stage 2 (DDI 0487, D8.2 to D8.6), in the order of the fault
// checking sequence of D8.15.4.
#include <algorithm>

#include "test/model/naive_stages.h"

namespace smmu::model {

Result<Stage2Leaf, Fault> walk_stage2_v8_64(const Implementation& implementation,
                                            const Stage2& stage2, const Stage2Access& access,
                                            const Memory& memory) {
  const std::uint64_t ipa = access.ipa;
  const bool table_write = access.in == FaultClass::kTable && access.write;
  const auto fault = [&](FaultType type, int level) {
    return Fault{.type = type,
                 .stage = 2,
                 .level = level,
                 .in = access.in,
                 .ipa = ipa,
                 .table_write = table_write};
  };

  // IHI 0070, 5.2: S2TG.
  unsigned granule = 12;
  if (stage2.tg == 0b01) granule = 16;
  if (stage2.tg == 0b10) granule = 14;

  // IHI 0070, 5.2: S2DS is RES0 with the 64KB granule.
  const bool ds = stage2.ds && granule != 16;
  const unsigned t0sz = stage2.t0sz;
  const unsigned oas = implementation.oas;

  // Tables D8-19, D8-29 and D8-38: the initial lookup level by SL2 and SL0.
  // Tables D8-20 to D8-24, D8-30 to D8-33 and D8-39 to D8-41: the T0SZ each
  // goes with.  Table D8-9: the physical address size each needs.
  int level = 0;
  bool consistent = false;
  if (granule == 12) {
    const unsigned sl = (ds ? stage2.sl2 << 2 : 0U) | stage2.sl0;
    if (sl == 0b000) {
      level = 2;
      consistent = t0sz >= 30 && t0sz <= 42;
    } else if (sl == 0b001) {
      level = 1;
      consistent = t0sz >= 21 && t0sz <= 33;
    } else if (sl == 0b010) {
      level = 0;
      consistent = t0sz >= (ds ? 12U : 16U) && t0sz <= 24 && oas >= 44;
    } else if (sl == 0b011) {
      level = 3;
      consistent = t0sz >= 39 && t0sz <= 48;
    } else if (sl == 0b100) {
      level = -1;
      consistent = t0sz >= 12 && t0sz <= 15 && oas == 52;
    }
  } else if (granule == 14) {
    if (stage2.sl0 == 0b00) {
      level = 3;
      consistent = t0sz >= 35 && t0sz <= 48;
    } else if (stage2.sl0 == 0b01) {
      level = 2;
      consistent = t0sz >= 24 && t0sz <= 38;
    } else if (stage2.sl0 == 0b10) {
      level = 1;
      consistent = t0sz >= (ds ? 13U : 16U) && t0sz <= 27 && oas >= 42;
    } else {
      level = 0;
      consistent = t0sz >= 12 && t0sz <= 16 && ds && oas == 52;
    }
  } else {
    if (stage2.sl0 == 0b00) {
      level = 3;
      consistent = t0sz >= 31 && t0sz <= 47;
    } else if (stage2.sl0 == 0b01) {
      level = 2;
      consistent = t0sz >= 18 && t0sz <= 34;
    } else if (stage2.sl0 == 0b10) {
      level = 1;
      consistent = t0sz >= 12 && t0sz <= 21 && oas >= 44;
    }
  }
  // D8.2.8.2, D8.2.9.2, D8.2.10.2.
  if (!consistent) return fault(FaultType::kTranslation, 0);

  // IHI 0070, 5.2, S2T0SZ: the input range does not go beyond the IAS.
  if (t0sz < 64 - implementation.ias()) return fault(FaultType::kTranslation, 0);

  // D8.1.10: an IPA beyond T0SZ is a level 0 fault.
  const unsigned ia_bits = 64 - t0sz;
  if ((ipa >> ia_bits) != 0) return fault(FaultType::kTranslation, 0);

  // IHI 0070, 5.2, S2PS: capped to the OAS.
  unsigned ps = 52;
  if (stage2.ps == 0b000) ps = 32;
  if (stage2.ps == 0b001) ps = 36;
  if (stage2.ps == 0b010) ps = 40;
  if (stage2.ps == 0b011) ps = 42;
  if (stage2.ps == 0b100) ps = 44;
  if (stage2.ps == 0b101) ps = 48;
  const unsigned oa_bits = std::min(ps, oas);

  // D8.2.3, D8.15.1.2 (RBFHQH): a base beyond the output size is a level 0 fault.
  const unsigned expressible = granule == 16 || ds ? 52 : 48;
  if ((stage2.ttb >> std::min(oa_bits, expressible)) != 0) {
    return fault(FaultType::kAddressSize, 0);
  }

  // Tables D8-16, D8-26 and D8-35: the lowest IA bit that a level resolves.
  const auto lowest_bit = [granule](int at) -> unsigned {
    if (granule == 12) return at == -1 ? 48 : at == 0 ? 39 : at == 1 ? 30 : at == 2 ? 21 : 12;
    if (granule == 14) return at == 0 ? 47 : at == 1 ? 36 : at == 2 ? 25 : 14;
    return at == 1 ? 42 : at == 2 ? 29 : 16;
  };

  // Tables D8-25, D8-34 and D8-42; with concatenated tables the initial index
  // takes up to four bits more (D8.2.2, RJKZFY) and the alignment grows with
  // it.  IHI 0070, 5.2, S2TTB: lower bits are treated as zero, and so are
  // [5:0] if the effective S2PS is 52 bits.
  unsigned index_bits = ia_bits - lowest_bit(level);
  unsigned alignment = index_bits + 3;
  if (oa_bits == 52) alignment = std::max(alignment, 6U);
  std::uint64_t table = stage2.ttb >> alignment << alignment;

  for (;;) {
    const std::uint64_t index = (ipa >> lowest_bit(level)) & ((std::uint64_t{1} << index_bits) - 1);
    const std::uint64_t address = table + index * 8;

    if (memory.before_fetch) {
      memory.before_fetch({.stage = 2, .level = level, .pa = address, .in = access.in});
    }
    const std::optional<std::uint64_t> word = memory.read(address);
    if (!word) {
      // D8.15.1.3; IHI 0070, 7.3.12.
      Fault abort = fault(FaultType::kExternalAbort, level);
      abort.fetch = address;
      return abort;
    }
    const std::uint64_t d = stage2.big_endian ? __builtin_bswap64(*word) : *word;

    // D8.3, Table D8-48.
    if ((d & 1) == 0) return fault(FaultType::kTranslation, level);
    if (level == 3 && (d & 2) == 0) return fault(FaultType::kTranslation, level);
    const bool is_table = level != 3 && (d & 2) != 0;

    // D8.15.1.1 (RKRMJZ); Tables D8-17, D8-27 and D8-36.
    if (level != 3 && !is_table) {
      bool block = false;
      if (granule == 12 && level == 0) block = ds;
      if (granule == 12 && level >= 1) block = true;
      if (granule == 14 && level == 1) block = ds;
      if (granule == 14 && level == 2) block = true;
      if (granule == 16 && level == 1) block = oas == 52;
      if (granule == 16 && level == 2) block = true;
      if (!block) return fault(FaultType::kTranslation, level);
    }

    // Tables D8-51 and D8-53.
    const unsigned low = is_table ? granule : lowest_bit(level);
    std::uint64_t out = (d & 0x0000'ffff'ffff'ffff) >> low << low;
    if (ds) out |= d & 0x0003'0000'0000'0000;  // [49:48] are OA[49:48]
    if (ds) out |= ((d >> 8) & 3) << 50;       // [9:8] are OA[51:50]
    if (granule == 16 && (oas == 52 || kCheckBits15To12Without52BitAddresses)) {
      out |= ((d >> 12) & 0xf) << 48;  // [15:12] are OA[51:48]
    }

    // D8.15.1.2 (RCVSBH).
    if ((out >> oa_bits) != 0) return fault(FaultType::kAddressSize, level);

    if (is_table) {
      table = out;
      index_bits = granule - 3;
      ++level;
      continue;
    }

    // D8.5.1.1 (RSWTYY); IHI 0070, 5.2: S2AFFD, which S2HA overrides.
    const bool af = ((d >> 10) & 1) != 0;
    if (!stage2.ha && !stage2.affd && !af) return fault(FaultType::kAccessFlag, level);

    // Table D8-76: [7:6] is S2AP, S2AP[1] allows to write.  D8.5.2.1 (RXZFQH):
    // with DBM, bit [51], a clear S2AP[1] is only pending.
    const bool dirty_managed = stage2.ha && stage2.hd && ((d >> 51) & 1) != 0;
    const bool r = ((d >> 6) & 1) != 0;
    bool w = ((d >> 7) & 1) != 0 || dirty_managed;

    // Table D8-78: [54:53] is XN[1:0]; Table D8-77: [54] alone without XNX.
    bool ux = ((d >> 54) & 1) == 0;
    bool px = ux;
    if (implementation.xnx) {
      const unsigned xn = static_cast<unsigned>((d >> 53) & 3);
      ux = xn == 0b00 || xn == 0b01;
      px = xn == 0b00 || xn == 0b11;
    }

    bool allowed = false;
    if (access.write) {
      allowed = w;
    } else if (access.instruction) {
      allowed = access.privileged ? px : ux;
    } else {
      allowed = r;
    }

    // D8.15.4.1, IHI 0070, 5.2, S2PTW: a stage 1 table in Device memory.
    // Without FWB MemAttr[3:2] 0b00 is Device, with it MemAttr[2] 0.
    const unsigned mem_attr = static_cast<unsigned>((d >> 2) & 0xf);
    bool device = (mem_attr & 0b1100) == 0;
    if (stage2.fwb) device = (mem_attr & 0b0100) == 0;
    const bool reserved =
        stage2.fwb ? (mem_attr & 0b0111) == 0b0100 : mem_attr != 0 && (mem_attr & 0b0011) == 0;
    if (reserved) device = kReservedMemAttr == 0;
    if (access.in == FaultClass::kTable && stage2.ptw && device) allowed = false;

    // D8.5.1.2 (RHDTRB), D8.5.2.1 (RNSXRD).
    std::uint64_t updated = d;
    if (stage2.ha && (allowed || kSetAccessFlagOnPermissionFault)) {
      updated |= std::uint64_t{1} << 10;
    }
    if (allowed && access.write && dirty_managed) updated |= std::uint64_t{1} << 7;

    if (updated != d) {
      const std::optional<std::uint64_t> found = memory.compare_exchange(
          address, *word, stage2.big_endian ? __builtin_bswap64(updated) : updated);
      if (!found) {
        Fault abort = fault(FaultType::kExternalAbort, level);
        abort.fetch = address;
        return abort;
      }
      // D8.5.2.1 (RSGJBL, IYZSVV): the descriptor in memory is what counts.
      if (*found != *word) return walk_stage2_v8_64(implementation, stage2, access, memory);
    }

    if (!allowed) return fault(FaultType::kPermission, level);

    if (!kWritableCleanAllowsWrite && dirty_managed && ((updated >> 7) & 1) == 0) w = false;

    Stage2Leaf leaf{};
    leaf.level = level;
    leaf.size = std::uint64_t{1} << lowest_bit(level);
    leaf.address = out | (ipa & (leaf.size - 1));
    if (r) leaf.permissions |= kUnprivilegedRead | kPrivilegedRead;
    if (w) leaf.permissions |= kUnprivilegedWrite | kPrivilegedWrite;
    if (ux) leaf.permissions |= kUnprivilegedExecute;
    if (px) leaf.permissions |= kPrivilegedExecute;
    leaf.mem_attr = mem_attr;

    // Table D8-102; D8.6.7 (RHTSGQ): with DS VTCR_EL2.SH0 has it, IHI 0070, 5.2.
    leaf.shareability = static_cast<std::uint8_t>(ds ? stage2.sh0 : (d >> 8) & 3);
    if (leaf.shareability == 0b01) leaf.shareability = ds ? 0b00 : kReservedShareability;
    return leaf;
  }
}

}  // namespace smmu::model
