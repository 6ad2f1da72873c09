#include "emulator/v2/registers.h"

#include <algorithm>

#include "emulator/v2/kept_bits.h"

namespace smmu::emulator {

using v2::SecurityTable;
using v2::SMMU_CBA2Rn;
using v2::SMMU_CBARn_Stage2;
using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::SMMU_sCR0;
using v2::SMMU_SCR1;

namespace {

// Devices that the table of SMMU_SSDRn tells of.
std::uint32_t table_entries(const FeaturesV2& features) {
  const SMMU_IDR1 idr1 = features.idr1;
  switch (idr1[SMMU_IDR1::SSDTP]) {
    case SecurityTable::kNone:
      return 0;
    case SecurityTable::kIndexed:
      return 1U << idr1[SMMU_IDR1::NUMSSDNDXB];
    case SecurityTable::k16Bits:
      return 0x10000;
  }
  return 0;
}

}  // namespace

RegistersV2::RegistersV2(const FeaturesV2& with, const SmmuV2Config& config)
    : features(with),
      smr(features.num_groups),
      s2cr(features.num_groups),
      banks(features.num_banks),
      ssd_entries(table_entries(features)),
      ssd((ssd_entries + 31) / 32) {
  reset(config);
}

void RegistersV2::reset(const SmmuV2Config& config) {
  globals = {};
  scr1 = config.scr1_reset;
  implementation = {};
  for (auto* words : {&smr, &s2cr}) std::ranges::fill(*words, 0);
  std::ranges::fill(ssd, config.ssdr_reset);
  std::ranges::fill(banks, BankRegisters{});
  const auto reset_global = [&](SecurityState of, std::uint32_t cr0, std::uint32_t acr) {
    global(of).cr0 = kept_cr0(features, config, of, cr0).set(SMMU_sCR0::CLIENTPD, true);
    global(of).acr = kept_acr(config, of, acr);
  };
  reset_global(SecurityState::kNonSecure, config.cr0_reset, config.acr_reset);
  reset_global(SecurityState::kSecure, config.scr0_reset, config.sacr_reset);
  for (std::uint32_t i = 0; i != banks.size(); ++i) {
    BankRegisters& bank = banks[i];
    bank.cbar = kept_cbar(features, i, config.cbar_reset);
    bank.sctlr = kept_sctlr(config, config.sctlr_reset);
    bank.actlr = kept_actlr(config, config.actlr_reset);
    bank.tcr2 = kept_tcr2(config, 0);
    bank.cba2r = kept_cba2r(features, owner_of_bank(i), 0);
  }
}

std::uint32_t RegistersV2::non_secure_banks() const {
  if (!features.secure) return features.num_banks;
  return std::min<std::uint32_t>(scr1[SMMU_SCR1::NSNUMCBO], features.num_banks);
}

std::uint32_t RegistersV2::non_secure_groups() const {
  if (!features.secure) return features.num_groups;
  return std::min<std::uint32_t>(scr1[SMMU_SCR1::NSNUMSMRGO], features.num_groups);
}

Vmid RegistersV2::vmid_of(const BankRegisters& bank) const {
  const auto index = static_cast<std::uint32_t>(&bank - banks.data());
  // Secure translations have no stage 2.
  if (owner_of_bank(index) == SecurityState::kSecure) return Vmid(0);
  const bool wide = global(SecurityState::kNonSecure).cr0[SMMU_sCR0::VMID16EN];
  if (wide) return Vmid(static_cast<std::uint16_t>(bank.cba2r[SMMU_CBA2Rn::VMID16]));
  return Vmid(
      static_cast<std::uint16_t>(SMMU_CBARn_Stage2(bank.cbar.raw())[SMMU_CBARn_Stage2::VMID]));
}

}  // namespace smmu::emulator
