#include "test/vfio/fake_smmu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace smmu::iommu {

FakeTables::FakeTables(FakeSmmu& smmu, std::uint64_t page_sizes) : smmu_(smmu) {
  config_.page_sizes = page_sizes;
}

Mapped FakeTables::map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) {
  const std::lock_guard lock(smmu_.mutex_);
  const bool fails = smmu_.maps_++ == smmu_.failing_map_;
  const std::uint64_t all = page_size * count;
  // One that fails has got half way.
  const std::uint64_t end = fails ? all / 2 / page() * page() : all;
  for (std::uint64_t done = 0; done != end; done += page()) {
    if (pages_.count(iova.value + done) != 0) return {done, std::errc::file_exists};
    pages_[iova.value + done] = {pa.value + done, prot};
    held_.insert({iova.value + done, pa.value + done});
    dirty_.insert(iova.value + done);
  }
  return {end, fails ? smmu_.map_error_ : std::errc{}};
}

Unmapped FakeTables::unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) {
  const std::lock_guard lock(smmu_.mutex_);
  std::uint64_t done = 0;
  for (; done != page_size * count; done += page()) {
    if (pages_.erase(iova.value + done) == 0) break;
    dirty_.erase(iova.value + done);
  }
  return {done, true};
}

std::optional<Pa> FakeTables::iova_to_phys(Iova iova) const {
  const std::lock_guard lock(smmu_.mutex_);
  const std::uint64_t offset = iova.value % page();
  const auto found = pages_.find(iova.value - offset);
  if (found == pages_.end()) return std::nullopt;
  return Pa(found->second.pa + offset);
}

Result<Done, std::errc> FakeTables::read_and_clear_dirty(Iova iova, std::uint64_t size,
                                                         DirtyBits bits, DirtySink& sink) {
  const std::lock_guard lock(smmu_.mutex_);
  for (std::uint64_t done = 0; done < size; done += page()) {
    const std::uint64_t at = iova.value + done;
    if (pages_.count(at) == 0) return std::errc::invalid_argument;
    if (dirty_.count(at) != 0) sink.dirty(Iova(at), page());
    if (bits == DirtyBits::kClear) dirty_.erase(at);
  }
  return Done{};
}

FakeTables::Pages FakeTables::pages() const {
  const std::lock_guard lock(smmu_.mutex_);
  return pages_;
}

bool FakeTables::write(Iova iova) {
  const std::lock_guard lock(smmu_.mutex_);
  const std::uint64_t at = iova.value - iova.value % page();
  if (pages_.count(at) == 0) return false;
  dirty_.insert(at);
  return true;
}

FakeSmmuDomain::FakeSmmuDomain(FakeSmmu& smmu, const DomainRequest& request)
    : smmu_(smmu), request_(request), page_sizes_(smmu.page_sizes) {
  const std::lock_guard lock(smmu_.mutex_);
  smmu_.domains_.insert(this);
  own_ = std::make_unique<FakeTables>(smmu_, page_sizes_);
  tables_.store(own_.get(), std::memory_order_release);
}

FakeSmmuDomain::~FakeSmmuDomain() {
  const std::lock_guard lock(smmu_.mutex_);
  for (const auto& [device, to] : smmu_.attached_) {
    EXPECT_NE(to.domain, this) << "a domain goes that " << device->config().name << " uses";
  }
  smmu_.domains_.erase(this);
}

Geometry FakeSmmuDomain::geometry() const { return smmu_.geometry; }

void FakeSmmuDomain::flush_all() {
  const std::lock_guard lock(smmu_.mutex_);
  own_->held_.clear();
  for (const auto& [iova, page] : own_->pages_) own_->held_.insert({iova, page.pa});
}

void FakeSmmuDomain::sync(const UnmapBatch& batch) {
  const std::lock_guard lock(smmu_.mutex_);
  ++smmu_.syncs_;
  auto& held = own_->held_;
  for (auto at = held.lower_bound({batch.first().value, 0});
       at != held.end() && at->first <= batch.last();) {
    const auto page = own_->pages_.find(at->first);
    const bool is_mapped = page != own_->pages_.end() && page->second.pa == at->second;
    at = is_mapped ? std::next(at) : held.erase(at);
  }
}

