#include "test/iommu/fake_driver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace smmu::iommu {
namespace {

std::string words(const Attachment& to) {
  switch (to.kind) {
    case AttachKind::kBlocked:
      return "blocked";
    case AttachKind::kIdentity:
      return "identity";
    case AttachKind::kDomain:
      return std::string(name(static_cast<FakeDomain*>(to.domain)->request().type));
  }
  return "?";
}

}  // namespace

FakeDomain::FakeDomain(FakeDriver& driver, const DomainRequest& request)
    : driver_(driver), request_(request), nesting_(request.nest_parent) {
  const std::lock_guard lock(driver_.mutex_);
  ++driver_.live_domains_;
  if (driver_.tables_are == TablesAre::kMadeAtOnce) make_tables();
}

FakeDomain::~FakeDomain() {
  const std::lock_guard lock(driver_.mutex_);
  for (const auto& [device, to] : driver_.attached_) {
    EXPECT_NE(to.domain, this) << "a domain goes that " << device->config().name << " uses";
  }
  for (const auto& [pasid, to] : driver_.attached_pasids_) {
    EXPECT_NE(to.domain, this) << "a domain goes that PASID " << pasid.second << " uses";
  }
  --driver_.live_domains_;
}

std::uint64_t FakeDomain::page_sizes() const { return driver_.page_sizes; }

void FakeDomain::make_tables() {
  if (made_ || !is_paging(request_.type)) return;
  if (driver_.pool != nullptr) {
    auto real = IoPgtable::create({.page_sizes = driver_.page_sizes}, *driver_.pool, *this);
    if (!real) std::abort();
    made_ = std::move(*real);
  } else {
    PgtableInvalidation& invalidation = *this;
    auto map = std::make_unique<MapTables>(driver_.page_sizes, &invalidation);
    map_ = map.get();
    made_ = std::move(map);
  }
  tables_.store(made_.get(), std::memory_order_release);
}

void FakeDomain::flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) {
  const std::lock_guard lock(mutex_);
  walks_.push_back({iova.value, size, granule});
}

void FakeDomain::flush_all() {
  const std::lock_guard lock(mutex_);
  synced_.push_back({0, 0, 0});
}

void FakeDomain::sync(const UnmapBatch& batch) {
  if (on_sync) on_sync(batch);
  const std::lock_guard lock(mutex_);
  synced_.push_back({batch.first().value, batch.size(), batch.granule()});
}

Result<Done, std::errc> FakeDomain::sync_map(Iova iova, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (sync_map_error) return *std::exchange(sync_map_error, std::nullopt);
  synced_maps_.push_back({iova.value, size, 0});
  return Done{};
}

Result<Done, std::errc> FakeDomain::set_nesting(bool nesting) {
  if (made_) return std::errc::operation_not_permitted;
  nesting_ = nesting;
  return Done{};
}

Result<Done, std::errc> FakeDomain::set_quirks(const PgtableQuirks& quirks) {
  if (made_) return std::errc::operation_not_permitted;
  quirks_ = quirks;
  return Done{};
}

Result<Done, std::errc> FakeDomain::set_dirty_tracking(bool on) {
  if (!request_.dirty_tracking) return std::errc::operation_not_supported;
  dirty_tracking_ = on;
  return Done{};
}

std::vector<FakeDomain::Range> FakeDomain::take_synced() {
  const std::lock_guard lock(mutex_);
  return std::exchange(synced_, {});
}

std::vector<FakeDomain::Range> FakeDomain::take_synced_maps() {
  const std::lock_guard lock(mutex_);
  return std::exchange(synced_maps_, {});
}

std::vector<FakeDomain::Range> FakeDomain::take_walks() {
  const std::lock_guard lock(mutex_);
  return std::exchange(walks_, {});
}

FakeDriver::~FakeDriver() {
  EXPECT_EQ(live_domains_, 0u);
  EXPECT_TRUE(devices_.empty());
  if (last_calls != nullptr) *last_calls = calls_;
}

void FakeDriver::note(std::string call) { calls_.push_back(std::move(call)); }

bool FakeDriver::capable(Capability capability, const Device* device) const {
  if (capability == Capability::kDeferredFlush) return deferred_flush;
  return capability == Capability::kNoExec ||
         (capability == Capability::kPciAts && device != nullptr);
}

Result<std::unique_ptr<DeviceState>, std::errc> FakeDriver::add_device(Device& device) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("add {}", device.config().name));
  if (add_error) return *add_error;
  devices_.push_back(&device);
  attached_[&device] = {AttachKind::kBlocked};
  return std::make_unique<DeviceState>();
}

void FakeDriver::remove_device(Device& device) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("remove {}", device.config().name));
  for (const auto& [pasid, to] : attached_pasids_) EXPECT_NE(pasid.first, &device);
  EXPECT_EQ(std::erase(devices_, &device), 1u);
  attached_.erase(&device);
}

