// The registers of an SMMUv2 by name, and where they lie.
#ifndef EMULATOR_CLI_REGISTERS_V2_H_
#define EMULATOR_CLI_REGISTERS_V2_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "emulator/v2/address_map.h"
#include "emulator/v2/features.h"
#include "smmu/arch/bits.h"
#include "smmu/types.h"

namespace smmu::cli {

// A register as a name says it.
struct NamedRegisterV2 {
  emulator::RegisterSpace space;
  RegisterInfo info;  // of number 0
  // What stands in the places of CBn and of n or m; none: the letter.
  std::optional<std::uint32_t> bank = std::nullopt;
  std::optional<std::uint32_t> number = std::nullopt;

  // "SMMU_CB3_FSR".  REQUIRES: no letter is left.
  std::string name() const;
};

// A name is Arm's with or without SMMU_, with n and m as they stand (CBn_FSR, SMRn) or with numbers
// in their places (CB3.FSR, CB3_FSR, SMR0).  None if there is no such register; whether an SMMU has
// that many is not looked at.
std::optional<NamedRegisterV2> find_register_v2(std::string_view name);

// The layout of the register that `name` names; if the name has no condition and the word says
// which of several layouts is right, it is that one.
std::optional<LayoutInfo> find_layout_v2(std::string_view name, std::uint64_t word);

// A place among the registers of one SMMU, as accesses of a Security state find it.
struct RegisterPlaceV2 {
  std::string text;  // as it was asked for
  SecurityState security = SecurityState::kNonSecure;
  std::uint32_t offset = 0;  // from the start of the SMMU
  std::uint32_t bytes = 4;
  std::optional<NamedRegisterV2> named;  // none: no register that has a name
};

// A register of this SMMU by its name, or a place by its offset as a number; "secure:" before
// either stands for Secure accesses, which registers that only these find have without it.  None if
// the SMMU has no such register or ends before it.
std::optional<RegisterPlaceV2> find_place(const emulator::FeaturesV2& features,
                                          std::string_view text);

// The register that begins at the offset, if one with a name does.
std::optional<NamedRegisterV2> find_register_at(const emulator::FeaturesV2& features,
                                                std::uint32_t offset);

// How many bytes the registers of an SMMU take up.
std::uint64_t register_bytes(const emulator::FeaturesV2& features);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGISTERS_V2_H_
