#include "lib/smmu_v3/tlb_invalidation.h"

#include <bit>

#include "smmu/arch/v3/commands_tlb.h"

namespace smmu::iommu {

using v3::CMD_TLBI_EL2_ASID;
using v3::CMD_TLBI_EL2_VA;
using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_S12_VMALL;
using v3::CMD_TLBI_S2_IPA;

namespace {

constexpr unsigned kLog2Descriptor = 3;
constexpr unsigned kLastLevel = 3;
// 4.4.1.1: NUM holds one less.
constexpr std::uint64_t kMostUnits = 32;

CommandTG code_of(unsigned log2_granule) {
  switch (log2_granule) {
    case 12:
      return CommandTG::k4K;
    case 14:
      return CommandTG::k16K;
    case 16:
      return CommandTG::k64K;
    default:
      return CommandTG::kAny;
  }
}

}  // namespace

// What a command says beside whose entries are meant.
struct TlbInvalidation::Range {
  std::uint64_t address;
  std::uint64_t units = 1;  // of 2^scale granules
  unsigned scale = 0;
  unsigned level = 0;  // of leaves; 0: any
  CommandTG granule = CommandTG::kAny;
  bool leaves = true;
};

TlbInvalidation::TlbInvalidation(const FeaturesV3& features, std::uint64_t granule)
    : ranges_(features.ranges),
      scales_(features.long_ranges ? 39 : 31),
      log2_granule_(static_cast<unsigned>(std::countr_zero(granule))) {}

// 0 where TTL has no code, or only sometimes.
unsigned TlbInvalidation::level_of(std::uint64_t leaf) const {
  const unsigned bits_of_level = log2_granule_ - kLog2Descriptor;
  const auto log2_leaf = static_cast<unsigned>(std::countr_zero(leaf));
  if (log2_leaf < log2_granule_ || (log2_leaf - log2_granule_) % bits_of_level != 0) return 0;
  const unsigned above_last = (log2_leaf - log2_granule_) / bits_of_level;
  if (above_last >= kLastLevel) return 0;
  const unsigned level = kLastLevel - above_last;
  const bool reserved = log2_granule_ == 14 && level == 1;
  return reserved ? 0 : level;
}

template <class C>
C TlbInvalidation::addressed(const Range& range) const {
  C command = command_v3<C>();
  command.set(C::Leaf, range.leaves).set(C::Address, range.address);
  if (range.granule == CommandTG::kAny) return command;
  return command.set(C::NUM, static_cast<std::uint32_t>(range.units - 1))
      .set(C::SCALE, range.scale)
      .set(C::TG, range.granule)
      .set(C::TTL, range.level);
}

CommandWords TlbInvalidation::command(const TlbTag& tag, const Range& range) const {
  switch (tag.regime) {
    case TlbTag::Regime::kEl1:
      return addressed<CMD_TLBI_NH_VA>(range).set(CMD_TLBI_NH_VA::ASID, tag.asid.value).words();
    case TlbTag::Regime::kEl2:
      return addressed<CMD_TLBI_EL2_VA>(range).set(CMD_TLBI_EL2_VA::ASID, tag.asid.value).words();
    case TlbTag::Regime::kStage2:
      break;
  }
  return addressed<CMD_TLBI_S2_IPA>(range).set(CMD_TLBI_S2_IPA::VMID, tag.vmid.value).words();
}

CommandWords TlbInvalidation::one(const TlbTag& tag, std::uint64_t address, std::uint64_t leaf,
                                  Entries entries) const {
  Range range{.address = address, .leaves = entries == Entries::kLeaves};
  // 4.4.1.1: with a granule there has to be a level or a range; without, the address alone does.
  if (ranges_ && range.leaves) {
    range.level = level_of(leaf);
    // Of a block, one granule is named: the level tells the rest.
    if (range.level != 0) range.granule = code_of(log2_granule_);
  }
  return command(tag, range);
}

CommandWords TlbInvalidation::at(const TlbTag& tag, const CommandWords& command,
                                 std::uint64_t address) {
  switch (tag.regime) {
    case TlbTag::Regime::kEl1:
      return CMD_TLBI_NH_VA(command).set(CMD_TLBI_NH_VA::Address, address).words();
    case TlbTag::Regime::kEl2:
      return CMD_TLBI_EL2_VA(command).set(CMD_TLBI_EL2_VA::Address, address).words();
    case TlbTag::Regime::kStage2:
      break;
  }
  return CMD_TLBI_S2_IPA(command).set(CMD_TLBI_S2_IPA::Address, address).words();
}

void TlbInvalidation::range(CommandBatch& batch, const TlbTag& tag, std::uint64_t first,
                            std::uint64_t size, std::uint64_t leaf, Entries entries) const {
  // 4.4.1.1: a level is for leaves that the range does not cut, or it is UNPREDICTABLE what goes.
  const bool whole = ((first | size) & (leaf - 1)) == 0;
  if (size == leaf && whole) {
    batch.add(v3::CommandHeader(one(tag, first, leaf, entries)));
    return;
  }
  const std::uint64_t steps = (size + (leaf - 1)) / leaf;
  const std::uint64_t most_steps = std::uint64_t{1} << (log2_granule_ - kLog2Descriptor);
  std::uint64_t granules = size >> log2_granule_;
  if (!ranges_) {
    if (steps >= most_steps) return everything(batch, tag);
    for (std::uint64_t i = 0; i != steps; ++i) {
      batch.add(v3::CommandHeader(one(tag, first + i * leaf, leaf, entries)));
    }
    return;
  }
  if (granules >> scales_ != 0) return everything(batch, tag);
  Range range{.address = first,
              .level = whole && entries == Entries::kLeaves ? level_of(leaf) : 0,
              .granule = code_of(log2_granule_),
              .leaves = entries == Entries::kLeaves};
  while (granules != 0) {
    range.scale = static_cast<unsigned>(std::countr_zero(granules));
    range.units = (granules >> range.scale) % kMostUnits;
    const bool reserved = range.units == 1 && range.scale == 0 && range.level == 0;
    Range what = range;
    if (reserved) what.granule = CommandTG::kAny;
    batch.add(v3::CommandHeader(command(tag, what)));
    granules -= range.units << range.scale;
    range.address += (range.units << range.scale) << log2_granule_;
  }
}

void TlbInvalidation::everything(CommandBatch& batch, const TlbTag& tag) {
  switch (tag.regime) {
    case TlbTag::Regime::kEl1:
      batch.add(command_v3<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, tag.asid.value));
      return;
    case TlbTag::Regime::kEl2:
      batch.add(command_v3<CMD_TLBI_EL2_ASID>().set(CMD_TLBI_EL2_ASID::ASID, tag.asid.value));
      return;
    case TlbTag::Regime::kStage2:
      batch.add(command_v3<CMD_TLBI_S12_VMALL>().set(CMD_TLBI_S12_VMALL::VMID, tag.vmid.value));
      return;
  }
}

}  // namespace smmu::iommu
