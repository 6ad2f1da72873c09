#include <fmt/format.h>

#include <new>
#include <utility>

#include "lib/smmu_v2/context_banks.h"
#include "lib/smmu_v2/hardware.h"
#include "lib/smmu_v2/interrupts.h"
#include "lib/smmu_v2/mmu_500.h"
#include "lib/smmu_v2/probe.h"
#include "lib/smmu_v2/registry.h"
#include "lib/smmu_v2/smmu_v2_domain.h"
#include "lib/smmu_v2/stream_map.h"
#include "lib/smmu_v2/tlb.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/tlb_maintenance.h"
#include "smmu/iommu/smmu_v2.h"

namespace smmu::iommu {

using v2::BarrierUpgrade;
using v2::SMMU_sCR0;
using v2::SMMU_sGFSR;
using v2::StreamType;

struct SmmuV2Driver::Parts {
  Parts(const SmmuV2DriverConfig& config, const SmmuV2Features& features)
      : hardware(config, features),
        streams(hardware),
        banks(hardware),
        interrupts(hardware, registry) {}

  bool allocate() { return streams.allocate() && banks.allocate() && interrupts.allocate(); }
  std::string keep_firmware_streams();
  struct Reset {
    SMMU_sCR0 control;  // what switches the SMMU on, and is yet to be written
    bool finished;      // else a synchronization does not end
  };
  Reset reset();

