#include "emulator/cli/fault_v2.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/bank_steps.h"
#include "emulator/cli/descriptor_step.h"
#include "emulator/v2/stage1_of_bank.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::MappingFault;
using v2::SMMU_CBn_FSR;
using v2::SMMU_sGFSR;

// The last descriptor of a stage; null: none of it was read.
const Step* last_descriptor(const std::vector<Step>& steps, unsigned stage) {
  const std::string_view prefix = stage == 1 ? "Level " : "Stage 2 Level ";
  const auto found = std::find_if(steps.rbegin(), steps.rend(),
                                  [&](const Step& step) { return step.title.starts_with(prefix); });
  return found == steps.rend() ? nullptr : &*found;
}

std::string why_mapping(const StreamMeaning& meaning, MappingFault fault) {
  const std::string s2cr = meaning.group ? fmt::format("SMMU_S2CR{}", *meaning.group) : "";
  switch (fault) {
    case MappingFault::kUnidentifiedStream:
      return "No group matches the stream, and SMMU_sCR0.USFCFG is 1.";
    case MappingFault::kStreamMatchConflict:
      return "Several groups match the stream, and SMMU_sCR0.SMCFCFG is 1.";
    case MappingFault::kUnimplementedBank:
      return s2cr + ".CBNDX is a bank that is not there, or not of this Security state.";
    case MappingFault::kInvalidContext:
      if (!meaning.stage1 && !meaning.stage2) return s2cr + ".TYPE says fault.";
      return fmt::format("SMMU_CBAR{}.TYPE wants a stage that is not there for this stream.",
                         meaning.stage1 ? *meaning.stage1 : *meaning.stage2);
    case MappingFault::kUnimplementedNestedBank:
      return fmt::format("SMMU_CBAR{}.CBNDX is a bank that is not there.", *meaning.stage1);
    case MappingFault::kInvalidNestedContext:
      return fmt::format("SMMU_CBAR{}.CBNDX is a bank that is not of stage 2.", *meaning.stage1);
    case MappingFault::kUnderFault:
    case MappingFault::kUnderStall:
      break;
  }
  return "Another fault is outstanding.";
}

std::string why_global(const StreamMeaning& meaning, std::uint32_t status) {
  const SMMU_sGFSR gfsr(status);
  if (const auto* fault = std::get_if<emulator::ConfigurationFault>(&meaning.context.fault);
      meaning.context.action == emulator::Context::Action::kFault && fault != nullptr) {
    return why_mapping(meaning, static_cast<MappingFault>(fault->code));
  }
  if (gfsr[SMMU_sGFSR::ICF] && meaning.stage1) {
    return fmt::format("SMMU_CBAR{}.TYPE says fault for all that needs a stage 2, tables included.",
                       *meaning.stage1);
  }
  if (gfsr[SMMU_sGFSR::EF]) {
    return fmt::format("{} SMMU_SCR1.GEFRO is 1, so that Secure software is told and not the bank.",
                       kWhyAborted);
  }
  if (gfsr[SMMU_sGFSR::PF]) {
    return "SMMU_SCR1.SIF is 1: a Secure device fetches no instructions from Non-secure addresses.";
  }
  return "The system does not support such a transaction.";
}

std::string why_permission(const Step& last) {
  for (const DecodedField& field : last.fields) {
    if (field.name == "S2AP")
      return fmt::format("S2AP {} ({}) does not allow it.", field.value_text(), field.meaning);
  }
  return why_forbidden(last);
}

// The tool's device cannot wait; others may.
std::string would_stall(const StreamMeaning& meaning, std::uint32_t bank) {
  const bool stalls =
      meaning.bank(bank).sctlr[v2::SMMU_CBn_SCTLR::CFCFG] && !meaning.cr0()[v2::SMMU_sCR0::STALLD];
  if (!stalls) return "";
  return fmt::format(" A device that can wait would stall, because {}SCTLR.CFCFG is 1.",
                     bank_name(bank));
}

// No descriptor is at fault: the walk was not begun.
std::string why_no_walk(const StreamMeaning& meaning, unsigned stage, std::uint32_t bank) {
  const std::string name = bank_name(bank);
  if (stage == 2)
    return name +
           "TCR does not translate this address: it is beyond T0SZ, or T0SZ, "
           "SL0 and TG0 do not go together.";
  const auto canonical =
      emulator::Walker::canonical(meaning.context.regime, meaning.transaction.address);
  if (!canonical) return name + "TCR does not translate this address: it is of neither half.";
  const emulator::Stage1Half& half = meaning.context.regime.stage1.half[canonical->half];
  if (half.tables.refusal == emulator::Refusal::kTranslation)
    return fmt::format("{}TCR.T{}SZ is out of range.", name, canonical->half);
  if (!half.enabled) {
    return fmt::format("{}TCR disables this half: EPD{} is 1, or the bank has one half alone.",
                       name, canonical->half);
  }
  return name + "TCR does not translate this address: it is of neither half.";
}

