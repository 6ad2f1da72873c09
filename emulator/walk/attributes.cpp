#include "emulator/walk/attributes.h"

#include <algorithm>

namespace smmu::emulator {
namespace {

// MAIR without its UNPREDICTABLE codes, which the SMMU defines (IHI 0070, 5.4).
std::uint8_t memory_type(std::uint64_t code) {
  const std::uint64_t outer = code & 0xf0;
  const std::uint64_t inner = code & 0x0f;
  if (outer == 0) return static_cast<std::uint8_t>(inner & 0xc);  // Device, whatever [1:0] says
  if (inner == 0) return static_cast<std::uint8_t>(outer | 0x3);  // Write-Through transient, RW
  return static_cast<std::uint8_t>(code);
}

// How far one level of caches, inner or outer, may cache: a nibble of MAIR.
// Ordered: combining takes the least.
enum class Cacheability : std::uint8_t { kNone, kWriteThrough, kWriteBack };

Cacheability caching_of(unsigned nibble) {
  if (nibble == 0b0100) return Cacheability::kNone;
  return (nibble & 0b0100) != 0 ? Cacheability::kWriteBack : Cacheability::kWriteThrough;
}

// `hints`: a nibble whose allocation hints, and Transient, are to be kept if it
// is cacheable.
unsigned nibble_of(Cacheability caching, unsigned hints) {
  if (caching == Cacheability::kNone) return 0b0100;
  const unsigned kept = caching_of(hints) == Cacheability::kNone ? 0b1011 : hints & 0b1011;
  return kept | (caching == Cacheability::kWriteBack ? 0b0100U : 0);
}

// The Device type that MemAttr[1:0] says, as a MAIR code.
std::uint8_t device(unsigned mem_attr) { return static_cast<std::uint8_t>((mem_attr & 0b11) << 2); }

// D8.6.5: MemAttr[3:2] for the outer caches and [1:0] for the inner ones.
std::uint8_t combined_type(std::uint8_t stage1, unsigned mem_attr) {
  const auto level = [&](unsigned said, unsigned nibble) {
    const auto stage2 = static_cast<Cacheability>(said - 1);  // 0b01 is Non-cacheable
    return nibble_of(std::min(stage2, caching_of(nibble)), nibble);
  };
  return static_cast<std::uint8_t>(level(mem_attr >> 2, stage1 >> 4U) << 4 |
                                   level(mem_attr & 0b11, stage1 & 0xfU));
}

// D8.6.6: Write-Back whatever stage 1 says, with its hints.
std::uint8_t combined_write_back(std::uint8_t stage1) {
  return static_cast<std::uint8_t>(nibble_of(Cacheability::kWriteBack, stage1 >> 4U) << 4 |
                                   nibble_of(Cacheability::kWriteBack, stage1 & 0xfU));
}

// IHI 0070, 13.1.5: no allocation and Transient are the stronger; 13.1.7: what
// is not allocated is not Transient.
unsigned combined_hints(unsigned translated, unsigned incoming) {
  if (caching_of(translated) == Cacheability::kNone ||
      caching_of(incoming) == Cacheability::kNone) {
    return translated;
  }
  const unsigned allocation = translated & incoming & 0b0011;
  const unsigned non_transient = allocation == 0 ? 0b1000U : translated & incoming & 0b1000U;
  return (translated & 0b0100) | non_transient | allocation;
}

// A cacheability of two bits, as a nibble of MAIR (DDI 0487, Table G5-13; NMRR).
// There is no Transient hint.
unsigned short_nibble(unsigned cacheability) {
  constexpr unsigned kNibbles[] = {0b0100, 0b1111, 0b1010, 0b1110};
  return kNibbles[cacheability];
}
std::uint8_t short_type(unsigned outer, unsigned inner) {
  return static_cast<std::uint8_t>(short_nibble(outer) << 4 | short_nibble(inner));
}

// nGnRE
constexpr std::uint8_t kDevice_nGnRE = 0x04;

// Table G5-12, {TEX, C, B}.  What is reserved or IMPLEMENTATION DEFINED is
// Device-nGnRnE.
std::uint8_t type_of_tex(unsigned tex, unsigned cb) {
  // 1BBAA: BB for the outer caches, AA for the inner ones.
  if ((tex & 0b100) != 0) return short_type(tex & 0b011, cb);
  switch (tex << 2 | cb) {
    case 0b000'01:
    case 0b010'00:
      return kDevice_nGnRE;
    case 0b000'10:
      return short_type(0b10, 0b10);
    case 0b000'11:
      return short_type(0b11, 0b11);
    case 0b001'00:
      return short_type(0b00, 0b00);
    case 0b001'11:
      return short_type(0b01, 0b01);
    default:
      return MemoryAttributes::kDevice_nGnRnE;
  }
}

}  // namespace

bool Stage2Memory::is_device() const {
  // With FWB MemAttr[2] tells; 0bx100 is reserved, and so is 0bxx00 without.
  if (encoding == MemAttrEncoding::kForcedWriteBack) {
    return (mem_attr & 0b100) == 0 || (mem_attr & 0b11) == 0;
  }
  if (is_no_tag_access()) return false;
  return (mem_attr & 0b1100) == 0 || (mem_attr & 0b0011) == 0;
}

MemoryAttributes combine_types(MemoryAttributes stage1, const Stage2Memory& stage2) {
  const unsigned mem_attr = stage2.is_no_tag_access() ? 0b1111 : stage2.mem_attr;
  MemoryAttributes result{.type = stage1.type,
                          .shareability = stronger(stage1.shareability, stage2.shareability)};
  if (stage2.is_device()) {
    // What is reserved has 0b00 there and behaves as Device-nGnRnE, too.
    const std::uint8_t type = device(mem_attr);
    result.type = stage1.is_device() ? std::min(stage1.type, type) : type;
  } else if (stage2.encoding == MemAttrEncoding::kForcedWriteBack) {
    // Table D8-101: 01 Non-cacheable, 10 Write-Back, 11 as stage 1 says.
    if ((mem_attr & 0b11) == 0b01 && !stage1.is_device()) {
      result.type = MemoryAttributes::kNonCacheable;
    } else if ((mem_attr & 0b11) == 0b10) {
      result.type =
          stage1.is_device() ? MemoryAttributes::kWriteBack : combined_write_back(stage1.type);
    }
  } else if (!stage1.is_device()) {
    result.type = combined_type(stage1.type, mem_attr);
  }
  return consistent(result);
}

MemoryAttributes with_hints(MemoryAttributes translated, MemoryAttributes incoming) {
  if (translated.is_device() || incoming.is_device()) return translated;
  translated.type =
      static_cast<std::uint8_t>(combined_hints(translated.type >> 4U, incoming.type >> 4U) << 4 |
                                combined_hints(translated.type & 0xfU, incoming.type & 0xfU));
  return translated;
}

Stage1Attributes stage1_attributes(std::uint64_t mair) {
  Stage1Attributes attributes;
  for (unsigned attr_indx = 0; attr_indx != 8; ++attr_indx) {
    const std::uint8_t type = memory_type(mair >> 8 * attr_indx & 0xff);
    for (unsigned sh = 0; sh != 4; ++sh) {
      attributes[attributes_index(attr_indx, sh)] =
          consistent({.type = type, .shareability = static_cast<Shareability>(sh)});
    }
  }
  return attributes;
}

ShortAttributes short_attributes() {
  ShortAttributes attributes;
  for (unsigned i = 0; i != attributes.size(); ++i) {
    // G5.7.2.2: what is shareable is Outer Shareable.
    const bool s = (i & 1) != 0;
    attributes[i] =
        consistent({.type = type_of_tex(i >> 3, i >> 1 & 0b11),
                    .shareability = s ? Shareability::kOuter : Shareability::kNonShareable});
  }
  return attributes;
}

ShortAttributes short_attributes(std::uint32_t prrr, std::uint32_t nmrr) {
  // TR<n>, IR<n> and OR<n> have two bits, NS0, NS1 and NOS<n> one.
  const auto two = [](std::uint32_t word, unsigned lo) { return word >> lo & 0b11; };
  const auto one = [prrr](unsigned n) { return (prrr >> n & 1) != 0; };
  ShortAttributes attributes;
  for (unsigned i = 0; i != attributes.size(); ++i) {
    const unsigned n = i >> 1 & 0b111;  // {TEX[0], C, B}
    const unsigned s = i & 1;
    std::uint8_t type = MemoryAttributes::kDevice_nGnRnE;  // TR 0b11 is reserved
    if (two(prrr, 2 * n) == 0b01) type = kDevice_nGnRE;
    if (two(prrr, 2 * n) == 0b10) type = short_type(two(nmrr, 2 * n + 16), two(nmrr, 2 * n));
    // G5.7.3.1: NS0 or NS1, by S, says whether it is shareable, NOS<n> how far.
    Shareability shareability = Shareability::kNonShareable;
    if (one(18 + s)) shareability = one(24 + n) ? Shareability::kInner : Shareability::kOuter;
    attributes[i] = consistent({.type = type, .shareability = shareability});
  }
  return attributes;
}

}  // namespace smmu::emulator
