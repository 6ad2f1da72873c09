// Judges each op of a scenario by the one rule of captures/README: it agrees if it gave what the
// deviations want, or, where they are silent, what was recorded.
#ifndef EMULATOR_CLI_VERDICT_H_
#define EMULATOR_CLI_VERDICT_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emulator/cli/deviations.h"
#include "emulator/cli/driver.h"
#include "emulator/cli/scenario.h"

namespace smmu::cli {

// What was wanted and what came instead.
struct Disagreement {
  std::string expected;
  std::string got;
};

// The answer as a result.  Terminated as RAZ/WI counts as terminated.
AccessResult result_of(const DeviceAccess& access, const Answer& answer);

class Judge {
 public:
  // Lines of `disputed` take the place of those of `deviations`.  Both must outlive the object.
  Judge(const Deviations& deviations, const Deviations& disputed)
      : deviations_(deviations), disputed_(disputed) {}

  // Nothing if the op agrees.
  std::optional<Disagreement> access(const std::string& scenario, std::uint64_t op,
                                     const DeviceAccess& access, const Answer& answer);
  // `command_error` says whether SMMU_GERROR.CMDQ_ERR is active.
  std::optional<Disagreement> read(const std::string& scenario, std::uint64_t op,
                                   const RegisterRead& read, std::uint64_t got, bool command_error);
  std::optional<Disagreement> end(const std::string& scenario, const EndValue& end,
                                  std::uint64_t got, bool command_error);
  // True if the op, and those after it and the end values, are not judged.
  bool stopped(const std::string& scenario, std::uint64_t op) const;

  std::uint64_t masked() const { return masked_; }
  std::uint64_t deviations_used() const { return deviations_used_.size(); }
  std::uint64_t disputed_used() const { return disputed_used_.size(); }

 private:
  template <class T>
  const Wanted<T>* used(const Wanted<T>* disputed, const Wanted<T>* deviation);
  std::optional<Disagreement> value(const Wanted<std::uint64_t>* wanted, std::uint32_t offset,
                                    std::uint64_t recorded, std::uint64_t got, bool command_error);

  const Deviations& deviations_;
  const Deviations& disputed_;
  std::uint64_t masked_ = 0;
  // By line.
  std::set<std::uint64_t> deviations_used_;
  std::set<std::uint64_t> disputed_used_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_VERDICT_H_
