#include "emulator/cli/register_layouts_v2.h"

#include <string_view>

#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::RegisterSpace;
using namespace v2;

constexpr RegisterInfo kSecurityTable[] = {register_info<SMMU_SSDRn>("SMMU_SSDRn")};

constexpr RegisterInfo kOthersOfGlobal0[] = {
    register_info<SMMU_sACR_MMU500>("SMMU_sACR_MMU500"),
    register_info<SMMU_sGPAR_Long>("SMMU_sGPAR_Long"),
    register_info<SMMU_sGPAR_Short>("SMMU_sGPAR_Short"),
    register_info<SMMU_sGPAR_Fault>("SMMU_sGPAR_Fault"),
    register_info<SMMU_SMRn_EXIDENABLE>("SMMU_SMRn_EXIDENABLE"),
    register_info<SMMU_S2CRn_Translation>("SMMU_S2CRn_Translation"),
    register_info<SMMU_S2CRn_Bypass>("SMMU_S2CRn_Bypass"),
};

constexpr RegisterInfo kOthersOfGlobal1[] = {
    register_info<SMMU_CBARn_Stage2>("SMMU_CBARn_Stage2"),
    register_info<SMMU_CBARn_Stage1Stage2Bypass>("SMMU_CBARn_Stage1Stage2Bypass"),
    register_info<SMMU_CBARn_Nested>("SMMU_CBARn_Nested"),
};

constexpr RegisterInfo kOthersOfBank[] = {
    register_info<SMMU_CBn_SCTLR_Stage2>("SMMU_CBn_SCTLR_Stage2"),
    register_info<SMMU_CBn_ACTLR_MMU500>("SMMU_CBn_ACTLR_MMU500"),
    register_info<SMMU_CBn_TTBR0_AArch64>("SMMU_CBn_TTBR0_AArch64"),
    register_info<SMMU_CBn_TTBR0_Long>("SMMU_CBn_TTBR0_Long"),
    register_info<SMMU_CBn_TTBR0_Short>("SMMU_CBn_TTBR0_Short"),
    register_info<SMMU_CBn_TTBR0_Stage2>("SMMU_CBn_TTBR0_Stage2"),
    register_info<SMMU_CBn_TTBR1_AArch64>("SMMU_CBn_TTBR1_AArch64"),
    register_info<SMMU_CBn_TTBR1_Long>("SMMU_CBn_TTBR1_Long"),
    register_info<SMMU_CBn_TTBR1_Short>("SMMU_CBn_TTBR1_Short"),
    register_info<SMMU_CBn_TCR_AArch64>("SMMU_CBn_TCR_AArch64"),
    register_info<SMMU_CBn_TCR_Long>("SMMU_CBn_TCR_Long"),
    register_info<SMMU_CBn_TCR_Short>("SMMU_CBn_TCR_Short"),
    register_info<SMMU_CBn_TCR_Stage2_AArch64>("SMMU_CBn_TCR_Stage2_AArch64"),
    register_info<SMMU_CBn_TCR_Stage2_AArch32>("SMMU_CBn_TCR_Stage2_AArch32"),
    register_info<SMMU_CBn_CONTEXTIDR_Long>("SMMU_CBn_CONTEXTIDR_Long"),
    register_info<SMMU_CBn_CONTEXTIDR_Short>("SMMU_CBn_CONTEXTIDR_Short"),
    register_info<SMMU_CBn_PRRR>("SMMU_CBn_PRRR"),
    register_info<SMMU_CBn_NMRR>("SMMU_CBn_NMRR"),
    register_info<SMMU_CBn_PAR_Long>("SMMU_CBn_PAR_Long"),
    register_info<SMMU_CBn_PAR_Short>("SMMU_CBn_PAR_Short"),
    register_info<SMMU_CBn_PAR_Fault>("SMMU_CBn_PAR_Fault"),
    register_info<SMMU_CBn_TLBIVA_AArch64>("SMMU_CBn_TLBIVA_AArch64"),
    register_info<SMMU_CBn_TLBIVA_AArch32>("SMMU_CBn_TLBIVA_AArch32"),
    register_info<SMMU_CBn_TLBIVAA_AArch64>("SMMU_CBn_TLBIVAA_AArch64"),
    register_info<SMMU_CBn_TLBIVAA_AArch32>("SMMU_CBn_TLBIVAA_AArch32"),
    register_info<SMMU_CBn_TLBIVAL_AArch64>("SMMU_CBn_TLBIVAL_AArch64"),
    register_info<SMMU_CBn_TLBIVAL_AArch32>("SMMU_CBn_TLBIVAL_AArch32"),
    register_info<SMMU_CBn_TLBIVAAL_AArch64>("SMMU_CBn_TLBIVAAL_AArch64"),
    register_info<SMMU_CBn_TLBIVAAL_AArch32>("SMMU_CBn_TLBIVAAL_AArch32"),
};

