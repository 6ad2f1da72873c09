// What a domain's devices have written to.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>

#include "lib/iommu/page_sizes.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {
namespace {

// Passes on what it is told, and remembers from where to where that was.
class Hull final : public DirtySink {
 public:
  explicit Hull(DirtySink& sink) : sink_(sink) {}

  void dirty(Iova iova, std::uint64_t size) override {
    first_ = std::min(first_, iova.value);
    last_ = std::max(last_, iova.value + (size - 1));
    sink_.dirty(iova, size);
  }

  bool empty() const { return first_ > last_; }
  Iova first() const { return Iova(first_); }
  std::uint64_t size() const { return last_ - first_ + 1; }

 private:
  DirtySink& sink_;
  std::uint64_t first_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last_ = 0;
};

}  // namespace

Result<Done, std::errc> Domain::set_dirty_tracking(bool on) {
  const std::lock_guard lock(iommu_.mutex_);
  return driver_domain_->set_dirty_tracking(on);
}

Result<Done, std::errc> Domain::read_and_clear_dirty(Iova iova, std::uint64_t size, DirtyBits bits,
                                                     DirtySink& sink) {
  if (!is_paging()) return std::errc::invalid_argument;
  IoPgtable* const tables = driver_domain_->tables();
  if (tables == nullptr) return std::errc::no_such_device;
  if (bits == DirtyBits::kKeep) return tables->read_and_clear_dirty(iova, size, bits, sink);

  // The SMMU that has a page as written to does not look at its descriptor again.  Only what was
  // told needs to be forgotten, and of that all at once: what is dirty is rarely far apart, and a
  // driver knows from which size on it is better to forget everything.
  Hull hull(sink);
  const Result<Done, std::errc> result = tables->read_and_clear_dirty(iova, size, bits, hull);
  if (!hull.empty()) {
    UnmapBatch batch;
    batch.add(hull.first(), hull.size(), smallest_page(table_sizes(*tables)));
    sync(batch);
  }
  return result;
}

}  // namespace smmu::iommu
