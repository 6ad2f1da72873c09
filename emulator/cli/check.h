// What one check of a replay found.
#ifndef EMULATOR_CLI_CHECK_H_
#define EMULATOR_CLI_CHECK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smmu/emulator/transaction.h"

namespace smmu::cli {

struct Check {
  explicit Check(std::string_view check_name) : name(check_name) {}

  std::string name;
  std::uint64_t compared = 0;        // things looked at
  std::uint64_t disagreements = 0;   // those of them that are not as recorded
  std::uint64_t masked = 0;          // differences that captures/README says do not count
  std::vector<std::string> details;  // one for each disagreement, up to kMaxDetails
  std::vector<std::string> notes;    // what a reader should know whether or not all agreed

  static constexpr std::size_t kMaxDetails = 100'000;

  void disagree(std::string detail) {
    ++disagreements;
    if (details.size() < kMaxDetails) details.push_back(std::move(detail));
  }
  bool agrees() const { return disagreements == 0; }
};

// "ok 0x41ea4123", "bypass", "abort", "RAZ/WI", "stall".
std::string to_text(const emulator::Outcome& outcome);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_CHECK_H_
