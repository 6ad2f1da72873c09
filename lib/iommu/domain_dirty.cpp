// What a domain's devices have written to.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <mutex>

#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {
namespace {

// From where to where pages or blocks of one size were written to.
struct Hull {
  std::uint64_t leaf = 0;
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last = 0;
};

// Passes on what it is told, and remembers where that was: of each size for itself, since an SMMU
// that is told to forget pages may keep blocks.
class Hulls final : public DirtySink {
 public:
  explicit Hulls(DirtySink& sink) : sink_(sink) {}

  void dirty(Iova iova, std::uint64_t size) override {
    const auto hull = std::ranges::find_if(
        hulls_, [size](const Hull& some) { return some.leaf == size || some.leaf == 0; });
    if (hull != hulls_.end()) {
      hull->leaf = size;
      hull->first = std::min(hull->first, iova.value);
      hull->last = std::max(hull->last, iova.value + (size - 1));
    } else {
      more_ = true;
    }
    sink_.dirty(iova, size);
  }

  const auto& all() const { return hulls_; }
  // There were more sizes than tables have.
  bool more() const { return more_; }

 private:
  DirtySink& sink_;
  std::array<Hull, 8> hulls_{};
  bool more_ = false;
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
  Hulls hulls(sink);
  const Result<Done, std::errc> result = tables->read_and_clear_dirty(iova, size, bits, hulls);
  if (hulls.more()) {
    flush_all();
    return result;
  }
  for (const Hull& hull : hulls.all()) {
    if (hull.leaf == 0) break;
    UnmapBatch batch;
    batch.add(Iova(hull.first), hull.last - hull.first + 1, hull.leaf);
    sync(batch);
  }
  return result;
}

}  // namespace smmu::iommu
