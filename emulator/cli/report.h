// How the subcommands tell what they found.
#ifndef EMULATOR_CLI_REPORT_H_
#define EMULATOR_CLI_REPORT_H_

#include <cstddef>

namespace smmu::cli {

struct Output {
  bool json = false;
  bool line = false;  // of JSON: what it came to, in one line
  bool all = false;   // every disagreement, not only the first ones

  static constexpr std::size_t kFirst = 10;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REPORT_H_
