// What walks know and find, in a snapshot.
#ifndef SMMU_EMULATOR_WALK_SNAPSHOT_H_
#define SMMU_EMULATOR_WALK_SNAPSHOT_H_

#include <cstdint>

#include "emulator/snapshot/values.h"
#include "emulator/walk/fault.h"
#include "emulator/walk/leaf.h"
#include "emulator/walk/overrides.h"
#include "emulator/walk/regime.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/bits.h"

namespace smmu::emulator {

constexpr bool known(Granule value) {
  return value == Granule::k4K || value == Granule::k16K || value == Granule::k64K;
}
constexpr bool known(InputRange value) { return value <= InputRange::kAArch32Short; }
constexpr bool known(Refusal value) { return value <= Refusal::kInvalidContext; }
constexpr bool known(MemAttrEncoding value) { return value <= MemAttrEncoding::kForcedWriteBack; }
constexpr bool known(FaultType value) { return value <= FaultType::kInvalidContext; }
constexpr bool known(Stage value) { return value == Stage::k1 || value == Stage::k2; }
constexpr bool known(Purpose value) { return value <= Purpose::kInput; }

// What a table, a translation or an input range covers, as a power of two: a
// page at least, and not all that there is.
constexpr bool is_size(unsigned bits) { return bits >= 12 && bits < 64; }
template <class Snapshot>
void require_size(Snapshot& snapshot, unsigned bits) {
  snapshot.require(is_size(bits), "a size that nothing has");
}
// Descriptors are doublewords.
template <class Snapshot>
void require_doubleword(Snapshot& snapshot, std::uint64_t address) {
  snapshot.require(address % 8 == 0, "an address that no descriptor has");
}
// What a leaf of that size leads to.
constexpr bool is_block(Pa output, unsigned bits) {
  return is_size(bits) && (output.value & mask(bits - 1, 0)) == 0;
}

template <class Snapshot>
void archive(Snapshot& snapshot, AddressBits& bits) {
  auto& [in_place, moved, up] = bits;
  snapshot(in_place, moved, up);
  snapshot.require(up < 64 && bits.of(~std::uint64_t{0}) % 8 == 0, "an address that cannot be");
}

template <class Snapshot>
void archive(Snapshot& snapshot, Tables& tables) {
  auto& [root, address, out_of_range, first_index_bits, granule, input_bits, first_level,
         first_shift, last_table_bits, block_levels, no_level, big_endian, refusal, space, plain,
         type_and_range, fixed_attributes, attributes] = tables;
  snapshot(root, address, out_of_range, first_index_bits, granule, input_bits, first_level,
           first_shift, last_table_bits, block_levels, no_level, big_endian, refusal, space, plain,
           type_and_range, fixed_attributes, attributes);
  require_size(snapshot, input_bits);
  require_doubleword(snapshot, root | first_index_bits);
  snapshot.require(last_table_bits < 64 && first_shift < 64, "a table that cannot be");
  // They are a part of an index into Stage1Attributes.
  snapshot.require(fixed_attributes < 32 && attributes < 32, "attributes that cannot be");
}

template <class Snapshot>
void archive(Snapshot& snapshot, Stage1Half& half) {
  auto& [enabled, top_byte_ignored, hierarchy_disabled, unprivileged_denied, tables] = half;
  snapshot(enabled, top_byte_ignored, hierarchy_disabled, unprivileged_denied, tables);
}

template <class Snapshot>
void archive(Snapshot& snapshot, HardwareUpdate& update) {
  auto& [access_flag, dirty_state] = update;
  snapshot(access_flag, dirty_state);
}

template <class Snapshot>
void archive(Snapshot& snapshot, ShortDescriptors& descriptors) {
  auto& [attributes, access_flag, domains] = descriptors;
  snapshot(attributes, access_flag, domains);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Stage1& stage1) {
  auto& [half, attributes, permissions, range, sign_bit, access_flag_ignored, update,
         short_descriptors] = stage1;
  snapshot(half, attributes, permissions, range, sign_bit, access_flag_ignored, update,
           short_descriptors);
  snapshot.require(sign_bit >= 31 && sign_bit <= 55, "a sign that cannot be");
}

template <class Snapshot>
void archive(Snapshot& snapshot, Stage2& stage2) {
  auto& [tables, input, output, permissions, access_flag_ignored, device_walks_denied, mem_attr,
         update] = stage2;
  snapshot(tables, input, output, permissions, access_flag_ignored, device_walks_denied, mem_attr,
           update);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Regime& regime) {
  auto& [security, secure_fetches_only, has_stage1, has_stage2, simple, bypass_bits, global, stage1,
         stage2, secure_stage2] = regime;
  snapshot(security, secure_fetches_only, has_stage1, has_stage2, simple, bypass_bits, global,
           stage1, stage2, secure_stage2);
}

template <class Snapshot>
void archive(Snapshot& snapshot, AllocationHints& hints) {
  auto& [read, write, transient] = hints;
  snapshot(read, write, transient);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Overrides& overrides) {
  auto& [mem_attr, hints, shareability, privilege, content, space, secure_fetches_only] = overrides;
  snapshot(mem_attr, hints, shareability, privilege, content, space, secure_fetches_only);
  snapshot.require(!mem_attr || *mem_attr < 16, "a MemAttr that cannot be");
}

template <class Snapshot>
void archive(Snapshot& snapshot, Stage2Memory& memory) {
  auto& [mem_attr, shareability, encoding] = memory;
  snapshot(mem_attr, shareability, encoding);
  snapshot.require(mem_attr < 16, "a MemAttr that cannot be");
}

template <class Snapshot>
void archive(Snapshot& snapshot, Leaf& leaf) {
  auto& [output, size_bits, permissions, attributes, level, granule, global, writable_clean,
         no_translation, space, stage1_bits, stage1_permissions, stage2_memory, ipa] = leaf;
  snapshot(output, size_bits, permissions, attributes, level, granule, global, writable_clean,
           no_translation, space, stage1_bits, stage1_permissions, stage2_memory, ipa);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Stage2Leaf& leaf) {
  auto& [output, size_bits, level, granule, writable_clean, no_translation, space, permissions,
         memory] = leaf;
  snapshot(output, size_bits, level, granule, writable_clean, no_translation, space, permissions,
           memory);
}

template <class Snapshot>
void archive(Snapshot& snapshot, LastTable& last) {
  auto& [table, hierarchy] = last;
  snapshot(table, hierarchy);
  require_doubleword(snapshot, table);
}

template <class Snapshot>
void archive(Snapshot& snapshot, StartingTable& start) {
  auto& [level, table, hierarchy] = start;
  snapshot(level, table, hierarchy);
  require_doubleword(snapshot, table);
}

template <class Snapshot>
void archive(Snapshot& snapshot, WalkFault& fault) {
  auto& [type, stage, level, purpose, table_write, ipa, ipa_space, descriptor] = fault;
  snapshot(type, stage, level, purpose, table_write, ipa, ipa_space, descriptor);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_SNAPSHOT_H_
