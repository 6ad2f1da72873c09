#include "emulator/walk/permissions.h"

namespace smmu::emulator {
namespace {

// What stage1_rights() says, by name.
struct Said {
  explicit Said(unsigned rights)
      : writable((rights & kWritesDenied) == 0),
        writes_count(writable || (rights & kWritableClean) != 0),
        unprivileged((rights & 0b0001) != 0),
        pxn((rights & 0b0100) != 0),
        uxn((rights & 0b1000) != 0) {}

  bool writable;
  bool writes_count;  // for what it means to execution
  bool unprivileged;  // AP[1]
  bool pxn;
  bool uxn;
};

// DDI 0487, D8.4.1, a regime with one privilege level: AP[1] and PXN say
// nothing, and UXN is XN.
Permissions one_level(const Stage1Controls& controls, const Said& said) {
  const bool never = said.uxn || (controls.write_implies_execute_never && said.writes_count);
  const Rights rights{.read = true, .write = said.writable, .execute = !never};
  return {rights, rights};
}

// The same with two.
Permissions two_levels(const Stage1Controls& controls, const Said& said) {
  const bool unprivileged_writes_count = said.unprivileged && said.writes_count;
  const bool wxn = controls.write_implies_execute_never;
  const bool unprivileged_execute = !said.uxn && !(wxn && unprivileged_writes_count);
  // Privileged code must not run what the unprivileged can write, WXN or not.
  const bool privileged_execute =
      !said.pxn && !unprivileged_writes_count && !(wxn && said.writes_count);

  // PAN: data the unprivileged can reach is out of reach for the privileged.
  // EPAN extends that to what the unprivileged can only execute.
  const bool privileged_data =
      !(controls.privileged_access_never &&
        (said.unprivileged || (controls.enhanced_pan && unprivileged_execute)));

  return {{.read = said.unprivileged,
           .write = said.unprivileged && said.writable,
           .execute = unprivileged_execute},
          {.read = privileged_data,
           .write = privileged_data && said.writable,
           .execute = privileged_execute}};
}

// Data that one privilege level may read and write.
struct Data {
  bool read;
  bool write;
};

// DDI 0487, G5.6.2 and G5.6.3: XN is for both levels, and to execute is to read.
Permissions aarch32(const Stage1Controls& controls, Data unprivileged, Data privileged, bool xn,
                    bool pxn) {
  const bool wxn = controls.write_implies_execute_never;
  const bool uwxn = controls.unprivileged_write_implies_execute_never;
  const bool pan = controls.privileged_access_never && (unprivileged.read || unprivileged.write);
  return {{.read = unprivileged.read,
           .write = unprivileged.write,
           .execute = unprivileged.read && !xn && !(wxn && unprivileged.write)},
          {.read = privileged.read && !pan,
           .write = privileged.write && !pan,
           .execute = privileged.read && !xn && !pxn && !(wxn && privileged.write) &&
                      !(uwxn && unprivileged.write)}};
}

// G5.6.1.1: AP[2:1].
Permissions two_levels_aarch32(const Stage1Controls& controls, const Said& said) {
  return aarch32(controls, {said.unprivileged, said.unprivileged && said.writable},
                 {true, said.writable}, said.uxn, said.pxn);
}

// Table G5-9: AP[2:0].
Permissions short_permission(const Stage1Controls& controls, unsigned ap, bool xn, bool pxn) {
  static constexpr Data kNone{false, false};
  static constexpr Data kRead{true, false};
  static constexpr Data kBoth{true, true};
  struct Levels {
    Data privileged, unprivileged;
  };
  // 0b100 is reserved: no access.
  static constexpr Levels kByAp[] = {{kNone, kNone}, {kBoth, kNone}, {kBoth, kRead},
                                     {kBoth, kBoth}, {kNone, kNone}, {kRead, kNone},
                                     {kRead, kRead}, {kRead, kRead}};
  return aarch32(controls, kByAp[ap].unprivileged, kByAp[ap].privileged, xn, pxn);
}

Permissions stage2_permission(bool by_privilege, bool execute_needs_read, unsigned rights) {
  const bool read = (rights & 0b01) != 0;
  // XN[1:0], D8.4.2: 00 both, 01 the unprivileged alone, 10 nobody, 11 the
  // privileged alone.  With one bit: XN[1].
  const bool xn1 = (rights & 0b1000) != 0;
  const bool xn0 = by_privilege && (rights & 0b0100) != 0;
  const bool may = !execute_needs_read || read;
  const auto level = [&](bool execute) {
    return Rights{.read = read, .write = (rights & kWritable2) != 0, .execute = execute && may};
  };
  return {level(!xn1), level(xn1 == xn0)};
}

}  // namespace

Stage1Permissions stage1_permissions(const Stage1Controls& controls) {
  Stage1Permissions permissions;
  for (unsigned i = 0; i != permissions.size(); ++i) {
    switch (controls.levels) {
      case Levels::kTwo:
        permissions[i] = two_levels(controls, Said(i));
        break;
      case Levels::kOne:
        permissions[i] = one_level(controls, Said(i));
        break;
      case Levels::kTwoAArch32:
        permissions[i] = two_levels_aarch32(controls, Said(i));
        break;
    }
  }
  return permissions;
}

Stage1Permissions short_permissions(const Stage1Controls& controls, bool access_flag) {
  Stage1Permissions permissions;
  for (unsigned ap = 0; ap != 8; ++ap) {
    // G5.6.1.2: AP[2:1] alone is AP[2:0] with AP[0] set.
    const unsigned effective = access_flag ? ap | 0b001 : ap;
    for (const bool xn : {false, true}) {
      for (const bool pxn : {false, true}) {
        permissions[short_rights(ap, xn, pxn)] = short_permission(controls, effective, xn, pxn);
      }
    }
  }
  return permissions;
}

Stage2Permissions stage2_permissions(bool by_privilege, bool execute_needs_read) {
  Stage2Permissions permissions;
  for (unsigned i = 0; i != permissions.size(); ++i) {
    permissions[i] = stage2_permission(by_privilege, execute_needs_read, i);
  }
  return permissions;
}

}  // namespace smmu::emulator
