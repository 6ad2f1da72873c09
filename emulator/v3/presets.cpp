// Configurations by name.  docs/features.md says what each advertises.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR2;

SmmuV3Config SmmuV3Config::everything() {
  SmmuV3Config config;
  config.idr0 = SMMU_IDR0()
                    .set(SMMU_IDR0::S2P, true)
                    .set(SMMU_IDR0::S1P, true)
                    .set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kBoth)
                    .set(SMMU_IDR0::COHACC, true)
                    .set(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kAccessAndDirty)
                    .set(SMMU_IDR0::Hyp, true)
                    .set(SMMU_IDR0::ATS, true)
                    .set(SMMU_IDR0::ASID16, true)
                    .set(SMMU_IDR0::PRI, true)
                    .set(SMMU_IDR0::VMW, true)
                    .set(SMMU_IDR0::VMID16, true)
                    .set(SMMU_IDR0::MSI, true)
                    .set(SMMU_IDR0::SEV, true)
                    .set(SMMU_IDR0::CD2L, true)
                    .set(SMMU_IDR0::ATOS, true)
                    .set(SMMU_IDR0::VATOS, true)
                    .set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kMixed)
                    .set(SMMU_IDR0::ATSRECERR, true)
                    .set(SMMU_IDR0::STALL_MODEL, StallModel::kStallOrTerminate)
                    .set(SMMU_IDR0::ST_LEVEL, 1);
  config.idr1 = SMMU_IDR1()
                    .set(SMMU_IDR1::SIDSIZE, 32)
                    .set(SMMU_IDR1::SSIDSIZE, 20)
                    .set(SMMU_IDR1::ATTR_PERMS_OVR, true)
                    .set(SMMU_IDR1::ATTR_TYPES_OVR, true)
                    .set(SMMU_IDR1::PRIQS, 19)
                    .set(SMMU_IDR1::EVENTQS, 19)
                    .set(SMMU_IDR1::CMDQS, 19)
                    .set(SMMU_IDR1::ECMDQ, true);
  config.idr3 = SMMU_IDR3()
                    .set(SMMU_IDR3::HAD, true)
                    .set(SMMU_IDR3::XNX, true)
                    .set(SMMU_IDR3::PPS, true)
                    .set(SMMU_IDR3::FWB, true)
                    .set(SMMU_IDR3::STT, true)
                    .set(SMMU_IDR3::RIL, true)
                    .set(SMMU_IDR3::BBML, 2)
                    .set(SMMU_IDR3::E0PD, true)
                    .set(SMMU_IDR3::PTWNNC, true)
                    .set(SMMU_IDR3::EPAN, true)
                    .set(SMMU_IDR3::MTEPERM, true);
  config.idr5 = SMMU_IDR5()
                    .set(SMMU_IDR5::OAS, OutputSize::k52Bits)
                    .set(SMMU_IDR5::GRAN4K, true)
                    .set(SMMU_IDR5::GRAN16K, true)
                    .set(SMMU_IDR5::GRAN64K, true)
                    .set(SMMU_IDR5::DS, true)
                    .set(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k52Bits)
                    .set(SMMU_IDR5::STALL_MAX, 256);
  // Two pages of 16 queues.
  config.idr6 = v3::SMMU_IDR6()
                    .set(v3::SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 1)
                    .set(v3::SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 4);
  config.aidr = v3::SMMU_AIDR(0x4);
  config.s_idr0 = SMMU_S_IDR0()
                      .set(SMMU_S_IDR0::MSI, true)
                      .set(SMMU_S_IDR0::STALL_MODEL, StallModel::kStallOrTerminate)
                      .set(SMMU_S_IDR0::ECMDQ, true);
  config.s_idr1 = SMMU_S_IDR1()
                      .set(SMMU_S_IDR1::S_SIDSIZE, 32)
                      .set(SMMU_S_IDR1::SEL2, true)
                      .set(SMMU_S_IDR1::SECURE_IMPL, true);
  // A page of four queues.
  config.s_idr6 = v3::SMMU_S_IDR6().set(v3::SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 2);
  // Behind the page of SMMU_VATOS_*.
  config.s_idr2 = SMMU_S_IDR2().set(SMMU_S_IDR2::BA_S_VATOS, 1);
  config.s_gbpa_reset =
      v3::SMMU_S_GBPA().set(v3::SMMU_S_GBPA::SHCFG, ShareabilityOverride::kIncoming).raw();
  config.gbpa_reset =
      v3::SMMU_GBPA().set(v3::SMMU_GBPA::SHCFG, ShareabilityOverride::kIncoming).raw();
  return config;
}

