// An observer that counts, and remembers what the access under way has caused so far.
#ifndef EMULATOR_CLI_RECORDER_H_
#define EMULATOR_CLI_RECORDER_H_

#include <cstdint>
#include <set>
#include <tuple>
#include <variant>
#include <vector>

#include "smmu/emulator/observer.h"

namespace smmu::cli {

struct Counts {
  std::uint64_t configuration_fetches = 0;
  std::uint64_t table_accesses = 0;
  std::uint64_t tlb_hits = 0;
  std::uint64_t tlb_fills = 0;
  std::uint64_t evictions_replaced = 0;
  std::uint64_t evictions_at_cap = 0;
  std::uint64_t commands = 0;
  std::uint64_t command_errors = 0;
};

// A fetch, with its words kept.
struct FetchedStructure {
  emulator::ConfigurationStructure structure;
  std::uint32_t substream;
  std::uint64_t address;
  std::vector<std::uint64_t> words;  // empty: the read aborted
};

struct TlbHit {
  emulator::TlbEntryInfo entry;
};

using Happening = std::variant<FetchedStructure, emulator::TableAccess, TlbHit>;

class Recorder : public emulator::Observer {
 public:
  const Counts& counts() const { return counts_; }

  // What happened since forget(), in order.
  const std::vector<Happening>& happenings() const { return happenings_; }
  // The commands consumed since forget(), in order.
  const std::vector<emulator::CommandConsumed>& commands() const { return commands_; }
  // The events since forget(), in order, whether or not the Event queue took their records.
  const std::vector<emulator::EventReported>& events() const { return events_; }
  // The faults that registers of an SMMUv2 tell of since forget(), in order.
  const std::vector<emulator::FaultRecorded>& faults() const { return faults_; }
  void forget() {
    faults_.clear();
    happenings_.clear();
    commands_.clear();
    events_.clear();
  }

  // The main TLB's entries, as its fills and evictions tell since forget_entries(), and the most
  // that there were at once.  Invalidations are not told, so this is right between them only.
  void forget_entries() {
    resident_.clear();
    most_resident_ = 0;
    distinct_.clear();
  }
  std::size_t most_resident() const { return most_resident_; }
  // How many different entries were ever filled.
  std::size_t distinct() const { return distinct_.size(); }

  void on_configuration_fetch(const emulator::ConfigurationFetch& fetch) override;
  void on_table_access(const emulator::TableAccess& access) override;
  void on_tlb_hit(const emulator::TlbEntryInfo& entry) override;
  void on_tlb_fill(const emulator::TlbEntryInfo& entry) override;
  void on_tlb_evict(const emulator::TlbEntryInfo& entry, emulator::EvictionReason reason) override;
  void on_command(const emulator::CommandConsumed& command) override;
  void on_event(const emulator::EventReported& event) override;
  void on_fault(const emulator::FaultRecorded& fault) override;

 private:
  // VMID, ASID (or none), first address, size.
  using Key = std::tuple<std::uint16_t, std::int32_t, std::uint64_t, std::uint64_t>;
  static Key key(const emulator::TlbEntryInfo& entry);

  Counts counts_;
  std::vector<Happening> happenings_;
  std::vector<emulator::CommandConsumed> commands_;
  std::vector<emulator::EventReported> events_;
  std::vector<emulator::FaultRecorded> faults_;
  std::set<Key> resident_;
  std::set<Key> distinct_;
  std::size_t most_resident_ = 0;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_RECORDER_H_
