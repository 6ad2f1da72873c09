#include "lib/smmu_v2/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "smmu/arch/v2/identification_registers.h"

namespace smmu::iommu {

using v2::AArch32Formats;
using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::UpstreamSize;

namespace {

// There are no more SMMU_SMRn, SMMU_S2CRn and context banks.
constexpr std::uint32_t kMostGroups = 128;
constexpr std::uint32_t kMostBanks = 128;

// What tables without 52-bit addresses can map, whatever is promised.
constexpr unsigned kMostBits = 48;

constexpr std::uint64_t kSizes4K = 0x1000 | 0x20'0000 | 0x4000'0000;
constexpr std::uint64_t kSizes16K = 0x4000 | 0x200'0000;
constexpr std::uint64_t kSizes64K = 0x1'0000 | 0x2000'0000;

unsigned bits_of(OutputSize size) { return std::min(address_bits(size), kMostBits); }

// Reserved codes: the widest, as those of OutputSize.
unsigned bits_of(UpstreamSize size) {
  switch (size) {
    case UpstreamSize::k32Bits:
      return 32;
    case UpstreamSize::k36Bits:
      return 36;
    case UpstreamSize::k40Bits:
      return 40;
    case UpstreamSize::k42Bits:
      return 42;
    case UpstreamSize::k44Bits:
      return 44;
    case UpstreamSize::k49Bits:
    case UpstreamSize::k64Bits:
      break;
  }
  return kMostBits;
}

// IAS and OAS have four bits, and codes from 0b1000 on mean nothing.
OutputSize known(OutputSize size) { return std::min(size, OutputSize::k48Bits); }

std::string read_idr0(SMMU_IDR0 idr0, SmmuV2Features& features) {
  features.stage1 = idr0[SMMU_IDR0::S1TS];
  features.stage2 = idr0[SMMU_IDR0::S2TS];
  if (!features.stage1 && !features.stage2) {
    return "the SMMU translates nothing: SMMU_IDR0.S1TS and S2TS are 0";
  }
  features.translation_operations = features.stage1 && !idr0[SMMU_IDR0::ATOSNS];
  features.coherency = idr0[SMMU_IDR0::CTTW] ? WalkCoherency::kCoherent : WalkCoherency::kNone;

  features.matches_streams = idr0[SMMU_IDR0::SMS];
  features.extended_stream_ids = idr0[SMMU_IDR0::EXIDS];
  features.stream_mask =
      features.extended_stream_ids ? 0xffff : (1U << idr0[SMMU_IDR0::NUMSIDB]) - 1;
  if (features.matches_streams) {
    features.groups = std::min(idr0[SMMU_IDR0::NUMSMRG], kMostGroups);
    if (features.groups == 0) {
      return "the SMMU matches streams and has no groups for it: SMMU_IDR0.NUMSMRG is 0";
    }
    features.mask_mask = features.stream_mask;
  } else {
    features.groups = std::min(features.stream_mask + 1, kMostGroups);
  }

  // The reserved code is read as none.
  const AArch32Formats formats = idr0[SMMU_IDR0::PTFS];
  features.short_descriptors = formats == AArch32Formats::kShortAndLong && features.stage1;
  features.long_descriptors =
      formats == AArch32Formats::kShortAndLong || formats == AArch32Formats::kLong;
  return {};
}

std::string read_idr1(SMMU_IDR1 idr1, SmmuV2Features& features) {
  features.page_bytes = idr1[SMMU_IDR1::PAGESIZE] ? 1U << 16 : 1U << 12;
  features.pages = 2U << idr1[SMMU_IDR1::NUMPAGENDXB];
  features.banks = idr1[SMMU_IDR1::NUMCB];
  features.stage2_banks = idr1[SMMU_IDR1::NUMS2CB];
  if (features.banks > features.pages || features.banks > kMostBanks) {
    return fmt::format("SMMU_IDR1.NUMCB is {}, and there is room for {} context banks",
                       features.banks, std::min(features.pages, kMostBanks));
  }
  if (features.stage2_banks > features.banks) {
    return fmt::format("SMMU_IDR1.NUMS2CB is {}, more than the {} context banks there are",
                       features.stage2_banks, features.banks);
  }
  return {};
}

std::string read_idr2(SMMU_IDR2 idr2, SmmuV2Features& features) {
  features.ipa_bits = bits_of(known(idr2[SMMU_IDR2::IAS]));
  features.output_bits = bits_of(known(idr2[SMMU_IDR2::OAS]));
  features.upstream_bits = bits_of(idr2[SMMU_IDR2::UBS]);
  features.vmid16 = idr2[SMMU_IDR2::VMID16S];
  if (idr2[SMMU_IDR2::PTFSv8_4kB]) features.page_sizes |= kSizes4K;
  if (idr2[SMMU_IDR2::PTFSv8_16kB]) features.page_sizes |= kSizes16K;
  if (idr2[SMMU_IDR2::PTFSv8_64kB]) features.page_sizes |= kSizes64K;
  return {};
}

// What the configuration leaves of the formats.
std::string choose_formats(const SmmuV2DriverConfig& config, SmmuV2Features& features) {
  using Formats = SmmuV2DriverConfig::Formats;
  const bool halves = config.register_access == SmmuV2DriverConfig::RegisterAccess::k32Bits;
  if (halves || config.formats != Formats::kWidest) features.page_sizes = 0;
  if (config.formats == Formats::kAArch32Short && !features.short_descriptors) {
    return "the configuration wants short descriptors, which the SMMU does not have";
  }
  // AArch64 and long descriptors are wider.
  if (config.formats != Formats::kAArch32Short) features.short_descriptors = false;
  if (features.page_sizes != 0 || features.long_descriptors || features.short_descriptors)
    return {};
  if (halves)
    return "without accesses of 64 bits tables have to be of AArch32, which the SMMU has not";
  if (config.formats == Formats::kAArch32Long) {
    return "the configuration wants long descriptors, which the SMMU does not have";
  }
  return "the SMMU has no format of tables: SMMU_IDR0.PTFS and SMMU_IDR2.PTFSv8";
}

}  // namespace

Result<SmmuV2Features, std::string> probe(const SmmuV2DriverConfig& config) {
  Mmio& registers = *config.registers;
  SmmuV2Features features;
  std::string error = read_idr0(registers.read<SMMU_IDR0>(), features);
  if (error.empty()) error = read_idr1(registers.read<SMMU_IDR1>(), features);
  if (error.empty()) error = read_idr2(registers.read<SMMU_IDR2>(), features);
  if (error.empty()) error = choose_formats(config, features);
  if (!error.empty()) return error;
  if (config.context_interrupts < features.banks) {
    return fmt::format("{} context banks have {} interrupts", features.banks,
                       config.context_interrupts);
  }
  if (config.coherency) features.coherency = *config.coherency;
  return features;
}

}  // namespace smmu::iommu
