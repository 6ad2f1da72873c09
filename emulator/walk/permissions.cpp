#include "emulator/walk/permissions.h"

namespace smmu::emulator {
namespace {

Permissions stage1_permission(const Stage1Controls& controls, unsigned rights) {
  // AP[2:1]: bit 1 forbids writes, bit 0 admits the unprivileged.
  const bool writable = (rights & 0b0010) == 0;
  const bool unprivileged = (rights & 0b0001) != 0;
  const bool unprivileged_writable = unprivileged && writable;

  const bool wxn = controls.write_implies_execute_never;
  const bool unprivileged_execute = (rights & 0b1000) == 0 && !(wxn && unprivileged_writable);
  // Privileged code must not run what the unprivileged can write, WXN or not.
  const bool privileged_execute =
      (rights & 0b0100) == 0 && !unprivileged_writable && !(wxn && writable);

  // PAN: data the unprivileged can reach is out of reach for the privileged.
  // EPAN extends that to what the unprivileged can only execute.
  const bool privileged_data = !(controls.privileged_access_never &&
                                 (unprivileged || (controls.enhanced_pan && unprivileged_execute)));

  return {{.read = unprivileged, .write = unprivileged_writable, .execute = unprivileged_execute},
          {.read = privileged_data,
           .write = privileged_data && writable,
           .execute = privileged_execute}};
}

}  // namespace

Stage1Permissions stage1_permissions(const Stage1Controls& controls) {
  Stage1Permissions permissions;
  for (unsigned i = 0; i != permissions.size(); ++i) {
    permissions[i] = stage1_permission(controls, i);
  }
  return permissions;
}

}  // namespace smmu::emulator
