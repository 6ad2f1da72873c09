// Requests as a table of comma-separated values; docs/iova_trace.md names the columns.
#ifndef BENCH_STUDY_TRACE_CSV_H_
#define BENCH_STUDY_TRACE_CSV_H_

#include <cstdint>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// One domain.  BadInput if a line is not as it should be.
// REQUIRES: `lines` is before the first line.
Trace read_csv(Lines& lines, std::uint64_t granule, Pfn start);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_CSV_H_