std::string why_context(const StreamMeaning& meaning, std::uint32_t bank, std::uint32_t status,
                        const std::vector<Step>& steps) {
  const SMMU_CBn_FSR fsr(status);
  const unsigned stage = meaning.stage2 == bank ? 2 : 1;
  const Step* last = last_descriptor(steps, stage);
  if (fsr[SMMU_CBn_FSR::TF]) {
    if (last != nullptr && is_invalid(*last)) return why_invalid(*last);
    return why_no_walk(meaning, stage, bank);
  }
  if (fsr[SMMU_CBn_FSR::AFF]) return kWhyAccessFlag;
  if (fsr[SMMU_CBn_FSR::PF]) {
    return last != nullptr ? why_permission(*last) : "The access is not permitted.";
  }
  if (fsr[SMMU_CBn_FSR::EF]) return kWhyAborted;
  if (fsr[SMMU_CBn_FSR::ASF]) {
    return "An address, of a table or of what it leads to, is larger than PASize, SMMU_IDR2.IAS or "
           "SMMU_IDR2.OAS allow.";
  }
  return "The system does not support such a transaction.";
}

}  // namespace

std::vector<Step> tell_fault(SessionV2& session, const emulator::FaultRecorded& fault) {
  std::vector<Step> steps;
  const auto tell = [&](SecurityState security, const std::string& name, const LayoutInfo& layout) {
    steps.push_back(register_step("SMMU_" + name, layout, session.read(security, name)));
  };
  if (!fault.bank) {
    tell(fault.security, "sGFSR", layout_info<SMMU_sGFSR>("SMMU_sGFSR"));
    if (fault.security == SecurityState::kSecure) steps.back().detail = "the Secure copy";
    tell(fault.security, "sGFSYNR0", layout_info<v2::SMMU_sGFSYNR0>("SMMU_sGFSYNR0"));
    tell(fault.security, "sGFSYNR1", layout_info<v2::SMMU_sGFSYNR1>("SMMU_sGFSYNR1"));
    tell(fault.security, "sGFAR", layout_info<v2::SMMU_sGFAR>("SMMU_sGFAR"));
    return steps;
  }
  const std::string bank = fmt::format("CB{}_", *fault.bank);
  const SecurityState security = fault.security;
  tell(security, bank + "FSR", layout_info<SMMU_CBn_FSR>("SMMU_CBn_FSR"));
  tell(security, bank + "FSYNR0", layout_info<v2::SMMU_CBn_FSYNR0>("SMMU_CBn_FSYNR0"));
  tell(security, bank + "FAR", layout_info<v2::SMMU_CBn_FAR>("SMMU_CBn_FAR"));
  const v2::SMMU_CBARn cbar(
      static_cast<std::uint32_t>(session.read(security, fmt::format("CBAR{}", *fault.bank))));
  if (cbar[v2::SMMU_CBARn::TYPE] == v2::ContextType::kStage2) {
    tell(security, bank + "IPAFAR", layout_info<v2::SMMU_CBn_IPAFAR>("SMMU_CBn_IPAFAR"));
  }
  tell(security, fmt::format("CBFRSYNRA{}", *fault.bank),
       layout_info<v2::SMMU_CBFRSYNRAn>("SMMU_CBFRSYNRAn"));
  return steps;
}

std::string why_not(const StreamMeaning& meaning, const Recorder& recorder,
                    const emulator::Outcome& outcome, const std::vector<Step>& steps) {
  const auto* terminated = std::get_if<emulator::Terminated>(&outcome);
  if (terminated == nullptr) return "";
  if (recorder.faults().empty()) {
    return "The address is larger than SMMU_IDR2.OAS allows. It bypasses the banks, so that nobody "
           "is told.";
  }
  const emulator::FaultRecorded& fault = recorder.faults().front();
  std::string why = fault.bank ? why_context(meaning, *fault.bank, fault.status, steps)
                               : why_global(meaning, fault.status);
  if (fault.bank) why += would_stall(meaning, *fault.bank);
  if (terminated->response != emulator::Response::kRazWi) return why;
  return fmt::format("{} The device sees no error, because {} is 0.", why,
                     fault.bank ? fmt::format("{}SCTLR.CFRE", bank_name(*fault.bank))
                                : std::string("SMMU_sCR0.GFRE"));
}

}  // namespace smmu::cli
