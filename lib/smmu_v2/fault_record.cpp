#include "lib/smmu_v2/fault_record.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace smmu::iommu {

using v2::SMMU_CBFRSYNRAn;
using v2::SMMU_CBn_FAR;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_FSYNR0;
using v2::SMMU_sGFAR;
using v2::SMMU_sGFSR;
using v2::SMMU_sGFSYNR0;
using v2::SMMU_sGFSYNR1;

namespace {

// "SMMU_CBn_FSR 0x402 (TF, FORMAT 2)": a word, and its fields that are not 0.
template <class R>
std::string fields_of(std::string_view name, const R& value) {
  std::string text = fmt::format("{} {:#x}", name, value.raw());
  const char* separator = " (";
  for_each_field(value, [&](const char* field, std::uint64_t bits) {
    if (bits == 0) return;
    fmt::format_to(std::back_inserter(text), "{}{}", separator, field);
    if (bits != 1) fmt::format_to(std::back_inserter(text), " {}", bits);
    separator = ", ";
  });
  if (separator[0] == ',') text += ')';
  return text;
}

FaultReason reason_of(SMMU_CBn_FSR fsr) {
  if (fsr[SMMU_CBn_FSR::TF]) return FaultReason::kTranslation;
  if (fsr[SMMU_CBn_FSR::ASF]) return FaultReason::kAddressSize;
  if (fsr[SMMU_CBn_FSR::AFF]) return FaultReason::kAccessFlag;
  if (fsr[SMMU_CBn_FSR::PF]) return FaultReason::kPermission;
  if (fsr[SMMU_CBn_FSR::EF]) return FaultReason::kExternalAbort;
  if (fsr[SMMU_CBn_FSR::TLBMCF] || fsr[SMMU_CBn_FSR::TLBLKF]) return FaultReason::kTlbConflict;
  if (fsr[SMMU_CBn_FSR::UUT]) return FaultReason::kUnsupported;
  return FaultReason::kConfiguration;
}

}  // namespace

Fault ContextFaultRecord::fault(PgtableFormat format) const {
  const Iova address(far[SMMU_CBn_FAR::FADDR]);
  Fault fault{
      .reason = reason_of(fsr),
      .stream = StreamId(cbfrsynra[SMMU_CBFRSYNRAn::StreamID]),
      .iova = address,
      .direction = fsynr0[SMMU_CBn_FSYNR0::WNR] ? FaultDirection::kWrite : FaultDirection::kRead,
      .instruction = fsynr0[SMMU_CBn_FSYNR0::IND],
      .privileged = fsynr0[SMMU_CBn_FSYNR0::PNU],
      .stalled = fsr[SMMU_CBn_FSR::SS],
      .record = sentence(),
  };
  // What comes into stage 2 alone is an address of it.
  if (is_stage2(format)) fault.ipa = Ipa(address.value);
  return fault;
}

std::string ContextFaultRecord::sentence() const {
  return fmt::format("context bank {}: {}, SMMU_CBn_FAR {:#x}, {}, {}", bank,
                     fields_of("SMMU_CBn_FSR", fsr), far.raw(),
                     fields_of("SMMU_CBn_FSYNR0", fsynr0), fields_of("SMMU_CBFRSYNRAn", cbfrsynra));
}

std::string GlobalFaultRecord::sentence() const {
  std::string text = gfsr[SMMU_sGFSR::USF] ? fmt::format("no device has the stream {:#x}",
                                                         gfsynr1[SMMU_sGFSYNR1::StreamID])
                                           : std::string("the SMMU met a global fault");
  fmt::format_to(std::back_inserter(text), ": {}, {}, {}, SMMU_sGFSYNR2 {:#x}, SMMU_sGFAR {:#x}",
                 fields_of("SMMU_sGFSR", gfsr), fields_of("SMMU_sGFSYNR0", gfsynr0),
                 fields_of("SMMU_sGFSYNR1", gfsynr1), gfsynr2.raw(), gfar.raw());
  return text;
}

}  // namespace smmu::iommu
