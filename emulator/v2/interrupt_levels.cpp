#include "emulator/v2/interrupt_levels.h"

#include <algorithm>

namespace smmu::emulator {

using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_sCR0;
using v2::SMMU_sGFSR;

namespace {

enum : std::size_t { kGlobal, kConfiguration, kSecureGlobal, kSecureConfiguration, kGlobals };

LevelLine* at(const std::vector<LevelLine*>& lines, std::size_t n) {
  return n < lines.size() ? lines[n] : nullptr;
}

}  // namespace

InterruptLevels::InterruptLevels(const SmmuV2Config& config, const SmmuV2Wires& wires,
                                 std::size_t num_banks, std::size_t num_groups)
    : config_(config), num_banks_(num_banks) {
  for (std::size_t i = 0; i != num_banks; ++i) lines_.push_back(at(wires.context_faults, i));
  for (LevelLine* line : {wires.global_fault, wires.configuration_fault, wires.secure_global_fault,
                          wires.secure_configuration_fault}) {
    lines_.push_back(line);
  }
  for (std::size_t i = 0; i != num_groups; ++i) lines_.push_back(at(wires.counter_groups, i));
  lines_.push_back(wires.combined);
  wanted_.resize(lines_.size());
  up_.resize(lines_.size());
}

void InterruptLevels::update(const RegistersV2& registers, const std::vector<bool>& overflows) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i != num_banks_; ++i) {
    const BankRegisters& bank = registers.banks[i];
    // All but SS and FORMAT.
    constexpr std::uint64_t kFaults = mask(8, 1) | decltype(SMMU_CBn_FSR::MULTI)::kMask;
    const bool pending =
        (bank.fsr.raw() & kFaults) != 0 || (config_.stall_interrupts && bank.fsr[SMMU_CBn_FSR::SS]);
    wanted_[i] = pending && bank.sctlr[SMMU_CBn_SCTLR::CFIE];
  }
  const auto set_global = [&](SecurityState security, std::size_t first) {
    const GlobalRegisters& global = registers.global(security);
    const bool access = global.gfsr[SMMU_sGFSR::CAF];
    const bool other = (global.gfsr.raw() & ~decltype(SMMU_sGFSR::CAF)::kMask) != 0;
    wanted_[num_banks_ + first] = other && global.cr0[SMMU_sCR0::GFIE];
    wanted_[num_banks_ + first + 1] = access && global.cr0[SMMU_sCR0::GCFGFIE];
  };
  set_global(SecurityState::kNonSecure, kGlobal);
  set_global(SecurityState::kSecure, kSecureGlobal);
  for (std::size_t i = 0; i != overflows.size(); ++i) {
    wanted_[num_banks_ + kGlobals + i] = overflows[i];
  }
  wanted_.back() = std::find(wanted_.begin(), wanted_.end() - 1, 1) != wanted_.end() - 1;
  differ_.store(wanted_ != up_, std::memory_order_release);
}

bool InterruptLevels::deliver() {
  if (!differ_.load(std::memory_order_acquire)) return false;
  LevelLine* line = nullptr;
  bool level = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::mismatch(wanted_, up_);
    if (found.in1 == wanted_.end()) return false;
    *found.in2 = *found.in1;
    level = *found.in1 != 0;
    line = lines_[static_cast<std::size_t>(found.in1 - wanted_.begin())];
    differ_.store(wanted_ != up_, std::memory_order_release);
  }
  if (line != nullptr) line->set(level);
  return true;
}

}  // namespace smmu::emulator
