// What tests of ReservedIova map with: tables without an SMMU, which note what is done to them and
// stop a thread wherever a test wants that.
#ifndef SMMU_TEST_IOMMU_WINDOW_TABLES_H_
#define SMMU_TEST_IOMMU_WINDOW_TABLES_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <latch>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

#include "lib/iommu/reserved_iova.h"
#include "lib/iommu/window_mapping.h"

namespace smmu::iommu {

class WindowTables final : public WindowMapping {
 public:
  struct Mapping {
    Iova iova;
    Pa pa;
    std::uint64_t size;
    Prot prot;
    friend bool operator==(const Mapping&, const Mapping&) = default;
  };

  // Called by the thread that maps or unmaps, with no lock held; before it is done, and after.
  // REQUIRES: set while no thread is in here.
  std::function<void(Iova)> before_map;
  std::function<void(Iova)> after_map;
  std::function<void(Iova)> before_unmap;
  std::function<void(Iova)> after_unmap;

  Result<Done, std::errc> map(Iova iova, Pa pa, std::uint64_t size, Prot prot) override {
    if (before_map) before_map(iova);
    {
      const std::lock_guard lock(mutex_);
      ++maps_;
      if (refusal_) return *std::exchange(refusal_, std::nullopt);
      if (overlaps(iova, size)) {
        ++collisions_;
        return std::errc::file_exists;
      }
      mapped_[iova.value] = {iova, pa, size, prot};
    }
    if (after_map) after_map(iova);
    return Done{};
  }
  void unmap(Iova iova, std::uint64_t size) override {
    if (before_unmap) before_unmap(iova);
    {
      const std::lock_guard lock(mutex_);
      ++unmaps_;
      const auto found = mapped_.find(iova.value);
      if (found == mapped_.end() || found->second.size != size) {
        ++strays_;
      } else {
        mapped_.erase(found);
      }
    }
    if (after_unmap) after_unmap(iova);
  }

  // The next call of map() answers this.
  void refuse_next(std::errc error) {
    const std::lock_guard lock(mutex_);
    refusal_ = error;
  }

  std::optional<Pa> iova_to_phys(Iova iova) const {
    const std::lock_guard lock(mutex_);
    const auto above = mapped_.upper_bound(iova.value);
    if (above == mapped_.begin()) return std::nullopt;
    const Mapping& mapping = std::prev(above)->second;
    const std::uint64_t offset = iova.value - mapping.iova.value;
    if (offset >= mapping.size) return std::nullopt;
    return Pa(mapping.pa.value + offset);
  }
  std::optional<Mapping> mapping_of(Iova iova) const {
    const std::lock_guard lock(mutex_);
    const auto above = mapped_.upper_bound(iova.value);
    if (above == mapped_.begin()) return std::nullopt;
    return std::prev(above)->second;
  }
  std::size_t mapped() const {
    const std::lock_guard lock(mutex_);
    return mapped_.size();
  }
  std::uint64_t maps() const {
    const std::lock_guard lock(mutex_);
    return maps_;
  }
  std::uint64_t unmaps() const {
    const std::lock_guard lock(mutex_);
    return unmaps_;
  }
  // Ranges that were mapped over others, and ranges that were unmapped and not mapped.
  std::uint64_t mistakes() const {
    const std::lock_guard lock(mutex_);
    return collisions_ + strays_;
  }

 private:
  bool overlaps(Iova iova, std::uint64_t size) const {
    return std::any_of(mapped_.begin(), mapped_.end(), [&](const auto& entry) {
      const Mapping& other = entry.second;
      return iova.value < other.iova.value + other.size && other.iova.value < iova.value + size;
    });
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Mapping> mapped_;
  std::optional<std::errc> refusal_;
  std::uint64_t maps_ = 0;
  std::uint64_t unmaps_ = 0;
  std::uint64_t collisions_ = 0;
  std::uint64_t strays_ = 0;
};

// Where one thread stands until another lets it go.
class Gate {
 public:
  void stand() {
    reached_.count_down();
    opened_.wait();
  }
  void wait_until_reached() { reached_.wait(); }
  void open() { opened_.count_down(); }

 private:
  std::latch reached_{1};
  std::latch opened_{1};
};

inline constexpr Prot kDoorbell = Prot::kWrite | Prot::kNoExec | Prot::kMmio;
inline constexpr Prot kWindowRights = kReadWrite | Prot::kNoExec | Prot::kMmio;

// A window of so many granules of 4 KiB, at 0x8000000.
inline constexpr Iova kWindow{0x800'0000};
inline Result<Done, std::errc> alloc(ReservedIova& reserved, std::uint64_t granules,
                                     Prot prot = kWindowRights, unsigned order = 12) {
  const auto window = ReservedWindow::of(kWindow, granules << order, order, prot);
  if (!window) return window.error();
  return reserved.alloc(*window);
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOMMU_WINDOW_TABLES_H_
