// What a counter group says of itself, against the text of the manual (IHI 0070 G.b, 10.5.2.13 to
// 10.5.2.29).
#include "smmu/arch/v3/pmcg_identification_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;
using CounterSize = SMMU_PMCG_CFGR::CounterSize;

constexpr auto kGoldens = std::tuple{
    // 10.5.2.13
    register_at<SMMU_PMCG_CFGR>(0xe00, 32, {
        {SMMU_PMCG_CFGR::FILTER_PARTID_PMG, 0x0200'0000},
        {SMMU_PMCG_CFGR::MPAM,              0x0100'0000},
        {SMMU_PMCG_CFGR::SID_FILTER_TYPE,   0x0080'0000},
        {SMMU_PMCG_CFGR::CAPTURE,           0x0040'0000},
        {SMMU_PMCG_CFGR::MSI,               0x0020'0000},
        {SMMU_PMCG_CFGR::RELOC_CTRS,        0x0010'0000},
        {SMMU_PMCG_CFGR::SIZE,              0x0000'3f00},
        {SMMU_PMCG_CFGR::NCTR,              0x0000'003f},
    }),
    // 10.5.2.15
    register_at<SMMU_PMCG_IIDR>(0xe08, 32, {
        {SMMU_PMCG_IIDR::ProductID,   0xfff0'0000},
        {SMMU_PMCG_IIDR::Variant,     0x000f'0000},
        {SMMU_PMCG_IIDR::Revision,    0x0000'f000},
        {SMMU_PMCG_IIDR::Implementer, 0x0000'0fff},
    }),
    // 10.5.2.16
    register_at<SMMU_PMCG_CEID0>(0xe20, 64, {
        {SMMU_PMCG_CEID0::N, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.17
    register_at<SMMU_PMCG_CEID1>(0xe28, 64, {
        {SMMU_PMCG_CEID1::N, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.26
    register_at<SMMU_PMCG_AIDR>(0xe70, 32, {
        {SMMU_PMCG_AIDR::ArchMajorRev, 0x0000'00f0},
        {SMMU_PMCG_AIDR::ArchMinorRev, 0x0000'000f},
    }),
    // 10.5.2.27
    register_at<SMMU_PMCG_MPAMIDR>(0xe74, 32, {
        {SMMU_PMCG_MPAMIDR::PMG_MAX,    0x00ff'0000},
        {SMMU_PMCG_MPAMIDR::PARTID_MAX, 0x0000'ffff},
    }),
    // 10.5.2.28
    register_at<SMMU_PMCG_S_MPAMIDR>(0xe78, 32, {
        {SMMU_PMCG_S_MPAMIDR::HAS_MPAM_NS, 0x0200'0000},
        {SMMU_PMCG_S_MPAMIDR::PMG_MAX,     0x00ff'0000},
        {SMMU_PMCG_S_MPAMIDR::PARTID_MAX,  0x0000'ffff},
    }),
    // 10.5.2.29
    register_at<SMMU_PMCG_PMDEVARCH>(0xfbc, 32, {
        {SMMU_PMCG_PMDEVARCH::ARCHITECT, 0xffe0'0000},
        {SMMU_PMCG_PMDEVARCH::PRESENT,   0x0010'0000},
        {SMMU_PMCG_PMDEVARCH::REVISION,  0x000f'0000},
        {SMMU_PMCG_PMDEVARCH::ARCHID,    0x0000'ffff},
    }),
    register_at<SMMU_PMCG_PMDEVTYPE>(0xfcc, 32, {
        {SMMU_PMCG_PMDEVTYPE::SubType, 0x0000'00f0},
        {SMMU_PMCG_PMDEVTYPE::Class,   0x0000'000f},
    }),
    register_at<SMMU_PMCG_PIDR4>(0xfd0, 32, {
        {SMMU_PMCG_PIDR4::SIZE,  0x0000'00f0},
        {SMMU_PMCG_PIDR4::DES_2, 0x0000'000f},
    }),
    register_at<SMMU_PMCG_PIDR5>(0xfd4, 32),
    register_at<SMMU_PMCG_PIDR6>(0xfd8, 32),
    register_at<SMMU_PMCG_PIDR7>(0xfdc, 32),
    register_at<SMMU_PMCG_PIDR0>(0xfe0, 32, {
        {SMMU_PMCG_PIDR0::PART_0, 0x0000'00ff},
    }),
    register_at<SMMU_PMCG_PIDR1>(0xfe4, 32, {
        {SMMU_PMCG_PIDR1::DES_0,  0x0000'00f0},
        {SMMU_PMCG_PIDR1::PART_1, 0x0000'000f},
    }),
    register_at<SMMU_PMCG_PIDR2>(0xfe8, 32, {
        {SMMU_PMCG_PIDR2::REVISION, 0x0000'00f0},
        {SMMU_PMCG_PIDR2::JEDEC,    0x0000'0008},
        {SMMU_PMCG_PIDR2::DES_1,    0x0000'0007},
    }),
    register_at<SMMU_PMCG_PIDR3>(0xfec, 32, {
        {SMMU_PMCG_PIDR3::REVAND, 0x0000'00f0},
        {SMMU_PMCG_PIDR3::CMOD,   0x0000'000f},
    }),
    register_at<SMMU_PMCG_CIDR0>(0xff0, 32, {
        {SMMU_PMCG_CIDR0::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_PMCG_CIDR1>(0xff4, 32, {
        {SMMU_PMCG_CIDR1::CLASS,    0x0000'00f0},
        {SMMU_PMCG_CIDR1::Preamble, 0x0000'000f},
    }),
    register_at<SMMU_PMCG_CIDR2>(0xff8, 32, {
        {SMMU_PMCG_CIDR2::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_PMCG_CIDR3>(0xffc, 32, {
        {SMMU_PMCG_CIDR3::Preamble, 0x0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k32Bits, 0b011111),
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k36Bits, 0b100011),
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k40Bits, 0b100111),
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k44Bits, 0b101011),
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k48Bits, 0b101111),
    encodes(SMMU_PMCG_CFGR::SIZE, CounterSize::k64Bits, 0b111111),
};

TEST(PmcgIdentificationRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(PmcgIdentificationRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(PmcgIdentificationRegistersGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(PmcgIdentificationRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
