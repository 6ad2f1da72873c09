// A driver of no hardware: it remembers what it was asked for, and fails where it is told to.
#ifndef SMMU_TEST_IOMMU_FAKE_DRIVER_H_
#define SMMU_TEST_IOMMU_FAKE_DRIVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/iommu.h"
#include "test/iommu/map_tables.h"

namespace smmu::iommu {

class FakeDriver;

class FakeDomain final : public DriverDomain, private PgtableInvalidation {
 public:
  FakeDomain(FakeDriver& driver, const DomainRequest& request);
  ~FakeDomain() override;

  std::uint64_t page_sizes() const override;
  Geometry geometry() const override { return {Iova(0), Iova((1ull << 48) - 1)}; }
  void flush_all() override;
  void sync(const UnmapBatch& batch) override;
  Result<Done, std::errc> sync_map(Iova iova, std::uint64_t size) override;
  Result<Done, std::errc> set_nesting(bool nesting) override;
  bool nesting() const override { return nesting_; }
  Result<Done, std::errc> set_quirks(const PgtableQuirks& quirks) override;
  Result<Done, std::errc> set_dirty_tracking(bool on) override;

  void make_tables();
  // REQUIRES: its tables are no real ones.
  MapTables& leaves() { return *map_; }
  FaultSink& faults() { return *request_.faults; }
  const DomainRequest& request() const { return request_; }
  PgtableQuirks quirks() const { return quirks_; }
  bool dirty_tracking() const { return dirty_tracking_; }

  struct Range {
    std::uint64_t first;
    std::uint64_t size;
    std::uint64_t granule;
    friend bool operator==(const Range&, const Range&) = default;
  };
  // What it was told to forget, and of what it was told that it is mapped (granule 0).
  std::vector<Range> take_synced();
  std::vector<Range> take_synced_maps();
  // What its tables had it forget at once.
  std::vector<Range> take_walks();

  // What the next sync_map() answers.
  std::optional<std::errc> sync_map_error;
  // Called by sync(), before anything else.
  std::function<void(const UnmapBatch&)> on_sync;

 private:
  void flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) override;

  FakeDriver& driver_;
  const DomainRequest request_;
  std::unique_ptr<IoPgtable> made_;
  MapTables* map_ = nullptr;
  bool nesting_ = false;
  bool dirty_tracking_ = false;
  PgtableQuirks quirks_;
  std::mutex mutex_;
  std::vector<Range> synced_;
  std::vector<Range> synced_maps_;
  std::vector<Range> walks_;
};

enum class TablesAre : std::uint8_t { kMadeAtOnce, kMadeAtFirstAttach };

class FakeDriver final : public Driver {
 public:
  ~FakeDriver() override;

  bool capable(Capability capability, const Device* device) const override;
  Result<std::unique_ptr<DeviceState>, std::errc> add_device(Device& device) override;
  void remove_device(Device& device) override;
  Device* inseparable_from(const Device& device) const override;
  Result<std::unique_ptr<DriverDomain>, std::errc> create_domain(const DomainRequest& request,
                                                                 Device* device) override;
  std::span<const ReservedRegion> reserved_regions(const Device& device) const override;
  Result<Done, std::errc> attach(Device& device, const Attachment& to) override;
  Result<Done, std::errc> attach_pasid(Device& device, SubstreamId pasid,
                                       const Attachment& to) override;
  void respond(Device& device, const PageFault& fault, PageAnswer answer) override;
  std::optional<DomainType> default_domain_type(const Device& device) const override;
  void shut_down() override;
  Result<Done, std::errc> suspend() override { return Done{}; }
  Result<Done, std::errc> resume() override { return Done{}; }

  // What is, as the hardware would have it.
  using Pasid = std::pair<const Device*, std::uint32_t>;
  std::map<const Device*, Attachment> attached() const;
  std::map<Pasid, Attachment> attached_pasids() const;
  // "add nic", "attach nic identity", "attach nic:3 domain", "remove nic", "shut down", ...
  std::vector<std::string> take_calls();
  std::uint64_t live_domains() const;

  // After so many calls of attach(), attach_pasid() included, those in `failures` fail.
  void fail_attach(std::uint64_t calls, std::errc error, std::uint64_t failures = 1);

  // How it behaves, from now on.
  std::uint64_t page_sizes = 4096 | 1ull << 21 | 1ull << 30;
  TablesAre tables_are = TablesAre::kMadeAtOnce;
  PagePool* pool = nullptr;  // for real tables
  bool deferred_flush = true;
  std::optional<std::errc> add_error;
  std::optional<std::errc> create_error;
  std::vector<ReservedRegion> regions;
  std::map<std::string, std::string> inseparable;  // names
  std::map<std::string, DomainType> preferred;     // by name
  // Called inside attach(), before it is done.
  std::function<void(Device&, const Attachment&)> on_attach;
  // Who looks at the driver when it is destroyed already.
  std::vector<std::string>* last_calls = nullptr;

 private:
  friend class FakeDomain;

  std::optional<std::errc> attach_refusal();
  void note(std::string call);

  mutable std::recursive_mutex mutex_;
  std::vector<const Device*> devices_;
  std::map<const Device*, Attachment> attached_;
  std::map<Pasid, Attachment> attached_pasids_;
  std::vector<std::string> calls_;
  std::uint64_t live_domains_ = 0;
  std::uint64_t attaches_ = 0;
  std::uint64_t first_failing_ = UINT64_MAX;
  std::uint64_t failures_ = 0;
  std::errc attach_error_{};
};

// An Iommu above a FakeDriver.
struct FakeSystem {
  explicit FakeSystem(DomainType default_domain = DomainType::kIdentity);

  Device& add(const std::string& name, DeviceConfig config = {});
  std::unique_ptr<Domain> domain(DomainType type = DomainType::kUnmanaged,
                                 const DomainOptions& options = {});

  FakeDriver* driver;  // of `iommu`
  std::unique_ptr<Iommu> iommu;

 private:
  std::uint32_t next_stream_ = 0;
};

FakeDomain& fake(const Domain& domain);
// What is mapped in it.
MapTables::Leaves leaves(const Domain& domain);

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOMMU_FAKE_DRIVER_H_
