#include "bench/study/shared_allocator.h"

#include <mutex>
#include <new>
#include <utility>

#include "bench/study/stopwatch.h"
#include "smmu/iommu/iova.h"

namespace smmu::study {

namespace {

class BehindMutex final : public SharedAllocator {
 public:
  explicit BehindMutex(std::unique_ptr<AnyAllocator> allocator)
      : allocator_(std::move(allocator)) {}

  std::optional<Range> allocate(const Request& request, LockTimes& times) override {
    std::optional<Pfn> first;
    times.allocations.push_back(locked(times, [&] { first = allocator_->allocate(request); }));
    if (!first) return std::nullopt;
    return Range{*first, request.pages};
  }
  void free(const Range& range, LockTimes& times) override {
    times.frees.push_back(locked(times, [&] { allocator_->free(range.first, range.pages); }));
  }
  std::uint64_t visits() const override {
    const std::lock_guard lock(mutex_);
    return allocator_->visits();
  }
  std::uint64_t bytes() const override {
    const std::lock_guard lock(mutex_);
    return allocator_->bytes();
  }

 private:
  // The time of the whole.
  template <class Do>
  std::uint32_t locked(LockTimes& times, Do something) {
    const auto asked = Stopwatch::Clock::now();
    std::unique_lock lock(mutex_);
    const auto taken = Stopwatch::Clock::now();
    something();
    const auto done = Stopwatch::Clock::now();
    lock.unlock();
    const auto left = Stopwatch::Clock::now();
    times.waited.push_back(Stopwatch::between(asked, taken));
    times.held.push_back(Stopwatch::between(taken, done));
    return Stopwatch::between(asked, left);
  }

  mutable std::mutex mutex_;
  std::unique_ptr<AnyAllocator> allocator_;
};

class WithOwnLock final : public SharedAllocator {
 public:
  explicit WithOwnLock(std::unique_ptr<iommu::IovaDomain> domain) : domain_(std::move(domain)) {}

  std::optional<Range> allocate(const Request& request, LockTimes& times) override {
    const Stopwatch stopwatch;
    const auto range = domain_->allocate(request.pages, request.limit, request.alignment);
    times.allocations.push_back(stopwatch.elapsed());
    if (!range) return std::nullopt;
    return Range{range->first(), request.pages};
  }
  void free(const Range& range, LockTimes& times) override {
    const Stopwatch stopwatch;
    (void)domain_->free(range.first);
    times.frees.push_back(stopwatch.elapsed());
  }
  std::uint64_t visits() const override { return domain_->statistics().visits; }
  std::uint64_t bytes() const override { return domain_->statistics().bytes; }

 private:
  std::unique_ptr<iommu::IovaDomain> domain_;
};

}  // namespace

std::unique_ptr<SharedAllocator> behind_mutex(std::unique_ptr<AnyAllocator> allocator) {
  return std::make_unique<BehindMutex>(std::move(allocator));
}

std::unique_ptr<SharedAllocator> with_own_lock(const std::string& allocator, Pfn start) {
  iommu::IovaConfig config{.threads = iommu::Threads::kMany};
  if (allocator == "linux_exact") {
    config.order = iommu::IovaOrder::kLinuxExact;
    config.failure_memo = iommu::FailureMemo::kOn;
  } else if (allocator == "linux_exact_without_memo") {
    config.order = iommu::IovaOrder::kLinuxExact;
  } else if (allocator != "highest_gap") {
    return nullptr;
  }
  auto made = iommu::IovaDomain::create(4096, start, config);
  if (!made) throw std::bad_alloc();
  return std::make_unique<WithOwnLock>(*std::move(made));
}

}  // namespace smmu::study
