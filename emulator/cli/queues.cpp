#include "emulator/cli/queues.h"

#include <algorithm>

namespace smmu::cli {

namespace {

constexpr std::uint64_t kCommandBytes = 16;
constexpr std::uint64_t kEventBytes = 32;
// 6.3.2: no queue of an SMMU is larger, so this bounds what a file makes of it too.
constexpr unsigned kMaxLog2Size = 19;

unsigned effective(std::uint32_t log2size, std::uint32_t most) {
  return std::min({log2size, most, kMaxLog2Size});
}

}  // namespace

Ring::Ring(std::uint64_t address, unsigned log2size, std::uint64_t entry_bytes)
    : log2size_(log2size), entry_bytes_(entry_bytes) {
  const std::uint64_t alignment = std::max(entry_bytes_ << log2size_, std::uint64_t{32});
  base_ = address & ~(alignment - 1);
}

Ring::Ring(v3::SMMU_CMDQ_BASE base, v3::SMMU_IDR1 idr1)
    : Ring(base[v3::SMMU_CMDQ_BASE::ADDR],
           effective(base[v3::SMMU_CMDQ_BASE::LOG2SIZE], idr1[v3::SMMU_IDR1::CMDQS]),
           kCommandBytes) {}

Ring::Ring(v3::SMMU_EVENTQ_BASE base, v3::SMMU_IDR1 idr1)
    : Ring(base[v3::SMMU_EVENTQ_BASE::ADDR],
           effective(base[v3::SMMU_EVENTQ_BASE::LOG2SIZE], idr1[v3::SMMU_IDR1::EVENTQS]),
           kEventBytes) {}

std::vector<EventWords> EventReader::since_mark() {
  std::vector<EventWords> records;
  const auto prod = registers_.read<v3::SMMU_EVENTQ_PROD>();
  const std::uint32_t end = prod[v3::SMMU_EVENTQ_PROD::WR];
  if (end == mark_) return records;
  const Ring ring(registers_.read<v3::SMMU_EVENTQ_BASE>(), registers_.read<v3::SMMU_IDR1>());
  const std::uint32_t count = std::min(ring.distance(mark_, end), kMaxRecords);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t address = ring.address(ring.advance(mark_, i));
    EventWords words{};
    for (std::size_t word = 0; word < words.size(); ++word) {
      const auto value = memory_.load64(Pa(address + 8 * word));
      if (value) words[word] = *value;
    }
    records.push_back(words);
  }
  return records;
}

void EventReader::acknowledge() {
  registers_.write32(v3::SMMU_EVENTQ_CONS::kOffset, registers_.read<v3::SMMU_EVENTQ_PROD>().raw());
}

}  // namespace smmu::cli
