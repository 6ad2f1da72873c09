// The page of a context bank, as software reads and writes it (IHI 0062).
#ifndef SMMU_EMULATOR_V2_BANK_SPACE_H_
#define SMMU_EMULATOR_V2_BANK_SPACE_H_

#include <cstdint>

#include "emulator/v2/register_effects.h"
#include "emulator/v2/registers.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::emulator {

// Of whoever may reach the bank.  The status of operations is not here, nor the
// counters.
class BankSpace {
 public:
  BankSpace(RegistersV2& registers, const SmmuV2Config& config)
      : registers_(registers), config_(config) {}

  Access32 read32(std::uint32_t bank, std::uint32_t offset, std::uint32_t& value) const;
  Access32 write32(std::uint32_t bank, std::uint32_t offset, std::uint32_t value,
                   RegisterEffects& effects);

  // Whether that is the address of an operation, which may be written as one.  Without
  // SMMU_IDR0.ATOSNS 0 those of translation operations are not there.
  bool is_operation(std::uint32_t offset) const;
  // A write of 64 bits to one.
  void write64(std::uint32_t bank, std::uint32_t offset, std::uint64_t value,
               RegisterEffects& effects);

  // What registers of global space 1 can hold.
  void write_cbar(std::uint32_t bank, std::uint32_t value, RegisterEffects& effects);
  void write_cba2r(std::uint32_t bank, std::uint32_t value, RegisterEffects& effects);

 private:
  bool write_control(BankRegisters& bank, std::uint32_t offset, std::uint32_t value,
                     RegisterEffects& effects);
  bool write_tables(BankRegisters& bank, std::uint32_t offset, std::uint32_t value,
                    RegisterEffects& effects);
  bool write_fault(std::uint32_t index, std::uint32_t offset, std::uint32_t value,
                   RegisterEffects& effects);
  void write_operation(std::uint32_t bank, std::uint32_t offset, std::uint32_t value,
                       RegisterEffects& effects);
  void begin(std::uint32_t bank, std::uint32_t offset, std::uint64_t operand,
             RegisterEffects& effects);

  RegistersV2& registers_;
  const SmmuV2Config& config_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_BANK_SPACE_H_
