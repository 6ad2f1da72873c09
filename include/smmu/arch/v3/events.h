// Event records: what the SMMU tells software about transactions that failed (IHI 0070, 7.3).  Bit
// numbers run across all 256 bits.
//
// Read 32 bytes as an EventHeader, look at EventNumber, then take the words as the record it names.
// Everything a layout does not name is RES0.
#ifndef SMMU_ARCH_V3_EVENTS_H_
#define SMMU_ARCH_V3_EVENTS_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v3 {

// Values without an enumerator are reserved, except 0xE0 to 0xEF, IMPDEF_EVENTn, which are
// IMPLEMENTATION DEFINED.
enum class EventType : std::uint8_t {
  F_UUT = 0x01,
  C_BAD_STREAMID = 0x02,
  F_STE_FETCH = 0x03,
  C_BAD_STE = 0x04,
  F_BAD_ATS_TREQ = 0x05,
  F_STREAM_DISABLED = 0x06,
  F_TRANSL_FORBIDDEN = 0x07,
  C_BAD_SUBSTREAMID = 0x08,
  F_CD_FETCH = 0x09,
  C_BAD_CD = 0x0A,
  F_WALK_EABT = 0x0B,
  F_TRANSLATION = 0x10,
  F_ADDR_SIZE = 0x11,
  F_ACCESS = 0x12,
  F_PERMISSION = 0x13,
  F_TLB_CONFLICT = 0x20,
  F_CFG_CONFLICT = 0x21,
  E_PAGE_REQUEST = 0x24,
  F_VMS_FETCH = 0x25,
};

// CLASS: what the SMMU was doing for the transaction when it failed.
enum class EventClass : std::uint8_t {
  kCd = 0b00,  // fetching a CD
  kTt = 0b01,  // fetching a stage 1 descriptor
  kIn = 0b10,  // translating the input address
};

// A record of 32 bytes.  kType is what its EventNumber must hold; a record is born zero, so the
// writer sets it like any other field.
template <class Self, EventType kNumber>
struct Event : Structure<Self, 32> {
  using Structure<Self, 32>::Structure;
  static constexpr EventType kType = kNumber;

  static constexpr BitsOf<Self, 7, 0, EventType> EventNumber{"EventNumber"};
  static constexpr BitsOf<Self, 63, 32>          StreamID{"StreamID"};
};

// Records that may name a substream.
template <class Self, EventType kNumber>
struct SubstreamEvent : Event<Self, kNumber> {
  using Event<Self, kNumber>::Event;
  static constexpr BitsOf<Self, 11, 11> SSV{"SSV"};
  static constexpr BitsOf<Self, 31, 12> SubstreamID{"SubstreamID"};
};

// Records of a structure that could not be read (7.3.4).  Reason is IMPLEMENTATION DEFINED.
template <class Self, EventType kNumber>
struct FetchEvent : SubstreamEvent<Self, kNumber> {
  using SubstreamEvent<Self, kNumber>::SubstreamEvent;
  static constexpr BitsOf<Self, 79, 64>      Reason{"Reason"};
  static constexpr BitsOf<Self, 80, 80>      GPCF{"GPCF"};
  static constexpr AddressOf<Self, 247, 195> FetchAddr{"FetchAddr"};
};

// Records of a failed access, with its attributes: those of the transaction that came in, whichever
// access of the SMMU's failed.
template <class Self, EventType kNumber>
struct AccessEvent : SubstreamEvent<Self, kNumber> {
  using SubstreamEvent<Self, kNumber>::SubstreamEvent;
  static constexpr BitsOf<Self, 97, 97>   PnU{"PnU"};
  static constexpr BitsOf<Self, 98, 98>   InD{"InD"};
  static constexpr BitsOf<Self, 99, 99>   RnW{"RnW"};
  static constexpr BitsOf<Self, 191, 128> InputAddr{"InputAddr"};
};

// The four records of a translation that failed, which alone may stall (7.3.13).
template <class Self, EventType kNumber>
struct TranslationEvent : AccessEvent<Self, kNumber> {
  using AccessEvent<Self, kNumber>::AccessEvent;
  static constexpr BitsOf<Self, 79, 64>               STAG{"STAG"};
  static constexpr BitsOf<Self, 95, 95>               Stall{"Stall"};
  static constexpr BitsOf<Self, 102, 102>             NSIPA{"NSIPA"};
  static constexpr BitsOf<Self, 103, 103>             S2{"S2"};
  static constexpr BitsOf<Self, 105, 104, EventClass> CLASS{"CLASS"};
  static constexpr AddressOf<Self, 247, 204>          IPA{"IPA"};
};

