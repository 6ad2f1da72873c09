#include "emulator/v3/stream_table.h"

#include <algorithm>

#include "emulator/v3/fetch_attributes.h"
#include "emulator/v3/stage2_configuration.h"
#include "emulator/v3/structure_fetch.h"
#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using v3::EventType;
using v3::L1STD;
using v3::SMMU_IDR0;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;
using v3::SteConfig;

namespace {

ConfigurationFault fault(EventType type, std::uint64_t address = 0) {
  return {.code = static_cast<std::uint8_t>(type), .substream = 0, .fetch_address = address};
}

// `base` with the bits cleared that a table of 2^log2_bytes bytes does not
// decode.  LOG2SIZE is software's: it may ask for more bits than there are.
std::uint64_t aligned(std::uint64_t base, unsigned log2_bytes) {
  return log2_bytes >= 64 ? 0 : base & ~mask(log2_bytes - 1, 0);
}

// IgnoreSTESTRW() of 5.2.2.
bool strw_ignored(const Features& features, const STE& ste) {
  // For a Non-secure stream Hyp says it; a Secure one has EL3 in any case.
  const bool one = features.security == SecurityState::kNonSecure && !features.idr0[SMMU_IDR0::Hyp];
  return one || ste[STE::Config] != SteConfig::kS1Translate;
}

}  // namespace

StreamWorld world_of(const Features& features, const STE& ste, bool e2h) {
  if (strw_ignored(features, ste) || ste[STE::STRW] == 0b00) return features.el1();
  return ste[STE::STRW] == 0b01 ? StreamWorld::kEl3 : features.el2(e2h);
}

bool ste_illegal(const Features& features, const STE& ste) {
  if (!ste[STE::V]) return true;

  // An STE that aborts is not looked at further.
  const auto config = ste[STE::Config];
  const bool stage1 = config == SteConfig::kS1Translate || config == SteConfig::kNested;
  const bool stage2 = config == SteConfig::kS2Translate || config == SteConfig::kNested;
  if (!stage1 && !stage2 && config != SteConfig::kBypass) return false;

  if (stage1 && !features.idr0[SMMU_IDR0::S1P]) return true;
  if (stage2 && !features.idr0[SMMU_IDR0::S2P]) return true;

  if (features.idr0[SMMU_IDR0::ATS] && (stage1 || stage2)) {
    const auto eats = ste[STE::EATS];
    const bool both = stage1 && stage2;
    const bool split = both && !ste[STE::S2S] && !features.idr0[SMMU_IDR0::NS1ATS];
    if (eats == v3::AtsMode::kSplitStage && !split) return true;
    // As from SMMUv3.1 on: only where there is a stage 2 that could stall.
    if (eats == v3::AtsMode::kFull && stage2 && ste[STE::S2S]) return true;
  }
  const unsigned strw = strw_ignored(features, ste) ? 0b00 : ste[STE::STRW];
  if (features.security == SecurityState::kNonSecure) {
    if ((strw & 0b01) != 0) return true;
  } else if (strw == 0b11 || (strw == 0b10 && !features.idr0[SMMU_IDR0::Hyp])) {
    return true;
  }

  if (stage1) {
    // Only where stalling can be chosen.
    const bool choice = features.stall_model() == StallModel::kStallOrTerminate;
    if (ste[STE::S1STALLD] && !choice) return true;
    if (features.substream_bits != 0) {
      if (ste[STE::S1CDMax] > features.substream_bits) return true;
      const auto format = ste[STE::S1Fmt];
      if (ste[STE::S1CDMax] != 0 && !features.idr0[SMMU_IDR0::CD2L] &&
          (format == v3::CdTableFormat::kTwoLevel4KLeaf ||
           format == v3::CdTableFormat::kTwoLevel64KLeaf)) {
        return true;
      }
    }
    // An IPA where stage 2 translates.
    const unsigned bits = stage2 ? features.input_bits : features.output_bits;
    if ((ste[STE::S1ContextPtr] >> bits) != 0) return true;
  }
  if (stage2 && stage2_illegal(features, ste)) return true;
  // IgnoreSTES2VMID(): without stage 2, for streams that are not translated, and
  // for those of EL2.
  const bool secure = features.security == SecurityState::kSecure;
  const bool tagged =
      features.idr0[SMMU_IDR0::S2P] && (stage2 || (stage1 && !secure)) && strw == 0b00;
  return tagged && !features.idr0[SMMU_IDR0::VMID16] && (ste[STE::S2VMID] >> 8) != 0;
}

