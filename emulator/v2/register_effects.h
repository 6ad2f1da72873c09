// What a register write sets in motion.
#ifndef SMMU_EMULATOR_V2_REGISTER_EFFECTS_H_
#define SMMU_EMULATOR_V2_REGISTER_EFFECTS_H_

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <variant>

#include "emulator/tlb/invalidation.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// Whose a TLB synchronisation, or a translation operation, is: a bank's, or the
// global one of a Security state.
struct Asker {
  SecurityState security;
  std::optional<std::uint32_t> bank;

  friend constexpr bool operator==(const Asker&, const Asker&) = default;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(security, bank);
  }
};

// What one register write is about is at most two things, for which the heap is not needed.
using TlbInvalidations = boost::container::small_vector<TlbInvalidation, 2>;

// Invalidations of one Security state's translations.
struct TlbMaintenance {
  Asker asker;
  TlbInvalidations what;
};
struct TlbSynchronization {
  Asker asker;
};

// SMMU_CBn_ATS1* and SMMU_sGATS*.
struct TranslationRequestV2 {
  Asker asker;
  std::uint32_t bank = 0;
  bool both_stages = false;
  Privilege privilege = Privilege::kUnprivileged;
  Direction direction = Direction::kRead;
  std::uint64_t address = 0;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(asker, bank, both_stages, privilege, direction, address);
  }
};

struct Resumption {
  std::uint32_t bank;
  bool terminates;
};

// What waits because of a bank's fault, or of any bank's, has nothing to wait for any
// more: the fault is cleared, or others go on beside it.
struct NothingToWaitFor {
  std::optional<std::uint32_t> bank;
};

struct RegisterEffects {
  using Action = std::variant<TlbMaintenance, TlbSynchronization, TranslationRequestV2, Resumption,
                              NothingToWaitFor>;

  bool contexts = false;  // what streams mean may have changed
  bool gates = false;     // whether there is a meaning
  bool lines = false;     // interrupts may have
  bool monitors = false;  // whether, or what, is counted
  // In their order: a write of 64 bits may be one to two registers of 32.
  boost::container::small_vector<Action, 2> actions = {};
};

// What became of an access to a register.
enum class Access32 : std::uint8_t {
  kDone,
  kIllegal,  // there is nothing, or not for whoever asks
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_REGISTER_EFFECTS_H_
