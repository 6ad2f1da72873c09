// A trace: the requests that somebody made of an allocator of address space, in order, and what he
// was answered where that is known.  docs/iova_trace.md tells of the formats that hold one.
#ifndef BENCH_STUDY_TRACE_TRACE_H_
#define BENCH_STUDY_TRACE_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/study/allocator.h"
#include "smmu/result.h"

namespace smmu::study {

// What a trace may hold.  An operation takes 40 bytes, and about three times that while it is
// inferred, so that no file asks for much more than a GiB.
inline constexpr std::size_t kMaxOperations = std::size_t{1} << 23;
inline constexpr std::size_t kMaxDomains = std::size_t{1} << 16;
inline constexpr std::size_t kMaxLiveRanges = std::size_t{1} << 22;
inline constexpr std::size_t kMaxNotes = 64;
inline constexpr std::uint64_t kMaxThread = 65535;

// Where a trace comes from, which its header says.
enum class Provenance {
  kRecorded,   // from an allocator: requests as they were made
  kInferred,   // from what could be seen elsewhere, by a rule; the requests may have been others
  kGenerated,  // from a model
};

std::string_view name_of(Provenance provenance);
std::optional<Provenance> provenance_of(std::string_view name);

// What the allocator answered when the trace was made.
enum class Answer : std::uint8_t { kUnknown, kFirst, kRefused };

// A live range of a domain, by a number below the most that are live at once: it names another
// range when this one is freed.
using Slot = std::uint32_t;

struct Operation {
  enum class Kind : std::uint8_t { kAllocate, kFree };

  Kind kind = Kind::kAllocate;
  Alignment alignment = Alignment::kNatural;  // this, and all but slot, thread, line: of kAllocate
  Answer answer = Answer::kUnknown;
  std::uint16_t thread = 0;
  Slot slot = 0;           // without meaning if the answer is kRefused
  std::uint32_t line = 0;  // of the file it was read from; 0 if none was
  std::uint64_t pages = 0;
  Pfn limit = 0;
  Pfn first = 0;  // if the answer is kFirst
};

// A space of addresses, empty at first.  Ranges that are live at the end stay so.
struct TraceDomain {
  std::uint64_t granule = 4096;
  Pfn start = 1;
  std::string name;  // one word, or empty
  std::vector<Operation> operations;
};

// INVARIANT: every kFree names the slot of a range that is live, and no kAllocate one that is.
struct Trace {
  Provenance provenance = Provenance::kRecorded;
  std::vector<std::string> notes;  // a line each: how it was made
  std::vector<TraceDomain> domains;
};

// The last page of a space of 2^64 bytes, or, for a granule of 1, of one byte less.
Pfn last_page(std::uint64_t granule);

// Slots for ranges that somebody else names in his own way.
class LiveIds {
 public:
  enum class Refusal { kLive, kTooMany, kNotLive };

  // kLive: `id` names a range already.  kTooMany: kMaxLiveRanges do.
  smmu::Result<Slot, Refusal> add(std::uint64_t id);
  // kNotLive: `id` names none.
  smmu::Result<Slot, Refusal> remove(std::uint64_t id);
  void clear();

 private:
  // Ordered, because hostile ids can make any hash table a list.
  std::map<std::uint64_t, Slot> live_;
  std::vector<Slot> free_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_TRACE_H_
