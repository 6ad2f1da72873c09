// What streams are attached to: the orders in which STEs, CDs and commands follow one another.
#include <new>
#include <utility>

#include "lib/smmu_v3/atc_invalidation.h"
#include "lib/smmu_v3/driver_v3.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/iommu/device.h"

namespace smmu::iommu {

using v3::AtsMode;
using v3::CD;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_STE;
using v3::CMD_PREFETCH_CONFIG;
using v3::CMD_STALL_TERM;
using v3::DefaultSubstream;
using v3::STE;

namespace {

constexpr SubstreamId kWithoutSubstream = SubstreamId(0);

// An STE of one stream.
class SteSync final : public EntrySync {
 public:
  SteSync(CommandQueue& queue, StreamId stream) : queue_(queue), stream_(stream) {}
  void sync() override {
    changed_ = true;
    const auto done = queue_.submit_and_sync(command_v3<CMD_CFGI_STE>()
                                                 .set(CMD_CFGI_STE::StreamID, stream_.value)
                                                 .set(CMD_CFGI_STE::Leaf, true)
                                                 .words());
    if (!done && error_ == std::errc{}) error_ = done.error();
  }
  bool changed() const { return changed_; }
  std::errc error() const { return error_; }

 private:
  CommandQueue& queue_;
  const StreamId stream_;
  bool changed_ = false;
  std::errc error_{};
};

// A CD that all streams of a device have.
class CdSync final : public EntrySync {
 public:
  CdSync(CommandQueue& queue, const DeviceStreams& streams, SubstreamId substream, bool leaf)
      : queue_(queue), streams_(streams), substream_(substream), leaf_(leaf) {}
  void sync() override {
    CommandBatch batch(queue_);
    for (const StreamId stream : streams_.ids) {
      batch.add(command_v3<CMD_CFGI_CD>()
                    .set(CMD_CFGI_CD::StreamID, stream.value)
                    .set(CMD_CFGI_CD::SubstreamID, substream_.value)
                    .set(CMD_CFGI_CD::Leaf, leaf_));
    }
    const auto done = batch.sync();
    if (!done && error_ == std::errc{}) error_ = done.error();
  }
  Result<Done, std::errc> result() const {
    if (error_ != std::errc{}) return error_;
    return Done{};
  }

 private:
  CommandQueue& queue_;
  const DeviceStreams& streams_;
  const SubstreamId substream_;
  const bool leaf_;
  std::errc error_{};
};

// A domain's tag; one that was taken for an attachment which does not come about is given back.
class AttachedTag {
 public:
  explicit AttachedTag(DomainV3& domain)
      : domain_(domain), had_(domain.has_tag()), taken_(domain.take_tag()) {}
  ~AttachedTag() {
    if (taken_ && !had_ && !kept_) domain_.give_back_tag();
  }
  AttachedTag(const AttachedTag&) = delete;
  AttachedTag& operator=(const AttachedTag&) = delete;

  const Result<Done, std::errc>& taken() const { return taken_; }
  // From now on the SMMU may know it, so it stays the domain's.
  void keep() { kept_ = true; }

