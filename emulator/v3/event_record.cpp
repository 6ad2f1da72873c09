#include "emulator/v3/event_record.h"

#include <algorithm>

#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using namespace v3;  // every record type of 7.3 is spoken of here

namespace {

constexpr std::uint32_t kSubstreamMask = (1U << 20) - 1;

template <class E>
E stream_record(const Transaction& transaction) {
  return E().set(E::EventNumber, E::kType).set(E::StreamID, transaction.stream.value);
}

template <class E>
E substream_record(const Transaction& transaction) {
  E record = stream_record<E>(transaction);
  if (transaction.substream) {
    record.set(E::SSV, true).set(E::SubstreamID, transaction.substream->value & kSubstreamMask);
  }
  return record;
}

template <class E>
E fetch_record(const Transaction& transaction, std::uint64_t address) {
  return substream_record<E>(transaction).set(E::FetchAddr, E::FetchAddr.decode(address));
}

template <class E>
E access_record(const Transaction& transaction) {
  const bool read = transaction.direction == Direction::kRead;
  return substream_record<E>(transaction)
      .set(E::PnU, transaction.privilege == Privilege::kPrivileged)
      .set(E::InD, read && transaction.content == Content::kInstruction)
      .set(E::RnW, read)
      .set(E::InputAddr, transaction.address.value);
}

// What was being translated (7.3.13): what stage 1 finds concerns the input
// address, whichever level found it.
EventClass class_of(const WalkFault& walk) {
  if (walk.stage == Stage::k1) return EventClass::kIn;
  switch (walk.purpose) {
    case Purpose::kContext:
      return EventClass::kCd;
    case Purpose::kTable:
      return EventClass::kTt;
    case Purpose::kInput:
      break;
  }
  return EventClass::kIn;
}

// 7.3: which of the two kinds of IPAs that a Secure stream has.
bool is_non_secure_ipa(SecurityState security, const WalkFault& walk) {
  return security == SecurityState::kSecure && walk.stage == Stage::k2 &&
         walk.ipa_space == SecurityState::kNonSecure;
}

template <class E>
E translation_record(SecurityState security, const Transaction& transaction,
                     const WalkFault& walk) {
  E record = access_record<E>(transaction).set(E::CLASS, class_of(walk));
  if (walk.stage == Stage::k2) {
    record.set(E::S2, true)
        .set(E::IPA, E::IPA.decode(walk.ipa.value))
        .set(E::NSIPA, is_non_secure_ipa(security, walk));
  }
  return record;
}

}  // namespace

EventRecord event_record(const Transaction& transaction, const ConfigurationFault& fault) {
  switch (static_cast<EventType>(fault.code)) {
    case EventType::C_BAD_STREAMID:
      return substream_record<C_BAD_STREAMID>(transaction).words();
    case EventType::F_STE_FETCH:
      return fetch_record<F_STE_FETCH>(transaction, fault.fetch_address).words();
    case EventType::C_BAD_STE:
      return substream_record<C_BAD_STE>(transaction).words();
    case EventType::F_CFG_CONFLICT:
      return substream_record<F_CFG_CONFLICT>(transaction).words();
    case EventType::F_STREAM_DISABLED:
      return stream_record<F_STREAM_DISABLED>(transaction).words();
    case EventType::C_BAD_SUBSTREAMID:
      return stream_record<C_BAD_SUBSTREAMID>(transaction)
          .set(C_BAD_SUBSTREAMID::SubstreamID, fault.substream & kSubstreamMask)
          .words();
    case EventType::F_CD_FETCH:
      return fetch_record<F_CD_FETCH>(transaction, fault.fetch_address).words();
    case EventType::C_BAD_CD:
      return substream_record<C_BAD_CD>(transaction).words();
    default:
      return {};  // no configuration fault has another code
  }
}