StreamTable::StreamTable(const Features& features, const RegisterFile& registers,
                         PhysicalMemory& memory, const Caching& caching, const Tcu& tcu,
                         Observer* observer)
    : features_(features),
      registers_(registers),
      memory_(memory),
      observer_(observer),
      descriptors_(caching, tcu),
      entries_(caching, tcu),
      contiguous_(caching.policy == CachePolicy::kAdversarial
                      ? std::make_unique<ContiguousEntries>(caching, tcu)
                      : nullptr) {}

StreamTable::Found StreamTable::find(StreamId stream, Reading& reading) {
  std::optional<STE> ste;
  if (const auto copy = entries_.find(stream.value, 0)) {
    ste = copy->structure;
    reading.stamp = std::min(reading.stamp, copy->stamp);
    reading.origin.spoil();  // an L1STD may have led there
  } else {
    const auto located = locate(stream, reading);
    if (const auto* ended = std::get_if<Found>(&located)) return *ended;
    const Pa address = std::get<Place>(located).address;
    if ((address.value >> features_.output_bits) == 0) {
      ste = fetch<STE>(memory_, observer_, ConfigurationStructure::kSTE, stream, features_.security,
                       {}, address, attributes_of_stream_table(registers_));
    }
    if (!ste) return {fetch_fault(address), false};
    reading.origin.note(address, ste->words());
    entries_.insert(stream.value, 0, {*ste, reading.stamp}, reading);
    if (contiguous_ != nullptr) [[unlikely]]
      contiguous_->insert(stream, *ste, span_of(*ste, std::get<Place>(located)), reading);
  }
  if (contiguous_ != nullptr && contiguous_->contradict(stream, *ste)) [[unlikely]]
    return {fault(EventType::F_CFG_CONFLICT), false};
  if (ste_illegal(features_, *ste)) return {fault(EventType::C_BAD_STE), true};
  return {*ste, true};
}

// 5.2, CONT: a span ends with the Stream table.  Where it is larger than an
// array of the second level, the STE is its stream's alone.
unsigned StreamTable::span_of(const STE& ste, const Place& place) {
  const unsigned cont = ste[STE::CONT];
  if (cont <= place.table_bits) return cont;
  return place.second_level ? 0 : place.table_bits;
}

// 7.3.4: FetchAddr ends at OAS.
ConfigurationFault StreamTable::fetch_fault(Pa address) const {
  return fault(EventType::F_STE_FETCH, address.value & mask(features_.output_bits - 1, 0));
}

