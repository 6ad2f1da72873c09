#include "lib/smmu_v3/nested_domain.h"

#include <new>
#include <utility>

#include "lib/smmu_v3/atc_invalidation.h"
#include "smmu/arch/v3/commands.h"

namespace smmu::iommu {

using v3::CMD_ATC_INV;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_CD_ALL;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NH_ALL;
using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_NH_VAA;
using v3::CommandHeader;
using v3::Opcode;

namespace {

// 4.5.1: more is reserved.
constexpr std::uint32_t kMostAtcSize = 52;

// Whether no bit is set that the layout does not name.
template <class C>
bool nothing_reserved(const C& command) {
  for (std::size_t i = 0; i != command.words().size(); ++i) {
    if ((command.word(i) & ~named_bits<C>(i)) != 0) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<DriverDomain>, std::errc> NestedDomain::create(CoreV3& core,
                                                                      const DomainRequest& request,
                                                                      DomainV3* parent) {
  if (!core.features.stage1 || !core.features.stage2) return std::errc::operation_not_supported;
  if (parent == nullptr || parent->role() != Role::kStage2) return std::errc::invalid_argument;
  // What is of stage 2 pages.
  auto& below = static_cast<PagingDomain&>(*parent);
  if (!below.is_nest_parent() || !guest_stream_is_valid(core.features, request.guest))
    return std::errc::invalid_argument;
  std::unique_ptr<DriverDomain> domain(new (std::nothrow) NestedDomain(core, request, below));
  if (domain == nullptr) return std::errc::not_enough_memory;
  below.note_guest();
  return domain;
}

NestedDomain::~NestedDomain() { wait_for_handlers(); }

v3::STE NestedDomain::stream_for(const StreamTraits& traits) const {
  return nested_entry(core_.features, guest_, parent_.stage2(), traits);
}

void NestedDomain::forget() {
  // Of the other streams of this guest, too: nothing tells them apart.
  const auto done = core_.queue->submit_and_sync(
      command_v3<CMD_TLBI_NH_ALL>()
          .set(CMD_TLBI_NH_ALL::VMID, parent_.tag_of_guests().vmid.value)
          .words());
  if (!done) core_.log.say("a guest's translations were not invalidated");
}

DriverDomain::Invalidated NestedDomain::invalidate(
    std::span<const std::array<std::uint64_t, 2>> commands) {
  if (state() == State::kNowhere) {
    // Nothing of it is in any cache: there is only to see whether the guest may say this.
    CommandBatch none(*core_.queue);
    std::size_t carried_out = 0;
    for (; carried_out != commands.size(); ++carried_out) {
      if (!carry_out(none, Vmid(0), commands[carried_out]))
        return {carried_out, std::errc::invalid_argument};
      none.drop();
    }
    return {carried_out, std::errc{}};
  }
  const Vmid vmid = parent_.tag_of_guests().vmid;
  CommandBatch batch(*core_.queue);
  std::size_t carried_out = 0;
  bool valid = true;
  for (const CommandWords& words : commands) {
    valid = carry_out(batch, vmid, words);
    if (!valid) break;
    ++carried_out;
  }
  if (!batch.sync()) return {0, std::errc::timed_out};
  return {carried_out, valid ? std::errc{} : std::errc::invalid_argument};
}

template <class C>
bool NestedDomain::carry_out_by_address(CommandBatch& batch, Vmid vmid, C command) const {
  if (!nothing_reserved(command)) return false;
  const bool single = command[C::NUM] == 0 && command[C::SCALE] == 0 && command[C::TTL] == 0;
  if (command[C::TTL128]) return false;
  // 4.4.1.1: without a granule there is no range, and with one there has to be a range or a level.
  const bool granule = command[C::TG] != CommandTG::kAny;
  if (granule == single || (granule && !core_.features.ranges)) return false;
  if (!core_.features.long_ranges && command[C::SCALE] > 31) return false;
  if (granule && command[C::TG] == CommandTG::k16K && command[C::TTL] == 1) return false;
  batch.add(command.set(C::VMID, vmid.value));
  return true;
}

bool NestedDomain::carry_out(CommandBatch& batch, Vmid vmid, const CommandWords& words) {
  switch (CommandHeader(words)[CommandHeader::Opcode]) {
    case Opcode::CMD_TLBI_NSNH_ALL:
    case Opcode::CMD_TLBI_NH_ALL:
      if (!nothing_reserved(CMD_TLBI_NH_ALL(words))) return false;
      batch.add(command_v3<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, vmid.value));
      return true;
    case Opcode::CMD_TLBI_NH_ASID: {
      CMD_TLBI_NH_ASID command(words);
      if (!nothing_reserved(command)) return false;
      batch.add(command.set(CMD_TLBI_NH_ASID::VMID, vmid.value));
      return true;
    }
    case Opcode::CMD_TLBI_NH_VA:
      return carry_out_by_address(batch, vmid, CMD_TLBI_NH_VA(words));
    case Opcode::CMD_TLBI_NH_VAA:
      return carry_out_by_address(batch, vmid, CMD_TLBI_NH_VAA(words));
    case Opcode::CMD_CFGI_CD: {
      const CMD_CFGI_CD command(words);
      if (!nothing_reserved(command) || command[CMD_CFGI_CD::SSec]) return false;
      for_each_stream(batch, [&](const AttachedStreams&, StreamId stream) {
        batch.add(CMD_CFGI_CD(words).set(CMD_CFGI_CD::StreamID, stream.value));
      });
      return true;
    }
    case Opcode::CMD_CFGI_CD_ALL: {
      const CMD_CFGI_CD_ALL command(words);
      if (!nothing_reserved(command) || command[CMD_CFGI_CD_ALL::SSec]) return false;
      for_each_stream(batch, [&](const AttachedStreams&, StreamId stream) {
        batch.add(CMD_CFGI_CD_ALL(words).set(CMD_CFGI_CD_ALL::StreamID, stream.value));
      });
      return true;
    }
    case Opcode::CMD_ATC_INV: {
      const CMD_ATC_INV command(words);
      if (!nothing_reserved(command) || !core_.features.ats ||
          command[CMD_ATC_INV::Size] > kMostAtcSize)
        return false;
      // What it was told to forget, it must not be given again from the TLB.
      batch.add_sync();
      for_each_stream(batch, [&](const AttachedStreams& attached, StreamId stream) {
        if (!attached.streams->traits.ats) return;
        batch.add(CMD_ATC_INV(words).set(CMD_ATC_INV::StreamID, stream.value));
      });
      return true;
    }
    case Opcode::CMD_SYNC:
      batch.add_sync();
      return true;
    default:
      return false;
  }
}

}  // namespace smmu::iommu
