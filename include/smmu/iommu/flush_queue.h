// Lazy invalidation: ranges that were unmapped wait until the IOMMU has forgotten them, many at
// once.
#ifndef SMMU_IOMMU_FLUSH_QUEUE_H_
#define SMMU_IOMMU_FLUSH_QUEUE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "smmu/iommu/iova.h"
#include "smmu/iommu/pfn.h"
#include "smmu/platform/clock.h"
#include "smmu/result.h"

namespace smmu::iommu {

// What a FlushQueue asks of the domain it belongs to.  Called from any thread, with no lock held.
class FlushQueueClient {
 public:
  virtual ~FlushQueueClient() = default;
  // Returns when no translation is in use any more that was unmapped before the call.
  virtual void flush() = 0;
  // Frees tables that add() was given, which nothing refers to any more.
  virtual void free_tables(void* tables) = 0;
};

struct FlushQueueConfig {
  // Ranges that wait at most, in each ring; a power of two, at most 65536.
  unsigned entries = 256;
  // A thread uses one of them; with as many as there are threads they do not meet.  1 to 1024.
  unsigned rings = 8;
  // How long the first range waits, where there is always room.
  std::chrono::nanoseconds patience = std::chrono::milliseconds(10);
};

struct FlushQueueStatistics {
  std::uint64_t flushes = 0;   // in all
  std::uint64_t full = 0;      // of them because a ring was full
  std::uint64_t waiting = 0;   // ranges, now
  std::uint64_t released = 0;  // ranges
  std::uint64_t refused = 0;   // of them by the domain, see FreeFault
};

// A range is freed only after a flush that began when it had been unmapped already: until then, a
// device may still reach what it was mapped to.  So a flush that is on its way when a range comes
// does not count for it.
//
// Time is the caller's: any clock that does not go back.  Every member function may be called from
// any number of threads at once; the client's free_tables() may call all of them, its flush() those
// that do not flush themselves: deadline() and statistics().
class FlushQueue {
 public:
  using Time = std::chrono::nanoseconds;

  // For ranges of allocate_fast() of `domain`.  It and the client have to be there for as long as
  // this is, and the domain is not reset while ranges wait. invalid_argument: the configuration.
  // not_enough_memory.
  static Result<std::unique_ptr<FlushQueue>, std::errc> create(IovaDomain& domain,
                                                               FlushQueueClient& client,
                                                               const FlushQueueConfig& config = {});
  // Frees all that waits.
  ~FlushQueue();
  FlushQueue(const FlushQueue&) = delete;
  FlushQueue& operator=(const FlushQueue&) = delete;

  // Lets a range wait, and tables that were freed with it, or null.  REQUIRES: it is unmapped.
  // If there is no room it is the caller who flushes.
  void add(Pfn first, std::uint64_t pages, void* tables, Time now);
  // The same; the clock is looked at only if nobody waited.
  void add(Pfn first, std::uint64_t pages, void* tables, Clock& clock);

  // When tick() is to be called next; nothing: nobody waits, or a flush is under way for all that
  // do.
  std::optional<Time> deadline() const;
  // Frees all that waits now if that time has come.  True: it had.
  bool tick(Time now);
  // Frees all that waits now; flushes for it, unless nothing does.
  void flush();

  FlushQueueStatistics statistics() const;

 private:
  struct Entry;
  struct Some;
  struct Ring;

  FlushQueue(IovaDomain& domain, FlushQueueClient& client, const FlushQueueConfig& config);

  Ring& ring_of_thread() const;
  void flush_translations();
  void put(Pfn first, std::uint64_t pages, void* tables);
  void take_released(Ring& ring, Some& some) const;
  void free(const Some& some);
  void release(Ring& ring);
  void arm(Time now);

  static constexpr std::int64_t kNever = INT64_MAX;

  IovaDomain& domain_;
  FlushQueueClient& client_;
  const FlushQueueConfig config_;
  std::unique_ptr<Ring[]> rings_;
  std::atomic<std::uint64_t> begun_{0};     // flushes
  std::atomic<std::uint64_t> finished_{0};  // the number of the last flush to begin that has ended
  std::atomic<std::uint64_t> full_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::int64_t> deadline_{kNever};
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_FLUSH_QUEUE_H_
