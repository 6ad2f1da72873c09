#include "emulator/cli/walk_configuration.h"

#include <algorithm>
#include <bit>

#include "emulator/cli/table_walk.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::cli {

namespace {

using v3::CD;

// 5.4: T0SZ is 39 at most, so an input address has at least this many bits; and 48 at most.
constexpr unsigned kLeastInputBits = 25;
constexpr unsigned kMostInputBits = 48;

std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

// A table whose walk begins with the line's first descriptor.
struct Start {
  Granule granule;
  unsigned input_bits;
  std::uint64_t table;
};

// Where the walk begins, if its descriptors follow one another with this granule.
std::optional<Start> start_with(Granule granule, const RecordedWalk& walk) {
  const WalkStep& first = walk.steps.front();
  const unsigned shift = granule.shift(first.level);
  if (shift >= kMostInputBits) return std::nullopt;
  const std::uint64_t index = walk.iova >> shift;
  // The smallest table that has the entry: a larger one would begin at the same address.
  const unsigned bits = std::max<unsigned>(static_cast<unsigned>(std::bit_width(index)),
                                           shift < kLeastInputBits ? kLeastInputBits - shift : 1);
  if (bits > granule.index_bits() || shift + bits > kMostInputBits ||
      granule.start_level(shift + bits) != first.level || first.address < 8 * index) {
    return std::nullopt;
  }
  const std::uint64_t table = first.address - 8 * index;
  if ((table & low_bits(bits + 3)) != 0) return std::nullopt;

  for (std::size_t i = 1; i < walk.steps.size(); ++i) {
    const WalkStep& step = walk.steps[i];
    const vmsa::Table_Stage1 above({walk.steps[i - 1].descriptor});
    const std::uint64_t place =
        (walk.iova >> granule.shift(step.level)) & low_bits(granule.index_bits());
    const std::uint64_t base = above[vmsa::Table_Stage1::NLTA] & ~low_bits(granule.page_bits());
    if (step.address != base + 8 * place) return std::nullopt;
  }
  const WalkStep& last = walk.steps.back();
  const std::uint64_t in_page = low_bits(granule.shift(last.level));
  const std::uint64_t output = vmsa::Leaf_Stage1({last.descriptor})[vmsa::Leaf_Stage1::OA];
  if (walk.pa != ((output & ~in_page) | (walk.iova & in_page))) return std::nullopt;
  return Start{granule, shift + bits, table};
}

bool leads_to(const CD& cd, const RegisterValues& registers, const RecordedWalk& walk) {
  if (cd[CD::ASID] != walk.asid) return false;
  const WalkStep& first = walk.steps.front();
  for (const Half& half : halves(cd, registers)) {
    if (half.upper || walk.iova >> half.input_bits != 0) continue;
    const unsigned shift = half.granule.shift(first.level);
    if (half.granule.start_level(half.input_bits) != first.level) continue;
    const std::uint64_t table = half.table & ~low_bits(half.input_bits - shift + 3);
    if (table + 8 * (walk.iova >> shift) == first.address) return true;
  }
  return false;
}

TG0 code_of(Granule granule) {
  return granule.page_bits() == 12 ? TG0::k4K : granule.page_bits() == 14 ? TG0::k16K : TG0::k64K;
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
    const auto start = start_with(granule, walk);
    if (!start) continue;
    WalkConfiguration result{
        .ste = v3::STE().set(v3::STE::V, true).set(v3::STE::Config, v3::SteConfig::kS1Translate),
        .cd = CD().set(CD::T0SZ, 64 - start->input_bits)
                  .set(CD::TG0, code_of(granule))
                  .set(CD::EPD1, true)
                  .set(CD::V, true)
                  .set(CD::IPS, registers_.get<v3::SMMU_IDR5>()[v3::SMMU_IDR5::OAS])
                  .set(CD::AA64, true)
                  .set(CD::R, true)
                  .set(CD::A, true)
                  .set(CD::ASID, static_cast<std::uint32_t>(walk.asid))
                  .set(CD::TTB0, start->table),
        .from_memory = false};
    return result;
  }
  return std::nullopt;
}

}  // namespace smmu::cli
