// Global register spaces 0 and 1, as software of either Security state reads and
// writes them (IHI 0062).
#ifndef SMMU_EMULATOR_V2_GLOBAL_SPACE_H_
#define SMMU_EMULATOR_V2_GLOBAL_SPACE_H_

#include <cstdint>
#include <optional>

#include "emulator/v2/bank_space.h"
#include "emulator/v2/register_effects.h"
#include "emulator/v2/registers.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::emulator {

// The status of synchronisations and operations is not here.
class GlobalSpace {
 public:
  GlobalSpace(RegistersV2& registers, BankSpace& banks, const SmmuV2Config& config)
      : registers_(registers), banks_(banks), config_(config) {}

  // Space 0.
  Access32 read32(SecurityState security, std::uint32_t offset, std::uint32_t& value) const;
  Access32 write32(SecurityState security, std::uint32_t offset, std::uint32_t value,
                   RegisterEffects& effects);
  static bool is_operation(std::uint32_t offset);
  Access32 write64(SecurityState security, std::uint32_t offset, std::uint64_t value,
                   RegisterEffects& effects);

  // Space 1.
  Access32 read32_of_banks(SecurityState security, std::uint32_t offset,
                           std::uint32_t& value) const;
  Access32 write32_of_banks(SecurityState security, std::uint32_t offset, std::uint32_t value,
                            RegisterEffects& effects);

  // Whose copy an access is to, and where that is: Secure ones find the Non-secure
  // copy at SMMU_NSCR0 and so on.  Of no copy: as it is.
  struct Copy {
    SecurityState security;
    std::uint32_t offset;
  };
  Copy copy_of(SecurityState security, std::uint32_t offset) const;

 private:
  std::optional<std::uint32_t> identification(SecurityState security, std::uint32_t offset) const;
  bool write_copy(SecurityState of, std::uint32_t offset, std::uint32_t value,
                  RegisterEffects& effects);
  void write_cr0(SecurityState of, std::uint32_t value, RegisterEffects& effects);
  Access32 write_operation(Copy copy, SecurityState security, std::uint32_t offset,
                           std::uint32_t value, RegisterEffects& effects);
  Access32 begin(Copy copy, SecurityState security, std::uint32_t offset, std::uint64_t operand,
                 RegisterEffects& effects);

  RegistersV2& registers_;
  BankSpace& banks_;
  const SmmuV2Config& config_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_GLOBAL_SPACE_H_