// What all records share.
struct EventHeader : Structure<EventHeader, 32> {
  using Structure::Structure;
  static constexpr Bits<7, 0, EventType> EventNumber{"EventNumber"};
  static constexpr Bits<63, 32>          StreamID{"StreamID"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(31, 8), StreamID, reserved(127, 64), reserved(191, 128),
      reserved(255, 192)};
};
static_assert(covers_exactly<EventHeader>());

// 7.3.2: PnU and InD are as they came in, before any override.
struct F_UUT : AccessEvent<F_UUT, EventType::F_UUT> {
  using AccessEvent::AccessEvent;
  static constexpr Bits<79, 64> Reason{"Reason"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, reserved(96, 80), PnU, InD,
      RnW, reserved(127, 100), InputAddr, reserved(255, 192)};
};
static_assert(covers_exactly<F_UUT>());

// 7.3.3
struct C_BAD_STREAMID : SubstreamEvent<C_BAD_STREAMID, EventType::C_BAD_STREAMID> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, reserved(127, 64),
      reserved(191, 128), reserved(255, 192)};
};
static_assert(covers_exactly<C_BAD_STREAMID>());

// 7.3.4
struct F_STE_FETCH : FetchEvent<F_STE_FETCH, EventType::F_STE_FETCH> {
  using FetchEvent::FetchEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, GPCF, reserved(127, 81),
      reserved(191, 128), reserved(194, 192), FetchAddr, reserved(255, 248)};
};
static_assert(covers_exactly<F_STE_FETCH>());

// 7.3.5
struct C_BAD_STE : SubstreamEvent<C_BAD_STE, EventType::C_BAD_STE> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, reserved(127, 64),
      reserved(191, 128), reserved(255, 192)};
};
static_assert(covers_exactly<C_BAD_STE>());

// 7.3.6: the permissions that a Translation Request asked for, before any override.
struct F_BAD_ATS_TREQ : SubstreamEvent<F_BAD_ATS_TREQ, EventType::F_BAD_ATS_TREQ> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr Bits<67, 64>      Span{"Span"};  // in units of the STU
  static constexpr Bit<92>           PRIV{"PRIV"};
  static constexpr Bit<93>           X{"X"};
  static constexpr Bit<94>           W{"W"};
  static constexpr Bit<95>           R{"R"};
  static constexpr Address<191, 140> InputAddr{"InputAddr"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Span, reserved(91, 68), PRIV, X, W,
      R, reserved(127, 96), reserved(139, 128), InputAddr, reserved(255, 192)};
};
static_assert(covers_exactly<F_BAD_ATS_TREQ>());

// 7.3.7
struct F_STREAM_DISABLED : Event<F_STREAM_DISABLED, EventType::F_STREAM_DISABLED> {
  using Event::Event;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(31, 8), StreamID, reserved(127, 64), reserved(191, 128),
      reserved(255, 192)};
};
static_assert(covers_exactly<F_STREAM_DISABLED>());

// 7.3.8
struct F_TRANSL_FORBIDDEN : Event<F_TRANSL_FORBIDDEN, EventType::F_TRANSL_FORBIDDEN> {
  using Event::Event;
  static constexpr Bit<99>        RnW{"RnW"};
  static constexpr Bits<191, 128> InputAddr{"InputAddr"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(31, 8), StreamID, reserved(98, 64), RnW, reserved(127, 100), InputAddr,
      reserved(255, 192)};
};
static_assert(covers_exactly<F_TRANSL_FORBIDDEN>());

// 7.3.9: there is no SSV, because there is always a SubstreamID.
struct C_BAD_SUBSTREAMID : Event<C_BAD_SUBSTREAMID, EventType::C_BAD_SUBSTREAMID> {
  using Event::Event;
  static constexpr Bits<31, 12> SubstreamID{"SubstreamID"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(11, 8), SubstreamID, StreamID, reserved(127, 64), reserved(191, 128),
      reserved(255, 192)};
};
static_assert(covers_exactly<C_BAD_SUBSTREAMID>());

