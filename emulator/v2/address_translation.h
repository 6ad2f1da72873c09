// What SMMU_CBn_PAR and SMMU_sGPAR say of an address that software asks about
// (IHI 0062).
#ifndef SMMU_EMULATOR_V2_ADDRESS_TRANSLATION_H_
#define SMMU_EMULATOR_V2_ADDRESS_TRANSLATION_H_

#include <cstdint>
#include <mutex>

#include "emulator/v2/clients.h"
#include "emulator/v2/register_effects.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {

// Every operation walks the tables: it looks into no TLB, leaves nothing in one,
// changes no descriptor and records no fault.
class AddressTranslation {
 public:
  AddressTranslation(SharedRegisters& shared, const PhysicalSpaces& spaces, Observer* observer)
      : shared_(shared), walker_(spaces, observer) {}

  // Called without the registers' lock.
  std::uint64_t result_of(const TranslationRequestV2& request) const;

 private:
  SharedRegisters& shared_;
  const Walker walker_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_ADDRESS_TRANSLATION_H_
