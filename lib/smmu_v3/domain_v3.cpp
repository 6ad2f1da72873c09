#include "lib/smmu_v3/domain_v3.h"

#include <utility>

#include "lib/smmu_v3/atc_invalidation.h"
#include "smmu/arch/v3/commands_tlb.h"

namespace smmu::iommu {

using v3::CMD_TLBI_NH_ALL;

DomainV3::DomainV3(CoreV3& core, Role role, FaultSink* faults)
    : core_(core), role_(role), faults_(faults) {
  core_.domains.add(*this);
}

DomainV3::~DomainV3() { core_.domains.remove(*this); }

void DomainsV3::add(DomainV3& domain) {
  const std::lock_guard guard(mutex_);
  domain.next_of_driver_ = first_;
  if (first_ != nullptr) first_->previous_of_driver_ = &domain;
  first_ = &domain;
}

void DomainsV3::remove(DomainV3& domain) {
  const std::lock_guard guard(mutex_);
  DomainV3* const next = domain.next_of_driver_;
  DomainV3* const previous = domain.previous_of_driver_;
  if (next != nullptr) next->previous_of_driver_ = previous;
  (previous != nullptr ? previous->next_of_driver_ : first_) = next;
}

DomainV3* DomainsV3::find(const DriverDomain* wanted) const {
  const std::lock_guard guard(mutex_);
  DomainV3* domain = first_;
  while (domain != nullptr && static_cast<const DriverDomain*>(domain) != wanted)
    domain = domain->next_of_driver_;
  return domain;
}

void DomainV3::link(AttachedStreams& attached) {
  const std::lock_guard guard(mutex_);
  attached.number = ++next_number_;
  attached.next = nullptr;
  AttachedStreams** last = &first_;
  while (*last != nullptr) last = &(*last)->next;
  *last = &attached;
  look_at_attached();
  // Who unmaps after this tells the SMMU; what was unmapped before, the SMMU will not find.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void DomainV3::unlink(AttachedStreams& attached) {
  const std::lock_guard guard(mutex_);
  AttachedStreams** at = &first_;
  while (*at != nullptr && *at != &attached) at = &(*at)->next;
  if (*at != nullptr) *at = attached.next;
  look_at_attached();
}

void DomainV3::look_at_attached() {
  bool far = false;
  bool nested = false;
  for (const AttachedStreams* attached = first_; attached != nullptr; attached = attached->next) {
    nested = nested || attached->nested;
    far = far || attached->nested || attached->streams->traits.ats;
  }
  below_guests_.store(nested);
  // After this, readers read the tag that was taken before.
  state_.store(first_ == nullptr ? State::kNowhere : far ? State::kFar : State::kPlain);
}

bool DomainV3::admit_coherent_only() {
  const std::lock_guard guard(mutex_);
  for (const AttachedStreams* attached = first_; attached != nullptr; attached = attached->next) {
    if (!attached->streams->snoop_enforced) return false;
  }
  coherent_only_ = true;
  return true;
}

TaggedDomain::~TaggedDomain() {
  wait_for_handlers();
  give_back_tag();
}

void TaggedDomain::give_back_tag() {
  if (!std::exchange(tagged_, false)) return;
  if (tag_.regime == TlbTag::Regime::kStage2) {
    core_.vmids.give_back(tag_.vmid.value);
  } else {
    core_.asids.give_back(tag_.asid.value);
  }
}

Result<Done, std::errc> TaggedDomain::take_tag() {
  if (tagged_) return Done{};
  const bool stage2 = role() == Role::kStage2;
  const auto number = stage2 ? core_.vmids.take() : core_.asids.take();
  if (!number) return std::errc::no_space_on_device;
  if (stage2) {
    tag_ = {.regime = TlbTag::Regime::kStage2, .vmid = Vmid(*number)};
  } else {
    tag_ = {.regime = core_.config.world == SmmuV3DriverConfig::World::kEl2 ? TlbTag::Regime::kEl2
                                                                            : TlbTag::Regime::kEl1,
            .asid = Asid(*number)};
  }
  tagged_ = true;
  return Done{};
}

void TaggedDomain::keep(const Result<Done, std::errc>& result) const {
  // The queue has said what it had to wait for.
  if (!result) core_.log.say("a domain was not invalidated: devices may reach what was unmapped");
}

void TaggedDomain::forget() {
  if (!tagged_) return;
  CommandBatch batch(*core_.queue);
  TlbInvalidation::everything(batch, tag_);
  keep(batch.sync());
}

void TaggedDomain::flush_all() {
  const State now = state();
  if (now == State::kNowhere) return;
  CommandBatch batch(*core_.queue);
  TlbInvalidation::everything(batch, tag_);
  complete(batch, now, 0, UINT64_MAX);
}

bool TaggedDomain::invalidate_page(const CommandWords& command, std::uint64_t address) {
  const State now = state();
  if (now != State::kPlain) [[unlikely]]
    return now == State::kNowhere;
  keep(core_.queue->submit_and_sync(TlbInvalidation::at(tag_, command, address)));
  return !is_far();
}

void TaggedDomain::invalidate_range(const TlbInvalidation& tlb, std::uint64_t first,
                                    std::uint64_t size, std::uint64_t leaf,
                                    TlbInvalidation::Entries entries) {
  const State now = state();
  if (now == State::kNowhere) return;
  CommandBatch batch(*core_.queue);
  tlb.range(batch, tag_, first, size, leaf, entries);
  complete(batch, now, first, first + (size - 1));
}

// The SMMU forgets what is in the batch; then those do that may know of it by then.
void TaggedDomain::complete(CommandBatch& batch, State before, std::uint64_t first,
                            std::uint64_t last) {
  if (before != State::kFar) {
    keep(batch.sync());
    if (!is_far()) return;
  }
  tell_the_far(batch, first, last);
  keep(batch.sync());
}

void TaggedDomain::tell_the_far(CommandBatch& batch, std::uint64_t first, std::uint64_t last) {
  // 4.4.3.1: entries of both stages together are not among those of stage 2.  And what is made of
  // stage 2 entries, here or in a device, is to be forgotten after these.
  keep(batch.sync());
  if (is_below_guests()) {
    batch.add(command_v3<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, tag_.vmid.value));
    keep(batch.sync());
  }
  const AtcRange range = AtcRange::covering(first, last);
  for_each_stream(batch, [&](const AttachedStreams& attached, StreamId stream) {
    if (!attached.streams->traits.ats) return;
    // A device behind a guest's translations knows no addresses of this domain.
    batch.add(atc_invalidation(stream, attached.substream,
                               attached.nested ? AtcRange::everything() : range));
  });
}

}  // namespace smmu::iommu
