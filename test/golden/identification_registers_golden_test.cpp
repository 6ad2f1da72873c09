// The identification registers against the text of the manual (IHI 0070 G.b, 6.3).
#include "smmu/arch/v3/identification_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.1
    register_at<SMMU_IDR0>(0x0000, 32, {
        {SMMU_IDR0::RME_IMPL,    0x4000'0000},
        {SMMU_IDR0::ST_LEVEL,    0x1800'0000},
        {SMMU_IDR0::TERM_MODEL,  0x0400'0000},
        {SMMU_IDR0::STALL_MODEL, 0x0300'0000},
        {SMMU_IDR0::ATSRECERR,   0x0080'0000},
        {SMMU_IDR0::TTENDIAN,    0x0060'0000},
        {SMMU_IDR0::VATOS,       0x0010'0000},
        {SMMU_IDR0::CD2L,        0x0008'0000},
        {SMMU_IDR0::VMID16,      0x0004'0000},
        {SMMU_IDR0::VMW,         0x0002'0000},
        {SMMU_IDR0::PRI,         0x0001'0000},
        {SMMU_IDR0::ATOS,        0x0000'8000},
        {SMMU_IDR0::SEV,         0x0000'4000},
        {SMMU_IDR0::MSI,         0x0000'2000},
        {SMMU_IDR0::ASID16,      0x0000'1000},
        {SMMU_IDR0::NS1ATS,      0x0000'0800},
        {SMMU_IDR0::ATS,         0x0000'0400},
        {SMMU_IDR0::Hyp,         0x0000'0200},
        {SMMU_IDR0::DORMHINT,    0x0000'0100},
        {SMMU_IDR0::HTTU,        0x0000'00c0},
        {SMMU_IDR0::BTM,         0x0000'0020},
        {SMMU_IDR0::COHACC,      0x0000'0010},
        {SMMU_IDR0::TTF,         0x0000'000c},
        {SMMU_IDR0::S1P,         0x0000'0002},
        {SMMU_IDR0::S2P,         0x0000'0001},
    }),
    // 6.3.2
    register_at<SMMU_IDR1>(0x0004, 32, {
        {SMMU_IDR1::ECMDQ,          0x8000'0000},
        {SMMU_IDR1::TABLES_PRESET,  0x4000'0000},
        {SMMU_IDR1::QUEUES_PRESET,  0x2000'0000},
        {SMMU_IDR1::REL,            0x1000'0000},
        {SMMU_IDR1::ATTR_TYPES_OVR, 0x0800'0000},
        {SMMU_IDR1::ATTR_PERMS_OVR, 0x0400'0000},
        {SMMU_IDR1::CMDQS,          0x03e0'0000},
        {SMMU_IDR1::EVENTQS,        0x001f'0000},
        {SMMU_IDR1::PRIQS,          0x0000'f800},
        {SMMU_IDR1::SSIDSIZE,       0x0000'07c0},
        {SMMU_IDR1::SIDSIZE,        0x0000'003f},
    }),
    // 6.3.3
    register_at<SMMU_IDR2>(0x0008, 32, {
        {SMMU_IDR2::BA_VATOS, 0x0000'03ff},
    }),
    // 6.3.4
    register_at<SMMU_IDR3>(0x000c, 32, {
        {SMMU_IDR3::AIE,     0x0080'0000},
        {SMMU_IDR3::MTEPERM, 0x0040'0000},
        {SMMU_IDR3::THE,     0x0020'0000},
        {SMMU_IDR3::S2PO,    0x0010'0000},
        {SMMU_IDR3::S2PI,    0x0008'0000},
        {SMMU_IDR3::S1PI,    0x0004'0000},
        {SMMU_IDR3::EPAN,    0x0002'0000},
        {SMMU_IDR3::PASIDTT, 0x0001'0000},
        {SMMU_IDR3::DPT,     0x0000'8000},
        {SMMU_IDR3::PTWNNC,  0x0000'4000},
        {SMMU_IDR3::E0PD,    0x0000'2000},
        {SMMU_IDR3::BBML,    0x0000'1800},
        {SMMU_IDR3::RIL,     0x0000'0400},
        {SMMU_IDR3::STT,     0x0000'0200},
        {SMMU_IDR3::FWB,     0x0000'0100},
        {SMMU_IDR3::MPAM,    0x0000'0080},
        {SMMU_IDR3::PPS,     0x0000'0020},
        {SMMU_IDR3::XNX,     0x0000'0010},
        {SMMU_IDR3::PBHA,    0x0000'0008},
        {SMMU_IDR3::HAD,     0x0000'0004},
    }),
    // 6.3.5
    register_at<SMMU_IDR4>(0x0010, 32),  // IMPLEMENTATION DEFINED throughout
    // 6.3.6
    register_at<SMMU_IDR5>(0x0014, 32, {
        {SMMU_IDR5::STALL_MAX, 0xffff'0000},
        {SMMU_IDR5::VAX,       0x0000'0c00},
        {SMMU_IDR5::D128,      0x0000'0100},
        {SMMU_IDR5::DS,        0x0000'0080},
        {SMMU_IDR5::GRAN64K,   0x0000'0040},
        {SMMU_IDR5::GRAN16K,   0x0000'0020},
        {SMMU_IDR5::GRAN4K,    0x0000'0010},
        {SMMU_IDR5::OAS,       0x0000'0007},
    }),
    // 6.3.7
    register_at<SMMU_IIDR>(0x0018, 32, {
        {SMMU_IIDR::ProductID,   0xfff0'0000},
        {SMMU_IIDR::Variant,     0x000f'0000},
        {SMMU_IIDR::Revision,    0x0000'f000},
        {SMMU_IIDR::Implementer, 0x0000'0fff},
    }),
    // 6.3.8
    register_at<SMMU_AIDR>(0x001c, 32, {
        {SMMU_AIDR::ArchMajorRev, 0x0000'00f0},
        {SMMU_AIDR::ArchMinorRev, 0x0000'000f},
    }),
    // 6.3.45
    register_at<SMMU_IDR6>(0x0190, 32, {
        {SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 0x0f00'0000},
        {SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 0x000f'0000},
    }),
    // 6.3.170
    register_at<SMMU_PIDR4>(0x0fd0, 32, {
        {SMMU_PIDR4::SIZE,  0x0000'00f0},
        {SMMU_PIDR4::DES_2, 0x0000'000f},
    }),
    register_at<SMMU_PIDR5>(0x0fd4, 32),
    register_at<SMMU_PIDR6>(0x0fd8, 32),
    register_at<SMMU_PIDR7>(0x0fdc, 32),
    register_at<SMMU_PIDR0>(0x0fe0, 32, {
        {SMMU_PIDR0::PART_0, 0x0000'00ff},
    }),
    register_at<SMMU_PIDR1>(0x0fe4, 32, {
        {SMMU_PIDR1::DES_0,  0x0000'00f0},
        {SMMU_PIDR1::PART_1, 0x0000'000f},
    }),
    register_at<SMMU_PIDR2>(0x0fe8, 32, {
        {SMMU_PIDR2::REVISION, 0x0000'00f0},
        {SMMU_PIDR2::JEDEC,    0x0000'0008},
        {SMMU_PIDR2::DES_1,    0x0000'0007},
    }),
    register_at<SMMU_PIDR3>(0x0fec, 32, {
        {SMMU_PIDR3::REVAND, 0x0000'00f0},
        {SMMU_PIDR3::CMOD,   0x0000'000f},
    }),
    register_at<SMMU_CIDR0>(0x0ff0, 32, {
        {SMMU_CIDR0::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_CIDR1>(0x0ff4, 32, {
        {SMMU_CIDR1::CLASS,    0x0000'00f0},
        {SMMU_CIDR1::Preamble, 0x0000'000f},
    }),
    register_at<SMMU_CIDR2>(0x0ff8, 32, {
        {SMMU_CIDR2::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_CIDR3>(0x0ffc, 32, {
        {SMMU_CIDR3::Preamble, 0x0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 6.3.1
    encodes(SMMU_IDR0::STALL_MODEL, StallModel::kStallOrTerminate, 0),
    encodes(SMMU_IDR0::STALL_MODEL, StallModel::kTerminate,        1),
    encodes(SMMU_IDR0::STALL_MODEL, StallModel::kStallForced,      2),
    encodes(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kMixed,  0),
    encodes(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kLittle, 2),
    encodes(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kBig,    3),
    encodes(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kNone,                0),
    encodes(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kAccess,              1),
    encodes(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kAccessAndDirty,      2),
    encodes(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kTableAccessAndDirty, 3),
    encodes(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kLpae,    1),
    encodes(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64, 2),
    encodes(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kBoth,    3),
    // 6.3.6
    encodes(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k48Bits, 0),
    encodes(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k52Bits, 1),
    encodes(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k56Bits, 2),
    encodes(SMMU_IDR5::OAS, OutputSize::k32Bits, 0),
    encodes(SMMU_IDR5::OAS, OutputSize::k36Bits, 1),
    encodes(SMMU_IDR5::OAS, OutputSize::k40Bits, 2),
    encodes(SMMU_IDR5::OAS, OutputSize::k42Bits, 3),
    encodes(SMMU_IDR5::OAS, OutputSize::k44Bits, 4),
    encodes(SMMU_IDR5::OAS, OutputSize::k48Bits, 5),
    encodes(SMMU_IDR5::OAS, OutputSize::k52Bits, 6),
    encodes(SMMU_IDR5::OAS, OutputSize::k56Bits, 7),
};

TEST(IdentificationRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(IdentificationRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(IdentificationRegistersGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(IdentificationRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