Result<Done, std::errc> FakeSmmuDomain::set_dirty_tracking(bool on) {
  if (on && smmu_.dirty_error) return *smmu_.dirty_error;
  if (!request_.dirty_tracking) return std::errc::operation_not_supported;
  is_tracking_ = on;
  return Done{};
}

bool FakeSmmuDomain::enforce_cache_coherency() { return smmu_.incoherent.empty(); }

bool FakeSmmu::capable(Capability capability, const Device* device) const {
  const std::string name = device != nullptr ? device->config().name : "";
  if (capability == Capability::kCacheCoherency) return incoherent.count(name) == 0;
  if (capability == Capability::kDirtyTracking) return dirty_tracking.count(name) != 0;
  return false;
}

Result<std::unique_ptr<DeviceState>, std::errc> FakeSmmu::add_device(Device& device) {
  const std::lock_guard lock(mutex_);
  attached_[&device] = {AttachKind::kBlocked};
  return std::make_unique<DeviceState>();
}

void FakeSmmu::remove_device(Device& device) {
  const std::lock_guard lock(mutex_);
  attached_.erase(&device);
}

Result<std::unique_ptr<DriverDomain>, std::errc> FakeSmmu::create_domain(
    const DomainRequest& request, Device*) {
  if (create_error) return *create_error;
  return std::unique_ptr<DriverDomain>(std::make_unique<FakeSmmuDomain>(*this, request));
}

Result<Done, std::errc> FakeSmmu::attach(Device& device, const Attachment& to) {
  const std::lock_guard lock(mutex_);
  if (attaches_++ == failing_attach_) return attach_error_;
  if (to.kind == AttachKind::kDomain && unsociable.count(device.config().name) != 0) {
    for (const auto& [other, where] : attached_) {
      if (other != &device && where.domain == to.domain) return std::errc::invalid_argument;
    }
  }
  attached_[&device] = to;
  return Done{};
}

bool FakeSmmu::reaches(Pa pa, std::uint64_t size) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(attached_.begin(), attached_.end(), [&](const auto& entry) {
    if (entry.second.kind != AttachKind::kDomain) return false;
    const FakeTables& tables = *static_cast<const FakeSmmuDomain*>(entry.second.domain)->own_;
    return std::any_of(tables.held_.begin(), tables.held_.end(), [&](const auto& held) {
      return held.second < pa.value + size && pa.value < held.second + tables.page();
    });
  });
}

std::uint64_t FakeSmmu::live_domains() const {
  const std::lock_guard lock(mutex_);
  return domains_.size();
}

std::uint64_t FakeSmmu::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

void FakeSmmu::fail_map(std::uint64_t calls, std::errc error) {
  const std::lock_guard lock(mutex_);
  failing_map_ = maps_ + calls;
  map_error_ = error;
}

void FakeSmmu::fail_attach(std::uint64_t calls, std::errc error) {
  const std::lock_guard lock(mutex_);
  failing_attach_ = attaches_ + calls;
  attach_error_ = error;
}

FakeSystem::FakeSystem() {
  auto made = std::make_unique<FakeSmmu>();
  smmu = made.get();
  auto created = Iommu::create(std::move(made), {.default_domain = DomainType::kBlocked});
  if (!created) std::abort();
  iommu = std::move(*created);
}

Group& FakeSystem::add(const std::string& name, DeviceConfig config) {
  config.name = name;
  config.streams = {{StreamId(next_stream_++)}};
  const auto device = iommu->add_device(std::move(config));
  if (!device) {
    ADD_FAILURE() << name << ": " << std::make_error_code(device.error()).message();
    std::abort();
  }
  return (*device)->group();
}

FakeSmmuDomain& fake(const Group& group) {
  return static_cast<FakeSmmuDomain&>(group.domain()->driver_domain());
}

FakeTables::Pages pages(const Group& group) { return fake(group).own_tables().pages(); }

}  // namespace smmu::iommu