// 7.3.10
struct F_CD_FETCH : FetchEvent<F_CD_FETCH, EventType::F_CD_FETCH> {
  using FetchEvent::FetchEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, GPCF, reserved(127, 81),
      reserved(191, 128), reserved(194, 192), FetchAddr, reserved(255, 248)};
};
static_assert(covers_exactly<F_CD_FETCH>());

// 7.3.11
struct C_BAD_CD : SubstreamEvent<C_BAD_CD, EventType::C_BAD_CD> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, reserved(127, 64),
      reserved(191, 128), reserved(255, 192)};
};
static_assert(covers_exactly<C_BAD_CD>());

// 7.3.12: a stage 1 descriptor is CLASS kTt here, where the translation faults say kIn.
struct F_WALK_EABT : AccessEvent<F_WALK_EABT, EventType::F_WALK_EABT> {
  using AccessEvent::AccessEvent;
  static constexpr Bits<79, 64>               Reason{"Reason"};
  static constexpr Bit<80>                    GPCF{"GPCF"};
  static constexpr Bit<102>                   NSIPA{"NSIPA"};
  static constexpr Bit<103>                   S2{"S2"};
  static constexpr Bits<105, 104, EventClass> CLASS{"CLASS"};
  static constexpr Address<247, 195>          FetchAddr{"FetchAddr"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, GPCF, reserved(96, 81), PnU,
      InD, RnW, reserved(101, 100), NSIPA, S2, CLASS, reserved(127, 106), InputAddr,
      reserved(194, 192), FetchAddr, reserved(255, 248)};
};
static_assert(covers_exactly<F_WALK_EABT>());

// 7.3.13.  [127:112] are IMPLEMENTATION DEFINED, in this record and the next three.
struct F_TRANSLATION : TranslationEvent<F_TRANSLATION, EventType::F_TRANSLATION> {
  using TranslationEvent::TranslationEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, STAG, reserved(94, 80), Stall,
      reserved(96), PnU, InD, RnW, reserved(101, 100), NSIPA, S2, CLASS, reserved(111, 106),
      reserved(127, 112), InputAddr, reserved(203, 192), IPA, reserved(255, 248)};
};
static_assert(covers_exactly<F_TRANSLATION>());

// 7.3.14
struct F_ADDR_SIZE : TranslationEvent<F_ADDR_SIZE, EventType::F_ADDR_SIZE> {
  using TranslationEvent::TranslationEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, STAG, reserved(94, 80), Stall,
      reserved(96), PnU, InD, RnW, reserved(101, 100), NSIPA, S2, CLASS, reserved(111, 106),
      reserved(127, 112), InputAddr, reserved(203, 192), IPA, reserved(255, 248)};
};
static_assert(covers_exactly<F_ADDR_SIZE>());

// 7.3.15
struct F_ACCESS : TranslationEvent<F_ACCESS, EventType::F_ACCESS> {
  using TranslationEvent::TranslationEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, STAG, reserved(94, 80), Stall,
      reserved(96), PnU, InD, RnW, reserved(101, 100), NSIPA, S2, CLASS, reserved(111, 106),
      reserved(127, 112), InputAddr, reserved(203, 192), IPA, reserved(255, 248)};
};
static_assert(covers_exactly<F_ACCESS>());

// 7.3.16
struct F_PERMISSION : TranslationEvent<F_PERMISSION, EventType::F_PERMISSION> {
  using TranslationEvent::TranslationEvent;
  static constexpr Bit<106> DirtyBit{"DirtyBit"};
  static constexpr Bit<107> AssuredOnly{"AssuredOnly"};
  static constexpr Bit<108> TTRnW{"TTRnW"};  // the walk's own access, if CLASS is kTt
  static constexpr Bit<109> Overlay{"Overlay"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, STAG, reserved(94, 80), Stall,
      reserved(96), PnU, InD, RnW, reserved(101, 100), NSIPA, S2, CLASS, DirtyBit, AssuredOnly,
      TTRnW, Overlay, reserved(111, 110), reserved(127, 112), InputAddr, reserved(203, 192), IPA,
      reserved(255, 248)};
};
static_assert(covers_exactly<F_PERMISSION>());