 private:
  DomainV3& domain_;
  const bool had_;
  const Result<Done, std::errc> taken_;
  bool kept_ = false;
};

bool translates(const DomainV3* domain) { return domain != nullptr; }
bool by_contexts(const DomainV3* domain) {
  return domain != nullptr && domain->role() == DomainV3::Role::kStage1;
}

}  // namespace

STE DriverV3::unknown_entry(const SmmuV3DriverConfig& config, const FeaturesV3& features) {
  return config.unknown == SmmuV3DriverConfig::Unknown::kAbort ? abort_entry()
                                                               : bypass_entry(features);
}

Result<DriverV3::Destination, std::errc> DriverV3::destination_of(const Attachment& to) const {
  if (to.kind != AttachKind::kDomain) return Destination{to.kind};
  DomainV3* const domain = core_.domains.find(to.domain);
  if (domain == nullptr) return std::errc::invalid_argument;
  switch (domain->role()) {
    case DomainV3::Role::kBlocked:
      return Destination{AttachKind::kBlocked};
    case DomainV3::Role::kIdentity:
      return Destination{AttachKind::kIdentity};
    default:
      return Destination{AttachKind::kDomain, domain};
  }
}

STE DriverV3::stream_entry(const DeviceStreams& streams, AttachKind kind, const DomainV3* domain,
                           bool pasids) const {
  const auto stage1 = [&](DefaultSubstream without) {
    return stage1_entry(core_.features, core_.config.world, *streams.contexts, without,
                        streams.traits);
  };
  if (by_contexts(domain)) return stage1(DefaultSubstream::kCd0);
  if (translates(domain)) return domain->stream_for(streams.traits);
  if (kind == AttachKind::kIdentity) {
    return pasids ? stage1(DefaultSubstream::kBypass) : bypass_entry(core_.features);
  }
  return pasids ? stage1(DefaultSubstream::kTerminate) : abort_entry();
}

// Whether the device may ask where its accesses without a PASID go, and keep the answers.
bool DriverV3::answers_device(const DeviceStreams& streams, AttachKind kind, const DomainV3* domain,
                              bool pasids) const {
  return streams.traits.ats &&
         stream_entry(streams, kind, domain, pasids)[STE::EATS] != AtsMode::kNone;
}

// Another device with the StreamID, whose accesses go somewhere, those with a PASID at least; null:
// there is none.
const DeviceStreams* DriverV3::unblocked_alias(const DeviceStreams& streams,
                                               StreamId stream) const {
  for (std::size_t at = place_of(stream); at != known_.size() && known_[at].stream == stream;
       ++at) {
    const DeviceStreams* const other = known_[at].streams;
    const bool blocked = other->kind == AttachKind::kBlocked && other->pasids.empty();
    if (other != &streams && !blocked) return other;
  }
  return nullptr;
}

Result<Done, std::errc> DriverV3::write_streams(const DeviceStreams& streams, AttachKind kind,
                                                const DomainV3* domain, bool pasids) {
  const STE own = stream_entry(streams, kind, domain, pasids);
  std::errc error{};
  for (const StreamId stream : streams.ids) {
    // An alias that blocks leaves the entry to the others, and leads nobody to its own CDs.
    const DeviceStreams* const other =
        kind == AttachKind::kBlocked && !pasids ? unblocked_alias(streams, stream) : nullptr;
    const STE ste = other != nullptr
                        ? stream_entry(*other, other->kind, other->domain(), !other->pasids.empty())
                        : own;
    SteSync sync(*queue_, stream);
    update_entry(core_.memory, entries_->entry(stream), ste, sync);
    if (sync.error() != std::errc{}) error = sync.error();
    if (!sync.changed() || error != std::errc{}) continue;
    // 4.2.1: a hint; nobody waits for it.
    const auto hinted = queue_->submit({{command_v3<CMD_PREFETCH_CONFIG>()
                                             .set(CMD_PREFETCH_CONFIG::StreamID, stream.value)
                                             .words()}});
    if (!hinted) error = hinted.error();
  }
  if (error != std::errc{}) return error;
  return Done{};
}

// Entries of streams that nobody has any more are what they were before anybody had them.
Result<Done, std::errc> DriverV3::return_entries(const DeviceStreams& streams) {
  const STE initial = unknown_entry(core_.config, core_.features);
  std::errc error{};
  for (const StreamId stream : streams.ids) {
    if (find(stream) != nullptr) continue;
    SteSync sync(*queue_, stream);
    update_entry(core_.memory, entries_->entry(stream), initial, sync);
    if (sync.error() != std::errc{}) error = sync.error();
  }
  if (error != std::errc{}) return error;
  return Done{};
}

Result<Done, std::errc> DriverV3::write_context(const DeviceStreams& streams, SubstreamId substream,
                                                const CD& cd) {
  CdSync sync(*queue_, streams, substream, true);
  update_entry(core_.memory, streams.contexts->entry(substream), cd, sync);
  return sync.result();
}

// The CD is there before an STE leads to it, and is gone after none does any more.
Result<Done, std::errc> DriverV3::program(DeviceStreams& streams, AttachKind kind,
                                          const DomainV3* domain, bool pasids) {
  std::errc error{};
  const auto keep = [&error](const Result<Done, std::errc>& result) {
    if (!result && error == std::errc{}) error = result.error();
  };
  if (by_contexts(domain))
    keep(write_context(streams, kWithoutSubstream, domain->context_for(streams.traits)));
  keep(write_streams(streams, kind, domain, pasids));
  if (!by_contexts(domain) && streams.contexts != nullptr)
    keep(write_context(streams, kWithoutSubstream, CD()));
  if (error != std::errc{}) return error;
  return Done{};
}

Result<Done, std::errc> DriverV3::make_contexts(DeviceStreams& streams, SubstreamId substream) {
  const bool had = streams.contexts != nullptr;
  if (!had) {
    auto contexts = ContextEntries::create(core_.features, core_.memory, streams.substream_bits);
    if (!contexts) return contexts.error();
    streams.contexts = *std::move(contexts);
    // The first CD is looked at whenever the others change.
    const auto first = streams.contexts->make(kWithoutSubstream);
    if (!first) {
      streams.contexts.reset();
      return first.error();
    }
  }
  const auto made = streams.contexts->make(substream);
  if (!made) {
    if (!had) streams.contexts.reset();
    return made.error();
  }
  if (*made == ContextEntries::Made::kNothing) return Done{};
  // 4.3.3: a level 1 descriptor is forgotten with Leaf 0 alone.
  CdSync sync(*queue_, streams, substream, false);
  sync.sync();
  return sync.result();
}

Result<Done, std::errc> DriverV3::forget_in_device(const DeviceStreams& streams,
                                                   std::optional<SubstreamId> substream) {
  if (!streams.traits.ats) return Done{};
  CommandBatch batch(*queue_);
  for (const StreamId stream : streams.ids) {
    batch.add(atc_invalidation(stream, substream, AtcRange::everything()));
  }
  return batch.sync();
}

// While the SMMU was off, nobody told devices of what was unmapped.  4.5.1: nor would they have
// heard of it before SMMU_CR0.SMMUEN was 1.
Result<Done, std::errc> DriverV3::forget_in_devices() {
  CommandBatch batch(*queue_);
  bool any = false;
  for (const Known& known : known_) {
    if (!known.streams->traits.ats) continue;
    any = true;
    batch.add(atc_invalidation(known.stream, std::nullopt, AtcRange::everything()));
    for (const DeviceStreams::Pasid& pasid : known.streams->pasids) {
      batch.add(atc_invalidation(known.stream, pasid.substream, AtcRange::everything()));
    }
  }
  if (!any) return Done{};
  return batch.sync();
}

// 4.7.2: of streams whose new accesses do not wait.  4.7.2.1: what the Event queue tells of them is
// of what they were before, and answered by this.
Result<Done, std::errc> DriverV3::terminate_stalled(const DeviceStreams& streams) {
  if (core_.features.stalls != StallModel::kStallForced && !streams.traits.stalls) return Done{};
  const std::uint64_t end = end_of_events();
  CommandBatch batch(*queue_);
  for (const StreamId stream : streams.ids) {
    if (unblocked_alias(streams, stream) != nullptr) continue;
    {
      const std::lock_guard guard(core_.deliveries.mutex());
      for (std::size_t at = place_of(stream); at != known_.size() && known_[at].stream == stream;
           ++at) {
        known_[at].events_from = end;
      }
    }
    batch.add(command_v3<CMD_STALL_TERM>().set(CMD_STALL_TERM::StreamID, stream.value));
  }
  return batch.sync();
}

void DriverV3::leave(std::unique_ptr<AttachedStreams> attached) {
  if (attached == nullptr) return;
  DomainV3& domain = *attached->domain;
  // What the SMMU knows by a tag that nobody uses is not invalidated any more.
  domain.unlink(*attached);
  if (!domain.is_attached()) domain.forget();
}

Result<Done, std::errc> DriverV3::attach(Device& device, const Attachment& to) {
  const auto destination = destination_of(to);
  if (!destination) return destination.error();
  return attach_streams(static_cast<DeviceStreams&>(*device.state()), destination->kind,
                        destination->domain);
}

Result<Done, std::errc> DriverV3::attach_streams(DeviceStreams& streams, AttachKind kind,
                                                 DomainV3* domain) {
  DomainV3* const before = streams.domain();
  if (kind == streams.kind && domain == before) return Done{};
  const bool pasids = !streams.pasids.empty();
  std::unique_ptr<AttachedStreams> attached;
  std::unique_ptr<AttachedStreams> below;
  if (domain != nullptr) {
    if (domain->role() == DomainV3::Role::kSva) return std::errc::invalid_argument;
    const DomainV3* const parent = domain->parent();
    if (!domain->admits(streams) || (parent != nullptr && !parent->admits(streams)))
      return std::errc::invalid_argument;
    // 5.2: accesses with SubstreamIDs need a stage 1 that is the host's.
    if (pasids && !by_contexts(domain)) return std::errc::device_or_resource_busy;
    AttachedTag tag(*domain);
    if (!tag.taken()) return tag.taken().error();
    attached.reset(new (std::nothrow) AttachedStreams{.domain = domain, .streams = &streams});
    if (attached == nullptr) return std::errc::not_enough_memory;
    if (parent != nullptr) {
      below.reset(new (std::nothrow) AttachedStreams{
          .domain = domain->parent(), .streams = &streams, .nested = true});
      if (below == nullptr) return std::errc::not_enough_memory;
    }
    if (by_contexts(domain)) {
      if (auto made = make_contexts(streams, kWithoutSubstream); !made) return made.error();
    }
    tag.keep();
    // Before the SMMU can know anything of it: who unmaps from now on has it told.
    domain->link(*attached);
    if (below != nullptr) below->domain->link(*below);
  }

  const bool told = answers_device(streams, streams.kind, before, pasids);
  const bool tells = answers_device(streams, kind, domain, pasids);
  bool done = true;
  // 3.9.2: before EATS is 0 as well, or accesses that shall go on fail by what the device knows.
  if (told && !tells && kind != AttachKind::kBlocked)
    done = forget_in_device(streams, std::nullopt).has_value();
  const auto programmed = program(streams, kind, domain, pasids);
  // Whoever blocks may be about to destroy the domain: there is no going back to it.
  if (!programmed && kind != AttachKind::kBlocked) {
    // As far as the SMMU still answers.
    if (!program(streams, streams.kind, before, pasids))
      core_.log.say("an STE could not be brought back to what it was");
    if (tells) static_cast<void>(forget_in_device(streams, std::nullopt));
    leave(std::move(attached));
    leave(std::move(below));
    return programmed.error();
  }
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    streams.kind = kind;
    std::swap(streams.attached, attached);
    std::swap(streams.below, below);
  }
  // From here on there is no way back: what the SMMU does not do is said.
  done = programmed.has_value() && done;
  if (told) done = forget_in_device(streams, std::nullopt).has_value() && done;
  leave(std::move(attached));
  leave(std::move(below));
  if (kind == AttachKind::kBlocked && !pasids)
    done = terminate_stalled(streams).has_value() && done;
  if (!done) core_.log.say("a device may still use what it knows of a domain that it has left");
  return Done{};
}

