// The event records against the manual (IHI 0070 G.b, 7.3).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/events.h"

#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 7.3
    structure<EventHeader>(32, {
        {EventHeader::EventNumber, 0, 0x0000'0000'0000'00ff},
        {EventHeader::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.2
    structure<F_UUT>(32, {
        {F_UUT::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_UUT::SSV,         0, 0x0000'0000'0000'0800},
        {F_UUT::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_UUT::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_UUT::Reason,      1, 0x0000'0000'0000'ffff},
        {F_UUT::PnU,         1, 0x0000'0002'0000'0000},
        {F_UUT::InD,         1, 0x0000'0004'0000'0000},
        {F_UUT::RnW,         1, 0x0000'0008'0000'0000},
        {F_UUT::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
    }),
    // 7.3.3
    structure<C_BAD_STREAMID>(32, {
        {C_BAD_STREAMID::EventNumber, 0, 0x0000'0000'0000'00ff},
        {C_BAD_STREAMID::SSV,         0, 0x0000'0000'0000'0800},
        {C_BAD_STREAMID::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {C_BAD_STREAMID::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.4
    structure<F_STE_FETCH>(32, {
        {F_STE_FETCH::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_STE_FETCH::SSV,         0, 0x0000'0000'0000'0800},
        {F_STE_FETCH::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_STE_FETCH::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_STE_FETCH::Reason,      1, 0x0000'0000'0000'ffff},
        {F_STE_FETCH::GPCF,        1, 0x0000'0000'0001'0000},
        {F_STE_FETCH::FetchAddr,   3, 0x00ff'ffff'ffff'fff8, kInPlace},
    }),
    // 7.3.5
    structure<C_BAD_STE>(32, {
        {C_BAD_STE::EventNumber, 0, 0x0000'0000'0000'00ff},
        {C_BAD_STE::SSV,         0, 0x0000'0000'0000'0800},
        {C_BAD_STE::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {C_BAD_STE::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.6
    structure<F_BAD_ATS_TREQ>(32, {
        {F_BAD_ATS_TREQ::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_BAD_ATS_TREQ::SSV,         0, 0x0000'0000'0000'0800},
        {F_BAD_ATS_TREQ::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_BAD_ATS_TREQ::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_BAD_ATS_TREQ::Span,        1, 0x0000'0000'0000'000f},
        {F_BAD_ATS_TREQ::PRIV,        1, 0x0000'0000'1000'0000},
        {F_BAD_ATS_TREQ::X,           1, 0x0000'0000'2000'0000},
        {F_BAD_ATS_TREQ::W,           1, 0x0000'0000'4000'0000},
        {F_BAD_ATS_TREQ::R,           1, 0x0000'0000'8000'0000},
        {F_BAD_ATS_TREQ::InputAddr,   2, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.7
    structure<F_STREAM_DISABLED>(32, {
        {F_STREAM_DISABLED::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_STREAM_DISABLED::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.8
    structure<F_TRANSL_FORBIDDEN>(32, {
        {F_TRANSL_FORBIDDEN::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_TRANSL_FORBIDDEN::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_TRANSL_FORBIDDEN::RnW,         1, 0x0000'0008'0000'0000},
        {F_TRANSL_FORBIDDEN::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
    }),
    // 7.3.9
    structure<C_BAD_SUBSTREAMID>(32, {
        {C_BAD_SUBSTREAMID::EventNumber, 0, 0x0000'0000'0000'00ff},
        {C_BAD_SUBSTREAMID::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {C_BAD_SUBSTREAMID::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.10
    structure<F_CD_FETCH>(32, {
        {F_CD_FETCH::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_CD_FETCH::SSV,         0, 0x0000'0000'0000'0800},
        {F_CD_FETCH::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_CD_FETCH::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_CD_FETCH::Reason,      1, 0x0000'0000'0000'ffff},
        {F_CD_FETCH::GPCF,        1, 0x0000'0000'0001'0000},
        {F_CD_FETCH::FetchAddr,   3, 0x00ff'ffff'ffff'fff8, kInPlace},
    }),
    // 7.3.11
    structure<C_BAD_CD>(32, {
        {C_BAD_CD::EventNumber, 0, 0x0000'0000'0000'00ff},
        {C_BAD_CD::SSV,         0, 0x0000'0000'0000'0800},
        {C_BAD_CD::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {C_BAD_CD::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 7.3.12
    structure<F_WALK_EABT>(32, {
        {F_WALK_EABT::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_WALK_EABT::SSV,         0, 0x0000'0000'0000'0800},
        {F_WALK_EABT::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_WALK_EABT::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_WALK_EABT::Reason,      1, 0x0000'0000'0000'ffff},
        {F_WALK_EABT::GPCF,        1, 0x0000'0000'0001'0000},
        {F_WALK_EABT::PnU,         1, 0x0000'0002'0000'0000},
        {F_WALK_EABT::InD,         1, 0x0000'0004'0000'0000},
        {F_WALK_EABT::RnW,         1, 0x0000'0008'0000'0000},
        {F_WALK_EABT::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_WALK_EABT::S2,          1, 0x0000'0080'0000'0000},
        {F_WALK_EABT::CLASS,       1, 0x0000'0300'0000'0000},
        {F_WALK_EABT::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_WALK_EABT::FetchAddr,   3, 0x00ff'ffff'ffff'fff8, kInPlace},
    }),
    // 7.3.13
    structure<F_TRANSLATION>(32, {
        {F_TRANSLATION::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_TRANSLATION::SSV,         0, 0x0000'0000'0000'0800},
        {F_TRANSLATION::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_TRANSLATION::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_TRANSLATION::STAG,        1, 0x0000'0000'0000'ffff},
        {F_TRANSLATION::Stall,       1, 0x0000'0000'8000'0000},
        {F_TRANSLATION::PnU,         1, 0x0000'0002'0000'0000},
        {F_TRANSLATION::InD,         1, 0x0000'0004'0000'0000},
        {F_TRANSLATION::RnW,         1, 0x0000'0008'0000'0000},
        {F_TRANSLATION::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_TRANSLATION::S2,          1, 0x0000'0080'0000'0000},
        {F_TRANSLATION::CLASS,       1, 0x0000'0300'0000'0000},
        {F_TRANSLATION::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_TRANSLATION::IPA,         3, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.14
    structure<F_ADDR_SIZE>(32, {
        {F_ADDR_SIZE::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_ADDR_SIZE::SSV,         0, 0x0000'0000'0000'0800},
        {F_ADDR_SIZE::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_ADDR_SIZE::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_ADDR_SIZE::STAG,        1, 0x0000'0000'0000'ffff},
        {F_ADDR_SIZE::Stall,       1, 0x0000'0000'8000'0000},
        {F_ADDR_SIZE::PnU,         1, 0x0000'0002'0000'0000},
        {F_ADDR_SIZE::InD,         1, 0x0000'0004'0000'0000},
        {F_ADDR_SIZE::RnW,         1, 0x0000'0008'0000'0000},
        {F_ADDR_SIZE::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_ADDR_SIZE::S2,          1, 0x0000'0080'0000'0000},
        {F_ADDR_SIZE::CLASS,       1, 0x0000'0300'0000'0000},
        {F_ADDR_SIZE::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_ADDR_SIZE::IPA,         3, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.15
    structure<F_ACCESS>(32, {
        {F_ACCESS::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_ACCESS::SSV,         0, 0x0000'0000'0000'0800},
        {F_ACCESS::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_ACCESS::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_ACCESS::STAG,        1, 0x0000'0000'0000'ffff},
        {F_ACCESS::Stall,       1, 0x0000'0000'8000'0000},
        {F_ACCESS::PnU,         1, 0x0000'0002'0000'0000},
        {F_ACCESS::InD,         1, 0x0000'0004'0000'0000},
        {F_ACCESS::RnW,         1, 0x0000'0008'0000'0000},
        {F_ACCESS::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_ACCESS::S2,          1, 0x0000'0080'0000'0000},
        {F_ACCESS::CLASS,       1, 0x0000'0300'0000'0000},
        {F_ACCESS::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_ACCESS::IPA,         3, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.16; only one public model places DirtyBit, AssuredOnly and Overlay
    structure<F_PERMISSION>(32, {
        {F_PERMISSION::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_PERMISSION::SSV,         0, 0x0000'0000'0000'0800},
        {F_PERMISSION::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_PERMISSION::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_PERMISSION::STAG,        1, 0x0000'0000'0000'ffff},
        {F_PERMISSION::Stall,       1, 0x0000'0000'8000'0000},
        {F_PERMISSION::PnU,         1, 0x0000'0002'0000'0000},
        {F_PERMISSION::InD,         1, 0x0000'0004'0000'0000},
        {F_PERMISSION::RnW,         1, 0x0000'0008'0000'0000},
        {F_PERMISSION::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_PERMISSION::S2,          1, 0x0000'0080'0000'0000},
        {F_PERMISSION::CLASS,       1, 0x0000'0300'0000'0000},
        {F_PERMISSION::DirtyBit,    1, 0x0000'0400'0000'0000},
        {F_PERMISSION::AssuredOnly, 1, 0x0000'0800'0000'0000},
        {F_PERMISSION::TTRnW,       1, 0x0000'1000'0000'0000},
        {F_PERMISSION::Overlay,     1, 0x0000'2000'0000'0000},
        {F_PERMISSION::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_PERMISSION::IPA,         3, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.17
    structure<F_TLB_CONFLICT>(32, {
        {F_TLB_CONFLICT::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_TLB_CONFLICT::SSV,         0, 0x0000'0000'0000'0800},
        {F_TLB_CONFLICT::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_TLB_CONFLICT::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_TLB_CONFLICT::Reason,      1, 0x0000'0000'ffff'ffff},
        {F_TLB_CONFLICT::PnU,         1, 0x0000'0002'0000'0000},
        {F_TLB_CONFLICT::InD,         1, 0x0000'0004'0000'0000},
        {F_TLB_CONFLICT::RnW,         1, 0x0000'0008'0000'0000},
        {F_TLB_CONFLICT::NSIPA,       1, 0x0000'0040'0000'0000},
        {F_TLB_CONFLICT::S2,          1, 0x0000'0080'0000'0000},
        {F_TLB_CONFLICT::InputAddr,   2, 0xffff'ffff'ffff'ffff, kInPlace},
        {F_TLB_CONFLICT::IPA,         3, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.18
    structure<F_CFG_CONFLICT>(32, {
        {F_CFG_CONFLICT::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_CFG_CONFLICT::SSV,         0, 0x0000'0000'0000'0800},
        {F_CFG_CONFLICT::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_CFG_CONFLICT::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_CFG_CONFLICT::Reason,      1, 0x0000'0000'ffff'ffff},
    }),
    // 7.3.19
    structure<E_PAGE_REQUEST>(32, {
        {E_PAGE_REQUEST::EventNumber, 0, 0x0000'0000'0000'00ff},
        {E_PAGE_REQUEST::SSV,         0, 0x0000'0000'0000'0800},
        {E_PAGE_REQUEST::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {E_PAGE_REQUEST::StreamID,    0, 0xffff'ffff'0000'0000},
        {E_PAGE_REQUEST::uX,          1, 0x0000'0002'0000'0000},
        {E_PAGE_REQUEST::uW,          1, 0x0000'0004'0000'0000},
        {E_PAGE_REQUEST::uR,          1, 0x0000'0008'0000'0000},
        {E_PAGE_REQUEST::pX,          1, 0x0000'0020'0000'0000},
        {E_PAGE_REQUEST::pW,          1, 0x0000'0040'0000'0000},
        {E_PAGE_REQUEST::pR,          1, 0x0000'0080'0000'0000},
        {E_PAGE_REQUEST::Span,        1, 0x000f'f000'0000'0000},
        {E_PAGE_REQUEST::InputAddr,   2, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 7.3.20
    structure<F_VMS_FETCH>(32, {
        {F_VMS_FETCH::EventNumber, 0, 0x0000'0000'0000'00ff},
        {F_VMS_FETCH::SSV,         0, 0x0000'0000'0000'0800},
        {F_VMS_FETCH::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {F_VMS_FETCH::StreamID,    0, 0xffff'ffff'0000'0000},
        {F_VMS_FETCH::Reason,      1, 0x0000'0000'0000'ffff},
        {F_VMS_FETCH::GPCF,        1, 0x0000'0000'0001'0000},
        {F_VMS_FETCH::FetchAddr,   3, 0x00ff'ffff'ffff'fff8, kInPlace},
    }),
};

constexpr auto kEnumerators = std::array{
    // 7.3.2 - 7.3.20
    is<EventType::F_UUT>(0x01),
    is<EventType::C_BAD_STREAMID>(0x02),
    is<EventType::F_STE_FETCH>(0x03),
    is<EventType::C_BAD_STE>(0x04),
    is<EventType::F_BAD_ATS_TREQ>(0x05),
    is<EventType::F_STREAM_DISABLED>(0x06),
    is<EventType::F_TRANSL_FORBIDDEN>(0x07),
    is<EventType::C_BAD_SUBSTREAMID>(0x08),
    is<EventType::F_CD_FETCH>(0x09),
    is<EventType::C_BAD_CD>(0x0a),
    is<EventType::F_WALK_EABT>(0x0b),
    is<EventType::F_TRANSLATION>(0x10),
    is<EventType::F_ADDR_SIZE>(0x11),
    is<EventType::F_ACCESS>(0x12),
    is<EventType::F_PERMISSION>(0x13),
    is<EventType::F_TLB_CONFLICT>(0x20),
    is<EventType::F_CFG_CONFLICT>(0x21),
    is<EventType::E_PAGE_REQUEST>(0x24),
    is<EventType::F_VMS_FETCH>(0x25),
    is<F_UUT::kType>(0x01),
    is<C_BAD_STREAMID::kType>(0x02),
    is<F_STE_FETCH::kType>(0x03),
    is<C_BAD_STE::kType>(0x04),
    is<F_BAD_ATS_TREQ::kType>(0x05),
    is<F_STREAM_DISABLED::kType>(0x06),
    is<F_TRANSL_FORBIDDEN::kType>(0x07),
    is<C_BAD_SUBSTREAMID::kType>(0x08),
    is<F_CD_FETCH::kType>(0x09),
    is<C_BAD_CD::kType>(0x0a),
    is<F_WALK_EABT::kType>(0x0b),
    is<F_TRANSLATION::kType>(0x10),
    is<F_ADDR_SIZE::kType>(0x11),
    is<F_ACCESS::kType>(0x12),
    is<F_PERMISSION::kType>(0x13),
    is<F_TLB_CONFLICT::kType>(0x20),
    is<F_CFG_CONFLICT::kType>(0x21),
    is<E_PAGE_REQUEST::kType>(0x24),
    is<F_VMS_FETCH::kType>(0x25),
    // 7.3
    encodes(F_WALK_EABT::CLASS, EventClass::kCd, 0),
    encodes(F_WALK_EABT::CLASS, EventClass::kTt, 1),
    encodes(F_WALK_EABT::CLASS, EventClass::kIn, 2),
    encodes(F_TRANSLATION::CLASS, EventClass::kCd, 0),
    encodes(F_TRANSLATION::CLASS, EventClass::kTt, 1),
    encodes(F_TRANSLATION::CLASS, EventClass::kIn, 2),
    encodes(F_ADDR_SIZE::CLASS, EventClass::kCd, 0),
    encodes(F_ADDR_SIZE::CLASS, EventClass::kTt, 1),
    encodes(F_ADDR_SIZE::CLASS, EventClass::kIn, 2),
    encodes(F_ACCESS::CLASS, EventClass::kCd, 0),
    encodes(F_ACCESS::CLASS, EventClass::kTt, 1),
    encodes(F_ACCESS::CLASS, EventClass::kIn, 2),
    encodes(F_PERMISSION::CLASS, EventClass::kCd, 0),
    encodes(F_PERMISSION::CLASS, EventClass::kTt, 1),
    encodes(F_PERMISSION::CLASS, EventClass::kIn, 2),
};

TEST(EventsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(EventsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(EventsGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(EventsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

// 7.3.2 - 7.3.20
constexpr struct {
  unsigned number;
  std::string_view name;
} kRecords[] = {
    {0x01, "F_UUT"},
    {0x02, "C_BAD_STREAMID"},
    {0x03, "F_STE_FETCH"},
    {0x04, "C_BAD_STE"},
    {0x05, "F_BAD_ATS_TREQ"},
    {0x06, "F_STREAM_DISABLED"},
    {0x07, "F_TRANSL_FORBIDDEN"},
    {0x08, "C_BAD_SUBSTREAMID"},
    {0x09, "F_CD_FETCH"},
    {0x0a, "C_BAD_CD"},
    {0x0b, "F_WALK_EABT"},
    {0x10, "F_TRANSLATION"},
    {0x11, "F_ADDR_SIZE"},
    {0x12, "F_ACCESS"},
    {0x13, "F_PERMISSION"},
    {0x20, "F_TLB_CONFLICT"},
    {0x21, "F_CFG_CONFLICT"},
    {0x24, "E_PAGE_REQUEST"},
    {0x25, "F_VMS_FETCH"},
};

TEST(EventsGolden, ListsTheEventsOfTheManualAndNoOthers) {
  ASSERT_EQ(std::size(kEvents), std::size(kRecords));
  for (std::size_t i = 0; i < std::size(kRecords); ++i) {
    EXPECT_EQ(kEvents[i].layout.name, kRecords[i].name);
    EXPECT_EQ(static_cast<unsigned>(kEvents[i].type), kRecords[i].number) << kRecords[i].name;
    EXPECT_EQ(kEvents[i].layout.bits, 256U) << kRecords[i].name;
  }
}

}  // namespace
}  // namespace smmu::v3
