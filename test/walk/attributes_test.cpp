// Memory types and how stage 2 changes them, all of them, against the manual's tables typed in
// again (DDI 0487, D8.6; IHI 0070, 5.4 and 13.1.7).
#include "emulator/walk/attributes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace smmu::emulator::attributes_test {
namespace {

// A memory type in words.  `hints` of a cacheable one are bit [3], Non-transient,
// and bits [1:0], R and W, of MAIR's nibble.
struct Level {
  std::string_view caching;  // "NC", "WT", "WB"
  unsigned hints = 0;

  friend bool operator==(const Level&, const Level&) = default;
};
struct Type {
  std::string_view device;  // "nGnRnE", "nGnRE", "nGRE", "GRE"; empty: Normal
  Level outer, inner;

  bool is_outer_shareable() const {
    return !device.empty() || (outer.caching == "NC" && inner.caching == "NC");
  }
  friend bool operator==(const Type&, const Type&) = default;
};

constexpr std::array<std::string_view, 4> kDevices = {"nGnRnE", "nGnRE", "nGRE", "GRE"};

// DDI 0487, MAIR_EL1: a nibble of a Normal type, by its two upper bits.  0b01
// with R and W clear is Non-cacheable.
constexpr std::array<std::string_view, 4> kCachings = {"WT", "WB", "WT", "WB"};

Level level_of_mair(unsigned nibble) {
  if (nibble == 0b0100) return {"NC"};
  return {kCachings[nibble >> 2], nibble & 0b1011};
}

// With the encodings that MAIR_EL1 calls UNPREDICTABLE, as IHI 0070, 5.4 has them.
Type type_of_mair(unsigned attr) {
  const unsigned outer = attr >> 4;
  const unsigned inner = attr & 0xf;
  if (outer == 0) return {kDevices[inner >> 2], {}, {}};
  return {{}, level_of_mair(outer), inner == 0 ? Level{"WT", 0b0011} : level_of_mair(inner)};
}

std::string in_words(const Type& type) {
  if (!type.device.empty()) return fmt::format("Device-{}", type.device);
  return fmt::format("{} {:b}, {} {:b}", type.outer.caching, type.outer.hints, type.inner.caching,
                     type.inner.hints);
}

// D8.6.2, by SH; 0b01 is reserved.
constexpr std::array<Shareability, 4> kShareabilities = {
    Shareability::kNonShareable, Shareability::kNonShareable, Shareability::kOuter,
    Shareability::kInner};

TEST(Attributes, EveryMairCodeMeansWhatTheTableSays) {
  for (unsigned attr = 0; attr != 256; ++attr) {
    for (unsigned attr_indx = 0; attr_indx != 8; ++attr_indx) {
      const std::uint64_t mair = std::uint64_t{attr} << 8 * attr_indx;
      for (unsigned sh = 0; sh != 4; ++sh) {
        const MemoryAttributes found = stage1_attributes(mair)[attributes_index(attr_indx, sh)];
        const Type type = type_of_mair(attr);
        ASSERT_EQ(type_of_mair(found.type), type) << attr << ": " << in_words(type);
        ASSERT_EQ(found.is_device(), !type.device.empty());
        ASSERT_EQ(found.shareability,
                  type.is_outer_shareable() ? Shareability::kOuter : kShareabilities[sh]);
      }
    }
  }
}

// --- Both stages ---

// Table D8-96.  What is reserved is Device-nGnRnE, as it is in STE.MemAttr (IHI 0070, 5.2).
struct Row {
  std::string_view device, outer, inner;
};
constexpr std::array<Row, 16> kMemAttr = {{{"nGnRnE", {}, {}},
                                           {"nGnRE", {}, {}},
                                           {"nGRE", {}, {}},
                                           {"GRE", {}, {}},
                                           {"nGnRnE", {}, {}},
                                           {{}, "NC", "NC"},
                                           {{}, "NC", "WT"},
                                           {{}, "NC", "WB"},
                                           {"nGnRnE", {}, {}},
                                           {{}, "WT", "NC"},
                                           {{}, "WT", "WT"},
                                           {{}, "WT", "WB"},
                                           {"nGnRnE", {}, {}},
                                           {{}, "WB", "NC"},
                                           {{}, "WB", "WT"},
                                           {{}, "WB", "WB"}}};

// Table D8-97: the one that comes first in kDevices has precedence.
std::string_view stronger_device(std::string_view a, std::string_view b) {
  return *std::find_if(kDevices.begin(), kDevices.end(),
                       [&](std::string_view device) { return device == a || device == b; });
}

// Table D8-98, and the hints of stage 1 (D8.6.3).
Level combined(const Level& stage1, std::string_view stage2) {
  if (stage1.caching == "NC" || stage2 == "NC") return {"NC"};
  if (stage1.caching == "WT" || stage2 == "WT") return {"WT", stage1.hints};
  return {"WB", stage1.hints};
}

Type combined_with_device(const Type& stage1, std::string_view device) {
  return {stage1.device.empty() ? device : stronger_device(stage1.device, device), {}, {}};
}

Type combined(const Type& stage1, unsigned mem_attr) {
  const Row& row = kMemAttr[mem_attr];
  if (!row.device.empty()) return combined_with_device(stage1, row.device);
  if (!stage1.device.empty()) return stage1;
  return {{}, combined(stage1.outer, row.outer), combined(stage1.inner, row.inner)};
}

// D8.6.6, RTHYXB and RTBQKG: Non-transient, Read-Allocate, Write-Allocate if
// there are no hints.
Level forced_write_back(const Level& stage1) {
  return {"WB", stage1.caching == "NC" || stage1.caching.empty() ? 0b1011 : stage1.hints};
}

// Tables D8-100 and D8-101; MemAttr[3] is RES0.
Type combined_with_fwb(const Type& stage1, unsigned mem_attr) {
  switch (mem_attr & 0b111) {
    case 0b101:
      if (!stage1.device.empty()) return stage1;
      return {{}, {"NC"}, {"NC"}};
    case 0b110:
      return {{}, forced_write_back(stage1.outer), forced_write_back(stage1.inner)};
    case 0b111:
      return stage1;
    case 0b100:  // reserved
      return combined_with_device(stage1, "nGnRnE");
    default:
      return combined_with_device(stage1, kDevices[mem_attr & 0b11]);
  }
}

// Table D8-103.
Shareability combined(Shareability a, Shareability b) {
  if (a == Shareability::kOuter || b == Shareability::kOuter) return Shareability::kOuter;
  if (a == Shareability::kInner || b == Shareability::kInner) return Shareability::kInner;
  return Shareability::kNonShareable;
}

// IHI 0070, 3.23.1: with FEAT_MTE_PERM 0b0100 is Write-Back without FWB; with it
// MemAttr[3] is part of what is not there.
unsigned without_tags(unsigned mem_attr) { return mem_attr == 0b0100 ? 0b1111 : mem_attr; }

TEST(Attributes, StagesCombineAsTheTablesSay) {
  using enum MemAttrEncoding;
  for (const MemAttrEncoding encoding : {kUsual, kTagAccess, kForcedWriteBack}) {
    const bool fwb = encoding == kForcedWriteBack;
    for (unsigned attr = 0; attr != 256; ++attr) {
      for (unsigned bits = 0; bits != 1U << 8; ++bits) {
        const unsigned mem_attr = bits & 0xf;
        const unsigned sh1 = bits >> 4 & 3;
        const unsigned sh2 = bits >> 6;
        const MemoryAttributes stage1 = stage1_attributes(attr)[attributes_index(0, sh1)];
        const MemoryAttributes found =
            combine(stage1, {.mem_attr = static_cast<std::uint8_t>(mem_attr),
                             .shareability = static_cast<Shareability>(sh2),
                             .encoding = encoding});
        const Type type1 = type_of_mair(attr);
        const unsigned meant = encoding == kTagAccess ? without_tags(mem_attr) : mem_attr;
        const Type expected = fwb ? combined_with_fwb(type1, mem_attr) : combined(type1, meant);
        ASSERT_EQ(type_of_mair(found.type), expected)
            << fmt::format("FWB {:d}, {} and MemAttr {:#b}: {}, not {}", fwb, in_words(type1),
                           mem_attr, in_words(type_of_mair(found.type)), in_words(expected));
        ASSERT_EQ(found.shareability, expected.is_outer_shareable()
                                          ? Shareability::kOuter
                                          : combined(stage1.shareability, kShareabilities[sh2]));
      }
    }
  }
}

// --- With what came in ---

// IHI 0070, 13.4.2, 13.1.5, Figure 13.1: no allocation and Transient are the
// stronger; 13.1.7: nothing that is not allocated is Transient.
Level level_with_hints(const Level& translated, const Level& incoming) {
  if (translated.caching == "NC" || incoming.caching == "NC") return translated;
  const bool reads = (translated.hints & incoming.hints & 0b0010) != 0;
  const bool writes = (translated.hints & incoming.hints & 0b0001) != 0;
  const bool transient = (reads || writes) && (translated.hints & incoming.hints & 0b1000) == 0;
  return {translated.caching,
          (transient ? 0 : 0b1000U) | (reads ? 0b0010U : 0) | (writes ? 0b0001U : 0)};
}

TEST(Attributes, OfTablesTakeTheHintsOfWhatComesIn) {
  for (unsigned attr = 0; attr != 256; ++attr) {
    const MemoryAttributes translated = stage1_attributes(attr)[attributes_index(0, 0b11)];
    for (unsigned in = 0; in != 256; ++in) {
      const MemoryAttributes incoming = stage1_attributes(in)[attributes_index(0, 0b10)];
      const MemoryAttributes found = with_hints(translated, incoming);
      const Type a = type_of_mair(translated.type);
      const Type b = type_of_mair(incoming.type);
      Type expected = a;
      if (a.device.empty() && b.device.empty()) {
        expected = {{}, level_with_hints(a.outer, b.outer), level_with_hints(a.inner, b.inner)};
      }
      ASSERT_EQ(type_of_mair(found.type), expected)
          << fmt::format("{} with {}: {}, not {}", in_words(a), in_words(b),
                         in_words(type_of_mair(found.type)), in_words(expected));
      ASSERT_EQ(found.shareability, translated.shareability);
      // Once is enough: a stage 2 that is alone has them already.
      ASSERT_EQ(with_hints(found, incoming), found);
    }
  }
}

TEST(Attributes, OfAStage2AloneHaveTheHintsOfWhatComesIn) {
  using enum MemAttrEncoding;
  for (const MemAttrEncoding encoding : {kUsual, kTagAccess, kForcedWriteBack}) {
    for (unsigned in = 0; in != 256; ++in) {
      const MemoryAttributes incoming = stage1_attributes(in)[attributes_index(0, 0b10)];
      for (std::uint8_t mem_attr = 0; mem_attr != 16; ++mem_attr) {
        const MemoryAttributes found = combine(
            incoming,
            {.mem_attr = mem_attr, .shareability = Shareability::kInner, .encoding = encoding});
        ASSERT_EQ(with_hints(found, incoming), found) << in << ' ' << unsigned{mem_attr};
      }
    }
  }
}

}  // namespace
}  // namespace smmu::emulator::attributes_test
