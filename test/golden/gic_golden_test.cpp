// The doorbells of interrupt controllers against what public sources say of them: the frame of a
// GICv2m as Linux, FreeBSD and QEMU have it, GITS_TRANSLATER as Arm's register reference (DDI 0595)
// does.
#include "smmu/arch/gic.h"

#include <tuple>

#include "test/golden/golden.h"

namespace smmu {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    register_at<V2M_MSI_TYPER>(0x008, 32, {
        {V2M_MSI_TYPER::BASE_SPI, 0x03ff'0000},
        {V2M_MSI_TYPER::NUM_SPI,  0x0000'03ff},
    }),
    register_at<V2M_MSI_SETSPI_NS>(0x040, 32, {
        {V2M_MSI_SETSPI_NS::SPI, 0x0000'03ff},
    }),
    register_at<V2M_MSI_IIDR>(0xfcc, 32, {
        {V2M_MSI_IIDR::ProductID,            0xfff0'0000},
        {V2M_MSI_IIDR::Architecture_version, 0x000f'0000},
        {V2M_MSI_IIDR::Revision,             0x0000'f000},
        {V2M_MSI_IIDR::Implementer,          0x0000'0fff},
    }),
    register_at<GITS_TRANSLATER>(0x0040, 32, {
        {GITS_TRANSLATER::EventID, 0xffff'ffff},
    }),
};

TEST(GicGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(GicGolden, PutsEveryFieldWhereTheSourcesPutIt) { expect_every_field_is_as_printed(kGoldens); }

TEST(GicGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

// Two frames that Linux tells from others by their whole V2M_MSI_IIDR: of X-Gene and of NS2.
TEST(GicGolden, ReadsTheIdentifiersThatAreKnown) {
  EXPECT_EQ(V2M_MSI_IIDR(0x0600'0170)[V2M_MSI_IIDR::ProductID], 0x060U);
  EXPECT_EQ(V2M_MSI_IIDR(0x0600'0170)[V2M_MSI_IIDR::Implementer], 0x170U);
  EXPECT_EQ(V2M_MSI_IIDR(0x0000'013f)[V2M_MSI_IIDR::Implementer], 0x13fU);
}

TEST(GicGolden, SaysWhereTheFramesAndTheNumbersEnd) {
  EXPECT_EQ(kV2mFrameSize, 4096U);
  EXPECT_EQ(kItsTranslationFrameSize, 65536U);
  EXPECT_EQ(kFirstSpi, 32U);
  EXPECT_EQ(kLastSpi, 1019U);
  EXPECT_EQ(kFirstLpi, 8192U);
}

}  // namespace
}  // namespace smmu
