#include "lib/smmu_v3/driver_v3.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/smmu_v3/command_batch.h"
#include "lib/smmu_v3/nested_domain.h"
#include "lib/smmu_v3/paging_domain.h"
#include "lib/smmu_v3/plain_domain.h"
#include "lib/smmu_v3/sva_domain.h"
#include "smmu/arch/v3/commands_configuration.h"
#include "smmu/iommu/device.h"

namespace smmu::iommu {

namespace {

class QuietLog final : public DriverLog {
  void say(std::string_view) override {}
};

// The most StreamIDs of one device.
constexpr std::size_t kMostStreams = 4096;
// How often who serves interrupts goes on with those that its own accesses bring about.
constexpr unsigned kMostRounds = 16;

// Who wants to hear nothing.
DriverLog& quiet_log() {
  static QuietLog log;
  return log;
}

// Null: nothing is wrong.
const char* objection(const SmmuV3DriverConfig& config) {
  if (config.registers == nullptr) return "registers: there are none";
  if (config.pool == nullptr) return "pool: there is none";
  if (config.clock == nullptr) return "clock: there is none";
  if (config.asid_bits == 0 || config.vmid_bits == 0)
    return "asid_bits, vmid_bits: 0 leaves no number to give out";
  if (config.timeout.count() <= 0) return "timeout: nothing can be done in no time";
  for (const auto& message :
       {config.event_queue_message, config.page_request_message, config.global_error_message}) {
    if (message && (message->address.value == 0 || message->address.value % 4 != 0 ||
                    message->address.value >> 52 != 0))
      return "messages: an address is 0, no multiple of 4, or beyond 52 bits";
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<SmmuV3Driver>, std::string> SmmuV3Driver::create(
    const SmmuV3DriverConfig& config) {
  if (const char* wrong = objection(config)) return std::string(wrong);
  auto features = probe_v3(config);
  if (!features) return features.error();
  DriverLog& log = config.log != nullptr ? *config.log : quiet_log();
  std::unique_ptr<DriverV3> driver(new (std::nothrow) DriverV3(config, *features, log));
  if (driver == nullptr) return std::string("not enough memory");
  if (auto failure = driver->start()) return *std::move(failure);
  return std::unique_ptr<SmmuV3Driver>(std::move(driver));
}

DriverV3::DriverV3(const SmmuV3DriverConfig& config, const FeaturesV3& features, DriverLog& log)
    : core_{.config = config,
            .features = features,
            .memory = StructureMemory(*config.pool, features.coherent ? nullptr : config.caches),
            .log = log},
      bring_up_(core_),
      errors_(*config.registers, log),
      signal_(choose_signal()) {}

DriverV3::~DriverV3() {
  if (queue_ != nullptr) shut_down();
}

SmmuV3DriverConfig::SyncSignal DriverV3::choose_signal() const {
  using SyncSignal = SmmuV3DriverConfig::SyncSignal;
  if (core_.config.sync != SyncSignal::kBest) return core_.config.sync;
  if (core_.features.messages && core_.features.coherent) return SyncSignal::kMessage;
  return core_.features.wake_up ? SyncSignal::kWakeUp : SyncSignal::kPoll;
}

std::optional<std::string> DriverV3::start() {
  const std::string no_memory = "the pool, or the heap, has no memory left for tables and queues";
  const FeaturesV3& features = core_.features;
  if (!core_.asids.create(features.asid_bits) || !core_.vmids.create(features.vmid_bits))
    return no_memory;
  auto entries =
      StreamEntries::create(features, core_.memory, unknown_entry(core_.config, features));
  if (!entries) return no_memory;
  entries_ = *std::move(entries);
  if (!events_.create(core_.memory, power_, features.log2_events)) return no_memory;
  if (features.page_requests &&
      !page_requests_.create(core_.memory, power_, features.log2_page_requests))
    return no_memory;
  auto queue = CommandQueue::create(
      {.log2_size = features.log2_commands, .sync = signal_, .timeout = core_.config.timeout},
      core_.memory, *core_.config.registers, *core_.config.clock, core_.log, *this);
  if (!queue) return no_memory;
  queue_ = *std::move(queue);
  core_.queue = queue_.get();
  return bring_up();
}

// By one thread: interrupts that come meanwhile are served when it is done.
std::optional<std::string> DriverV3::bring_up() {
  auto failure = bring_up_.enable(*entries_, events_, page_requests_);
  if (failure) return failure;
  // An SMMU that has failed on the way is not to be left on: nothing of it is invalidated.
  look_at_errors();
  if (failed_.load()) return std::string("the SMMU has failed while it was brought up");
  power_.turn_on();
  return std::nullopt;
}

void DriverV3::shut_down() {
  if (power_.is_off()) return;
  power_.turn_off();
  if (auto failure = bring_up_.disable()) core_.log.say(*failure);
}

Result<Done, std::errc> DriverV3::suspend() {
  if (power_.is_off()) return Done{};
  power_.turn_off();
  if (auto failure = bring_up_.disable()) {
    core_.log.say(*failure);
    // So that whoever tries again does so.
    power_.turn_on();
    serve_all();
    return std::errc::timed_out;
  }
  return Done{};
}

Result<Done, std::errc> DriverV3::resume() {
  power_.bring_up();
  // What had failed was reset with the registers.
  errors_.forget();
  failed_.store(false);
  if (const auto failure = bring_up()) {
    core_.log.say(*failure);
    // As before: whatever it answers, it may be on by half.
    if (const auto other = bring_up_.disable()) core_.log.say(*other);
    power_.turn_off();
    return std::errc::timed_out;
  }
  auto forgotten = forget_in_devices();
  serve_all();
  return forgotten;
}

bool DriverV3::capable(Capability capability, const Device* device) const {
  switch (capability) {
    case Capability::kCacheCoherency:
      return core_.features.coherent && (device == nullptr || device->config().coherent);
    case Capability::kNoExec:
    case Capability::kDeferredFlush:
      return true;
    case Capability::kPreBootProtection:
      return bring_up_.was_protected();
    // 13.6.1.1: what No_snoop makes of an access is decided above the SMMU: firmware knows.
    case Capability::kEnforceCacheCoherency:
      return device != nullptr && is_snoop_enforced(*device);
    case Capability::kDirtyTracking:
      return core_.features.dirty_flags && core_.features.stage1;
    case Capability::kPciAts:
      return core_.features.ats && (device == nullptr || device->config().ats);
  }
  return false;
}

bool DriverV3::is_snoop_enforced(const Device& device) const {
  return core_.features.coherent && device.config().coherent && device.config().snoop_enforced;
}

std::span<const ReservedRegion> DriverV3::reserved_regions(const Device&) const {
  if (core_.config.software_msi.size == 0) return {};
  return {&core_.config.software_msi, 1};
}

Result<std::unique_ptr<DriverDomain>, std::errc> DriverV3::create_domain(
    const DomainRequest& request, Device*) {
  switch (request.type) {
    case DomainType::kBlocked:
    case DomainType::kIdentity: {
      std::unique_ptr<DriverDomain> domain(new (std::nothrow) PlainDomain(
          core_,
          request.type == DomainType::kIdentity ? DomainV3::Role::kIdentity
                                                : DomainV3::Role::kBlocked,
          request.faults));
      if (domain == nullptr) return std::errc::not_enough_memory;
      return domain;
    }
    case DomainType::kUnmanaged:
    case DomainType::kDma:
    case DomainType::kDmaLazy:
      return PagingDomain::create(core_, request);
    case DomainType::kSva:
      return SvaDomain::create(core_, request);
    case DomainType::kNested:
      return NestedDomain::create(core_, request, core_.domains.find(request.parent));
  }
  return std::errc::operation_not_supported;
}

std::size_t DriverV3::place_of(StreamId stream) const {
  const Known* const found =
      std::lower_bound(known_.begin(), known_.end(), stream,
                       [](const Known& known, StreamId wanted) { return known.stream < wanted; });
  return static_cast<std::size_t>(found - known_.begin());
}

// Of several, the one that was added first.
const DriverV3::Known* DriverV3::find(StreamId stream) const {
  const std::size_t place = place_of(stream);
  if (place == known_.size() || known_[place].stream != stream) return nullptr;
  return &known_[place];
}

// Whether nobody has the StreamID, or one whom the new device is not isolated from anyway.
bool DriverV3::is_free_for(const Device& device, StreamId stream) const {
  const auto& others = device.config().not_isolated_from;
  if (find(stream) == nullptr) return true;
  for (std::size_t at = place_of(stream); at != known_.size() && known_[at].stream == stream;
       ++at) {
    if (std::find(others.begin(), others.end(), &known_[at].streams->device) != others.end())
      return true;
  }
  return false;
}

Device* DriverV3::inseparable_from(const Device& device) const {
  for (const StreamId stream : static_cast<const DeviceStreams&>(*device.state()).ids) {
    for (std::size_t at = place_of(stream); at != known_.size() && known_[at].stream == stream;
         ++at) {
      if (&known_[at].streams->device != &device) return &known_[at].streams->device;
    }
  }
  return nullptr;
}

// Entries of all streams, or none.
std::optional<std::errc> DriverV3::make_entries(const DeviceStreams& streams) {
  for (const StreamId stream : streams.ids) {
    if (auto made = entries_->make(stream); !made) {
      entries_->drop_unpublished();
      return made.error();
    }
  }
  bool room = false;
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    room = known_.reserve(streams.ids.size());
  }
  if (!room) {
    entries_->drop_unpublished();
    return std::errc::not_enough_memory;
  }
  // 4.3.1: a level 1 descriptor is forgotten with Leaf 0 alone.
  CommandBatch batch(*queue_);
  bool any = false;
  for (const StreamId stream : streams.ids) {
    if (entries_->publish(stream) == StreamEntries::Published::kBefore) continue;
    any = true;
    batch.add(command_v3<v3::CMD_CFGI_STE>()
                  .set(v3::CMD_CFGI_STE::StreamID, stream.value)
                  .set(v3::CMD_CFGI_STE::Leaf, false));
  }
  if (!any) return std::nullopt;
  if (auto done = batch.sync(); !done) {
    free_entries(streams);
    return done.error();
  }
  return std::nullopt;
}

bool DriverV3::is_part_free(StreamId stream) const {
  const std::size_t place = place_of(StreamEntries::first_of_part(stream));
  return place == known_.size() || StreamEntries::last_of_part(stream) < known_[place].stream;
}

// Second levels without a stream that anybody has added.
void DriverV3::free_entries(const DeviceStreams& streams) {
  CommandBatch batch(*queue_);
  bool any = false;
  for (const StreamId stream : streams.ids) {
    if (!is_part_free(stream) || !entries_->unpublish(stream)) continue;
    any = true;
    batch.add(command_v3<v3::CMD_CFGI_STE_RANGE>()
                  .set(v3::CMD_CFGI_STE_RANGE::StreamID, StreamEntries::first_of_part(stream).value)
                  .set(v3::CMD_CFGI_STE_RANGE::Range, StreamEntries::kLog2Part - 1));
  }
  if (!any) return;
  if (batch.sync()) return entries_->drop_unpublished();
  // The SMMU may go on reading there.
  for (const StreamId stream : streams.ids) entries_->publish(stream);
}

Result<std::unique_ptr<DeviceState>, std::errc> DriverV3::add_device(Device& device) {
  const DeviceConfig& config = device.config();
  const FeaturesV3& features = core_.features;
  if (config.pasid_bits > features.substream_bits) return std::errc::invalid_argument;
  std::unique_ptr<DeviceStreams> streams(new (std::nothrow) DeviceStreams(device));
  if (streams == nullptr) return std::errc::not_enough_memory;
  streams->substream_bits = config.pasid_bits;
  streams->snoop_enforced = is_snoop_enforced(device);
  streams->traits.ats = features.ats && config.ats;
  streams->pages_by_requests = streams->traits.ats && features.page_requests && config.pri;
  streams->traits.stalls =
      features.stalls != StallModel::kTerminate && config.can_stall && !streams->pages_by_requests;

  for (const StreamMatch& match : config.streams) {
    // Every subset of the mask, 0 first.
    std::uint32_t bits = 0;
    do {
      const StreamId stream((match.id.value & ~match.mask) | bits);
      bits = (bits - match.mask) & match.mask;
      if (!entries_->in_range(stream) || !is_free_for(device, stream))
        return std::errc::invalid_argument;
      if (std::find(streams->ids.begin(), streams->ids.end(), stream) != streams->ids.end())
        continue;
      if (streams->ids.size() == kMostStreams) return std::errc::invalid_argument;
      if (!streams->ids.reserve(1)) return std::errc::not_enough_memory;
      streams->ids.append(stream);
    } while (bits != 0);
  }
  if (streams->ids.empty()) return std::errc::invalid_argument;

  if (auto error = make_entries(*streams)) return *error;
  const auto blocked = write_streams(*streams, AttachKind::kBlocked, nullptr, false);
  if (!blocked) {
    static_cast<void>(return_entries(*streams));
    free_entries(*streams);
    return blocked.error();
  }
  // What comes is its own, or that of the alias which is there.
  const std::uint64_t end = end_of_events();
  const std::lock_guard guard(core_.deliveries.mutex());
  for (const StreamId stream : streams->ids) {
    std::size_t place = place_of(stream);
    const Known* const other = find(stream);
    const std::uint64_t from = other != nullptr ? other->events_from : end;
    while (place != known_.size() && known_[place].stream == stream) ++place;
    known_.insert(place, {stream, streams.get(), from});
  }
  return std::unique_ptr<DeviceState>(std::move(streams));
}

void DriverV3::remove_device(Device& device) {
  auto& streams = static_cast<DeviceStreams&>(*device.state());
  while (!streams.pasids.empty()) {
    if (!detach_pasid(streams, streams.pasids.size() - 1)) break;
  }
  if (!attach_streams(streams, AttachKind::kBlocked, nullptr))
    core_.log.say("the SMMU may still translate for a device that was removed");
  {
    const std::lock_guard guard(core_.deliveries.mutex());
    for (const StreamId stream : streams.ids) {
      std::size_t place = place_of(stream);
      while (known_[place].streams != &streams) ++place;
      known_.erase(place);
    }
  }
  if (!return_entries(streams)) core_.log.say("streams of a device that was removed still abort");
  free_entries(streams);
}

void DriverV3::wait_for_handlers(Device& removed) {
  core_.deliveries.wait(static_cast<const DeviceStreams*>(removed.state()));
}

void DriverV3::interrupt(Service service) {
  if (service == Service::kWake) {
    if (queue_ != nullptr) queue_->wake();
    return;
  }
  asked_.fetch_or(static_cast<std::uint32_t>(service));
  // Who brings it up comes back to it.
  if (!power_.is_on()) return;
  // In the middle of a doorbell: others could not send commands while a handler thinks.
  if (queue_->held_here()) return deferred.store(true);
  // The same for who suspends.
  if (power_.is_used_here()) return interrupted_.store(true);
  serve();
}

void DriverV3::after_commands() {
  deferred.store(false);
  if (power_.is_used_here()) return interrupted_.store(true);
  serve();
}

void DriverV3::serve() {
  for (unsigned round = 0; round != kMostRounds; ++round) {
    if (!power_.is_on()) return;
    interrupted_.store(false);
    serve_once();
    if (!interrupted_.load()) return;
  }
  deferred.store(true);
}

// A thread may have found the registers not there, and done nothing of what it was asked for.
void DriverV3::serve_all() {
  for (const Service service : {Service::kErrors, Service::kEvents, Service::kPageRequests})
    asked_.fetch_or(static_cast<std::uint32_t>(service));
  serve();
}

void DriverV3::serve_once() {
  const std::uint32_t asked = asked_.exchange(0);
  const auto wanted = [asked](Service service) {
    return (asked & static_cast<std::uint32_t>(service)) != 0;
  };
  using Left = OneAtATime::Left;
  if (wanted(Service::kErrors)) look_at_errors();
  if (wanted(Service::kEvents) && event_drain_.ask([this] { drain_events(); }) == Left::kMore)
    ask_later(Service::kEvents);
  if (wanted(Service::kPageRequests) &&
      page_request_drain_.ask([this] { drain_page_requests(); }) == Left::kMore)
    ask_later(Service::kPageRequests);
}

// Whoever uses the Command queue next, or is interrupted, goes on with it.
void DriverV3::ask_later(Service service) {
  asked_.fetch_or(static_cast<std::uint32_t>(service));
  deferred.store(true);
}

void DriverV3::look_for_errors() {
  look_at_errors();
  if (!interrupted_.load()) return;
  // No handler is called where others would wait for this thread: see interrupt().
  if (queue_->held_here()) return deferred.store(true);
  if (!power_.is_used_here()) serve();
}

void DriverV3::look_at_errors() {
  const Power::Use use(power_);
  if (!use) return;
  switch (errors_.look(*queue_)) {
    case GlobalErrors::Outcome::kOn:
      return;
    case GlobalErrors::Outcome::kMore:
      return ask_later(Service::kErrors);
    case GlobalErrors::Outcome::kService:
      break;
  }
  if (failed_.exchange(true)) return;
  // 12.3: in Service Failure Mode nothing of what the SMMU does can be relied on.
  queue_->fail();
  if (auto failure = bring_up_.disable()) core_.log.say(*failure);
}

}  // namespace smmu::iommu
