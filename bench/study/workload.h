// What is asked of an allocator, and in which order.
#ifndef BENCH_STUDY_WORKLOAD_H_
#define BENCH_STUDY_WORKLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/study/player.h"
#include "bench/study/random.h"

namespace smmu::study {

// The last pages below 2^48 and 2^32.
inline constexpr Pfn k48Bits = (Pfn{1} << 36) - 1;
inline constexpr Pfn k32Bits = (Pfn{1} << 20) - 1;
// The first page given out, in all workloads; 0 is what drivers mean by none.
inline constexpr Pfn kStart = 1;

// Sizes as network cards and disks might ask for: 1 page 60 %, 2 10 %, 4 8 %, 8 6 %, 16 5 %, 32 5
// %, one of 3, 5, 9, 17, 33 and 64 6 %.  A guess; no trace stands behind it.
std::uint64_t mixed_pages(Random& random);

// For one number of live ranges and one seed, which say all that it does: an allocator that gives
// the same addresses is asked the same.
class Workload {
 public:
  virtual ~Workload() = default;

  // Until the ranges are live, and lie as they do after a while, or the player has had enough of
  // that.
  virtual void set_up(Player& player) = 0;
  // What is measured, again and again.  Tells how many operations that was: an operation is one
  // allocation and one range freed.
  virtual std::uint64_t step(Player& player) = 0;

  virtual std::uint64_t live() const = 0;
  // Where a space is filled.
  virtual std::optional<std::uint64_t> live_before_refusal() const { return std::nullopt; }
};

struct NamedWorkload {
  std::string name;
  std::string what;
  bool fills;  // the space, so that it has no number of live ranges to be told
  std::function<std::unique_ptr<Workload>(std::uint64_t n, std::uint64_t seed)> make;
};

// Those of one thread.
std::vector<NamedWorkload> workloads();

std::vector<NamedWorkload> steady_workloads();
std::vector<NamedWorkload> packing_workloads();

}  // namespace smmu::study

#endif  // BENCH_STUDY_WORKLOAD_H_
