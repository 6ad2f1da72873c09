// What a device driver does for each buffer: addresses, a mapping, and the way back, until no
// device reaches it any more.
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bench/driven.h"
#include "bench/rows.h"
#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"

namespace smmu::bench {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr auto kBoth = iommu::DmaDirection::kBidirectional;

// `Smmu`: DrivenV3 or DrivenV2.
template <class Smmu>
class Dma {
 public:
  template <class... Options>
  explicit Dma(iommu::DomainType type, Options... options) : driven_(type, options...) {
    auto space = iommu::DmaSpace::create(driven_.domain(), {});
    if (!space) give_up("no space");
    space_ = *std::move(space);
  }
  iommu::DmaSpace& space() { return *space_; }
  iommu::DeviceDma device() { return {*space_, {.prot = iommu::Prot::kCache}}; }

 private:
  Smmu driven_;
  std::unique_ptr<iommu::DmaSpace> space_;
};

// `Way`: a device, or a queue of one.
template <class Way>
void map_and_unmap(Way& way, std::uint64_t n) {
  for (std::uint64_t i = 0; i != n; ++i) {
    const auto iova = way.map_single(Pa(0x8000'0000), kPage, kBoth);
    if (!iova) give_up("not mapped");
    if (!way.unmap_single(*iova, kPage)) give_up("not unmapped");
  }
}

template <class Smmu = DrivenV3, class... Options>
std::function<void(std::uint64_t)> by_device(iommu::DomainType type, Options... options) {
  auto dma = std::make_shared<Dma<Smmu>>(type, options...);
  return [dma](std::uint64_t n) {
    iommu::DeviceDma device = dma->device();
    map_and_unmap(device, n);
  };
}

std::function<void(std::uint64_t)> by_queue(iommu::DomainType type) {
  auto dma = std::make_shared<Dma<DrivenV3>>(type);
  return [dma](std::uint64_t n) {
    auto queue = dma->device().add_queue();
    if (!queue) give_up("no queue");
    map_and_unmap(*queue, n);
  };
}

}  // namespace

std::vector<Row> dma_rows() {
  using iommu::DomainType;
  return {{"dma/map_unmap_strict", [] { return by_device(DomainType::kDma); }},
          {"dma/map_unmap_strict_message",
           [] { return by_device(DomainType::kDma, DrivenV3::Signal::kMessage); }},
          {"dma/map_unmap_strict_queue", [] { return by_queue(DomainType::kDma); }},
          {"dma/map_unmap_lazy", [] { return by_device(DomainType::kDmaLazy); }},
          {"dma/v2_map_unmap_strict", [] { return by_device<DrivenV2>(DomainType::kDma); }},
          {"dma/v2_map_unmap_lazy", [] { return by_device<DrivenV2>(DomainType::kDmaLazy); }}};
}

}  // namespace smmu::bench
