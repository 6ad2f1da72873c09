// The Secure registers against the text of the manual (IHI 0070 G.b, 6.3.52 to
// 6.3.91).
#include "smmu/arch/v3/secure_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.52
    register_at<SMMU_S_IDR0>(0x8000, 32, {
        {SMMU_S_IDR0::ECMDQ,       0x8000'0000},
        {SMMU_S_IDR0::STALL_MODEL, 0x0300'0000},
        {SMMU_S_IDR0::MSI,         0x0000'2000},
    }),
    // 6.3.53
    register_at<SMMU_S_IDR1>(0x8004, 32, {
        {SMMU_S_IDR1::SECURE_IMPL, 0x8000'0000},
        {SMMU_S_IDR1::SEL2,        0x2000'0000},
        {SMMU_S_IDR1::S_SIDSIZE,   0x0000'003f},
    }),
    // 6.3.54
    register_at<SMMU_S_IDR2>(0x8008, 32, {
        {SMMU_S_IDR2::BA_S_VATOS, 0x0000'03ff},
    }),
    // 6.3.55
    register_at<SMMU_S_IDR3>(0x800c, 32, {
        {SMMU_S_IDR3::SAMS, 0x0000'0040},
    }),
    // 6.3.56
    register_at<SMMU_S_IDR4>(0x8010, 32),  // IMPLEMENTATION DEFINED throughout
    // 6.3.57
    register_at<SMMU_S_CR0>(0x8020, 32, {
        {SMMU_S_CR0::NSSTALLD, 0x0000'0200},
        {SMMU_S_CR0::VMW,      0x0000'01c0},
        {SMMU_S_CR0::SIF,      0x0000'0020},
        {SMMU_S_CR0::CMDQEN,   0x0000'0008},
        {SMMU_S_CR0::EVENTQEN, 0x0000'0004},
        {SMMU_S_CR0::SMMUEN,   0x0000'0001},
    }),
    // 6.3.58
    register_at<SMMU_S_CR0ACK>(0x8024, 32, {
        {SMMU_S_CR0ACK::NSSTALLD, 0x0000'0200},
        {SMMU_S_CR0ACK::VMW,      0x0000'01c0},
        {SMMU_S_CR0ACK::SIF,      0x0000'0020},
        {SMMU_S_CR0ACK::CMDQEN,   0x0000'0008},
        {SMMU_S_CR0ACK::EVENTQEN, 0x0000'0004},
        {SMMU_S_CR0ACK::SMMUEN,   0x0000'0001},
    }),
    // 6.3.60
    register_at<SMMU_S_CR2>(0x802c, 32, {
        {SMMU_S_CR2::PTM,       0x0000'0004},
        {SMMU_S_CR2::RECINVSID, 0x0000'0002},
        {SMMU_S_CR2::E2H,       0x0000'0001},
    }),
    // 6.3.62
    register_at<SMMU_S_INIT>(0x803c, 32, {
        {SMMU_S_INIT::INV_ALL, 0x0000'0001},
    }),
    // 6.3.63
    register_at<SMMU_S_GBPA>(0x8044, 32, {
        {SMMU_S_GBPA::Update,   0x8000'0000},
        {SMMU_S_GBPA::ABORT,    0x0010'0000},
        {SMMU_S_GBPA::INSTCFG,  0x000c'0000},
        {SMMU_S_GBPA::PRIVCFG,  0x0003'0000},
        {SMMU_S_GBPA::NSCFG,    0x0000'c000},
        {SMMU_S_GBPA::SHCFG,    0x0000'3000},
        {SMMU_S_GBPA::ALLOCCFG, 0x0000'0f00},
        {SMMU_S_GBPA::MTCFG,    0x0000'0010},
        {SMMU_S_GBPA::MemAttr,  0x0000'000f},
    }),
    // 6.3.91
    register_at<SMMU_S_IDR6>(0x8190, 32, {
        {SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 0x0f00'0000},
        {SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 0x000f'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    encodes(SMMU_S_IDR0::STALL_MODEL, StallModel::kStallOrTerminate, 0),
    encodes(SMMU_S_IDR0::STALL_MODEL, StallModel::kTerminate,        1),
    encodes(SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced,      2),
    encodes(SMMU_S_GBPA::NSCFG, NonSecureOverride::kIncoming,  0),
    encodes(SMMU_S_GBPA::NSCFG, NonSecureOverride::kSecure,    2),
    encodes(SMMU_S_GBPA::NSCFG, NonSecureOverride::kNonSecure, 3),
};

// 6.2.1
TEST(SecureRegistersGolden, StandAtTheOffsetOfPage0) { EXPECT_EQ(kSecureOffset, 0x8000U); }

TEST(SecureRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(SecureRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(SecureRegistersGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(SecureRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
