// The driver of an SMMUv3.
#ifndef SMMU_LIB_SMMU_V3_DRIVER_V3_H_
#define SMMU_LIB_SMMU_V3_DRIVER_V3_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "lib/iommu/power.h"
#include "lib/smmu_v3/bring_up.h"
#include "lib/smmu_v3/core.h"
#include "lib/smmu_v3/device_streams.h"
#include "lib/smmu_v3/domain_v3.h"
#include "lib/smmu_v3/entry_update.h"
#include "lib/smmu_v3/event_record.h"
#include "lib/smmu_v3/global_errors.h"
#include "lib/smmu_v3/one_at_a_time.h"
#include "lib/smmu_v3/page_groups.h"
#include "lib/smmu_v3/record_queue.h"
#include "lib/smmu_v3/stream_entries.h"
#include "smmu/iommu/smmu_v3.h"

namespace smmu::iommu {

class DriverV3 final : public SmmuV3Driver, private CommandQueueOwner {
 public:
  DriverV3(const SmmuV3DriverConfig& config, const FeaturesV3& features, DriverLog& log);
  ~DriverV3() override;
  std::optional<std::string> start();

  bool capable(Capability capability, const Device* device) const override;
  Result<std::unique_ptr<DeviceState>, std::errc> add_device(Device& device) override;
  void remove_device(Device& device) override;
  void wait_for_handlers(Device& removed) override;
  Device* inseparable_from(const Device& device) const override;
  Result<std::unique_ptr<DriverDomain>, std::errc> create_domain(const DomainRequest& request,
                                                                 Device* device) override;
  std::span<const ReservedRegion> reserved_regions(const Device& device) const override;
  Result<Done, std::errc> attach(Device& device, const Attachment& to) override;
  Result<Done, std::errc> attach_pasid(Device& device, SubstreamId pasid,
                                       const Attachment& to) override;
  void respond(Device& device, const PageFault& fault, PageAnswer answer) override;
  void shut_down() override;
  Result<Done, std::errc> suspend() override;
  Result<Done, std::errc> resume() override;

  InterruptLine& event_queue_line() override { return event_queue_line_; }
  InterruptLine& page_request_line() override { return page_request_line_; }
  InterruptLine& global_error_line() override { return global_error_line_; }
  InterruptLine& command_sync_line() override { return command_sync_line_; }
  InterruptLine& wake_up_line() override { return wake_up_line_; }
  SmmuV3DriverConfig::SyncSignal sync_signal() const override { return signal_; }

 private:
  enum class Service : std::uint32_t { kErrors = 1, kEvents = 2, kPageRequests = 4, kWake = 8 };

  // An interrupt of the SMMU.
  class Line final : public InterruptLine {
   public:
    Line(DriverV3& driver, Service service) : driver_(driver), service_(service) {}
    void pulse() override { driver_.interrupt(service_); }

   private:
    DriverV3& driver_;
    const Service service_;
  };

  // A stream that somebody has added; of aliases there are several.
  struct Known {
    StreamId stream;
    DeviceStreams* streams = nullptr;
    // The position from which on records in the Event queue are of what the stream is now.
    std::uint64_t events_from = 0;
  };

  // driver_v3.cpp
  SmmuV3DriverConfig::SyncSignal choose_signal() const;
  bool is_snoop_enforced(const Device& device) const;
  std::optional<std::string> bring_up();
  void interrupt(Service service);
  void serve();
  void serve_all();
  void serve_once();
  void ask_later(Service service);
  void look_at_errors();
  void look_for_errors() override;
  void after_commands() override;
  std::size_t place_of(StreamId stream) const;
  const Known* find(StreamId stream) const;
  bool is_free_for(const Device& device, StreamId stream) const;
  bool is_part_free(StreamId stream) const;
  std::optional<std::errc> make_entries(const DeviceStreams& streams);
  void free_entries(const DeviceStreams& streams);

  // faults.cpp
  std::uint64_t end_of_events();
  bool is_over(const Known& known, std::uint64_t event) const;
  bool may_resume(StreamId stream, std::uint64_t event);
  void drain_events();
  void drain_page_requests();
  void on_event(const EventWords& words, std::uint64_t position);
  void on_page_request(const std::array<std::uint64_t, 2>& words);
  DomainV3* domain_of(const DeviceStreams& streams, std::optional<SubstreamId> substream) const;
  void resume_stalled(StreamId stream, std::uint16_t tag, FaultAction action);
  void answer_group(const PageFault& request, PageAnswer answer);

  // attach.cpp
  struct Destination {
    AttachKind kind = AttachKind::kBlocked;
    DomainV3* domain = nullptr;  // kDomain
  };
  Result<Destination, std::errc> destination_of(const Attachment& to) const;
  v3::STE stream_entry(const DeviceStreams& streams, AttachKind kind, const DomainV3* domain,
                       bool pasids) const;
  bool answers_device(const DeviceStreams& streams, AttachKind kind, const DomainV3* domain,
                      bool pasids) const;
  const DeviceStreams* unblocked_alias(const DeviceStreams& streams, StreamId stream) const;
  Result<Done, std::errc> write_streams(const DeviceStreams& streams, AttachKind kind,
                                        const DomainV3* domain, bool pasids);
  Result<Done, std::errc> return_entries(const DeviceStreams& streams);
  Result<Done, std::errc> write_context(const DeviceStreams& streams, SubstreamId substream,
                                        const v3::CD& cd);
  Result<Done, std::errc> program(DeviceStreams& streams, AttachKind kind, const DomainV3* domain,
                                  bool pasids);
  Result<Done, std::errc> make_contexts(DeviceStreams& streams, SubstreamId substream);
  Result<Done, std::errc> forget_in_device(const DeviceStreams& streams,
                                           std::optional<SubstreamId> substream);
  Result<Done, std::errc> forget_in_devices();
  Result<Done, std::errc> terminate_stalled(const DeviceStreams& streams);
  void leave(std::unique_ptr<AttachedStreams> attached);
  Result<Done, std::errc> attach_streams(DeviceStreams& streams, AttachKind kind, DomainV3* domain);
  Result<Done, std::errc> detach_pasid(DeviceStreams& streams, std::size_t at);
  static v3::STE unknown_entry(const SmmuV3DriverConfig& config, const FeaturesV3& features);

  CoreV3 core_;
  Power power_;
  BringUpV3 bring_up_;
  GlobalErrors errors_;
  const SmmuV3DriverConfig::SyncSignal signal_;
  std::unique_ptr<CommandQueue> queue_;
  std::unique_ptr<StreamEntries> entries_;
  EventQueueV3 events_;
  PageRequestQueueV3 page_requests_;
  PageGroups groups_;

  std::atomic<std::uint32_t> asked_{0};   // services
  std::atomic<bool> interrupted_{false};  // in the middle of an access
  OneAtATime event_drain_;
  OneAtATime page_request_drain_;
  std::atomic<bool> failed_{false};  // Service Failure Mode was seen

  // By the mutex of Deliveries; written by one call at a time.
  GrowingArray<Known> known_;  // by StreamID; aliases as they came

  Line event_queue_line_{*this, Service::kEvents};
  Line page_request_line_{*this, Service::kPageRequests};
  Line global_error_line_{*this, Service::kErrors};
  Line command_sync_line_{*this, Service::kWake};
  Line wake_up_line_{*this, Service::kWake};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_DRIVER_V3_H_
