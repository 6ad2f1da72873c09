// VMSAv8-32 Short-descriptor stage 1 (DDI 0487, G5.4, G5.6 and G5.7), in the
// order of the priorities of G5.11.6.  NS is ignored.
#include "test/model/naive_stages.h"

namespace smmu::model {
namespace {

struct ShortAttributes {
  std::uint8_t type;
  std::uint8_t shareability;
};

// G5.7.2: TEX[2:0], C and B as they are.
ShortAttributes without_remap(unsigned tex, bool c, bool b, bool s) {
  const unsigned cb = (c ? 2U : 0U) | (b ? 1U : 0U);
  // G5.7.2.2: without remap shareable is Outer Shareable.
  const std::uint8_t sh = s ? 0b10 : 0b00;

  // Table G5-12.
  if (tex == 0b000 && cb == 0b00) return {0x00, 0b10};  // Device-nGnRnE
  if (tex == 0b000 && cb == 0b01) return {0x04, 0b10};  // Device-nGnRE
  if (tex == 0b000 && cb == 0b10) return {0xaa, sh};    // Write-Through, RA
  if (tex == 0b000 && cb == 0b11) return {0xee, sh};    // Write-Back, RA
  if (tex == 0b001 && cb == 0b00) return {0x44, 0b10};  // Non-cacheable
  if (tex == 0b001 && cb == 0b11) return {0xff, sh};    // Write-Back, RA WA
  if (tex == 0b010 && cb == 0b00) return {0x04, 0b10};  // Device-nGnRE
  if (tex >= 0b100) {
    // Table G5-13: TEX[1:0] is the outer level, C and B are the inner one.
    const auto code = [](unsigned encoding) -> unsigned {
      if (encoding == 0b00) return 0x4;
      if (encoding == 0b01) return 0xf;
      if (encoding == 0b10) return 0xa;
      return 0xe;
    };
    const auto type = static_cast<std::uint8_t>(code(tex & 3) << 4 | code(cb));
    if (type == 0x44) return {type, 0b10};
    return {type, sh};
  }
  return {kReservedTexCB, 0b10};
}

// G5.7.3: {TEX[0], C, B} select fields of PRRR and NMRR.
ShortAttributes with_remap(const Stage1& stage1, unsigned tex, bool c, bool b, bool s) {
  const unsigned n = (tex & 1) << 2 | (c ? 2U : 0U) | (b ? 1U : 0U);

  // PRRR: [2n+1:2n] is TRn.
  const unsigned tr = (stage1.prrr >> (2 * n)) & 3;
  if (tr == 0b00) return {0x00, 0b10};
  if (tr == 0b01) return {0x04, 0b10};
  if (tr == 0b11) return {kReservedTexCB, 0b10};

  // NMRR: [2n+1:2n] is IRn and [2n+17:2n+16] is ORn.
  const auto code = [](unsigned encoding) -> unsigned {
    if (encoding == 0b00) return 0x4;
    if (encoding == 0b01) return 0xf;
    if (encoding == 0b10) return 0xa;
    return 0xe;
  };
  const unsigned inner = code((stage1.nmrr >> (2 * n)) & 3);
  const unsigned outer = code((stage1.nmrr >> (2 * n + 16)) & 3);
  const auto type = static_cast<std::uint8_t>(outer << 4 | inner);
  if (type == 0x44) return {type, 0b10};

  // G5.7.3.1, Table G5-15: PRRR [18] is NS0, [19] NS1, [n+24] NOSn.
  const bool shareable = ((stage1.prrr >> (s ? 19 : 18)) & 1) != 0;
  if (!shareable) return {type, 0b00};
  const bool not_outer = ((stage1.prrr >> (24 + n)) & 1) != 0;
  return {type, not_outer ? std::uint8_t{0b11} : std::uint8_t{0b10}};
}

}  // namespace

Result<Stage1Leaf, Fault> walk_stage1_v8_32_short(unsigned output_bits, const Stage1& stage1,
                                                  const Access& access, const FetchStage1& fetch) {
  const std::uint64_t va = access.address;
  const auto fault = [](FaultType type, int level) {
    return Fault{.type = type, .stage = 1, .level = level};
  };

  // A descriptor is 32 bits, in the lower or upper half of a 64-bit word.
  const auto descriptor = [&](std::uint64_t address, std::uint64_t word) {
    const auto half = static_cast<std::uint32_t>((address & 4) != 0 ? word >> 32 : word);
    return stage1.big_endian ? __builtin_bswap32(half) : half;
  };

  // The VA has 32 bits; an address beyond maps to no base (G5.11.1.2).
  if ((va >> 32) != 0) return fault(FaultType::kTranslation, 1);

  // G5.4.4: TTBR0 if the N upper bits are zero.
  const unsigned n = stage1.n & 7;
  const bool upper = n != 0 && (va >> (32 - n)) != 0;

  // G5.3.4.
  if (upper ? stage1.epd1 : stage1.epd0) return fault(FaultType::kTranslation, 1);

  // G5.4.5.1: TTBR0[31:14-N]:VA[31-N:20], or TTBR1[31:14]:VA[31:20].
  const unsigned x = upper ? 14 : 14 - n;
  const std::uint64_t ttb = (upper ? stage1.ttb1 : stage1.ttb0) & 0xffff'ffff;
  const std::uint64_t address1 =
      (ttb >> x << x) | ((va >> 20) & ((std::uint64_t{1} << (x - 2)) - 1)) << 2;

  const Result<std::uint64_t, Fault> word1 = fetch(address1, 1);
  if (!word1) return word1.error();
  const std::uint32_t d1 = descriptor(address1, *word1);

  // G5.4.1.1: 0b00 is invalid.
  if ((d1 & 3) == 0b00) return fault(FaultType::kTranslation, 1);

  int level = 1;
  unsigned size_bits = 0;
  std::uint64_t out = 0;
  unsigned domain = 0;
  unsigned ap = 0;  // AP[2:0]
  bool xn = false, pxn = false, s = false, ng = false, c = false, b = false;
  unsigned tex = 0;

  if ((d1 & 3) == 0b01) {
    // G5.4.1.1, Figure G5-4: [31:10] is the level 2 table, [8:5] the domain,
    // [2] PXN.  G5.4.5.2: indexed by VA[19:12].
    level = 2;
    domain = (d1 >> 5) & 0xf;
    pxn = ((d1 >> 2) & 1) != 0;
    const std::uint64_t address2 = (d1 & 0xffff'fc00) | ((va >> 12) & 0xff) << 2;

    const Result<std::uint64_t, Fault> word2 = fetch(address2, 2);
    if (!word2) return word2.error();
    const std::uint32_t d2 = descriptor(address2, *word2);

    // G5.4.1.2.
    if ((d2 & 3) == 0b00) return fault(FaultType::kTranslation, 2);

    // Figure G5-5: fields at the same place in both kinds of page.
    b = ((d2 >> 2) & 1) != 0;
    c = ((d2 >> 3) & 1) != 0;
    ap = ((d2 >> 4) & 3) | ((d2 >> 9) & 1) << 2;
    s = ((d2 >> 10) & 1) != 0;
    ng = ((d2 >> 11) & 1) != 0;
    if ((d2 & 3) == 0b01) {
      size_bits = 16;  // Large page: [15] XN, [14:12] TEX
      out = d2 & 0xffff'0000;
      xn = ((d2 >> 15) & 1) != 0;
      tex = (d2 >> 12) & 7;
    } else {
      size_bits = 12;  // Small page: [0] XN, [8:6] TEX
      out = d2 & 0xffff'f000;
      xn = (d2 & 1) != 0;
      tex = (d2 >> 6) & 7;
    }
  } else {
    // G5.4.1.1, Figure G5-4: a Section, or with [18] set a Supersection.
    pxn = (d1 & 1) != 0;
    b = ((d1 >> 2) & 1) != 0;
    c = ((d1 >> 3) & 1) != 0;
    xn = ((d1 >> 4) & 1) != 0;
    ap = ((d1 >> 10) & 3) | ((d1 >> 15) & 1) << 2;
    tex = (d1 >> 12) & 7;
    s = ((d1 >> 16) & 1) != 0;
    ng = ((d1 >> 17) & 1) != 0;
    if (kSupersections && ((d1 >> 18) & 1) != 0) {
      size_bits = 24;
      // [31:24] are the address, [23:20] its bits [35:32], [8:5] its [39:36].
      out = d1 & 0xff00'0000;
      out |= std::uint64_t{(d1 >> 20) & 0xf} << 32;
      out |= std::uint64_t{(d1 >> 5) & 0xf} << 36;
      domain = 0;  // G5.6.4
      // G5.11.6, 8.
      if (kSupersectionBeyondOasFaults && (out >> output_bits) != 0) {
        return fault(FaultType::kAddressSize, 1);
      }
    } else {
      size_bits = 20;
      out = d1 & 0xfff0'0000;
      domain = (d1 >> 5) & 0xf;
    }
  }

  // G5.6.5: with AFE AP[0] is the Access flag.
  if (stage1.afe && !stage1.affd && (ap & 1) == 0) return fault(FaultType::kAccessFlag, level);

  // G5.6.4: two bits of DACR for each domain; 0b01 is Client, 0b11 Manager.
  bool manager = false;
  if (stage1.check_domains) {
    const unsigned control = (stage1.dacr >> (2 * domain)) & 3;
    if (control == 0b00 || control == 0b10) return fault(FaultType::kDomain, level);
    manager = control == 0b11;
  }

  bool ur = false, uw = false;
  bool pr = false, pw = false;
  if (stage1.afe) {
    // Table G5-7.
    pr = true;
    pw = (ap & 0b100) == 0;
    ur = (ap & 0b010) != 0;
    uw = ur && pw;
  } else {
    // Table G5-9.
    if (ap == 0b001) pr = pw = true;
    if (ap == 0b010) pr = pw = ur = true;
    if (ap == 0b011) pr = pw = ur = uw = true;
    if (ap == 0b100) pr = !kReservedApGivesNoAccess;
    if (ap == 0b101) pr = true;
    if (ap == 0b110) pr = ur = true;
    if (ap == 0b111) pr = ur = true;
  }

  // G5.6.3: to execute, read access is needed as well.
  bool ux = ur && !xn;
  bool px = pr && !xn && !pxn;

  // G5.6.3.2.
  if (stage1.wxn && uw) ux = false;
  if (stage1.wxn && pw) px = false;
  if (stage1.wxn && pw && kWxnLooksAtAnyPrivilege) ux = false;
  if (stage1.uwxn && uw) px = false;

  // G5.6.2: PAN concerns neither instructions nor Manager domains.
  if (stage1.pan && (ur || uw)) pr = pw = false;

  // G5.6.4: a Manager's accesses are not checked.
  if (manager) ur = uw = ux = pr = pw = px = true;

  bool allowed = false;
  if (access.write) {
    allowed = access.privileged ? pw : uw;
  } else if (access.instruction) {
    allowed = access.privileged ? px : ux;
  } else {
    allowed = access.privileged ? pr : ur;
  }
  if (!allowed) return fault(FaultType::kPermission, level);

  Stage1Leaf leaf{};
  leaf.level = level;
  leaf.size = std::uint64_t{1} << size_bits;
  leaf.address = out | (va & (leaf.size - 1));
  if (ur) leaf.permissions |= kUnprivilegedRead;
  if (uw) leaf.permissions |= kUnprivilegedWrite;
  if (ux) leaf.permissions |= kUnprivilegedExecute;
  if (pr) leaf.permissions |= kPrivilegedRead;
  if (pw) leaf.permissions |= kPrivilegedWrite;
  if (px) leaf.permissions |= kPrivilegedExecute;

  const ShortAttributes attributes =
      stage1.tre ? with_remap(stage1, tex, c, b, s) : without_remap(tex, c, b, s);
  leaf.type = attributes.type;
  leaf.shareability = attributes.shareability;
  leaf.descriptor_shareability = attributes.shareability;
  leaf.global = !ng;
  return leaf;
}

}  // namespace smmu::model
