// Configurations of counter groups by name.
#include "smmu/emulator/counter_group.h"

namespace smmu::emulator {

CounterGroupConfig CounterGroupConfig::everything() {
  using v3::SMMU_PMCG_CFGR;
  using v3::SMMU_PMCG_PMDEVARCH;
  using v3::SMMU_PMCG_PMDEVTYPE;
  CounterGroupConfig config;
  config.cfgr = SMMU_PMCG_CFGR()
                    .set(SMMU_PMCG_CFGR::NCTR, 63)
                    .set(SMMU_PMCG_CFGR::SIZE, SMMU_PMCG_CFGR::CounterSize::k64Bits)
                    .set(SMMU_PMCG_CFGR::RELOC_CTRS, true)
                    .set(SMMU_PMCG_CFGR::MSI, true)
                    .set(SMMU_PMCG_CFGR::CAPTURE, true);
  config.aidr = v3::SMMU_PMCG_AIDR(0x4);
  const auto word = [&](std::uint32_t offset) -> std::uint32_t& {
    return config.id_block[(offset - 0xFB0) / 4];
  };
  // 10.5.2.29: what is the same for everybody.
  word(SMMU_PMCG_PMDEVARCH::kOffset) = SMMU_PMCG_PMDEVARCH()
                                           .set(SMMU_PMCG_PMDEVARCH::ARCHID, 0x2A56)
                                           .set(SMMU_PMCG_PMDEVARCH::PRESENT, true)
                                           .set(SMMU_PMCG_PMDEVARCH::ARCHITECT, 0x23B)
                                           .raw();
  word(SMMU_PMCG_PMDEVTYPE::kOffset) = SMMU_PMCG_PMDEVTYPE()
                                           .set(SMMU_PMCG_PMDEVTYPE::Class, 6)
                                           .set(SMMU_PMCG_PMDEVTYPE::SubType, 5)
                                           .raw();
  word(v3::SMMU_PMCG_PIDR2::kOffset) =
      v3::SMMU_PMCG_PIDR2().set(v3::SMMU_PMCG_PIDR2::JEDEC, true).raw();
  word(v3::SMMU_PMCG_CIDR0::kOffset) = 0x0D;
  word(v3::SMMU_PMCG_CIDR1::kOffset) =
      v3::SMMU_PMCG_CIDR1().set(v3::SMMU_PMCG_CIDR1::CLASS, 9).raw();
  word(v3::SMMU_PMCG_CIDR2::kOffset) = 0x05;
  word(v3::SMMU_PMCG_CIDR3::kOffset) = 0xB1;
  config.secure_state = true;
  return config;
}

}  // namespace smmu::emulator
