// Identification registers against what public sources say of them.
#include "smmu/arch/v2/identification_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    register_at<SMMU_IDR0>(0x020, 32, {
        {SMMU_IDR0::SES,     0x8000'0000},
        {SMMU_IDR0::S1TS,    0x4000'0000},
        {SMMU_IDR0::S2TS,    0x2000'0000},
        {SMMU_IDR0::NTS,     0x1000'0000},
        {SMMU_IDR0::SMS,     0x0800'0000},
        {SMMU_IDR0::ATOSNS,  0x0400'0000},
        {SMMU_IDR0::PTFS,    0x0300'0000},
        {SMMU_IDR0::NUMIRPT, 0x00ff'0000},
        {SMMU_IDR0::EXSMRGS, 0x0000'8000},
        {SMMU_IDR0::CTTW,    0x0000'4000},
        {SMMU_IDR0::BTM,     0x0000'2000},
        {SMMU_IDR0::NUMSIDB, 0x0000'1e00},
        {SMMU_IDR0::EXIDS,   0x0000'0100},
        {SMMU_IDR0::NUMSMRG, 0x0000'00ff},
    }),
    register_at<SMMU_IDR1>(0x024, 32, {
        {SMMU_IDR1::PAGESIZE,    0x8000'0000},
        {SMMU_IDR1::NUMPAGENDXB, 0x7000'0000},
        {SMMU_IDR1::HAFDBS,      0x0300'0000},
        {SMMU_IDR1::NUMS2CB,     0x00ff'0000},
        {SMMU_IDR1::SMCD,        0x0000'8000},
        {SMMU_IDR1::SSDTP,       0x0000'3000},
        {SMMU_IDR1::NUMSSDNDXB,  0x0000'0f00},
        {SMMU_IDR1::NUMCB,       0x0000'00ff},
    }),
    register_at<SMMU_IDR2>(0x028, 32, {
        {SMMU_IDR2::DIPANS,      0x4000'0000},
        {SMMU_IDR2::COMPINDEXS,  0x2000'0000},
        {SMMU_IDR2::HADS,        0x1000'0000},
        {SMMU_IDR2::E2HS,        0x0800'0000},
        {SMMU_IDR2::EXNUMSMRG,   0x07ff'0000},
        {SMMU_IDR2::VMID16S,     0x0000'8000},
        {SMMU_IDR2::PTFSv8_64kB, 0x0000'4000},
        {SMMU_IDR2::PTFSv8_16kB, 0x0000'2000},
        {SMMU_IDR2::PTFSv8_4kB,  0x0000'1000},
        {SMMU_IDR2::UBS,         0x0000'0f00},
        {SMMU_IDR2::OAS,         0x0000'00f0},
        {SMMU_IDR2::IAS,         0x0000'000f},
    }),
    register_at<SMMU_IDR3>(0x02c, 32),
    register_at<SMMU_IDR4>(0x030, 32),
    register_at<SMMU_IDR5>(0x034, 32),
    register_at<SMMU_IDR6>(0x038, 32),
    register_at<SMMU_IDR7>(0x03c, 32, {
        {SMMU_IDR7::MAJOR, 0x0000'00f0},
        {SMMU_IDR7::MINOR, 0x0000'000f},
    }),
    // CoreSight
    register_at<SMMU_PIDR4>(0xfd0, 32, {
        {SMMU_PIDR4::SIZE,  0x0000'00f0},
        {SMMU_PIDR4::DES_2, 0x0000'000f},
    }),
    register_at<SMMU_PIDR5>(0xfd4, 32),
    register_at<SMMU_PIDR6>(0xfd8, 32),
    register_at<SMMU_PIDR7>(0xfdc, 32),
    register_at<SMMU_PIDR0>(0xfe0, 32, {
        {SMMU_PIDR0::PART_0, 0x0000'00ff},
    }),
    register_at<SMMU_PIDR1>(0xfe4, 32, {
        {SMMU_PIDR1::DES_0,  0x0000'00f0},
        {SMMU_PIDR1::PART_1, 0x0000'000f},
    }),
    register_at<SMMU_PIDR2>(0xfe8, 32, {
        {SMMU_PIDR2::REVISION, 0x0000'00f0},
        {SMMU_PIDR2::JEDEC,    0x0000'0008},
        {SMMU_PIDR2::DES_1,    0x0000'0007},
    }),
    register_at<SMMU_PIDR3>(0xfec, 32, {
        {SMMU_PIDR3::REVAND, 0x0000'00f0},
        {SMMU_PIDR3::CMOD,   0x0000'000f},
    }),
    register_at<SMMU_CIDR0>(0xff0, 32, {
        {SMMU_CIDR0::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_CIDR1>(0xff4, 32, {
        {SMMU_CIDR1::CLASS,    0x0000'00f0},
        {SMMU_CIDR1::Preamble, 0x0000'000f},
    }),
    register_at<SMMU_CIDR2>(0xff8, 32, {
        {SMMU_CIDR2::Preamble, 0x0000'00ff},
    }),
    register_at<SMMU_CIDR3>(0xffc, 32, {
        {SMMU_CIDR3::Preamble, 0x0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // PTFS
    encodes(SMMU_IDR0::PTFS, AArch32Formats::kShortAndLong, 0),
    encodes(SMMU_IDR0::PTFS, AArch32Formats::kLong, 1),
    encodes(SMMU_IDR0::PTFS, AArch32Formats::kNone, 2),
    // HAFDBS
    encodes(SMMU_IDR1::HAFDBS, HardwareUpdates::kNone, 0),
    encodes(SMMU_IDR1::HAFDBS, HardwareUpdates::kAccessFlag, 1),
    encodes(SMMU_IDR1::HAFDBS, HardwareUpdates::kAccessFlagAndDirtyState, 3),
    // SSDTP
    encodes(SMMU_IDR1::SSDTP, SecurityTable::kNone, 0),
    encodes(SMMU_IDR1::SSDTP, SecurityTable::kIndexed, 1),
    encodes(SMMU_IDR1::SSDTP, SecurityTable::k16Bits, 3),
    // UBS
    encodes(SMMU_IDR2::UBS, UpstreamSize::k32Bits, 0),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k36Bits, 1),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k40Bits, 2),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k42Bits, 3),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k44Bits, 4),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k49Bits, 5),
    encodes(SMMU_IDR2::UBS, UpstreamSize::k64Bits, 15),
    // OAS, IAS
    encodes(SMMU_IDR2::OAS, OutputSize::k32Bits, 0),
    encodes(SMMU_IDR2::OAS, OutputSize::k36Bits, 1),
    encodes(SMMU_IDR2::OAS, OutputSize::k40Bits, 2),
    encodes(SMMU_IDR2::OAS, OutputSize::k42Bits, 3),
    encodes(SMMU_IDR2::OAS, OutputSize::k44Bits, 4),
    encodes(SMMU_IDR2::OAS, OutputSize::k48Bits, 5),
    encodes(SMMU_IDR2::IAS, OutputSize::k48Bits, 5),
    // PIDR2[7:4]
    encodes(SMMU_PIDR2::REVISION, ArchitectureRevision::kSMMUv1, 0),
    encodes(SMMU_PIDR2::REVISION, ArchitectureRevision::kSMMUv2, 1),
};

TEST(V2IdentificationRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2IdentificationRegistersGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2IdentificationRegistersGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(V2IdentificationRegistersGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
