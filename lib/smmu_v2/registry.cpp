#include "lib/smmu_v2/registry.h"

#include <algorithm>

#include "lib/smmu_v2/smmu_v2_domain.h"

namespace smmu::iommu {

namespace {

template <class Node>
void unlink(Node*& first, Node& node, Node* Node::*next) {
  for (Node** link = &first; *link != nullptr; link = &((*link)->*next)) {
    if (*link != &node) continue;
    *link = node.*next;
    return;
  }
}

bool has(const Device& device, StreamId stream) {
  return std::ranges::any_of(device.config().streams, [&](const StreamMatch& match) {
    return ((match.id.value ^ stream.value) & ~match.mask) == 0;
  });
}

bool share(const SmmuV2Device& a, const SmmuV2Device& b) {
  const auto groups = a.indices();
  return std::ranges::find_first_of(b.indices(), groups) != b.indices().end();
}

}  // namespace

void SmmuV2Registry::add(SmmuV2Device& device) {
  const std::lock_guard lock(mutex_);
  device.next = devices_;
  devices_ = &device;
}

void SmmuV2Registry::add(SmmuV2Domain& domain) {
  const std::lock_guard lock(mutex_);
  domain.next_ = domains_;
  domains_ = &domain;
}

// A handler may remove what it was told of: it does not wait for itself.
template <class Concerns>
void SmmuV2Registry::wait_for_others(std::unique_lock<std::mutex>& lock, Concerns concerns) {
  reported_.wait(lock, [&] {
    for (const Report* report = reports_; report != nullptr; report = report->next_) {
      if (report->thread_ != std::this_thread::get_id() && concerns(*report)) return false;
    }
    return true;
  });
}

void SmmuV2Registry::remove(SmmuV2Device& device) {
  const std::lock_guard lock(mutex_);
  unlink(devices_, device, &SmmuV2Device::next);
}

void SmmuV2Registry::wait_for_reports_of(const SmmuV2Device& device) {
  std::unique_lock lock(mutex_);
  wait_for_others(lock, [&](const Report& report) { return report.device_ == &device; });
}

void SmmuV2Registry::remove(SmmuV2Domain& domain) {
  std::unique_lock lock(mutex_);
  unlink(domains_, domain, &SmmuV2Domain::next_);
  for (Report* report = reports_; report != nullptr; report = report->next_) {
    const bool own = report->thread_ == std::this_thread::get_id();
    if (own && domain.has_bank(report->bank_)) report->over_ = true;
  }
  wait_for_others(lock, [&](const Report& report) { return domain.has_bank(report.bank_); });
}

void SmmuV2Registry::wait_for_reports_of(std::uint32_t bank) {
  std::unique_lock lock(mutex_);
  wait_for_others(lock, [bank](const Report& report) { return report.bank_ == bank; });
}

SmmuV2Domain* SmmuV2Registry::find(const DriverDomain* domain) const {
  const std::lock_guard lock(mutex_);
  for (SmmuV2Domain* one = domains_; one != nullptr; one = one->next_) {
    if (one == domain) return one;
  }
  return nullptr;
}

Device* SmmuV2Registry::that_shares(const SmmuV2Device& device) const {
  const std::lock_guard lock(mutex_);
  for (const SmmuV2Device* one = devices_; one != nullptr; one = one->next) {
    if (one != &device && share(*one, device)) return &one->device;
  }
  return nullptr;
}

bool SmmuV2Registry::sharers_can_be_together(const SmmuV2Device& device) const {
  const std::lock_guard lock(mutex_);
  const auto& told = device.device.config().not_isolated_from;
  const SmmuV2Device* first = nullptr;
  for (const SmmuV2Device* one = devices_; one != nullptr; one = one->next) {
    if (one == &device || !share(*one, device)) continue;
    if (first == nullptr) first = one;
    const Group* const group = &one->device.group();
    const bool known =
        group == &first->device.group() ||
        std::ranges::any_of(told, [&](const Device* other) { return group == &other->group(); });
    if (!known) return false;
  }
  return true;
}

void SmmuV2Registry::note(SmmuV2Device& device, bool blocked) {
  const std::lock_guard lock(mutex_);
  device.blocked = blocked;
}

bool SmmuV2Registry::others_use(const SmmuV2Device& device, std::uint32_t group) const {
  const std::lock_guard lock(mutex_);
  for (const SmmuV2Device* one = devices_; one != nullptr; one = one->next) {
    if (one == &device || one->blocked) continue;
    if (std::ranges::find(one->indices(), group) != one->indices().end()) return true;
  }
  return false;
}

SmmuV2Registry::Report::Report(SmmuV2Registry& registry, std::uint32_t bank)
    : registry_(registry), bank_(bank) {
  const std::lock_guard lock(registry_.mutex_);
  next_ = registry_.reports_;
  registry_.reports_ = this;
}

SmmuV2Registry::Report::~Report() {
  const std::lock_guard lock(registry_.mutex_);
  unlink(registry_.reports_, *this, &Report::next_);
  registry_.reported_.notify_all();
}

SmmuV2Domain* SmmuV2Registry::Report::find_domain() {
  const std::lock_guard lock(registry_.mutex_);
  for (SmmuV2Domain* one = registry_.domains_; one != nullptr; one = one->next_) {
    if (one->has_bank(bank_)) domain_ = one;
  }
  return domain_;
}

Device* SmmuV2Registry::Report::find_device(StreamId stream) {
  const std::lock_guard lock(registry_.mutex_);
  for (SmmuV2Device* one = registry_.devices_; one != nullptr; one = one->next) {
    if (has(one->device, stream)) device_ = one;
  }
  return device_ == nullptr ? nullptr : &device_->device;
}

}  // namespace smmu::iommu
