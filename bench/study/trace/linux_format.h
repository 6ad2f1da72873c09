// Requests to Linux's allocator and its answers, as they were recorded for comparison
// (test/data/captures/iova-linux-6.12/README.md).
#ifndef BENCH_STUDY_TRACE_LINUX_FORMAT_H_
#define BENCH_STUDY_TRACE_LINUX_FORMAT_H_

#include <string_view>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// Whether a file that begins with this line is meant to be in the format.
bool is_linux_format(std::string_view first_line);

// BadInput if it is not.  REQUIRES: `lines` is at the first line that says something.
Trace read_linux(Lines& lines);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_LINUX_FORMAT_H_
