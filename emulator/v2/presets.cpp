// Configurations by name.  docs/smmu_v2.md says what each advertises.
#include "smmu/emulator/config_v2.h"

namespace smmu::emulator {

using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::SMMU_PMCFGR;
using v2::SMMU_SCR1;

SmmuV2Config SmmuV2Config::generic() {
  SmmuV2Config config;
  config.idr0 = SMMU_IDR0()
                    .set(SMMU_IDR0::NUMSMRG, 128)
                    .set(SMMU_IDR0::EXIDS, true)
                    .set(SMMU_IDR0::NUMSIDB, 15)
                    .set(SMMU_IDR0::BTM, true)
                    .set(SMMU_IDR0::CTTW, true)
                    .set(SMMU_IDR0::NUMIRPT, 1)
                    .set(SMMU_IDR0::PTFS, v2::AArch32Formats::kShortAndLong)
                    .set(SMMU_IDR0::SMS, true)
                    .set(SMMU_IDR0::NTS, true)
                    .set(SMMU_IDR0::S2TS, true)
                    .set(SMMU_IDR0::S1TS, true)
                    .set(SMMU_IDR0::SES, true);
  config.idr1 = SMMU_IDR1()
                    .set(SMMU_IDR1::NUMCB, 128)
                    .set(SMMU_IDR1::NUMSSDNDXB, 15)
                    .set(SMMU_IDR1::SMCD, true)
                    .set(SMMU_IDR1::HAFDBS, v2::HardwareUpdates::kAccessFlagAndDirtyState)
                    .set(SMMU_IDR1::NUMPAGENDXB, 6);
  config.idr2 = SMMU_IDR2()
                    .set(SMMU_IDR2::IAS, OutputSize::k48Bits)
                    .set(SMMU_IDR2::OAS, OutputSize::k48Bits)
                    .set(SMMU_IDR2::UBS, v2::UpstreamSize::k49Bits)
                    .set(SMMU_IDR2::PTFSv8_4kB, true)
                    .set(SMMU_IDR2::PTFSv8_16kB, true)
                    .set(SMMU_IDR2::PTFSv8_64kB, true)
                    .set(SMMU_IDR2::VMID16S, true)
                    .set(SMMU_IDR2::E2HS, true)
                    .set(SMMU_IDR2::HADS, true)
                    .set(SMMU_IDR2::DIPANS, true);
  config.idr7 = v2::SMMU_IDR7().set(v2::SMMU_IDR7::MAJOR, 2);
  // SMMUv2, by PIDR2.
  config.id_block = {0, 0, 0, 0, 0, 0, 0x10, 0, 0x0d, 0xf0, 0x05, 0xb1};
  config.scr1_reset = SMMU_SCR1()
                          .set(SMMU_SCR1::NSNUMCBO, 128)
                          .set(SMMU_SCR1::NSNUMSMRGO, 128)
                          .set(SMMU_SCR1::NSNUMIRPTO, 1);
  // Four groups of four.
  config.pmcfgr =
      SMMU_PMCFGR().set(SMMU_PMCFGR::N, 15).set(SMMU_PMCFGR::SIZE, 31).set(SMMU_PMCFGR::NCG, 3);
  return config;
}

SmmuV2Config SmmuV2Config::pages_64k() {
  SmmuV2Config config = generic();
  config.idr1.set(SMMU_IDR1::PAGESIZE, true);
  return config;
}

namespace {

// What all of them have in common (DDI 0517).
SmmuV2Config of_mmu_500() {
  SmmuV2Config config;
  config.idr2 = SMMU_IDR2(0x0000'5555);
  config.idr7 = v2::SMMU_IDR7(0x0000'0021);
  config.id_block = {0x04, 0, 0, 0, 0x81, 0xb4, 0x1b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  config.scr0_reset = 0x0020'0001;
  config.cr0_reset = 0x0020'0001;
  config.sacr_reset = 0x0400'0004;
  config.acr_reset = 0x0400'001c;
  config.cbar_reset = 0x0002'0000;
  config.sctlr_reset = 0x0000'0100;
  config.actlr_reset = 0x0000'0003;
  config.mmu_500 = true;
  config.has_stall_control = false;
  config.has_configuration_access_control = false;
  config.has_conflict_control = false;
  config.has_private_asids = false;
  config.has_top_byte_control = false;
  config.early_resume = SmmuV2Config::EarlyResume::kIgnored;
  config.stall_interrupts = true;
  config.pmceid0 = 0x0003'0303;
  // A TBU's StreamIDs have ten bits of their own.
  config.counted_stream_bits = 10;
  return config;
}

}  // namespace

SmmuV2Config SmmuV2Config::mmu500_zynqmp() {
  SmmuV2Config config = of_mmu_500();
  config.idr0 = SMMU_IDR0(0xfc01'3e30);
  config.idr1 = SMMU_IDR1(0x3000'0f10);
  config.scr1_reset = SMMU_SCR1(0x0201'3010);
  config.pmcfgr = SMMU_PMCFGR(0x0501'1f17);
  return config;
}

SmmuV2Config SmmuV2Config::mmu500_stratix10() {
  SmmuV2Config config = of_mmu_500();
  config.idr0 = SMMU_IDR0(0xfc01'3e40);
  config.idr1 = SMMU_IDR1(0x4000'1f20);
  config.scr1_reset = SMMU_SCR1(0x0201'4020);
  config.pmcfgr = SMMU_PMCFGR(0x0501'1f17);
  return config;
}

SmmuV2Config SmmuV2Config::without_secure_state() const {
  SmmuV2Config config = *this;
  config.idr0.set(SMMU_IDR0::SES, false);
  config.idr1.set(SMMU_IDR1::SSDTP, v2::SecurityTable::kNone).set(SMMU_IDR1::NUMSSDNDXB, 0);
  config.scr1_reset = {};
  return config;
}

}  // namespace smmu::emulator
