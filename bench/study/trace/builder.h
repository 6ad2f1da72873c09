// What the readers of requests have in common: a trace is built, line by line, from a file that
// names ranges by ids of its own.
#ifndef BENCH_STUDY_TRACE_BUILDER_H_
#define BENCH_STUDY_TRACE_BUILDER_H_

#include <cstdint>
#include <string_view>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// Every member function throws BadInput, about the line that `lines` is at, if it holds what a
// trace cannot.
class TraceBuilder {
 public:
  explicit TraceBuilder(const Lines& lines) : lines_(lines) {}

  // From here on.  REQUIRES: before the first request.
  void begin_domain(std::uint64_t granule, Pfn start, std::string_view name);
  bool in_domain() const { return !trace_.domains.empty(); }

  // `slot`, `line` and, for a request, what belongs to it are filled in here.
  void allocate(Operation operation, std::uint64_t id);
  void allocate_refused(Operation operation);
  void free(std::uint64_t id, std::uint16_t thread);

  // Values that every format has, of the words that hold them.
  std::uint64_t pages(std::string_view word, std::optional<std::uint64_t> value) const;
  std::uint16_t thread(std::string_view word) const;

  void note(std::string_view text);
  // BadInput if there is no domain.
  Trace take(Provenance provenance);

 private:
  void append(const Operation& operation);

  const Lines& lines_;
  Trace trace_;
  LiveIds ids_;
  std::size_t operations_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_BUILDER_H_
