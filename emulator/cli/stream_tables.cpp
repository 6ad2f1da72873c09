#include "emulator/cli/stream_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/input.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::STE;

constexpr std::uint64_t kSteBytes = STE::kSize;
constexpr std::uint64_t kL1Bytes = v3::L1STD::kSize;

std::uint64_t align_down(std::uint64_t address, unsigned log2_bytes) {
  return log2_bytes >= 64 ? 0 : address & ~((std::uint64_t{1} << log2_bytes) - 1);
}

// What SMMU_STRTAB_BASE and SMMU_STRTAB_BASE_CFG make of a Stream table (6.3.24, 6.3.25).
struct Geometry {
  bool two_level;
  unsigned log2size;  // of the StreamIDs in range
  unsigned split;     // two-level only
  std::uint64_t base;
};

Geometry geometry(const RegisterValues& registers) {
  using Cfg = v3::SMMU_STRTAB_BASE_CFG;
  const auto cfg = registers.get<Cfg>();
  const unsigned log2size = cfg[Cfg::LOG2SIZE];
  const unsigned split = cfg[Cfg::SPLIT];
  Geometry g{};
  g.two_level = cfg[Cfg::FMT] == Cfg::Format::kTwoLevel &&
                registers.get<v3::SMMU_IDR0>()[v3::SMMU_IDR0::ST_LEVEL] != 0;
  // The range of StreamIDs is capped, the alignment of the base is not.
  g.log2size = std::min<unsigned>(log2size, registers.get<v3::SMMU_IDR1>()[v3::SMMU_IDR1::SIDSIZE]);
  g.split = split == 8 || split == 10 ? split : 6;
  const std::uint64_t address = registers.get<v3::SMMU_STRTAB_BASE>()[v3::SMMU_STRTAB_BASE::ADDR];
  if (g.two_level) {
    const unsigned l1 = log2size > g.split ? log2size - g.split : 0;
    g.base = align_down(address, std::max(l1 + 3, 6U));
  } else {
    g.base = align_down(address, log2size + 6);
  }
  return g;
}

// The second-level array that an L1STD gives.
struct Array {
  std::uint64_t base;
  std::uint64_t entries;  // 0: none
};

Array array_of(v3::L1STD l1, unsigned split) {
  const unsigned span = l1[v3::L1STD::Span];
  // 5.1: 12 and up are reserved, and more STEs than SPLIT can number are none at all.
  if (span == 0 || span > 11 || span > split + 1) return {0, 0};
  return {align_down(l1[v3::L1STD::L2Ptr], span - 1 + 6), std::uint64_t{1} << (span - 1)};
}

// The CD of accesses without a SubstreamID.
std::optional<std::uint64_t> cd_address(const STE& ste, const RegisterValues& registers,
                                        const MemoryImage& memory) {
  const std::uint64_t table = ste[STE::S1ContextPtr];
  const bool substreams =
      registers.get<v3::SMMU_IDR1>()[v3::SMMU_IDR1::SSIDSIZE] != 0 && ste[STE::S1CDMax] != 0;
  const auto format = ste[STE::S1Fmt];
  if (!substreams || (format != v3::CdTableFormat::kTwoLevel4KLeaf &&
                      format != v3::CdTableFormat::kTwoLevel64KLeaf)) {
    return table;
  }
  const auto words = memory.words<1>(table);
  if (!words || !v3::L1CD(*words)[v3::L1CD::V]) return std::nullopt;
  return v3::L1CD(*words)[v3::L1CD::L2Ptr];
}

Stream make_stream(std::uint32_t id, std::uint64_t address, const STE& ste,
                   const RegisterValues& registers, const MemoryImage& memory) {
  Stream stream{.id = id, .ste_address = address, .ste = ste, .cd_address = {}, .cd = {}};
  if (!stream.translates_stage1()) return stream;
  stream.cd_address = cd_address(ste, registers, memory);
  if (stream.cd_address) {
    if (const auto words = memory.words<8>(*stream.cd_address)) stream.cd = v3::CD(*words);
  }
  return stream;
}