  SmmuV2Hardware hardware;
  SmmuV2Registry registry;
  StreamMap streams;
  ContextBanks banks;
  SmmuV2Interrupts interrupts;
};

namespace {

SmmuV2Device& state_of(const Device& device) { return static_cast<SmmuV2Device&>(*device.state()); }

const char* missing(const SmmuV2DriverConfig& config) {
  if (config.registers == nullptr) return "the configuration has no registers";
  if (config.pool == nullptr) return "the configuration has no pool of pages";
  if (config.clock == nullptr) return "the configuration has no clock";
  return nullptr;
}

}  // namespace

// They go on through groups that nobody gives back.
std::string SmmuV2Driver::Parts::keep_firmware_streams() {
  if (hardware.config.firmware_streams.empty()) return {};
  // From here to the end of the reset everything bypasses, so that nothing is interrupted.
  hardware.global0.write(hardware.global0.read<SMMU_sCR0>().set(SMMU_sCR0::CLIENTPD, true));
  for (const StreamMatch& stream : hardware.config.firmware_streams) {
    std::uint32_t group = 0;
    if (!streams.take({&stream, 1}, &group)) {
      return fmt::format("there is no stream mapping group for the stream {:#x} of firmware",
                         stream.id.value);
    }
    streams.lead(group, {StreamType::kBypass, 0});
  }
  return {};
}

// At the start, and when registers have been lost.
SmmuV2Driver::Parts::Reset SmmuV2Driver::Parts::reset() {
  const SmmuV2Page& page = hardware.global0;
  page.write(page.read<SMMU_sGFSR>());
  streams.restore();
  banks.restore();
  page.write(v2::SMMU_TLBIALLH());
  page.write(v2::SMMU_TLBIALLNSNH());

  const SmmuV2DriverConfig& config = hardware.config;
  auto control = page.read<SMMU_sCR0>();
  control.set(SMMU_sCR0::GFRE, true)
      .set(SMMU_sCR0::GFIE, true)
      .set(SMMU_sCR0::GCFGFRE, true)
      .set(SMMU_sCR0::GCFGFIE, true)
      // TLB maintenance of processors is not for these translations.
      .set(SMMU_sCR0::VMIDPNE, true)
      .set(SMMU_sCR0::PTM, true)
      .set(SMMU_sCR0::CLIENTPD, false)
      .set(SMMU_sCR0::USFCFG, config.unknown == SmmuV2DriverConfig::Unknown::kFault)
      .set(SMMU_sCR0::FB, false)
      .set(SMMU_sCR0::BSU, BarrierUpgrade::kNone)
      .set(SMMU_sCR0::VMID16EN, hardware.features.vmid16)
      .set(SMMU_sCR0::EXIDENABLE, hardware.features.extended_stream_ids);
  if (config.stalls == SmmuV2DriverConfig::Stalls::kWhereDevicesCan) {
    // Who waits does so alone.
    control.set(SMMU_sCR0::STALLD, false).set(SMMU_sCR0::GSE, false);
  }
  if (config.implementation == SmmuV2DriverConfig::Implementation::kMmu500) {
    set_up_mmu_500(hardware);
  }
  return {control, synchronize_tlb(hardware)};
}

Result<std::unique_ptr<SmmuV2Driver>, std::string> SmmuV2Driver::create(
    const SmmuV2DriverConfig& config) {
  if (const char* error = missing(config); error != nullptr) return std::string(error);
  const auto features = probe(config);
  if (!features) return features.error();
  const std::string no_memory = "there is no memory for the driver";
  std::unique_ptr<Parts> parts(new (std::nothrow) Parts(config, *features));
  if (parts == nullptr || !parts->allocate()) return no_memory;
  if (std::string error = parts->keep_firmware_streams(); !error.empty()) return error;
  parts->hardware.power.bring_up();
  const Parts::Reset reset = parts->reset();
  if (!reset.finished) return std::string(kSynchronizationDoesNotEnd);
  parts->hardware.global0.write(reset.control);
  parts->streams.probe_masks();
  parts->hardware.power.turn_on();
  std::unique_ptr<SmmuV2Driver> driver(new (std::nothrow) SmmuV2Driver(std::move(parts)));
  if (driver == nullptr) return no_memory;
  return driver;
}

SmmuV2Driver::SmmuV2Driver(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SmmuV2Driver::~SmmuV2Driver() = default;

LevelLine& SmmuV2Driver::global_fault_line() { return parts_->interrupts.global_fault(); }
LevelLine& SmmuV2Driver::configuration_fault_line() {
  return parts_->interrupts.configuration_fault();
}
LevelLine& SmmuV2Driver::context_fault_line(std::uint32_t n) {
  return parts_->interrupts.context_fault(n);
}
std::uint32_t SmmuV2Driver::context_banks() const { return parts_->hardware.features.banks; }
void SmmuV2Driver::handle_interrupts() { parts_->interrupts.handle(); }

bool SmmuV2Driver::capable(Capability capability, const Device* device) const {
  switch (capability) {
    case Capability::kCacheCoherency:
      return parts_->hardware.features.coherency == WalkCoherency::kCoherent ||
             (device != nullptr && device->config().coherent);
    case Capability::kNoExec:
    case Capability::kDeferredFlush:
      return true;
    case Capability::kPreBootProtection:
    case Capability::kEnforceCacheCoherency:
    case Capability::kDirtyTracking:
    case Capability::kPciAts:
      return false;
  }
  return false;
}

Result<std::unique_ptr<DeviceState>, std::errc> SmmuV2Driver::add_device(Device& device) {
  const DeviceConfig& config = device.config();
  // There is no PASID in an SMMUv2.
  if (config.streams.empty() || config.pasid_bits != 0) return std::errc::invalid_argument;
  std::unique_ptr<SmmuV2Device> state(new (std::nothrow) SmmuV2Device(device));
  if (state == nullptr) return std::errc::not_enough_memory;
  state->groups.reset(new (std::nothrow) std::uint32_t[config.streams.size()]);
  if (state->groups == nullptr) return std::errc::not_enough_memory;
  const auto taken = parts_->streams.take(config.streams, state->groups.get());
  if (!taken) return taken.error();
  // inseparable_from() names one device: the others would not get into its group, and this one
  // would take their streams along wherever it goes.
  if (!parts_->registry.sharers_can_be_together(*state)) {
    parts_->streams.release(state->indices());
    return std::errc::invalid_argument;
  }
  parts_->registry.add(*state);
  return std::unique_ptr<DeviceState>(std::move(state));
}

void SmmuV2Driver::remove_device(Device& device) {
  SmmuV2Device& state = state_of(device);
  parts_->registry.remove(state);
  parts_->streams.release(state.indices());
}

void SmmuV2Driver::wait_for_handlers(Device& removed) {
  parts_->registry.wait_for_reports_of(state_of(removed));
}

Device* SmmuV2Driver::inseparable_from(const Device& device) const {
  return parts_->registry.that_shares(state_of(device));
}

Result<std::unique_ptr<DriverDomain>, std::errc> SmmuV2Driver::create_domain(
    const DomainRequest& request, Device* /*device*/) {
  const bool nobody = request.type == DomainType::kSva || request.type == DomainType::kNested;
  if (nobody || request.dirty_tracking || request.pasid ||
      (request.nest_parent && !parts_->hardware.features.stage2)) {
    return std::errc::operation_not_supported;
  }
  if (request.nest_parent && !is_paging(request.type)) return std::errc::invalid_argument;
  std::unique_ptr<DriverDomain> domain(
      new (std::nothrow) SmmuV2Domain(parts_->hardware, parts_->banks, parts_->registry, request));
  if (domain == nullptr) return std::errc::not_enough_memory;
  return domain;
}

std::span<const ReservedRegion> SmmuV2Driver::reserved_regions(const Device& /*device*/) const {
  const ReservedRegion& region = parts_->hardware.config.software_msi;
  return {&region, region.size == 0 ? std::size_t{0} : std::size_t{1}};
}

Result<Done, std::errc> SmmuV2Driver::attach(Device& device, const Attachment& to) {
  StreamTarget target;
  switch (to.kind) {
    case AttachKind::kBlocked:
      break;
    case AttachKind::kIdentity:
      target.type = StreamType::kBypass;
      break;
    case AttachKind::kDomain: {
      SmmuV2Domain* const domain = parts_->registry.find(to.domain);
      if (domain == nullptr || !is_paging(domain->type())) return std::errc::invalid_argument;
      const auto prepared = domain->prepare(device);
      if (!prepared) return prepared.error();
      target = {StreamType::kTranslation, domain->bank()};
      break;
    }
  }
  SmmuV2Device& state = state_of(device);
  const bool blocks = to.kind == AttachKind::kBlocked;
  const bool blocked = state.blocked;
  parts_->registry.note(state, blocks);
  StreamMap& streams = parts_->streams;
  const auto groups = state.indices();
  for (const std::uint32_t group : groups) streams.keep(group);
  bool elsewhere = false;
  for (const std::uint32_t group : groups) {
    // A group that other devices have as well is blocked when the last of them is: one that goes
    // does not take the streams of the others with it.
    if (blocks && parts_->registry.others_use(state, group)) continue;
    elsewhere = streams.lead(group, target) || elsewhere;
  }
  // Accesses on their way still go where they went: until the TLB is synchronized.
  if (!elsewhere || synchronize_tlb(parts_->hardware) || blocks) return Done{};
  parts_->registry.note(state, blocked);
  for (const std::uint32_t group : groups) streams.lead_back(group);
  return std::errc::timed_out;
}

void SmmuV2Driver::shut_down() {
  if (!parts_->hardware.powered()) return;
  parts_->hardware.global0.write(SMMU_sCR0().set(SMMU_sCR0::CLIENTPD, true));
  parts_->hardware.power.turn_off();
}

Result<Done, std::errc> SmmuV2Driver::suspend() {
  parts_->hardware.power.turn_off();
  return Done{};
}

Result<Done, std::errc> SmmuV2Driver::resume() {
  parts_->hardware.power.bring_up();
  const Parts::Reset reset = parts_->reset();
  // In any case, since it lets everything through until then.
  parts_->hardware.global0.write(reset.control);
  parts_->hardware.power.turn_on();
  if (!reset.finished) return std::errc::timed_out;
  return Done{};
}

}  // namespace smmu::iommu
