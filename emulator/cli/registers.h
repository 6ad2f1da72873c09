// Register values that a file gives: a capture's registers.txt, the `idr` object of a scenario.
#ifndef EMULATOR_CLI_REGISTERS_H_
#define EMULATOR_CLI_REGISTERS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "smmu/arch/bits.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

// A register's name without SMMU_.
std::string_view bare_name(std::string_view name);

// Null if there is none.  A name is Arm's, with or without SMMU_.
const RegisterInfo* find_register(std::uint32_t offset);
const RegisterInfo* find_register(std::string_view name);

// The register that has the `offset`, which may be that of the upper half of a 64-bit one if the
// access is 4 bytes wide.  Null if there is none.
const RegisterInfo* find_register_at(std::uint32_t offset, std::uint32_t bytes);

// Where the pages of Non-secure registers end.
inline constexpr std::uint64_t kRegisterBytes = 0x20000;

class RegisterValues {
 public:
  // False, and nothing changes, if the register has a value already.
  bool add(std::uint32_t offset, std::uint64_t value) {
    return values_.emplace(offset, value).second;
  }

  template <class R>
  bool has() const {
    return values_.contains(R::kOffset);
  }
  // 0 if the file does not say.
  template <class R>
  R get() const {
    const auto value = values_.find(R::kOffset);
    return R(value == values_.end() ? 0 : static_cast<typename R::Value>(value->second));
  }
  const std::map<std::uint32_t, std::uint64_t>& by_offset() const { return values_; }

 private:
  std::map<std::uint32_t, std::uint64_t> values_;
};

// A capture's registers.txt.  BadInput if a line names a register that there is not, or if a
// register that says how the SMMU is set up is missing.
RegisterValues load_registers(const std::filesystem::path& folder);

// True for the registers that say what an SMMU is built to be.
bool is_identification(std::uint32_t offset);

// `preset` with those identification registers that `values` has in place of its own; what QEMU
// says against the manual is left out.
emulator::SmmuV3Config configuration(emulator::SmmuV3Config preset, const RegisterValues& values);
// The same of qemu_virt().
emulator::SmmuV3Config configuration(const RegisterValues& values);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGISTERS_H_
