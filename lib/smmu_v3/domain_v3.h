// Domains of an SMMUv3, and which streams are attached to them.
#ifndef SMMU_LIB_SMMU_V3_DOMAIN_V3_H_
#define SMMU_LIB_SMMU_V3_DOMAIN_V3_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/smmu_v3/command_batch.h"
#include "lib/smmu_v3/core.h"
#include "lib/smmu_v3/deliveries.h"
#include "lib/smmu_v3/device_streams.h"
#include "lib/smmu_v3/entries.h"
#include "lib/smmu_v3/tlb_invalidation.h"
#include "smmu/iommu/driver.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class DomainV3 : public DriverDomain {
 public:
  enum class Role : std::uint8_t { kBlocked, kIdentity, kStage1, kStage2, kSva, kNested };

  ~DomainV3() override;
  DomainV3(const DomainV3&) = delete;
  DomainV3& operator=(const DomainV3&) = delete;

  Role role() const { return role_; }
  FaultSink* faults() const { return faults_; }
  virtual AddressSpace* address_space() const { return nullptr; }

  // What accesses of this domain are tagged with, which it has from its first attachment on.
  // no_space_on_device: none is left.
  virtual Result<Done, std::errc> take_tag() { return Done{}; }
  virtual bool has_tag() const { return true; }
  // REQUIRES: the SMMU was not told of it.
  virtual void give_back_tag() {}

  // kStage1 and kSva: what the CD of a stream says.
  virtual v3::CD context_for(const StreamTraits&) const { return {}; }
  // kStage2 and kNested: what its STE says.
  virtual v3::STE stream_for(const StreamTraits&) const { return {}; }

  // A domain that has to be told, too, when this one is attached: the stage 2 below.
  virtual DomainV3* parent() const { return nullptr; }

  // From now on invalidations reach the streams, or no more.
  void link(AttachedStreams& attached);
  void unlink(AttachedStreams& attached);
  bool is_attached() const { return state_.load(std::memory_order_acquire) != State::kNowhere; }

  // Whether enforce_cache_coherency() lets them in.
  bool admits(const DeviceStreams& streams) const {
    return !coherent_only_ || streams.snoop_enforced;
  }

  // What nothing is attached to any more is forgotten by the SMMU.
  virtual void forget() {}

  std::uint64_t page_sizes() const override { return 0; }
  Geometry geometry() const override {
    return {.first = Iova(0), .last = Iova(UINT64_MAX), .forced = false};
  }
  void flush_all() override {}
  void sync(const UnmapBatch&) override {}

 protected:
  DomainV3(CoreV3& core, Role role, FaultSink* faults);

  enum class State : std::uint8_t {
    kNowhere,  // the SMMU knows nothing of it
    kPlain,    // the SMMU's TLB does
    kFar,      // devices may, or guests' translations depend on it
  };
  // What is to be told of what the caller has unmapped.  Nobody but who attaches reads the tag
  // before this says that something is attached: then it was taken, and stays.
  State state() const {
    // Who attaches stores the state and then lets the SMMU read the tables: either he is seen here,
    // or the SMMU sees what was unmapped.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return state_.load(std::memory_order_acquire);
  }
  // Whether devices may know translations by now, after the SMMU has forgotten what was unmapped:
  // one that was attached meanwhile may have been told what the TLB still had.
  bool is_far() const { return state_.load(std::memory_order_acquire) == State::kFar; }
  // Whether guests' translations depend on it.
  bool is_below_guests() const { return below_guests_.load(std::memory_order_relaxed); }
  // Calls visit(attached, stream) for each stream that is attached, with room in the batch for a
  // command, which is given to the SMMU with no lock held.
  template <class F>
  void for_each_stream(CommandBatch& batch, F&& visit);

  // To be called first by every destructor.
  void wait_for_handlers() { core_.deliveries.wait(this); }
  // Admits none but such devices from now on.  False: others are attached.
  bool admit_coherent_only();
  // REQUIRES: it was never attached.
  void set_role(Role role) { role_ = role; }

  CoreV3& core_;

 private:
  Role role_;
  FaultSink* const faults_;
  friend class DomainsV3;
  void look_at_attached();

  std::atomic<State> state_{State::kNowhere};
  std::atomic<bool> below_guests_{false};
  bool coherent_only_ = false;  // by who attaches
  std::mutex mutex_;            // guards what follows
  AttachedStreams* first_ = nullptr;
  std::uint64_t next_number_ = 0;
  // Of the driver's list, by its lock.
  DomainV3* next_of_driver_ = nullptr;
  DomainV3* previous_of_driver_ = nullptr;
};

template <class F>
void DomainV3::for_each_stream(CommandBatch& batch, F&& visit) {
  std::uint64_t number = 0;
  std::size_t index = 0;
  while (true) {
    {
      const std::lock_guard guard(mutex_);
      const AttachedStreams* attached = first_;
      while (attached != nullptr && attached->number < number) attached = attached->next;
      while (attached != nullptr && !batch.full()) {
        if (attached->number != number) index = 0;
        number = attached->number;
        if (index == attached->streams->ids.size()) {
          attached = attached->next;
          ++number;
          index = 0;
          continue;
        }
        visit(*attached, attached->streams->ids[index++]);
      }
      if (attached == nullptr) return;
    }
    batch.flush();
  }
}

// What translates, so that the SMMU keeps translations of it.
class TaggedDomain : public DomainV3 {
 public:
  // REQUIRES: nothing is attached, and no handler is called for it.
  ~TaggedDomain() override;

  Result<Done, std::errc> take_tag() override;
  bool has_tag() const override { return tagged_; }
  void give_back_tag() override;
  void forget() override;

  void flush_all() override;

 protected:
  TaggedDomain(CoreV3& core, Role role, FaultSink* faults) : DomainV3(core, role, faults) {}

  // [first, first + size) was unmapped, in pages or blocks of `leaf` bytes.
  void invalidate_range(const TlbInvalidation& tlb, std::uint64_t first, std::uint64_t size,
                        std::uint64_t leaf, TlbInvalidation::Entries entries);
  // The same for one page, by this command for another one.  False: it takes more than that, by
  // invalidate_range().
  bool invalidate_page(const CommandWords& command, std::uint64_t address);
  const TlbTag& tag() const { return tag_; }

 private:
  void complete(CommandBatch& batch, State before, std::uint64_t first, std::uint64_t last);
  void tell_the_far(CommandBatch& batch, std::uint64_t first, std::uint64_t last);
  void keep(const Result<Done, std::errc>& result) const;

  TlbTag tag_;
  bool tagged_ = false;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_DOMAIN_V3_H_
