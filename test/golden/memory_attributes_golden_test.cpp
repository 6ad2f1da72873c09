// Memory types against the text of the manuals (IHI 0070 G.b, 6.3.11 and 13.1; DDI 0487, D24.2.127,
// which is MAIR_EL1, and D8.6.2).
#include "smmu/arch/memory_attributes.h"

#include <array>

#include "test/golden/golden.h"

namespace smmu {
namespace {

using namespace golden;

constexpr auto kEnumerators = std::array{
    // 6.3.11 TABLE_SH and QUEUE_SH, D8.6.2 SH
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

constexpr bool is_device(unsigned type) {
  return MemoryAttributes{.type = static_cast<std::uint8_t>(type)}.is_device();
}

// MAIR_EL1.Attr<n>: four types of Device, and as many without the XS attribute.  All else that has
// a meaning is Normal: the codes of two nibbles that are not 0, and three whose lower one is.
TEST(MemoryAttributesGolden, SaysDeviceOfTheCodesThatAreDeviceAndOfNoneThatAreNormal) {
  for (const unsigned device : {0x00U, 0x04U, 0x08U, 0x0cU, 0x01U, 0x05U, 0x09U, 0x0dU}) {
    EXPECT_TRUE(is_device(device)) << device;
  }
  for (const unsigned normal : {0x40U, 0xa0U, 0xf0U}) EXPECT_FALSE(is_device(normal)) << normal;
  for (unsigned outer = 0x1; outer <= 0xf; ++outer) {
    for (unsigned inner = 0x1; inner <= 0xf; ++inner) {
      EXPECT_FALSE(is_device(outer << 4 | inner)) << outer << ' ' << inner;
    }
  }
}

// 13.1.3: what an access is when nobody says: Write-Back, read- and write-allocate, not transient,
// Non-shareable.
TEST(MemoryAttributesGolden, AreByDefaultThoseOfAnAccessThatComesWithNone) {
  EXPECT_EQ(MemoryAttributes().type, 0xff);
  EXPECT_EQ(static_cast<unsigned>(MemoryAttributes().shareability), 0U);
}

}  // namespace
}  // namespace smmu
