// Memory of a test that writes single descriptors, of 64 or 32 bits.
#ifndef SMMU_TEST_WALK_TABLE_MEMORY_H_
#define SMMU_TEST_WALK_TABLE_MEMORY_H_

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "smmu/platform/memory.h"

namespace smmu::emulator {

// What nobody wrote is zero, and memory ends at `end`.
class TableMemory final : public PhysicalMemory {
 public:
  void put64(std::uint64_t where, std::uint64_t descriptor) { words_[where] = descriptor; }
  void put32(std::uint64_t where, std::uint32_t descriptor) {
    std::uint64_t& word = words_[where / 8 * 8];
    const std::uint64_t half = std::uint64_t{descriptor} << (where % 8 * 8);
    const std::uint64_t other = std::uint64_t{0xffff'ffff} << (32 - where % 8 * 8);
    word = (word & other) | half;
  }

  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t> loads;

 private:
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    loads.push_back(pa.value);
    if (pa.value >= end) return ExternalAbort{};
    const auto found = words_.find(pa.value);
    return found == words_.end() ? 0 : found->second;
  }
  BusResponse store64_indirect(Pa, std::uint64_t) override { return BusResponse::kAbort; }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa, std::uint64_t,
                                                                   std::uint64_t) override {
    return ExternalAbort{};
  }

  std::map<std::uint64_t, std::uint64_t> words_;
};

}  // namespace smmu::emulator

#endif  // SMMU_TEST_WALK_TABLE_MEMORY_H_