// Calls visit(address) for each `step` bytes of [base, base + bytes) whose page is known.
template <class Visit>
void for_each_known(const MemoryImage& memory, std::uint64_t base, std::uint64_t bytes,
                    std::uint64_t step, Visit&& visit) {
  const std::uint64_t end = base + bytes;
  for (auto page = memory.pages().lower_bound(base & ~(kPageBytes - 1));
       page != memory.pages().end() && page->first < end; ++page) {
    const std::uint64_t first = std::max(base, page->first);
    const std::uint64_t past = std::min(end, page->first + kPageBytes);
    for (std::uint64_t address = first; address < past; address += step) visit(address);
  }
}

}  // namespace

void Budget::spend_entries(std::uint64_t count) {
  if (entries_ < count) {
    throw BadInput(
        fmt::format("{}: expected tables with at most {} entries in all; do they point at "
                    "themselves?",
                    source_, std::uint64_t{1} << 26));
  }
  entries_ -= count;
}

void Budget::spend_leaf() {
  if (leaves_ == 0) {
    throw BadInput(
        fmt::format("{}: expected tables with at most {} leaves in all; do they point at "
                    "themselves?",
                    source_, std::uint64_t{1} << 20));
  }
  --leaves_;
}

std::vector<Stream> find_streams(const RegisterValues& registers, const MemoryImage& memory,
                                 Budget& budget) {
  std::vector<Stream> streams;
  const auto look_at = [&](std::uint64_t id, std::uint64_t address) {
    budget.spend_entries(1);
    const auto words = memory.words<8>(address);
    if (!words) return;
    const STE ste(*words);
    // 0b0xx aborts without a record (5.2).
    const bool aborts = static_cast<unsigned>(ste[STE::Config]) < 0b100;
    if (!ste[STE::V] || aborts) return;
    streams.push_back(make_stream(static_cast<std::uint32_t>(id), address, ste, registers, memory));
  };

  const Geometry g = geometry(registers);
  if (!g.two_level) {
    for_each_known(memory, g.base, kSteBytes << g.log2size, kSteBytes, [&](std::uint64_t address) {
      look_at((address - g.base) / kSteBytes, address);
    });
    return streams;
  }
  const unsigned l1_bits = g.log2size > g.split ? g.log2size - g.split : 0;
  for_each_known(memory, g.base, kL1Bytes << l1_bits, kL1Bytes, [&](std::uint64_t l1_address) {
    budget.spend_entries(1);
    const Array array = array_of(v3::L1STD(*memory.words<1>(l1_address)), g.split);
    const std::uint64_t first_id = (l1_address - g.base) / kL1Bytes << g.split;
    for_each_known(memory, array.base, array.entries * kSteBytes, kSteBytes,
                   [&](std::uint64_t address) {
                     const std::uint64_t id = first_id + (address - array.base) / kSteBytes;
                     if (id >> g.log2size == 0) look_at(id, address);
                   });
  });
  return streams;
}

bool lacks_stream(const RegisterValues& registers, const MemoryImage& memory, std::uint32_t id) {
  const Geometry g = geometry(registers);
  if (std::uint64_t{id} >> g.log2size != 0) return true;
  if (!g.two_level) return false;
  const auto words = memory.words<1>(g.base + (id >> g.split) * kL1Bytes);
  return words && (id & ((1U << g.split) - 1)) >= array_of(v3::L1STD(*words), g.split).entries;
}

std::optional<Stream> find_stream(const RegisterValues& registers, const MemoryImage& memory,
                                  std::uint32_t id) {
  const Geometry g = geometry(registers);
  if (std::uint64_t{id} >> g.log2size != 0) return std::nullopt;
  std::uint64_t address = g.base + std::uint64_t{id} * kSteBytes;
  if (g.two_level) {
    const auto words = memory.words<1>(g.base + (id >> g.split) * kL1Bytes);
    if (!words) return std::nullopt;
    const Array array = array_of(v3::L1STD(*words), g.split);
    const std::uint64_t index = id & ((std::uint64_t{1} << g.split) - 1);
    if (index >= array.entries) return std::nullopt;
    address = array.base + index * kSteBytes;
  }
  const auto words = memory.words<8>(address);
  if (!words) return std::nullopt;
  return make_stream(id, address, STE(*words), registers, memory);
}

}  // namespace smmu::cli
