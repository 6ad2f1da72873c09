// Stage 1 permissions, all of them, against the tables of the manual typed in again (DDI 0487,
// D8.4).
#include "emulator/walk/permissions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace smmu::emulator::permissions_test {
namespace {

// Everything that takes part in a decision.
struct Case {
  unsigned ap;       // AP[2:1]
  unsigned aptable;  // APTable[1:0]
  bool uxn, pxn, uxntable, pxntable;
  bool wxn, pan, epan;
};

// r, w and x of one privilege level, as the manual's tables print them.
struct Printed {
  bool r, w, x;
};

// The unprivileged column of the data access table, APTable applied.
Printed unprivileged(const Case& c) {
  static constexpr Printed kByAp[] = {
      {false, false, false}, {true, true, false}, {false, false, false}, {true, false, false}};
  Printed rights = kByAp[c.ap];
  if (c.aptable == 1 || c.aptable == 3) rights.r = rights.w = false;
  if (c.aptable == 2 || c.aptable == 3) rights.w = false;
  rights.x = true;
  if (c.uxn || c.uxntable) rights.x = false;
  if (c.wxn && rights.w) rights.x = false;
  return rights;
}

Printed privileged(const Case& c) {
  static constexpr Printed kByAp[] = {
      {true, true, false}, {true, true, false}, {true, false, false}, {true, false, false}};
  const Printed user = unprivileged(c);
  Printed rights = kByAp[c.ap];
  if (c.aptable == 2 || c.aptable == 3) rights.w = false;
  rights.x = true;
  if (c.pxn || c.pxntable) rights.x = false;
  if (user.w) rights.x = false;  // writable at EL0 is never executable at EL1
  if (c.wxn && rights.w) rights.x = false;
  if (c.pan && (user.r || user.w)) rights.r = rights.w = false;
  if (c.pan && c.epan && user.x) rights.r = rights.w = false;
  return rights;
}

TEST(Permissions, EveryCombinationIsAsTheTablesSay) {
  for (unsigned bits = 0; bits != 1U << 11; ++bits) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1) != 0; };
    const Case c{.ap = bits & 3,
                 .aptable = bits >> 2 & 3,
                 .uxn = bit(4),
                 .pxn = bit(5),
                 .uxntable = bit(6),
                 .pxntable = bit(7),
                 .wxn = bit(8),
                 .pan = bit(9),
                 .epan = bit(10)};
    const Stage1Permissions permissions = stage1_permissions({.write_implies_execute_never = c.wxn,
                                                              .privileged_access_never = c.pan,
                                                              .enhanced_pan = c.epan});
    // AP[2:1] at [7:6], PXN at 53, UXN at 54 (Table D8-52); APTable at [62:61],
    // UXNTable at 60, PXNTable at 59 (Table D8-50).
    const vmsa::Leaf_Stage1 leaf(
        {std::uint64_t{c.ap} << 6 | std::uint64_t{c.pxn} << 53 | std::uint64_t{c.uxn} << 54});
    const vmsa::Table_Stage1 hierarchy({std::uint64_t{c.aptable} << 61 |
                                        std::uint64_t{c.uxntable} << 60 |
                                        std::uint64_t{c.pxntable} << 59});
    const Permissions found = permissions[limited(stage1_rights(leaf), hierarchy)];
    const auto expect = [&](Privilege privilege, const Printed& rights) {
      using enum Direction;
      using enum Content;
      EXPECT_EQ(found.allow(privilege, kRead, kData), rights.r);
      EXPECT_EQ(found.allow(privilege, kWrite, kData), rights.w);
      EXPECT_EQ(found.allow(privilege, kRead, kInstruction), rights.x);
    };
    SCOPED_TRACE(fmt::format("combination {:#x}", bits));
    expect(Privilege::kUnprivileged, unprivileged(c));
    expect(Privilege::kPrivileged, privileged(c));
  }
}

}  // namespace
}  // namespace smmu::emulator::permissions_test