Result<Done, std::errc> DriverV3::attach_pasid(Device& device, SubstreamId pasid,
                                               const Attachment& to) {
  auto& streams = static_cast<DeviceStreams&>(*device.state());
  const auto destination = destination_of(to);
  if (!destination) return destination.error();
  if (pasid == kWithoutSubstream || pasid.value >> streams.substream_bits != 0)
    return std::errc::invalid_argument;
  std::size_t at = 0;
  while (at != streams.pasids.size() && streams.pasids[at].substream != pasid) ++at;
  const bool had = at != streams.pasids.size();
  if (destination->kind == AttachKind::kBlocked) {
    if (!had) return Done{};
    return detach_pasid(streams, at);
  }
  if (destination->kind == AttachKind::kIdentity) return std::errc::operation_not_supported;
  DomainV3* const domain = destination->domain;
  if (domain->role() != DomainV3::Role::kStage1 && domain->role() != DomainV3::Role::kSva)
    return std::errc::operation_not_supported;
  if (!domain->admits(streams)) return std::errc::invalid_argument;
  const DomainV3* const main = streams.domain();
  if (had || (translates(main) && !by_contexts(main))) return std::errc::device_or_resource_busy;

  AttachedTag tag(*domain);
  if (!tag.taken()) return tag.taken().error();
  std::unique_ptr<AttachedStreams> attached(new (std::nothrow) AttachedStreams{
      .domain = domain, .streams = &streams, .substream = pasid});
  if (attached == nullptr) return std::errc::not_enough_memory;
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    if (!streams.pasids.reserve(1)) return std::errc::not_enough_memory;
  }
  if (auto made = make_contexts(streams, pasid); !made) return made.error();
  tag.keep();
  domain->link(*attached);

  const auto written = write_context(streams, pasid, domain->context_for(streams.traits));
  const auto led = written ? write_streams(streams, streams.kind, main, true) : written;
  if (!led) {
    const bool back = write_streams(streams, streams.kind, main, !streams.pasids.empty()) &&
                      write_context(streams, pasid, CD());
    if (!back) core_.log.say("a CD could not be brought back to what it was");
    static_cast<void>(forget_in_device(streams, pasid));
    if (streams.pasids.empty()) static_cast<void>(forget_in_device(streams, std::nullopt));
    leave(std::move(attached));
    return led.error();
  }
  const std::lock_guard guard(core_.deliveries.mutex());
  streams.pasids.append({pasid, std::move(attached)});
  return Done{};
}

