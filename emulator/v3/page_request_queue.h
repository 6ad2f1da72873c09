// The PRI queue (IHI 0070, chapter 8), and what answers page requests in
// software's place.
#ifndef SMMU_EMULATOR_V3_PAGE_REQUEST_QUEUE_H_
#define SMMU_EMULATOR_V3_PAGE_REQUEST_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "emulator/tcu/tcu.h"
#include "emulator/tlb/brief_mutex.h"
#include "emulator/v3/ats_messages.h"
#include "emulator/v3/features.h"
#include "emulator/v3/interrupts.h"
#include "emulator/v3/queue.h"
#include "emulator/v3/register_file.h"
#include "smmu/arch/v3/page_requests.h"
#include "smmu/emulator/ats.h"
#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// What the queue asks of the SMMU around it.
class PageRequestSupervisor {
 public:
  virtual ~PageRequestSupervisor() = default;

  // The configuration of the stream is at fault, which was looked up to answer
  // the request.
  virtual void on_page_request_fault(const PageRequest& request,
                                     const ConfigurationFault& fault) = 0;
};

// Used by whoever performs pending effects: one thread at a time, no lock
// held; but for accept(), which any thread may call.
class PageRequestQueue {
 public:
  PageRequestQueue(const Features& features, RegisterFile& registers, Interrupts& interrupts,
                   PhysicalMemory& memory, Tcu& tcu, AtsMessages& messages,
                   PageRequestSupervisor& smmu, Observer* observer);

  // The queue is enabled: base and size are fixed from now on.
  void enable();

  // Takes a request in, for step().  False: there are too many, and it is lost.
  bool accept(const PageRequest& request);
  // Writes or answers one; false if there was none.
  bool step();
  // The same for all that are there now: 6.3.9.5, they are done with before the
  // queue's disabling is acknowledged.
  void finish();
  // Answers without a look at the queue.
  void fail(const PageRequest& request);

  void reset();

  bool waiting() const { return !waiting_.empty(); }
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    queue_.archive(snapshot, features_.idr1[v3::SMMU_IDR1::PRIQS], features_.output_bits);
    snapshot.sequence(waiting_, kMostWaiting);
    for (const PageRequest& request : waiting_) {
      const bool sound = request.group <= kGroupMask &&
                         (!request.pasid || request.pasid->substream.value <= kPasidMask);
      snapshot.require(sound, "a page request that cannot be");
    }
  }

 private:
  PageRequestFate perform(const PageRequest& request);
  // 8.1: the queue has overflowed.
  void answer_overflow(const PageRequest& request);
  v3::PPR record_of(const PageRequest& request) const;

  static constexpr unsigned kLog2EntryBytes = 4;
  // More can come only from inside one callback, or from devices that ask
  // faster than the queue is written.
  static constexpr std::size_t kMostWaiting = 1024;
  // What only PCI Express's widths let through.
  static constexpr std::uint32_t kPasidMask = (1U << 20) - 1;
  static constexpr std::uint16_t kGroupMask = (1U << 9) - 1;

  const Features& features_;
  RegisterFile& registers_;
  Interrupts& interrupts_;
  PhysicalMemory& memory_;
  Tcu& tcu_;
  AtsMessages& messages_;
  PageRequestSupervisor& smmu_;
  Observer* const observer_;
  Queue queue_{0, kLog2EntryBytes};
  BriefMutex mutex_;  // guards what follows
  std::deque<PageRequest> waiting_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_PAGE_REQUEST_QUEUE_H_
