// A program's memory, scattered over physical memory as pages are.
#ifndef SMMU_TEST_VFIO_FAKE_MEMORY_H_
#define SMMU_TEST_VFIO_FAKE_MEMORY_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/pinned_memory.h"
#include "test/vfio/fake_smmu.h"

namespace smmu::iommu {

class FakeMemory final : public PinnedMemory {
 public:
  static constexpr std::uint64_t kPage = 4096;
  // Where the program has it, and how much that is.
  static constexpr std::uint64_t kBase = 0x7f00'0000'0000;
  static constexpr std::uint64_t kSize = 1ull << 32;

  // So many pages follow one another; then comes a hole.
  explicit FakeMemory(std::uint64_t run_pages = 4) : run_(run_pages * kPage) {}
  ~FakeMemory() override { EXPECT_EQ(pinned(), 0u) << "what is pinned is unpinned in the end"; }

  // Who has to have lost a page before it is unpinned for the last time.
  std::vector<const FakeSmmu*> watched = {};
  // Called by pin() and unpin(), before anything else.
  std::function<void()> on_call = {};
  // What the next pin() answers.
  std::optional<PinnedRun> answer = std::nullopt;

  Pa pa_of(UserAddress address) const {
    const std::uint64_t offset = address.value - kBase;
    return Pa(0x8'0000'0000 + offset / run_ * (run_ + kPage) + offset % run_);
  }

  Result<PinnedRun, std::errc> pin(UserAddress address, std::uint64_t size, Prot) override {
    if (on_call) on_call();
    const std::lock_guard lock(mutex_);
    if (calls_++ >= granted_) return std::errc::not_enough_memory;
    const std::uint64_t offset = address.value - kBase;
    if (offset >= kSize) return std::errc::bad_address;
    PinnedRun run{pa_of(address), std::min(size, run_ - offset % run_)};
    if (answer) run = *std::exchange(answer, std::nullopt);
    for (std::uint64_t at = 0; at < run.size; at += kPage) ++pins_[run.pa.value + at];
    return run;
  }
  void unpin(Pa pa, std::uint64_t size) override {
    if (on_call) on_call();
    const std::lock_guard lock(mutex_);
    for (std::uint64_t at = 0; at < size; at += kPage) {
      const auto found = pins_.find(pa.value + at);
      if (found == pins_.end()) {
        ADD_FAILURE() << "a page is unpinned that is not pinned";
        continue;
      }
      if (--found->second != 0) continue;
      pins_.erase(found);
      for (const FakeSmmu* const smmu : watched) {
        EXPECT_FALSE(smmu->reaches(Pa(pa.value + at), kPage)) << "a device reaches it";
      }
    }
  }

  // So many calls of pin() more succeed.
  void grant(std::uint64_t calls) {
    const std::lock_guard lock(mutex_);
    calls_ = 0;
    granted_ = calls;
  }
  // Pages that are pinned, by address, and how often.
  std::map<std::uint64_t, std::uint64_t> pins() const {
    const std::lock_guard lock(mutex_);
    return pins_;
  }
  std::uint64_t pinned() const { return pins().size(); }

 private:
  const std::uint64_t run_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> pins_;
  std::uint64_t calls_ = 0;
  std::uint64_t granted_ = UINT64_MAX;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_VFIO_FAKE_MEMORY_H_