// 3.3.1: where the STE is.
std::variant<StreamTable::Place, StreamTable::Found> StreamTable::locate(StreamId stream,
                                                                         Reading& reading) {
  const std::uint64_t base = registers_.get<SMMU_STRTAB_BASE>()[SMMU_STRTAB_BASE::ADDR];
  const auto cfg = registers_.get<SMMU_STRTAB_BASE_CFG>();
  const unsigned log2_size = cfg[SMMU_STRTAB_BASE_CFG::LOG2SIZE];
  // Not kept: it follows from registers, or from a descriptor that is kept.
  const Found bad_stream{fault(EventType::C_BAD_STREAMID), false};

  // 6.3.25: the range of StreamIDs is limited by what is implemented, the
  // alignment of the table is not.
  const unsigned stream_bits = std::min(log2_size, features_.stream_bits);
  if (std::uint64_t{stream.value} >> stream_bits != 0) return bad_stream;

  constexpr unsigned kLog2Ste = 6;
  if (cfg[SMMU_STRTAB_BASE_CFG::FMT] != SMMU_STRTAB_BASE_CFG::Format::kTwoLevel) {
    return Place{
        Pa(aligned(base, log2_size + kLog2Ste) + (std::uint64_t{stream.value} << kLog2Ste)),
        stream_bits, false};
  }

  // A SPLIT that is reserved behaves as 6.
  unsigned split = cfg[SMMU_STRTAB_BASE_CFG::SPLIT];
  if (split != 8 && split != 10) split = 6;
  constexpr unsigned kLog2L1std = 3;
  const unsigned log2_level1 = std::max(log2_size, split) - split + kLog2L1std;
  const std::uint32_t first = stream.value >> split << split;
  const Pa address(aligned(base, std::max(log2_level1, kLog2Ste)) +
                   (std::uint64_t{stream.value >> split} << kLog2L1std));

  std::optional<L1STD> descriptor;
  if (const auto copy = descriptors_.find(first, split)) {
    descriptor = copy->structure;
    reading.stamp = std::min(reading.stamp, copy->stamp);
  } else {
    if ((address.value >> features_.output_bits) == 0) {
      descriptor =
          fetch<L1STD>(memory_, observer_, ConfigurationStructure::kL1STD, stream,
                       features_.security, {}, address, attributes_of_stream_table(registers_));
    }
    if (!descriptor) return Found{fetch_fault(address), false};
    descriptors_.insert(first, split, {*descriptor, reading.stamp}, reading);
  }
  reading.origin.note(address, descriptor->words());

  // 5.1: Span n is an array of 2^(n-1) STEs; 0 and what exceeds the split are
  // none.
  const unsigned span = (*descriptor)[L1STD::Span];
  if (span == 0 || span > split + 1) return bad_stream;
  const std::uint32_t index = stream.value - first;
  if (index >> (span - 1) != 0) return bad_stream;
  return Place{Pa(aligned((*descriptor)[L1STD::L2Ptr], span - 1 + kLog2Ste) +
                  (std::uint64_t{index} << kLog2Ste)),
               span - 1, true};
}

void StreamTable::invalidate(const ConfigurationInvalidation& what, Stamp before) {
  if (what.contexts_only) return;
  if (entries_.inhabited() || contiguous_ != nullptr) invalidate_entries(what, before);
  if (what.upper_levels && descriptors_.inhabited()) invalidate_descriptors(what, before);
}

void StreamTable::invalidate_entries(const ConfigurationInvalidation& what, Stamp before) {
  const std::uint32_t first = what.first.value;
  const std::uint32_t last = what.last.value;
  if (contiguous_ != nullptr) [[unlikely]]
    contiguous_->invalidate(what.first, what.last, before);
  if (first == last) return entries_.invalidate_one(first, 0, before);
  entries_.invalidate_if(
      [&](std::uint32_t stream, std::uint32_t) { return stream >= first && stream <= last; },
      before);
}

void StreamTable::invalidate_descriptors(const ConfigurationInvalidation& what, Stamp before) {
  const std::uint32_t first = what.first.value;
  const std::uint32_t last = what.last.value;
  if (first == last) {
    // SPLIT may have changed since the descriptor that leads there was read.
    for (const unsigned split : {6U, 8U, 10U}) {
      descriptors_.invalidate_one(first >> split << split, split, before);
    }
    return;
  }
  descriptors_.invalidate_if(
      [&](std::uint32_t covered, std::uint32_t split) {
        return covered >= first >> split << split && covered <= last;
      },
      before);
}

void StreamTable::clear() {
  descriptors_.clear();
  entries_.clear();
  if (contiguous_ != nullptr) contiguous_->clear();
}

}  // namespace smmu::emulator