Result<Done, std::errc> DriverV3::detach_pasid(DeviceStreams& streams, std::size_t at) {
  const SubstreamId pasid = streams.pasids[at].substream;
  const DomainV3* const main = streams.domain();
  // While there are others, or stage 1 is wanted anyway, the STE stays as it is.
  const bool others = streams.pasids.size() > 1;
  // Or the device may not ask any more, and knows where accesses without a PASID went: where they
  // say.
  const bool silenced = streams.kind != AttachKind::kBlocked &&
                        answers_device(streams, streams.kind, main, true) &&
                        !answers_device(streams, streams.kind, main, others);
  bool forgotten = !silenced || forget_in_device(streams, std::nullopt).has_value();
  const auto written = write_context(streams, pasid, CD());
  const auto left = write_streams(streams, streams.kind, main, others);
  std::unique_ptr<AttachedStreams> attached;
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    attached = std::move(streams.pasids[at].attached);
    streams.pasids.erase(at);
  }
  forgotten = forget_in_device(streams, pasid).has_value() && forgotten;
  if (silenced) forgotten = forget_in_device(streams, std::nullopt).has_value() && forgotten;
  leave(std::move(attached));
  const bool blocked = streams.kind == AttachKind::kBlocked && !others;
  const bool terminated = !blocked || terminate_stalled(streams).has_value();
  if (!written || !left || !forgotten || !terminated)
    core_.log.say("a device may still use what it knows of a domain that it has left");
  return Done{};
}

}  // namespace smmu::iommu
