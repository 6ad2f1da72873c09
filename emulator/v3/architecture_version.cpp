#include "emulator/v3/architecture_version.h"

#include <fmt/format.h>

#include <algorithm>

namespace smmu::emulator {

using v3::SMMU_AIDR;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;

namespace {

// Minor revisions of SMMUv3.
constexpr unsigned kNever = ~0U;

struct Feature {
  const char* field;
  bool present;
  unsigned first;      // the version that may have it
  unsigned mandatory;  // the version from which on it must be there
};

}  // namespace

std::optional<std::string> version_objection(const SmmuV3Config& config) {
  const SMMU_IDR0 idr0 = config.idr0;
  const SMMU_IDR1 idr1 = config.idr1;
  const SMMU_IDR3 idr3 = config.idr3;
  const SMMU_IDR5 idr5 = config.idr5;
  const unsigned version = config.aidr[SMMU_AIDR::ArchMinorRev];
  const bool s1p = idr0[SMMU_IDR0::S1P];
  const bool s2p = idr0[SMMU_IDR0::S2P];
  const auto if_so = [](bool so, unsigned from) { return so ? from : kNever; };

  // 2.9: what is of SMMUv3.x may be in SMMUv3.(x-1), unless 6.3 says that the
  // field is reserved there.
  const Feature features[] = {
      // Of SMMUv3.0, and optional there.
      {"SMMU_IDR0.Hyp", idr0[SMMU_IDR0::Hyp], 0, if_so(s1p && s2p, 2)},
      {"SMMU_IDR3.HAD", idr3[SMMU_IDR3::HAD], 0, if_so(s1p, 1)},
      // Of SMMUv3.1, reserved in SMMUv3.0.
      {"SMMU_IDR3.XNX", idr3[SMMU_IDR3::XNX], 1, if_so(s2p, 1)},
      {"SMMU_IDR3.PBHA", idr3[SMMU_IDR3::PBHA], 1, kNever},
      {"SMMU_IDR5.VAX", idr5[SMMU_IDR5::VAX] != SMMU_IDR5::VirtualSize::k48Bits, 1, kNever},
      {"SMMU_IDR5.OAS", idr5[SMMU_IDR5::OAS] > OutputSize::k48Bits, 1, kNever},
      // Of SMMUv3.2
      {"SMMU_IDR3.MPAM", idr3[SMMU_IDR3::MPAM], 1, kNever},
      {"SMMU_IDR3.FWB", idr3[SMMU_IDR3::FWB], 1, 2},
      {"SMMU_IDR3.STT", idr3[SMMU_IDR3::STT], 1, kNever},
      {"SMMU_IDR3.RIL", idr3[SMMU_IDR3::RIL], 1, 2},
      {"SMMU_IDR3.BBML", idr3[SMMU_IDR3::BBML] != 0, 1, 2},
      // Of SMMUv3.3
      {"SMMU_IDR0.ATSRECERR", idr0[SMMU_IDR0::ATSRECERR], 2, kNever},
      {"SMMU_IDR1.ECMDQ", idr1[SMMU_IDR1::ECMDQ], 2, kNever},
      {"SMMU_S_IDR0.ECMDQ", config.s_idr0[v3::SMMU_S_IDR0::ECMDQ], 2, kNever},
      {"SMMU_IDR3.E0PD", idr3[SMMU_IDR3::E0PD], 2, 3},
      {"SMMU_IDR3.PTWNNC", idr3[SMMU_IDR3::PTWNNC], 2, if_so(s2p, 3)},
      {"SMMU_IDR3.DPT", idr3[SMMU_IDR3::DPT], 2, kNever},
      {"SMMU_S_IDR1.SEL2", config.s_idr1[v3::SMMU_S_IDR1::SEL2], 1, kNever},
      // Of SMMUv3.4
      {"SMMU_IDR0.HTTU 0b11", idr0[SMMU_IDR0::HTTU] == SMMU_IDR0::FlagUpdates::kTableAccessAndDirty,
       3, kNever},
      {"SMMU_IDR3.PASIDTT", idr3[SMMU_IDR3::PASIDTT], 3, kNever},
      {"SMMU_IDR3.EPAN", idr3[SMMU_IDR3::EPAN], 3, 4},
      {"SMMU_IDR3.S1PI", idr3[SMMU_IDR3::S1PI], 3, kNever},
      {"SMMU_IDR3.S2PI", idr3[SMMU_IDR3::S2PI], 3, kNever},
      {"SMMU_IDR3.S2PO", idr3[SMMU_IDR3::S2PO], 3, kNever},
      {"SMMU_IDR3.THE", idr3[SMMU_IDR3::THE], 3, kNever},
      {"SMMU_IDR3.MTEPERM", idr3[SMMU_IDR3::MTEPERM], 3, if_so(s2p, 4)},
      {"SMMU_IDR3.AIE", idr3[SMMU_IDR3::AIE], 3, kNever},
      {"SMMU_IDR5.DS", idr5[SMMU_IDR5::DS], 3, kNever},
      {"SMMU_IDR5.D128", idr5[SMMU_IDR5::D128], 3, kNever},
  };
  for (const Feature& feature : features) {
    if (feature.present && version < feature.first) {
      return fmt::format("{} is for SMMUv3.{} and later: SMMU_AIDR says SMMUv3.{}", feature.field,
                         feature.first, version);
    }
    if (!feature.present && version >= feature.mandatory) {
      return fmt::format("{} is 0: it is mandatory from SMMUv3.{} on, and SMMU_AIDR says SMMUv3.{}",
                         feature.field, feature.mandatory, version);
    }
  }
  return std::nullopt;
}

SmmuV3Config SmmuV3Config::of_version(unsigned minor) const {
  SmmuV3Config config = *this;
  const auto limit_to_48_bits = [&] {
    config.idr5.set(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k48Bits)
        .set(SMMU_IDR5::OAS, std::min(config.idr5[SMMU_IDR5::OAS], OutputSize::k48Bits));
  };
  config.aidr.set(SMMU_AIDR::ArchMajorRev, 0).set(SMMU_AIDR::ArchMinorRev, minor);
  if (minor < 4) {
    if (config.idr0[SMMU_IDR0::HTTU] == SMMU_IDR0::FlagUpdates::kTableAccessAndDirty) {
      config.idr0.set(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kAccessAndDirty);
    }
    config.idr3.set(SMMU_IDR3::PASIDTT, false)
        .set(SMMU_IDR3::EPAN, false)
        .set(SMMU_IDR3::S1PI, false)
        .set(SMMU_IDR3::S2PI, false)
        .set(SMMU_IDR3::S2PO, false)
        .set(SMMU_IDR3::THE, false)
        .set(SMMU_IDR3::MTEPERM, false)
        .set(SMMU_IDR3::AIE, false);
    config.idr5.set(SMMU_IDR5::DS, false).set(SMMU_IDR5::D128, false);
    if (!config.idr5[SMMU_IDR5::GRAN64K]) limit_to_48_bits();
  }
  if (minor < 3) {
    config.idr0.set(SMMU_IDR0::ATSRECERR, false);
    config.idr1.set(SMMU_IDR1::ECMDQ, false);
    config.idr6 = v3::SMMU_IDR6();
    config.s_idr0.set(v3::SMMU_S_IDR0::ECMDQ, false);
    config.s_idr6 = v3::SMMU_S_IDR6();
    config.idr3.set(SMMU_IDR3::E0PD, false)
        .set(SMMU_IDR3::PTWNNC, false)
        .set(SMMU_IDR3::DPT, false);
  }
  if (minor < 2) {
    config.idr3.set(SMMU_IDR3::MPAM, false)
        .set(SMMU_IDR3::FWB, false)
        .set(SMMU_IDR3::STT, false)
        .set(SMMU_IDR3::RIL, false)
        .set(SMMU_IDR3::BBML, 0);
    config.s_idr1.set(v3::SMMU_S_IDR1::SEL2, false);
    config.s_idr2.set(v3::SMMU_S_IDR2::BA_S_VATOS, 0);
  }
  if (minor < 1) {
    config.idr3.set(SMMU_IDR3::XNX, false).set(SMMU_IDR3::PBHA, false);
    limit_to_48_bits();
  }
  return config;
}

}  // namespace smmu::emulator
