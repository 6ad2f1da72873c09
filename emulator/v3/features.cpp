#include "emulator/v3/features.h"

#include <algorithm>
#include <bit>

#include "emulator/pmcg/counter_group_objection.h"
#include "emulator/v3/architecture_version.h"
#include "emulator/v3/enhanced_command_queues.h"

namespace smmu::emulator {

using v3::SMMU_AIDR;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR2;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::SMMU_IDR6;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR2;
using v3::SMMU_S_IDR3;
using v3::SMMU_S_IDR6;

Features::Features(const SmmuV3Config& config, SecurityState of)
    : security(of),
      idr0(config.idr0),
      idr1(config.idr1),
      idr3(config.idr3),
      idr5(config.idr5),
      smmu_has_stage2(config.idr0[SMMU_IDR0::S2P]),
      atc_invalidation(config.idr0[SMMU_IDR0::ATS]),
      page_responses(config.idr0[SMMU_IDR0::PRI]),
      output_bits(address_bits(config.idr5[SMMU_IDR5::OAS])),
      // 3.4: VMSAv8-32 knows addresses of 40 bits.
      input_bits(has(TableFormat::kAArch32) ? std::max(output_bits, 40U) : output_bits),
      stream_bits(config.idr1[SMMU_IDR1::SIDSIZE]),
      substream_bits(config.idr1[SMMU_IDR1::SSIDSIZE]) {
  if (security == SecurityState::kSecure) {
    idr1.set(SMMU_IDR1::ECMDQ, config.s_idr0[SMMU_S_IDR0::ECMDQ]);
    stream_bits = config.s_idr1[SMMU_S_IDR1::S_SIDSIZE];
    const bool sel2 = config.s_idr1[SMMU_S_IDR1::SEL2];
    const bool sams = config.s_idr3[SMMU_S_IDR3::SAMS];
    atc_invalidation = atc_invalidation && !sams;
    page_responses = page_responses && !sams;
    // 3.10.2.1: ATS and PRI are of Non-secure streams.
    idr0.set(SMMU_IDR0::MSI, config.s_idr0[SMMU_S_IDR0::MSI])
        .set(SMMU_IDR0::STALL_MODEL, config.s_idr0[SMMU_S_IDR0::STALL_MODEL])
        .set(SMMU_IDR0::S2P, sel2)
        .set(SMMU_IDR0::Hyp, sel2)
        .set(SMMU_IDR0::ATS, false)
        .set(SMMU_IDR0::PRI, false)
        .set(SMMU_IDR0::ATSRECERR, false);
    // 6.3.90: SMMU_S_VATOS_* need a Secure EL2.
    if (!sel2) idr0.set(SMMU_IDR0::VATOS, false);
  }
}

bool Features::has(Granule granule) const {
  switch (granule) {
    case Granule::k4K:
      return idr5[SMMU_IDR5::GRAN4K];
    case Granule::k16K:
      return idr5[SMMU_IDR5::GRAN16K];
    case Granule::k64K:
      return idr5[SMMU_IDR5::GRAN64K];
  }
  return false;
}

std::uint64_t Features::smallest_granule() const {
  if (has(Granule::k4K)) return 4096;
  return has(Granule::k16K) ? 16384 : 65536;
}

bool Features::has(TableFormat format) const {
  const auto one = format == TableFormat::kAArch32 ? SMMU_IDR0::TableFormats::kLpae
                                                   : SMMU_IDR0::TableFormats::kAArch64;
  return (static_cast<unsigned>(idr0[SMMU_IDR0::TTF]) & static_cast<unsigned>(one)) != 0;
}

Tcu::Conflicts Features::conflicts() const {
  switch (idr3[SMMU_IDR3::BBML]) {
    case 0:
      return Tcu::Conflicts::kPossible;
    case 1:
      return Tcu::Conflicts::kNotOfNt;
    default:
      return Tcu::Conflicts::kNever;
  }
}

namespace {

bool whole_or_none(const CacheGeometry& geometry) {
  return geometry.sets == 0 ||
         (std::has_single_bit(geometry.sets) && std::has_single_bit(geometry.ways));
}

}  // namespace

std::optional<std::string> objection(const SmmuV3Config& config) {
  const SMMU_IDR0 idr0 = config.idr0;
  const SMMU_IDR1 idr1 = config.idr1;
  const SMMU_IDR3 idr3 = config.idr3;
  const SMMU_IDR5 idr5 = config.idr5;
  const unsigned oas = static_cast<unsigned>(idr5[SMMU_IDR5::OAS]);
  const unsigned st_level = idr0[SMMU_IDR0::ST_LEVEL];
  const unsigned vatos_page = config.idr2[SMMU_IDR2::BA_VATOS];
  const SMMU_S_IDR6 s_idr6 = config.s_idr6;
  const bool stage1 = idr0[SMMU_IDR0::S1P];
  const bool stage2 = idr0[SMMU_IDR0::S2P];
  const bool secure = config.s_idr1[SMMU_S_IDR1::SECURE_IMPL];
  const bool secure_vatos = config.s_idr1[SMMU_S_IDR1::SEL2] && idr0[SMMU_IDR0::VATOS];
  const unsigned secure_vatos_page = config.s_idr2[SMMU_S_IDR2::BA_S_VATOS];
  const bool secure_ecmdq = config.s_idr0[SMMU_S_IDR0::ECMDQ];
  const auto is_among = [](unsigned page, bool present, std::uint32_t first, unsigned log2_pages) {
    // SMMU_IDR2 counts from 0x20000.
    const unsigned first_page = (first >> EnhancedCommandQueues::kLog2Page) - 2;
    return present && page >= first_page && (page - first_page) >> log2_pages == 0;
  };
  const auto in_command_queue_pages = [&](unsigned page) {
    return is_among(page, idr1[SMMU_IDR1::ECMDQ], EnhancedCommandQueues::kFirstPage,
                    config.idr6[SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP]) ||
           is_among(page, secure_ecmdq, EnhancedCommandQueues::kFirstSecurePage,
                    s_idr6[SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP]);
  };

  const struct {
    bool objectionable;
    const char* sentence;
  } rules[] = {
      // Bits that mean nothing.
      {(idr0.raw() & ~named_bits<SMMU_IDR0>()) != 0, "SMMU_IDR0 has a reserved bit set"},
      {(config.idr2.raw() & ~named_bits<SMMU_IDR2>()) != 0, "SMMU_IDR2 has a reserved bit set"},
      {(idr3.raw() & ~named_bits<SMMU_IDR3>()) != 0, "SMMU_IDR3 has a reserved bit set"},
      {(idr5.raw() & ~named_bits<SMMU_IDR5>()) != 0, "SMMU_IDR5 has a reserved bit set"},
      {(config.idr6.raw() & ~named_bits<SMMU_IDR6>()) != 0, "SMMU_IDR6 has a reserved bit set"},
      {(config.aidr.raw() & ~named_bits<SMMU_AIDR>()) != 0, "SMMU_AIDR has a reserved bit set"},

      // SMMU_IDR0
      {!stage1 && !stage2, "SMMU_IDR0.S1P and S2P are 0: an SMMU translates at one stage at least"},
      {static_cast<unsigned>(idr0[SMMU_IDR0::TTF]) == 0,
       "SMMU_IDR0.TTF is 0b00, which is reserved"},
      {(static_cast<unsigned>(idr0[SMMU_IDR0::TTF]) & 1) != 0 && !idr5[SMMU_IDR5::GRAN4K],
       "SMMU_IDR0.TTF has VMSAv8-32 tables, which need SMMU_IDR5.GRAN4K"},
      {idr0[SMMU_IDR0::BTM], "SMMU_IDR0.BTM is 1: broadcast TLB maintenance is not modelled"},
      {static_cast<unsigned>(idr0[SMMU_IDR0::HTTU]) == 3,
       "SMMU_IDR0.HTTU is 0b11: Access flags of Table descriptors are not modelled"},
      {idr0[SMMU_IDR0::Hyp] && !(stage1 && stage2), "SMMU_IDR0.Hyp is 1: it needs both stages"},
      {idr0[SMMU_IDR0::VMW] && !stage2, "SMMU_IDR0.VMW is 1: it needs stage 2, S2P"},
      {idr0[SMMU_IDR0::NS1ATS] && !(idr0[SMMU_IDR0::ATS] && stage1 && stage2),
       "SMMU_IDR0.NS1ATS is 1: it is about SMMU_IDR0.ATS with both stages"},
      {idr0[SMMU_IDR0::PRI] && !idr0[SMMU_IDR0::ATS], "SMMU_IDR0.PRI is 1: it needs SMMU_IDR0.ATS"},
      {idr0[SMMU_IDR0::VATOS] && !idr0[SMMU_IDR0::ATOS],
       "SMMU_IDR0.VATOS is 1: it needs SMMU_IDR0.ATOS"},
      {idr0[SMMU_IDR0::VATOS] && !(stage1 && stage2),
       "SMMU_IDR0.VATOS is 1: it needs both stages, SMMU_IDR0.S1P and S2P"},
      {idr0[SMMU_IDR0::ATSRECERR] && !idr0[SMMU_IDR0::ATS],
       "SMMU_IDR0.ATSRECERR is 1: it needs SMMU_IDR0.ATS"},
      {static_cast<unsigned>(idr0[SMMU_IDR0::TTENDIAN]) == 0b01,
       "SMMU_IDR0.TTENDIAN is 0b01, which is reserved"},
      {idr0[SMMU_IDR0::STALL_MODEL] > StallModel::kStallForced,
       "SMMU_IDR0.STALL_MODEL is 0b11, which is reserved"},
      {st_level > 1, "SMMU_IDR0.ST_LEVEL is 0b10 or 0b11, which are reserved"},
      {st_level == 0 && idr1[SMMU_IDR1::SIDSIZE] >= 7,
       "SMMU_IDR0.ST_LEVEL is 0: with SMMU_IDR1.SIDSIZE 7 or more, two-level tables are mandatory"},
      {idr0[SMMU_IDR0::RME_IMPL], "SMMU_IDR0.RME_IMPL is 1: realms are not modelled"},

      // SMMU_IDR1
      {idr1[SMMU_IDR1::SIDSIZE] > 32, "SMMU_IDR1.SIDSIZE is above 32"},
      {idr1[SMMU_IDR1::SSIDSIZE] > 20, "SMMU_IDR1.SSIDSIZE is above 20"},
      {idr1[SMMU_IDR1::EVENTQS] > 19, "SMMU_IDR1.EVENTQS is above 19"},
      {idr1[SMMU_IDR1::CMDQS] > 19, "SMMU_IDR1.CMDQS is above 19"},
      {idr1[SMMU_IDR1::PRIQS] > 19, "SMMU_IDR1.PRIQS is above 19"},
      {idr1[SMMU_IDR1::REL], "SMMU_IDR1.REL is 1: preset base addresses are not modelled"},
      {idr1[SMMU_IDR1::QUEUES_PRESET],
       "SMMU_IDR1.QUEUES_PRESET is 1: preset queues are not modelled"},
      {idr1[SMMU_IDR1::TABLES_PRESET],
       "SMMU_IDR1.TABLES_PRESET is 1: preset tables are not modelled"},
      {idr1[SMMU_IDR1::ECMDQ] && !idr0[SMMU_IDR0::COHACC],
       "SMMU_IDR1.ECMDQ is 1: it needs SMMU_IDR0.COHACC"},
      {idr1[SMMU_IDR1::ECMDQ] && !idr0[SMMU_IDR0::MSI],
       "SMMU_IDR1.ECMDQ is 1: it needs SMMU_IDR0.MSI"},

      // SMMU_IDR2
      {config.idr2[SMMU_IDR2::BA_VATOS] != 0 && !idr0[SMMU_IDR0::VATOS],
       "SMMU_IDR2.BA_VATOS is not 0: there is no VATOS page, SMMU_IDR0.VATOS"},
      {idr0[SMMU_IDR0::VATOS] && in_command_queue_pages(vatos_page),
       "SMMU_IDR2.BA_VATOS is where the Command queue control pages are"},

      // SMMU_IDR3
      {idr3[SMMU_IDR3::HAD] && !stage1, "SMMU_IDR3.HAD is 1: it needs stage 1, SMMU_IDR0.S1P"},
      {idr3[SMMU_IDR3::PTWNNC] && !stage2,
       "SMMU_IDR3.PTWNNC is 1: it needs stage 2, SMMU_IDR0.S2P"},
      {idr3[SMMU_IDR3::MTEPERM] && !stage2,
       "SMMU_IDR3.MTEPERM is 1: it needs stage 2, SMMU_IDR0.S2P"},
      {idr3[SMMU_IDR3::PBHA],
       "SMMU_IDR3.PBHA is 1: page-based hardware attributes are not modelled"},
      {idr3[SMMU_IDR3::PPS] && (!idr0[SMMU_IDR0::PRI] || idr1[SMMU_IDR1::SSIDSIZE] == 0),
       "SMMU_IDR3.PPS is 1: it needs SMMU_IDR0.PRI and SubstreamIDs"},
      {idr3[SMMU_IDR3::MPAM], "SMMU_IDR3.MPAM is 1: MPAM is not modelled"},
      {idr3[SMMU_IDR3::BBML] == 0b11, "SMMU_IDR3.BBML is 0b11, which is reserved"},
      {idr3[SMMU_IDR3::DPT], "SMMU_IDR3.DPT is 1: device permission tables are not modelled"},
      {idr3[SMMU_IDR3::PASIDTT],
       "SMMU_IDR3.PASIDTT is 1: PASIDs of translated transactions are not modelled"},
      {idr3[SMMU_IDR3::S1PI], "SMMU_IDR3.S1PI is 1: permission indirection is not modelled"},
      {idr3[SMMU_IDR3::S2PI], "SMMU_IDR3.S2PI is 1: permission indirection is not modelled"},
      {idr3[SMMU_IDR3::S2PO], "SMMU_IDR3.S2PO is 1: permission overlays are not modelled"},
      {idr3[SMMU_IDR3::THE], "SMMU_IDR3.THE is 1: translation hardening is not modelled"},
      {idr3[SMMU_IDR3::AIE], "SMMU_IDR3.AIE is 1: attribute index extension is not modelled"},

      // SMMU_IDR5
      {oas > 6, "SMMU_IDR5.OAS is 0b111: 56-bit addresses are not modelled"},
      {oas == 6 && !idr5[SMMU_IDR5::GRAN64K] && !idr5[SMMU_IDR5::DS],
       "SMMU_IDR5.OAS is 0b110: 52-bit addresses need SMMU_IDR5.GRAN64K or DS"},
      {!idr5[SMMU_IDR5::GRAN4K] && !idr5[SMMU_IDR5::GRAN16K] && !idr5[SMMU_IDR5::GRAN64K],
       "SMMU_IDR5 has no granule: one of GRAN4K, GRAN16K and GRAN64K must be 1"},
      {idr5[SMMU_IDR5::DS] && !idr5[SMMU_IDR5::GRAN4K] && !idr5[SMMU_IDR5::GRAN16K],
       "SMMU_IDR5.DS is 1: it is for the granules of GRAN4K and GRAN16K"},
      {idr5[SMMU_IDR5::DS] && static_cast<unsigned>(idr5[SMMU_IDR5::VAX]) == 0,
       "SMMU_IDR5.DS is 1: it needs virtual addresses of 52 bits, SMMU_IDR5.VAX"},
      {idr5[SMMU_IDR5::D128], "SMMU_IDR5.D128 is 1: 128-bit descriptors are not modelled"},
      {static_cast<unsigned>(idr5[SMMU_IDR5::VAX]) > 1,
       "SMMU_IDR5.VAX is above 0b01: virtual addresses above 52 bits are not modelled"},
      {static_cast<unsigned>(idr5[SMMU_IDR5::VAX]) == 1 && !idr5[SMMU_IDR5::GRAN64K] &&
           !idr5[SMMU_IDR5::DS],
       "SMMU_IDR5.VAX is 0b01: virtual addresses of 52 bits need SMMU_IDR5.GRAN64K or DS"},
      {idr5[SMMU_IDR5::STALL_MAX] != 0 && idr0[SMMU_IDR0::STALL_MODEL] == StallModel::kTerminate,
       "SMMU_IDR5.STALL_MAX is not 0: SMMU_IDR0.STALL_MODEL says that nothing stalls"},
      {idr5[SMMU_IDR5::STALL_MAX] == 0 && idr0[SMMU_IDR0::STALL_MODEL] != StallModel::kTerminate,
       "SMMU_IDR5.STALL_MAX is 0: SMMU_IDR0.STALL_MODEL says that transactions stall"},

      // SMMU_IDR6
      {config.idr6.raw() != 0 && !idr1[SMMU_IDR1::ECMDQ],
       "SMMU_IDR6 is not 0: there are no Enhanced Command queues, SMMU_IDR1.ECMDQ"},
      {config.idr6[SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP] > 8,
       "SMMU_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP is above 8"},
      {config.idr6[SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ] > 8,
       "SMMU_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ is above 8"},

      // The Secure registers.
      {!secure && (config.s_idr0.raw() | config.s_idr1.raw() | config.s_idr2.raw() |
                   config.s_idr3.raw() | config.s_idr4.raw() | config.s_idr6.raw()) != 0,
       "SMMU_S_IDR1.SECURE_IMPL is 0: the other Secure identification bits must be, too"},
      {(config.s_idr0.raw() & ~named_bits<SMMU_S_IDR0>()) != 0,
       "SMMU_S_IDR0 has a reserved bit set"},
      {(config.s_idr1.raw() & ~named_bits<SMMU_S_IDR1>()) != 0,
       "SMMU_S_IDR1 has a reserved bit set"},
      {(config.s_idr3.raw() & ~named_bits<SMMU_S_IDR3>()) != 0,
       "SMMU_S_IDR3 has a reserved bit set"},
      {(config.s_idr2.raw() & ~named_bits<SMMU_S_IDR2>()) != 0,
       "SMMU_S_IDR2 has a reserved bit set"},
      {config.s_idr2[SMMU_S_IDR2::BA_S_VATOS] != 0 && !idr0[SMMU_IDR0::VATOS],
       "SMMU_S_IDR2.BA_S_VATOS is not 0: there is no S_VATOS page, SMMU_IDR0.VATOS"},
      {secure_vatos && secure_vatos_page == vatos_page,
       "SMMU_S_IDR2.BA_S_VATOS is where SMMU_IDR2.BA_VATOS is"},
      {secure_vatos && in_command_queue_pages(secure_vatos_page),
       "SMMU_S_IDR2.BA_S_VATOS is where the Command queue control pages are"},
      {secure && !idr0[SMMU_IDR0::S1P],
       "SMMU_S_IDR1.SECURE_IMPL is 1: it needs stage 1, SMMU_IDR0.S1P"},
      {config.s_idr1[SMMU_S_IDR1::S_SIDSIZE] > 32, "SMMU_S_IDR1.S_SIDSIZE is above 32"},
      {secure && st_level == 0 && config.s_idr1[SMMU_S_IDR1::S_SIDSIZE] >= 7,
       "SMMU_IDR0.ST_LEVEL is 0: with SMMU_S_IDR1.S_SIDSIZE 7 or more, two-level tables are "
       "mandatory"},
      {config.s_idr1[SMMU_S_IDR1::SEL2] && !(idr0[SMMU_IDR0::S1P] && idr0[SMMU_IDR0::S2P]),
       "SMMU_S_IDR1.SEL2 is 1: it needs both stages, SMMU_IDR0.S1P and S2P"},
      {secure && config.s_idr0[SMMU_S_IDR0::STALL_MODEL] != idr0[SMMU_IDR0::STALL_MODEL],
       "SMMU_S_IDR0.STALL_MODEL is not SMMU_IDR0.STALL_MODEL"},
      {secure_ecmdq && !idr0[SMMU_IDR0::COHACC],
       "SMMU_S_IDR0.ECMDQ is 1: it needs SMMU_IDR0.COHACC"},
      {secure_ecmdq && !config.s_idr0[SMMU_S_IDR0::MSI],
       "SMMU_S_IDR0.ECMDQ is 1: it needs SMMU_S_IDR0.MSI"},
      {(s_idr6.raw() & ~named_bits<SMMU_S_IDR6>()) != 0, "SMMU_S_IDR6 has a reserved bit set"},
      {s_idr6.raw() != 0 && !secure_ecmdq,
       "SMMU_S_IDR6 is not 0: there are no Secure Enhanced Command queues, SMMU_S_IDR0.ECMDQ"},
      {s_idr6[SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP] > 8,
       "SMMU_S_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP is above 8"},
      {s_idr6[SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ] > 8,
       "SMMU_S_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ is above 8"},
      {!idr0[SMMU_IDR0::ATS] && config.s_idr3[SMMU_S_IDR3::SAMS],
       "SMMU_S_IDR3.SAMS is 1: it is of ATS, SMMU_IDR0.ATS"},

      {config.aidr[SMMU_AIDR::ArchMajorRev] != 0 || config.aidr[SMMU_AIDR::ArchMinorRev] > 4,
       "SMMU_AIDR is above 0x04: the model ends at SMMUv3.4"},

      // What is not a register.
      {config.most_stalled == 0 || config.most_stalled > (1U << 16),
       "most_stalled is 0 or above 2^16"},
      {!std::has_single_bit(config.caching.main_tlb.sets) ||
           !std::has_single_bit(config.caching.main_tlb.ways),
       "caching.main_tlb: sets and ways must be powers of two"},
      {!std::has_single_bit(config.caching.configuration.sets) ||
           !std::has_single_bit(config.caching.configuration.ways),
       "caching.configuration: sets and ways must be powers of two"},
      {!whole_or_none(config.caching.stage2),
       "caching.stage2: sets and ways must be powers of two"},
      {!whole_or_none(config.caching.walk), "caching.walk: sets and ways must be powers of two"},
      {std::uint64_t{config.caching.main_tlb.sets} * config.caching.main_tlb.ways > (1U << 24) ||
           std::uint64_t{config.caching.configuration.sets} * config.caching.configuration.ways >
               (1U << 24) ||
           std::uint64_t{config.caching.stage2.sets} * config.caching.stage2.ways > (1U << 24) ||
           std::uint64_t{config.caching.walk.sets} * config.caching.walk.ways > (1U << 24),
       "caching: a cache has more than 2^24 entries"},
      {config.caching.cap == 0, "caching.cap is 0"},
      {config.caching.cap > (1U << 20), "caching.cap is above 2^20 entries"},
  };
  for (const auto& rule : rules) {
    if (rule.objectionable) return rule.sentence;
  }
  if (auto sentence = version_objection(config)) return sentence;
  return counter_group_objection(config);
}

}  // namespace smmu::emulator
