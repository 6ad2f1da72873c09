// The formats of translation tables against what public sources say of SMMU_CBn_FSR.FORMAT.
#include "smmu/arch/v2/translation_format.h"

#include <array>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kEnumerators = std::array{
    is<TranslationFormat::kAArch32Short>(0),
    is<TranslationFormat::kAArch32Long>(1),
    is<TranslationFormat::kAArch64>(2),
};

TEST(V2TranslationFormatGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
