#include "emulator/cli/recorder.h"

#include <algorithm>

namespace smmu::cli {

namespace {

// What is kept between two calls of forget() is bounded, whatever the input makes the SMMU do.
constexpr std::size_t kMaxKept = std::size_t{1} << 22;

}  // namespace

Recorder::Key Recorder::key(const emulator::TlbEntryInfo& entry) {
  return {entry.vmid.value, entry.asid ? std::int32_t{entry.asid->value} : -1, entry.address.value,
          entry.size};
}

void Recorder::on_configuration_fetch(const emulator::ConfigurationFetch& fetch) {
  ++counts_.configuration_fetches;
  if (happenings_.size() == kMaxKept) return;
  happenings_.push_back(FetchedStructure{.structure = fetch.structure,
                                         .substream = fetch.substream.value,
                                         .address = fetch.address.value,
                                         .words = {fetch.words.begin(), fetch.words.end()}});
}

void Recorder::on_table_access(const emulator::TableAccess& access) {
  ++counts_.table_accesses;
  if (happenings_.size() < kMaxKept) happenings_.push_back(access);
}

void Recorder::on_tlb_hit(const emulator::TlbEntryInfo& entry) {
  ++counts_.tlb_hits;
  if (happenings_.size() < kMaxKept) happenings_.push_back(TlbHit{entry});
}

void Recorder::on_tlb_fill(const emulator::TlbEntryInfo& entry) {
  ++counts_.tlb_fills;
  resident_.insert(key(entry));
  distinct_.insert(key(entry));
  most_resident_ = std::max(most_resident_, resident_.size());
}

void Recorder::on_tlb_evict(const emulator::TlbEntryInfo& entry, emulator::EvictionReason reason) {
  if (reason == emulator::EvictionReason::kCap)
    ++counts_.evictions_at_cap;
  else
    ++counts_.evictions_replaced;
  resident_.erase(key(entry));
}

void Recorder::on_command(const emulator::CommandConsumed& command) {
  ++counts_.commands;
  if (command.error != 0) ++counts_.command_errors;
  if (commands_.size() < kMaxKept) commands_.push_back(command);
}

void Recorder::on_event(const emulator::EventReported& event) {
  if (events_.size() < kMaxKept) events_.push_back(event);
}

void Recorder::on_fault(const emulator::FaultRecorded& fault) {
  if (faults_.size() < kMaxKept) faults_.push_back(fault);
}

}  // namespace smmu::cli
