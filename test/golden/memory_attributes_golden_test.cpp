// Memory types against the text of the manuals (IHI 0070 G.b, 6.3.11; DDI 0487, MAIR_EL1).
#include "smmu/arch/memory_attributes.h"

#include <array>

#include "test/golden/golden.h"

namespace smmu {
namespace {

using namespace golden;

constexpr auto kEnumerators = std::array{
    // 6.3.11 TABLE_SH, QUEUE_SH
    is<Shareability::kNonShareable>(0),
    is<Shareability::kOuter>(2),
    is<Shareability::kInner>(3),
    // MAIR_EL1.Attr<n>
    is<MemoryAttributes::kDevice_nGnRnE>(0x00),
    is<MemoryAttributes::kNonCacheable>(0x44),
    is<MemoryAttributes::kWriteBack>(0xff),
};

TEST(MemoryAttributesGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu
