// What ports with ATS and page requests ask of a programming interface
// (IHI 0070, 3.9.1 and 8.1).
#include "emulator/v3/programming_interface.h"
#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using v3::SMMU_CR0ACK;
using v3::SMMU_CR2;
using v3::SMMU_IDR0;

AtsRules ProgrammingInterface::ats_rules() const {
  return {.present = config_.idr0[SMMU_IDR0::ATS],
          .checked = registers_.get<SMMU_CR0ACK>()[SMMU_CR0ACK::ATSCHK],
          .unit = features_.smallest_granule()};
}

bool ProgrammingInterface::records_ats() const {
  return registers_.get<SMMU_CR2>()[SMMU_CR2::REC_CFG_ATS];
}

bool ProgrammingInterface::records(const ConfigurationFault& fault) const {
  return fault.code != static_cast<std::uint8_t>(v3::EventType::C_BAD_STREAMID) ||
         registers_.get<SMMU_CR2>()[SMMU_CR2::RECINVSID];
}

// 3.9.1.2
void ProgrammingInterface::refuse(const TranslationRequest& request, const Transaction& transaction,
                                  const Fault& fault) {
  if (std::holds_alternative<AtsForbidden>(fault)) {
    record(event_record(request, AtsForbidden{}), false);
  } else if (const auto* configuration = std::get_if<ConfigurationFault>(&fault)) {
    if (records_ats() && records(*configuration)) {
      record(event_record(transaction, *configuration),
             configuration->mergeable || always_mergeable(*configuration));
    }
  } else if (const auto* translation = std::get_if<TranslationFault>(&fault)) {
    if (records_ats()) {
      record(event_record(features_.security, transaction, *translation), translation->mergeable);
    }
  }
}

void ProgrammingInterface::on_page_request(const PageRequest& request) {
  // Without PRI it is as with one that is switched off.
  if (!features_.idr0[SMMU_IDR0::PRI] || !page_requests_.accept(request)) {
    return page_requests_.fail(request);
  }
  note(kPageRequests);
}

// 8.1
void ProgrammingInterface::on_page_request_fault(const PageRequest& request,
                                                 const ConfigurationFault& fault) {
  if (!records_ats() || !records(fault)) return;
  const Transaction transaction{
      .stream = request.stream,
      .address = request.address,
      .substream = request.pasid ? std::optional(request.pasid->substream) : std::nullopt};
  record(event_record(transaction, fault), fault.mergeable || always_mergeable(fault));
}

}  // namespace smmu::emulator
