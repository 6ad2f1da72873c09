// What a leaf of Short descriptors allows and describes, all of it, against the tables of the
// manual typed in again (DDI 0487, G5.6 and G5.7).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string_view>

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"

namespace smmu::emulator::aarch32_short_leaf_test {
namespace {

// --- Permissions ---

// r, w and x of one privilege level.
struct Printed {
  bool r, w, x;
};
Printed printed(std::string_view letters) { return {letters[0] == 'r', letters[1] == 'w', true}; }

// Table G5-9 by AP[2:0]: PL1, unprivileged.  0b100 is reserved.
constexpr std::string_view kByAp[8][2] = {{"--", "--"}, {"rw", "--"}, {"rw", "r-"}, {"rw", "rw"},
                                          {"--", "--"}, {"r-", "--"}, {"r-", "r-"}, {"r-", "r-"}};
// Table G5-7 by AP[2:1].
constexpr std::string_view kByAp21[4][2] = {{"rw", "--"}, {"rw", "rw"}, {"r-", "--"}, {"r-", "r-"}};

TEST(ShortPermissions, AreAsTheTablesSayWithBothModels) {
  for (unsigned bits = 0; bits != 1U << 9; ++bits) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1) != 0; };
    const unsigned ap = bits & 7;
    const bool xn = bit(3);
    const bool pxn = bit(4);
    const bool afe = bit(5);
    const bool wxn = bit(6);
    const bool uwxn = bit(7);
    const bool pan = bit(8);
    const auto& [privileged, unprivileged] = afe ? kByAp21[ap >> 1] : kByAp[ap];
    Printed pl1 = printed(privileged);
    Printed user = printed(unprivileged);
    // G5.6.3: to execute, read access is needed as well.
    if (!pl1.r || xn || pxn) pl1.x = false;
    if (!user.r || xn) user.x = false;
    // G5.6.3.2
    if (wxn && pl1.w) pl1.x = false;
    if (wxn && user.w) user.x = false;
    if (uwxn && user.w) pl1.x = false;
    // G5.6.2: data accesses alone.
    if (pan && (user.r || user.w)) pl1.r = pl1.w = false;

    const Permissions found = short_permissions({.levels = Levels::kTwoAArch32,
                                                 .write_implies_execute_never = wxn,
                                                 .unprivileged_write_implies_execute_never = uwxn,
                                                 .privileged_access_never = pan},
                                                afe)[short_rights(ap, xn, pxn)];
    SCOPED_TRACE(fmt::format("AP {:03b} XN {} PXN {} AFE {} WXN {} UWXN {} PAN {}", ap, xn, pxn,
                             afe, wxn, uwxn, pan));
    const auto expect = [&](Privilege privilege, const Printed& rights) {
      using enum Direction;
      using enum Content;
      EXPECT_EQ(found.allow(privilege, kRead, kData), rights.r);
      EXPECT_EQ(found.allow(privilege, kWrite, kData), rights.w);
      EXPECT_EQ(found.allow(privilege, kRead, kInstruction), rights.x);
    };
    expect(Privilege::kPrivileged, pl1);
    expect(Privilege::kUnprivileged, user);
  }
}

// --- Attributes ---

// In MAIR's encoding; "s": shareable if S is.
struct Memory {
  unsigned type;
  char shareability;  // 'o' Outer, 'i' Inner, 'n' Non-shareable, 's' as S says
};

Shareability in_full(char shareability, bool s) {
  switch (shareability) {
    case 'o':
      return Shareability::kOuter;
    case 'i':
      return Shareability::kInner;
    case 's':
      return s ? Shareability::kOuter : Shareability::kNonShareable;
    default:
      return Shareability::kNonShareable;
  }
}

