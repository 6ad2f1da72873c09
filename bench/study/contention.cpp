#include "bench/study/contention.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "bench/study/live_set.h"
#include "bench/study/workload.h"

namespace smmu::study {

namespace {

// From one thread to one other.
class Ring {
 public:
  bool push(const Range& range) {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    if (end - begin_.load(std::memory_order_acquire) == places_.size()) return false;
    places_[end % places_.size()] = range;
    end_.store(end + 1, std::memory_order_release);
    return true;
  }
  std::optional<Range> pop() {
    const std::size_t begin = begin_.load(std::memory_order_relaxed);
    if (begin == end_.load(std::memory_order_acquire)) return std::nullopt;
    const Range range = places_[begin % places_.size()];
    begin_.store(begin + 1, std::memory_order_release);
    return range;
  }

 private:
  std::array<Range, 64> places_{};
  alignas(64) std::atomic<std::size_t> begin_{0};
  alignas(64) std::atomic<std::size_t> end_{0};
};

struct Pair {
  explicit Pair(std::uint64_t seed) : sizes(seed), live(~seed) {}

  Random sizes;
  LiveSet live;
  Ring ring;
  LockTimes producer;
  LockTimes consumer;
  std::uint64_t refusals = 0;
  std::uint64_t operations = 0;
};

class Contention {
 public:
  Contention(SharedAllocator& allocator, std::uint64_t seed, unsigned pairs, const Effort& effort)
      : allocator_(allocator), effort_(effort) {
    Random seeds(seed);
    for (unsigned i = 0; i != pairs; ++i) pairs_.push_back(std::make_unique<Pair>(seeds.next()));
  }

  // False: it takes too many visits.
  bool set_up(std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      Pair& pair = *pairs_[i % pairs_.size()];
      const auto range = allocator_.allocate(request(pair), pair.producer);
      if (!range) throw OutOfRoom();
      pair.live.add(*range);
      if (allocator_.visits() > effort_.budget.too_many) return false;
    }
    for (const auto& pair : pairs_) pair->producer = LockTimes();
    return true;
  }

  Measurement run() {
    Measurement result;
    for (const auto& pair : pairs_) result.live += pair->live.size();
    visits_at_begin_ = allocator_.visits();
    const auto begin = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> threads;
      try {
        for (const auto& pair : pairs_) {
          threads.emplace_back([this, &pair] { produce(*pair); });
          threads.emplace_back([this, &pair] { consume(*pair); });
        }
      } catch (const std::system_error&) {
        // A producer without a consumer would wait for ever.
        called_off_.store(true, std::memory_order_relaxed);
        throw std::runtime_error("--threads: expected as many as the system lets run.");
      }
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    LockTimes all;
    for (const auto& pair : pairs_) {
      result.operations += pair->operations;
      result.refusals += pair->refusals;
      for (const LockTimes& times : {pair->producer, pair->consumer}) {
        append(all.waited, times.waited);
        append(all.held, times.held);
        append(all.allocations, times.allocations);
        append(all.frees, times.frees);
      }
    }
    const auto operations = static_cast<double>(result.operations);
    result.operation = time.count() * 1e9 / operations;
    result.operations_per_second = operations / time.count();
    result.visits = static_cast<double>(allocator_.visits() - visits_at_begin_) / operations;
    result.bytes_per_range =
        static_cast<double>(allocator_.bytes()) / static_cast<double>(result.live);
    result.allocate = Percentiles::of(std::move(all.allocations));
    result.free = Percentiles::of(std::move(all.frees));
    if (!all.held.empty()) {
      result.held = Percentiles::of(std::move(all.held));
      result.waited = Percentiles::of(std::move(all.waited));
      result.longest = result.held->max;
    }
    return result;
  }

 private:
  static Request request(Pair& pair) {
    return {.pages = mixed_pages(pair.sizes), .limit = k48Bits};
  }
  static void append(std::vector<std::uint32_t>& all, const std::vector<std::uint32_t>& some) {
    all.insert(all.end(), some.begin(), some.end());
  }

  void produce(Pair& pair) {
    const std::uint64_t mine = std::max<std::uint64_t>(effort_.operations / pairs_.size(), 1);
    for (std::uint64_t i = 0; i != mine; ++i) {
      // Not often, since this takes the lock.
      if (i % 16 == 0 && allocator_.visits() - visits_at_begin_ >= effort_.budget.enough) break;
      const auto range = allocator_.allocate(request(pair), pair.producer);
      if (!range) {
        ++pair.refusals;
        continue;
      }
      if (!push(pair, *range)) return;
      ++pair.operations;
    }
    // Of no pages: the end.
    (void)push(pair, Range());
  }
  // False: called off.
  bool push(Pair& pair, const Range& range) {
    while (!pair.ring.push(range)) {
      if (called_off_.load(std::memory_order_relaxed)) return false;
      std::this_thread::yield();
    }
    return true;
  }
  void consume(Pair& pair) {
    for (;;) {
      const auto range = pair.ring.pop();
      if (!range) {
        if (called_off_.load(std::memory_order_relaxed)) return;
        std::this_thread::yield();
        continue;
      }
      if (range->pages == 0) return;
      pair.live.add(*range);
      allocator_.free(pair.live.take_any(), pair.consumer);
    }
  }

  SharedAllocator& allocator_;
  const Effort effort_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::uint64_t visits_at_begin_ = 0;
  std::atomic<bool> called_off_{false};
};

}  // namespace

Measurement run_contended(SharedAllocator& allocator, std::uint64_t n, std::uint64_t seed,
                          unsigned pairs, const Effort& effort) {
  Contention contention(allocator, seed, pairs, effort);
  Measurement nothing;
  try {
    if (contention.set_up(n)) return contention.run();
    nothing.not_measured = "too many visits to set up";
  } catch (const OutOfRoom&) {
    nothing.not_measured = "out of room";
  }
  return nothing;
}

}  // namespace smmu::study