// 7.3.17: Reason is twice as wide as elsewhere; IPA is valid if S2 is 1.
struct F_TLB_CONFLICT : AccessEvent<F_TLB_CONFLICT, EventType::F_TLB_CONFLICT> {
  using AccessEvent::AccessEvent;
  static constexpr Bits<95, 64>      Reason{"Reason"};
  static constexpr Bit<102>          NSIPA{"NSIPA"};
  static constexpr Bit<103>          S2{"S2"};
  static constexpr Address<247, 204> IPA{"IPA"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, reserved(96), PnU, InD, RnW,
      reserved(101, 100), NSIPA, S2, reserved(127, 104), InputAddr, reserved(203, 192), IPA,
      reserved(255, 248)};
};
static_assert(covers_exactly<F_TLB_CONFLICT>());

// 7.3.18
struct F_CFG_CONFLICT : SubstreamEvent<F_CFG_CONFLICT, EventType::F_CFG_CONFLICT> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr Bits<95, 64> Reason{"Reason"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, reserved(127, 96),
      reserved(191, 128), reserved(255, 192)};
};
static_assert(covers_exactly<F_CFG_CONFLICT>());

// 7.3.19: a hint, not a fault.  u is unprivileged, p privileged; Span counts 4 KiB.
struct E_PAGE_REQUEST : SubstreamEvent<E_PAGE_REQUEST, EventType::E_PAGE_REQUEST> {
  using SubstreamEvent::SubstreamEvent;
  static constexpr Bit<97>           uX{"uX"};
  static constexpr Bit<98>           uW{"uW"};
  static constexpr Bit<99>           uR{"uR"};
  static constexpr Bit<101>          pX{"pX"};
  static constexpr Bit<102>          pW{"pW"};
  static constexpr Bit<103>          pR{"pR"};
  static constexpr Bits<115, 108>    Span{"Span"};
  static constexpr Address<191, 140> InputAddr{"InputAddr"};

  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, reserved(96, 64), uX, uW, uR,
      reserved(100), pX, pW, pR, reserved(107, 104), Span, reserved(127, 116), reserved(139, 128),
      InputAddr, reserved(255, 192)};
};
static_assert(covers_exactly<E_PAGE_REQUEST>());

// 7.3.20
struct F_VMS_FETCH : FetchEvent<F_VMS_FETCH, EventType::F_VMS_FETCH> {
  using FetchEvent::FetchEvent;
  static constexpr FieldInfo kFields[] = {
      EventNumber, reserved(10, 8), SSV, SubstreamID, StreamID, Reason, GPCF, reserved(127, 81),
      reserved(191, 128), reserved(194, 192), FetchAddr, reserved(255, 248)};
};
static_assert(covers_exactly<F_VMS_FETCH>());

struct EventLayout {
  EventType type;
  LayoutInfo layout;
};

template <class E>
constexpr EventLayout event_layout(const char* name) {
  return {E::kType, layout_info<E>(name)};
}

// Ordered by number.
inline constexpr EventLayout kEvents[] = {
    event_layout<F_UUT>("F_UUT"),
    event_layout<C_BAD_STREAMID>("C_BAD_STREAMID"),
    event_layout<F_STE_FETCH>("F_STE_FETCH"),
    event_layout<C_BAD_STE>("C_BAD_STE"),
    event_layout<F_BAD_ATS_TREQ>("F_BAD_ATS_TREQ"),
    event_layout<F_STREAM_DISABLED>("F_STREAM_DISABLED"),
    event_layout<F_TRANSL_FORBIDDEN>("F_TRANSL_FORBIDDEN"),
    event_layout<C_BAD_SUBSTREAMID>("C_BAD_SUBSTREAMID"),
    event_layout<F_CD_FETCH>("F_CD_FETCH"),
    event_layout<C_BAD_CD>("C_BAD_CD"),
    event_layout<F_WALK_EABT>("F_WALK_EABT"),
    event_layout<F_TRANSLATION>("F_TRANSLATION"),
    event_layout<F_ADDR_SIZE>("F_ADDR_SIZE"),
    event_layout<F_ACCESS>("F_ACCESS"),
    event_layout<F_PERMISSION>("F_PERMISSION"),
    event_layout<F_TLB_CONFLICT>("F_TLB_CONFLICT"),
    event_layout<F_CFG_CONFLICT>("F_CFG_CONFLICT"),
    event_layout<E_PAGE_REQUEST>("E_PAGE_REQUEST"),
    event_layout<F_VMS_FETCH>("F_VMS_FETCH"),
};

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_EVENTS_H_
