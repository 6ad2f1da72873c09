// VMSAv8-32 stage 2 (DDI 0487, G5.5 to G5.7), in the order of the priorities
// of G5.11.6.
#include "test/model/naive_stages.h"

namespace smmu::model {

Result<Stage2Leaf, Fault> walk_stage2_v8_32_long(const Implementation& implementation,
                                                 const Stage2& stage2, const Stage2Access& access,
                                                 const Memory& memory) {
  const std::uint64_t ipa = access.ipa;
  const auto fault = [&](FaultType type, int level) {
    return Fault{.type = type,
                 .stage = 2,
                 .level = level,
                 .in = access.in,
                 .ipa = ipa,
                 .table_write = access.in == FaultClass::kTable && access.write};
  };

  // G5.5.7.2: T0SZ is a signed number of four bits.
  const int raw = static_cast<int>(stage2.t0sz & 0xf);
  const int t0sz = raw >= 8 ? raw - 16 : raw;

  // Table G5-5; anything else is a level 1 Translation fault.
  bool consistent = false;
  int level = 0;
  if (stage2.sl0 == 0b00) {
    level = 2;
    consistent = t0sz >= -2;
  } else if (stage2.sl0 == 0b01) {
    level = 1;
    consistent = t0sz <= 1;
  }
  if (!consistent) return fault(FaultType::kTranslation, 1);

  // G5.5.6: the input range is 2^(32-T0SZ) bytes; G5.11.1.2: level 1.
  if ((ipa >> (32 - t0sz)) != 0) return fault(FaultType::kTranslation, 1);

  // G5.5.7, G5.11.3.1.1: level 0 stands for the base register.
  if ((stage2.ttb >> 40) != 0) return fault(FaultType::kAddressSize, 0);

  // G5.5.8, Table G5-6.  IHI 0070, 5.2, S2TTB: lower bits are treated as zero.
  int x = level == 1 ? 5 - t0sz : 14 - t0sz;
  std::uint64_t table = stage2.ttb >> x << x;

  // IHI 0070, 3.4: 40-bit addresses are truncated to a smaller OAS.
  std::uint64_t implemented = 0x0000'00ff'ffff'ffff;
  if (implementation.oas < 40) implemented = (std::uint64_t{1} << implementation.oas) - 1;

  for (;;) {
    const unsigned lowest_bit = level == 1 ? 30 : level == 2 ? 21 : 12;
    const std::uint64_t index = (ipa >> lowest_bit) & ((std::uint64_t{1} << (x - 3)) - 1);
    const std::uint64_t address = (table + index * 8) & implemented;

    if (memory.before_fetch) {
      memory.before_fetch({.stage = 2, .level = level, .pa = address, .in = access.in});
    }
    const std::optional<std::uint64_t> word = memory.read(address);
    if (!word) {
      Fault abort = fault(FaultType::kExternalAbort, level);
      abort.fetch = address;
      return abort;
    }
    const std::uint64_t d = stage2.big_endian ? __builtin_bswap64(*word) : *word;

    // G5.5.2.1.1, G5.5.2.2.
    if ((d & 1) == 0) return fault(FaultType::kTranslation, level);
    if (level == 3 && (d & 2) == 0) return fault(FaultType::kTranslation, level);
    const bool is_table = level != 3 && (d & 2) != 0;

    // G5.5.2.1.1: nonzero [47:40].
    if (((d >> 40) & 0xff) != 0) return fault(FaultType::kAddressSize, level);
    const std::uint64_t address_bits = d & 0x0000'00ff'ffff'ffff;

    if (is_table) {
      table = address_bits >> 12 << 12;
      x = 12;
      ++level;
      continue;
    }

    // G5.6.5; IHI 0070, 5.2: S2AFFD.  There is no HTTU in this format.
    if (!stage2.affd && ((d >> 10) & 1) == 0) return fault(FaultType::kAccessFlag, level);

    // Table G5-11: [7:6] is S2AP.
    const bool r = ((d >> 6) & 1) != 0;
    const bool w = ((d >> 7) & 1) != 0;

    // Table G5-10: [54:53] is XN[1:0], or [54] alone; to execute, read access
    // is needed as well.
    bool ux = ((d >> 54) & 1) == 0;
    bool px = ux;
    if (implementation.xnx) {
      const unsigned xn = static_cast<unsigned>((d >> 53) & 3);
      ux = xn == 0b00 || xn == 0b01;
      px = xn == 0b00 || xn == 0b11;
    }
    if (!r) ux = px = false;

    bool allowed = false;
    if (access.write) {
      allowed = w;
    } else if (access.instruction) {
      allowed = access.privileged ? px : ux;
    } else {
      allowed = r;
    }

    // G5.7.5.1; IHI 0070, 5.2, S2PTW.  Table G5-17: MemAttr[3:2] 0b00 is Device.
    const unsigned mem_attr = static_cast<unsigned>((d >> 2) & 0xf);
    bool device = (mem_attr & 0b1100) == 0;
    if (mem_attr != 0 && (mem_attr & 0b0011) == 0) device = kReservedMemAttr == 0;
    if (access.in == FaultClass::kTable && stage2.ptw && device) allowed = false;

    if (!allowed) return fault(FaultType::kPermission, level);

    Stage2Leaf leaf{};
    leaf.level = level;
    leaf.size = std::uint64_t{1} << lowest_bit;
    leaf.address = (address_bits >> lowest_bit << lowest_bit) | (ipa & (leaf.size - 1));
    leaf.address &= implemented;
    if (r) leaf.permissions |= kUnprivilegedRead | kPrivilegedRead;
    if (w) leaf.permissions |= kUnprivilegedWrite | kPrivilegedWrite;
    if (ux) leaf.permissions |= kUnprivilegedExecute;
    if (px) leaf.permissions |= kPrivilegedExecute;
    leaf.mem_attr = mem_attr;

    // G5.7.5: SH is as for stage 1.
    leaf.shareability = static_cast<std::uint8_t>((d >> 8) & 3);
    if (leaf.shareability == 0b01) leaf.shareability = kReservedShareability;
    return leaf;
  }
}

}  // namespace smmu::model