TEST(ShortAttributes, WithoutRemapAreAsTheTableSays) {  // Table G5-12
  // By {TEX, C, B}, of which 1BBAA is left to the next test.
  constexpr Memory kTable[16] = {
      {0x00, 'o'},  // 000 0 0 Device-nGnRnE
      {0x04, 'o'},  // 000 0 1 Device-nGnRE
      {0xaa, 's'},  // 000 1 0 Write-Through, no Write-Allocate
      {0xee, 's'},  // 000 1 1 Write-Back, no Write-Allocate
      {0x44, 'o'},  // 001 0 0 Non-cacheable
      {0x00, 'o'},  // 001 0 1 reserved
      {0x00, 'o'},  // 001 1 0 IMPLEMENTATION DEFINED
      {0xff, 's'},  // 001 1 1 Write-Back, Write-Allocate
      {0x04, 'o'},  // 010 0 0 Device-nGnRE
      {0x00, 'o'}, {0x00, 'o'}, {0x00, 'o'}, {0x00, 'o'},
      {0x00, 'o'}, {0x00, 'o'}, {0x00, 'o'},  // reserved
  };
  const ShortAttributes attributes = short_attributes();
  for (unsigned i = 0; i != 16; ++i) {
    for (const bool s : {false, true}) {
      const bool c = (i & 2) != 0;
      const bool b = (i & 1) != 0;
      const MemoryAttributes found = attributes[short_attributes_index(i >> 2, c, b, s)];
      SCOPED_TRACE(fmt::format("TEX {:03b} C {} B {} S {}", i >> 2, c, b, s));
      EXPECT_EQ(found.type, kTable[i].type);
      EXPECT_EQ(found.shareability, in_full(kTable[i].shareability, s));
    }
  }
}

// Table G5-13 and NMRR: Non-cacheable, Write-Back with Write-Allocate, Write-Through and
// Write-Back without; all with Read-Allocate.
constexpr unsigned kCacheable[4] = {0x4, 0xf, 0xa, 0xe};

TEST(ShortAttributes, WithoutRemapTex2HasACacheabilityForEitherLevel) {  // G5.7.2.1
  const ShortAttributes attributes = short_attributes();
  for (unsigned outer = 0; outer != 4; ++outer) {
    for (unsigned inner = 0; inner != 4; ++inner) {
      for (const bool s : {false, true}) {
        const MemoryAttributes found = attributes[short_attributes_index(
            0b100 | outer, (inner & 2) != 0, (inner & 1) != 0, s)];
        SCOPED_TRACE(fmt::format("outer {:02b} inner {:02b} S {}", outer, inner, s));
        EXPECT_EQ(found.type, kCacheable[outer] << 4 | kCacheable[inner]);
        EXPECT_EQ(found.shareability, in_full(outer == 0 && inner == 0 ? 'o' : 's', s));
      }
    }
  }
}

TEST(ShortAttributes, WithRemapAreWhatTheRegistersSay) {  // Tables G5-14 and G5-15
  for (unsigned n = 0; n != 8; ++n) {
    for (unsigned bits = 0; bits != 1U << 9; ++bits) {
      const unsigned tr = bits & 3;
      const unsigned ir = bits >> 2 & 3;
      const unsigned or_ = bits >> 4 & 3;
      const unsigned ns0 = bits >> 6 & 1;
      const unsigned ns1 = bits >> 7 & 1;
      const unsigned nos = bits >> 8 & 1;
      // Everything else is all ones or all zeros, and must not matter.
      const std::uint32_t rest = bits % 2 == 0 ? 0xffff'ffff : 0;
      const std::uint32_t own_prrr = 3U << 2 * n | 3U << 18 | 1U << (24 + n);
      const std::uint32_t own_nmrr = 3U << 2 * n | 3U << (2 * n + 16);
      const std::uint32_t prrr =
          (rest & ~own_prrr) | tr << 2 * n | ns0 << 18 | ns1 << 19 | nos << (24 + n);
      const std::uint32_t nmrr = (rest & ~own_nmrr) | ir << 2 * n | or_ << (2 * n + 16);
      const ShortAttributes attributes = short_attributes(prrr, nmrr);
      for (const bool s : {false, true}) {
        Memory expected{0x00, 'o'};  // 0b00, and 0b11, which is reserved
        if (tr == 0b01) expected.type = 0x04;
        if (tr == 0b10) {
          expected.type = kCacheable[or_] << 4 | kCacheable[ir];
          const bool shareable = (s ? ns1 : ns0) != 0;
          if (or_ != 0 || ir != 0) expected.shareability = !shareable ? 'n' : nos != 0 ? 'i' : 'o';
        }
        // TEX[2:1] is software's (G5.7.3.3).
        for (unsigned tex = n >> 2; tex < 8; tex += 2) {
          const MemoryAttributes found =
              attributes[short_attributes_index(tex, (n & 2) != 0, (n & 1) != 0, s)];
          SCOPED_TRACE(fmt::format("n {} PRRR {:#x} NMRR {:#x} S {}", n, prrr, nmrr, s));
          ASSERT_EQ(found.type, expected.type);
          ASSERT_EQ(found.shareability, in_full(expected.shareability, s));
        }
      }
    }
  }
}

}  // namespace
}  // namespace smmu::emulator::aarch32_short_leaf_test
