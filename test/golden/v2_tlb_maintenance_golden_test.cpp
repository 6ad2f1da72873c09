// TLB maintenance against what public sources say of it.
#include "smmu/arch/v2/tlb_maintenance.h"

#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Global register space 0
    register_at<SMMU_STLBIALL>(0x060, 32),
    register_at<SMMU_TLBIVMID>(0x064, 32, {
        {SMMU_TLBIVMID::VMID, 0x0000'ffff},
    }),
    register_at<SMMU_TLBIALLNSNH>(0x068, 32),
    register_at<SMMU_TLBIALLH>(0x06c, 32),
    register_at<SMMU_sTLBGSYNC>(0x070, 32),
    register_at<SMMU_sTLBGSTATUS>(0x074, 32, {
        {SMMU_sTLBGSTATUS::GSACTIVE, 0x0000'0001},
    }),
    register_at<SMMU_TLBIVAH>(0x078, 32, {
        {SMMU_TLBIVAH::Address, 0xffff'f000, kInPlace},
    }),
    register_at<SMMU_STLBIVALM>(0x0a0, 64, {
        {SMMU_STLBIVALM::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_STLBIVAM>(0x0a8, 64, {
        {SMMU_STLBIVAM::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_TLBIVALH64>(0x0b0, 64, {
        {SMMU_TLBIVALH64::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_TLBIVMIDS1>(0x0b8, 32, {
        {SMMU_TLBIVMIDS1::VMID, 0x0000'ffff},
    }),
    register_at<SMMU_STLBIALLM>(0x0bc, 32),
    register_at<SMMU_TLBIVAH64>(0x0c0, 64, {
        {SMMU_TLBIVAH64::Address, 0x0000'0fff'ffff'ffff},
    }),
    // The page of a context bank
    register_at<SMMU_CBn_TLBIVA_AArch64>(0x600, 64, {
        {SMMU_CBn_TLBIVA_AArch64::ASID,    0xffff'0000'0000'0000},
        {SMMU_CBn_TLBIVA_AArch64::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBIVA_AArch32>(0x600, 32, {
        {SMMU_CBn_TLBIVA_AArch32::VA,   0xffff'f000, kInPlace},
        {SMMU_CBn_TLBIVA_AArch32::ASID, 0x0000'00ff},
    }),
    register_at<SMMU_CBn_TLBIVAA_AArch64>(0x608, 64, {
        {SMMU_CBn_TLBIVAA_AArch64::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBIVAA_AArch32>(0x608, 32, {
        {SMMU_CBn_TLBIVAA_AArch32::VA, 0xffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_TLBIASID>(0x610, 32, {
        {SMMU_CBn_TLBIASID::ASID, 0x0000'ffff},
    }),
    register_at<SMMU_CBn_TLBIALL>(0x618, 32),
    register_at<SMMU_CBn_TLBIVAL_AArch64>(0x620, 64, {
        {SMMU_CBn_TLBIVAL_AArch64::ASID,    0xffff'0000'0000'0000},
        {SMMU_CBn_TLBIVAL_AArch64::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBIVAL_AArch32>(0x620, 32, {
        {SMMU_CBn_TLBIVAL_AArch32::VA,   0xffff'f000, kInPlace},
        {SMMU_CBn_TLBIVAL_AArch32::ASID, 0x0000'00ff},
    }),
    register_at<SMMU_CBn_TLBIVAAL_AArch64>(0x628, 64, {
        {SMMU_CBn_TLBIVAAL_AArch64::Address, 0x0000'0fff'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBIVAAL_AArch32>(0x628, 32, {
        {SMMU_CBn_TLBIVAAL_AArch32::VA, 0xffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_TLBIIPAS2>(0x630, 64, {
        {SMMU_CBn_TLBIIPAS2::Address, 0x0000'000f'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBIIPAS2L>(0x638, 64, {
        {SMMU_CBn_TLBIIPAS2L::Address, 0x0000'000f'ffff'ffff},
    }),
    register_at<SMMU_CBn_TLBSYNC>(0x7f0, 32),
    register_at<SMMU_CBn_TLBSTATUS>(0x7f4, 32, {
        {SMMU_CBn_TLBSTATUS::SACTIVE, 0x0000'0001},
    }),
};

TEST(V2TlbMaintenanceGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2TlbMaintenanceGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2TlbMaintenanceGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

}  // namespace
}  // namespace smmu::v2
