// The page request against the manual (IHI 0070 G.b, 8).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/page_requests.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 8.1
    structure<PPR>(16, {
        {PPR::StreamID,    0, 0x0000'0000'ffff'ffff},
        {PPR::SubstreamID, 0, 0x000f'ffff'0000'0000},
        {PPR::Priv,        0, 0x0400'0000'0000'0000},
        {PPR::X,           0, 0x0800'0000'0000'0000},
        {PPR::R,           0, 0x1000'0000'0000'0000},
        {PPR::W,           0, 0x2000'0000'0000'0000},
        {PPR::Last,        0, 0x4000'0000'0000'0000},
        {PPR::SSV,         0, 0x8000'0000'0000'0000},
        {PPR::PRGIndex,    1, 0x0000'0000'0000'01ff},
        {PPR::PageAddress, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
};

TEST(PageRequestsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(PageRequestsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(PageRequestsGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

}  // namespace
}  // namespace smmu::v3