template <class R>
R word_as(std::uint64_t word) {
  return R(static_cast<typename R::Value>(word));
}

LayoutInfo stream_layout(const LayoutInfo& common, std::uint64_t word) {
  switch (word_as<SMMU_S2CRn>(word)[SMMU_S2CRn::TYPE]) {
    case StreamType::kTranslation:
      return layout_info<SMMU_S2CRn_Translation>("SMMU_S2CRn_Translation");
    case StreamType::kBypass:
      return layout_info<SMMU_S2CRn_Bypass>("SMMU_S2CRn_Bypass");
    case StreamType::kFault:
      break;
  }
  return common;
}

LayoutInfo bank_layout(const LayoutInfo& common, std::uint64_t word) {
  switch (word_as<SMMU_CBARn>(word)[SMMU_CBARn::TYPE]) {
    case ContextType::kStage2:
      return layout_info<SMMU_CBARn_Stage2>("SMMU_CBARn_Stage2");
    case ContextType::kStage1Stage2Bypass:
      return layout_info<SMMU_CBARn_Stage1Stage2Bypass>("SMMU_CBARn_Stage1Stage2Bypass");
    case ContextType::kNested:
      return layout_info<SMMU_CBARn_Nested>("SMMU_CBARn_Nested");
    case ContextType::kStage1Stage2Fault:
      break;
  }
  return common;
}

}  // namespace

std::span<const RegisterInfo> registers_of(RegisterSpace space) {
  switch (space) {
    case RegisterSpace::kGlobal0:
      return kGlobalSpace0;
    case RegisterSpace::kGlobal1:
      return kGlobalSpace1;
    case RegisterSpace::kMonitors:
      return kPerformanceMonitors;
    case RegisterSpace::kSecurityTable:
      return kSecurityTable;
    case RegisterSpace::kBank:
      return kContextBank;
    case RegisterSpace::kImplementation:
    case RegisterSpace::kNowhere:
      break;
  }
  return {};
}

std::span<const RegisterInfo> other_layouts_of(RegisterSpace space) {
  switch (space) {
    case RegisterSpace::kGlobal0:
      return kOthersOfGlobal0;
    case RegisterSpace::kGlobal1:
      return kOthersOfGlobal1;
    case RegisterSpace::kBank:
      return kOthersOfBank;
    case RegisterSpace::kMonitors:
    case RegisterSpace::kSecurityTable:
    case RegisterSpace::kImplementation:
    case RegisterSpace::kNowhere:
      break;
  }
  return {};
}

LayoutInfo layout_chosen_by(const LayoutInfo& layout, std::uint64_t word) {
  const std::string_view name = layout.name;
  if (name == "SMMU_S2CRn") return stream_layout(layout, word);
  if (name == "SMMU_CBARn") return bank_layout(layout, word);
  // The lists have these with the layout of success.
  if (name == "SMMU_CBn_PAR" && word_as<SMMU_CBn_PAR_Fault>(word)[SMMU_CBn_PAR_Fault::F]) {
    return layout_info<SMMU_CBn_PAR_Fault>("SMMU_CBn_PAR_Fault");
  }
  const bool global = name == "SMMU_sGPAR" || name == "SMMU_NSGPAR";
  if (global && word_as<SMMU_sGPAR_Fault>(word)[SMMU_sGPAR_Fault::F]) {
    return layout_info<SMMU_sGPAR_Fault>(name == "SMMU_sGPAR" ? "SMMU_sGPAR_Fault"
                                                              : "SMMU_NSGPAR_Fault");
  }
  return layout;
}

}  // namespace smmu::cli
