// Which groups a container has, and in which domains.
#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "lib/vfio/container_state.h"
#include "smmu/iommu/msi_controller.h"

namespace smmu::iommu {

Result<Done, std::errc> Container::attach(Group& group) {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  const bool is_here = state.any_group([&](const ContainerGroup& other, const ContainerDomain&) {
    return &other.group() == &group;
  });
  if (is_here) return std::errc::invalid_argument;
  // A new domain may need what is at these addresses.
  if (state.without_address != 0) return std::errc::device_or_resource_busy;
  if (group.is_owned()) return std::errc::device_or_resource_busy;
  // Before its devices lose what they are at: whoever is refused so goes on with it.
  const auto looked_at = state.admit(group);
  if (!looked_at) return looked_at.error();
  // From then on the group has the devices that it has, so that all of them are looked at.
  const auto claimed = group.claim(&state);
  if (!claimed) return claimed;
  const auto taken = state.take(group);
  if (!taken) group.release(&state);
  return taken;
}

Result<std::unique_ptr<ContainerGroup>, std::errc> Container::State::admit(Group& group) {
  std::unique_ptr<ContainerGroup> member = ContainerGroup::create(group);
  if (!member) return std::errc::not_enough_memory;
  for (const Slot& slot : slots) {
    if (member->forbids(slot.kind, slot.first, slot.last)) return std::errc::invalid_argument;
  }
  if (config.unsafe_interrupts == UnsafeInterrupts::kRefuse && !is_isolated(group)) {
    return std::errc::operation_not_permitted;
  }
  return member;
}

Result<Done, std::errc> Container::State::take(Group& group) {
  auto member = admit(group);
  if (!member) return member.error();
  if (!share(**member)) {
    const auto founded = found(**member);
    if (!founded) return founded;
  }
  (void)member->release();  // it is in its domain's list
  return Done{};
}

Result<Done, std::errc> Container::detach(Group& group) {
  State& state = *state_;
  const Call call(state);
  if (call.is_inside()) return std::errc::device_or_resource_busy;
  std::unique_ptr<ContainerGroup> member;
  state.any_group([&](ContainerGroup& other, ContainerDomain& domain) {
    if (&other.group() != &group) return false;
    member.reset(&other);
    state.drop(other, domain);
    return true;
  });
  if (!member) return std::errc::invalid_argument;
  group.release(&state);
  return Done{};
}

Container::~Container() {
  State& state = *state_;
  const Call call(state);
  while (!state.domains().empty()) {
    ContainerDomain& domain = state.domains().front();
    const std::unique_ptr<ContainerGroup> member(&domain.groups.front());
    state.drop(*member, domain);
    member->group().release(&state);
  }
  while (!state.slots.empty()) state.remove(*state.slots.begin());
}

bool Container::State::is_isolated(const Group& group) const {
  InterruptIsolation* const isolation = config.isolation;
  return isolation != nullptr ? isolation->is_isolated(group) : group_has_isolated_msi(group);
}

// A domain fewer is a table fewer to keep; and where a driver wants a device apart from others it
// says so.
bool Container::State::share(ContainerGroup& group) {
  for (ContainerDomain& domain : domains()) {
    if (domain.traits != group.traits()) continue;
    if (!group.group().attach(*domain.domain, this)) continue;
    domain.groups.push_back(group);
    return true;
  }
  return false;
}

bool Container::State::fits(const ContainerDomain& newcomer) {
  const IovaSpan all = aperture();
  const Geometry geometry = newcomer.domain->geometry();
  if (geometry.first > all.last || geometry.last < all.first) return false;
  for (const Slot& slot : slots) {
    if (!newcomer.covers(slot.first, slot.last)) return false;
  }
  return (page_sizes() & page_sizes_of(newcomer)) != 0;
}

Result<Done, std::errc> Container::State::found(ContainerGroup& group) {
  std::unique_ptr<ContainerDomain> made(new (std::nothrow) ContainerDomain(group.traits()));
  if (!made) return std::errc::not_enough_memory;
  const std::vector<Device*> devices = group.group().devices();
  auto domain = group.traits().iommu->create_domain(
      DomainType::kUnmanaged, {.dirty_tracking = group.traits().tracks_writes},
      devices.empty() ? nullptr : devices.front());
  if (!domain) return domain.error();
  made->domain = std::move(*domain);
  if (!fits(*made)) return std::errc::invalid_argument;

  // Before slots are in it: some domains have no tables until something is attached.
  const auto attached = group.group().attach(*made->domain, this);
  if (!attached) return attached;
  made->enforces_coherency = made->traits.coherent && made->domain->enforce_cache_coherency();
  Result<Done, std::errc> done = Done{};
  if (logs_writes && made->traits.tracks_writes) done = made->domain->set_dirty_tracking(true);
  const bool is_set_up = done.has_value();
  if (is_set_up) done = mappings.join(slots, *made);
  if (!done) {
    (void)group.group().detach(this);  // it is this one's
    // Its devices found the slots that had come so far.
    if (is_set_up) lose_writes();
    return done;
  }
  made.release()->groups.push_back(group);
  return done;
}

void Container::State::drop(ContainerGroup& group, ContainerDomain& domain) {
  (void)group.group().detach(this);  // it is this one's
  domain.groups.erase(domain.groups.iterator_to(group));
  if (!domain.groups.empty()) return;
  const bool is_last = domains().size() == 1;
  const std::unique_ptr<ContainerDomain> left(&domain);
  mappings.leave(slots, domain);
  if (!is_last) {
    lose_writes();
    return;
  }
  // Whoever had the groups had the right to what they reach, and has it no more.
  while (!slots.empty()) remove(*slots.begin());
}

}  // namespace smmu::iommu