EventRecord event_record(SecurityState security, const Transaction& transaction,
                         const TranslationFault& fault) {
  const WalkFault& walk = fault.walk;
  switch (walk.type) {
    case FaultType::kTranslation:
      return translation_record<F_TRANSLATION>(security, transaction, walk).words();
    case FaultType::kAddressSize:
      return translation_record<F_ADDR_SIZE>(security, transaction, walk).words();
    case FaultType::kAccessFlag:
      return translation_record<F_ACCESS>(security, transaction, walk).words();
    case FaultType::kPermission:
      return translation_record<F_PERMISSION>(security, transaction, walk)
          .set(F_PERMISSION::TTRnW, class_of(walk) == EventClass::kTt && !walk.table_write)
          .words();
    case FaultType::kInvalidContext:  // of an SMMUv2 alone
    case FaultType::kTlbConflict: {
      auto record = access_record<F_TLB_CONFLICT>(transaction);
      if (walk.stage == Stage::k2) {
        record.set(F_TLB_CONFLICT::S2, true)
            .set(F_TLB_CONFLICT::IPA, F_TLB_CONFLICT::IPA.decode(walk.ipa.value))
            .set(F_TLB_CONFLICT::NSIPA, is_non_secure_ipa(security, walk));
      }
      return record.words();
    }
    case FaultType::kExternalAbort:
      return access_record<F_WALK_EABT>(transaction)
          .set(F_WALK_EABT::S2, walk.stage == Stage::k2)
          .set(F_WALK_EABT::NSIPA, is_non_secure_ipa(security, walk))
          .set(F_WALK_EABT::CLASS, walk.stage == Stage::k1 ? EventClass::kTt : class_of(walk))
          .set(F_WALK_EABT::FetchAddr, F_WALK_EABT::FetchAddr.decode(walk.descriptor.value))
          .words();
    case FaultType::kDomain:
      break;  // no format of SMMUv3 has domains
  }
  return {};
}

EventRecord event_record(const Transaction& transaction, AtsForbidden) {
  return stream_record<F_TRANSL_FORBIDDEN>(transaction)
      .set(F_TRANSL_FORBIDDEN::RnW, transaction.direction == Direction::kRead)
      .set(F_TRANSL_FORBIDDEN::InputAddr, transaction.address.value)
      .words();
}

EventRecord event_record(const TranslationRequest& request, AtsForbidden) {
  using E = F_BAD_ATS_TREQ;
  constexpr std::uint32_t kMostSpan = 15;
  const std::uint32_t count = std::max<std::uint32_t>(request.count, 1);
  E record = E().set(E::EventNumber, E::kType)
                 .set(E::StreamID, request.stream.value)
                 .set(E::Span, std::min(count, kMostSpan))
                 .set(E::R, true)
                 .set(E::W, !request.no_write)
                 .set(E::InputAddr, E::InputAddr.decode(request.address.value));
  if (request.pasid) {
    record.set(E::SSV, true)
        .set(E::SubstreamID, request.pasid->substream.value & kSubstreamMask)
        .set(E::X, request.pasid->execute)
        .set(E::PRIV, request.pasid->privilege == Privilege::kPrivileged);
  }
  return record.words();
}

EventRecord event_record(const Transaction& transaction, const UnsupportedTransaction& fault) {
  return access_record<F_UUT>(transaction).set(F_UUT::Reason, fault.reason).words();
}

bool always_mergeable(const ConfigurationFault& fault) {
  switch (static_cast<EventType>(fault.code)) {
    case EventType::C_BAD_STREAMID:
    case EventType::F_STE_FETCH:
    case EventType::C_BAD_STE:
      return true;
    default:
      return false;
  }
}

bool alike(const EventRecord& a, const EventRecord& b) {
  std::uint64_t compared = ~std::uint64_t{0};
  switch (EventHeader(a)[EventHeader::EventNumber]) {
    case EventType::F_TRANSL_FORBIDDEN:
    case EventType::F_WALK_EABT:
    case EventType::F_TRANSLATION:
    case EventType::F_ADDR_SIZE:
    case EventType::F_ACCESS:
    case EventType::F_PERMISSION:
    case EventType::F_TLB_CONFLICT:
      // InputAddr[11:0] is "IGNORED for the purposes of determining identical events".
      compared = ~mask(11, 0);
      break;
    default:
      break;
  }
  return a[0] == b[0] && a[1] == b[1] && ((a[2] ^ b[2]) & compared) == 0 && a[3] == b[3];
}

EventRecord stall_record(const Transaction& transaction, const TranslationFault& fault,
                         Stalled stalled) {
  // The records that may stall all have these fields in the same places.
  return F_TRANSLATION(event_record(stalled.security, transaction, fault))
      .set(F_TRANSLATION::Stall, true)
      .set(F_TRANSLATION::STAG, stalled.tag)
      .words();
}

}  // namespace smmu::emulator
