// What the manual wants where a QEMU did something else (captures/README, deviations.tsv).
#ifndef EMULATOR_CLI_DEVIATIONS_H_
#define EMULATOR_CLI_DEVIATIONS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "emulator/cli/scenario.h"

namespace smmu::cli {

// How an access ended.
struct AccessResult {
  enum class Kind : std::uint8_t {
    kOk,      // went on to `pa` through tables
    kBypass,  // went out at its own address
    kAbort,   // terminated, no record
    kFault,   // terminated, with a record of `event`
    kStall,   // waits for software
  };
  Kind kind;
  std::uint64_t pa = 0;
  v3::EventType event{};

  friend bool operator==(const AccessResult&, const AccessResult&) = default;
};
std::string to_text(const AccessResult& result);

// A line: one value, or several of which any will do.
template <class T>
struct Wanted {
  std::uint64_t line;
  std::vector<T> any_of;
};

class Deviations {
 public:
  Deviations() = default;
  // BadInput if a line is not what the README says.
  static Deviations load(const std::filesystem::path& file);

  // BadInput if a line speaks of none of these scenarios, or of an op that its scenario does not
  // have or that is of another kind.  Scenarios of one name must each have what the line speaks of.
  void hold_against(std::span<const Scenario* const> scenarios) const;

  // Null if there is no such line.  `op` is the number of the op, for an end value the register's
  // offset.  A line any-of is one for an access.
  const Wanted<AccessResult>* access(const std::string& scenario, std::uint64_t op) const {
    return find(accesses_, scenario, op);
  }
  // None among the values: no record.
  const Wanted<std::optional<EventWords>>* event(const std::string& scenario,
                                                 std::uint64_t op) const {
    return find(events_, scenario, op);
  }
  const Wanted<std::uint64_t>* read(const std::string& scenario, std::uint64_t op) const {
    return find(reads_, scenario, op);
  }
  const Wanted<std::uint64_t>* end(const std::string& scenario, std::uint32_t offset) const {
    return find(ends_, scenario, offset);
  }
  // The op from which on the scenario is not judged.
  std::optional<std::uint64_t> stop(const std::string& scenario) const {
    const auto first = stops_.lower_bound({scenario, 0});
    if (first == stops_.end() || first->first.first != scenario) return std::nullopt;
    return first->first.second;
  }

  const std::string& file() const { return file_; }

 private:
  using Place = std::pair<std::string, std::uint64_t>;
  template <class T>
  using Table = std::map<Place, Wanted<T>>;

  template <class T>
  static const Wanted<T>* find(const Table<T>& table, const std::string& scenario,
                               std::uint64_t op) {
    const auto found = table.find({scenario, op});
    return found == table.end() ? nullptr : &found->second;
  }

  std::string file_;
  Table<AccessResult> accesses_;
  Table<std::optional<EventWords>> events_;
  Table<std::uint64_t> reads_;
  Table<std::uint64_t> ends_;
  std::map<Place, std::uint64_t> stops_;  // the lines
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_DEVIATIONS_H_
