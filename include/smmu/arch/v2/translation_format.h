// The format of the translation tables that a fault or a failed operation met (IHI 0062).
#ifndef SMMU_ARCH_V2_TRANSLATION_FORMAT_H_
#define SMMU_ARCH_V2_TRANSLATION_FORMAT_H_

#include <cstdint>

namespace smmu::v2 {

// FORMAT of SMMU_CBn_FSR, SMMU_CBn_PAR and SMMU_sGPAR.
enum class TranslationFormat : std::uint8_t {
  kAArch32Short = 0b00,
  kAArch32Long = 0b01,
  kAArch64 = 0b10,
};

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_TRANSLATION_FORMAT_H_
