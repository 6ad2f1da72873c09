#include "emulator/cli/walk_configuration.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "emulator/cli/table_walk.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::CD;

std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

// A CD whose walk begins with the line's first descriptor.
struct Start {
  Granule granule;
  unsigned input_bits;
  std::uint64_t table;
};

// The least and the most input bits of this granule (5.4).
std::pair<unsigned, unsigned> input_sizes(Granule granule, const RegisterValues& registers) {
  if (!registers.get<v3::SMMU_IDR3>()[v3::SMMU_IDR3::STT]) return {25, 48};
  return {granule.page_bits() == 16 ? 17 : 16, 48};
}

// Where the walk begins, if its descriptors follow one another with this granule.
std::optional<Start> start_with(Granule granule, const RecordedWalk& walk,
                                const RegisterValues& registers) {
  const auto oas = registers.get<v3::SMMU_IDR5>()[v3::SMMU_IDR5::OAS];
  const auto [least, most] = input_sizes(granule, registers);
  const WalkStep& first = walk.steps.front();
  const unsigned shift = granule.shift(first.level);
  // The smallest table that has the entry: of a larger one this is a part.
  const std::uint64_t significant = in_upper_half(walk.iova) ? ~walk.iova : walk.iova;
  // A table of 52-bit addresses is aligned to 64 bytes, that is 2^3 entries (D8.2.5.2).
  const unsigned least_index = granule.page_bits() == 16 && oas == OutputSize::k52Bits ? 3 : 1;
  const unsigned input_bits =
      std::max({least, shift + least_index, static_cast<unsigned>(std::bit_width(significant))});
  if (input_bits > most || granule.start_level(input_bits) != first.level) return std::nullopt;
  const unsigned bits = input_bits - shift;
  const std::uint64_t table = first.address & ~low_bits(bits + 3);
  if (first.address != table + 8 * (walk.iova >> shift & low_bits(bits))) return std::nullopt;

  for (std::size_t i = 1; i < walk.steps.size(); ++i) {
    const WalkStep& step = walk.steps[i];
    const std::uint64_t place =
        walk.iova >> granule.shift(step.level) & low_bits(granule.index_bits());
    const std::uint64_t base =
        output_address(walk.steps[i - 1].descriptor, granule, granule.page_bits(), oas);
    if (step.address != base + 8 * place) return std::nullopt;
  }
  const WalkStep& last = walk.steps.back();
  const unsigned leaf_bits = granule.shift(last.level);
  const std::uint64_t output = output_address(last.descriptor, granule, leaf_bits, oas);
  if (walk.pa != (output | (walk.iova & low_bits(leaf_bits)))) return std::nullopt;
  return Start{granule, input_bits, table};
}

bool leads_to(const CD& cd, const RegisterValues& registers, const RecordedWalk& walk) {
  if (cd[CD::ASID] != walk.asid) return false;
  const WalkStep& first = walk.steps.front();
  for (const Half& half : halves(cd, registers)) {
    if (!half.translates(walk.iova)) continue;
    const unsigned shift = half.granule.shift(first.level);
    if (half.granule.start_level(half.input_bits) != first.level) continue;
    const unsigned bits = half.input_bits - shift;
    const std::uint64_t table = half.table & ~low_bits(bits + 3);
    if (table + 8 * (walk.iova >> shift & low_bits(bits)) == first.address) return true;
  }
  return false;
}

// A CD with `start` in the half that has the walk's address, and nothing in the other.
CD made_up(const Start& start, const RecordedWalk& walk, const RegisterValues& registers) {
  const CD cd = CD().set(CD::V, true)
                    .set(CD::IPS, registers.get<v3::SMMU_IDR5>()[v3::SMMU_IDR5::OAS])
                    .set(CD::AA64, true)
                    .set(CD::R, true)
                    .set(CD::A, true)
                    .set(CD::ASID, static_cast<std::uint32_t>(walk.asid));
  const unsigned page_bits = start.granule.page_bits();
  if (in_upper_half(walk.iova)) {
    const TG1 code = page_bits == 12 ? TG1::k4K : page_bits == 14 ? TG1::k16K : TG1::k64K;
    return CD(cd)
        .set(CD::EPD0, true)
        .set(CD::T1SZ, 64 - start.input_bits)
        .set(CD::TG1, code)
        .set(CD::TTB1, start.table);
  }
  const TG0 code = page_bits == 12 ? TG0::k4K : page_bits == 14 ? TG0::k16K : TG0::k64K;
  return CD(cd)
      .set(CD::EPD1, true)
      .set(CD::T0SZ, 64 - start.input_bits)
      .set(CD::TG0, code)
      .set(CD::TTB0, start.table);
}

}  // namespace

WalkConfigurations::WalkConfigurations(const Capture& capture) : registers_(capture.registers) {
  Budget budget((capture.folder / "memory.txt").string());
  for (Stream& stream : find_streams(capture.registers, capture.memory, budget)) {
    if (stream.translates_stage1() && stream.cd) streams_.emplace(stream.id, std::move(stream));
  }
}

std::optional<WalkConfiguration> WalkConfigurations::find(const RecordedWalk& walk) const {
  const auto stream = streams_.find(walk.stream);
  if (stream != streams_.end() && leads_to(*stream->second.cd, registers_, walk)) {
    return WalkConfiguration{stream->second.ste, *stream->second.cd, true};
  }
  for (const Granule granule : {Granule(12), Granule(14), Granule(16)}) {
    if (const auto start = start_with(granule, walk, registers_)) {
      return WalkConfiguration{
          .ste = v3::STE().set(v3::STE::V, true).set(v3::STE::Config, v3::SteConfig::kS1Translate),
          .cd = made_up(*start, walk, registers_),
          .from_memory = false};
    }
  }
  return std::nullopt;
}

}  // namespace smmu::cli