Device* FakeDriver::inseparable_from(const Device& device) const {
  const std::lock_guard lock(mutex_);
  const auto other = inseparable.find(device.config().name);
  if (other == inseparable.end()) return nullptr;
  for (const Device* const candidate : devices_) {
    if (candidate->config().name == other->second) return const_cast<Device*>(candidate);
  }
  return nullptr;
}

Result<std::unique_ptr<DriverDomain>, std::errc> FakeDriver::create_domain(
    const DomainRequest& request, Device* /*device*/) {
  if (create_error) return *create_error;
  return std::unique_ptr<DriverDomain>(std::make_unique<FakeDomain>(*this, request));
}

std::span<const ReservedRegion> FakeDriver::reserved_regions(const Device& /*device*/) const {
  return regions;
}

std::optional<std::errc> FakeDriver::attach_refusal() {
  const std::uint64_t call = attaches_++;
  if (call >= first_failing_ && call - first_failing_ < failures_) return attach_error_;
  return std::nullopt;
}

Result<Done, std::errc> FakeDriver::attach(Device& device, const Attachment& to) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("attach {} {}", device.config().name, words(to)));
  if (on_attach) on_attach(device, to);
  if (const auto refusal = attach_refusal()) return *refusal;
  if (to.kind == AttachKind::kDomain) static_cast<FakeDomain*>(to.domain)->make_tables();
  attached_[&device] = to;
  return Done{};
}

Result<Done, std::errc> FakeDriver::attach_pasid(Device& device, SubstreamId pasid,
                                                 const Attachment& to) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("attach {}:{} {}", device.config().name, pasid.value, words(to)));
  if (const auto refusal = attach_refusal()) return *refusal;
  if (to.kind == AttachKind::kDomain) static_cast<FakeDomain*>(to.domain)->make_tables();
  if (to.kind == AttachKind::kBlocked) {
    attached_pasids_.erase({&device, pasid.value});
  } else {
    attached_pasids_[{&device, pasid.value}] = to;
  }
  return Done{};
}

void FakeDriver::respond(Device& device, const PageFault& fault, PageAnswer answer) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("respond {} {:#x} {}", device.config().name, fault.iova.value,
                   answer == PageAnswer::kSuccess ? "success" : "no success"));
}

std::optional<DomainType> FakeDriver::default_domain_type(const Device& device) const {
  const auto type = preferred.find(device.config().name);
  if (type == preferred.end()) return std::nullopt;
  return type->second;
}

void FakeDriver::shut_down() {
  const std::lock_guard lock(mutex_);
  note("shut down");
}

std::map<const Device*, Attachment> FakeDriver::attached() const {
  const std::lock_guard lock(mutex_);
  return attached_;
}

std::map<FakeDriver::Pasid, Attachment> FakeDriver::attached_pasids() const {
  const std::lock_guard lock(mutex_);
  return attached_pasids_;
}

std::vector<std::string> FakeDriver::take_calls() {
  const std::lock_guard lock(mutex_);
  return std::exchange(calls_, {});
}

std::uint64_t FakeDriver::live_domains() const {
  const std::lock_guard lock(mutex_);
  return live_domains_;
}

void FakeDriver::fail_attach(std::uint64_t calls, std::errc error, std::uint64_t failures) {
  const std::lock_guard lock(mutex_);
  first_failing_ = attaches_ + calls;
  failures_ = failures;
  attach_error_ = error;
}

FakeSystem::FakeSystem(DomainType default_domain) {
  auto made = std::make_unique<FakeDriver>();
  driver = made.get();
  auto created = Iommu::create(std::move(made), {.default_domain = default_domain});
  if (!created) std::abort();
  iommu = std::move(*created);
}

Device& FakeSystem::add(const std::string& name, DeviceConfig config) {
  config.name = name;
  if (config.streams.empty()) config.streams.push_back({StreamId(next_stream_++)});
  const auto device = iommu->add_device(std::move(config));
  if (!device) {
    ADD_FAILURE() << name << ": " << std::make_error_code(device.error()).message();
    std::abort();
  }
  return **device;
}

std::unique_ptr<Domain> FakeSystem::domain(DomainType type, const DomainOptions& options) {
  auto made = iommu->create_domain(type, options);
  if (!made) {
    ADD_FAILURE() << std::make_error_code(made.error()).message();
    std::abort();
  }
  return std::move(*made);
}

FakeDomain& fake(const Domain& domain) { return static_cast<FakeDomain&>(domain.driver_domain()); }

MapTables::Leaves leaves(const Domain& domain) { return fake(domain).leaves().leaves(); }

}  // namespace smmu::iommu
