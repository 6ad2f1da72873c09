// What the TCU asks of the generation above it: the meaning of a stream.
#ifndef SMMU_EMULATOR_TCU_CONFIGURATION_SOURCE_H_
#define SMMU_EMULATOR_TCU_CONFIGURATION_SOURCE_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "emulator/tcu/origin.h"
#include "emulator/tlb/entries.h"
#include "emulator/walk/fault.h"
#include "emulator/walk/overrides.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// Whether software is told of a fault.
enum class Recording : std::uint8_t {
  kSilent,
  kRecorded,
  kStalls,  // and asked: the transaction waits, if its device can
};

// The context banks of an SMMUv2 that a context comes from, which its faults are
// recorded in.  Nothing below looks at them.
struct ContextBanks {
  static constexpr std::uint8_t kNone = 0xff;

  std::uint8_t stage1 = kNone;
  std::uint8_t stage2 = kNone;

  friend constexpr bool operator==(ContextBanks, ContextBanks) = default;
};

// The configuration of a stream is at fault, or absent.
struct ConfigurationFault {
  std::uint8_t code;                // the generation's own number for it
  std::uint32_t substream = 0;      // the CD index it concerns
  std::uint64_t fetch_address = 0;  // of the structure that could not be read
  bool mergeable = false;           // as that of Context
  ContextBanks banks = {};          // as those of Context
};

// The translation of an address failed.
struct TranslationFault {
  WalkFault walk;
  Response response;
  Recording recording;
  bool mergeable = false;   // as that of Context
  ContextBanks banks = {};  // and those
};

// The device asks for what cannot be done, for a reason of the system's own.
struct UnsupportedTransaction {
  std::uint16_t reason;
};

// Nothing is wrong: the configuration wants the transaction aborted.
struct ConfiguredAbort {};

// The device may not do this by its addresses being translated already, or ask
// for their translation.
struct AtsForbidden {};

using Fault = std::variant<ConfiguredAbort, ConfigurationFault, TranslationFault, AtsForbidden,
                           UnsupportedTransaction>;

// Which translations a device is given to keep.
enum class AtsGrant : std::uint8_t {
  kUnknown,  // the stream's configuration is at fault, or wants it aborted
  kNone,
  kFull,   // of all stages
  kSplit,  // of stage 1: what comes in translated goes through stage 2
};

// What configuration says of one stream or substream.
struct Context {
  enum class Action : std::uint8_t { kAbort, kFault, kBypass, kTranslate };

  Action action = Action::kAbort;
  AtsGrant ats = AtsGrant::kUnknown;
  // Of a stream as such: what answers page requests in software's place names
  // their substream.
  bool page_response_names_substream = false;
  // kFault.  A TranslationFault: of stage 2, on the way to the context.
  std::variant<ConfigurationFault, TranslationFault> fault{};

  // Of all that comes in, but for kAbort.
  Overrides overrides;

  // Whether software may be told once of several like faults.
  bool mergeable = false;

  ContextBanks banks;

  // kTranslate
  Owner owner;
  Vmid stage2_vmid;  // of translations of stage 2 that are kept for themselves
  // Translations are the owner's, and kept; else they depend on the stream, too.
  bool shares_translations = true;
  Regime regime;
  // For the faults that software has a say in: Translation, Address Size,
  // Access flag and Permission.  One of stage 2 always ends in an abort.
  Response response = Response::kAbort;
  Recording recording = Recording::kRecorded;
  Recording stage2_recording = Recording::kRecorded;
};

// What a configuration invalidation covers.
struct ConfigurationInvalidation {
  StreamId first;
  StreamId last;
  // Only contexts: of this substream (a CD index) or of all.
  bool contexts_only = false;
  std::optional<SubstreamId> substream;
  // The first levels of two-level tables that lead there, too.
  bool upper_levels = true;
};

// When something was read from memory, so that a copy of it can be judged, and
// what it was.  What is found by way of a copy is as old as that.
struct Reading {
  // How many invalidations had been accepted.  A copy goes with any later one
  // that covers it.
  Stamp stamp;
  // What Tcu::generation() was.  A copy is not begun to be kept once that has
  // changed: it may have been read before what has changed it.
  std::uint64_t generation;
  Origin& origin;
};

// Implemented by each generation; called from any thread.
class ConfigurationSource {
 public:
  struct Resolution {
    Context context;
    // Of the oldest of all that led to it: memory, or a copy of the source's.
    Stamp oldest;
    bool cacheable;  // a failed fetch is not
  };

  virtual ~ConfigurationSource() = default;

  // Reads what leads to the context; called with no lock held.  `now`: the
  // moment before the call.
  virtual Resolution resolve(StreamId stream, std::optional<SubstreamId> substream,
                             Reading now) = 0;
  // The same of the stream as such: what becomes of transactions whose addresses
  // are translated already.
  virtual Resolution resolve_stream(StreamId stream, Reading now) = 0;

  // Whether a context that a snapshot brings is one that this might make, as far as
  // it matters to what this does with its faults.
  virtual bool sound(const Context&) const { return true; }

  // Drops copies that `what` covers and that were read before `before`.  Called
  // with the TCU's lock held: it must not call the TCU.
  virtual void invalidate(const ConfigurationInvalidation& what, Stamp before) = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_CONFIGURATION_SOURCE_H_
