#include "lib/smmu_v2/stream_map.h"

#include <new>
#include <optional>

namespace smmu::iommu {

using v2::PrivilegeConfig;
using v2::SMMU_S2CRn_Bypass;
using v2::SMMU_S2CRn_Translation;
using v2::SMMU_SMRn;
using v2::SMMU_SMRn_EXIDENABLE;
using v2::StreamType;

namespace {

// Of bypassing streams, which an MMU-500 keeps in its TLB by it: banks of stage 1 have 0, those of
// stage 2 a number that is above that of the bank by 1.
constexpr std::uint32_t kBypassVmid = 0xff;

// Whether `outer` has all StreamIDs that `inner` has.
bool contains(StreamMatch outer, StreamMatch inner) {
  return (inner.mask & ~outer.mask) == 0 && ((inner.id.value ^ outer.id.value) & ~outer.mask) == 0;
}
bool overlap(StreamMatch a, StreamMatch b) {
  return ((a.id.value ^ b.id.value) & ~(a.mask | b.mask)) == 0;
}

}  // namespace

bool StreamMap::allocate() {
  groups_.reset(new (std::nothrow) Group[hardware_.features.groups]);
  if (groups_ == nullptr) return false;
  for (std::uint32_t n = 0; n != hardware_.features.groups; ++n) groups_[n].to = at_first();
  return true;
}

StreamTarget StreamMap::at_first() const {
  const bool bypass = hardware_.config.unknown == SmmuV2DriverConfig::Unknown::kBypass;
  return {bypass ? StreamType::kBypass : StreamType::kFault, 0};
}

Result<std::uint32_t, std::errc> StreamMap::find(StreamMatch stream) const {
  const SmmuV2Features& features = hardware_.features;
  if ((stream.id.value & ~features.stream_mask) != 0 || (stream.mask & ~features.mask_mask) != 0) {
    return std::errc::invalid_argument;
  }
  if (!features.matches_streams) {
    if (stream.id.value >= features.groups) return std::errc::invalid_argument;
    return stream.id.value;
  }
  std::optional<std::uint32_t> unused;
  for (std::uint32_t n = 0; n != features.groups; ++n) {
    if (groups_[n].users == 0) {
      if (!unused) unused = n;
      continue;
    }
    const StreamMatch group{StreamId(groups_[n].id), groups_[n].mask};
    if (contains(group, stream)) return n;
    // Two groups that match are a fault, or anything (SMMU_IDR1.SMCD).
    if (overlap(group, stream)) return std::errc::invalid_argument;
  }
  if (!unused) return std::errc::no_space_on_device;
  return *unused;
}

Result<Done, std::errc> StreamMap::take(std::span<const StreamMatch> streams,
                                        std::uint32_t* groups) {
  for (std::size_t i = 0; i != streams.size(); ++i) {
    const auto found = find(streams[i]);
    if (!found) {
      while (i != 0) drop(groups[--i]);
      return found.error();
    }
    groups[i] = *found;
    Group& group = groups_[*found];
    if (group.users++ != 0) continue;
    group.id = streams[i].id.value & ~streams[i].mask;
    group.mask = streams[i].mask;
    group.to = {StreamType::kFault, 0};
    group.written = false;
  }
  // Where it leads comes before whom it is for: it has no effect without.
  for (std::size_t i = 0; i != streams.size(); ++i) {
    Group& group = groups_[groups[i]];
    if (group.written) continue;
    write_target(groups[i]);
    write_match(groups[i]);
    group.written = true;
  }
  return Done{};
}

void StreamMap::drop(std::uint32_t n) {
  Group& group = groups_[n];
  if (--group.users != 0) return;
  group = {};
  group.to = at_first();
}

void StreamMap::release(std::span<const std::uint32_t> groups) {
  for (const std::uint32_t n : groups) {
    drop(n);
    if (groups_[n].users != 0) continue;
    write_target(n);
    write_match(n);
  }
}

bool StreamMap::lead(std::uint32_t n, StreamTarget to) {
  const StreamTarget before = groups_[n].to;
  if (before == to) return false;
  groups_[n].to = to;
  write_target(n);
  return before.type != StreamType::kFault;
}

void StreamMap::restore() const {
  for (std::uint32_t n = 0; n != hardware_.features.groups; ++n) {
    write_target(n);
    write_match(n);
  }
}

void StreamMap::write_match(std::uint32_t n) const {
  if (!hardware_.features.matches_streams || !hardware_.powered()) return;
  const Group& group = groups_[n];
  if (hardware_.features.extended_stream_ids) {
    hardware_.global0.write(n, SMMU_SMRn_EXIDENABLE()
                                   .set(SMMU_SMRn_EXIDENABLE::ID, group.id)
                                   .set(SMMU_SMRn_EXIDENABLE::MASK, group.mask));
    return;
  }
  hardware_.global0.write(n, SMMU_SMRn()
                                 .set(SMMU_SMRn::ID, group.id)
                                 .set(SMMU_SMRn::MASK, group.mask)
                                 .set(SMMU_SMRn::VALID, group.users != 0));
}

void StreamMap::write_target(std::uint32_t n) const {
  if (!hardware_.powered()) return;
  const Group& group = groups_[n];
  const bool valid = hardware_.features.matches_streams && hardware_.features.extended_stream_ids &&
                     group.users != 0;
  if (group.to.type == StreamType::kBypass) {
    hardware_.global0.write(n, SMMU_S2CRn_Bypass()
                                   .set(SMMU_S2CRn_Bypass::TYPE, StreamType::kBypass)
                                   .set(SMMU_S2CRn_Bypass::VMID, kBypassVmid)
                                   .set(SMMU_S2CRn_Bypass::EXIDVALID, valid));
    return;
  }
  hardware_.global0.write(n, SMMU_S2CRn_Translation()
                                 .set(SMMU_S2CRn_Translation::TYPE, group.to.type)
                                 .set(SMMU_S2CRn_Translation::CBNDX, group.to.bank)
                                 .set(SMMU_S2CRn_Translation::PRIVCFG, PrivilegeConfig::kIncoming)
                                 .set(SMMU_S2CRn_Translation::EXIDVALID, valid));
}

void StreamMap::probe_masks() {
  SmmuV2Features& features = hardware_.features;
  if (!features.matches_streams) return;
  for (std::uint32_t n = 0; n != features.groups; ++n) {
    if (groups_[n].users != 0) continue;
    // A mask may hide the bits of ID that it covers: one after the other.
    if (features.extended_stream_ids) {
      using Smr = SMMU_SMRn_EXIDENABLE;
      hardware_.global0.write(n, Smr().set(Smr::ID, features.stream_mask));
      features.stream_mask &= hardware_.global0.read<Smr>(n)[Smr::ID];
      hardware_.global0.write(n, Smr().set(Smr::MASK, features.stream_mask));
      features.mask_mask = features.stream_mask & hardware_.global0.read<Smr>(n)[Smr::MASK];
    } else {
      using Smr = SMMU_SMRn;
      hardware_.global0.write(n, Smr().set(Smr::ID, features.stream_mask));
      features.stream_mask &= hardware_.global0.read<Smr>(n)[Smr::ID];
      hardware_.global0.write(n, Smr().set(Smr::MASK, features.stream_mask));
      features.mask_mask = features.stream_mask & hardware_.global0.read<Smr>(n)[Smr::MASK];
    }
    return;
  }
}

}  // namespace smmu::iommu
