// What an SMMUv2 cannot be.
#include <algorithm>
#include <bit>

#include "emulator/v2/features.h"

namespace smmu::emulator {

using v2::AArch32Formats;
using v2::HardwareUpdates;
using v2::SecurityTable;
using v2::SMMU_IDR0;
using v2::SMMU_IDR1;
using v2::SMMU_IDR2;
using v2::SMMU_PMCFGR;
using v2::SMMU_SCR1;
using v2::UpstreamSize;

namespace {

struct Rule {
  bool objectionable;
  const char* sentence;
};

bool whole(const CacheGeometry& geometry) {
  return std::has_single_bit(geometry.sets) && std::has_single_bit(geometry.ways) &&
         std::uint64_t{geometry.sets} * geometry.ways <= (1U << 24);
}
bool whole_or_none(const CacheGeometry& geometry) { return geometry.sets == 0 || whole(geometry); }

template <class R>
bool has_reserved_bits(R value) {
  return (value.raw() & ~named_bits<R>()) != 0;
}

const char* objection_to_id(const SmmuV2Config& config) {
  const SMMU_IDR0 idr0 = config.idr0;
  const SMMU_IDR1 idr1 = config.idr1;
  const SMMU_IDR2 idr2 = config.idr2;
  const unsigned stages = (idr0[SMMU_IDR0::S1TS] ? 1U : 0U) + (idr0[SMMU_IDR0::S2TS] ? 1U : 0U);
  const std::uint32_t pages = 2U << idr1[SMMU_IDR1::NUMPAGENDXB];
  const auto ptfs = idr0[SMMU_IDR0::PTFS];
  const auto ubs = static_cast<unsigned>(idr2[SMMU_IDR2::UBS]);
  const bool aarch64 =
      idr2[SMMU_IDR2::PTFSv8_4kB] || idr2[SMMU_IDR2::PTFSv8_16kB] || idr2[SMMU_IDR2::PTFSv8_64kB];
  const auto hafdbs = idr1[SMMU_IDR1::HAFDBS];
  const auto ssdtp = idr1[SMMU_IDR1::SSDTP];

  const Rule rules[] = {
      {stages == 0, "SMMU_IDR0 has no stage: one of S1TS and S2TS must be 1"},
      {idr0[SMMU_IDR0::NTS] && stages != 2, "SMMU_IDR0.NTS is 1: it needs S1TS and S2TS"},
      {idr0[SMMU_IDR0::NUMSIDB] > 15, "SMMU_IDR0.NUMSIDB is above 15"},
      {idr0[SMMU_IDR0::SMS] && idr0[SMMU_IDR0::NUMSMRG] == 0,
       "SMMU_IDR0.NUMSMRG is 0: SMMU_IDR0.SMS says that streams are matched"},
      {idr0[SMMU_IDR0::NUMSMRG] > 128, "SMMU_IDR0.NUMSMRG is above 128"},
      {!idr0[SMMU_IDR0::SMS] && idr0[SMMU_IDR0::NUMSIDB] > 7,
       "SMMU_IDR0.NUMSIDB is above 7: where streams index, SMMU_IDR0.SMS 0, there is room for 128"},
      {idr0[SMMU_IDR0::EXIDS] && !idr0[SMMU_IDR0::SMS],
       "SMMU_IDR0.EXIDS is 1: it is of stream matching, SMMU_IDR0.SMS"},
      {idr0[SMMU_IDR0::EXSMRGS],
       "SMMU_IDR0.EXSMRGS is 1: more than 128 stream mapping groups are not modelled"},
      {static_cast<unsigned>(ptfs) > 2, "SMMU_IDR0.PTFS is 0b11, which is reserved"},
      {ptfs == AArch32Formats::kNone && !aarch64,
       "SMMU_IDR0.PTFS is 0b10: there are no other formats, SMMU_IDR2.PTFSv8_*"},

      {idr1[SMMU_IDR1::NUMCB] == 0 || idr1[SMMU_IDR1::NUMCB] > 128,
       "SMMU_IDR1.NUMCB is 0 or above 128"},
      {idr1[SMMU_IDR1::NUMCB] > pages,
       "SMMU_IDR1.NUMCB is above the number of pages, SMMU_IDR1.NUMPAGENDXB"},
      {pages < 4, "SMMU_IDR1.NUMPAGENDXB is 0: the global half has four pages at least"},
      {ssdtp != SecurityTable::kNone && pages < 8,
       "SMMU_IDR1.SSDTP is not 0: the page of the table needs a larger SMMU_IDR1.NUMPAGENDXB"},
      {idr1[SMMU_IDR1::NUMS2CB] > idr1[SMMU_IDR1::NUMCB],
       "SMMU_IDR1.NUMS2CB is above SMMU_IDR1.NUMCB"},
      {idr1[SMMU_IDR1::NUMS2CB] != 0 && !idr0[SMMU_IDR0::S2TS],
       "SMMU_IDR1.NUMS2CB is not 0: there is no stage 2, SMMU_IDR0.S2TS"},
      {!idr0[SMMU_IDR0::S1TS] && idr1[SMMU_IDR1::NUMS2CB] != idr1[SMMU_IDR1::NUMCB],
       "SMMU_IDR1.NUMS2CB is not NUMCB: without stage 1 every bank is of stage 2"},
      {static_cast<unsigned>(hafdbs) == 2, "SMMU_IDR1.HAFDBS is 0b10, which is reserved"},
      {hafdbs != HardwareUpdates::kNone && !aarch64,
       "SMMU_IDR1.HAFDBS is not 0: it is of the formats of SMMU_IDR2.PTFSv8_*"},
      {static_cast<unsigned>(ssdtp) == 2, "SMMU_IDR1.SSDTP is 0b10, which is reserved"},
      {ssdtp != SecurityTable::kNone && !idr0[SMMU_IDR0::SES],
       "SMMU_IDR1.SSDTP is not 0: there is no Secure state, SMMU_IDR0.SES"},
      {has_reserved_bits(idr1), "SMMU_IDR1 has a reserved bit set"},

      {static_cast<unsigned>(idr2[SMMU_IDR2::IAS]) > 5, "SMMU_IDR2.IAS is above 48 bits"},
      {static_cast<unsigned>(idr2[SMMU_IDR2::OAS]) > 5, "SMMU_IDR2.OAS is above 48 bits"},
      {ubs > 5 && idr2[SMMU_IDR2::UBS] != UpstreamSize::k64Bits,
       "SMMU_IDR2.UBS has a value that is reserved"},
      {idr2[SMMU_IDR2::EXNUMSMRG] != 0,
       "SMMU_IDR2.EXNUMSMRG is not 0: more than 128 stream mapping groups are not modelled"},
      {idr2[SMMU_IDR2::COMPINDEXS],
       "SMMU_IDR2.COMPINDEXS is 1: compressed indexing is not modelled"},
      {idr2[SMMU_IDR2::VMID16S] && !idr0[SMMU_IDR0::S2TS],
       "SMMU_IDR2.VMID16S is 1: it is of stage 2, SMMU_IDR0.S2TS"},
      {(idr2[SMMU_IDR2::E2HS] || idr2[SMMU_IDR2::HADS] || idr2[SMMU_IDR2::DIPANS]) &&
           !(idr0[SMMU_IDR0::S1TS] && aarch64),
       "SMMU_IDR2.E2HS, HADS or DIPANS is 1: they are of stage 1 in the formats of PTFSv8_*"},
      {has_reserved_bits(idr2), "SMMU_IDR2 has a reserved bit set"},
      {has_reserved_bits(config.idr7), "SMMU_IDR7 has a reserved bit set"},
  };
  const auto* found = std::ranges::find_if(rules, &Rule::objectionable);
  return found == std::end(rules) ? nullptr : found->sentence;
}

const char* objection_to_the_rest(const SmmuV2Config& config) {
  const bool secure = config.idr0[SMMU_IDR0::SES];
  const SMMU_SCR1 scr1 = config.scr1_reset;
  const unsigned groups = config.pmcfgr[SMMU_PMCFGR::NCG] + 1;
  const unsigned counters = config.pmcfgr[SMMU_PMCFGR::N] + 1;

  const Rule rules[] = {
      {!secure && scr1.raw() != 0, "scr1_reset is not 0: there is no Secure state, SMMU_IDR0.SES"},
      {has_reserved_bits(scr1), "scr1_reset has a reserved bit set"},
      {scr1[SMMU_SCR1::NSNUMCBO] > config.idr1[SMMU_IDR1::NUMCB],
       "scr1_reset: NSNUMCBO is above SMMU_IDR1.NUMCB"},
      {config.idr0[SMMU_IDR0::SMS] && scr1[SMMU_SCR1::NSNUMSMRGO] > config.idr0[SMMU_IDR0::NUMSMRG],
       "scr1_reset: NSNUMSMRGO is above SMMU_IDR0.NUMSMRG"},
      {scr1[SMMU_SCR1::NSNUMIRPTO] > config.idr0[SMMU_IDR0::NUMIRPT],
       "scr1_reset: NSNUMIRPTO is above SMMU_IDR0.NUMIRPT"},

      {config.pmcfgr.raw() != 0 && config.pmcfgr[SMMU_PMCFGR::SIZE] != 31,
       "SMMU_PMCFGR.SIZE is not 31: counters have 32 bits"},
      {config.pmcfgr.raw() != 0 && counters % groups != 0,
       "SMMU_PMCFGR: N + 1 counters cannot be dealt out evenly to NCG + 1 groups"},
      {config.pmcfgr.raw() != 0 && counters / groups > 15,
       "SMMU_PMCFGR: a group has more than 15 counters"},
      {config.pmcfgr[SMMU_PMCFGR::CC] || config.pmcfgr[SMMU_PMCFGR::CCD],
       "SMMU_PMCFGR.CC or CCD is 1: there is no counter for cycles alone"},
      {config.pmcfgr.raw() != 0 && has_reserved_bits(config.pmcfgr),
       "SMMU_PMCFGR has a reserved bit set"},
      {groups > 128, "SMMU_PMCFGR.NCG is above 127"},
      {config.counted_stream_bits > 16, "counted_stream_bits is above 16"},

      {config.most_stalled == 0 || config.most_stalled > (1U << 16),
       "most_stalled is 0 or above 2^16"},
      {!whole(config.caching.main_tlb),
       "caching.main_tlb: sets and ways must be powers of two, and at most 2^24 entries"},
      {!whole(config.caching.configuration),
       "caching.configuration: sets and ways must be powers of two, and at most 2^24 entries"},
      {!whole_or_none(config.caching.stage2),
       "caching.stage2: sets and ways must be powers of two, and at most 2^24 entries"},
      {!whole_or_none(config.caching.walk),
       "caching.walk: sets and ways must be powers of two, and at most 2^24 entries"},
      {config.caching.cap == 0 || config.caching.cap > (1U << 20),
       "caching.cap is 0 or above 2^20 entries"},
  };
  const auto* found = std::ranges::find_if(rules, &Rule::objectionable);
  return found == std::end(rules) ? nullptr : found->sentence;
}

}  // namespace

std::optional<std::string> objection(const SmmuV2Config& config) {
  if (const char* sentence = objection_to_id(config)) return sentence;
  if (const char* sentence = objection_to_the_rest(config)) return sentence;
  return std::nullopt;
}

}  // namespace smmu::emulator
