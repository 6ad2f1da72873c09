// What goes on inside an SMMU, told as it happens.
#ifndef SMMU_EMULATOR_OBSERVER_H_
#define SMMU_EMULATOR_OBSERVER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

enum class ConfigurationStructure : std::uint8_t { kL1STD, kSTE, kL1CD, kCD };

// A configuration structure was read from memory.
struct ConfigurationFetch {
  ConfigurationStructure structure;
  StreamId stream;
  SecurityState security;
  SubstreamId substream;  // the index of the CD; 0 for a stream table's structures
  Pa address;
  // What memory it was read as (IHI 0070, 13.8).
  MemoryAttributes attributes;
  std::span<const std::uint64_t> words;  // empty: the read aborted
};

// A translation table descriptor was read from memory.
struct TableAccess {
  std::uint8_t stage;  // 1 or 2
  int level;
  Pa address;
  SecurityState space;                      // of the address
  std::optional<std::uint64_t> descriptor;  // none: the read aborted
};

// A translation table descriptor was to get its Access flag or dirty state set in
// memory.  Words are as memory has them.
struct TableUpdate {
  std::uint8_t stage;  // 1 or 2
  Pa address;
  SecurityState space;  // of the address
  std::uint64_t expected;
  std::uint64_t desired;
  std::optional<std::uint64_t> found;  // `expected`: it was updated; none: the update aborted
};

// The translation regime that a translation is of (IHI 0070, 3.3.4).
enum class StreamWorld : std::uint8_t {
  kNsEl1,     // has VMIDs and ASIDs
  kNsEl2,     // has neither
  kNsEl2E2h,  // has ASIDs
  kSecure,    // has ASIDs, and VMIDs if SMMU_S_IDR1.SEL2
  kSEl2,      // has neither
  kSEl2E2h,   // has ASIDs
  kEl3,       // has neither
};

// A translation as a TLB holds it.
struct TlbEntryInfo {
  StreamWorld world;
  Vmid vmid;                 // 0 where the world has none
  std::optional<Asid> asid;  // none: a global entry, or one of a world without
  Iova address;              // first address it translates
  std::uint64_t size;
  Pa pa;
};

enum class EvictionReason : std::uint8_t {
  kReplaced,  // the cache had no free place for another entry
  kCap,       // a cache that never evicts reached the size it may not exceed
};

// A command was consumed, or stopped the queue with an error (a CERROR code).
struct CommandConsumed {
  SecurityState security;  // whose queue
  std::uint32_t index;     // its place in the queue
  std::array<std::uint64_t, 2> words;
  std::uint8_t error;
  std::uint32_t queue;  // 0: the Command queue; n + 1: the nth Enhanced Command queue of all pages
};

enum class EventFate : std::uint8_t {
  kWritten,
  kQueueDisabled,
  kQueueFull,
  kQueueAborted,  // an abort is not yet acknowledged, or this write aborted
  kMerged,        // the record written last stands for this one as well
};

struct EventReported {
  SecurityState security;  // whose queue
  std::array<std::uint64_t, 4> words;
  EventFate fate;
};

enum class PageRequestFate : std::uint8_t {
  kWritten,
  kQueueDisabled,
  kQueueFull,     // or an overflow is not yet acknowledged
  kQueueAborted,  // an abort is not yet acknowledged, or this write aborted
};

// A page request came in; unless it was written, the SMMU has answered it
// itself, where it is to be answered at all.
struct PageRequestReported {
  std::array<std::uint64_t, 2> words;
  PageRequestFate fate;
};

enum class StallChange : std::uint8_t {
  kStalled,  // a transaction has begun to wait
  kRetried,  // it is translated once more
  kEnded,    // it waits no longer
};

struct StallReported {
  SecurityState security;
  StreamId stream;
  Stalled stalled;
  StallChange change;
};

// A fault was recorded in the registers of an SMMUv2, or met another one there.
struct FaultRecorded {
  SecurityState security;             // whose registers
  std::optional<std::uint32_t> bank;  // none: the global ones
  std::uint32_t status;               // its bit of SMMU_CBn_FSR or SMMU_sGFSR
  StreamId stream;
  Iova address;
  bool multiple;  // nothing but MULTI was left to record
};

struct RegisterAccess {
  Direction direction;
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;
};

// Called with no lock of the SMMU held, from whichever thread caused the
// event: several at once if several threads use the SMMU.  An SMMU without an
// observer pays one branch an event.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void on_configuration_fetch(const ConfigurationFetch&) {}
  virtual void on_table_access(const TableAccess&) {}
  virtual void on_table_update(const TableUpdate&) {}
  virtual void on_tlb_hit(const TlbEntryInfo&) {}
  virtual void on_tlb_fill(const TlbEntryInfo&) {}
  virtual void on_tlb_evict(const TlbEntryInfo&, EvictionReason) {}
  virtual void on_command(const CommandConsumed&) {}
  virtual void on_event(const EventReported&) {}
  virtual void on_page_request(const PageRequestReported&) {}
  virtual void on_stall(const StallReported&) {}
  virtual void on_fault(const FaultRecorded&) {}
  virtual void on_register_access(const RegisterAccess&) {}
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_OBSERVER_H_
