// Address translation services: what a device that translates for itself asks
// of an SMMU, and what software tells such devices through it (IHI 0070, 3.9
// and chapter 8).  These are PCI Express's messages, by PCI Express's names.
#ifndef SMMU_EMULATOR_ATS_H_
#define SMMU_EMULATOR_ATS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What comes with a request that has a PASID.
struct Pasid {
  SubstreamId substream;
  bool execute = false;  // Execute Requested
  Privilege privilege = Privilege::kUnprivileged;
};

// A Translation Request.  It is about `count` Smallest Translation Units: the
// one around the address, and those after it.  That unit, the STU, is the
// smallest granule that the SMMU has (3.9.1), and what is below it of an
// address is not looked at.
struct TranslationRequest {
  StreamId stream;
  Iova address;
  std::uint8_t count = 1;  // 0 is taken as 1
  bool no_write = false;   // NW: the device does not intend to write
  std::optional<Pasid> pasid = std::nullopt;
};

enum class CompletionStatus : std::uint8_t {
  kSuccess,
  kUnsupportedRequest,  // UR: this device may not use ATS
  kCompleterAbort,      // CA: its configuration, or a table, is at fault
};

// What a device may do at a block of addresses, and where: an entry of a
// Translation Completion.  With neither read nor write there is no access, and
// the size is one STU.
struct TranslatedRange {
  Iova address;        // of the first byte of the block around what was asked for
  std::uint64_t size;  // in bytes, a power of two to which both addresses are aligned
  Iova translated;     // of the same byte, for accesses of AddressType::kTranslated
  bool read = false;
  bool write = false;
  bool execute = false;                            // only if it was requested
  Privilege privilege = Privilege::kUnprivileged;  // that of the request, and who this is for
  // Global, No Snoop and Untranslated Access Only, which an SMMU never says
  // (13.6.2.1, 13.6.4).
  bool global = false;
  bool no_snoop = false;
  bool untranslated_only = false;

  bool accessible() const { return read || write; }
};

// A Translation Completion.  Its ranges follow one another; there may be fewer
// than what was asked for needs.
struct TranslationCompletion {
  static constexpr std::size_t kMostRanges = 8;

  CompletionStatus status = CompletionStatus::kSuccess;
  std::uint8_t num_ranges = 0;  // none without success, else one at least
  std::array<TranslatedRange, kMostRanges> storage{};

  std::span<const TranslatedRange> ranges() const {
    return std::span<const TranslatedRange>(storage).first(num_ranges);
  }
};

// A Page Request Message: a page that the device wants to be paged in.
struct PageRequest {
  StreamId stream;
  Iova address;  // what is below 4 KiB is not looked at
  bool read = false;
  bool write = false;
  bool last = false;        // of its group
  std::uint16_t group = 0;  // PRG index, 9 bits
  std::optional<Pasid> pasid = std::nullopt;

  // Chapter 8: the device uses the PASID no longer, and is not answered.
  bool is_stop_marker() const { return pasid && last && !read && !write; }
};

// 8.3
enum class PageResponseCode : std::uint8_t {
  kSuccess = 0b0000,
  kInvalidRequest = 0b0001,
  kResponseFailure = 0b1111,
};

// A PRG Response: software's, or by the SMMU itself.
struct PageGroupResponse {
  StreamId stream;
  std::optional<SubstreamId> substream;
  std::uint16_t group = 0;
  PageResponseCode code = PageResponseCode::kSuccess;

  friend bool operator==(const PageGroupResponse&, const PageGroupResponse&) = default;
};

// An Invalidate Request: the device may use no translation of these addresses
// that it has got before.
struct AtcInvalidation {
  StreamId stream;
  std::optional<SubstreamId> substream;
  bool global = false;  // also translations of other PASIDs that are global
  Iova first;
  Iova last;  // inclusive
};

// Names one Invalidate Request.
using InvalidationTag = Number<struct InvalidationTagKind, std::uint64_t>;

enum class InvalidationResult : std::uint8_t {
  kComplete,     // or Unsupported Request, which is not told (3.9.1.5)
  kNotComplete,  // the device did not answer in time (3.9.1.4)
};

// What carries messages to devices.  Called with no lock held, from whichever
// thread makes the SMMU send; it may use the SMMU.
class RootComplex {
 public:
  virtual ~RootComplex() = default;

  // Is answered, once, by SmmuV3::complete(tag): from inside this or later.  A
  // device answers when it uses nothing of the kind any more, and when its
  // accesses that did have been made.
  virtual void invalidate(const AtcInvalidation& invalidation, InvalidationTag tag) = 0;
  virtual void respond(const PageGroupResponse& response) = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_ATS_H_
