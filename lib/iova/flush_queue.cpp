#include "smmu/iommu/flush_queue.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <mutex>
#include <new>

namespace smmu::iommu {
namespace {

// Threads are numbered as they come.
std::size_t number_of_thread() {
  static constinit std::atomic<std::size_t> threads{0};
  static thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

// A range that waits.
struct FlushQueue::Entry {
  Pfn first;
  std::uint64_t pages;
  void* tables;
  std::uint64_t begun;  // flushes, when it came
};

// What need not wait any more, as much as is taken out at once.
struct FlushQueue::Some {
  std::array<Entry, 16> entries;
  std::size_t count = 0;

  bool full() const { return count == entries.size(); }
};

// In the order in which they came, which is the order in which they may go.
struct alignas(64) FlushQueue::Ring {
  mutable std::mutex mutex;
  std::unique_ptr<Entry[]> entries;
  std::uint64_t head = 0;  // the oldest; both count on for ever
  std::uint64_t tail = 0;
};

FlushQueue::FlushQueue(IovaDomain& domain, FlushQueueClient& client, const FlushQueueConfig& config)
    : domain_(domain), client_(client), config_(config) {}

Result<std::unique_ptr<FlushQueue>, std::errc> FlushQueue::create(IovaDomain& domain,
                                                                  FlushQueueClient& client,
                                                                  const FlushQueueConfig& config) {
  constexpr unsigned kMostEntries = 65536;
  constexpr unsigned kMostRings = 1024;
  if (!std::has_single_bit(config.entries) || config.entries > kMostEntries || config.rings == 0 ||
      config.rings > kMostRings || config.patience < Time::zero()) {
    return std::errc::invalid_argument;
  }
  std::unique_ptr<FlushQueue> queue(new (std::nothrow) FlushQueue(domain, client, config));
  if (!queue) return std::errc::not_enough_memory;
  queue->rings_.reset(new (std::nothrow) Ring[config.rings]);
  if (!queue->rings_) return std::errc::not_enough_memory;
  for (unsigned i = 0; i != config.rings; ++i) {
    Ring& ring = queue->rings_[i];
    ring.entries.reset(new (std::nothrow) Entry[config.entries]);
    if (!ring.entries) return std::errc::not_enough_memory;
  }
  return queue;
}

FlushQueue::~FlushQueue() { flush(); }

FlushQueue::Ring& FlushQueue::ring_of_thread() const {
  return rings_[number_of_thread() % config_.rings];
}

void FlushQueue::add(Pfn first, std::uint64_t pages, void* tables, Time now) {
  put(first, pages, tables);
  if (deadline_.load(std::memory_order_relaxed) == kNever) arm(now);
}

void FlushQueue::add(Pfn first, std::uint64_t pages, void* tables, Clock& clock) {
  put(first, pages, tables);
  if (deadline_.load(std::memory_order_relaxed) == kNever) arm(clock.now());
}

void FlushQueue::put(Pfn first, std::uint64_t pages, void* tables) {
  // That the range is unmapped is seen by a flush that this does not see begin: what was written to
  // the tables comes before what is read of `begun_`, as on the other side it is the other way
  // round.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Ring& ring = ring_of_thread();
  for (bool added = false; !added;) {
    Some some;
    {
      const std::lock_guard lock(ring.mutex);
      take_released(ring, some);
      added = ring.tail - ring.head != config_.entries;
      if (added) {
        const std::uint64_t begun = begun_.load(std::memory_order_seq_cst);
        ring.entries[ring.tail++ % config_.entries] = {first, pages, tables, begun};
      }
    }
    free(some);
    if (some.full()) release(ring);
    if (!added) {
      full_.fetch_add(1, std::memory_order_relaxed);
      flush_translations();
    }
  }
}

void FlushQueue::arm(Time now) {
  std::int64_t never = kNever;
  // What would be later than any time there is comes as late as it can.
  const Time latest(kNever - 1);
  const Time deadline = now > latest - config_.patience ? latest : now + config_.patience;
  deadline_.compare_exchange_strong(never, deadline.count(), std::memory_order_relaxed);
}

std::optional<FlushQueue::Time> FlushQueue::deadline() const {
  const std::int64_t deadline = deadline_.load(std::memory_order_relaxed);
  if (deadline == kNever) return std::nullopt;
  return Time(deadline);
}

bool FlushQueue::tick(Time now) {
  std::int64_t deadline = deadline_.load(std::memory_order_relaxed);
  if (deadline == kNever || now.count() < deadline) return false;
  if (!deadline_.compare_exchange_strong(deadline, kNever, std::memory_order_seq_cst)) return false;
  flush();
  return true;
}

void FlushQueue::flush() {
  // Whoever adds a range that is not seen below sets the next.
  deadline_.store(kNever, std::memory_order_seq_cst);
  if (statistics().waiting == 0) return;
  flush_translations();
  for (unsigned i = 0; i != config_.rings; ++i) release(rings_[i]);
}

void FlushQueue::flush_translations() {
  const std::uint64_t number = begun_.fetch_add(1, std::memory_order_seq_cst) + 1;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  client_.flush();
  std::uint64_t finished = finished_.load(std::memory_order_relaxed);
  while (finished < number && !finished_.compare_exchange_weak(finished, number)) continue;
}

// Flushes are numbered from 1 as they begin.  An entry that came when n had begun waits for one
// that began later, whatever became of those before it.
void FlushQueue::take_released(Ring& ring, Some& some) const {
  const std::uint64_t finished = finished_.load(std::memory_order_seq_cst);
  while (!some.full() && ring.head != ring.tail) {
    const Entry& oldest = ring.entries[ring.head % config_.entries];
    if (oldest.begun >= finished) return;
    some.entries[some.count++] = oldest;
    ++ring.head;
  }
}

void FlushQueue::free(const Some& some) {
  for (std::size_t i = 0; i != some.count; ++i) {
    const Entry& entry = some.entries[i];
    if (entry.tables) client_.free_tables(entry.tables);
    if (domain_.free_fast(entry.first, entry.pages)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void FlushQueue::release(Ring& ring) {
  for (bool more = true; more;) {
    Some some;
    {
      const std::lock_guard lock(ring.mutex);
      take_released(ring, some);
    }
    free(some);
    more = some.full();
  }
}

FlushQueueStatistics FlushQueue::statistics() const {
  FlushQueueStatistics statistics;
  statistics.flushes = begun_.load(std::memory_order_relaxed);
  statistics.full = full_.load(std::memory_order_relaxed);
  statistics.refused = refused_.load(std::memory_order_relaxed);
  for (unsigned i = 0; rings_ && i != config_.rings; ++i) {
    const std::lock_guard lock(rings_[i].mutex);
    statistics.waiting += rings_[i].tail - rings_[i].head;
    statistics.released += rings_[i].head;
  }
  return statistics;
}

}  // namespace smmu::iommu
