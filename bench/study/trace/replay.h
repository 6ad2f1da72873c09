// A trace on an allocator: what it does, and whether it answers as was recorded.
#ifndef BENCH_STUDY_TRACE_REPLAY_H_
#define BENCH_STUDY_TRACE_REPLAY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/study/allocator.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// A request that was answered otherwise than recorded.
struct Difference {
  Operation operation;  // with what was recorded
  std::optional<Pfn> got;
};

struct ReplayOutcome {
  static constexpr std::size_t kMaxDifferences = 5;

  std::uint64_t domains = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;  // by this allocator
  std::uint64_t frees = 0;
  std::uint64_t frees_left_out = 0;    // of what this allocator refused
  std::uint64_t recorded = 0;          // requests whose answer is
  std::uint64_t recorded_refused = 0;  // of them
  std::uint64_t different = 0;         // of them
  std::vector<Difference> first_differences;
  std::uint64_t visits = 0;
  std::uint64_t peak_ranges = 0;  // live at once, in one domain
  std::uint64_t peak_pages = 0;
  std::uint64_t peak_bytes = 0;  // that the allocator held at the end of a domain
  // Of a domain the allocator does not know: it takes pages to be of 4096 bytes.
  std::uint64_t other_granule = 0;
};

// A new allocator for each domain.  What was refused when the trace was made and is not now is
// given back at once: nothing in the trace frees it.
ReplayOutcome replay(const Trace& trace, const NamedAllocator& allocator);

enum class Comparison { kNo, kYes };

struct ReplayOptions {
  std::string file;
  std::string allocator;
  Comparison comparison = Comparison::kNo;
};

// The whole of `smmu-study iova --replay FILE --allocator NAME [--compare]`: prints, and returns
// the exit status.  0: replayed; if compared, every recorded answer is equal, and there is one. 1:
// compared, and one is not.  2: the file is no trace, no allocator has the name, or there is
// nothing to compare; a sentence is on standard error.
int replay_file(const ReplayOptions& options, const std::vector<NamedAllocator>& allocators);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_REPLAY_H_
