// All counter groups of an SMMU, and what they hear of it.
#ifndef SMMU_EMULATOR_PMCG_COUNTER_GROUPS_H_
#define SMMU_EMULATOR_PMCG_COUNTER_GROUPS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "emulator/pmcg/counter_group_model.h"
#include "emulator/pmcg/counting_port.h"
#include "emulator/walk/physical_spaces.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator {

// Stands before the observer that the user has wired, if any, and hears what it
// does: so nothing that is counted is hidden by what a port remembers, and an
// SMMU without a group does not know that there are groups.
class CounterGroups final : public Observer {
 public:
  // Null if the SMMU has none.  `config` must outlive it.
  static std::unique_ptr<CounterGroups> make(const SmmuV3Config& config, const Wires& wires,
                                             const PhysicalSpaces& spaces);
  CounterGroups(const SmmuV3Config& config, const Wires& wires, const PhysicalSpaces& spaces);

  CounterGroup& at(std::size_t n) { return *groups_[n]; }
  // What a device has in place of `port`; lives as long as this.
  Port& in_front_of(Port& port) {
    return *ports_.emplace_back(std::make_unique<CountingPort>(*this, port));
  }

  // An SMMU without a Secure interface takes every stream for Non-secure.
  SecurityState security_of(const Transaction& transaction) const {
    return has_secure_ ? transaction.security : SecurityState::kNonSecure;
  }
  void count(v3::MonitorEvent event, StreamId stream, SecurityState security) {
    for (const auto& group : groups_) group->count(event, stream, security);
  }
  void count_cycles(std::uint32_t cycles) {
    for (const auto& group : groups_) group->count_cycles(cycles);
  }
  // Whether no effect of a group is being performed.
  bool quiet() const {
    return std::ranges::all_of(groups_, [](const auto& group) { return group->quiet(); });
  }
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot.section("the counter groups");
    for (const auto& group : groups_) snapshot(*group);
  }
  // Pace::kStepped: performs at most so many effects, one of each group; returns
  // how many.
  std::uint32_t step(std::uint32_t most);

  void on_configuration_fetch(const ConfigurationFetch& fetch) override;
  void on_table_access(const TableAccess& access) override;
  void on_table_update(const TableUpdate& update) override;
  void on_tlb_hit(const TlbEntryInfo& entry) override {
    if (user_ != nullptr) user_->on_tlb_hit(entry);
  }
  void on_tlb_fill(const TlbEntryInfo& entry) override {
    if (user_ != nullptr) user_->on_tlb_fill(entry);
  }
  void on_tlb_evict(const TlbEntryInfo& entry, EvictionReason reason) override {
    if (user_ != nullptr) user_->on_tlb_evict(entry, reason);
  }
  void on_command(const CommandConsumed& command) override {
    if (user_ != nullptr) user_->on_command(command);
  }
  void on_event(const EventReported& event) override {
    if (user_ != nullptr) user_->on_event(event);
  }
  void on_page_request(const PageRequestReported& request) override {
    if (user_ != nullptr) user_->on_page_request(request);
  }
  void on_stall(const StallReported& stall) override {
    if (user_ != nullptr) user_->on_stall(stall);
  }
  void on_fault(const FaultRecorded& fault) override {
    if (user_ != nullptr) user_->on_fault(fault);
  }
  void on_register_access(const RegisterAccess& access) override {
    if (user_ != nullptr) user_->on_register_access(access);
  }

 private:
  void count_table_access();

  const bool has_secure_;
  Observer* const user_;
  std::vector<std::unique_ptr<CounterGroupModel>> groups_;
  std::vector<std::unique_ptr<CountingPort>> ports_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_GROUPS_H_