// The words of an MMU-600 whose inputs say OAS 48 bits, SEV, and coherent; what
// follows each is not modelled.
SmmuV3Config SmmuV3Config::mmu600() {
  SmmuV3Config config;
  config.idr0 = SMMU_IDR0(0x080f7e3f).set(SMMU_IDR0::BTM, false);
  config.idr1 = SMMU_IDR1(0x0e739d18);
  config.idr3 = SMMU_IDR3(0x0000003c).set(SMMU_IDR3::PBHA, false);
  config.idr5 = SMMU_IDR5(0x00400075);
  config.iidr = v3::SMMU_IIDR(0x4832243b);
  config.aidr = v3::SMMU_AIDR(0x1);
  config.id_block = {0x04, 0, 0, 0, 0x83, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  return config;
}

SmmuV3Config SmmuV3Config::qemu_virt() {
  SmmuV3Config config;
  config.idr0 = SMMU_IDR0(0x0d40101a);
  config.idr1 = SMMU_IDR1(0x02730010);
  config.idr3 = SMMU_IDR3(0x00001404);
  config.idr5 = SMMU_IDR5(0x00000074);
  config.aidr = v3::SMMU_AIDR(0x1);
  config.id_block = {0x04, 0, 0, 0, 0x84, 0xb4, 0xf0, 0x10, 0x0d, 0xf0, 0x05, 0xb1};
  return config;
}

SmmuV3Config SmmuV3Config::minimal() {
  SmmuV3Config config;
  config.idr0 = SMMU_IDR0()
                    .set(SMMU_IDR0::S1P, true)
                    .set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64)
                    .set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kLittle)
                    .set(SMMU_IDR0::STALL_MODEL, StallModel::kTerminate)
                    .set(SMMU_IDR0::TERM_MODEL, true);
  config.idr5 = SMMU_IDR5().set(SMMU_IDR5::OAS, OutputSize::k32Bits).set(SMMU_IDR5::GRAN4K, true);
  return config;
}

SmmuV3Config SmmuV3Config::without_stage1() const {
  SmmuV3Config config = *this;
  config.idr0.set(SMMU_IDR0::S1P, false)
      .set(SMMU_IDR0::Hyp, false)
      .set(SMMU_IDR0::NS1ATS, false)
      .set(SMMU_IDR0::VATOS, false);
  config.idr2.set(v3::SMMU_IDR2::BA_VATOS, 0);
  config.idr3.set(SMMU_IDR3::HAD, false)
      .set(SMMU_IDR3::PBHA, false)
      .set(SMMU_IDR3::S1PI, false)
      .set(SMMU_IDR3::THE, false)
      .set(SMMU_IDR3::AIE, false);
  // 6.3.53: Secure streams need stage 1.
  return config.without_secure_state();
}

SmmuV3Config SmmuV3Config::without_secure_state() const {
  SmmuV3Config config = *this;
  config.s_idr0 = {};
  config.s_idr1 = {};
  config.s_idr2 = {};
  config.s_idr3 = {};
  config.s_idr4 = {};
  config.s_idr6 = {};
  return config;
}

SmmuV3Config SmmuV3Config::without_stage2() const {
  SmmuV3Config config = *this;
  config.idr0.set(SMMU_IDR0::S2P, false)
      .set(SMMU_IDR0::Hyp, false)
      .set(SMMU_IDR0::NS1ATS, false)
      .set(SMMU_IDR0::VMW, false)
      .set(SMMU_IDR0::VATOS, false);
  config.idr2.set(v3::SMMU_IDR2::BA_VATOS, 0);
  config.idr3.set(SMMU_IDR3::PTWNNC, false)
      .set(SMMU_IDR3::S2PI, false)
      .set(SMMU_IDR3::S2PO, false)
      .set(SMMU_IDR3::MTEPERM, false);
  config.s_idr1.set(SMMU_S_IDR1::SEL2, false);
  config.s_idr2.set(SMMU_S_IDR2::BA_S_VATOS, 0);
  return config;
}

}  // namespace smmu::emulator
