// What an SMMU keeps copies of.
#ifndef SMMU_EMULATOR_CACHING_H_
#define SMMU_EMULATOR_CACHING_H_

#include <cstdint>

namespace smmu::emulator {

// Which copies of tables and configuration an SMMU keeps (IHI 0070, 3.21 and
// 16.2 leave it free).
enum class CachePolicy : std::uint8_t {
  kNone,         // none: every translation reads everything
  kRealistic,    // as much as the stated geometry holds
  kAdversarial,  // all that may be kept, for as long as it may be kept: an
                 // invalidation takes effect when a CMD_SYNC says it must have,
                 // or the TLBSYNC of an SMMUv2
};

// Entries are sets * ways.  REQUIRES: both are powers of two.
struct CacheGeometry {
  std::uint32_t sets;
  std::uint32_t ways;
};

enum class SpeculativePrefetch : std::uint8_t {
  kOff,
  kOn,  // a walk also caches the translations that share the leaf's cache line
};

struct Caching {
  CachePolicy policy = CachePolicy::kRealistic;
  SpeculativePrefetch prefetch = SpeculativePrefetch::kOff;

  // kRealistic: the size.  kAdversarial: the geometry says nothing, and `cap`
  // entries are the most that each cache holds: at least 1, at most 2^20.
  CacheGeometry main_tlb = {.sets = 1024, .ways = 4};
  CacheGeometry configuration = {.sets = 64, .ways = 4};
  // Of stage 2 leaves and of tables, for walks through both stages.  Without
  // sets there is no such cache.
  CacheGeometry stage2 = {.sets = 512, .ways = 4};
  CacheGeometry walk = {.sets = 128, .ways = 4};
  std::uint32_t cap = 1U << 20;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_CACHING_H_
