#include "lib/smmu_v3/features.h"

#include <fmt/format.h>

#include <algorithm>

#include "smmu/arch/v3/identification_registers.h"

namespace smmu::iommu {

using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;

namespace {

constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// 6.3.1 and 6.3.2: sizes beyond these are reserved.
constexpr unsigned kMostStreamBits = 32;
constexpr unsigned kMostSubstreamBits = 20;
constexpr unsigned kMostQueueBits = 19;
// SMMU_IDR3.BBML: a level of support, of which this is the highest.
constexpr unsigned kMostBreakBeforeMake = 2;
// A linear Stream table of this many is as much as is asked for in one piece.
constexpr unsigned kMostLinearStreamBits = 16;

std::uint64_t page_sizes(SMMU_IDR5 idr5) {
  std::uint64_t sizes = 0;
  if (idr5[SMMU_IDR5::GRAN4K]) sizes |= 4 * kKiB | 2 * kMiB | kGiB;
  if (idr5[SMMU_IDR5::GRAN16K]) sizes |= 16 * kKiB | 32 * kMiB;
  if (idr5[SMMU_IDR5::GRAN64K]) {
    sizes |= 64 * kKiB | 512 * kMiB;
    if (idr5[SMMU_IDR5::OAS] >= OutputSize::k52Bits) sizes |= 4096 * kGiB;
  }
  return sizes;
}

}  // namespace

Result<FeaturesV3, std::string> probe_v3(const SmmuV3DriverConfig& config) {
  Mmio& registers = *config.registers;
  const auto idr0 = registers.read<SMMU_IDR0>();
  const auto idr1 = registers.read<SMMU_IDR1>();
  const auto idr3 = registers.read<SMMU_IDR3>();
  const auto idr5 = registers.read<SMMU_IDR5>();

  // 6.3.1: both are what the tables and queues here are.
  const auto endianness = idr0[SMMU_IDR0::TTENDIAN];
  if (endianness != SMMU_IDR0::Endianness::kMixed && endianness != SMMU_IDR0::Endianness::kLittle)
    return std::string("SMMU_IDR0.TTENDIAN: the SMMU does not read little-endian tables");
  if (!idr0[SMMU_IDR0::S1P] && !idr0[SMMU_IDR0::S2P])
    return std::string("SMMU_IDR0: the SMMU has neither stage of translation");
  const auto formats = idr0[SMMU_IDR0::TTF];
  if (formats != SMMU_IDR0::TableFormats::kAArch64 && formats != SMMU_IDR0::TableFormats::kBoth)
    return std::string("SMMU_IDR0.TTF: the SMMU has no VMSAv8-64 tables");
  if (idr1[SMMU_IDR1::TABLES_PRESET] || idr1[SMMU_IDR1::QUEUES_PRESET])
    return std::string("SMMU_IDR1: the places of tables or queues are fixed");
  if (idr1[SMMU_IDR1::REL])
    return std::string("SMMU_IDR1.REL: bases of tables and queues are no addresses");

  FeaturesV3 features;
  features.stage1 = idr0[SMMU_IDR0::S1P];
  features.stage2 = idr0[SMMU_IDR0::S2P];
  features.coherent =
      config.coherency ? *config.coherency == WalkCoherency::kCoherent : idr0[SMMU_IDR0::COHACC];
  features.hypervisor = idr0[SMMU_IDR0::Hyp];
  features.ats = idr0[SMMU_IDR0::ATS];
  features.page_requests = features.ats && idr0[SMMU_IDR0::PRI];
  features.messages = idr0[SMMU_IDR0::MSI];
  features.wake_up = idr0[SMMU_IDR0::SEV];
  features.two_level_streams = idr0[SMMU_IDR0::ST_LEVEL] != 0;
  features.two_level_contexts = idr0[SMMU_IDR0::CD2L];
  features.ranges = idr3[SMMU_IDR3::RIL];
  features.long_ranges = idr5[SMMU_IDR5::DS];
  features.forced_write_back = idr3[SMMU_IDR3::FWB];
  features.execute_never_by_level = idr3[SMMU_IDR3::XNX];
  features.type_overrides = idr1[SMMU_IDR1::ATTR_TYPES_OVR];
  const auto updates = idr0[SMMU_IDR0::HTTU];
  // The SMMU's updates and the CPU's have to see each other.
  features.access_flags = features.coherent && updates != SMMU_IDR0::FlagUpdates::kNone;
  features.dirty_flags = features.access_flags && updates != SMMU_IDR0::FlagUpdates::kAccess;
  features.aborts_alone = idr0[SMMU_IDR0::TERM_MODEL];
  features.stalls = idr0[SMMU_IDR0::STALL_MODEL];
  if (features.stalls != StallModel::kStallOrTerminate &&
      features.stalls != StallModel::kStallForced)
    features.stalls = StallModel::kTerminate;

  if (idr1[SMMU_IDR1::SIDSIZE] > kMostStreamBits)
    return fmt::format("SMMU_IDR1.SIDSIZE: no SMMU has StreamIDs of {} bits",
                       idr1[SMMU_IDR1::SIDSIZE]);
  features.stream_bits = std::min(idr1[SMMU_IDR1::SIDSIZE], config.stream_bits);
  if (!features.two_level_streams && features.stream_bits > kMostLinearStreamBits)
    return fmt::format("SMMU_IDR0.ST_LEVEL: a linear Stream table for {} bits is too large",
                       features.stream_bits);
  features.substream_bits =
      features.stage1 ? std::min(idr1[SMMU_IDR1::SSIDSIZE], kMostSubstreamBits) : 0;
  features.log2_commands = std::min({idr1[SMMU_IDR1::CMDQS], kMostQueueBits, config.log2_commands});
  features.log2_events = std::min({idr1[SMMU_IDR1::EVENTQS], kMostQueueBits, config.log2_events});
  features.log2_page_requests =
      std::min({idr1[SMMU_IDR1::PRIQS], kMostQueueBits, config.log2_page_requests});
  features.asid_bits = std::min(idr0[SMMU_IDR0::ASID16] ? 16U : 8U, config.asid_bits);
  features.vmid_bits = std::min(idr0[SMMU_IDR0::VMID16] ? 16U : 8U, config.vmid_bits);

  features.output_size = std::min(idr5[SMMU_IDR5::OAS], OutputSize::k52Bits);
  features.input_bits = idr5[SMMU_IDR5::VAX] == SMMU_IDR5::VirtualSize::k48Bits ? 48 : 52;
  // 6.3.4: level 3 is reserved, and promises nothing.
  features.break_before_make =
      idr3[SMMU_IDR3::BBML] <= kMostBreakBeforeMake ? std::uint32_t{idr3[SMMU_IDR3::BBML]} : 0;
  features.page_sizes = page_sizes(idr5);
  if (features.page_sizes == 0)
    return std::string("SMMU_IDR5: the SMMU has no granule of translation");

  using SyncSignal = SmmuV3DriverConfig::SyncSignal;
  if (config.sync == SyncSignal::kMessage && !(features.messages && features.coherent))
    return std::string("sync: the SMMU has no messages, or writes past the caches");
  if (config.sync == SyncSignal::kWakeUp && !features.wake_up)
    return std::string("sync: SMMU_IDR0.SEV is 0");
  if (config.world == SmmuV3DriverConfig::World::kEl2 && !(features.hypervisor && features.stage1))
    return std::string("world: SMMU_IDR0.Hyp is 0");
  return features;
}

}  // namespace smmu::iommu
