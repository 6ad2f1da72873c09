// The security state determination table against what public sources say of it.
#include "smmu/arch/v2/security_state_table.h"

#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    registers_at<SMMU_SSDRn>(0x000, 4, 32, {
        {SMMU_SSDRn::SSD, 0xffff'ffff},
    }),
};

TEST(V2SecurityStateTableGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2SecurityStateTableGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2SecurityStateTableGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

}  // namespace
}  // namespace smmu::v2
