// An allocator that threads share, under a lock.
#ifndef BENCH_STUDY_SHARED_ALLOCATOR_H_
#define BENCH_STUDY_SHARED_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/study/allocator.h"
#include "bench/study/player.h"

namespace smmu::study {

// What one thread has seen of the lock: nanoseconds of each call.
struct LockTimes {
  std::vector<std::uint32_t> waited;
  std::vector<std::uint32_t> held;
  std::vector<std::uint32_t> allocations;
  std::vector<std::uint32_t> frees;
};

// Any number of threads may call this at once, each with times of its own.
class SharedAllocator {
 public:
  virtual ~SharedAllocator() = default;
  virtual std::optional<Range> allocate(const Request& request, LockTimes& times) = 0;
  virtual void free(const Range& range, LockTimes& times) = 0;
  virtual std::uint64_t visits() const = 0;
  virtual std::uint64_t bytes() const = 0;
};

// Behind one mutex, whose times are measured.
std::unique_ptr<SharedAllocator> behind_mutex(std::unique_ptr<AnyAllocator> allocator);

// An IOVA domain with the lock that it has itself; nothing if there is none of this name.
std::unique_ptr<SharedAllocator> with_own_lock(const std::string& allocator, Pfn start);

}  // namespace smmu::study

#endif  // BENCH_STUDY_SHARED_ALLOCATOR_H_
