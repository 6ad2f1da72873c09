// Where in an SMMUv2's address space an offset lies (IHI 0062).
#ifndef SMMU_EMULATOR_V2_ADDRESS_MAP_H_
#define SMMU_EMULATOR_V2_ADDRESS_MAP_H_

#include <cstdint>

#include "emulator/v2/features.h"
#include "smmu/arch/v2/identification_registers.h"

namespace smmu::emulator {

enum class RegisterSpace : std::uint8_t {
  kGlobal0,
  kGlobal1,
  kImplementation,  // what only this implementation has
  kMonitors,
  kSecurityTable,
  kBank,
  kNowhere,
};

struct RegisterPlace {
  RegisterSpace space = RegisterSpace::kNowhere;
  std::uint32_t bank = 0;    // kBank
  std::uint32_t offset = 0;  // from the start of the page
};

// Half of the pages are global, half are of context banks.  Of a page of 64 KiB
// the first 4 KiB have registers.
inline RegisterPlace locate(const FeaturesV2& features, std::uint32_t offset) {
  constexpr std::uint32_t kPopulated = 0x1000;
  const std::uint32_t page = offset >> features.page_bits;
  const std::uint32_t within = offset & ((1U << features.page_bits) - 1);
  const bool indexed_table = page == 4 && within < 0x2000;  // of 16 bits: two pages of 4 KiB
  if (within >= kPopulated && !indexed_table) return {};
  if (page >= features.half_pages) {
    const std::uint32_t bank = page - features.half_pages;
    if (bank >= features.num_banks) return {};
    return {.space = RegisterSpace::kBank, .bank = bank, .offset = within};
  }
  const bool has_table = features.idr1[v2::SMMU_IDR1::SSDTP] != v2::SecurityTable::kNone;
  if (page == 5 && features.page_bits == 12 && has_table) {
    return {.space = RegisterSpace::kSecurityTable, .bank = 0, .offset = within + kPopulated};
  }
  switch (page) {
    case 0:
      return {.space = RegisterSpace::kGlobal0, .bank = 0, .offset = within};
    case 1:
      return {.space = RegisterSpace::kGlobal1, .bank = 0, .offset = within};
    case 2:
      return {.space = RegisterSpace::kImplementation, .bank = 0, .offset = within};
    case 3:
      return {.space = RegisterSpace::kMonitors, .bank = 0, .offset = within};
    case 4:
      if (has_table) return {.space = RegisterSpace::kSecurityTable, .bank = 0, .offset = within};
      break;
    default:
      break;
  }
  return {};
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_ADDRESS_MAP_H_
