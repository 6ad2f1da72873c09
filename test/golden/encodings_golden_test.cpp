// The values that several layouts share against the text of the manual (IHI 0070 G.b).
#include "smmu/arch/encodings.h"

#include <array>

#include "test/golden/golden.h"

namespace smmu {
namespace {

using namespace golden;

constexpr auto kEnumerators = std::array{
    // 6.3.11 TABLE_OC, TABLE_IC, QUEUE_OC, QUEUE_IC
    is<Cacheability::kNonCacheable>(0),
    is<Cacheability::kWriteBack>(1),
    is<Cacheability::kWriteThrough>(2),
    // 5.2 S2IR0, 5.4 IR0
    is<WalkCacheability::kNonCacheable>(0),
    is<WalkCacheability::kWriteBackReadWriteAllocate>(1),
    is<WalkCacheability::kWriteThroughReadAllocate>(2),
    is<WalkCacheability::kWriteBackReadAllocate>(3),
    // 6.3.14 SHCFG
    is<ShareabilityOverride::kNonShareable>(0),
    is<ShareabilityOverride::kIncoming>(1),
    is<ShareabilityOverride::kOuterShareable>(2),
    is<ShareabilityOverride::kInnerShareable>(3),
    // 6.3.14 PRIVCFG
    is<PrivilegeOverride::kIncoming>(0),
    is<PrivilegeOverride::kUnprivileged>(2),
    is<PrivilegeOverride::kPrivileged>(3),
    // 6.3.14 INSTCFG
    is<InstructionOverride::kIncoming>(0),
    is<InstructionOverride::kData>(2),
    is<InstructionOverride::kInstruction>(3),
    // 5.4 TG0
    is<TG0::k4K>(0),
    is<TG0::k64K>(1),
    is<TG0::k16K>(2),
    // 5.4 TG1
    is<TG1::k16K>(1),
    is<TG1::k4K>(2),
    is<TG1::k64K>(3),
    // 4.4.1.1 TG
    is<CommandTG::kAny>(0),
    is<CommandTG::k4K>(1),
    is<CommandTG::k16K>(2),
    is<CommandTG::k64K>(3),
    // 6.3.6 OAS
    is<OutputSize::k32Bits>(0),
    is<OutputSize::k36Bits>(1),
    is<OutputSize::k40Bits>(2),
    is<OutputSize::k42Bits>(3),
    is<OutputSize::k44Bits>(4),
    is<OutputSize::k48Bits>(5),
    is<OutputSize::k52Bits>(6),
    is<OutputSize::k56Bits>(7),
    // 6.3.1 STALL_MODEL
    is<StallModel::kStallOrTerminate>(0),
    is<StallModel::kTerminate>(1),
    is<StallModel::kStallForced>(2),
    // 4.7.3 CS
    is<SyncSignal::kNone>(0),
    is<SyncSignal::kIrq>(1),
    is<SyncSignal::kSev>(2),
};

TEST(EncodingsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

TEST(EncodingsGolden, AnAddressSizeIsTheNumberOfBitsOfItsName) {  // 6.3.6 OAS
  constexpr std::array<unsigned, 8> kBits = {32, 36, 40, 42, 44, 48, 52, 56};
  for (unsigned code = 0; code < kBits.size(); ++code) {
    EXPECT_EQ(address_bits(static_cast<OutputSize>(code)), kBits[code]) << code;
  }
}

}  // namespace
}  // namespace smmu
