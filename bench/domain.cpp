// A domain with tables of 4K granules, four levels, stage 1, above a driver of no hardware: what
// the API costs beside its tables.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "smmu/emulator/ram.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"

namespace smmu::bench {
namespace {

using iommu::Domain;
using iommu::Iommu;
using iommu::IoPgtable;
using iommu::PagePool;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPages = 4096;

class NoSmmuDomain final : public iommu::DriverDomain, private iommu::PgtableInvalidation {
 public:
  explicit NoSmmuDomain(PagePool& pool) {
    auto made = IoPgtable::create({.page_sizes = kPage | kPage << 9 | kPage << 18}, pool, *this);
    if (!made) give_up("no tables");
    own_ = *std::move(made);
    tables_ = own_.get();
  }
  std::uint64_t page_sizes() const override { return own_->page_sizes(); }
  iommu::Geometry geometry() const override { return {Iova(0), Iova((1ull << 48) - 1)}; }
  void flush_all() override {}
  void sync(const iommu::UnmapBatch&) override {}

 private:
  void flush_walk(Iova, std::uint64_t, std::uint64_t) override {}

  std::unique_ptr<IoPgtable> own_;
};

class NoSmmu final : public iommu::Driver {
 public:
  explicit NoSmmu(PagePool& pool) : pool_(pool) {}

  bool capable(iommu::Capability, const iommu::Device*) const override { return false; }
  Result<std::unique_ptr<iommu::DeviceState>, std::errc> add_device(iommu::Device&) override {
    return std::make_unique<iommu::DeviceState>();
  }
  void remove_device(iommu::Device&) override {}
  iommu::Device* inseparable_from(const iommu::Device&) const override { return nullptr; }
  Result<std::unique_ptr<iommu::DriverDomain>, std::errc> create_domain(const iommu::DomainRequest&,
                                                                        iommu::Device*) override {
    return std::unique_ptr<iommu::DriverDomain>(std::make_unique<NoSmmuDomain>(pool_));
  }
  std::span<const iommu::ReservedRegion> reserved_regions(const iommu::Device&) const override {
    return {};
  }
  Result<Done, std::errc> attach(iommu::Device&, const iommu::Attachment&) override {
    return Done{};
  }
  void shut_down() override {}
  Result<Done, std::errc> suspend() override { return Done{}; }
  Result<Done, std::errc> resume() override { return Done{}; }

 private:
  PagePool& pool_;
};

class MappedDomain {
 public:
  MappedDomain() {
    constexpr Pa kBase{0x4000'0000};
    constexpr std::uint64_t kSize = 1 << 20;
    if (!ram_.add(kBase, kSize)) give_up("no RAM");
    auto pool = PagePool::create(ram_, kBase, kSize);
    if (!pool) give_up("no pool");
    pool_ = *std::move(pool);
    auto iommu = Iommu::create(std::make_unique<NoSmmu>(*pool_));
    if (!iommu) give_up("no IOMMU");
    iommu_ = *std::move(iommu);
    auto domain = iommu_->create_domain(iommu::DomainType::kUnmanaged);
    if (!domain) give_up("no domain");
    domain_ = *std::move(domain);
    // The tables are there, as they are in a domain that is used.
    for (std::uint64_t n = 0; n != kPages; ++n) map_and_unmap(n);
  }
  void map_and_unmap(std::uint64_t n) {
    const Iova iova((std::uint64_t{1} << 40) + n * kPage);
    if (!domain_->map(iova, Pa(0x8000'0000 + n * kPage), kPage, iommu::kReadWrite)) {
      give_up("not mapped");
    }
    if (domain_->unmap(iova, kPage, batch_) != kPage) give_up("not unmapped");
  }

 private:
  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  std::unique_ptr<Iommu> iommu_;
  std::unique_ptr<Domain> domain_;
  iommu::UnmapBatch batch_;
};

}  // namespace

std::vector<Row> domain_rows() {
  return {{"domain/map_unmap_4k", [] {
             auto domain = std::make_shared<MappedDomain>();
             return [domain](std::uint64_t n) {
               for (std::uint64_t i = 0; i != n; ++i) domain->map_and_unmap(i % kPages);
             };
           }}};
}

}  // namespace smmu::bench
