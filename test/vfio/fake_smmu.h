// An SMMU of no hardware, whose devices hold translations until they are told to forget them: so it
// knows at any time which memory a device may still reach.
#ifndef SMMU_TEST_VFIO_FAKE_SMMU_H_
#define SMMU_TEST_VFIO_FAKE_SMMU_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

class FakeSmmu;

// Tables of pages, by IOVA, with what is in the TLB beside them.
class FakeTables final : public IoPgtable {
 public:
  struct Page {
    std::uint64_t pa;
    Prot prot;
    friend bool operator==(const Page&, const Page&) = default;
  };
  using Pages = std::map<std::uint64_t, Page>;

  FakeTables(FakeSmmu& smmu, std::uint64_t page_sizes);

  Mapped map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) override;
  Unmapped unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) override;
  std::optional<Pa> iova_to_phys(Iova iova) const override;
  Result<Done, std::errc> read_and_clear_dirty(Iova iova, std::uint64_t size, DirtyBits bits,
                                               DirtySink& sink) override;
  PgtableRegisters registers() const override { return {}; }
  const PgtableConfig& config() const override { return config_; }
  std::uint64_t live_tables() const override { return 1; }
  void trim() override {}

  Pages pages() const;
  // A device writes there.  False: it is not mapped.
  bool write(Iova iova);

 private:
  friend class FakeSmmu;
  friend class FakeSmmuDomain;
  std::uint64_t page() const { return config_.page_sizes & (~config_.page_sizes + 1); }

  FakeSmmu& smmu_;
  PgtableConfig config_;
  Pages pages_;                                             // by the lock of the SMMU
  std::set<std::pair<std::uint64_t, std::uint64_t>> held_;  // IOVA and PA, unmapped or not
  std::set<std::uint64_t> dirty_;
};

class FakeSmmuDomain final : public DriverDomain {
 public:
  FakeSmmuDomain(FakeSmmu& smmu, const DomainRequest& request);
  ~FakeSmmuDomain() override;

  std::uint64_t page_sizes() const override { return page_sizes_; }
  Geometry geometry() const override;
  void flush_all() override;
  void sync(const UnmapBatch& batch) override;
  Result<Done, std::errc> set_dirty_tracking(bool on) override;
  bool enforce_cache_coherency() override;
  // Hardware that is asked answers what it remembers.
  std::optional<Pa> iova_to_phys(Iova iova) override {
    return remembered ? *remembered : DriverDomain::iova_to_phys(iova);
  }

  std::optional<std::optional<Pa>> remembered;

  FakeTables& own_tables() { return *own_; }
  bool is_tracking() const { return is_tracking_; }
  const DomainRequest& request() const { return request_; }

 private:
  friend class FakeSmmu;
  FakeSmmu& smmu_;
  const DomainRequest request_;
  const std::uint64_t page_sizes_;
  std::unique_ptr<FakeTables> own_;
  bool is_tracking_ = false;
};

class FakeSmmu final : public Driver {
 public:
  bool capable(Capability capability, const Device* device) const override;
  Result<std::unique_ptr<DeviceState>, std::errc> add_device(Device& device) override;
  void remove_device(Device& device) override;
  Device* inseparable_from(const Device&) const override { return nullptr; }
  Result<std::unique_ptr<DriverDomain>, std::errc> create_domain(const DomainRequest& request,
                                                                 Device* device) override;
  std::span<const ReservedRegion> reserved_regions(const Device&) const override { return regions; }
  Result<Done, std::errc> attach(Device& device, const Attachment& to) override;
  void shut_down() override {}
  Result<Done, std::errc> suspend() override { return Done{}; }
  Result<Done, std::errc> resume() override { return Done{}; }

  // Whether a device that is attached may still reach a byte of [pa, pa + size).
  bool reaches(Pa pa, std::uint64_t size) const;
  std::uint64_t live_domains() const;
  std::uint64_t syncs() const;
  // After so many map() of tables, and after so many attach(), one fails.
  void fail_map(std::uint64_t calls, std::errc error);
  void fail_attach(std::uint64_t calls, std::errc error);

  // How it behaves, from now on.
  std::uint64_t page_sizes = 4096 | 1ull << 21 | 1ull << 30;
  Geometry geometry{Iova(0), Iova((1ull << 48) - 1)};
  std::set<std::string> incoherent;      // names of devices
  std::set<std::string> dirty_tracking;  // the same
  std::set<std::string> unsociable;      // the same: wants a domain of its own
  std::optional<std::errc> dirty_error;
  std::optional<std::errc> create_error;
  std::vector<ReservedRegion> regions;

 private:
  friend class FakeTables;
  friend class FakeSmmuDomain;

  mutable std::recursive_mutex mutex_;
  std::set<FakeSmmuDomain*> domains_;
  std::map<const Device*, Attachment> attached_;
  std::uint64_t syncs_ = 0;
  std::uint64_t maps_ = 0;
  std::uint64_t failing_map_ = UINT64_MAX;
  std::errc map_error_{};
  std::uint64_t attaches_ = 0;
  std::uint64_t failing_attach_ = UINT64_MAX;
  std::errc attach_error_{};
};

// An Iommu above a FakeSmmu.
struct FakeSystem {
  FakeSystem();
  Group& add(const std::string& name, DeviceConfig config = {});

  FakeSmmu* smmu;  // of `iommu`
  std::unique_ptr<Iommu> iommu;

 private:
  std::uint32_t next_stream_ = 0;
};

// The tables that a group's devices are under.
// REQUIRES: it is attached to a domain that has some.
FakeSmmuDomain& fake(const Group& group);
FakeTables::Pages pages(const Group& group);

}  // namespace smmu::iommu

#endif  // SMMU_TEST_VFIO_FAKE_SMMU_H_
