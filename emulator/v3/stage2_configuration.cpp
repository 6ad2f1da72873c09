#include "emulator/v3/stage2_configuration.h"

#include <algorithm>
#include <optional>

#include "emulator/walk/permissions.h"
#include "emulator/walk/stage2_start.h"

namespace smmu::emulator {

using v3::SMMU_IDR0;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::STE;

namespace {

// What an STE says of the tables for one kind of IPAs: those of a Secure stream
// are of two (3.10.2.2).
struct Tree {
  unsigned t0sz;
  unsigned sl0;
  bool sl0_2;
  TG0 tg;
  std::uint64_t ttb;
  SecurityState input;
  SecurityState space;  // of the tables
  SecurityState output;
};

SecurityState space_of(bool ns) { return ns ? SecurityState::kNonSecure : SecurityState::kSecure; }

// S2TTB, of a Non-secure stream's IPAs and of a Secure stream's Non-secure ones.
Tree non_secure_tree(const Features& features, const STE& ste) {
  const bool secure = features.security == SecurityState::kSecure;
  const bool walks = !secure || ste[STE::S2NSW];
  // 5.2, S2NSA: it has a say where nothing else leads outside.
  const bool leads = walks || ste[STE::S2SW] || ste[STE::S2SA] || ste[STE::S2NSA];
  return {.t0sz = ste[STE::S2T0SZ],
          .sl0 = ste[STE::S2SL0],
          .sl0_2 = ste[STE::S2SL0_2],
          .tg = ste[STE::S2TG],
          .ttb = ste[STE::S2TTB],
          .input = SecurityState::kNonSecure,
          .space = space_of(walks),
          .output = space_of(leads)};
}
Tree secure_tree(const STE& ste) {
  return {.t0sz = ste[STE::S_S2T0SZ],
          .sl0 = ste[STE::S_S2SL0],
          .sl0_2 = ste[STE::S_S2SL0_2],
          .tg = ste[STE::S_S2TG],
          .ttb = ste[STE::S_S2TTB],
          .input = SecurityState::kSecure,
          .space = space_of(ste[STE::S2SW]),
          .output = space_of(ste[STE::S2SW] || ste[STE::S2SA])};
}

constexpr unsigned kAArch32OutputBits = 40;

std::optional<Granule> granule_of(const STE& ste, const Tree& tree) {
  if (!ste[STE::S2AA64]) return Granule::k4K;
  switch (tree.tg) {
    case TG0::k4K:
      return Granule::k4K;
    case TG0::k16K:
      return Granule::k16K;
    case TG0::k64K:
      return Granule::k64K;
  }
  return std::nullopt;  // reserved
}

// RES0 without SMMU_IDR5.DS, and with the 64 KiB granule.
bool large_addresses(const Features& features, const STE& ste, Granule granule) {
  return features.idr5[SMMU_IDR5::DS] && ste[STE::S2DS] && granule != Granule::k64K;
}

unsigned input_bits(const STE& ste, const Tree& tree) {
  return ste[STE::S2AA64] ? 64 - tree.t0sz : aarch32_stage2_input_bits(tree.t0sz);
}

unsigned output_bits(const Features& features, const STE& ste) {
  if (!ste[STE::S2AA64]) return kAArch32OutputBits;
  // 0b111 is 56 bits, which an OAS of 52 caps.
  return std::min(address_bits(ste[STE::S2PS]), features.output_bits);
}

// The level at which a walk begins; none: STEWalkConfigInconsistent, or S2SL0 is
// reserved.
std::optional<int> first_level(const Features& features, const STE& ste, const Tree& tree,
                               Granule granule) {
  return first_level(Stage2Start{.aarch64 = ste[STE::S2AA64],
                                 .granule = granule,
                                 .input_bits = input_bits(ste, tree),
                                 .sl0 = tree.sl0,
                                 .sl2 = tree.sl0_2,
                                 .large_addresses = large_addresses(features, ste, granule),
                                 .small_tables = features.idr3[SMMU_IDR3::STT],
                                 .output_bits = features.output_bits});
}

// STES2T0SZInvalid() of 5.2.2.
bool t0sz_invalid(const Features& features, const STE& ste, const Tree& tree, Granule granule) {
  const unsigned t0sz = tree.t0sz;
  unsigned most = 39;
  if (features.idr3[SMMU_IDR3::STT]) most = granule == Granule::k64K ? 47 : 48;
  const bool wide = granule == Granule::k64K || large_addresses(features, ste, granule);
  const unsigned least = std::max(wide ? 12U : 16U, 64 - features.input_bits);
  return t0sz < least || t0sz > most;
}

// [55:52] are for VMSAv9-128.
std::uint64_t ttb(const Tree& tree) { return tree.ttb & mask(51, 0); }

// STES2TTBOutOfRange(): a table of 4K or 16K granules lies below 2^48, unless
// addresses are large.
bool ttb_out_of_range(const Features& features, const STE& ste, const Tree& tree, Granule granule) {
  unsigned bits = output_bits(features, ste);
  if (granule != Granule::k64K && !large_addresses(features, ste, granule)) {
    bits = std::min(bits, 48U);
  }
  return (ttb(tree) >> bits) != 0;
}

bool tree_illegal(const Features& features, const STE& ste, const Tree& tree) {
  const bool aarch64 = ste[STE::S2AA64];
  const auto granule = granule_of(ste, tree);
  if (!granule || (aarch64 && !features.has(*granule))) return true;
  if (ttb_out_of_range(features, ste, tree, *granule)) return true;
  if (aarch64 && t0sz_invalid(features, ste, tree, *granule)) return true;
  return !first_level(features, ste, tree, *granule);
}

Stage2 stage2_from(const Features& features, const STE& ste, const Tree& tree) {
  const bool aarch64 = ste[STE::S2AA64];
  const Granule granule = *granule_of(ste, tree);
  const int first = *first_level(features, ste, tree, granule);
  Stage2 stage2;
  stage2.input = tree.input;
  stage2.output = tree.output;
  if (aarch64) {
    const bool large = large_addresses(features, ste, granule);
    stage2.tables =
        tables({.granule = granule,
                .input_bits = input_bits(ste, tree),
                .first_level = first,
                .output_bits = output_bits(features, ste),
                .root = ttb(tree),
                .wide = large || (granule == Granule::k64K && features.output_bits == 52),
                .shareability = ste[STE::S2SH0],
                .big_endian = ste[STE::S2ENDI]});
  } else {
    stage2.tables = aarch32_long_tables(input_bits(ste, tree), first, ttb(tree),
                                        features.output_bits, ste[STE::S2ENDI]);
  }
  stage2.tables.space = tree.space;
  stage2.permissions = stage2_permissions(features.idr3[SMMU_IDR3::XNX], !aarch64);
  stage2.access_flag_ignored = ste[STE::S2AFFD] && !ste[STE::S2HA];
  stage2.device_walks_denied = ste[STE::S2PTW];
  if (aarch64 && ste[STE::S2FWB] && features.idr3[SMMU_IDR3::FWB]) {
    stage2.mem_attr = MemAttrEncoding::kForcedWriteBack;
  } else if (aarch64 && features.idr3[SMMU_IDR3::MTEPERM]) {
    stage2.mem_attr = MemAttrEncoding::kTagAccess;
  }
  stage2.update = {.access_flag = ste[STE::S2HA], .dirty_state = ste[STE::S2HA] && ste[STE::S2HD]};
  return stage2;
}

}  // namespace

bool stage2_illegal(const Features& features, const STE& ste) {
  const bool aarch64 = ste[STE::S2AA64];
  const bool secure = features.security == SecurityState::kSecure;
  if (!aarch64 && secure) return true;
  if (!aarch64 && features.idr3[SMMU_IDR3::FWB] && ste[STE::S2FWB]) return true;
  const auto stall_model = features.stall_model();
  if (stall_model == StallModel::kTerminate && ste[STE::S2S]) return true;
  if (stall_model == StallModel::kStallForced && !ste[STE::S2S]) return true;
  if (!features.has(aarch64 ? TableFormat::kAArch64 : TableFormat::kAArch32)) return true;
  const unsigned httu = static_cast<unsigned>(features.idr0[SMMU_IDR0::HTTU]);
  if ((ste[STE::S2HA] || ste[STE::S2HD]) && (!aarch64 || httu == 0)) return true;
  if (ste[STE::S2HD] && httu == 1) return true;
  if (tree_illegal(features, ste, non_secure_tree(features, ste))) return true;
  if (secure && tree_illegal(features, ste, secure_tree(ste))) return true;
  const auto endianness = features.idr0[SMMU_IDR0::TTENDIAN];
  if (endianness == SMMU_IDR0::Endianness::kLittle && ste[STE::S2ENDI]) return true;
  return endianness == SMMU_IDR0::Endianness::kBig && !ste[STE::S2ENDI];
}

void set_stage2(const Features& features, const STE& ste, Regime& regime) {
  regime.has_stage2 = true;
  regime.stage2 = stage2_from(features, ste, non_secure_tree(features, ste));
  if (features.security == SecurityState::kSecure) {
    regime.secure_stage2 = stage2_from(features, ste, secure_tree(ste));
  }
}

}  // namespace smmu::emulator
