#include "emulator/walk/permissions.h"

namespace smmu::emulator {

Permissions stage1_permissions(const Regime& regime, const TableLimits& limits,
                               vmsa::Leaf_Stage1 leaf) {
  using vmsa::Leaf_Stage1;

  // AP[2:1]: bit 1 forbids writes, bit 0 admits the unprivileged.
  const auto ap = leaf[Leaf_Stage1::AP];
  const bool writable = (ap & 0b10) == 0 && !limits.read_only;
  const bool unprivileged = (ap & 0b01) != 0 && !limits.no_unprivileged;
  const bool unprivileged_writable = unprivileged && writable;

  const bool wxn = regime.write_implies_execute_never;
  const bool unprivileged_execute =
      !leaf[Leaf_Stage1::UXN] && !limits.uxn && !(wxn && unprivileged_writable);
  // Privileged code must not run what the unprivileged can write, WXN or not.
  const bool privileged_execute =
      !leaf[Leaf_Stage1::PXN] && !limits.pxn && !unprivileged_writable && !(wxn && writable);

  // PAN: data the unprivileged can reach is out of reach for the privileged.
  // EPAN extends that to what the unprivileged can only execute.
  const bool privileged_data = !(regime.privileged_access_never &&
                                 (unprivileged || (regime.enhanced_pan && unprivileged_execute)));

  using enum Privilege;
  using enum Direction;
  using enum Content;
  const auto when = [](bool allowed, std::uint8_t bit) { return allowed ? bit : 0; };
  return Permissions(static_cast<std::uint8_t>(
      when(unprivileged, Permissions::bit(kUnprivileged, kRead, kData)) |
      when(unprivileged_writable, Permissions::bit(kUnprivileged, kWrite, kData)) |
      when(unprivileged_execute, Permissions::bit(kUnprivileged, kRead, kInstruction)) |
      when(privileged_data, Permissions::bit(kPrivileged, kRead, kData)) |
      when(privileged_data && writable, Permissions::bit(kPrivileged, kWrite, kData)) |
      when(privileged_execute, Permissions::bit(kPrivileged, kRead, kInstruction))));
}

}  // namespace smmu::emulator
