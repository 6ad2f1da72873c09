#include "emulator/cli/known_tables.h"

#include "emulator/v3/context_table.h"
#include "emulator/v3/stage2_configuration.h"
#include "emulator/v3/stream_table.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

using v3::CD;
using v3::STE;

namespace {

DescriptorFormat format_of(bool aarch64) {
  return aarch64 ? DescriptorFormat::kAArch64 : DescriptorFormat::kAArch32Long;
}

emulator::SmmuV3Config configuration_of(Mmio& registers) {
  emulator::SmmuV3Config config;
  config.idr0 = registers.read<v3::SMMU_IDR0>();
  config.idr1 = registers.read<v3::SMMU_IDR1>();
  config.idr3 = registers.read<v3::SMMU_IDR3>();
  config.idr5 = registers.read<v3::SMMU_IDR5>();
  return config;
}

}  // namespace

KnownTables::KnownTables(Mmio& registers)
    : features_(configuration_of(registers)),
      e2h_(registers.read<v3::SMMU_CR2>()[v3::SMMU_CR2::E2H]) {}

void KnownTables::learn(const STE& ste) {
  ste_ = ste;
  context_ = {};
  context_.owner.world = world_of(features_, ste, e2h_);
  has_stage1_ = false;
  const auto config = ste[STE::Config];
  const bool stage2 = config == v3::SteConfig::kS2Translate || config == v3::SteConfig::kNested;
  if (!stage2 || stage2_illegal(features_, ste)) return;
  set_stage2(features_, ste, context_.regime);
}

void KnownTables::learn(const CD& cd) {
  if (cd_illegal(features_, ste_, context_.owner.world, cd)) return;
  set_stage1(features_, cd, context_);
  has_stage1_ = true;
  stage1_format_ = format_of(cd[CD::AA64]);
}

std::optional<TableTree> KnownTables::tree(unsigned stage, Iova iova) const {
  const emulator::Regime& regime = context_.regime;
  if (stage == 2) {
    if (!regime.has_stage2) return std::nullopt;
    return TableTree{regime.stage2.tables, format_of(ste_[STE::S2AA64])};
  }
  if (!has_stage1_) return std::nullopt;
  const auto address = emulator::Walker::canonical(regime, iova);
  if (!address) return std::nullopt;
  return TableTree{regime.stage1.half[address->half].tables, stage1_format_};
}

}  // namespace smmu::cli
