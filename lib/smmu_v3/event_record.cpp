#include "lib/smmu_v3/event_record.h"

#include <fmt/format.h>

#include <iterator>

namespace smmu::iommu {

using v3::EventHeader;
using v3::EventType;

namespace {

template <class E>
void describe(const char* name, const E& event, Fault& fault) {
  fault.record = name;
  for_each_field(event, [&fault](std::string_view field, std::uint64_t value) {
    if (field == "EventNumber" || value == 0) return;
    fmt::format_to(std::back_inserter(fault.record), " {} {:#x}", field, value);
  });
}

// Fields that one kind of record has and another has not.
template <class E>
void take_substream(const E& event, Fault& fault) {
  if constexpr (requires { E::SSV; }) {
    if (event[E::SSV]) fault.substream = SubstreamId(event[E::SubstreamID]);
  } else if constexpr (requires { E::SubstreamID; }) {
    fault.substream = SubstreamId(event[E::SubstreamID]);
  }
}

template <class E>
void take_access(const E& event, Fault& fault) {
  if constexpr (requires { E::InputAddr; }) fault.iova = Iova(event[E::InputAddr]);
  if constexpr (requires { E::RnW; }) {
    fault.direction = event[E::RnW] ? FaultDirection::kRead : FaultDirection::kWrite;
  }
  if constexpr (requires { E::InD; }) fault.instruction = event[E::InD];
  if constexpr (requires { E::PnU; }) fault.privileged = event[E::PnU];
}

template <class E>
void take_stage(const E& event, Fault& fault) {
  if constexpr (requires { E::IPA; }) {
    if (event[E::S2]) fault.ipa = Ipa(event[E::IPA]);
  }
  if constexpr (requires { E::Stall; }) {
    fault.stalled = event[E::Stall];
    fault.stall_tag = static_cast<std::uint16_t>(event[E::STAG]);
  }
}

// Whether the words are such a record: then it is taken.
template <class E>
bool take(const EventWords& words, FaultReason reason, const char* name, Fault& fault) {
  const E event(words);
  if (event[E::EventNumber] != E::kType) return false;
  fault.reason = reason;
  take_substream(event, fault);
  take_access(event, fault);
  take_stage(event, fault);
  describe(name, event, fault);
  return true;
}

}  // namespace

Fault decode_event(const EventWords& words) {
  const EventHeader header(words);
  Fault fault;
  fault.reason = FaultReason::kConfiguration;
  fault.stream = StreamId(header[EventHeader::StreamID]);
  const auto is = [&]<class E>(const E&, FaultReason reason, const char* name) {
    return take<E>(words, reason, name, fault);
  };
  const bool known =
      is(v3::F_TRANSLATION(), FaultReason::kTranslation, "F_TRANSLATION") ||
      is(v3::F_PERMISSION(), FaultReason::kPermission, "F_PERMISSION") ||
      is(v3::F_ADDR_SIZE(), FaultReason::kAddressSize, "F_ADDR_SIZE") ||
      is(v3::F_ACCESS(), FaultReason::kAccessFlag, "F_ACCESS") ||
      is(v3::F_UUT(), FaultReason::kUnsupported, "F_UUT") ||
      is(v3::C_BAD_STREAMID(), FaultReason::kConfiguration, "C_BAD_STREAMID") ||
      is(v3::F_STE_FETCH(), FaultReason::kExternalAbort, "F_STE_FETCH") ||
      is(v3::C_BAD_STE(), FaultReason::kConfiguration, "C_BAD_STE") ||
      is(v3::F_BAD_ATS_TREQ(), FaultReason::kConfiguration, "F_BAD_ATS_TREQ") ||
      is(v3::F_STREAM_DISABLED(), FaultReason::kConfiguration, "F_STREAM_DISABLED") ||
      is(v3::F_TRANSL_FORBIDDEN(), FaultReason::kConfiguration, "F_TRANSL_FORBIDDEN") ||
      is(v3::C_BAD_SUBSTREAMID(), FaultReason::kConfiguration, "C_BAD_SUBSTREAMID") ||
      is(v3::F_CD_FETCH(), FaultReason::kExternalAbort, "F_CD_FETCH") ||
      is(v3::C_BAD_CD(), FaultReason::kConfiguration, "C_BAD_CD") ||
      is(v3::F_WALK_EABT(), FaultReason::kExternalAbort, "F_WALK_EABT") ||
      is(v3::F_TLB_CONFLICT(), FaultReason::kTlbConflict, "F_TLB_CONFLICT") ||
      is(v3::F_CFG_CONFLICT(), FaultReason::kConfiguration, "F_CFG_CONFLICT") ||
      is(v3::F_VMS_FETCH(), FaultReason::kExternalAbort, "F_VMS_FETCH");
  if (!known) {
    fault.record = fmt::format("event {:#x}: {:#x} {:#x} {:#x} {:#x}",
                               static_cast<unsigned>(header[EventHeader::EventNumber]), words[0],
                               words[1], words[2], words[3]);
  }
  return fault;
}

}  // namespace smmu::iommu
