#include "emulator/v2/features.h"

#include <algorithm>

namespace smmu::emulator {

using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::UpstreamSize;

namespace {

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
      return 49;
    case UpstreamSize::k64Bits:
      return 64;
  }
  return 49;
}

}  // namespace

FeaturesV2::FeaturesV2(const SmmuV2Config& config)
    : idr0(config.idr0),
      idr1(config.idr1),
      idr2(config.idr2),
      page_bits(idr1[SMMU_IDR1::PAGESIZE] ? 16 : 12),
      half_pages(2U << idr1[SMMU_IDR1::NUMPAGENDXB]),
      num_banks(idr1[SMMU_IDR1::NUMCB]),
      num_stage2_banks(idr1[SMMU_IDR1::NUMS2CB]),
      // Where streams index there is a group for each.
      num_groups(idr0[SMMU_IDR0::SMS] ? idr0[SMMU_IDR0::NUMSMRG]
                                      : std::min(128U, 1U << idr0[SMMU_IDR0::NUMSIDB])),
      stream_mask((1U << idr0[SMMU_IDR0::NUMSIDB]) - 1),
      extended_stream_mask(0xffff),
      input_bits(address_bits(idr2[SMMU_IDR2::IAS])),
      output_bits(address_bits(idr2[SMMU_IDR2::OAS])),
      bus_bits(bits_of(idr2[SMMU_IDR2::UBS])),
      matches_streams(idr0[SMMU_IDR0::SMS]),
      translates_on_request(!idr0[SMMU_IDR0::ATOSNS]),
      secure(idr0[SMMU_IDR0::SES]) {}

bool FeaturesV2::has(Granule granule) const {
  switch (granule) {
    case Granule::k4K:
      return idr2[SMMU_IDR2::PTFSv8_4kB];
    case Granule::k16K:
      return idr2[SMMU_IDR2::PTFSv8_16kB];
    case Granule::k64K:
      return idr2[SMMU_IDR2::PTFSv8_64kB];
  }
  return false;
}

}  // namespace smmu::emulator
