// What MMU-500 has in registers of its own against what public sources say of it.
#include "smmu/arch/v2/mmu_500.h"

#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    register_at<SMMU_sACR_MMU500>(0x010, 32, {
        {SMMU_sACR_MMU500::CACHE_LOCK,    0x0400'0000},
        {SMMU_sACR_MMU500::DP4K_TBUDISB,  0x0200'0000},
        {SMMU_sACR_MMU500::DP4K_TCUDISB,  0x0100'0000},
        {SMMU_sACR_MMU500::PAGESIZE,      0x0001'0000},
        {SMMU_sACR_MMU500::S2CRB_TLBEN,   0x0000'0400},
        {SMMU_sACR_MMU500::MMUDISB_TLBEN, 0x0000'0200},
        {SMMU_sACR_MMU500::SMTNMB_TLBEN,  0x0000'0100},
        {SMMU_sACR_MMU500::IPA2PA_CEN,    0x0000'0010},
        {SMMU_sACR_MMU500::S2WC2EN,       0x0000'0008},
        {SMMU_sACR_MMU500::S1WC2EN,       0x0000'0004},
    }),
    register_at<SMMU_CBn_ACTLR_MMU500>(0x004, 32, {
        {SMMU_CBn_ACTLR_MMU500::CPRE,  0x0000'0002},
        {SMMU_CBn_ACTLR_MMU500::CMTLB, 0x0000'0001},
    }),
};

TEST(V2Mmu500Golden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2Mmu500Golden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2Mmu500Golden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

}  // namespace
}  // namespace smmu::v2
