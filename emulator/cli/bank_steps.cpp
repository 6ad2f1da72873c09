#include "emulator/cli/bank_steps.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "emulator/cli/register_layouts_v2.h"
#include "emulator/v2/stage1_of_bank.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::BankRegisters;
using emulator::FeaturesV2;
using v2::SMMU_CBn_SCTLR;
using v2::TranslationFormat;

// Which layouts the registers of a bank have.
struct BankLayouts {
  LayoutInfo sctlr;
  LayoutInfo tcr;
  LayoutInfo ttbr0;
  LayoutInfo ttbr1;
};

BankLayouts layouts_of(bool stage2, TranslationFormat format) {
  using namespace v2;
  if (stage2) {
    const LayoutInfo base = layout_info<SMMU_CBn_TTBR0_Stage2>("SMMU_CBn_TTBR0_Stage2");
    return {layout_info<SMMU_CBn_SCTLR_Stage2>("SMMU_CBn_SCTLR_Stage2"),
            format == TranslationFormat::kAArch64
                ? layout_info<SMMU_CBn_TCR_Stage2_AArch64>("SMMU_CBn_TCR_Stage2_AArch64")
                : layout_info<SMMU_CBn_TCR_Stage2_AArch32>("SMMU_CBn_TCR_Stage2_AArch32"),
            base, base};
  }
  const LayoutInfo sctlr = layout_info<SMMU_CBn_SCTLR>("SMMU_CBn_SCTLR");
  switch (format) {
    case TranslationFormat::kAArch64:
      break;
    case TranslationFormat::kAArch32Long:
      return {sctlr, layout_info<SMMU_CBn_TCR_Long>("SMMU_CBn_TCR_Long"),
              layout_info<SMMU_CBn_TTBR0_Long>("SMMU_CBn_TTBR0_Long"),
              layout_info<SMMU_CBn_TTBR1_Long>("SMMU_CBn_TTBR1_Long")};
    case TranslationFormat::kAArch32Short:
      return {sctlr, layout_info<SMMU_CBn_TCR_Short>("SMMU_CBn_TCR_Short"),
              layout_info<SMMU_CBn_TTBR0_Short>("SMMU_CBn_TTBR0_Short"),
              layout_info<SMMU_CBn_TTBR1_Short>("SMMU_CBn_TTBR1_Short")};
  }
  return {sctlr, layout_info<SMMU_CBn_TCR_AArch64>("SMMU_CBn_TCR_AArch64"),
          layout_info<SMMU_CBn_TTBR0_AArch64>("SMMU_CBn_TTBR0_AArch64"),
          layout_info<SMMU_CBn_TTBR1_AArch64>("SMMU_CBn_TTBR1_AArch64")};
}

// "AArch64: VA64 is 1".
std::string format_text(const FeaturesV2& features, const BankRegisters& bank) {
  switch (emulator::format_of(features, bank)) {
    case TranslationFormat::kAArch64:
      return features.only_aarch64() ? "AArch64, the only format there is" : "AArch64: VA64 is 1";
    case TranslationFormat::kAArch32Long:
      if (bank.is_stage2()) return "AArch32, long descriptors: VA64 is 0";
      return v2::SMMU_CBn_TCR_Long(bank.tcr)[v2::SMMU_CBn_TCR_Long::EAE]
                 ? "AArch32, long descriptors: VA64 is 0, EAE is 1"
                 : "AArch32, long descriptors, the only ones there are for it";
    case TranslationFormat::kAArch32Short:
      return "AArch32, short descriptors: VA64 is 0, EAE is 0";
  }
  return "";
}

// The attributes that descriptors choose from.
void tell_attributes(const BankRegisters& bank, const std::string& name, TranslationFormat format,
                     std::vector<Step>& steps) {
  using namespace v2;
  if (format == TranslationFormat::kAArch32Short) {
    if (!bank.sctlr[SMMU_CBn_SCTLR::TRE]) return;
    steps.push_back(
        register_step(name + "PRRR", layout_info<SMMU_CBn_PRRR>("SMMU_CBn_PRRR"), bank.mair0));
    steps.push_back(
        register_step(name + "NMRR", layout_info<SMMU_CBn_NMRR>("SMMU_CBn_NMRR"), bank.mair1));
    return;
  }
  steps.push_back(
      register_step(name + "MAIR0", layout_info<SMMU_CBn_MAIR0>("SMMU_CBn_MAIR0"), bank.mair0));
  if (bank.mair1 == 0) return;
  steps.push_back(
      register_step(name + "MAIR1", layout_info<SMMU_CBn_MAIR1>("SMMU_CBn_MAIR1"), bank.mair1));
}

}  // namespace

Step register_step(std::string title, const LayoutInfo& layout, std::uint64_t value) {
  return {.title = std::move(title),
          .address = std::nullopt,
          .words = {value},
          .detail = "",
          .fields = fields_that_matter(layout, std::array{value})};
}

DescriptorFormat descriptor_format(const emulator::RegistersV2& registers, std::uint32_t bank) {
  switch (emulator::format_of(registers.features, registers.banks[bank])) {
    case TranslationFormat::kAArch32Short:
      return DescriptorFormat::kAArch32Short;
    case TranslationFormat::kAArch32Long:
      return DescriptorFormat::kAArch32Long;
    case TranslationFormat::kAArch64:
      break;
  }
  return DescriptorFormat::kAArch64;
}

void tell_bank(const StreamMeaning& meaning, std::uint32_t index, std::vector<Step>& steps) {
  const FeaturesV2& features = meaning.registers.features;
  const BankRegisters& bank = meaning.bank(index);
  const bool stage2 = bank.is_stage2();
  const TranslationFormat format = emulator::format_of(features, bank);
  const BankLayouts layouts = layouts_of(stage2, format);
  const std::string name = bank_name(index);

  steps.push_back(
      register_step(fmt::format("SMMU_CBAR{}", index),
                    layout_chosen_by(layout_info<v2::SMMU_CBARn>("SMMU_CBARn"), bank.cbar.raw()),
                    bank.cbar.raw()));
  steps.push_back(register_step(fmt::format("SMMU_CBA2R{}", index),
                                layout_info<v2::SMMU_CBA2Rn>("SMMU_CBA2Rn"), bank.cba2r.raw()));
  steps.push_back(register_step(name + "SCTLR", layouts.sctlr, bank.sctlr.raw()));
  if (!bank.sctlr[SMMU_CBn_SCTLR::M]) {
    steps.back().detail = "M 0: it does not translate";
    return;
  }
  steps.push_back(register_step(name + "TCR", layouts.tcr, bank.tcr));
  steps.back().detail = format_text(features, bank);
  if (!stage2 && format == TranslationFormat::kAArch64) {
    steps.push_back(register_step(name + "TCR2", layout_info<v2::SMMU_CBn_TCR2>("SMMU_CBn_TCR2"),
                                  bank.tcr2.raw()));
  }
  steps.push_back(register_step(name + "TTBR0", layouts.ttbr0, bank.ttbr0));
  if (stage2) return;
  const auto canonical =
      emulator::Walker::canonical(meaning.context.regime, meaning.transaction.address);
  constexpr char kChosen[] = "the address is of this half";
  if (canonical && canonical->half == 0) steps.back().detail = kChosen;
  if ((canonical && canonical->half == 1) || bank.ttbr1 != 0) {
    steps.push_back(register_step(name + "TTBR1", layouts.ttbr1, bank.ttbr1));
    if (canonical && canonical->half == 1) steps.back().detail = kChosen;
  }
  tell_attributes(bank, name, format, steps);
}

}  // namespace smmu::cli
