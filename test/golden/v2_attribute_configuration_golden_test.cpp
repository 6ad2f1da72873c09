// The codes of the *CFG fields against what public sources say of them.
#include "smmu/arch/v2/attribute_configuration.h"

#include <array>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kEnumerators = std::array{
    // SHCFG, BPSHCFG
    is<ShareabilityConfig::kIncoming>(0),
    is<ShareabilityConfig::kOuterShareable>(1),
    is<ShareabilityConfig::kInnerShareable>(2),
    is<ShareabilityConfig::kNonShareable>(3),
    // RACFG, WACFG
    is<AllocationConfig::kIncoming>(0),
    is<AllocationConfig::kAllocate>(2),
    is<AllocationConfig::kNoAllocate>(3),
    // TRANSIENTCFG
    is<TransientConfig::kIncoming>(0),
    is<TransientConfig::kNonTransient>(2),
    is<TransientConfig::kTransient>(3),
    // PRIVCFG
    is<PrivilegeConfig::kIncoming>(0),
    is<PrivilegeConfig::kPrivilegedAccessNever>(1),
    is<PrivilegeConfig::kUnprivileged>(2),
    is<PrivilegeConfig::kPrivileged>(3),
    // BSU
    is<BarrierUpgrade::kNone>(0),
    is<BarrierUpgrade::kInnerShareable>(1),
    is<BarrierUpgrade::kOuterShareable>(2),
    is<BarrierUpgrade::kFullSystem>(3),
};

TEST(V2AttributeConfigurationGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
